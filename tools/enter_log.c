/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/enter_log.h"

#include "tools/caller.h"

#include <inttypes.h>
#include <string.h>

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

static struct log_entry begin_entry(const struct enter_log *log, enum log_message message, pid_t pid)
{
	struct log_entry entry;

	log_entry_begin(&entry, message);
	log_entry_word(&entry, "id", log->session);
	log_entry_word(&entry, "user", log->user);
	log_entry_word(&entry, "service", log->service);
	log_entry_word(&entry, "policy", log->policy);
	log_entry_plain(&entry, "by", "%s", caller_name().text);
	log_entry_plain(&entry, "uid", "%ju", (uintmax_t)getuid());
	log_entry_plain(&entry, "tty", "%s", caller_terminal().text);
	log_entry_word(&entry, "as", log->root ? "root" : log->user);
	log_entry_plain(&entry, "pid", "%jd", (intmax_t)pid);
	return entry;
}

static void write_audit(const struct enter_log *log, const char *op, const char *command, bool failed)
{
	system_log_audit(log->log, &(struct audit_event){ .op = op,
							  .user = log->user,
							  .session = log->session,
							  .policy = log->policy,
							  .as = log->root ? "root" : log->user,
							  .command = command,
							  .failed = failed });
}

void enter_log_begin(const struct enter_log *log, pid_t pid)
{
	_cleanup_free_ char *words = *log->command ? join_words(log->command) : strdup(log->shell);
	struct log_entry entry = begin_entry(log, LOG_SESSION_ENTERED, pid);

	log_entry_value(&entry, "command", words ? words : "out-of-memory");
	system_log_write(log->log, entry);
	write_audit(log, "nsisolate-enter", words, false);
}

void enter_log_end(const struct enter_log *log, pid_t pid, int status)
{
	struct log_entry entry = begin_entry(log, LOG_ENTERING_ENDED, pid);

	log_entry_plain(&entry, "status", "%d", status);
	system_log_write(log->log, entry);
	write_audit(log, "nsisolate-leave", NULL, status != 0);
}
