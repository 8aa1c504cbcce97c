/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/pam_change.h"

#include "tools/pam_module_check.h"
#include "tools/pam_services.h"
#include "nsisolate-config.h"

#include <string.h>

/* The service has lines that are not in our blocks: written by hand, or coming through an include. */
static enum outcome plan_foreign(const struct change *change, const struct target *target,
				 const struct pam_verdict *verdict)
{
	const struct pam_entry *entry = verdict->open ? verdict->open : verdict->close;
	bool own = !entry || !strcmp(entry->file, target->name);
	bool failed = pam_change_report(change, &verdict->problems, PAM_WARNING);

	if (verdict->state == PAM_STATE_THROUGH && !own) {
		printf("%s: already covered through '%s' (%s/%s:%u); nothing to do\n", target->name, verdict->through,
		       pam_change_directory_of(change, entry->file), entry->file, entry->line);
		return OUTCOME_NOTHING;
	}
	if (entry && verdict->state == PAM_STATE_ENABLED && !failed && !verdict->problems.count &&
	    !target->blocks.present) {
		printf("%s: already enabled by hand (%s/%s:%u); nothing to do\n", target->name, change->directory.path,
		       target->name, entry->line);
		return OUTCOME_NOTHING;
	}
	complain("%s/%s:%u: the file has lines of %s that nsisolate-pam did not write; remove them, then enable again",
		 change->directory.path, entry ? entry->file : target->name, entry ? entry->line : 0, PAM_MODULE_NAME);
	return OUTCOME_REFUSED;
}

/* Plans the edit of a stack that has no lines of the module but those in the target's own blocks. */
static enum outcome plan_insert(struct change *change, struct target *target, const struct pam_stack *stack)
{
	struct pam_edit_problems edit_problems = { 0 };
	struct pam_edit edit = {
		.service = target->name,
		.module = change->module,
		.arguments = (const char *const *)(change->arguments ? change->arguments : target->blocks.arguments),
	};

	if (!stack->count) {
		complain("%s/%s has no session line: the service opens no session, or PAM takes those of 'other'; "
			 "there is nothing to isolate",
			 change->directory.path, target->name);
		return OUTCOME_REFUSED;
	}
	edit.close_line = stack->entries[0].top_line;
	if (pam_edit_insert(&target->plain, &edit, &target->next) < 0) {
		complain("%s: %s", target->name, strerror(ENOMEM));
		return OUTCOME_REFUSED;
	}
	target->view = &target->next;
	if (pam_edit_find(&target->next, &target->next_blocks, &edit_problems) < 0) {
		pam_change_complain(change, target, &edit_problems);
		return OUTCOME_REFUSED;
	}
	if (!pam_texts_equal(&target->next, &target->file.text))
		return OUTCOME_CHANGE;
	printf("%s: already enabled; nothing to do\n", target->name);
	return OUTCOME_NOTHING;
}

/* The planned stack is read again as PAM will read it: a policy that would not hold is not half enabled. */
static enum outcome verify_plan(struct change *change, const struct target *target)
{
	struct pam_verdict verdict = { 0 };
	struct pam_stack stack = { 0 };
	enum outcome outcome = OUTCOME_REFUSED;

	if (pam_stack_read(pam_change_read, change, target->name, &stack) < 0 || pam_stack_judge(&stack, &verdict) < 0)
		complain("%s: %s", target->name, strerror(ENOMEM));
	else if (pam_change_report(change, &verdict.problems, PAM_WARNING))
		complain("%s: not enabled, because it would not hold; change the file as said above first",
			 target->name);
	else if (verdict.state != PAM_STATE_ENABLED)
		complain("%s: not enabled, because PAM would not run the new lines", target->name);
	else
		outcome = target->outcome;
	pam_verdict_release(&verdict);
	pam_stack_release(&stack);
	return outcome;
}

static enum outcome plan_stack(struct change *change, struct target *target, const struct pam_stack *stack,
			       const struct pam_verdict *verdict)
{
	if (pam_change_report(change, &stack->problems, PAM_WARNING)) {
		complain("%s: not enabled: PAM cannot read all of its stack; repair it first", target->name);
		return OUTCOME_REFUSED;
	}
	if (verdict->state != PAM_STATE_ABSENT)
		return plan_foreign(change, target, verdict);
	return plan_insert(change, target, stack);
}

