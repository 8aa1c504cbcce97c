/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* Login processes in unusual states: each gets a whole session or a clean refusal, and is as it was. */

#include "pam/harness.h"
#include "pam/snapshot.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#define STDERR_ASIDE 200

/* A login whose libraries are loaded, so that what follows is the module's doing alone. */
static void start_warm(struct login *login)
{
	write_stack("test", "session required pam_nsisolate.so\n");
	login_start(login, "test", "alice");
	CHECK_INT(login_open(login, 0), PAM_SUCCESS);
	CHECK_INT(login_close(login, 0), PAM_SUCCESS);
	log_forget();
}

static void assert_inside(const struct snapshot *before, struct login *login)
{
	CHECK(login_id(login));
	CHECK(children_namespace(getpid()) != before->namespaces[NAMESPACE_PID]);
	CHECK(find_init() > 0);
}

/* Opens and closes, and finds the caller as it was. */
static void expect_session(struct login *login)
{
	struct snapshot before, inside, after;

	snapshot_take(&before);
	CHECK_INT(login_open(login, 0), PAM_SUCCESS);
	snapshot_take(&inside);
	snapshot_compare(&before, &inside, 0);
	assert_inside(&before, login);
	CHECK_INT(login_close(login, 0), PAM_SUCCESS);
	snapshot_take(&after);
	snapshot_compare(&before, &after, SNAPSHOT_FDS_TOO | SNAPSHOT_NAMESPACES_TOO);
	CHECK_INT(count_records(), 0);
	login_end(login, PAM_SUCCESS);
}

static void expect_refusal(struct login *login, int value, const char *reason)
{
	struct snapshot before, after;

	snapshot_take(&before);
	CHECK_INT(login_open(login, 0), value);
	snapshot_take(&after);
	snapshot_compare(&before, &after, SNAPSHOT_FDS_TOO | SNAPSHOT_NAMESPACES_TOO);
	CHECK_INT(count_records(), 0);
	CHECK_INT(count_logged("refused: user=alice"), 1);
	CHECK(logged(reason));
	login_end(login, value);
}

static void with_sigchld_ignored(void)
{
	struct login login;

	start_warm(&login);
	CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
	expect_session(&login);
}

static void with_sigchld_blocked(void)
{
	struct login login;
	sigset_t child, pending;

	start_warm(&login);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	CHECK_INT(sigprocmask(SIG_BLOCK, &child, NULL), 0);
	expect_session(&login);
	CHECK_INT(sigpending(&pending), 0);
	CHECK_INT(sigismember(&pending, SIGCHLD), 0);
}

static volatile sig_atomic_t child_signals;

static void count_child_signal(int signal)
{
	(void)signal;
	child_signals++;
}

static void with_a_sigchld_handler_that_is_not_called(void)
{
	const struct sigaction action = { .sa_handler = count_child_signal };
	struct login login;

	start_warm(&login);
	CHECK_INT(sigaction(SIGCHLD, &action, NULL), 0);
	expect_session(&login);
	CHECK_INT(child_signals, 0);
}

static void end_at_once(void *argument)
{
	(void)argument;
}

/* Its own child's signal, waiting behind the program's mask, survives us. */
static void with_a_pending_sigchld_of_its_own_child(void)
{
	const struct sigaction action = { .sa_handler = count_child_signal };
	struct login login;
	sigset_t child;
	siginfo_t info;
	pid_t pid;

	start_warm(&login);
	CHECK_INT(sigaction(SIGCHLD, &action, NULL), 0);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	CHECK_INT(sigprocmask(SIG_BLOCK, &child, NULL), 0);
	pid = start_child(end_at_once, NULL);
	CHECK_INT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	CHECK_INT(child_signals, 0);
	CHECK_INT(sigprocmask(SIG_UNBLOCK, &child, NULL), 0);
	CHECK_INT(child_signals, 1);
	end_well(pid);
	login_end(&login, PAM_SUCCESS);
}

static void end_when_told(void *argument)
{
	char byte;

	close_fd(((int *)argument)[1]);
	CHECK_INT(read(((int *)argument)[0], &byte, 1), 0);
}

