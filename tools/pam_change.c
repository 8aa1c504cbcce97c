/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * enable and disable. Theory of operation: every service is loaded and judged, and
 * its new text planned and judged, before anything is written. Then all copies
 * and all new files are written and synced beside the old ones; last, each is put in place by
 * one rename that keeps the old file until all are in place. A failure before the last rename leaves or
 * puts back what was there. A kill in between leaves whole files only, and names that the next run sweeps.
 */

#include "tools/nsisolate-pam.h"
#include "tools/pam_diff.h"
#include "tools/pam_module_check.h"
#include "tools/pam_services.h"
#include "nsisolate-config.h"

#include <signal.h>
#include <string.h>

enum outcome {
	OUTCOME_UNPLANNED,
	OUTCOME_REFUSED,
	OUTCOME_NOTHING, /* it is already as asked */
	OUTCOME_CHANGE,
};

struct target {
	char *name;
	struct pam_file file;
	struct pam_blocks blocks; /* in file.text */
	struct pam_text plain;    /* without blocks */
	struct pam_text next;     /* what is to be written */
	struct pam_blocks next_blocks;
	const struct pam_text *view; /* what a reader sees while planning */
	enum outcome outcome;
	struct pam_pending pending;
	bool committed;
	bool copy_made; /* there was none before this run */
	bool copy_same; /* disable: the copy equals the result */
	bool copy_found;
};

struct change {
	const struct pam_options *options;
	struct pam_directory directory;
	int state_fd; /* -1 in a dry run without copies */
	struct target *targets;
	size_t count;
	char *module;     /* as the lines name it */
	char **arguments; /* quoted; NULL: those that a service already has */
};

static void change_release(struct change *change)
{
	for (size_t i = 0; i < change->count; i++) {
		struct target *target = &change->targets[i];

		free(target->name);
		pam_file_release(&target->file);
		pam_blocks_release(&target->blocks);
		pam_blocks_release(&target->next_blocks);
		pam_text_release(&target->plain);
		pam_text_release(&target->next);
		free(target->pending.name);
	}
	free(change->targets);
	free(change->module);
	arguments_release(change->arguments);
	change->state_fd = close_fd(change->state_fd);
	pam_directory_release(&change->directory);
}

static bool texts_equal(const struct pam_text *left, const struct pam_text *right)
{
	return left->length == right->length && (!left->length || !memcmp(left->bytes, right->bytes, left->length));
}

/* A pam_read_fn: the targets as planned, everything else as it is. */
static int read_planned(void *context, const char *name, char **ret_text, size_t *ret_length)
{
	struct change *change = context;

	for (size_t i = 0; i < change->count; i++) {
		const struct pam_text *view = change->targets[i].view;
		char *copy;

		if (!view || strcmp(change->targets[i].name, name) != 0)
			continue;
		copy = malloc(view->length + 1);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, view->bytes, view->length);
		*ret_text = copy;
		*ret_length = view->length;
		return 0;
	}
	return pam_directory_read(&change->directory, name, ret_text, ret_length);
}

static void complain_edit(const struct change *change, const struct target *target, struct pam_edit_problem *problem)
{
	if (problem->text)
		complain("%s/%s:%u: %s", change->directory.path, target->name, problem->line, problem->text);
	else
		complain("%s", strerror(ENOMEM));
	pam_edit_problem_release(problem);
}

static int load_target(struct change *change, struct target *target)
{
	struct pam_edit_problem edit_problem = { 0 };
	char *problem = NULL;

	if (!pam_service_name_valid(target->name)) {
		complain("'%s' is no name of a PAM service", target->name);
		return PAM_EXIT_FAILED;
	}
	if (pam_file_load(&change->directory, target->name, &target->file, &problem) < 0)
		return complain_problem(problem);
	target->view = &target->file.text;
	if (pam_edit_find(&target->file.text, &target->blocks, &edit_problem) < 0) {
		complain_edit(change, target, &edit_problem);
		return PAM_EXIT_FAILED;
	}
	if (pam_edit_remove(&target->file.text, &target->blocks, &target->plain) < 0) {
		complain("%s", strerror(ENOMEM));
		return PAM_EXIT_FAILED;
	}
	return PAM_EXIT_DONE;
}

static int add_target(struct change *change, const char *name)
{
	struct target *targets;

	for (size_t i = 0; i < change->count; i++)
		if (!strcmp(change->targets[i].name, name))
			return 0;
	targets = reallocarray(change->targets, change->count + 1, sizeof(*targets));
	if (!targets)
		return -ENOMEM;
	change->targets = targets;
	targets[change->count] = (struct target){ .name = strdup(name), .file.fd = -1 };
	return targets[change->count++].name ? 0 : -ENOMEM;
}

