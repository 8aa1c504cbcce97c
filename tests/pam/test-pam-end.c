/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* How sessions end, and by whose hand they do not. */

#include "pam/harness.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static bool process_has_gone(void *pid)
{
	return !process_exists(*(pid_t *)pid);
}

static bool no_init_is_left(void *argument)
{
	(void)argument;
	return find_any_init() == 0;
}

static void pam_end_without_close_ends_the_session(void)
{
	struct login login;
	uint64_t host = children_namespace(getpid());

	login_in(&login, "alice");
	login_end(&login, PAM_SUCCESS);
	CHECK_INT(children_namespace(getpid()), host);
	CHECK(eventually(no_init_is_left, NULL));
	CHECK_INT(count_records(), 0);
}

static void closing_twice_does_nothing_more(void)
{
	struct login login;

	login_in(&login, "alice");
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	CHECK_INT(count_logged("session closed: id="), 1);
	login_end(&login, PAM_SUCCESS);
}

static void handle_can_open_again_after_close(void)
{
	struct login login;
	char first[SESSION_ID_LENGTH + 1];

	login_in(&login, "alice");
	(void)snprintf(first, sizeof(first), "%s", login_id(&login));
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
	CHECK(strcmp(first, login_id(&login)) != 0);
	login_out(&login);
}

static void end_silently(void *login)
{
	CHECK_INT(pam_end(((struct login *)login)->pamh, PAM_SUCCESS | PAM_DATA_SILENT), PAM_SUCCESS);
}

static void end_loudly(void *login)
{
	CHECK_INT(pam_end(((struct login *)login)->pamh, PAM_SUCCESS), PAM_SUCCESS);
}

static void close_in_child(void *login)
{
	CHECK_INT(pam_close_session(((struct login *)login)->pamh, 0), PAM_SUCCESS);
}

/* As sshd, sudo and cron fork with an open handle. */
static void forked_copies_of_the_handle_end_nothing(void)
{
	static void (*const ends[])(void *) = { end_silently, end_loudly, close_in_child };
	struct login login;
	pid_t init;

	login_in(&login, "alice");
	init = find_init();
	CHECK(init > 0);
	for (size_t i = 0; i < ELEMENTS(ends); i++) {
		in_child(ends[i], &login);
		CHECK(process_exists(init));
	}
	CHECK(!logged("session closed"));
	login_out(&login);
	CHECK(!process_exists(init));
}

/* The opener itself may end its handle silently, before an exec for instance: the session goes on until it ends. */
static void silent_end_by_the_opener_ends_nothing(void)
{
	struct login login;
	pid_t init;

	login_in(&login, "alice");
	init = find_init();
	end_silently(&login);
	CHECK(process_exists(init));
	CHECK_INT(find_init(), init);
}

struct victim {
	int ready[2];
	pid_t init;
	char id[SESSION_ID_LENGTH + 1];
};

static void open_and_wait(void *argument)
{
	struct victim *victim = argument;
	struct login login;

	login_in(&login, "alice");
	victim->init = find_init();
	(void)snprintf(victim->id, sizeof(victim->id), "%s", login_id(&login));
	CHECK_INT(write(victim->ready[1], victim, sizeof(*victim)), (ssize_t)sizeof(*victim));
	for (;;)
		(void)pause();
}

/* A login process of its own, inside a session. */
static pid_t start_victim(struct victim *victim)
{
	pid_t pid;

	CHECK_INT(pipe2(victim->ready, O_CLOEXEC), 0);
	pid = start_child(open_and_wait, victim);
	close_fd(victim->ready[1]);
	CHECK_INT(read(victim->ready[0], victim, sizeof(*victim)), (ssize_t)sizeof(*victim));
	close_fd(victim->ready[0]);
	return pid;
}

static void killed_caller_takes_its_session_along(void)
{
	struct victim victim;
	pid_t pid = start_victim(&victim);
	struct login login;

	CHECK_INT(init_of(victim.id), victim.init);
	CHECK_INT(kill(pid, SIGKILL), 0);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	CHECK(eventually(process_has_gone, &victim.init));
	CHECK(eventually(record_gone, victim.id));
	/* what nobody closed stays as an ended record, and a later opening takes it away */
	CHECK_INT(count_records(), 1);
	login_in(&login, "alice");
	login_out(&login);
	CHECK_INT(count_records(), 0);
}

static void sweeping_spares_the_living(void)
{
	struct victim victim;
	pid_t pid = start_victim(&victim);
	struct login login;

	for (int i = 0; i < 10; i++) {
		login_in(&login, "bob");
		login_out(&login);
	}
	CHECK_INT(count_records(), 1);
	CHECK_INT(init_of(victim.id), victim.init);
	CHECK_INT(kill(pid, SIGKILL), 0);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	CHECK(eventually(process_has_gone, &victim.init));
}

