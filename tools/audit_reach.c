/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/audit_reach.h"

#include "config/text_list.h"
#include "nsisolate-config.h"
#include "tools/lint.h"

void audit_reach_release(struct audit_reach *reach)
{
	for (size_t i = 0; i < reach->count; i++) {
		text_list_free(reach->files[i].isolated);
		text_list_free(reach->files[i].passed);
	}
	free(reach->files);
	*reach = (struct audit_reach){ 0 };
}

static bool add_file(struct audit_reach *reach)
{
	struct reach_file *files = reallocarray(reach->files, reach->count + 1, sizeof(*files));

	if (!files)
		return false;
	reach->files = files;
	files[reach->count++] = (struct reach_file){ 0 };
	return true;
}

/* A file is visited for logins by no service that it names first, then for each that it does. */
static void visit(void *context, const struct policy *policy, const char *service)
{
	struct audit_reach *reach = context;
	const bool isolates = policy && policy->mode == MODE_ENFORCE;

	if (!policy || (!service && !add_file(reach)) || reach->count == 0) {
		reach->incomplete = reach->incomplete || (policy && !service);
		return;
	}

	struct reach_file *file = &reach->files[reach->count - 1];

	if (!service) {
		file->others = isolates && !policy->services;
		return;
	}

	const bool is_for = !policy->services || text_list_has(policy->services, service);

	if (text_list_add(isolates && is_for ? &file->isolated : &file->passed, service) < 0)
		reach->incomplete = true;
}

int audit_reach_read(struct audit_reach *ret, struct diagnostics *ret_diag, char **ret_problem)
{
	_cleanup_(audit_reach_release) struct audit_reach reach = { 0 };
	const struct policy_visitor visitor = { visit, &reach };
	struct lint lint = { 0 };
	int r = lint_path(NSISOLATE_POLICY_DIRECTORY, true, &visitor, &lint, ret_problem);

	if (r < 0)
		return r;
	if (reach.incomplete) {
		lint_release(&lint);
		return -ENOMEM;
	}
	*ret_diag = lint.diag;
	*ret = reach;
	reach = (struct audit_reach){ 0 };
	return 0;
}

bool audit_reach_has(const struct audit_reach *reach, const char *service)
{
	for (size_t i = 0; i < reach->count; i++) {
		const struct reach_file *file = &reach->files[i];

		if (service ? text_list_has(file->isolated, service) ||
				      (file->others && !text_list_has(file->passed, service))
			    : file->others || file->isolated)
			return true;
	}
	return false;
}
