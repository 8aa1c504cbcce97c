/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/keys.h"
#include "config/text_list.h"
#include "tools/lint_private.h"

#include <string.h>

int group_ranks_add(struct group_ranks *ranks, const struct policy *policy)
{
	struct group_rank rank = { .priority = policy->priority };
	struct group_rank *items = reallocarray(ranks->items, ranks->count + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	ranks->items = items;
	rank.file = strdup(policy->file);
	if (!rank.file || text_list_add_all(&rank.services, policy->services) < 0) {
		free(rank.file);
		text_list_free(rank.services);
		return -ENOMEM;
	}
	rank.line = policy->origins[KEY_PRIORITY].line;
	items[ranks->count++] = rank;
	return 0;
}

void group_ranks_release(struct group_ranks *ranks)
{
	for (size_t i = 0; i < ranks->count; i++) {
		free(ranks->items[i].file);
		text_list_free(ranks->items[i].services);
	}
	free(ranks->items);
	*ranks = (struct group_ranks){ 0 };
}

static bool share_a_service(const struct group_rank *a, const struct group_rank *b)
{
	for (char **service = b->services; a->services && service && *service; service++)
		if (text_list_has(a->services, *service))
			return true;
	return !a->services || !b->services;
}

void lint_ranks(const struct group_ranks *ranks, struct diagnostics *diag)
{
	for (size_t i = 1; i < ranks->count; i++) {
		const struct group_rank *rank = &ranks->items[i];

		for (size_t j = 0; j < i; j++) {
			const struct group_rank *first = &ranks->items[j];

			if (first->priority != rank->priority || !share_a_service(first, rank))
				continue;
			diagnostics_add(diag, SEVERITY_WARNING, rank->file, rank->line,
					"priority %d is that of %s, too, which decides about members of both groups, "
					"for its name; give one of them another",
					rank->priority, first->file);
			break;
		}
	}
}
