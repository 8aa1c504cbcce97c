/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/pam_change.h"

#include "tools/pam_diff.h"
#include "tools/pam_module_check.h"
#include "tools/pam_services.h"
#include "tools/pam_traces.h"

#include <string.h>

void pam_change_release(struct change *change)
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

bool pam_texts_equal(const struct pam_text *left, const struct pam_text *right)
{
	return left->length == right->length && (!left->length || !memcmp(left->bytes, right->bytes, left->length));
}

int pam_change_read(void *context, const char *name, char **ret_text, size_t *ret_length)
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

void pam_change_complain(const struct change *change, const struct target *target, struct pam_edit_problems *problems)
{
	_cleanup_free_ char *traces = pam_traces(&target->file.text);

	for (size_t i = 0; i < problems->count; i++)
		complain("%s/%s:%u: %s", change->directory.path, target->name, problems->items[i].line,
			 problems->items[i].text);
	if (!problems->count || !traces)
		complain("%s", strerror(ENOMEM));
	else
		complain("%s/%s: what there is of the module and its blocks: lines %s", change->directory.path,
			 target->name, traces);
	pam_edit_problems_release(problems);
}

static int load_target(struct change *change, struct target *target)
{
	struct pam_edit_problems edit_problems = { 0 };
	char *problem = NULL;

	if (!pam_service_name_valid(target->name)) {
		complain("'%s' is no name of a PAM service", target->name);
		return PAM_EXIT_FAILED;
	}
	if (pam_file_load(&change->directory, target->name, &target->file, &problem) < 0)
		return complain_problem(problem);
	target->view = &target->file.text;
	if (pam_edit_find(&target->file.text, &target->blocks, &edit_problems) < 0) {
		pam_change_complain(change, target, &edit_problems);
		return PAM_EXIT_FAILED;
	}
	if (pam_edit_remove(&target->file.text, &target->blocks, &target->plain) < 0) {
		complain("%s", strerror(ENOMEM));
		return PAM_EXIT_FAILED;
	}
	return PAM_EXIT_DONE;
}

int pam_change_add(struct change *change, const char *name)
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

int pam_change_open(struct change *change, bool create)
{
	const struct pam_options *options = change->options;
	const size_t found = change->count; /* by --all: one that cannot be changed holds no other up */
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
		if (pam_change_add(change, options->services[i]) < 0) {
			complain("%s", strerror(ENOMEM));
			return PAM_EXIT_FAILED;
		}
	}
	for (size_t i = 0; i < change->count; i++)
		if (load_target(change, &change->targets[i]) != PAM_EXIT_DONE) {
			change->targets[i].outcome = OUTCOME_REFUSED;
			status = i < found ? status : PAM_EXIT_FAILED;
		}
	return status;
}

bool pam_change_report(const struct change *change, const struct pam_problems *problems, enum pam_severity least)
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

const char *pam_change_directory_of(const struct change *change, const char *file)
{
	return file[0] == '/' ? "" : change->directory.path;
}

bool pam_change_has(const struct change *change, enum outcome outcome)
{
	for (size_t i = 0; i < change->count; i++)
		if (change->targets[i].outcome == outcome)
			return true;
	return false;
}

void pam_change_print_diff(const struct change *change, const struct target *target)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", change->directory.path, target->name);
	pam_diff_print(stdout, path, &target->file.text, &target->blocks, &target->next, &target->next_blocks);
}
