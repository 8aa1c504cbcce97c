/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "pam_module/guest_log.h"

#include "config/policy.h"
#include "session/journal.h"
#include "session/log_text.h"

#include <security/pam_ext.h>
#include <string.h>
#include <syslog.h>

static struct log_login login_of(const struct guest *guest)
{
	return (struct log_login){ guest->user, guest->service, guest->remote_host };
}

/*
 * What pam_syslog(3) would write, with fields. By the socket that was connected before the session was entered; one
 * that is made here is closed here: nothing is left to the program around us.
 */
static bool send_to_journal(const struct guest *guest, const struct log_entry *entry)
{
	const bool is_open = guest->journal.fd >= 0;
	struct journal journal = is_open ? guest->journal : journal_open();
	_cleanup_free_ char *prefix = NULL;
	bool sent;

	if (journal.fd < 0)
		return false;
	if (asprintf(&prefix, "pam_nsisolate(%s:session): ", log_word(guest->service).text) < 0)
		prefix = NULL;
	sent = prefix && journal_send(&journal, program_invocation_short_name, prefix, entry);
	if (!is_open)
		journal_close(&journal);
	return sent;
}

static void write_entry(const struct guest *guest, struct log_entry entry)
{
	if (!send_to_journal(guest, &entry))
		pam_syslog(guest->pamh, entry.priority, "%s", log_entry_line(&entry));
	log_entry_release(&entry);
}

void guest_log_session(const struct guest *guest, enum log_message message, const struct session *session)
{
	const struct log_login login = login_of(guest);

	write_entry(guest, log_of_session(message, &login, session));
}

void guest_log_failed_close(const struct guest *guest, const struct session *session, int error)
{
	const struct log_login login = login_of(guest);

	write_entry(guest, log_of_failed_close(&login, session, error));
}

void guest_log_login(const struct guest *guest, enum log_message message, const char *text)
{
	const struct log_login login = login_of(guest);

	if (!guest->told)
		write_entry(guest, log_of_login(message, &login, text));
}

void guest_log_debug(const struct guest *guest, enum log_message message, const char *text)
{
	const struct log_login login = login_of(guest);

	if (guest->arguments.debug) {
		struct log_entry entry = log_of_login(message, &login, text);

		entry.priority = LOG_DEBUG;
		write_entry(guest, entry);
	}
}

void guest_tell_user(const struct guest *guest, const char *text)
{
	if (!guest->told && !(guest->flags & PAM_SILENT) && strcmp(guest->service, SERVICE_USER_MANAGER) != 0)
		(void)pam_error(guest->pamh, "%s", text);
}
