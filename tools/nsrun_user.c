/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * nsrun without root: the session is its user's own, in a user namespace that maps nobody else. No helper has a part in
 * it, nothing is recorded, logged or counted, and what cannot be had is refused before anything is made.
 */

#include "config/text_list.h"
#include "session/own_session.h"
#include "session/record_store.h"
#include "tools/command.h"
#include "tools/command_exit.h"
#include "tools/environment.h"
#include "tools/nsrun.h"
#include "tools/nsrun_wait.h"
#include "tools/verdict.h"

#include <pwd.h>
#include <string.h>
#include <sys/pidfd.h>

#define DEFAULT_SHELL "/bin/sh"

/* One run of a user's. */
struct run {
	const struct nsrun *nsrun;
	const char *user;
	struct verdict verdict;
	struct plan *plan; /* NULL: nothing is isolated */
	struct signals signals;
	struct terminal terminal;
	struct own_session session;
};

static void run_release(struct run *run)
{
	own_session_end(&run->session);
	terminal_close(&run->terminal);
	signals_release(&run->signals);
	plan_free(run->plan);
	verdict_release(&run->verdict);
}

bool nsrun_is_own(const struct nsrun *nsrun)
{
	struct identity identity = { 0 };
	bool own;

	if (geteuid() == 0 || !nsrun->user)
		return geteuid() != 0;
	own = identity_lookup(nsrun->user, &identity) == 0 && identity.uid == geteuid();
	identity_release(&identity);
	return own;
}

/* user_namespaces(7): whether uid 0 is anybody's here. Where that cannot be read, it is as on a host. */
static bool is_root_mapped(void)
{
	_cleanup_(fclosep) FILE *map = fopen("/proc/self/uid_map", "re");
	unsigned inside, outside, count;
	bool mapped = !map;

	while (map && fscanf(map, "%u %u %u", &inside, &outside, &count) == 3)
		mapped = mapped || inside == 0;
	return mapped;
}

/* -1: go on; else an exit status. */
static int find_user(struct run *run)
{
	const struct passwd *entry;

	if (!is_root_mapped())
		return command_fail(
			"in this user namespace root is not mapped, so that nobody can tell what is root's: no "
			"session can be made in it");

	if (getuid() != geteuid() || getgid() != getegid())
		return command_fail("real and effective ids differ: not for set-user-ID and set-group-ID programs");
	run->user = run->nsrun->user;
	if (run->user)
		return -1;
	errno = 0;
	entry = getpwuid(geteuid());
	if (!entry)
		return command_fail("uid %u: %s", (unsigned)geteuid(),
				    errno ? strerror(errno) : "there is no such user");
	run->user = entry->pw_name;
	return -1;
}

/* -1: the command is to be run all the same; else an exit status. */
static int pass(const struct run *run, const char *why)
{
	if (run->nsrun->dry_run)
		return command_fail("no plan for %s: %s", run->user, why);
	if (!run->nsrun->unisolated_ok)
		return command_fail("%s would not be isolated: %s; --unisolated-ok runs the command all the same",
				    run->user, why);
	(void)command_fail("%s is not isolated: %s", run->user, why);
	return -1;
}

/* -1: go on, and there is a policy, or the command is to be run without; else an exit status. */
static int find_policy(struct run *run)
{
	struct verdict *verdict = &run->verdict;
	const struct verdict_query query = {
		.user = run->user,
		.file = run->nsrun->file,
		.own = true,
		.service = run->nsrun->service,
		.from = run->nsrun->from,
	};
	int r = verdict_find(&query, verdict);

	if (r < 0)
		return command_fail("%s: %s", run->user, strerror(-r));
	if (verdict->outcome == VERDICT_SYSTEM_USER)
		return pass(run, verdict_meaning(verdict, query.service));
	if (!verdict->policy)
		return command_fail("%s is refused: %s", run->user,
				    verdict->problem ? verdict->problem : verdict_meaning(verdict, query.service));
	if (verdict->policy->mode != MODE_ENFORCE)
		return pass(run, verdict_meaning(verdict, query.service));
	if (verdict_no_session(verdict, query.service))
		return command_fail("%s is refused: %s", run->user, verdict_meaning(verdict, query.service));
	return -1;
}

static bool is_isolated(const struct run *run)
{
	return run->verdict.policy && run->verdict.policy->mode == MODE_ENFORCE;
}

static struct own_ids ids_of(const struct run *run)
{
	return (struct own_ids){ .uid = geteuid(), .gid = getegid(), .map_root = run->nsrun->map_root };
}

