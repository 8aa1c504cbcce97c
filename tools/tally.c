/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/tally.h"

#include <stdint.h>
#include <string.h>

static struct tally *find_tally(struct tallies *tallies, const char *name)
{
	for (size_t i = 0; i < tallies->count; i++)
		if (strcmp(tallies->items[i].name, name) == 0)
			return &tallies->items[i];

	struct tally *items = reallocarray(tallies->items, tallies->count + 1, sizeof(*items));

	if (!items)
		return NULL;
	tallies->items = items;
	items[tallies->count] = (struct tally){ .name = strdup(name) };
	return items[tallies->count].name ? &items[tallies->count++] : NULL;
}

static struct variant *find_variant(struct tally *tally, const char *value)
{
	for (size_t i = 0; i < tally->count; i++)
		if (strcmp(tally->variants[i].value, value) == 0)
			return &tally->variants[i];

	struct variant *variants = reallocarray(tally->variants, tally->count + 1, sizeof(*variants));

	if (!variants)
		return NULL;
	tally->variants = variants;
	variants[tally->count] = (struct variant){ .value = strdup(value) };
	return variants[tally->count].value ? &variants[tally->count++] : NULL;
}

int tallies_add(struct tallies *tallies, const char *name, const char *value, pid_t pid)
{
	struct tally *tally = find_tally(tallies, name);
	struct variant *variant = tally ? find_variant(tally, value) : NULL;

	if (!variant)
		return -ENOMEM;
	if (variant->count < TALLY_PIDS)
		variant->pids[variant->count] = pid;
	variant->count++;
	tally->total++;
	return 0;
}

void tallies_release(struct tallies *tallies)
{
	for (size_t i = 0; i < tallies->count; i++) {
		for (size_t j = 0; j < tallies->items[i].count; j++)
			free(tallies->items[i].variants[j].value);
		free(tallies->items[i].variants);
		free(tallies->items[i].name);
	}
	free(tallies->items);
	*tallies = (struct tallies){ 0 };
}

const struct variant *tally_most(const struct tally *tally)
{
	const struct variant *most = &tally->variants[0];

	for (size_t i = 1; i < tally->count; i++)
		if (tally->variants[i].count > most->count)
			most = &tally->variants[i];
	return most;
}

char *variant_pids(const struct variant *variant)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < variant->count && i < TALLY_PIDS; i++)
		(void)fprintf(out, "%s%jd", i > 0 ? " " : "", (intmax_t)variant->pids[i]);
	if (variant->count > TALLY_PIDS)
		(void)fprintf(out, " and %zu more", variant->count - TALLY_PIDS);
	return fclose(out) == 0 ? TAKE_PTR(text) : NULL;
}
