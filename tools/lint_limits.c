/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* What the section limits needs of this host: systemd, and pam_systemd in the stacks. */
#include "config/keys.h"
#include "config/text_list.h"
#include "nsisolate-config.h"
#include "session/limits.h"
#include "tools/lint_private.h"
#include "tools/pam_limits.h"
#include "tools/pam_view.h"

#include <string.h>
#include <unistd.h>

#define SYSTEMD_RUNS "/run/systemd/system"

static const struct origin *origin_of(const struct policy *policy)
{
	static const enum policy_key keys[LIMIT_KINDS] = { KEY_LIMITS_MEMORY, KEY_LIMITS_TASKS, KEY_LIMITS_CPU_WEIGHT };

	for (enum limit limit = 0; limit < LIMIT_KINDS; limit++)
		if (limit_wanted(&policy->limits, limit) != LIMIT_NONE)
			return &policy->origins[keys[limit]];
	return &policy->origins[KEY_LIMITS_MEMORY];
}

static void report(const struct policy *policy, const char *service, const char *lack, struct diagnostics *diag)
{
	_cleanup_free_ char *remedy = NULL;

	if (asprintf(&remedy, "add the line, or lift them there by service \"%s\" { limits { ... } }", service) < 0)
		remedy = NULL;
	lint_report_refusal(policy, origin_of(policy), service, remedy ? remedy : "out of memory", diag,
			    "limits: the stack of " NSISOLATE_PAM_DIRECTORY "/%s %s", service, lack);
}

static void lint_stack(struct pam_directory *directory, const struct policy *policy, const char *service,
		       struct diagnostics *diag)
{
	struct pam_view view = { 0 };
	const char *lack;

	if (strcmp(service, SERVICE_USER_MANAGER) == 0 || pam_view_read(directory, service, &view) < 0)
		return;
	lack = view.verdict.open ? pam_limits_lack(&view.stack, &view.verdict) : NULL;
	if (lack)
		report(policy, service, lack, diag);
	pam_view_release(&view);
}

/* Those for which the file has a section are told of themselves. */
static bool is_for(const struct policy *policy, const char *service)
{
	return (!policy->services || text_list_has(policy->services, service)) &&
	       !(policy->sections && text_list_has(policy->sections, service));
}

static void lint_stacks(struct pam_directory *directory, const struct policy *policy, struct diagnostics *diag)
{
	char **names = NULL;
	size_t count = 0;

	if (pam_directory_list(directory, &names, &count) < 0)
		return;
	for (size_t i = 0; i < count; i++)
		if (is_for(policy, names[i]))
			lint_stack(directory, policy, names[i], diag);
	pam_names_release(names, count);
}

void lint_limits(const struct policy *policy, const char *service, struct diagnostics *diag)
{
	struct pam_directory directory = { .fd = -1 };
	_cleanup_free_ char *problem = NULL;

	if (policy->mode == MODE_OFF || limits_are_none(&policy->limits) ||
	    (service && !(policy->sections && text_list_has(policy->sections, service))))
		return;
	if (access(SYSTEMD_RUNS, F_OK) < 0)
		lint_report_refusal(policy, origin_of(policy), service, "remove the section", diag,
				    "limits: systemd, whose logind gives a login its control group, does not run here");
	if (pam_directory_open(NSISOLATE_PAM_DIRECTORY, true, &directory, &problem) < 0)
		return;
	if (service)
		lint_stack(&directory, policy, service, diag);
	else
		lint_stacks(&directory, policy, diag);
	pam_directory_release(&directory);
}
