/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/log_line.h"

#include <inttypes.h>
#include <string.h>

/* The user as NSS has them, where that is known: else as the login program named them. */
static void put_login(struct log_entry *entry, const char *user, const struct log_login *login)
{
	log_entry_word(entry, "user", user);
	log_entry_word(entry, "service", login->service);
	log_entry_word(entry, "rhost", login->remote_host);
}

struct log_entry log_of_session(enum log_message message, const struct log_login *login, const struct session *session)
{
	struct log_entry entry;

	log_entry_begin(&entry, message);
	log_entry_word(&entry, "id", session->id);
	put_login(&entry, session->user, login);
	log_entry_word(&entry, "policy", session->policy);
	log_entry_plain(&entry, "hash", "%016" PRIx64, session->policy_hash);
	log_entry_word(&entry, "mode", session->mode);
	for (size_t i = 0; i < NAMESPACE_KINDS; i++)
		if (session->namespaces[i] != 0)
			log_entry_namespace(&entry, namespace_table[i].name, session->namespaces[i]);
	return entry;
}

struct log_entry log_of_login(enum log_message message, const struct log_login *login, const char *text)
{
	struct log_entry entry;

	log_entry_begin(&entry, message);
	put_login(&entry, login->user, login);
	log_entry_reason(&entry, text);
	return entry;
}

struct log_entry log_of_failed_close(const struct log_login *login, const struct session *session, int error)
{
	struct log_entry entry;

	log_entry_begin(&entry, LOG_CLOSE_FAILED);
	log_entry_word(&entry, "id", session->id);
	put_login(&entry, session->user, login);
	log_entry_reason(&entry, strerror(-error));
	return entry;
}
