/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * Other modules of a stack, before and after the line that opens: what of them works, what does not and how that shows.
 * pam_nsisolate(8), Modules after open, says what is shown here.
 */

#include "pam/harness.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#define OURS         "session required pam_nsisolate.so\n"
#define OURS_CLOSE   "session required pam_nsisolate.so close\n"
#define OURS_OPEN    "session required pam_nsisolate.so open\n"
#define PROBE        "session required " PROBE_MODULE " "
#define FILES        "/run/neighbours" /* the session sees the host's /run */
#define NO_PIDS      "pid { isolate = false }\nmount { proc = \"hidepid\" }\n"
#define MODULES      NSISOLATE_MODULE_DIRECTORY
#define NO_LOGIN_UID "4294967295"

static void start(struct login *login, const char *stack)
{
	write_stack("test", "%s", stack);
	login_start(login, "test", "alice");
}

/* Opens, with this stack: must succeed. */
static void open_with(struct login *login, const char *stack)
{
	start(login, stack);
	CHECK_INT(login_open(login, 0), PAM_SUCCESS);
	CHECK(login_id(login));
}

static int probed(struct login *login, const char *name)
{
	const char *value = pam_getenv(login->pamh, name);

	CHECK(value);
	return atoi(value);
}

/* A module of the distribution; false where it is not installed. */
static bool has_module(const char *name)
{
	char path[512];

	(void)snprintf(path, sizeof(path), MODULES "/%s", name);
	if (access(path, F_OK) == 0)
		return true;
	CHECK(!getenv("CI"));
	fprintf(stderr, "skipped: no %s\n", name);
	return false;
}

static void write_in_files(const char *name, const char *text, mode_t mode)
{
	char path[256];

	(void)mkdir(FILES, 0755);
	(void)snprintf(path, sizeof(path), FILES "/%s", name);
	write_text(path, text, mode);
}