/* Opens everything that the named services need. All of them are looked at, so that all complaints come at once. */
static int open_change(struct change *change, bool create)
{
	const struct pam_options *options = change->options;
	char *problem = NULL;
	int r, status = PAM_EXIT_DONE;

	r = pam_state_open(options->state_dir, create, &change->state_fd, &problem);
	if (r == -ENOENT && !create)
		free(problem);
	else if (r < 0)
		return complain_problem(problem);
	if (change->state_fd >= 0 && !options->dry_run) {
		pam_files_sweep(change->directory.fd);
		pam_files_sweep(change->state_fd);
	}
	for (size_t i = 0; i < options->service_count; i++) {
		if (add_target(change, options->services[i]) < 0) {
			complain("%s", strerror(ENOMEM));
			return PAM_EXIT_FAILED;
		}
	}
	for (size_t i = 0; i < change->count; i++)
		if (load_target(change, &change->targets[i]) != PAM_EXIT_DONE)
			status = PAM_EXIT_FAILED;
	return status;
}

/* Prints the problems of at least this severity; true if one is an error. */
static bool report(const struct change *change, const struct pam_problems *problems, enum pam_severity least)
{
	bool failed = false;

	for (size_t i = 0; i < problems->count; i++) {
		const struct pam_problem *item = &problems->items[i];

		if (item->severity < least)
			continue;
		if (item->file[0] == '/')
			complain("%s: %s:%u: %s", pam_severity_name(item->severity), item->file, item->line,
				 item->text);
		else
			complain("%s: %s/%s:%u: %s", pam_severity_name(item->severity), change->directory.path,
				 item->file, item->line, item->text);
		failed = failed || item->severity == PAM_ERROR;
	}
	return failed;
}

static const char *file_dir(const struct change *change, const char *file)
{
	return file[0] == '/' ? "" : change->directory.path;
}

