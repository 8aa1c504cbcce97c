/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/audit_findings.h"

#include "common/format_list.h"

#include <string.h>

static void finding_release(struct finding *finding)
{
	free(finding->subject);
	free(finding->user);
	free(finding->seen);
	free(finding->remedy);
	*finding = (struct finding){ 0 };
}

void findings_release(struct findings *list)
{
	for (size_t i = 0; i < list->count; i++)
		finding_release(&list->items[i]);
	free(list->items);
	*list = (struct findings){ 0 };
}

/* Room for `more`; grows by doubling. */
static int reserve(struct findings *list, size_t more)
{
	size_t room = 1;

	while (room < list->count + more)
		room *= 2;

	struct finding *items = reallocarray(list->items, room, sizeof(*items));

	if (!items)
		return -ENOMEM;
	list->items = items;
	return 0;
}

const char *finding_remedy(const struct finding *finding)
{
	return finding->remedy ? finding->remedy : finding_kinds[finding->code].remedy;
}

int findings_add_va(struct findings *list, enum finding_code code, const struct subject *subject, const char *format,
		    va_list args)
{
	struct finding finding = {
		.code = code, .pid = subject->pid, .start = subject->start, .since = subject->since
	};

	finding.seen = format_list(format, args);
	finding.subject = strdup(subject->text);
	finding.user = subject->user ? strdup(subject->user) : NULL;
	finding.remedy = subject->remedy ? strdup(subject->remedy) : NULL;
	if (!finding.seen || !finding.subject || (subject->user && !finding.user) ||
	    (subject->remedy && !finding.remedy) || reserve(list, 1) < 0) {
		finding_release(&finding);
		return -ENOMEM;
	}
	list->items[list->count++] = finding;
	return 0;
}

int findings_add(struct findings *list, enum finding_code code, const struct subject *subject, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = findings_add_va(list, code, subject, format, args);
	va_end(args);
	return r;
}

int findings_move(struct findings *list, struct findings *other)
{
	if (other->count == 0)
		return 0;
	if (reserve(list, other->count) < 0)
		return -ENOMEM;
	memcpy(&list->items[list->count], other->items, other->count * sizeof(*other->items));
	list->count += other->count;
	other->count = 0;
	return 0;
}

static int compare_numbers(uint64_t left, uint64_t right)
{
	return (left > right) - (left < right);
}

/* What makes two looks' findings the same. The subject of a process names its program, which it may change. */
static int compare(const void *a, const void *b)
{
	const struct finding *left = a, *right = b;
	int r = compare_numbers(left->code, right->code);

	if (r == 0)
		r = compare_numbers((uint64_t)left->pid, (uint64_t)right->pid);
	if (r == 0)
		r = compare_numbers(left->start, right->start);
	return r != 0 || left->pid > 0 ? r : strcmp(left->subject, right->subject);
}

static int compare_to_show(const void *a, const void *b)
{
	const struct finding *left = a, *right = b;
	int r = compare_numbers(left->code, right->code);

	if (r == 0)
		r = strcmp(left->subject, right->subject);
	if (r == 0)
		r = compare_numbers((uint64_t)left->pid, (uint64_t)right->pid);
	return r != 0 ? r : strcmp(left->seen, right->seen);
}

static void sort(struct findings *list, int (*order)(const void *a, const void *b))
{
	if (list->count > 1)
		qsort(list->items, list->count, sizeof(*list->items), order);
}

void findings_sort(struct findings *list)
{
	size_t kept = 0;

	sort(list, compare_to_show);
	/* what is wrong in a file that many services include is said once */
	for (size_t i = 0; i < list->count; i++) {
		if (kept > 0 && compare_to_show(&list->items[kept - 1], &list->items[i]) == 0)
			finding_release(&list->items[i]);
		else
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
}

void findings_filter(struct findings *list, bool (*keep)(const struct finding *finding, const void *data),
		     const void *data)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (keep(&list->items[i], data))
			list->items[kept++] = list->items[i];
		else
			finding_release(&list->items[i]);
	}
	list->count = kept;
}

static bool is_in(const struct finding *finding, const void *data)
{
	const struct findings *other = data;

	return other->count > 0 && bsearch(finding, other->items, other->count, sizeof(*finding), compare);
}

void findings_intersect(struct findings *list, struct findings *other)
{
	sort(list, compare);
	sort(other, compare);
	findings_filter(list, is_in, other);
}