static char *read_in_files(const char *name)
{
	char path[256], *text = calloc(1, 4096);
	int fd;

	(void)snprintf(path, sizeof(path), FILES "/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(text && fd >= 0 && read(fd, text, 4095) >= 0);
	close_fd(fd);
	return text;
}

/* Where modules run */

static void modules_run_inside_from_open_to_close_and_only_there(void)
{
	struct login login;

	write_text("/tmp/of-the-host", "", 0644);
	open_with(&login, PROBE "host\n" OURS);
	CHECK_INT(probed(&login, "OPEN_host"), 1);
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	/* the order is the same at close: it runs before ours has left */
	CHECK_INT(probed(&login, "CLOSE_host"), 0);
	login_end(&login, PAM_SUCCESS);
	open_with(&login, OURS PROBE "host\n");
	CHECK_INT(probed(&login, "OPEN_host"), 0);
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	CHECK_INT(probed(&login, "CLOSE_host"), 1);
	login_end(&login, PAM_SUCCESS);
	CHECK_INT(unlink("/tmp/of-the-host"), 0);
}

static void between_close_first_and_open_last_modules_run_on_the_host(void)
{
	struct login login;

	write_text("/tmp/of-the-host", "", 0644);
	open_with(&login, OURS_CLOSE PROBE "host self thread\n" OURS_OPEN);
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	CHECK_INT(probed(&login, "OPEN_host"), 1);
	CHECK_INT(probed(&login, "OPEN_self"), 0);
	CHECK_INT(probed(&login, "OPEN_thread"), 0);
	CHECK_INT(probed(&login, "CLOSE_host"), 1);
	CHECK_INT(probed(&login, "CLOSE_self"), 0);
	CHECK_INT(probed(&login, "CLOSE_thread"), 0);
	login_end(&login, PAM_SUCCESS);
	CHECK_INT(unlink("/tmp/of-the-host"), 0);
}

/* /proc */

static void after_open_proc_self_leads_nowhere(void)
{
	struct login login;

	open_with(&login, OURS_CLOSE OURS_OPEN PROBE "self descriptors dev-fd child-self\n");
	CHECK_INT(probed(&login, "OPEN_self"), ENOENT);
	CHECK_INT(probed(&login, "OPEN_descriptors"), ENOENT);
	CHECK_INT(probed(&login, "OPEN_dev-fd"), ENOENT);
	/* of the process's children it does not */
	CHECK_INT(probed(&login, "OPEN_child-self"), 0);
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	CHECK_INT(probed(&login, "CLOSE_self"), 0);
	CHECK_INT(probed(&login, "CLOSE_descriptors"), 0);
	login_end(&login, PAM_SUCCESS);
}

static void after_open_proc_self_is_there_with_the_hosts_process_numbers(void)
{
	struct login login;

	set_policy("default.conf", NO_PIDS);
	open_with(&login, OURS PROBE "self descriptors child-self\n");
	CHECK_INT(probed(&login, "OPEN_self"), 0);
	CHECK_INT(probed(&login, "OPEN_descriptors"), 0);
	CHECK_INT(probed(&login, "OPEN_child-self"), 0);
	login_out(&login);
}

/* Threads */

static void thread_that_an_earlier_module_leaves_refuses(void)
{
	struct login login;

	start(&login, PROBE "lasting-thread\n" OURS);
	CHECK_INT(login_open(&login, 0), PAM_SYSTEM_ERR);
	CHECK_INT(probed(&login, "OPEN_lasting-thread"), 0);
	CHECK_INT(count_logged("refused: user=alice"), 1);
	CHECK(logged("step caller: the login process has more than one thread and cannot be moved as a whole"));
	CHECK_INT(find_any_init(), 0);
	login_end(&login, PAM_SYSTEM_ERR);
}

static void thread_that_an_earlier_module_ends_does_not(void)
{
	struct login login;

	open_with(&login, PROBE "thread\n" OURS);
	CHECK_INT(probed(&login, "OPEN_thread"), 0);
	login_out(&login);
}

static void after_open_a_thread_cannot_be_made(void)
{
	struct login login;

	open_with(&login, OURS_CLOSE OURS_OPEN PROBE "thread\n");
	CHECK_INT(probed(&login, "OPEN_thread"), EINVAL);
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	CHECK_INT(probed(&login, "CLOSE_thread"), 0);
	login_end(&login, PAM_SUCCESS);
}

static void after_open_a_thread_can_be_made_with_the_hosts_process_numbers(void)
{
	struct login login;

	set_policy("default.conf", NO_PIDS);
	open_with(&login, OURS PROBE "thread\n");
	CHECK_INT(probed(&login, "OPEN_thread"), 0);
	login_out(&login);
}

static uint64_t mount_namespace(pid_t pid)
{
	uint64_t namespaces[NAMESPACE_KINDS];

	read_namespaces(pid, namespaces);
	return namespaces[NAMESPACE_MOUNT];
}

/* setns(2): a process with threads cannot change its mount namespace, so the way back is barred. */
static void thread_that_a_later_module_leaves_bars_the_way_back(void)
{
	struct login login;
	uint64_t inside;

	set_policy("default.conf", NO_PIDS);
	open_with(&login, OURS PROBE "lasting-thread\n");
	inside = mount_namespace(getpid());
	CHECK_INT(probed(&login, "OPEN_lasting-thread"), 0);
	CHECK_INT(login_close(&login, 0), PAM_SESSION_ERR);
	CHECK(logged("step close: id="));
	CHECK(logged(": Invalid argument"));
	/* the session has ended all the same */
	CHECK_INT(find_any_init(), 0);
	CHECK_INT(mount_namespace(getpid()), inside);
	login_end(&login, PAM_SESSION_ERR);
}

/* Processes and daemons */

static void processes_of_later_modules_are_the_sessions(void)
{
	struct login login;

	open_with(&login, OURS PROBE "child spawn\n");
	/* the init is 1 */
	CHECK_INT(probed(&login, "OPEN_child"), 2);
	CHECK_INT(probed(&login, "OPEN_spawn"), 0);
	login_out(&login);
}

static void later_modules_reach_daemons_by_sockets_in_run(void)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/run/test-daemon" };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), connection;
	struct ucred peer;
	socklen_t size = sizeof(peer);
	struct login login;

	CHECK(listener >= 0);
	CHECK_INT(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_INT(listen(listener, 1), 0);
	open_with(&login, OURS PROBE "daemon\n");
	CHECK_INT(probed(&login, "OPEN_daemon"), 0);
	connection = accept(listener, NULL, NULL);
	CHECK(connection >= 0);
	CHECK_INT(getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
	/* and are known there by the number that they have on the host */
	CHECK_INT(peer.pid, getpid());
	login_out(&login);
	CHECK_INT(unlink(address.sun_path), 0);
}

/* Modules of Linux-PAM */

static void login_uid_is_set_before_and_silently_not_after(void)
{
	static const struct {
		const char *stack, *expected;
	} cases[] = {
		{ "session required pam_loginuid.so\n" OURS, "3001" },
		{ OURS "session required pam_loginuid.so\n", NO_LOGIN_UID },
	};

	if (!has_module("pam_loginuid.so"))
		return;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		/* it can be set once in a process's life; where it is set already, nothing is shown */
		_cleanup_free_ char *before = read_proc(getpid(), "loginuid");
		_cleanup_free_ char *after = NULL;
		struct login login;
		pid_t child;

		if (!before || strcmp(before, NO_LOGIN_UID) != 0)
			return;
		child = fork();
		CHECK(child >= 0);
		if (child > 0) {
			end_well(child);
			continue;
		}
		open_with(&login, cases[i].stack);
		after = read_proc(getpid(), "loginuid");
		CHECK(after);
		CHECK_INT(strcmp(after, cases[i].expected), 0);
		CHECK(!logged("pam_loginuid"));
		login_out(&login);
		_exit(0);
	}
}

static void command_of_pam_exec_runs_where_its_line_stands(void)
{
	_cleanup_free_ char *words = NULL;
	struct login login;

	if (!has_module("pam_exec.so"))
		return;
	write_text("/tmp/of-the-host", "", 0644);
	write_in_files("look", "#!/bin/sh\necho \"$PAM_TYPE $1 $(ls /tmp) $NSISOLATE_ID\" >>" FILES "/seen\n", 0755);
	write_in_files("seen", "", 0644);
	open_with(&login, OURS_CLOSE "session required pam_exec.so " FILES "/look before\n" OURS_OPEN
				     "session required pam_exec.so " FILES "/look after\n");
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	words = read_in_files("seen");
	CHECK(strstr(words, "open_session before of-the-host \n"));
	CHECK(strstr(words, "open_session after  "));
	CHECK(strstr(words, "close_session before of-the-host "));
	CHECK(strstr(words, "close_session after of-the-host "));
	login_end(&login, PAM_SUCCESS);
	CHECK_INT(unlink("/tmp/of-the-host"), 0);
}

/* What needs neither /proc nor threads nor a private directory does the same after as before. */
static void modules_that_set_something_of_the_process_work_after(void)
{
	struct rlimit limit;
	struct login login;
	mode_t mask;

	if (!has_module("pam_env.so") || !has_module("pam_limits.so") || !has_module("pam_umask.so"))
		return;
	write_in_files("limits", "alice hard nofile 1234\nalice soft nofile 1234\n", 0644);
	write_in_files("environment", "COLOUR=green\n", 0644);
	write_in_files("env.conf", "", 0644);
	open_with(&login, OURS "session required pam_env.so conffile=" FILES "/env.conf envfile=" FILES "/environment\n"
			       "session required pam_limits.so conf=" FILES "/limits\n"
			       "session required pam_umask.so umask=0027\n");
	CHECK(pam_getenv(login.pamh, "COLOUR"));
	CHECK_INT(strcmp(pam_getenv(login.pamh, "COLOUR"), "green"), 0);
	CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_INT(limit.rlim_max, 1234);
	mask = umask(0);
	CHECK_INT(mask, 0027);
	login_out(&login);
}

/* It takes the limits that nobody set from process 1, which inside is the session's init. */
static void pam_limits_with_set_all_takes_the_limits_of_the_init(void)
{
	static const struct {
		const char *stack;
		bool host;
	} cases[] = {
		{ "session required pam_limits.so set_all conf=" FILES "/limits\n" OURS, true },
		{ OURS "session required pam_limits.so set_all conf=" FILES "/limits\n", false },
	};
	struct rlimit of_the_host;

	if (!has_module("pam_limits.so"))
		return;
	write_in_files("limits", "", 0644);
	CHECK_INT(prlimit(1, RLIMIT_STACK, NULL, &of_the_host), 0);
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		const struct rlimit own = { 4 << 20, of_the_host.rlim_max };
		struct rlimit expected, found;
		struct login login;

		CHECK_INT(setrlimit(RLIMIT_STACK, &own), 0);
		open_with(&login, cases[i].stack);
		CHECK_INT(prlimit(find_init(), RLIMIT_STACK, NULL, &expected), 0);
		CHECK(expected.rlim_cur != of_the_host.rlim_cur);
		CHECK_INT(getrlimit(RLIMIT_STACK, &found), 0);
		CHECK_INT(found.rlim_cur, cases[i].host ? of_the_host.rlim_cur : expected.rlim_cur);
		login_out(&login);
	}
}

