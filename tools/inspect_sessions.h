/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* How nsinspect's commands get at sessions: with messages for whoever typed the command. */

#include "tools/nsinspect.h"
#include "tools/sessions.h"
#include "tools/verdict.h"

/* True, or false with *ret_status after a message. */
bool load_sessions(const struct options *options, enum sessions_look look, struct sessions *ret,
		   enum exit_status *ret_status);

/* The session that an ID or its unique beginning names; NULL with *ret_status after a message. */
struct session *pick_session(const struct sessions *sessions, const char *id, enum exit_status *ret_status);

/*
 * Whom -u means: a user as the name service calls them, one that it does not know any more, or a number. And the
 * service that -s names.
 */
struct whose {
	char *name; /* NULL: everybody's */
	bool by_uid;
	uid_t uid;
	const char *service; /* NULL: every one; not owned */
};

/* NULL: everybody. `service` stays as it is. 0 or -ENOMEM. */
int find_whose(const char *name, struct whose *ret) _must_check_;
void whose_release(struct whose *whose);

/* True for a session with a record that names this user, and this service; for everybody's also without. */
bool is_of(const struct session *session, const struct whose *whose);

/* What the policies in a directory (NULL: the live one) say now of a login like the recorded one. As verdict_find(). */
int record_verdict(const struct record *record, const char *directory, struct verdict *ret) _must_check_;

/* "mnt,net,ipc" of the kinds in which a session is apart; NULL when memory ran out. */
char *format_namespaces(const struct session *session, char separator);
