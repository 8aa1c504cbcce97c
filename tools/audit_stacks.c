/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* The PAM stacks, and sshd's own settings, by the codes of pam_stack.h. */

#include "tools/audit.h"

#include "nsisolate-config.h"
#include "tools/pam_services.h"
#include "tools/pam_view.h"
#include "tools/sshd_settings.h"

#include <string.h>

#define SSHD_SERVICE  "sshd"
#define SSHD_SETTINGS "/etc/ssh/sshd_config"

static const enum finding_code stack_codes[PAM_PROBLEMS] = {
	[PAM_PROBLEM_INCLUDE] = FINDING_PAM_INCLUDE,
	[PAM_PROBLEM_LOOP] = FINDING_PAM_LOOP,
	[PAM_PROBLEM_SYNTAX] = FINDING_PAM_SYNTAX,
	[PAM_PROBLEM_UNFINISHED] = FINDING_PAM_UNFINISHED,
	[PAM_PROBLEM_AMBIGUOUS] = FINDING_PAM_AMBIGUOUS,
	[PAM_PROBLEM_CARRIAGE] = FINDING_PAM_CARRIAGE,
	[PAM_PROBLEM_NO_OPEN] = FINDING_PAM_NO_OPEN,
	[PAM_PROBLEM_NO_CLOSE] = FINDING_PAM_NO_CLOSE,
	[PAM_PROBLEM_NO_ROLE] = FINDING_PAM_NO_ROLE,
	[PAM_PROBLEM_OPEN_NOT_LAST] = FINDING_PAM_OPEN_NOT_LAST,
	[PAM_PROBLEM_CLOSE_NOT_FIRST] = FINDING_PAM_CLOSE_NOT_FIRST,
	[PAM_PROBLEM_CONTROL] = FINDING_PAM_CONTROL,
	[PAM_PROBLEM_SKIPPED] = FINDING_PAM_SKIPPED,
	[PAM_PROBLEM_SILENT] = FINDING_PAM_SILENT,
	[PAM_PROBLEM_TWICE] = FINDING_PAM_TWICE,
	[PAM_PROBLEM_MISSPELT] = FINDING_PAM_MISSPELT,
	[PAM_PROBLEM_ARGUMENT] = FINDING_PAM_ARGUMENT,
	[PAM_PROBLEM_NAMESPACE] = FINDING_PAM_NAMESPACE,
	[PAM_PROBLEM_DAMAGED] = FINDING_PAM_DAMAGED,
	[PAM_PROBLEM_MISSING] = FINDING_PAM_MISSING,
	[PAM_PROBLEM_POLICY] = FINDING_PAM_POLICY,
	[PAM_PROBLEM_GROUP] = FINDING_PAM_GROUP,
};

static const char *const sshd_programs[] = { "/usr/sbin/sshd", "/usr/local/sbin/sshd" };

/* Two codes are of two severities there. */
static enum finding_code code_of(const struct pam_problem *item)
{
	if (item->severity == PAM_WARNING && item->code == PAM_PROBLEM_CONTROL)
		return FINDING_PAM_CLOSE_CONTROL;
	if (item->severity == PAM_WARNING && item->code == PAM_PROBLEM_SYNTAX)
		return FINDING_PAM_ODD_LINE;
	return stack_codes[item->code];
}

/* What is only worth a note for whoever edits stacks is no finding, unless as one that is worth knowing. */
static int add_problems(const struct audit *audit, struct findings *findings, const struct pam_problems *problems)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < problems->count; i++) {
		const struct pam_problem *item = &problems->items[i];
		_cleanup_free_ char *where = NULL;
		char line[16] = "";

		if (item->severity == PAM_NOTE && finding_kinds[code_of(item)].severity > AUDIT_INFO)
			continue;
		if (item->line > 0)
			(void)snprintf(line, sizeof(line), ":%u", item->line);
		if (asprintf(&where, "%s%s%s", item->file[0] == '/' ? "" : NSISOLATE_PAM_DIRECTORY "/", item->file,
			     line) < 0) {
			where = NULL;
			return -ENOMEM;
		}

		const struct subject subject = { .text = where, .since = audit->configured };

		r = findings_add(findings, code_of(item), &subject, "%s", item->text);
	}
	return r;
}