/* The program's own child ends while ours runs: it hears of that, and the child is its to reap. */
static void with_a_child_that_ends_meanwhile(void)
{
	const struct sigaction action = { .sa_handler = count_child_signal };
	struct login login;
	char script[128];
	int told[2];
	pid_t pid;

	start_warm(&login);
	CHECK_INT(sigaction(SIGCHLD, &action, NULL), 0);
	CHECK_INT(pipe2(told, O_CLOEXEC), 0);
	pid = start_child(end_when_told, told);
	(void)snprintf(script, sizeof(script),
		       "#!/bin/sh\nkill -9 %d\nuntil grep -q '^State:.Z' /proc/%d/status; do :; done\n", (int)pid,
		       (int)pid);
	replace_helper(script, 0755);
	CHECK(login_open(&login, 0) != PAM_SUCCESS);
	CHECK_INT(child_signals, 1);
	CHECK_INT(waitpid(pid, NULL, WNOHANG), pid);
	login_end(&login, PAM_SUCCESS);
}

static void with_standard_descriptors_closed(void)
{
	struct login login;

	start_warm(&login);
	CHECK_INT(dup2(STDERR_FILENO, STDERR_ASIDE), STDERR_ASIDE);
	for (int fd = 0; fd < 3; fd++)
		close_fd(fd);
	stderr = fdopen(STDERR_ASIDE, "w");
	expect_session(&login);
}

/* However few more descriptors it may open. */
static void with_hardly_any_descriptors_left(void)
{
	struct login login;
	struct rlimit limit, low;
	struct snapshot before, after;
	unsigned sessions = 0, refusals = 0;
	int highest;

	start_warm(&login);
	snapshot_take(&before);
	highest = dup(STDIN_FILENO);
	close_fd(highest);
	CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int more = 0; more < 20; more++) {
		int r;

		low = (struct rlimit){ .rlim_cur = (rlim_t)(highest + more), .rlim_max = limit.rlim_max };
		CHECK_INT(setrlimit(RLIMIT_NOFILE, &low), 0);
		r = login_open(&login, 0);
		CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
		if (r == PAM_SUCCESS) {
			assert_inside(&before, &login);
			CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
			sessions++;
		} else {
			CHECK(r == PAM_SYSTEM_ERR || r == PAM_PERM_DENIED);
			CHECK(logged("Too many open files"));
			log_forget();
			/* what comes next is a new attempt */
			CHECK(login_close(&login, 0) != PAM_SUCCESS);
			refusals++;
		}
		snapshot_take(&after);
		snapshot_compare(&before, &after, SNAPSHOT_FDS_TOO | SNAPSHOT_NAMESPACES_TOO);
		CHECK_INT(count_records(), 0);
	}
	CHECK(sessions > 0);
	CHECK(refusals > 0);
	login_end(&login, PAM_SUCCESS);
}

struct hostile_limit {
	__rlimit_resource_t resource;
	rlim_t value;
	const char *named; /* in the line about a refusal; NULL: none is expected */
};

static void open_under_limit(void *argument)
{
	const struct hostile_limit *hostile = argument;
	const struct rlimit limit = { hostile->value, hostile->value };
	struct snapshot before, after;
	struct login login;
	int r;

	start_warm(&login);
	CHECK_INT(setrlimit(hostile->resource, &limit), 0);
	snapshot_take(&before);
	r = login_open(&login, 0);
	if (r == PAM_SUCCESS) {
		assert_inside(&before, &login);
		CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	} else {
		CHECK(r == PAM_SYSTEM_ERR || r == PAM_PERM_DENIED);
		CHECK(hostile->named && logged(hostile->named));
	}
	snapshot_take(&after);
	snapshot_compare(&before, &after, SNAPSHOT_FDS_TOO | SNAPSHOT_NAMESPACES_TOO);
}

static bool no_init_is_left(void *argument)
{
	(void)argument;
	return find_any_init() == 0;
}

