/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "soak/soak.h"

#include "bench/bench.h"
#include "soak/census.h"
#include "soak/stage.h"

#include <poll.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define TICK_MS      1
#define HUNG_SECONDS 60
#define INITS_MAX    4096

/* proc(5): 15 bytes */
#define HELPER_NAME "nsisolate-sessi"
#define INIT_NAME   "nsisolate-init"

enum victim { VICTIM_NONE, VICTIM_LOGIN, VICTIM_HELPER, VICTIM_INIT, VICTIMS };

/* A login under way, and what will befall it. */
struct slot {
	pid_t pid; /* 0: free */
	struct login_order order;
	enum victim victim;
	double begun, due; /* when something is killed */
	pid_t helper;
};

struct tally {
	unsigned begun, opened, refused_full, failed, nested, nested_failed, lost;
	unsigned killed[VICTIMS];
	long records_max;
	double *times;
};

static enum login_kind choose_kind(struct soak *soak)
{
	static const struct {
		enum login_kind kind;
		unsigned share;
	} shares[] = {
		{ LOGIN_DEFAULT, 30 }, { LOGIN_SHARED, 20 }, { LOGIN_WAITING, 18 },
		{ LOGIN_FULL, 10 },    { LOGIN_NESTED, 12 }, { LOGIN_BARE, 10 },
	};
	unsigned chosen = soak_random(soak, 100), i = 0;

	while (chosen >= shares[i].share)
		chosen -= shares[i++].share;
	return shares[i].kind;
}

static unsigned choose_user(struct soak *soak, enum login_kind kind)
{
	switch (kind) {
	case LOGIN_FULL:
		return STAGE_USERS + soak_random(soak, STAGE_USERS_ALL - STAGE_USERS);
	case LOGIN_SHARED:
	case LOGIN_WAITING:
		/* few, so that they meet */
		return soak_random(soak, STAGE_SHARING_USERS);
	case LOGIN_DEFAULT:
	case LOGIN_NESTED:
	case LOGIN_BARE:
	case LOGIN_OFF:
	case LOGIN_KINDS:
	default:
		return soak_random(soak, STAGE_USERS);
	}
}

static struct login_order choose_order(struct soak *soak)
{
	enum login_kind kind = choose_kind(soak);
	unsigned end = soak_random(soak, 10);

	return (struct login_order){
		.kind = kind,
		.end = end < 8   ? END_BY_CLOSE
		       : end < 9 ? END_BY_PAM_END
				 : END_BY_EXIT,
		.user = choose_user(soak, kind),
		.other_user = soak_random(soak, STAGE_USERS),
		.hold = -1,
		.hold_ms = soak_random(soak, 40),
		.shell = soak_random(soak, 2) == 0,
		/* without a PID namespace it outlives its session, as it should, and nobody would know whose it is */
		.linger_ms = kind != LOGIN_BARE && soak_random(soak, 3) == 0 ? 1 + soak_random(soak, 400) : 0,
		.orphan = soak_random(soak, 2) == 0,
	};
}

static enum victim choose_victim(struct soak *soak)
{
	unsigned chosen = soak_random(soak, 100);

	return chosen < 60 ? VICTIM_NONE : chosen < 75 ? VICTIM_LOGIN : chosen < 88 ? VICTIM_HELPER : VICTIM_INIT;
}

static void begin(struct soak *soak, struct slot *slot, struct login_result *result, struct tally *tally)
{
	*slot = (struct slot){ .order = choose_order(soak), .victim = choose_victim(soak) };
	slot->begun = now_us();
	slot->due = slot->begun + soak_random(soak, slot->victim == VICTIM_HELPER ? 10000 : 60000);
	slot->pid = soak_login(&slot->order, result, -1);
	tally->begun++;
}

static void count_end(struct soak *soak, const struct slot *slot, const struct login_result *result,
		      struct tally *tally, int status)
{
	if (WIFSIGNALED(status)) {
		tally->lost++;
		return;
	}
	if (status != 0)
		soak_complain(soak, "a login ended with status %#x", (unsigned)status);
	if (result->value == PAM_SUCCESS && !result->isolated)
		soak_complain(soak, "a login as %s was let in without a session", login_service(slot->order.kind));
	if (result->value == PAM_SUCCESS)
		tally->times[tally->opened++] = result->open_us / 1000;
	else if (slot->order.kind == LOGIN_FULL && result->value == PAM_PERM_DENIED)
		tally->refused_full++;
	else
		tally->failed++;
	if (slot->order.kind == LOGIN_NESTED && result->value == PAM_SUCCESS) {
		tally->nested++;
		tally->nested_failed += result->nested != PAM_SUCCESS;
	}
}

