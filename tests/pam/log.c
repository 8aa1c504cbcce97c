/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "pam/log.h"

#include "common/cleanup.h"
#include "pam/check.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* The log, filled by a process that reads the socket. */
static struct {
	volatile size_t length;
	_Atomic unsigned marks;        /* taken so far, by whatever process */
	_Atomic unsigned synchronised; /* the highest mark that was read */
	char text[8 << 20];
} * log_shared;
static int log_socket = -1; /* connected */
static size_t forgotten;    /* of the text, by log_forget() */

/* The queue of a datagram socket is short, and a full one would stop the program that logs. */
static _Noreturn void read_log(int socket)
{
	char line[8192];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		ssize_t size = recv(socket, line, sizeof(line), 0);
		size_t used = log_shared->length;

		if (size <= 0)
			_exit(size < 0);
		if ((size_t)size == sizeof(unsigned)) {
			unsigned mark;

			memcpy(&mark, line, sizeof(mark));
			if (mark > log_shared->synchronised)
				log_shared->synchronised = mark;
			continue;
		}
		if (used + (size_t)size + 2 > sizeof(log_shared->text))
			continue;
		memcpy(log_shared->text + used, line, (size_t)size);
		log_shared->text[used + (size_t)size] = '\n';
		log_shared->text[used + (size_t)size + 1] = '\0';
		log_shared->length = used + (size_t)size + 1;
	}
}

void log_start(void)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	int listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pid_t reader;

	log_shared = mmap(NULL, sizeof(*log_shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(log_shared != MAP_FAILED);
	(void)unlink(address.sun_path);
	CHECK(listener >= 0);
	CHECK_INT(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_INT(chmod(address.sun_path, 0666), 0);
	log_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(log_socket >= 0);
	CHECK_INT(connect(log_socket, (const struct sockaddr *)&address, sizeof(address)), 0);
	reader = fork();
	CHECK(reader >= 0);
	if (reader == 0)
		read_log(listener);
	close_fd(listener);
}

/*
 * Everything that was logged before the call is in the text: a mark has come through behind it, ours or one that
 * another process took after us.
 */
const char *log_text(void)
{
	const unsigned mark = atomic_fetch_add(&log_shared->marks, 1) + 1;

	if (send(log_socket, &mark, sizeof(mark), MSG_NOSIGNAL) == sizeof(mark))
		while (log_shared->synchronised < mark)
			(void)poll(NULL, 0, 1);
	return log_shared->text + forgotten;
}

void log_forget(void)
{
	(void)log_text();
	forgotten = log_shared->length;
}

size_t count_logged(const char *text)
{
	size_t count = 0;

	for (const char *found = log_text(); (found = strstr(found, text)); found += strlen(text))
		count++;
	return count;
}

bool logged(const char *text)
{
	return count_logged(text) > 0;
}