/* What root may raise again works; where it may not, a refusal; never half a session. */
static void with_hostile_limits(void)
{
	struct hostile_limit hostile[] = {
		{ RLIMIT_FSIZE, 0, "RLIMIT_FSIZE" },
		{ RLIMIT_FSIZE, 100, "RLIMIT_FSIZE" },
		{ RLIMIT_CPU, 1, NULL },
		{ RLIMIT_NPROC, 0, NULL },
		{ RLIMIT_SIGPENDING, 0, NULL },
		{ RLIMIT_MEMLOCK, 0, NULL },
		{ RLIMIT_LOCKS, 0, NULL },
		{ RLIMIT_MSGQUEUE, 0, NULL },
		{ RLIMIT_NICE, 0, NULL },
		{ RLIMIT_RTPRIO, 0, NULL },
		{ RLIMIT_STACK, 64 << 10, NULL },
#ifndef SANITIZED
		{ RLIMIT_DATA, 0, "RLIMIT_DATA" },
		{ RLIMIT_DATA, 1 << 20, "RLIMIT_DATA" },
		{ RLIMIT_AS, 16 << 20, "RLIMIT_AS" },
		{ RLIMIT_AS, 4 << 20, "RLIMIT_AS" },
#endif
	};

	for (size_t i = 0; i < ELEMENTS(hostile); i++) {
		in_child(open_under_limit, &hostile[i]);
		CHECK(eventually(no_init_is_left, NULL));
		CHECK_INT(count_records(), 0);
	}
}

static void open_with_few_descriptors(void *argument)
{
	const rlim_t *value = argument;
	const struct rlimit limit = { *value, *value };
	struct login login;
	int r;

	start_warm(&login);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
	r = login_open(&login, 0);
	if (r == PAM_SUCCESS) {
		CHECK(login_id(&login));
		CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	} else {
		CHECK(r == PAM_SYSTEM_ERR || r == PAM_PERM_DENIED);
		CHECK(logged("Too many open files"));
	}
	login_end(&login, PAM_SUCCESS);
}

/* The hard limit, too: the helper has no more than its caller, unless it may raise that. */
static void with_a_low_hard_limit_on_descriptors(void)
{
	for (rlim_t value = 3; value <= 30; value++) {
		in_child(open_with_few_descriptors, &value);
		CHECK(eventually(no_init_is_left, NULL));
		CHECK_INT(count_records(), 0);
	}
}

static int number_behind_command(pid_t pid, int field)
{
	_cleanup_free_ char *stat = read_proc(pid, "stat");
	const char *text = stat ? strrchr(stat, ')') : NULL;

	for (int i = 2; text && i < field; i++)
		text = strchr(text + 1, ' ');
	CHECK(text);
	return atoi(text);
}

static void priorities_do_not_stick_to_the_init(void)
{
	_cleanup_free_ char *adjustment = NULL;
	_cleanup_close_ int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	struct login login;

	CHECK_INT(setpriority(PRIO_PROCESS, 0, 19), 0);
	CHECK(fd >= 0);
	CHECK_INT(write(fd, "1000", 4), 4);
	login_in(&login, "alice");
	adjustment = read_proc(find_init(), "oom_score_adj");
	CHECK(adjustment);
	CHECK_INT(atoi(adjustment), 0);
	CHECK_INT(number_behind_command(find_init(), 19), 0);
	CHECK_INT(getpriority(PRIO_PROCESS, 0), 19);
	login_out(&login);
}

/* In hexadecimal, proc_pid_status(5): bit 0 is signal 1. */
static unsigned long signals_of(const char *status, const char *key)
{
	const char *at = strstr(status, key);

	CHECK(at);
	return strtoul(at + strlen(key), NULL, 16);
}

static void with_every_signal_blocked_and_ignored(void)
{
	_cleanup_free_ char *status = NULL;
	struct login login;
	sigset_t all;

	start_warm(&login);
	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_IGN);
	sigfillset(&all);
	CHECK_INT(sigprocmask(SIG_BLOCK, &all, NULL), 0);
	CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
	status = read_proc(find_init(), "status");
	CHECK(status);
	/* by which waits of the helper, and programs that it starts, end */
	CHECK_INT(signals_of(status, "SigBlk:"), 0);
	CHECK_INT(signals_of(status, "SigIgn:") & (1UL << (SIGALRM - 1) | 1UL << (SIGPIPE - 1) | 1UL << (SIGTERM - 1)),
		  0);
	login_out(&login);
}

static void *idle(void *argument)
{
	char byte;

	return read(*(int *)argument, &byte, 1) == 0 ? NULL : argument;
}

