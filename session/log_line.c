/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/log_line.h"

#include "session/log_text.h"

#include <inttypes.h>

/* Namespaces as " mnt=4026532201 net=…". */
static void format_namespaces(const struct session *session, char *text, size_t size)
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < NAMESPACE_KINDS && used < size; i++) {
		int written;

		if (session->namespaces[i] == 0)
			continue;
		written = snprintf(text + used, size - used, " %s=%" PRIu64, namespace_table[i].name,
				   session->namespaces[i]);
		used += written > 0 ? (size_t)written : 0;
	}
}

char *log_line_session(const char *verb, const struct log_login *login, const struct session *session)
{
	const struct log_word user = log_word(session->user);
	const struct log_word service = log_word(login->service);
	const struct log_word remote_host = log_word(login->remote_host);
	const struct log_word policy = log_word(session->policy);
	char namespaces[NAMESPACE_KINDS * 32];
	char *line;

	format_namespaces(session, namespaces, sizeof(namespaces));
	if (asprintf(&line, "%s: id=%s user=%s service=%s rhost=%s policy=%s hash=%016" PRIx64 " mode=%s%s", verb,
		     session->id, user.text, service.text, remote_host.text, policy.text, session->policy_hash,
		     session->mode, namespaces) < 0)
		return NULL;
	return line;
}

char *log_line_login(const char *verb, const struct log_login *login, const char *text)
{
	const struct log_word user = log_word(login->user);
	const struct log_word service = log_word(login->service);
	const struct log_word remote_host = log_word(login->remote_host);
	_cleanup_free_ char *sentence = text ? log_sentence(text) : NULL;
	char *line;

	if (asprintf(&line, "%s: user=%s service=%s rhost=%s: %s", verb, user.text, service.text, remote_host.text,
		     sentence ? sentence : "out of memory") < 0)
		return NULL;
	return line;
}
