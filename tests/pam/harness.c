/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "pam/harness.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <syslog.h>

#define MARKER       "/.nsisolate-sandbox"
#define EXIT_FAILED  1
#define CASE_SECONDS 120
#define LOG_SHOWN    4000 /* bytes, of a failed case */

void check_failed(const char *file, int line, const char *what, long long found, long long expected)
{
	const char *log = log_text();
	size_t length = strlen(log);

	fprintf(stderr, "%s:%d: %s (found %lld, expected %lld)\nlog:\n%s\n", file, line, what, found, expected,
		length > LOG_SHOWN ? log + length - LOG_SHOWN : log);
	fflush(stderr);
	_exit(EXIT_FAILED);
}

struct host_state {
	uint64_t namespaces[NAMESPACE_KINDS];
	char hostname[65];
	char *mounts;
};

static void read_host_state(struct host_state *state)
{
	read_namespaces(getpid(), state->namespaces);
	(void)gethostname(state->hostname, sizeof(state->hostname));
	state->mounts = read_proc(getpid(), "mountinfo");
}

/* Every process of the sandbox whose PID namespace is not ours: those of sessions. */
static bool no_process_is_isolated(void *own)
{
	DIR *directory = fdopendir(openat(host_proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const struct dirent *entry;
	bool none = true;

	while (none && (entry = readdir(directory))) {
		uint64_t found = children_namespace(atoi(entry->d_name));

		none = *entry->d_name < '1' || *entry->d_name > '9' || !process_exists(atoi(entry->d_name)) ||
		       found == 0 || found == *(uint64_t *)own;
	}
	(void)closedir(directory);
	return none;
}

static void run_case(void **state)
{
	const struct pam_case *pam_case = *state;
	struct host_state before, after;
	uint64_t own = children_namespace(getpid());
	int status = -1;
	pid_t child;

	make_host_clean();
	read_host_state(&before);
	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		alarm(CASE_SECONDS);
		/* the program's own connection to the log, there before the module uses it */
		openlog("test-pam", LOG_NDELAY, LOG_USER);
		pam_case->run();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (status != 0)
		fail_msg("%s: wait status %#x", pam_case->name, (unsigned)status);
	assert_true(eventually(no_process_is_isolated, &own));
	read_host_state(&after);
	assert_memory_equal(before.namespaces, after.namespaces, sizeof(before.namespaces));
	assert_string_equal(before.hostname, after.hostname);
	assert_string_equal(before.mounts, after.mounts);
	free(before.mounts);
	free(after.mounts);
}

int run_cases(const struct pam_case *cases, size_t count)
{
	const char *wanted = getenv("NSISOLATE_CASE");
	struct CMUnitTest *tests = calloc(count, sizeof(*tests));
	size_t kept = 0;
	int r;

	if (access(MARKER, F_OK) < 0) {
		fputs("only inside the sandbox: tests/support/run-in-sandbox\n", stderr);
		return 2;
	}
	host_proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!tests || host_proc < 0)
		return 2;
	log_start();
	for (size_t i = 0; i < count; i++)
		if (!wanted || strstr(cases[i].name, wanted))
			tests[kept++] = (struct CMUnitTest){
				.name = cases[i].name,
				.test_func = run_case,
				.initial_state = (void *)&cases[i],
			};
	r = _cmocka_run_group_tests("pam", tests, kept, NULL, NULL);
	free(tests);
	return r;
}