static void modules_that_tell_the_user_something_work_after(void)
{
	struct login login;

	if (!has_module("pam_motd.so") || !has_module("pam_mail.so"))
		return;
	write_in_files("motd", "Welcome to the host\n", 0644);
	write_in_files("alice", "From bob\n\nhello\n", 0644);
	open_with(&login, OURS "session required pam_motd.so noupdate motd=" FILES "/motd\n"
			       "session required pam_mail.so standard dir=" FILES "\n");
	CHECK(strstr(login.said, "Welcome to the host"));
	CHECK(strstr(login.said, "mail"));
	login_out(&login);
}

/* But a file below a private directory is not there any more. */
static void modules_after_see_no_file_of_a_private_directory(void)
{
	struct login login;

	if (!has_module("pam_motd.so"))
		return;
	write_text("/tmp/motd", "Welcome to the host\n", 0644);
	open_with(&login, OURS "session required pam_motd.so noupdate motd=/tmp/motd\n");
	CHECK(!strstr(login.said, "Welcome"));
	login_out(&login);
	open_with(&login, "session required pam_motd.so noupdate motd=/tmp/motd\n" OURS);
	CHECK(strstr(login.said, "Welcome"));
	login_out(&login);
	CHECK_INT(unlink("/tmp/motd"), 0);
}

