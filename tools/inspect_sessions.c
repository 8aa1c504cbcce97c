/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/inspect_sessions.h"

#include <pwd.h>
#include <string.h>

static void tell_what_is_missing(const struct sessions *sessions)
{
	for (size_t i = 0; i < sessions->count; i++) {
		const struct session *session = sessions->items[i];

		if (session->cut)
			(void)trouble("session %s: not all that is nested in it is known: %s", session->view.name,
				      session->cut);
	}
}

bool load_sessions(const struct options *options, enum sessions_look look, struct sessions *ret,
		   enum exit_status *ret_status)
{
	bool live = strcmp(options->record_directory, RECORD_DIRECTORY) == 0;

	if (live && geteuid() != 0) {
		*ret_status = trouble("only root may inspect sessions: run this as root");
		return false;
	}

	int r = sessions_read(options->record_directory, look, ret);

	if (r < 0) {
		*ret_status = trouble_errno(r, options->record_directory);
		return false;
	}
	tell_what_is_missing(ret);
	return true;
}

struct session *pick_session(const struct sessions *sessions, const char *id, enum exit_status *ret_status)
{
	_cleanup_free_ char *matches = NULL;
	struct session *session = NULL;
	int r = sessions_find(sessions, id, &session, &matches);

	if (r == 0)
		return session;
	if (r == -ENOTUNIQ) {
		*ret_status = trouble("'%s' is not unique: %s", id, matches ? matches : "several sessions");
	} else {
		if (getpwnam(id))
			(void)trouble("no session '%s'; 'nsinspect list -u %s' lists those of that user", id, id);
		else
			(void)trouble("no session '%s'", id);
		*ret_status = EXIT_FINDINGS;
	}
	return NULL;
}

int find_whose(const char *name, struct whose *ret)
{
	const struct passwd *entry = name ? getpwnam(name) : NULL;
	struct whose whose = { .service = ret->service };
	unsigned long number;
	char *end = NULL;

	if (name) {
		/* the name that records have, however it was typed */
		whose.name = strdup(entry ? entry->pw_name : name);
		if (!whose.name)
			return -ENOMEM;
		errno = 0;
		number = strtoul(name, &end, 10);
		whose.by_uid = !entry && name[0] >= '0' && name[0] <= '9' && !*end && !errno && number < UINT32_MAX;
		whose.uid = whose.by_uid ? (uid_t)number : 0;
	}
	*ret = whose;
	return 0;
}

void whose_release(struct whose *whose)
{
	free(whose->name);
	whose->name = NULL;
}

bool is_of(const struct session *session, const struct whose *whose)
{
	const struct record *record = &session->view.record;

	if (!whose->name && !whose->service)
		return true;
	if (!session->view.valid || (whose->service && strcmp(record->service, whose->service) != 0))
		return false;
	if (!whose->name)
		return true;
	return whose->by_uid ? record->uid == whose->uid : strcmp(record->user, whose->name) == 0;
}

int record_verdict(const struct record *record, const char *directory, struct verdict *ret)
{
	const struct verdict_query query = {
		.directory = directory,
		/* of nsrun -p: that file decides now as it did then */
		.file = record->policy[0] == '/' ? record->policy : NULL,
		.user = record->user,
		.service = record->service,
		.from = record->remote_host,
	};

	return verdict_find(&query, ret);
}

char *format_namespaces(const struct session *session, char separator)
{
	char text[NAMESPACE_KINDS * 16] = "";
	char *to = text;

	for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
		if (!session->apart[i])
			continue;
		if (to > text)
			*to++ = separator;
		to = stpcpy(to, namespace_table[i].name);
	}
	return strdup(text);
}