/* -1: go on with a plan; else an exit status. */
static int make_plan(struct run *run)
{
	const struct own_ids ids = ids_of(run);
	_cleanup_free_ char *problem = NULL;
	char id[SESSION_ID_LENGTH + 1];
	int r = random_id(id, SESSION_ID_LENGTH);

	if (r == 0)
		r = verdict_plan(&run->verdict, run->nsrun->dry_run ? NULL : id, &run->plan, &problem);
	if (r == 0)
		r = unprivileged_plan(run->plan, &ids);
	return r < 0 ? command_fail("%s: %s", run->verdict.policy->file, problem ? problem : strerror(-r)) : -1;
}

/* All that is refused, not the first alone. -1: nothing; else an exit status. */
static int refuse(const struct run *run)
{
	_cleanup_(text_list_freep) char **refusals = NULL;
	int status = -1;

	if (unprivileged_refusals(run->verdict.policy, &refusals) < 0)
		return command_fail("out of memory");
	for (size_t i = 0; refusals && refusals[i]; i++)
		status = command_fail("%s", refusals[i]);
	return status;
}

static int print_plan(const struct run *run)
{
	_cleanup_free_ char *text = plan_format(run->plan);

	if (!text)
		return command_fail("out of memory");
	if (fputs(text, stdout) == EOF || fflush(stdout) != 0)
		return command_fail("standard output: %s", strerror(errno));
	return 0;
}

/* In the session, or where there is none in a child. */
static void become(void *data, bool same_directory, int parent)
{
	const struct run *run = data;
	const struct identity *identity = &run->verdict.identity;
	const char *shell = *identity->shell ? identity->shell : DEFAULT_SHELL;
	const struct environment environment = {
		.user = identity->name,
		.home = *identity->home ? identity->home : "/",
		.shell = shell,
		.root = run->nsrun->map_root,
		.preserve = run->nsrun->preserve_environment,
	};
	const struct command command = {
		.identity = identity,
		.shell = shell,
		.arguments = run->nsrun->command,
		.environment = environment_make(&environment, environ),
		.mask = &run->signals.before,
		.terminal = run->nsrun->terminal ? run->terminal.slave : -1,
		.same_user = true,
		.keep_directory = same_directory,
	};

	if (!command.environment)
		_exit(command_fail("out of memory"));
	command_become(&command, parent);
}

/* -1: go on; else an exit status. */
static int start(struct run *run)
{
	_cleanup_free_ char *text = NULL;
	const struct own_order order = {
		.plan = run->plan,
		.ids = ids_of(run),
		.privileges = policy_privileges(run->verdict.policy),
		.become = become,
		.data = run,
	};

	if (own_session_start(&order, &run->session, &text) == 0)
		return -1;
	return command_fail("%s: %s", run->user, text ? text : "out of memory");
}

static pid_t start_without(struct run *run)
{
	_cleanup_close_ int self = pidfd_open(getpid(), 0);
	pid_t pid = self < 0 ? -1 : fork();

	if (pid == 0)
		become(run, true, self);
	return pid < 0 ? -errno : pid;
}

/* -1: go on; else an exit status. */
static int prepare(struct run *run)
{
	int r = run->nsrun->terminal ? terminal_open(&run->terminal, geteuid()) : 0;

	if (r < 0)
		return command_fail("a new terminal: %s", strerror(-r));
	r = signals_hold(&run->signals);
	return r < 0 ? command_fail("signals: %s", strerror(-r)) : -1;
}

/* An exit status. */
static int run_command(struct run *run)
{
	struct terminal *terminal = run->nsrun->terminal ? &run->terminal : NULL;
	int r = prepare(run);

	if (r < 0 && is_isolated(run))
		r = start(run);
	if (r >= 0)
		return r;
	r = nsrun_wait(is_isolated(run) ? run->session.command : start_without(run), &run->signals, terminal);
	own_session_end(&run->session);
	if (terminal)
		nsrun_finish(&run->signals, terminal);
	return r;
}

int nsrun_user(const struct nsrun *nsrun)
{
	_cleanup_(run_release) struct run run = {
		.nsrun = nsrun,
		.verdict = { .directory = -1 },
		.signals = { .fd = -1 },
		.terminal = { .master = -1, .slave = -1 },
	};
	int r = find_user(&run), refused = -1;

	if (r < 0)
		r = find_policy(&run);
	if (r < 0 && is_isolated(&run)) {
		refused = refuse(&run);
		r = make_plan(&run);
	}
	if (r < 0 && nsrun->dry_run)
		r = print_plan(&run);
	if (refused >= 0)
		return refused;
	return r >= 0 ? r : run_command(&run);
}