static void plan_enable(struct change *change, struct target *target)
{
	const struct pam_service_info *info = pam_service_info(target->name);
	struct pam_verdict verdict = { 0 };
	struct pam_stack stack = { 0 };

	target->outcome = OUTCOME_REFUSED;
	if (pam_service_is_shared(target->name)) {
		complain("%s is no service: others include it, and lines there would not be first and last; enable the "
			 "services themselves",
			 target->name);
		return;
	}
	if (info && info->discouraged)
		complain("warning: %s: not advised: %s", target->name, info->why);

	target->view = &target->plain;
	if (pam_stack_read(pam_change_read, change, target->name, &stack) < 0 || pam_stack_judge(&stack, &verdict) < 0)
		complain("%s: %s", target->name, strerror(ENOMEM));
	else
		target->outcome = plan_stack(change, target, &stack, &verdict);
	if (target->outcome == OUTCOME_CHANGE)
		target->outcome = verify_plan(change, target);
	else
		target->view = &target->file.text;
	pam_verdict_release(&verdict);
	pam_stack_release(&stack);
}

/* Does the stack of `target` include another target that is not planned yet? */
static bool waits(struct change *change, const struct target *target)
{
	struct pam_stack stack = { 0 };
	bool found = false;

	if (pam_stack_read(pam_change_read, change, target->name, &stack) < 0)
		return false;
	for (size_t i = 0; i < change->count; i++)
		for (size_t file = 1; file < stack.file_count; file++)
			found = found ||
				(change->targets[i].outcome == OUTCOME_UNPLANNED && &change->targets[i] != target &&
				 !strcmp(change->targets[i].name, stack.files[file]));
	pam_stack_release(&stack);
	return found;
}

/* What others include comes first, so that "enable su-l su" finds su-l covered through su. */
static void plan_all(struct change *change)
{
	for (bool forced = false, progress = true; progress || !forced;) {
		forced = !progress;
		progress = false;
		for (size_t i = 0; i < change->count; i++) {
			struct target *target = &change->targets[i];

			if (target->outcome != OUTCOME_UNPLANNED || (!forced && waits(change, target)))
				continue;
			plan_enable(change, target);
			progress = true;
		}
	}
}

static void print_enabled(const struct change *change, const struct target *target)
{
	printf("%s: %s\n", target->name, target->blocks.present ? "enabled anew, the lines changed" : "enabled");
	for (int role = 0; role < PAM_BLOCKS; role++) {
		_cleanup_free_ char *line = pam_edit_line(target->next_blocks.module, role,
							  (const char *const *)target->next_blocks.arguments);

		printf("  %s/%s:%u: %s\n", change->directory.path, target->name,
		       target->next_blocks.block[role].first_line + 1, line ? line : "");
	}
	printf("  a copy of the file as it was: %s/%s\n", change->options->state_dir, target->name);
}

static void print_reminder(void)
{
	printf("Keep a root shell open, and try a new login before you close it. To take it back: nsisolate-pam "
	       "disable SERVICE\n");
}

static int finish_enable(struct change *change)
{
	bool changes = pam_change_has(change, OUTCOME_CHANGE) && !change->options->dry_run;

	if (pam_change_has(change, OUTCOME_REFUSED)) {
		complain("nothing was changed");
		return PAM_EXIT_FAILED;
	}
	if (changes && pam_change_apply(change, true) != PAM_EXIT_DONE)
		return PAM_EXIT_FAILED;
	for (size_t i = 0; i < change->count; i++) {
		if (change->targets[i].outcome != OUTCOME_CHANGE)
			continue;
		if (change->options->dry_run)
			pam_change_print_diff(change, &change->targets[i]);
		else
			print_enabled(change, &change->targets[i]);
	}
	if (changes)
		print_reminder();
	if (!change->options->dry_run && print_advice(&change->directory, pam_change_read, change) < 0)
		complain("the other services could not be looked at");
	return PAM_EXIT_DONE;
}

/* Arguments that are kept from before must still name a policy directory and groups that exist. */
static int check_host(struct change *change)
{
	char *problem = NULL;
	bool checked = false;

	for (size_t i = 0; i < change->count; i++) {
		char **arguments = change->arguments ? change->arguments : change->targets[i].blocks.arguments;

		if (checked && change->arguments)
			continue;
		if (host_check((const char *const *)arguments, &problem) < 0)
			return complain_problem(problem);
		checked = true;
	}
	return PAM_EXIT_DONE;
}

int pam_command_enable(const struct pam_options *options)
{
	_cleanup_(pam_change_release) struct change change = { .options = options, .directory.fd = -1, .state_fd = -1 };
	char *problem = NULL;
	int status;

	if (options->arguments && arguments_check(options->arguments, &change.arguments, &problem) < 0)
		return complain_problem(problem);
	if (module_check(options->module ? options->module : NSISOLATE_MODULE, &change.module, &problem) < 0)
		return complain_problem(problem);
	if (open_services(options, &change.directory) < 0)
		return PAM_EXIT_FAILED;
	status = pam_change_open(&change, !options->dry_run);
	if (status == PAM_EXIT_DONE)
		status = check_host(&change);
	if (status != PAM_EXIT_DONE) {
		complain("nothing was changed");
		return status;
	}
	plan_all(&change);
	return finish_enable(&change);
}
