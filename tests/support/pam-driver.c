/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * pam-driver SERVICE USER CONFDIR COMMAND...: a login program that does one
 * step for each byte it reads, and answers with a line, so that whoever drives it can look around or attach
 * a tracer in between: "ready", then open ("opened VALUE"), run ("ran STATUS"), close
 * ("closed VALUE"), end ("ended"). A refused login is only ended.
 */

#include <security/pam_appl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int converse(int count, const struct pam_message **messages, struct pam_response **responses, void *data)
{
	(void)messages;
	(void)data;
	*responses = calloc((size_t)count, sizeof(**responses));
	return *responses ? PAM_SUCCESS : PAM_BUF_ERR;
}

static void answer(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void answer(const char *format, ...)
{
	va_list arguments;
	char line[64], byte;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	/* otherwise whoever drives us is gone; no stdio, whose own system calls would belong to the opening */
	if (write(STDOUT_FILENO, line, (size_t)length) != length || read(STDIN_FILENO, &byte, 1) != 1)
		_exit(3);
}

static int run(char **command)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(command[0], command);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -1;
	return status;
}

int main(int argc, char **argv)
{
	const struct pam_conv conversation = { converse, NULL };
	pam_handle_t *pamh;
	int r;

	if (argc < 5 || pam_start_confdir(argv[1], argv[2], &conversation, argv[3], &pamh) != PAM_SUCCESS)
		return 2;
	/* loads the modules, passed as root */
	if (pam_set_item(pamh, PAM_USER, "root") != PAM_SUCCESS || pam_open_session(pamh, 0) != PAM_SUCCESS ||
	    pam_set_item(pamh, PAM_USER, argv[2]) != PAM_SUCCESS)
		return 2;
	answer("ready\n");
	r = pam_open_session(pamh, 0);
	answer("opened %d\n", r);
	if (r == PAM_SUCCESS) {
		answer("ran %d\n", run(argv + 4));
		answer("closed %d\n", pam_close_session(pamh, 0));
	}
	pam_end(pamh, r);
	answer("ended\n");
	return 0;
}
