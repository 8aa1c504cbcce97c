/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * pam_probe.so WORD...: a session module of the tests that does what other modules do, and puts what came of it into
 * PAM's environment: "OPEN_WORD=VALUE" at open, "CLOSE_WORD=VALUE" at close. VALUE is 0 or an errno, but for
 * "child" and "host", where it is a number. It never refuses.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <security/pam_modules.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXPORTED         __attribute__((visibility("default")))

#define FILE_OF_THE_HOST "/tmp/of-the-host"
#define SOCKET           "/run/test-daemon" /* as of a daemon of the host */

static void *end(void *argument)
{
	return argument;
}

static void *stay(void *argument)
{
	for (;;)
		(void)pause();
	return argument;
}

/* As modules that resolve names or ask a service in the background. */
static int try_thread(void)
{
	pthread_t thread;
	int r = pthread_create(&thread, NULL, end, NULL);

	return r == 0 ? pthread_join(thread, NULL) : r;
}

/* And leave it behind, as libraries with a pool do. */
static int try_lasting_thread(void)
{
	pthread_t thread;
	sigset_t all, before;
	int r;

	/* signals are for the program's own thread */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, NULL, stay, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

static int try_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

static int try_self(void)
{
	return try_open("/proc/self/status");
}

/* As programs that close or count their descriptors. */
static int try_descriptors(void)
{
	return try_open("/proc/self/fd");
}

static int try_dev_fd(void)
{
	return try_open("/dev/fd/0");
}

static int try_host(void)
{
	return access(FILE_OF_THE_HOST, F_OK) == 0;
}

/* What a child of the login process is called where it lives. */
static int try_child(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(getpid() < 100 ? getpid() : 255);
	return pid > 0 && waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : -1;
}

static int try_child_self(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(try_self());
	return pid > 0 && waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : -1;
}

static int try_spawn(void)
{
	char *const arguments[] = { (char *)"true", NULL };
	int status = 0;
	pid_t pid;
	int r = posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, arguments + 1);

	return r == 0 && waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : r;
}

/* As pam_systemd(8): it asks a daemon of the host by a socket in /run, which learns the caller's pid. */
static int try_daemon(void)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = SOCKET };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;

	(void)close(fd);
	return r;
}

static void probe(pam_handle_t *pamh, const char *when, const char *word)
{
	static const struct {
		const char *word;
		int (*function)(void);
	} probes[] = {
		{ "thread", try_thread }, { "lasting-thread", try_lasting_thread },
		{ "self", try_self },     { "descriptors", try_descriptors },
		{ "dev-fd", try_dev_fd }, { "host", try_host },
		{ "child", try_child },   { "child-self", try_child_self },
		{ "spawn", try_spawn },   { "daemon", try_daemon },
	};
	char variable[64];

	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		if (strcmp(probes[i].word, word) != 0)
			continue;
		(void)snprintf(variable, sizeof(variable), "%s_%s=%d", when, word, probes[i].function());
		(void)pam_putenv(pamh, variable);
	}
}

EXPORTED int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)flags;
	for (int i = 0; i < argc; i++)
		probe(pamh, "OPEN", argv[i]);
	return PAM_SUCCESS;
}

EXPORTED int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)flags;
	for (int i = 0; i < argc; i++)
		probe(pamh, "CLOSE", argv[i]);
	return PAM_SUCCESS;
}
