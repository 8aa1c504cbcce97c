/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "soak/stage.h"

#include "soak/login.h"

#include "bench/bench.h"
#include "common/cleanup.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define FIRST_UID   5000
#define REASONS     24
#define REASON_SIZE 160

#define BARE_POLICY                                                                                          \
	"max-sessions = 100000\nipc { isolate = false }\nuts { isolate = false }\npid { isolate = false }\n" \
	"mount { isolate = false proc = \"host\" runtime-dir = \"host\" }\n"

/* A directory of policies for each kind, so that each is as short as most are. */
static const char *const policies[LOGIN_KINDS] = {
	[LOGIN_DEFAULT] = "max-sessions = 100000\n",
	[LOGIN_SHARED] = "max-sessions = 100000\nscope = \"user\"\n",
	[LOGIN_WAITING] = "max-sessions = 100000\nscope = \"user\"\non-logout = \"wait\"\n",
	[LOGIN_FULL] = "max-sessions = 1\n",
	[LOGIN_NESTED] = "max-sessions = 100000\n",
	[LOGIN_BARE] = BARE_POLICY,
	[LOGIN_OFF] = "mode = \"off\"\n",
};

static struct {
	struct stage_log log;
	struct {
		volatile unsigned long count;
		char text[REASON_SIZE];
	} reasons[REASONS];
} * shared;

static void write_file(const char *path, const char *mode, const char *text)
{
	FILE *file = fopen(path, mode);

	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		die(path);
}

uid_t stage_uid(unsigned user)
{
	return FIRST_UID + user;
}

void stage_user_name(unsigned user, char ret[STAGE_NAME_SIZE])
{
	(void)snprintf(ret, STAGE_NAME_SIZE, "soak%03u", user);
}

static void make_users(void)
{
	for (unsigned i = 0; i < STAGE_USERS_ALL; i++) {
		char name[STAGE_NAME_SIZE], line[3 * STAGE_NAME_SIZE];

		stage_user_name(i, name);
		(void)snprintf(line, sizeof(line), "%s:x:%u:%u::/home:/bin/sh\n", name, stage_uid(i), stage_uid(i));
		write_file("/etc/passwd", "a", line);
		(void)snprintf(line, sizeof(line), "%s:x:%u:\n", name, stage_uid(i));
		write_file("/etc/group", "a", line);
	}
}

static void make_stack(enum login_kind kind)
{
	const char *name = login_service(kind);
	const struct timespec long_ago[2] = { 0 };
	char path[128], line[256];

	(void)snprintf(path, sizeof(path), STAGE_POLICIES "/%s", name);
	if (mkdir(path, 0755) < 0)
		die(path);
	(void)snprintf(line, sizeof(line), "session required pam_nsisolate.so policy=%s\n", path);
	(void)snprintf(path, sizeof(path), STAGE_POLICIES "/%s/default.conf", name);
	write_file(path, "w", policies[kind]);
	/* what has just been written is waited for */
	(void)utimensat(AT_FDCWD, path, long_ago, 0);
	(void)snprintf(path, sizeof(path), STAGE_STACKS "/%s", name);
	write_file(path, "w", line);
}

static void make_stacks(void)
{
	if (mkdir(STAGE_STACKS, 0755) < 0 || mkdir(STAGE_POLICIES, 0755) < 0)
		die("mkdir");
	for (unsigned i = 0; i < LOGIN_KINDS; i++)
		make_stack((enum login_kind)i);
}

static void count_reason(const char *text)
{
	/* behind the words that say whose it is */
	const char *found = strstr(text, "rhost=-: ");

	found = found ? found + strlen("rhost=-: ") : text;
	for (unsigned i = 0; i < REASONS; i++) {
		if (shared->reasons[i].count == 0)
			(void)snprintf(shared->reasons[i].text, REASON_SIZE, "%s", found);
		if (strncmp(shared->reasons[i].text, found, REASON_SIZE - 1) == 0 || i == REASONS - 1) {
			shared->reasons[i].count++;
			return;
		}
	}
}

static void count_line(const char *line)
{
	struct stage_log *log = &shared->log;
	const struct {
		const char *words;
		volatile unsigned long *count;
		bool why;
	} kinds[] = {
		{ ": NSL001 ", &log->opened, false },      { ": NSL002 ", &log->joined, false },
		{ ": NSL003 ", &log->closed, false },      { ": NSL004 ", &log->left, false },
		{ " denied: user=", &log->denied, false }, { " refused: user=", &log->refused, true },
		{ ": NSL005 ", &log->close_failed, true },
	};

	for (size_t i = 0; i < ELEMENTS(kinds); i++) {
		const char *found = strstr(line, kinds[i].words);

		if (!found)
			continue;
		++*kinds[i].count;
		if (kinds[i].why)
			count_reason(found);
		return;
	}
}

static _Noreturn void read_log(int socket)
{
	char line[4096];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, "soak-log", 0, 0, 0);
	for (;;) {
		ssize_t size = recv(socket, line, sizeof(line) - 1, 0);

		if (size < 0)
			_exit(1);
		line[size] = '\0';
		count_line(line);
	}
}

static void make_log(void)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	int listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pid_t reader;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	(void)unlink(address.sun_path);
	if (shared == MAP_FAILED || listener < 0 ||
	    bind(listener, (const struct sockaddr *)&address, sizeof(address)) < 0)
		die("/dev/log");
	reader = fork();
	if (reader < 0)
		die("fork");
	if (reader == 0)
		read_log(listener);
	close_fd(listener);
}

void stage_make(void)
{
	if (access("/.nsisolate-sandbox", F_OK) < 0) {
		fputs("only inside the sandbox: tests/soak/run-soak\n", stderr);
		exit(2);
	}
	make_users();
	make_stacks();
	make_log();
}

const struct stage_log *stage_log(void)
{
	return &shared->log;
}

static bool is_expected(const char *reason)
{
	static const char *const words[] = {
		"nsisolate-session ended without an answer",
		"step init: no report: Connection reset by peer",
		"step setns: init: No such process",
		"step namespaces: /proc: No such process",
	};

	for (size_t i = 0; i < ELEMENTS(words); i++)
		if (strstr(reason, words[i]))
			return true;
	return false;
}

unsigned long stage_print_reasons(void)
{
	unsigned long unexpected = 0;

	for (unsigned i = 0; i < REASONS; i++) {
		bool expected = is_expected(shared->reasons[i].text);

		if (shared->reasons[i].count == 0)
			continue;
		printf("  %6lu  %s%s\n", shared->reasons[i].count, shared->reasons[i].text,
		       expected ? "" : "  UNEXPECTED");
		unexpected += expected ? 0 : shared->reasons[i].count;
	}
	return unexpected;
}