static void open_with_pam_keyinit(void *argument)
{
	long before = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1);
	struct login login;

	open_with(&login, argument);
	/* a kernel without keys has nothing to show */
	CHECK(before < 0 || syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) != before);
	login_out(&login);
}

static void session_keyring_is_new_before_and_after(void)
{
	static const char *const stacks[] = {
		"session required pam_keyinit.so force revoke\n" OURS,
		OURS "session required pam_keyinit.so force revoke\n",
	};

	if (!has_module("pam_keyinit.so"))
		return;
	for (size_t i = 0; i < ELEMENTS(stacks); i++)
		in_child(open_with_pam_keyinit, (void *)stacks[i]);
}

static int count_names(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	int count = 0;

	CHECK(directory);
	while ((entry = readdir(directory)))
		count += *entry->d_name != '.';
	(void)closedir(directory);
	return count;
}

static void open_with_pam_namespace(void *argument)
{
	const char *stack = argument;
	bool before = strncmp(stack, OURS_CLOSE OURS_OPEN, strlen(OURS_CLOSE OURS_OPEN)) != 0;
	struct login login;

	open_with(&login, stack);
	CHECK_INT(count_names("/srv/shared"), 0);
	CHECK_INT(mount_namespace(getpid()) == mount_namespace(find_init()), before);
	login_out(&login);
}

/* Its directories are there either way, but it makes another mount namespace: the init and the record have not that
 * one. */
static void pam_namespace_after_leaves_the_sessions_mounts(void)
{
	static const char *const stacks[] = {
		OURS_CLOSE "session required pam_namespace.so\n" OURS_OPEN,
		OURS_CLOSE OURS_OPEN "session required pam_namespace.so\n",
	};

	if (!has_module("pam_namespace.so"))
		return;
	CHECK_INT(mkdir("/srv/shared", 0755), 0);
	CHECK_INT(mkdir("/srv/instances", 0), 0);
	CHECK_INT(chmod("/srv/instances", 0), 0);
	write_text("/srv/shared/of-the-host", "", 0644);
	write_text("/etc/security/namespace.conf", "/srv/shared /srv/instances/ user root\n", 0644);
	for (size_t i = 0; i < ELEMENTS(stacks); i++)
		in_child(open_with_pam_namespace, (void *)stacks[i]);
}

int main(void)
{
	static const struct pam_case cases[] = {
		CASE(modules_run_inside_from_open_to_close_and_only_there),
		CASE(between_close_first_and_open_last_modules_run_on_the_host),
		CASE(after_open_proc_self_leads_nowhere),
		CASE(after_open_proc_self_is_there_with_the_hosts_process_numbers),
		CASE(thread_that_an_earlier_module_leaves_refuses),
		CASE(thread_that_an_earlier_module_ends_does_not),
		CASE(after_open_a_thread_cannot_be_made),
		CASE(after_open_a_thread_can_be_made_with_the_hosts_process_numbers),
		CASE(thread_that_a_later_module_leaves_bars_the_way_back),
		CASE(processes_of_later_modules_are_the_sessions),
		CASE(later_modules_reach_daemons_by_sockets_in_run),
		CASE(login_uid_is_set_before_and_silently_not_after),
		CASE(command_of_pam_exec_runs_where_its_line_stands),
		CASE(modules_that_set_something_of_the_process_work_after),
		CASE(pam_limits_with_set_all_takes_the_limits_of_the_init),
		CASE(modules_that_tell_the_user_something_work_after),
		CASE(modules_after_see_no_file_of_a_private_directory),
		CASE(session_keyring_is_new_before_and_after),
		CASE(pam_namespace_after_leaves_the_sessions_mounts),
	};

	return run_cases(cases, ELEMENTS(cases));
}
