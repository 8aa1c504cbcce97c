/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/show.h"

#include "tools/holders.h"
#include "tools/members.h"
#include "tools/process_info.h"

struct search {
	const struct session *session;
	struct holdings holdings;
	json_object *array;
	const struct process_info *info; /* of the process that is looked at */
};

static json_object *show_one(const struct search *search, const char *name)
{
	json_object *object = document_object(search->array, NULL);

	document_text(object, "namespace", name);
	return object;
}

static int show_open(const struct session *session, const char *name, void *data)
{
	struct search *search = data;

	if (session != search->session)
		return 0;

	json_object *object = show_one(search, name);

	document_number(object, "pid", (uint64_t)search->info->pid);
	document_text(object, "held-by", search->info->command);
	return 0;
}

static int show_mount(const struct session *session, const struct mount_entry *entry, void *data)
{
	const struct search *search = data;

	if (session != search->session)
		return 0;

	json_object *object = show_one(search, entry->root);

	document_text(object, "pid", NULL);
	document_text(object, "held-by", entry->target);
	return 0;
}

/* One that is gone meanwhile holds nothing any more. */
static int judge(struct session *session, int process, void *data)
{
	struct search *search = data;
	_cleanup_(process_info_release) struct process_info info = { 0 };
	int r;

	if (session_is_within(session, search->session))
		return 0;
	r = process_info_read(process, &info);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	search->info = &info;
	r = holdings_visit_open(&search->holdings, process, show_open, search);
	search->info = NULL;
	return r;
}

int show_holders(json_object *document, const struct sessions *sessions, const struct session *session)
{
	_cleanup_(mounts_release) struct mount_list host = { 0 };
	struct search search = { .session = session, .array = document_array(document, "held-from-outside") };
	int r = mounts_read(1, &host);

	if (r == 0)
		r = holdings_make(sessions, &search.holdings);
	if (r == 0)
		r = holdings_visit_mounts(&search.holdings, &host, show_mount, &search);
	if (r == 0)
		r = members_visit_all(sessions, judge, &search);
	holdings_release(&search.holdings);
	return r;
}