/* Where the lines go: another service that its last line includes, as Debian's su-l does su, has them for both. */
static const char *to_enable(const struct pam_stack *stack)
{
	const unsigned last = stack->entries[stack->count - 1].top_line;

	for (size_t i = 0; i < stack->count; i++) {
		const char *file = stack->entries[i].file;

		if (stack->entries[i].top_line == last && pam_service_name_valid(file) && !pam_service_is_shared(file))
			return file;
	}
	return stack->service;
}

/* A service by which users get processes of their choice. */
static int judge_absent(const struct audit *audit, const struct pam_view *view, struct findings *findings)
{
	const struct pam_service_info *info = pam_service_info(view->stack.service);
	struct subject subject = { .text = view->stack.service, .since = audit->configured };
	_cleanup_free_ char *remedy = NULL;

	if (view->stack.count == 0 || !info || info->discouraged || info->no_login ||
	    !audit_reach_has(&audit->reach, view->stack.service))
		return 0;
	if (asprintf(&remedy, "nsisolate-pam enable %s", to_enable(&view->stack)) < 0) {
		remedy = NULL;
		return -ENOMEM;
	}
	subject.remedy = remedy;
	return findings_add(findings, FINDING_PAM_ABSENT, &subject, "without the module: %s", info->why);
}

static int judge_view(const struct audit *audit, const struct pam_view *view, struct findings *findings)
{
	if (view->verdict.state == PAM_STATE_ABSENT && !view->managed)
		return judge_absent(audit, view, findings);

	int r = add_problems(audit, findings, &view->stack.problems);

	return r < 0 ? r : add_problems(audit, findings, &view->verdict.problems);
}

static int judge_service(const struct audit *audit, struct pam_directory *directory, const char *service,
			 struct findings *findings)
{
	struct pam_view view = { 0 };
	int r = pam_view_read(directory, service, &view);

	/* a file that cannot be read opens no session: PAM refuses */
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = judge_view(audit, &view, findings);
	pam_view_release(&view);
	return r;
}

static int judge_none(const struct audit *audit, struct findings *findings)
{
	const struct subject subject = { .text = NSISOLATE_PAM_DIRECTORY, .since = audit->configured };

	for (size_t i = 0; i < audit->services.count; i++)
		if (audit->services.items[i].enabled)
			return 0;
	if (!audit_reach_has(&audit->reach, NULL))
		return 0;
	return findings_add(findings, FINDING_PAM_NONE, &subject, "no service has the module, so nobody is isolated");
}

int audit_stacks(struct audit *audit, struct findings *findings)
{
	_cleanup_free_ char *problem = NULL;
	struct pam_directory directory = { .fd = -1 };
	int r = pam_directory_open(NSISOLATE_PAM_DIRECTORY, true, &directory, &problem);

	if (r < 0)
		return r;
	r = judge_none(audit, findings);
	for (size_t i = 0; r == 0 && i < audit->services.count; i++)
		r = judge_service(audit, &directory, audit->services.items[i].name, findings);
	pam_directory_release(&directory);
	return r;
}

static int judge_settings(const char *text, struct findings *findings)
{
	const struct subject subject = { .text = SSHD_SETTINGS };
	struct diagnostics diag = { 0 };
	int r = 0;

	sshd_settings_judge(text, SSHD_SETTINGS, &diag);
	for (size_t i = 0; r == 0 && i < diag.count; i++)
		r = findings_add(findings,
				 diag.items[i].severity == SEVERITY_ERROR ? FINDING_SSHD_USEPAM : FINDING_SSHD_USEDNS,
				 &subject, "%s", diag.items[i].text);
	if (diag.truncated)
		r = -ENOMEM;
	diagnostics_release(&diag);
	return r;
}

int audit_sshd(struct audit *audit, struct findings *findings)
{
	const struct audit_service *service = audit_services_find(&audit->services, SSHD_SERVICE);
	const struct subject subject = { .text = SSHD_SETTINGS };
	_cleanup_free_ char *text = NULL, *problem = NULL;
	const char *program = NULL;

	if (!service || !service->enabled)
		return 0;
	for (size_t i = 0; i < ELEMENTS(sshd_programs) && !program; i++)
		if (access(sshd_programs[i], X_OK) == 0)
			program = sshd_programs[i];
	if (program && sshd_settings_read(program, &text, &problem) == 0)
		return judge_settings(text, findings);
	return findings_add(findings, FINDING_SSHD_UNKNOWN, &subject, "%s",
			    problem ? problem : "there is no sshd program here");
}
