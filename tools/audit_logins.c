/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/audit_logins.h"

#include <errno.h>

static int compare_pids(const void *left, const void *right)
{
	const pid_t one = ((const struct audit_login *)left)->pid, other = ((const struct audit_login *)right)->pid;

	return (one > other) - (one < other);
}

static int compare(const void *left, const void *right)
{
	const uint64_t one = ((const struct audit_login *)left)->start;
	const uint64_t other = ((const struct audit_login *)right)->start;
	const int r = compare_pids(left, right);

	return r != 0 ? r : (one > other) - (one < other);
}

/* Where the pids of a record are others than the reader's, they say nothing. */
static void add(struct audit_logins *logins, const struct record_view *view, uint64_t host)
{
	if (view->valid && view->record.outer_pid_namespace == host)
		logins->items[logins->count++] =
			(struct audit_login){ view->record.login_pid, view->record.login_start };
}

int audit_logins_make(const struct sessions *sessions, struct audit_logins *ret)
{
	const uint64_t host = sessions->host[NAMESPACE_PID];
	struct audit_logins logins = { .count = 0 };
	size_t room = 1;

	for (size_t i = 0; i < sessions->count; i++)
		room += 1 + sessions->items[i]->login_count;
	logins.items = calloc(room, sizeof(*logins.items));
	if (!logins.items)
		return -ENOMEM;
	for (size_t i = 0; i < sessions->count; i++) {
		add(&logins, &sessions->items[i]->view, host);
		for (size_t j = 0; j < sessions->items[i]->login_count; j++)
			add(&logins, &sessions->items[i]->logins[j].view, host);
	}
	qsort(logins.items, logins.count, sizeof(*logins.items), compare);
	*ret = logins;
	return 0;
}

void audit_logins_release(struct audit_logins *logins)
{
	free(logins->items);
	*logins = (struct audit_logins){ .items = NULL };
}

static bool have(const struct audit_logins *logins, const struct audit_login *login,
		 int (*by)(const void *left, const void *right))
{
	return logins->count > 0 && bsearch(login, logins->items, logins->count, sizeof(*login), by);
}

bool audit_logins_have(const struct audit_logins *logins, pid_t pid, uint64_t start)
{
	return have(logins, &(struct audit_login){ pid, start }, compare);
}

bool audit_logins_have_pid(const struct audit_logins *logins, pid_t pid)
{
	return have(logins, &(struct audit_login){ pid, 0 }, compare_pids);
}