static void with_a_second_thread_is_refused(void)
{
	struct login login, again;
	pthread_t thread;
	int hold[2];

	start_warm(&login);
	CHECK_INT(pipe2(hold, O_CLOEXEC), 0);
	CHECK_INT(pthread_create(&thread, NULL, idle, hold), 0);
	expect_refusal(&login, PAM_SYSTEM_ERR, "more than one thread");
	close_fd(hold[1]);
	CHECK_INT(pthread_join(thread, NULL), 0);
	close_fd(hold[0]);
	login_start(&again, "test", "alice");
	CHECK_INT(login_open(&again, 0), PAM_SUCCESS);
	login_out(&again);
}

static void chrooted_is_refused(void)
{
	struct login login;

	start_warm(&login);
	CHECK_INT(unshare(CLONE_NEWNS), 0);
	CHECK_INT(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	CHECK_INT(mount("/", "/mnt", NULL, MS_BIND | MS_REC, NULL), 0);
	CHECK_INT(chroot("/mnt"), 0);
	CHECK_INT(chdir("/"), 0);
	expect_refusal(&login, PAM_SYSTEM_ERR, "chrooted");
}

static void in_a_mount_namespace_of_its_own_works(void)
{
	struct login login;

	start_warm(&login);
	CHECK_INT(unshare(CLONE_NEWNS), 0);
	CHECK_INT(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	expect_session(&login);
}

static void with_children_in_another_pid_namespace_is_refused(void)
{
	struct login login;

	start_warm(&login);
	CHECK_INT(unshare(CLONE_NEWPID), 0);
	/* which the first child then begins: no snapshot to compare */
	CHECK_INT(login_open(&login, 0), PAM_SYSTEM_ERR);
	CHECK(logged("makes its children in another PID namespace"));
	CHECK(!has_children());
	CHECK_INT(count_records(), 0);
	login_end(&login, PAM_SYSTEM_ERR);
}

static void with_the_real_uid_of_a_user_works(void)
{
	struct login login;

	start_warm(&login);
	CHECK_INT(setresuid(ALICE, 0, 0), 0);
	expect_session(&login);
}

static void with_the_saved_uid_of_a_user_works(void)
{
	struct login login;

	start_warm(&login);
	CHECK_INT(setresuid(ALICE, 0, BOB), 0);
	expect_session(&login);
}

static void with_the_group_of_a_user_works(void)
{
	struct login login;

	start_warm(&login);
	CHECK_INT(setresgid(ALICE, ALICE, ALICE), 0);
	expect_session(&login);
}

static void without_root_as_its_effective_uid_is_refused(void)
{
	struct login login;

	start_warm(&login);
	CHECK_INT(setresuid(0, ALICE, 0), 0);
	CHECK_INT(login_open(&login, 0), PAM_SYSTEM_ERR);
	CHECK_INT(setresuid(0, 0, 0), 0);
	CHECK(logged("does not run as root"));
	CHECK_INT(count_records(), 0);
}

static void open_without_capability(void *argument)
{
	static const char *const names[] = {
		[CAP_CHOWN] = "CAP_CHOWN",
		[CAP_NET_ADMIN] = "CAP_NET_ADMIN",
		[CAP_SYS_CHROOT] = "CAP_SYS_CHROOT",
		[CAP_SYS_ADMIN] = "CAP_SYS_ADMIN",
	};
	const int *capability = argument;
	_cleanup_free_ char *text = NULL;
	struct login login;

	start_warm(&login);
	/* its own stay: the helper, which is executed, is the one without */
	CHECK_INT(prctl(PR_CAPBSET_DROP, *capability, 0, 0, 0), 0);
	CHECK(asprintf(&text, ": Operation not permitted: the login process lacks %s", names[*capability]) > 0);
	expect_refusal(&login, PAM_SYSTEM_ERR, text);
}

static void without_a_capability_is_refused_by_its_name(void)
{
	int capabilities[] = { CAP_SYS_ADMIN, CAP_SYS_CHROOT, CAP_NET_ADMIN, CAP_CHOWN };

	for (size_t i = 0; i < ELEMENTS(capabilities); i++)
		in_child(open_without_capability, &capabilities[i]);
}

/* Down to where there is no further one, and there a login. */
static void open_in_the_deepest_pid_namespace(void *argument)
{
	struct login *login = argument;

	if (unshare(CLONE_NEWPID) == 0) {
		in_child(open_in_the_deepest_pid_namespace, login);
		return;
	}
	CHECK_INT(errno, ENOSPC);
	CHECK_INT(login_open(login, 0), PAM_SYSTEM_ERR);
	CHECK(logged("step namespaces: clone3: No space left on device: PID namespaces are nested 32 deep, the "
		     "kernel's limit, or the limit user.max_pid_namespaces is reached (policy default.conf)"));
	CHECK(!has_children());
	CHECK_INT(count_records(), 0);
}

static void nested_past_the_kernels_limit_is_refused(void)
{
	struct login login;

	start_warm(&login);
	in_child(open_in_the_deepest_pid_namespace, &login);
	login_end(&login, PAM_SYSTEM_ERR);
}

static void without_an_environment_works(void)
{
	struct login login;

	start_warm(&login);
	environ = NULL;
	expect_session(&login);
}

static void with_no_new_privileges_works(void)
{
	struct login login;

	start_warm(&login);
	CHECK_INT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	expect_session(&login);
}

static void with_a_hostile_file_mask_works(void)
{
	struct login login;

	start_warm(&login);
	(void)umask(0777);
	empty_directory("/run/nsisolate");
	CHECK_INT(rmdir("/run/nsisolate"), 0);
	expect_session(&login);
}

/* Not restarted: every interruptible call of the module ends early again and again. */
static void under_a_storm_of_signals_works(void)
{
	const struct sigaction action = { .sa_handler = count_child_signal };
	const struct itimerval often = { { 0, 500 }, { 0, 500 } };
	const struct itimerval never = { { 0, 0 }, { 0, 0 } };
	struct login login;

	start_warm(&login);
	CHECK_INT(sigaction(SIGALRM, &action, NULL), 0);
	for (int i = 0; i < 20; i++) {
		int r;

		CHECK_INT(setitimer(ITIMER_REAL, &often, NULL), 0);
		r = login_open(&login, 0);
		CHECK_INT(setitimer(ITIMER_REAL, &never, NULL), 0);
		CHECK_INT(r, PAM_SUCCESS);
		CHECK_INT(setitimer(ITIMER_REAL, &often, NULL), 0);
		r = login_close(&login, 0);
		CHECK_INT(setitimer(ITIMER_REAL, &never, NULL), 0);
		CHECK_INT(r, PAM_SUCCESS);
	}
	CHECK(child_signals > 0);
	CHECK(!has_children());
	login_end(&login, PAM_SUCCESS);
}

int main(void)
{
	static const struct pam_case cases[] = {
		CASE(with_sigchld_ignored),
		CASE(with_sigchld_blocked),
		CASE(with_a_sigchld_handler_that_is_not_called),
		CASE(with_a_pending_sigchld_of_its_own_child),
		CASE(with_a_child_that_ends_meanwhile),
		CASE(with_standard_descriptors_closed),
		CASE(with_hardly_any_descriptors_left),
		CASE(with_hostile_limits),
		CASE(with_a_low_hard_limit_on_descriptors),
		CASE(priorities_do_not_stick_to_the_init),
		CASE(with_every_signal_blocked_and_ignored),
		CASE(with_a_second_thread_is_refused),
		CASE(chrooted_is_refused),
		CASE(in_a_mount_namespace_of_its_own_works),
		CASE(with_children_in_another_pid_namespace_is_refused),
		CASE(with_the_real_uid_of_a_user_works),
		CASE(with_the_saved_uid_of_a_user_works),
		CASE(with_the_group_of_a_user_works),
		CASE(without_root_as_its_effective_uid_is_refused),
		CASE(without_a_capability_is_refused_by_its_name),
		CASE(nested_past_the_kernels_limit_is_refused),
		CASE(without_an_environment_works),
		CASE(with_no_new_privileges_works),
		CASE(with_a_hostile_file_mask_works),
		CASE(under_a_storm_of_signals_works),
	};

	return run_cases(cases, ELEMENTS(cases));
}
