/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/pam_change.h"

#include "tools/pam_traces.h"

#include <string.h>

static const struct pam_entry *first_line(const struct pam_stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		if (pam_entry_is_module(&stack->entries[i], PAM_MODULE_NAME))
			return &stack->entries[i];
	return NULL;
}

static const struct pam_entry *first_misspelt(const struct pam_stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		if (pam_entry_is_misspelt(&stack->entries[i]))
			return &stack->entries[i];
	return NULL;
}

/* Of lines that PAM does not read for a session: once the module is gone they, too, refuse every login. */
static enum outcome explain_text(const struct change *change, const struct target *target)
{
	_cleanup_free_ char *traces = pam_traces(target->view);

	if (!traces || *traces) {
		printf("%s: names %s where no session line does (%s/%s: lines %s); remove them by hand\n", target->name,
		       PAM_MODULE_NAME, change->directory.path, target->name, traces ? traces : "unknown");
		return OUTCOME_LEFT;
	}
	/* by --all nobody asked about this one */
	if (!change->options->all)
		printf("%s: already without the module; nothing to do\n", target->name);
	return OUTCOME_NOTHING;
}

static void explain_lines(const struct change *change, const struct target *target, const struct pam_stack *stack,
			  const struct pam_verdict *verdict)
{
	const struct pam_entry *entry = verdict->open    ? verdict->open
					: verdict->close ? verdict->close
							 : first_line(stack);

	if (verdict->state == PAM_STATE_THROUGH)
		printf("%s: has no lines of its own, it is enabled through '%s' (%s/%s:%u); nothing to do\n",
		       target->name, verdict->through, pam_change_directory_of(change, entry->file), entry->file,
		       entry->line);
	else if (entry)
		printf("%s: its lines of %s were written by hand (%s/%s:%u); remove them by hand\n", target->name,
		       PAM_MODULE_NAME, pam_change_directory_of(change, entry->file), entry->file, entry->line);
	for (size_t i = 0; i < stack->count; i++) {
		entry = &stack->entries[i];
		if (pam_entry_is_misspelt(entry))
			printf("%s: a line means %s and names '%s', which PAM cannot load (%s/%s:%u); remove it by "
			       "hand\n",
			       target->name, PAM_MODULE_NAME, entry->module,
			       pam_change_directory_of(change, entry->file), entry->file, entry->line);
	}
}

/* Without blocks: says where lines come from that this program cannot take out. */
static void explain_absent(struct change *change, struct target *target)
{
	struct pam_verdict verdict = { 0 };
	struct pam_stack stack = { 0 };

	target->outcome = OUTCOME_NOTHING;
	if (pam_stack_read(pam_change_read, change, target->name, &stack) < 0)
		return;
	if (pam_stack_judge(&stack, &verdict) >= 0 && verdict.state != PAM_STATE_ABSENT) {
		target->outcome = OUTCOME_LEFT;
		explain_lines(change, target, &stack, &verdict);
	} else {
		target->outcome = explain_text(change, target);
	}
	pam_verdict_release(&verdict);
	pam_stack_release(&stack);
}

static void plan_disable(struct change *change, struct target *target)
{
	struct pam_text copy = { 0 };

	target->next = target->plain;
	target->plain = (struct pam_text){ 0 };
	target->view = &target->next;
	target->copy_found = change->state_fd >= 0 && pam_copy_read(change->state_fd, target->name, &copy) >= 0;
	target->copy_same = target->copy_found && pam_texts_equal(&copy, &target->next);
	target->outcome = OUTCOME_CHANGE;
	pam_text_release(&copy);
}

static void print_disabled(struct change *change, const struct target *target)
{
	const char *state = change->options->state_dir;

	if (target->copy_same && pam_copy_remove(change->state_fd, target->name) >= 0)
		printf("%s: disabled; the file is byte for byte what it was before\n", target->name);
	else if (target->copy_found)
		printf("%s: disabled; only our lines were removed. The file was changed in between: it differs from "
		       "the copy %s/%s, which is left there\n",
		       target->name, state, target->name);
	else
		printf("%s: disabled; only our lines were removed. There is no copy in %s to compare with\n",
		       target->name, state);
}

