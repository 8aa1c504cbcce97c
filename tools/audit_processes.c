/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* Processes that are where they should not be: all are looked at, and the work is shared with children. */

#include "tools/audit_filter.h"
#include "tools/audit_plain.h"
#include "tools/audit_suspects.h"
#include "tools/shared_work.h"

#include <string.h>

#define SESSION_MS 5000 /* for a child to look into one */

/* By the mount table of the host's PID 1. */
static int add_mount(const struct session *session, const struct mount_entry *entry, void *data)
{
	struct look *look = data;
	const struct subject subject = { .text = entry->target, .user = session->view.record.user };

	return session->view.valid
		       ? findings_add(&look->findings, FINDING_KEPT, &subject, "%s of session %s is mounted on %s",
				      entry->root, session->view.name, entry->target)
		       : 0;
}

static void find_telling(const struct sessions *sessions, bool telling[NAMESPACE_KINDS])
{
	for (size_t i = 0; i < sessions->count; i++)
		for (enum namespace_kind kind = 0; kind < NAMESPACE_KINDS; kind++)
			telling[kind] = telling[kind] || sessions->items[i]->apart[kind];
}

static int decide(size_t item, void *data)
{
	struct audit_pass *pass = data;

	if (audit_is_plain(pass->pids[item], pass->look->sessions.host, pass->telling, &pass->holdings))
		return 0;
	return members_visit_one(pass->members, pass->pids[item], audit_judge, pass);
}

/* In a child, whose findings nobody sees: that there are some is enough. */
static uint32_t help(size_t item, void *data)
{
	struct audit_pass *pass = data;
	struct findings *findings = &pass->look->findings;

	pass->helps = true;
	pass->said = AUDIT_CLEAR;
	findings_release(findings);
	return decide(item, data) == 0 && findings->count == 0 ? pass->said : SHARED_UNDECIDED;
}

static void accept(size_t item, uint32_t said, void *data)
{
	struct audit_pass *pass = data;

	(void)item;
	if (said >= AUDIT_CLEAR_IN)
		members_add(pass->look->sessions.items[said - AUDIT_CLEAR_IN]);
}

static void look_ahead(size_t number, size_t end, void *data)
{
	struct audit_pass *pass = data;

	audit_sessions_ahead(pass->look, number, end);
}

/* A session in which a child was held up is passed over, and new children look into those that are not done. */
static int share(struct audit_pass *pass)
{
	struct shared_work work = {
		.count = pass->count,
		.data = pass,
		.start = look_ahead,
		.starts = pass->look->sessions.count,
		.patience_ms = SESSION_MS,
		.help = help,
		.decide = decide,
		.accept = accept,
	};
	size_t stuck = 0;
	int r;

	do {
		r = shared_work_do(&work, &stuck);
		if (r < 0 || stuck == work.starts)
			return r;
		r = audit_sessions_give_up(pass->look, stuck);
		work.count = 0;
	} while (r == 0);
	return r;
}

/* Those of which the kernel has told enough are counted, and no more is read of them. */
static void pass_over_clear(struct audit_pass *pass)
{
	size_t left = 0;

	if (!audit_filter_is_there(pass->look))
		return;
	for (size_t i = 0; i < pass->count; i++) {
		struct session *session = NULL;

		if (audit_filter_is_clear(pass, pass->pids[i], &session))
			members_add(session);
		else
			pass->pids[left++] = pass->pids[i];
	}
	pass->count = left;
}

int audit_processes(struct look *look)
{
	struct audit_pass pass = { .look = look };
	int r;

	find_telling(&look->sessions, pass.telling);
	r = holdings_make(&look->sessions, &pass.holdings);
	if (r == 0)
		r = audit_logins_make(&look->sessions, &pass.logins);

	if (r == 0)
		r = holdings_visit_mounts(&pass.holdings, &look->mounts, add_mount, look);
	if (r == 0)
		r = members_open(&look->sessions, &pass.members);
	if (r == 0)
		r = members_list(pass.members, &pass.pids, &pass.count);
	if (r == 0) {
		task_facts_take(&look->reader, &look->facts);
		pass_over_clear(&pass);
		r = share(&pass);
	}
	members_close(pass.members);
	free(pass.pids);
	audit_logins_release(&pass.logins);
	holdings_release(&pass.holdings);
	return r;
}