/* The helper is the login's child while it opens: children(5) of /proc/PID/task/PID. */
static pid_t find_helper(pid_t login)
{
	char path[64];
	FILE *file;
	int pid = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)login, (int)login);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%d", &pid) != 1 || !has_name(pid, HELPER_NAME))
		pid = 0;
	(void)fclose(file);
	return pid;
}

static bool strike(struct soak *soak, struct slot *slot)
{
	static pid_t inits[INITS_MAX];
	size_t count;

	switch (slot->victim) {
	case VICTIM_LOGIN:
		return kill(slot->pid, SIGKILL) == 0;
	case VICTIM_HELPER:
		return has_name(slot->helper, HELPER_NAME) && kill(slot->helper, SIGKILL) == 0;
	case VICTIM_INIT:
		/* whoever's: one that lingers, one that is shared, one that is just beginning */
		count = find_processes(INIT_NAME, inits, INITS_MAX);
		return count > 0 && kill(inits[soak_random(soak, (unsigned)count)], SIGKILL) == 0;
	case VICTIM_NONE:
	case VICTIMS:
	default:
		return false;
	}
}

static void befall(struct soak *soak, struct slot *slot, struct tally *tally)
{
	if (slot->victim == VICTIM_HELPER && slot->helper == 0) {
		slot->helper = find_helper(slot->pid);
		if (slot->helper == 0)
			return;
		slot->due -= slot->begun;
		slot->due += now_us();
	}
	if (slot->victim == VICTIM_NONE || now_us() < slot->due)
		return;
	tally->killed[slot->victim] += strike(soak, slot);
	slot->victim = VICTIM_NONE;
}

static void look_after(struct soak *soak, struct slot *slot, struct login_result *result, struct tally *tally)
{
	int status;

	if (waitpid(slot->pid, &status, WNOHANG) == slot->pid) {
		count_end(soak, slot, result, tally, status);
		slot->pid = 0;
		return;
	}
	befall(soak, slot, tally);
	if (now_us() - slot->begun > HUNG_SECONDS * 1e6) {
		soak_complain(soak, "a login as %s hangs in state %d: killed", login_service(slot->order.kind),
			      (int)result->state);
		(void)kill(slot->pid, SIGKILL);
		slot->begun = now_us();
	}
}

static void show(const struct soak *soak, struct tally *tally)
{
	long records = count_records();
	static pid_t inits[INITS_MAX];

	tally->records_max = records > tally->records_max ? records : tally->records_max;
	printf("%5.0f s  begun %u of %u: opened %u, refused by max-sessions %u, failed %u, lost %u; killed: logins %u, "
	       "helpers %u, inits %u; alive now: %zu inits, %ld records\n",
	       soak_seconds(), tally->begun, soak->cycles, tally->opened, tally->refused_full, tally->failed,
	       tally->lost, tally->killed[VICTIM_LOGIN], tally->killed[VICTIM_HELPER], tally->killed[VICTIM_INIT],
	       find_processes(INIT_NAME, inits, INITS_MAX), records);
}

static void judge(struct soak *soak, struct tally *tally)
{
	unsigned struck = tally->killed[VICTIM_HELPER] + tally->killed[VICTIM_INIT];

	show(soak, tally);
	printf("  nested logins: %u opened, %u failed; at most %ld records\n", tally->nested - tally->nested_failed,
	       tally->nested_failed, tally->records_max);
	if (tally->opened > 0)
		printf("  time of opening, %u at once: median %.1f ms, p90 %.1f ms, p99 %.1f ms\n", soak->at_once,
		       quantile(tally->times, tally->opened, 0.5), quantile(tally->times, tally->opened, 0.9),
		       quantile(tally->times, tally->opened, 0.99));
	/* whatever else fails, fails because something was killed under it */
	if (tally->failed + tally->nested_failed > struck)
		soak_complain(soak, "%u openings failed, but only %u helpers and inits were killed",
			      tally->failed + tally->nested_failed, struck);
}

void soak_cycles(struct soak *soak)
{
	struct slot *slots = calloc(soak->at_once, sizeof(*slots));
	struct tally tally = { .times = calloc(soak->cycles + 1, sizeof(*tally.times)) };
	unsigned busy = 0;

	if (!slots || !tally.times)
		die("calloc");
	while (tally.begun < soak->cycles || busy > 0) {
		busy = 0;
		for (unsigned i = 0; i < soak->at_once; i++) {
			if (slots[i].pid > 0)
				look_after(soak, &slots[i], &soak->results[i], &tally);
			if (slots[i].pid == 0 && tally.begun < soak->cycles)
				begin(soak, &slots[i], &soak->results[i], &tally);
			busy += slots[i].pid > 0;
		}
		if (soak_progress_due())
			show(soak, &tally);
		(void)poll(NULL, 0, TICK_MS);
	}
	if (soak->cycles > 0)
		judge(soak, &tally);
	free(tally.times);
	free(slots);
}
