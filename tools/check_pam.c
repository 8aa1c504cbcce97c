/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/check_pam.h"

#include "nsisolate-config.h"
#include "tools/pam_view.h"
#include "tools/sshd_settings.h"

#include <string.h>

#define SSHD_SERVICE  "sshd"
#define SSHD_SETTINGS "/etc/ssh/sshd_config"

static const char *const sshd_programs[] = { "/usr/sbin/sshd", "/usr/local/sbin/sshd" };

struct checker {
	struct pam_directory directory;
	struct diagnostics *diag;
	size_t first; /* of our findings in diag */
	struct pam_check result;
	bool sshd; /* has the module */
};

void pam_check_release(struct pam_check *check)
{
	free(check->unchecked);
	*check = (struct pam_check){ 0 };
}

/* What is wrong in a file that many services include is said once. */
static bool is_known(const struct checker *checker, const char *file, const struct pam_problem *item)
{
	for (size_t i = checker->first; i < checker->diag->count; i++) {
		const struct diagnostic *known = &checker->diag->items[i];

		if (known->line == item->line && !strcmp(known->file, file) && !strcmp(known->text, item->text))
			return true;
	}
	return false;
}

/* Notes are for nsisolate-pam status: what works is no finding. */
static int add_problems(struct checker *checker, const struct pam_problems *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct pam_problem *item = &problems->items[i];
		const bool absolute = item->file[0] == '/';
		_cleanup_free_ char *file = NULL;

		if (item->severity == PAM_NOTE)
			continue;
		if (asprintf(&file, "%s%s%s", absolute ? "" : checker->directory.path, absolute ? "" : "/",
			     item->file) < 0)
			return -ENOMEM;
		if (!is_known(checker, file, item))
			diagnostics_add(checker->diag, item->severity == PAM_ERROR ? SEVERITY_ERROR : SEVERITY_WARNING,
					file, item->line, "%s", item->text);
	}
	return 0;
}

static int check_view(struct checker *checker, const struct pam_view *view)
{
	int r;

	checker->result.services += view->stack.count > 0;
	if (view->verdict.state == PAM_STATE_ABSENT && !view->managed)
		return 0;
	checker->result.enabled++;
	checker->sshd = checker->sshd || !strcmp(view->stack.service, SSHD_SERVICE);
	r = add_problems(checker, &view->stack.problems);
	return r < 0 ? r : add_problems(checker, &view->verdict.problems);
}

static int check_service(struct checker *checker, const char *service)
{
	struct pam_view view = { 0 };
	int r = pam_view_read(&checker->directory, service, &view);

	/* a file that cannot be read opens no session: PAM refuses */
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = check_view(checker, &view);
	pam_view_release(&view);
	return r;
}

static int check_services(struct checker *checker)
{
	char **names = NULL;
	size_t count = 0;
	int r = pam_directory_list(&checker->directory, &names, &count);

	for (size_t i = 0; i < count && r >= 0; i++)
		r = check_service(checker, names[i]);
	pam_names_release(names, count);
	if (r >= 0 && checker->result.enabled == 0)
		diagnostics_add(checker->diag, SEVERITY_WARNING, checker->directory.path, 0,
				"no service has the module, so nobody is isolated: nsisolate-pam enable SERVICE");
	return r;
}

static int check_sshd(struct checker *checker)
{
	_cleanup_free_ char *text = NULL, *problem = NULL;
	const char *program = NULL;

	for (size_t i = 0; i < ELEMENTS(sshd_programs) && !program; i++)
		if (access(sshd_programs[i], X_OK) == 0)
			program = sshd_programs[i];
	if (!program)
		problem = strdup("there is no sshd program here");
	else if (geteuid() != 0)
		problem = strdup("only root can ask sshd for them");
	else if (sshd_settings_read(program, &text, &problem) == 0)
		sshd_settings_judge(text, SSHD_SETTINGS, checker->diag);
	if (text)
		return 0;
	return asprintf(&checker->result.unchecked, "the settings of sshd: %s", problem ? problem : "out of memory") < 0
		       ? -ENOMEM
		       : 0;
}

int check_pam(const char *directory, struct diagnostics *diag, struct pam_check *ret, char **ret_problem)
{
	struct checker checker = { .directory = { .fd = -1 }, .diag = diag, .first = diag->count };
	int r = pam_directory_open(directory ? directory : NSISOLATE_PAM_DIRECTORY, !directory, &checker.directory,
				   ret_problem);

	if (r < 0)
		return r;
	r = check_services(&checker);
	if (r >= 0 && checker.sshd && !directory)
		r = check_sshd(&checker);
	pam_directory_release(&checker.directory);
	if (r < 0) {
		pam_check_release(&checker.result);
		return r;
	}
	*ret = checker.result;
	return 0;
}