/* Where the stack names the module without our blocks, or means it, and the remedy; NULL if nowhere. */
static char *find_left(struct change *change, const struct target *target)
{
	_cleanup_free_ char *traces = pam_traces(&target->next);
	struct pam_stack stack = { 0 };
	const struct pam_entry *entry, *misspelt;
	char *text = NULL;
	int r = 0;

	if (pam_stack_read(pam_change_read, change, target->name, &stack) < 0)
		return NULL;
	entry = first_line(&stack);
	misspelt = first_misspelt(&stack);
	if (entry && !strcmp(entry->file, target->name))
		r = asprintf(&text, "it is still enabled by hand: %s:%u; remove the line by hand", entry->file,
			     entry->line);
	else if (entry)
		r = asprintf(&text, "it is still enabled through '%s': %s:%u; disable that, too", entry->file,
			     entry->file, entry->line);
	else if (misspelt)
		r = asprintf(&text,
			     "%s:%u means the module and names '%s', which PAM cannot load; remove the line by hand",
			     misspelt->file, misspelt->line, misspelt->module);
	else if (traces && *traces)
		r = asprintf(&text, "it is named where no session line does: lines %s; remove them by hand", traces);
	pam_stack_release(&stack);
	return r < 0 ? NULL : text;
}

/* Our blocks are out. What else is there of the module is named, and is not called disabled. */
static void finish_target(struct change *change, struct target *target)
{
	_cleanup_free_ char *left = find_left(change, target);

	if (change->options->dry_run)
		pam_change_print_diff(change, target);
	else if (!left)
		print_disabled(change, target);
	if (!left)
		return;
	target->outcome = OUTCOME_LEFT;
	complain("%s: our lines %s removed, but %s", target->name, change->options->dry_run ? "would be" : "are", left);
}

static bool names_module(struct change *change, const char *service, const struct pam_text *text)
{
	_cleanup_free_ char *traces = pam_traces(text);
	struct pam_stack stack = { 0 };
	bool named = !traces || *traces || pam_stack_read(pam_change_read, change, service, &stack) < 0 ||
		     first_line(&stack) || first_misspelt(&stack);

	pam_stack_release(&stack);
	return named;
}

/*
 * --all: every file with a marker, damaged ones too, and every service that has the module by hand or through another,
 * or names it wrongly, so that they are complained about: without the module's file PAM refuses their logins, root's
 * too.
 */
static int all_services(struct change *change)
{
	char **names = NULL;
	size_t count = 0;
	int r = pam_directory_list(&change->directory, &names, &count);

	for (size_t i = 0; i < count && r >= 0; i++) {
		struct pam_blocks blocks = { 0 };
		struct pam_edit_problems problems = { 0 };
		struct pam_text text = { 0 };

		if (pam_directory_read(&change->directory, names[i], &text.bytes, &text.length) < 0)
			continue;
		r = pam_edit_find(&text, &blocks, &problems);
		if (r == -EBADMSG || (r >= 0 && (blocks.present || names_module(change, names[i], &text))))
			r = pam_change_add(change, names[i]);
		pam_blocks_release(&blocks);
		pam_edit_problems_release(&problems);
		pam_text_release(&text);
	}
	pam_names_release(names, count);
	return r < 0 ? r : 0;
}

/* Those with blocks first: what includes them is looked at as it will be. */
static void plan_all(struct change *change)
{
	for (size_t i = 0; i < change->count; i++)
		if (change->targets[i].blocks.present)
			plan_disable(change, &change->targets[i]);
	for (size_t i = 0; i < change->count; i++)
		if (!change->targets[i].blocks.present && change->targets[i].outcome == OUTCOME_UNPLANNED)
			explain_absent(change, &change->targets[i]);
}

static int finish_disable(struct change *change)
{
	if (pam_change_has(change, OUTCOME_CHANGE) && !change->options->dry_run &&
	    pam_change_apply(change, false) != PAM_EXIT_DONE)
		return PAM_EXIT_FAILED;
	for (size_t i = 0; i < change->count; i++) {
		if (change->targets[i].outcome == OUTCOME_CHANGE)
			finish_target(change, &change->targets[i]);
		else if (change->targets[i].outcome == OUTCOME_REFUSED)
			complain("%s: not disabled", change->targets[i].name);
	}
	return pam_change_has(change, OUTCOME_LEFT) || pam_change_has(change, OUTCOME_REFUSED) ? PAM_EXIT_FINDING
											       : PAM_EXIT_DONE;
}

int pam_command_disable(const struct pam_options *options)
{
	_cleanup_(pam_change_release) struct change change = { .options = options, .directory.fd = -1, .state_fd = -1 };

	if (open_services(options, &change.directory) < 0)
		return PAM_EXIT_FAILED;
	if (options->all && all_services(&change) < 0) {
		complain("%s cannot be read", change.directory.path);
		return PAM_EXIT_FAILED;
	}
	if (pam_change_open(&change, !options->dry_run) != PAM_EXIT_DONE) {
		complain("nothing was changed");
		return PAM_EXIT_FAILED;
	}
	plan_all(&change);
	return finish_disable(&change);
}
