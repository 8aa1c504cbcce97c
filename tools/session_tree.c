/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/session_tree.h"

#include "tools/pid_namespace.h"

/* A session without mounts of its own has no directory of records either: what is nested in it is in its outer's. */
static bool may_be_elsewhere(const struct session *session, uint64_t pid_namespace)
{
	return !session->outer && session->seen && session->view.valid &&
	       session->view.record.outer_pid_namespace != pid_namespace;
}

/*
 * The record names the PID namespace; the kernel says that the session's is that, or right below it. There
 * are no loops: with a PID namespace of its own a session is below another, without one below whose it shares.
 */
static bool is_right_below(const struct session *session, const struct session *outer)
{
	uint64_t outer_namespace = outer->namespaces[NAMESPACE_PID];
	uint64_t parent = 0;

	if (session->namespaces[NAMESPACE_PID] == outer_namespace)
		return session->view.record.namespaces[NAMESPACE_PID] == 0;
	return pid_namespace_parent_of(session->view.init_pid, session->namespaces[NAMESPACE_PID], &parent) == 0 &&
	       parent == outer_namespace;
}

static struct session *find_outer(const struct sessions *sessions, const struct session *session)
{
	uint64_t wanted = session->view.record.outer_pid_namespace;

	for (size_t i = 0; i < sessions->count; i++) {
		struct session *outer = sessions->items[i];

		if (outer != session && outer->seen && outer->view.valid && session_is_alive(outer) &&
		    outer->view.record.namespaces[NAMESPACE_PID] == wanted &&
		    outer->namespaces[NAMESPACE_PID] == wanted && is_right_below(session, outer))
			return outer;
	}
	return NULL;
}

static size_t depth_of(const struct session *session)
{
	size_t depth = 0;

	while ((session = session->outer))
		depth++;
	return depth;
}

static void append_with_inner(struct sessions *sessions, struct session *session)
{
	while (session) {
		sessions->items[sessions->count++] = session;
		if (session->inner) {
			session = session->inner;
			continue;
		}
		/* up to the next one that has a brother */
		while (!session->next && session->outer)
			session = session->outer;
		session = session->next;
	}
}

/* Below each outer in the order in which they are now. */
static int order(struct sessions *sessions)
{
	const size_t count = sessions->count;
	_cleanup_free_ struct session **unordered = sessions->items;

	sessions->items = calloc(count + 1, sizeof(struct session *));
	if (!sessions->items) {
		sessions->items = TAKE_PTR(unordered);
		return -ENOMEM;
	}
	for (size_t i = count; i-- > 0;) {
		struct session *session = unordered[i];

		if (!session->outer)
			continue;
		session->next = session->outer->inner;
		session->outer->inner = session;
	}
	sessions->count = 0;
	for (size_t i = 0; i < count; i++) {
		if (!unordered[i]->outer)
			append_with_inner(sessions, unordered[i]);
	}
	return 0;
}

int sessions_arrange(struct sessions *sessions, uint64_t pid_namespace)
{
	for (size_t i = 0; i < sessions->count; i++) {
		struct session *session = sessions->items[i];

		if (may_be_elsewhere(session, pid_namespace))
			session->outer = find_outer(sessions, session);
	}
	for (size_t i = 0; i < sessions->count; i++)
		sessions->items[i]->depth = depth_of(sessions->items[i]);
	return order(sessions);
}
