/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/pam_view.h"

#include "tools/pam_host.h"

#include <string.h>

void pam_view_release(struct pam_view *view)
{
	pam_verdict_release(&view->verdict);
	pam_stack_release(&view->stack);
}

static int add_damage(struct pam_view *view, const struct pam_edit_problems *damage)
{
	int r = 0;

	for (size_t i = 0; i < damage->count && r >= 0; i++)
		r = pam_problems_add(&view->verdict.problems, PAM_PROBLEM_DAMAGED, PAM_WARNING, view->stack.files[0],
				     damage->items[i].line, "%s", damage->items[i].text);
	return r;
}

/* Whatever stands in one of our blocks is meant to be our module. */
static int judge_blocks(struct pam_view *view, const struct pam_blocks *blocks)
{
	int r = 0;

	for (size_t i = 0; blocks->present && i < view->stack.count && r >= 0; i++) {
		const struct pam_entry *entry = &view->stack.entries[i];

		if (entry->kind != PAM_ENTRY_MODULE || entry->file != view->stack.files[0] ||
		    pam_entry_is_module(entry, PAM_MODULE_NAME))
			continue;
		for (int role = 0; role < PAM_BLOCKS && r >= 0; role++)
			if (entry->line == blocks->block[role].first_line + 1)
				r = pam_judge_misspelt(&view->verdict, entry);
	}
	return r;
}

static int view_blocks(struct pam_directory *directory, const char *service, struct pam_view *view)
{
	struct pam_edit_problems damage = { 0 };
	struct pam_blocks blocks = { 0 };
	struct pam_text text = { 0 };
	int r;

	r = pam_directory_read(directory, service, &text.bytes, &text.length);
	if (r >= 0)
		r = pam_edit_find(&text, &blocks, &damage);
	view->managed = r >= 0 && blocks.present;
	if (r == -EBADMSG)
		r = add_damage(view, &damage);
	if (r >= 0)
		r = judge_blocks(view, &blocks);
	pam_text_release(&text);
	pam_blocks_release(&blocks);
	pam_edit_problems_release(&damage);
	return r;
}

int pam_view_read(struct pam_directory *directory, const char *service, struct pam_view *ret)
{
	struct pam_view view = { 0 };
	int r;

	r = pam_stack_read(pam_directory_read, directory, service, &view.stack);
	if (r >= 0)
		r = pam_stack_judge(&view.stack, &view.verdict);
	if (r >= 0)
		r = view_blocks(directory, service, &view);
	if (r >= 0)
		r = pam_host_judge(&view.stack, &view.verdict);
	if (r < 0) {
		pam_view_release(&view);
		return r;
	}
	*ret = view;
	return 0;
}

size_t pam_view_problem_count(const struct pam_view *view)
{
	size_t count = 0;

	for (size_t i = 0; i < view->verdict.problems.count; i++)
		count += view->verdict.problems.items[i].severity > PAM_NOTE;
	for (size_t i = 0; i < view->stack.problems.count; i++)
		count += view->stack.problems.items[i].severity > PAM_NOTE;
	return count;
}
