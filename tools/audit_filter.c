/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/audit_filter.h"

#include "tools/audit_plain.h"

#include <string.h>
#include <unistd.h>

/* As audit_is_plain() has it, but that who has any namespace open, and not just a session's, is looked at. */
static bool is_plain(const struct audit_pass *pass, const struct task_fact *fact)
{
	const uint64_t *host = pass->look->sessions.host;

	for (enum namespace_kind kind = 0; kind < NAMESPACE_KINDS; kind++)
		if ((pass->telling[kind] || kind == NAMESPACE_PID) && fact->namespaces[kind] != host[kind])
			return false;
	return fact->real_uid == 0 && fact->exit_state == 0 && !fact->holds_namespace;
}

/* Of who is in no session the name counts, whatever else it is. */
static bool is_named_init(const struct task_fact *fact)
{
	return strncmp(fact->name, AUDIT_INIT_NAME, sizeof(fact->name)) == 0;
}

/* Which may be in its session but for some namespaces, and has those open that it came from. */
static bool is_login(const struct audit_pass *pass, const struct task_fact *fact)
{
	return audit_logins_have(&pass->logins, fact->pid, task_fact_start(fact));
}

/* One that ends, or that this kernel has not: /proc knows. */
static bool lacks_any(const uint64_t namespaces[NAMESPACE_KINDS])
{
	for (enum namespace_kind kind = 0; kind < NAMESPACE_KINDS; kind++)
		if (namespaces[kind] == 0)
			return true;
	return false;
}

bool audit_filter_is_there(const struct look *look)
{
	const struct task_fact *own = task_facts_find(&look->facts, getpid());

	return own && own->namespaces[NAMESPACE_PID] == look->sessions.host[NAMESPACE_PID];
}

bool audit_filter_is_clear(const struct audit_pass *pass, pid_t pid, struct session **ret)
{
	const struct task_fact *fact = task_facts_find(&pass->look->facts, pid);
	uint64_t namespaces[NAMESPACE_KINDS];
	struct session *session = NULL;

	if (!fact)
		return false;
	for (enum namespace_kind kind = 0; kind < NAMESPACE_KINDS; kind++)
		namespaces[kind] = fact->namespaces[kind];
	if (lacks_any(namespaces) || !members_find(pass->members, namespaces, &session))
		return false;
	*ret = session;
	if (session)
		return audit_is_whole(pass->look, session, namespaces) || is_login(pass, fact);
	return !is_named_init(fact) && (is_plain(pass, fact) || is_login(pass, fact));
}
