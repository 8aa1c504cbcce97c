/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/enter_log.h"

#include "common/error.h"
#include "session/log_text.h"
#include "tools/caller.h"

#include <inttypes.h>
#include <paths.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

/* syslog(3) does not say whether there is anybody: so the socket is tried, of both types that daemons have there. */
static int try_log(int type)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = _PATH_LOG };
	_cleanup_close_ int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return negative_errno();
	return 0;
}

int enter_log_open(void)
{
	int r = try_log(SOCK_DGRAM);

	if (r == -EPROTOTYPE)
		r = try_log(SOCK_STREAM);
	openlog("nsinspect", LOG_PID | LOG_NDELAY, LOG_AUTHPRIV);
	return r;
}

/* The words of a command, as one of the log: malloced, or NULL. */
static char *join_words(char **words)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (char **word = words; *word; word++)
		(void)fprintf(out, "%s%s", word == words ? "" : " ", *word);
	return fclose(out) == 0 ? TAKE_PTR(text) : NULL;
}

static void write_line(const struct enter_log *log, const char *verb, pid_t pid, const char *rest)
{
	syslog(LOG_NOTICE, "%s: id=%s user=%s service=%s policy=%s by=%s uid=%ju tty=%s as=%s pid=%jd %s", verb,
	       log_word(log->session).text, log_word(log->user).text, log_word(log->service).text,
	       log_word(log->policy).text, caller_name().text, (uintmax_t)getuid(), caller_terminal().text,
	       log->root ? "root" : log_word(log->user).text, (intmax_t)pid, rest);
}

void enter_log_begin(const struct enter_log *log, pid_t pid)
{
	_cleanup_free_ char *words = *log->command ? join_words(log->command) : strdup(log->shell);
	_cleanup_free_ char *value = words ? log_value(words) : NULL;
	_cleanup_free_ char *rest = NULL;

	if (asprintf(&rest, "command=%s", value ? value : "out-of-memory") < 0)
		rest = NULL;
	write_line(log, "session entered", pid, rest ? rest : "command=out-of-memory");
}

void enter_log_end(const struct enter_log *log, pid_t pid, int status)
{
	char rest[32];

	(void)snprintf(rest, sizeof(rest), "status=%d", status);
	write_line(log, "entering ended", pid, rest);
}
