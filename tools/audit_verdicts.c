/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/audit_verdicts.h"

#include "tools/sorted.h"

#include <fcntl.h>
#include <string.h>

struct audit_verdict {
	const struct record *record; /* of one of the logins that it is about */
	struct verdict verdict;
	int result;
};

/* Of nsrun -p: that file decides now as it did then. NULL: the policies of the directory do. */
static const char *file_of(const struct record *record)
{
	return record->policy[0] == '/' ? record->policy : NULL;
}

static int compare_files(const struct record *left, const struct record *right)
{
	const char *one = file_of(left), *other = file_of(right);

	return strcmp(one ? one : "", other ? other : "");
}

/* By everything that the policies are asked with. */
static int compare(const void *item, const void *key)
{
	const struct record *left = (*(struct audit_verdict *const *)item)->record, *right = key;
	int r = strcmp(left->user, right->user);

	if (r == 0)
		r = strcmp(left->service, right->service);
	if (r == 0)
		r = strcmp(left->remote_host, right->remote_host);
	return r == 0 ? compare_files(left, right) : r;
}

static void item_free(struct audit_verdict *item)
{
	verdict_release(&item->verdict);
	free(item);
}

/* One look is at one directory. Tolerates that there is no descriptor left: then it is opened again. */
static void keep_place(struct audit_verdicts *verdicts, const struct verdict *verdict)
{
	if (verdicts->has_live || verdict->directory < 0)
		return;
	verdicts->live = (struct verdict_place){ fcntl(verdict->directory, F_DUPFD_CLOEXEC, 0), verdict->uid_min };
	verdicts->has_live = verdicts->live.directory >= 0;
}

/* -ENOMEM, else 0 with what was said in the item. */
static int ask(struct audit_verdicts *verdicts, struct audit_verdict *item, const struct audit_services *services)
{
	const struct record *record = item->record;
	const struct audit_service *service = audit_services_find(services, record->service);
	const bool live = !file_of(record) && (!service || !service->directory);
	const struct verdict_query query = {
		.directory = service ? service->directory : NULL,
		.file = file_of(record),
		.place = live && verdicts->has_live ? &verdicts->live : NULL,
		.user = record->user,
		.service = record->service,
		.from = record->remote_host,
	};

	item->result = verdict_find(&query, &item->verdict);
	if (live && item->result == 0)
		keep_place(verdicts, &item->verdict);
	if (item->result == 0)
		return verdict_keep(&item->verdict);
	return item->result == -ENOMEM ? -ENOMEM : 0;
}

static int add(struct audit_verdicts *verdicts, size_t at, const struct audit_services *services,
	       const struct record *record)
{
	struct audit_verdict **items =
		reallocarray(verdicts->items, verdicts->count + 1, sizeof(struct audit_verdict *));
	struct audit_verdict *item = calloc(1, sizeof(*item));
	int r = -ENOMEM;

	if (items)
		verdicts->items = items;
	if (item) {
		*item = (struct audit_verdict){ .record = record, .verdict.directory = -1 };
		r = items ? ask(verdicts, item, services) : -ENOMEM;
	}
	if (r < 0) {
		if (item)
			item_free(item);
		return r;
	}
	memmove(&items[at + 1], &items[at], (verdicts->count - at) * sizeof(struct audit_verdict *));
	items[at] = item;
	verdicts->count++;
	return 0;
}

int audit_verdicts_find(struct audit_verdicts *verdicts, const struct audit_services *services,
			const struct record *record, const struct verdict **ret)
{
	const struct audit_verdict *item;
	bool found;
	size_t at =
		sorted_find(record, verdicts->items, verdicts->count, sizeof(struct audit_verdict *), compare, &found);
	int r = found ? 0 : add(verdicts, at, services, record);

	if (r < 0)
		return r;
	item = verdicts->items[at];
	if (item->result == 0)
		*ret = &item->verdict;
	return item->result;
}

void audit_verdicts_release(struct audit_verdicts *verdicts)
{
	for (size_t i = 0; i < verdicts->count; i++)
		item_free(verdicts->items[i]);
	free(verdicts->items);
	if (verdicts->has_live)
		close_fd(verdicts->live.directory);
	*verdicts = (struct audit_verdicts){ 0 };
}