/* The service has lines that are not in our blocks: written by hand, or coming through an include. */
static enum outcome plan_foreign(const struct change *change, const struct target *target,
				 const struct pam_verdict *verdict)
{
	const struct pam_entry *entry = verdict->open ? verdict->open : verdict->close;
	bool own = !entry || !strcmp(entry->file, target->name);
	bool failed = report(change, &verdict->problems, PAM_WARNING);

	if (verdict->state == PAM_STATE_THROUGH && !own) {
		printf("%s: already covered through '%s' (%s/%s:%u); nothing to do\n", target->name, verdict->through,
		       file_dir(change, entry->file), entry->file, entry->line);
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
	struct pam_edit_problem edit_problem = { 0 };
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
	if (pam_edit_find(&target->next, &target->next_blocks, &edit_problem) < 0) {
		complain_edit(change, target, &edit_problem);
		return OUTCOME_REFUSED;
	}
	if (!texts_equal(&target->next, &target->file.text))
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

	if (pam_stack_read(read_planned, change, target->name, &stack) < 0 || pam_stack_judge(&stack, &verdict) < 0)
		complain("%s: %s", target->name, strerror(ENOMEM));
	else if (report(change, &verdict.problems, PAM_WARNING))
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
	if (report(change, &stack->problems, PAM_WARNING)) {
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
	if (pam_stack_read(read_planned, change, target->name, &stack) < 0 || pam_stack_judge(&stack, &verdict) < 0)
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

	if (pam_stack_read(read_planned, change, target->name, &stack) < 0)
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

static int summary(const struct change *change)
{
	int status = PAM_EXIT_FINDING;

	for (size_t i = 0; i < change->count; i++) {
		if (change->targets[i].outcome == OUTCOME_REFUSED)
			return PAM_EXIT_FAILED;
		if (change->targets[i].outcome == OUTCOME_CHANGE)
			status = PAM_EXIT_DONE;
	}
	return status;
}

static void take_back(struct change *change)
{
	for (size_t i = change->count; i-- > 0;) {
		struct target *target = &change->targets[i];
		int r;

		if (target->committed) {
			r = pam_file_restore(&change->directory, &target->file, &target->pending);
			if (r < 0)
				complain("%s/%s could not be put back: %s; what it was is in %s/%s",
					 change->directory.path, target->name, strerror(-r), change->directory.path,
					 target->pending.name);
			else
				complain("%s: put back as it was", target->name);
			if (r < 0)
				continue;
		}
		pam_pending_discard(&change->directory, &target->pending);
		if (target->copy_made)
			(void)pam_copy_remove(change->state_fd, target->name);
	}
	(void)fsync(change->directory.fd);
}

static int write_copy(struct change *change, struct target *target)
{
	struct pam_text old = { 0 };
	bool had = pam_copy_read(change->state_fd, target->name, &old) >= 0;
	int r;

	pam_text_release(&old);
	r = pam_copy_write(change->state_fd, target->name, &target->plain);
	target->copy_made = r >= 0 && !had;
	return r;
}

/* Everything that can fail for lack of space or rights happens here, before the first file is replaced. */
static int prepare_all(struct change *change, bool with_copy)
{
	for (size_t i = 0; i < change->count; i++) {
		struct target *target = &change->targets[i];
		int r = 0;

		if (target->outcome != OUTCOME_CHANGE)
			continue;
		if (with_copy) {
			r = write_copy(change, target);
			if (r < 0) {
				complain("%s: the copy in %s cannot be written: %s", target->name,
					 change->options->state_dir, strerror(-r));
				return r;
			}
		}
		r = pam_file_prepare(&change->directory, &target->file, &target->next, &target->pending);
		if (r < 0) {
			complain("%s: a new file in %s cannot be written: %s", target->name, change->directory.path,
				 strerror(-r));
			return r;
		}
	}
	return 0;
}

static int commit_all(struct change *change)
{
	for (size_t i = 0; i < change->count; i++) {
		struct target *target = &change->targets[i];
		int r;

		if (target->outcome != OUTCOME_CHANGE)
			continue;
		r = pam_file_commit(&change->directory, &target->file, &target->pending);
		if (r < 0) {
			complain("%s/%s cannot be replaced: %s", change->directory.path, target->name,
				 r == -ESTALE ? "somebody else changed it at the same time; try again" : strerror(-r));
			return r;
		}
		target->committed = true;
	}
	if (fsync(change->directory.fd) < 0) {
		complain("%s: %s", change->directory.path, strerror(errno));
		return -errno;
	}
	return 0;
}

/* All targets or none; a signal waits until it is decided which. */
static int apply(struct change *change, bool with_copy)
{
	sigset_t all, before;
	int r;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &before);
	r = prepare_all(change, with_copy);
	if (r >= 0)
		r = commit_all(change);
	if (r < 0) {
		take_back(change);
		complain("nothing was changed");
	}
	for (size_t i = 0; i < change->count; i++)
		if (change->targets[i].committed)
			pam_pending_discard(&change->directory, &change->targets[i].pending);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return r < 0 ? PAM_EXIT_FAILED : PAM_EXIT_DONE;
}

static void print_diff(const struct change *change, const struct target *target)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", change->directory.path, target->name);
	pam_diff_print(stdout, path, &target->file.text, &target->blocks, &target->next, &target->next_blocks);
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
	printf("  without these lines it is kept in %s/%s\n", change->options->state_dir, target->name);
}

static void print_reminder(void)
{
	printf("Keep a root shell open, and try a new login before you close it. To take it back: nsisolate-pam "
	       "disable SERVICE\n");
}

static int finish_enable(struct change *change)
{
	int status = summary(change);

	if (status == PAM_EXIT_FAILED) {
		complain("nothing was changed");
		return status;
	}
	if (status == PAM_EXIT_DONE && !change->options->dry_run && apply(change, true) != PAM_EXIT_DONE)
		return PAM_EXIT_FAILED;
	for (size_t i = 0; i < change->count; i++) {
		if (change->targets[i].outcome != OUTCOME_CHANGE)
			continue;
		if (change->options->dry_run)
			print_diff(change, &change->targets[i]);
		else
			print_enabled(change, &change->targets[i]);
	}
	if (status == PAM_EXIT_DONE && !change->options->dry_run)
		print_reminder();
	if (!change->options->dry_run && print_advice(&change->directory, read_planned, change) < 0)
		complain("the other services could not be looked at");
	return status;
}

/* Arguments that are kept from before must still name a policy directory that exists. */
static int check_policies(struct change *change)
{
	char *problem = NULL;
	bool checked = false;

	for (size_t i = 0; i < change->count; i++) {
		char **arguments = change->arguments ? change->arguments : change->targets[i].blocks.arguments;

		if (checked && change->arguments)
			continue;
		if (policy_check((const char *const *)arguments, &problem) < 0)
			return complain_problem(problem);
		checked = true;
	}
	return PAM_EXIT_DONE;
}

int pam_command_enable(const struct pam_options *options)
{
	_cleanup_(change_release) struct change change = { .options = options, .directory.fd = -1, .state_fd = -1 };
	char *problem = NULL;
	int status;

	if (options->arguments && arguments_check(options->arguments, &change.arguments, &problem) < 0)
		return complain_problem(problem);
	if (module_check(options->module ? options->module : NSISOLATE_MODULE, &change.module, &problem) < 0)
		return complain_problem(problem);
	if (open_services(options, &change.directory) < 0)
		return PAM_EXIT_FAILED;
	status = open_change(&change, !options->dry_run);
	if (status == PAM_EXIT_DONE)
		status = check_policies(&change);
	if (status != PAM_EXIT_DONE) {
		complain("nothing was changed");
		return status;
	}
	plan_all(&change);
	return finish_enable(&change);
}

/* Without blocks: says where lines come from that this program cannot take out. */
static void explain_absent(struct change *change, struct target *target)
{
	struct pam_verdict verdict = { 0 };
	struct pam_stack stack = { 0 };
	const struct pam_entry *entry;

	target->outcome = OUTCOME_NOTHING;
	if (pam_stack_read(read_planned, change, target->name, &stack) < 0)
		return;
	if (pam_stack_judge(&stack, &verdict) >= 0) {
		entry = verdict.open ? verdict.open : verdict.close;
		if (verdict.state == PAM_STATE_ABSENT)
			printf("%s: not enabled; nothing to do\n", target->name);
		else if (verdict.state == PAM_STATE_THROUGH)
			printf("%s: has no lines of its own, it is enabled through '%s' (%s/%s:%u); nothing to do\n",
			       target->name, verdict.through, file_dir(change, entry->file), entry->file, entry->line);
		else
			printf("%s: its lines of %s were written by hand (%s/%s:%u); remove them by hand\n",
			       target->name, PAM_MODULE_NAME, change->directory.path,
			       entry ? entry->file : target->name, entry ? entry->line : 0);
	}
	pam_verdict_release(&verdict);
	pam_stack_release(&stack);
}

static void plan_disable(struct change *change, struct target *target)
{
	struct pam_text copy = { 0 };

	if (!target->blocks.present) {
		explain_absent(change, target);
		return;
	}
	target->next = target->plain;
	target->plain = (struct pam_text){ 0 };
	target->view = &target->next;
	target->copy_found = change->state_fd >= 0 && pam_copy_read(change->state_fd, target->name, &copy) >= 0;
	target->copy_same = target->copy_found && texts_equal(&copy, &target->next);
	target->outcome = OUTCOME_CHANGE;
	pam_text_release(&copy);
}

static void finish_target(struct change *change, const struct target *target)
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

/* --all: every file with a marker, damaged ones too, so that they are complained about. */
static int all_services(struct change *change)
{
	char **names = NULL;
	size_t count = 0;
	int r = pam_directory_list(&change->directory, &names, &count);

	for (size_t i = 0; i < count && r >= 0; i++) {
		struct pam_blocks blocks = { 0 };
		struct pam_edit_problem problem = { 0 };
		struct pam_text text = { 0 };

		if (pam_directory_read(&change->directory, names[i], &text.bytes, &text.length) < 0)
			continue;
		r = pam_edit_find(&text, &blocks, &problem);
		if (r == -EBADMSG || (r >= 0 && blocks.present))
			r = add_target(change, names[i]);
		pam_blocks_release(&blocks);
		pam_edit_problem_release(&problem);
		pam_text_release(&text);
	}
	pam_names_release(names, count);
	return r < 0 ? r : 0;
}

int pam_command_disable(const struct pam_options *options)
{
	_cleanup_(change_release) struct change change = { .options = options, .directory.fd = -1, .state_fd = -1 };
	int status;

	if (open_services(options, &change.directory) < 0)
		return PAM_EXIT_FAILED;
	if (options->all && all_services(&change) < 0) {
		complain("%s cannot be read", change.directory.path);
		return PAM_EXIT_FAILED;
	}
	status = open_change(&change, !options->dry_run);
	for (size_t i = 0; status == PAM_EXIT_DONE && i < change.count; i++)
		plan_disable(&change, &change.targets[i]);
	if (status == PAM_EXIT_DONE)
		status = summary(&change);
	if (status == PAM_EXIT_FAILED)
		complain("nothing was changed");
	if (status == PAM_EXIT_DONE && !options->dry_run)
		status = apply(&change, false);
	for (size_t i = 0; status == PAM_EXIT_DONE && i < change.count; i++) {
		if (change.targets[i].outcome != OUTCOME_CHANGE)
			continue;
		if (options->dry_run)
			print_diff(&change, &change.targets[i]);
		else
			finish_target(&change, &change.targets[i]);
	}
	return status;
}
