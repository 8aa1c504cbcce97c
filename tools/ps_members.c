/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/ps_members.h"

#include "tools/members.h"

#include <string.h>

void ps_release(struct ps_members *members)
{
	for (size_t i = 0; i < members->count; i++)
		process_info_release(&members->items[i].info);
	free(members->items);
	holdings_release(&members->holdings);
	whose_release(&members->whose);
}

static const struct session *outermost(const struct session *session)
{
	while (session->outer)
		session = session->outer;
	return session;
}

static bool is_login_of(const struct process_info *info, const struct record_view *view)
{
	return view->valid && view->record.login_start == info->start &&
	       view->record.login_pid == info->levels[info->level_count - 1];
}

/* One of the processes that opened or joined a session. */
static bool is_login(const struct process_info *info, const struct session *session)
{
	if (is_login_of(info, &session->view))
		return true;
	for (size_t i = 0; i < session->login_count; i++)
		if (is_login_of(info, &session->logins[i].view))
			return true;
	return false;
}

/* A session of which a process outside its PID namespace has another namespace; NULL. */
static struct session *find_entered(const struct ps_members *members, const uint64_t namespaces[NAMESPACE_KINDS])
{
	const struct session *session = NULL;

	for (enum namespace_kind kind = 0; !session && kind < NAMESPACE_KINDS; kind++)
		session = holdings_find(&members->holdings, namespaces[kind]);
	return (struct session *)session;
}

/* Whoever came by a login has all namespaces of the session, and what is nested in it others but never the host's. */
static bool is_partly_outside(const struct ps_members *members, const struct session *session,
			      const uint64_t namespaces[NAMESPACE_KINDS])
{
	for (enum namespace_kind kind = 0; kind < NAMESPACE_KINDS; kind++)
		if (session->apart[kind] && namespaces[kind] == members->sessions->host[kind])
			return true;
	return false;
}

static bool is_wanted(const struct ps_members *members, const struct session *session)
{
	return (!members->only || session_is_within(session, members->only)) && is_of(session, &members->whose);
}

static int append(struct ps_members *members, struct ps_member *member)
{
	struct ps_member *items = reallocarray(members->items, members->count + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	items[members->count++] = *member;
	members->items = items;
	member->info = (struct process_info){ 0 };
	return 0;
}

/* Called for every process of the host, those in no session with NULL. One that is gone meanwhile is none. */
static int collect(struct session *session, int process, void *data)
{
	struct ps_members *members = data;
	uint64_t namespaces[NAMESPACE_KINDS];
	struct ps_member member = { 0 };
	int r = process_namespaces_at(process, namespaces);

	member.session = session ? session : r == 0 ? find_entered(members, namespaces) : NULL;
	if (r < 0 || !member.session || !is_wanted(members, member.session))
		return 0;
	member.group = outermost(member.session);
	member.partly = is_partly_outside(members, member.session, namespaces);
	r = process_info_read(process, &member.info);
	if (r == 0 && (session || !is_login(&member.info, member.session)))
		r = append(members, &member);
	process_info_release(&member.info);
	return r == -ENOMEM ? r : 0;
}

static int compare_members(const void *a, const void *b)
{
	const struct ps_member *left = a;
	const struct ps_member *right = b;
	int r = strcmp(left->group->view.name, right->group->view.name);

	return r != 0 ? r : (left->info.pid > right->info.pid) - (left->info.pid < right->info.pid);
}

struct ps_member *ps_find(const struct ps_members *members, const struct session *group, pid_t pid)
{
	const struct ps_member key = { .group = group, .info = { .pid = pid } };

	if (members->count == 0)
		return NULL;
	return bsearch(&key, members->items, members->count, sizeof(key), compare_members);
}

/* The init is the innermost of its own NSpid line: its number of levels is that of the session. */
static void set_level(const struct ps_members *members, struct ps_member *member)
{
	const struct ps_member *init = ps_find(members, member->group, member->session->view.init_pid);

	member->level = init ? init->info.level_count - 1 : PID_LEVELS;
}

static uint64_t latest_login(const struct session *session)
{
	uint64_t latest = session->view.valid ? session->view.record.login_start : 0;

	for (size_t i = 0; i < session->login_count; i++) {
		const struct record_view *view = &session->logins[i].view;

		if (view->valid && view->record.login_start > latest)
			latest = view->record.login_start;
	}
	return latest;
}

/*
 * By a parent that is in no session, or in one around. Where a login has ended, its process's children are those of an
 * ancestor of it, which has begun before; and where the parent has ended, its pid may be another's, who began after
 * them.
 */
static enum entry find_entry_from(const struct ps_member *member, const struct process_info *parent)
{
	if (parent->start > member->info.start)
		return ENTRY_UNKNOWN;
	if (is_login(parent, member->session))
		return ENTRY_LOGIN;
	/* without a PID namespace those that lost their parent have one outside */
	return member->session->apart[NAMESPACE_PID] && parent->start > latest_login(member->session) ? ENTRY_OUTSIDE
												      : ENTRY_UNKNOWN;
}

enum entry ps_find_entry(const struct ps_member *member, const struct ps_member *parent)
{
	const pid_t init = member->session->view.init_pid;

	if (member->partly)
		return ENTRY_OUTSIDE;
	if (member->info.pid == init || member->info.parent == init)
		return ENTRY_UNKNOWN;
	if (parent)
		return parent->session == member->session ? parent->entry : find_entry_from(member, &parent->info);

	_cleanup_close_ int process = process_open(member->info.parent);
	_cleanup_(process_info_release) struct process_info info = { 0 };

	return process >= 0 && process_info_read(process, &info) == 0 ? find_entry_from(member, &info) : ENTRY_UNKNOWN;
}

/* Leaves out what is of sessions that ended meanwhile: their namespaces' numbers may be those of others now. */
static void drop_ended(struct ps_members *members)
{
	const struct session *asked = NULL;
	bool still = false;
	size_t kept = 0;

	for (size_t i = 0; i < members->count; i++) {
		struct ps_member *member = &members->items[i];

		if (member->session != asked) {
			asked = member->session;
			still = session_still_is(asked);
		}
		if (still)
			members->items[kept++] = *member;
		else
			process_info_release(&member->info);
	}
	members->count = kept;
}

int ps_collect(struct ps_members *members)
{
	int r = holdings_make(members->sessions, &members->holdings);

	if (r == 0)
		r = members_visit_all(members->sessions, collect, members);
	if (r < 0)
		return r;
	drop_ended(members);
	if (members->count > 1)
		qsort(members->items, members->count, sizeof(*members->items), compare_members);
	for (size_t i = 0; i < members->count; i++)
		set_level(members, &members->items[i]);
	return 0;
}