static void linger(void *argument)
{
	(void)argument;
	for (;;)
		(void)pause();
}

static void processes_of_a_session_end_with_it(void)
{
	struct login login;
	pid_t pid;

	login_in(&login, "alice");
	pid = start_child(linger, NULL);
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	/* our own child, which we have yet to reap: that it was there did not stop close */
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	CHECK(eventually(no_init_is_left, NULL));
	login_end(&login, PAM_SUCCESS);
}

/* sshd is inside close while its child is a zombie of the session's PID namespace: waiting for the init would hang. */
static void close_does_not_wait_for_a_child_that_only_the_caller_can_reap(void)
{
	struct login login;
	siginfo_t info;
	pid_t init, pid;

	login_in(&login, "alice");
	init = find_init();
	pid = start_child(linger, NULL);
	CHECK_INT(kill(pid, SIGKILL), 0);
	CHECK_INT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	alarm(60);
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	/* and the child is still the caller's to reap */
	CHECK_INT(waitpid(pid, NULL, WNOHANG), pid);
	CHECK(eventually(process_has_gone, &init));
	login_end(&login, PAM_SUCCESS);
}

static void init_that_ended_early_does_not_keep_close_from_going_back(void)
{
	struct login login;
	uint64_t host = children_namespace(getpid());
	pid_t init;

	login_in(&login, "alice");
	init = find_init();
	/* by the kernel's OOM killer, say: the host's PID, which is ours too */
	CHECK_INT(kill(init, SIGKILL), 0);
	CHECK(eventually(process_has_gone, &init));
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	CHECK_INT(children_namespace(getpid()), host);
	CHECK_INT(count_records(), 0);
	login_end(&login, PAM_SUCCESS);
}

static void fork_and_wait(void *argument)
{
	struct victim *victim = argument;
	struct login login;

	login_start(&login, "test", "alice");
	CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
	victim->init = find_init();
	(void)start_child(linger, NULL);
	CHECK_INT(write(victim->ready[1], victim, sizeof(*victim)), (ssize_t)sizeof(*victim));
	for (;;)
		(void)pause();
}

/* sshd's children hold copies of all that the monitor has open: those must not keep the session when it is killed. */
static void copies_of_the_callers_descriptors_do_not_keep_the_session(void)
{
	struct victim victim;
	pid_t pid;

	write_stack("test", "session required pam_nsisolate.so\n");
	CHECK_INT(pipe2(victim.ready, O_CLOEXEC), 0);
	pid = start_child(fork_and_wait, &victim);
	CHECK_INT(read(victim.ready[0], &victim, sizeof(victim)), (ssize_t)sizeof(victim));
	CHECK_INT(kill(pid, SIGKILL), 0);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	CHECK(eventually(process_has_gone, &victim.init));
}

static void two_sessions_of_one_process_end_in_order(void)
{
	struct login outer, inner;
	uint64_t host = children_namespace(getpid()), first;

	write_stack("test", "session required pam_nsisolate.so\n");
	login_start(&outer, "test", "alice");
	login_start(&inner, "test", "bob");
	CHECK_INT(login_open(&outer, 0), PAM_SUCCESS);
	first = children_namespace(getpid());
	/* the caller's children already live in another PID namespace than the caller: refused, nothing moves */
	CHECK_INT(login_open(&inner, 0), PAM_SYSTEM_ERR);
	CHECK_INT(children_namespace(getpid()), first);
	login_end(&inner, PAM_SYSTEM_ERR);
	login_out(&outer);
	CHECK_INT(children_namespace(getpid()), host);
}

int main(void)
{
	static const struct pam_case cases[] = {
		CASE(pam_end_without_close_ends_the_session),
		CASE(closing_twice_does_nothing_more),
		CASE(handle_can_open_again_after_close),
		CASE(forked_copies_of_the_handle_end_nothing),
		CASE(silent_end_by_the_opener_ends_nothing),
		CASE(killed_caller_takes_its_session_along),
		CASE(sweeping_spares_the_living),
		CASE(processes_of_a_session_end_with_it),
		CASE(close_does_not_wait_for_a_child_that_only_the_caller_can_reap),
		CASE(init_that_ended_early_does_not_keep_close_from_going_back),
		CASE(copies_of_the_callers_descriptors_do_not_keep_the_session),
		CASE(two_sessions_of_one_process_end_in_order),
	};

	return run_cases(cases, ELEMENTS(cases));
}
