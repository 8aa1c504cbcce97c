/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* A login process that opens and closes many sessions, as a long-lived daemon does, grows in nothing. */

#include "pam/harness.h"
#include "pam/snapshot.h"

#include <fcntl.h>
#include <malloc.h>

#define WARM_UP 20 /* sessions: libraries are loaded, caches filled */
#ifdef SANITIZED
/* slow, and no measure of memory: a sanitizer keeps what is freed */
#define SESSIONS 100
#else
#define SESSIONS 1000
#endif
#define GROWTH_KB   192 /* of pages that are used: a heap gets holes */
#define GROWTH_MAPS 2   /* and takes another step */

struct size {
	long resident, data, threads; /* kB, kB, a number */
	size_t mappings, allocated;
};

static long field(pid_t pid, const char *name)
{
	_cleanup_free_ char *status = read_proc(pid, "status");
	const char *line = status ? strstr(status, name) : NULL;

	CHECK(line);
	return atol(line + strlen(name));
}

static size_t count_mappings(void)
{
	_cleanup_free_ char *maps = read_proc(getpid(), "maps");
	size_t lines = 0;

	CHECK(maps);
	for (const char *at = maps; (at = strchr(at, '\n')); at++)
		lines++;
	return lines;
}

static struct size measure(void)
{
	return (struct size){
		.resident = field(getpid(), "VmRSS:"),
		.data = field(getpid(), "VmData:"),
		.threads = field(getpid(), "Threads:"),
		.mappings = count_mappings(),
#ifndef SANITIZED
		.allocated = mallinfo2().uordblks,
#endif
	};
}

static void compare_sizes(const struct size *before, const struct size *after)
{
	CHECK_INT(after->threads, 1);
#ifndef SANITIZED
	/* a heap that grows by a step or two is not one that leaks: mallinfo(3) tells those apart */
	CHECK(after->resident - before->resident < GROWTH_KB);
	CHECK(after->data - before->data < GROWTH_KB);
	CHECK_INT(after->allocated, before->allocated);
	CHECK(after->mappings <= before->mappings + GROWTH_MAPS);
#else
	(void)before;
#endif
}

/* With a handle of its own each. */
static void open_and_close(unsigned count, int expected)
{
	for (unsigned i = 0; i < count; i++) {
		struct login login;

		login_start(&login, "test", "alice");
		CHECK_INT(login_open(&login, 0), expected);
		if (expected == PAM_SUCCESS)
			CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
		login_end(&login, expected);
	}
}

/* Of a process that has opened some already. */
static void expect_no_growth_of(int expected)
{
	struct snapshot before, after;
	struct size size_before, size_after;

	open_and_close(WARM_UP, expected);
	snapshot_take(&before);
	size_before = measure();
	open_and_close(SESSIONS, expected);
	size_after = measure();
	snapshot_take(&after);
	snapshot_compare(&before, &after, SNAPSHOT_FDS_TOO | SNAPSHOT_NAMESPACES_TOO);
	compare_sizes(&size_before, &size_after);
}

static void expect_no_growth(const char *policy, int expected)
{
	set_policy("default.conf", policy);
	write_stack("test", "session required pam_nsisolate.so\n");
	expect_no_growth_of(expected);
	CHECK_INT(count_records(), 0);
}

static void sessions_of_their_own_grow_nothing(void)
{
	expect_no_growth("", PAM_SUCCESS);
}

static void shared_sessions_grow_nothing(void)
{
	expect_no_growth("scope = \"user\"\n", PAM_SUCCESS);
}

static void sessions_that_wait_grow_nothing(void)
{
	expect_no_growth("scope = \"user\"\non-logout = \"wait\"\n", PAM_SUCCESS);
}

static void refusals_grow_nothing(void)
{
	expect_no_growth("nonsense", PAM_PERM_DENIED);
}

static void records_in_audit_grow_nothing(void)
{
	expect_no_growth("mode = \"audit\"\n", PAM_SUCCESS);
}

struct holder {
	int ready[2], hold[2];
};

static void hold_a_session(void *argument)
{
	struct holder *other = argument;
	struct login login;
	char byte;

	close_fd(other->hold[1]);
	login_start(&login, "test", "alice");
	CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
	CHECK_INT(write(other->ready[1], "", 1), 1);
	CHECK_INT(read(other->hold[0], &byte, 1), 0);
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	login_end(&login, PAM_SUCCESS);
}

/* Each login joins the session of another process and leaves it; neither grows, nor does the init. */
static void joining_and_leaving_grows_nothing(void)
{
	struct holder other;
	long resident;
	pid_t holder, init;
	char byte;

	set_policy("default.conf", "scope = \"user\"\n");
	write_stack("test", "session required pam_nsisolate.so\n");
	CHECK_INT(pipe2(other.ready, O_CLOEXEC), 0);
	CHECK_INT(pipe2(other.hold, O_CLOEXEC), 0);
	holder = start_child(hold_a_session, &other);
	close_fd(other.hold[0]);
	CHECK_INT(read(other.ready[0], &byte, 1), 1);
	init = find_any_init();
	CHECK(init > 0);
	open_and_close(WARM_UP, PAM_SUCCESS);
	/* of the pages of files the kernel may take some back at any time */
	resident = field(init, "RssAnon:");
	expect_no_growth_of(PAM_SUCCESS);
	CHECK_INT(find_any_init(), init);
#ifndef SANITIZED
	CHECK_INT(field(init, "RssAnon:"), resident);
#else
	(void)resident;
#endif
	CHECK_INT(count_records(), 1);
	close_fd(other.hold[1]);
	end_well(holder);
	CHECK_INT(count_logged("session joined: "), 2 * WARM_UP + SESSIONS);
}

/* PAM's own data of the handle, its environment and our words in it. */
static void one_handle_grows_nothing(void)
{
	struct size before = { 0 }, after;
	struct login login;

	write_stack("test", "session required pam_nsisolate.so\n");
	login_start(&login, "test", "alice");
	for (unsigned i = 0; i < WARM_UP + SESSIONS; i++) {
		if (i == WARM_UP)
			before = measure();
		CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
		CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	}
	after = measure();
	compare_sizes(&before, &after);
	login_end(&login, PAM_SUCCESS);
}

/* To mallinfo(3) what malloc keeps for the next request of its size is in use: it shall keep nothing, mallopt(3). */
static void count_what_is_used(char **arguments)
{
	if (getenv("GLIBC_TUNABLES"))
		return;
	CHECK_INT(setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1), 0);
	(void)execv("/proc/self/exe", arguments);
	CHECK(false);
}

int main(int argc, char **argv)
{
	static const struct pam_case cases[] = {
		CASE(sessions_of_their_own_grow_nothing), CASE(shared_sessions_grow_nothing),
		CASE(sessions_that_wait_grow_nothing),    CASE(joining_and_leaving_grows_nothing),
		CASE(one_handle_grows_nothing),           CASE(refusals_grow_nothing),
		CASE(records_in_audit_grow_nothing),
	};

	(void)argc;
	count_what_is_used(argv);
	return run_cases(cases, ELEMENTS(cases));
}
