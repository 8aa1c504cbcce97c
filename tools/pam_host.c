/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/pam_host.h"

#include "config/find.h"
#include "config/module_arguments.h"
#include "nsisolate-config.h"

#include <grp.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* Where libpam may look for a bare name, besides the directory of our own module. */
static const char *const module_directories[] = { "/lib64/security", "/usr/lib64/security", "/lib/security",
						  "/usr/lib/security" };

static bool exists(const char *directory, int length, const char *name)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%.*s/%s", length, directory, name) < (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

/* False if it cannot be known. libpam's own directory is one that has pam_permit.so. */
static bool is_missing(const char *module)
{
	bool known = false;
	int length = (int)(strrchr(NSISOLATE_MODULE, '/') - NSISOLATE_MODULE);

	if (strstr(module, "$ISA"))
		return false;
	if (module[0] == '/')
		return access(module, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR);
	for (size_t i = 0; i <= ELEMENTS(module_directories); i++) {
		const char *directory = i ? module_directories[i - 1] : NSISOLATE_MODULE;

		if (i)
			length = (int)strlen(directory);
		if (!exists(directory, length, "pam_permit.so"))
			continue;
		if (exists(directory, length, module))
			return false;
		known = true;
	}
	return known;
}

static bool is_known(const struct pam_problems *problems, enum pam_problem_code code, const struct pam_entry *entry)
{
	for (size_t i = 0; i < problems->count; i++)
		if (problems->items[i].code == code && problems->items[i].line == entry->line &&
		    !strcmp(problems->items[i].file, entry->file))
			return true;
	return false;
}

static int judge_file(const struct pam_stack *stack, struct pam_verdict *verdict, const struct pam_entry *entry)
{
	const bool ours = pam_entry_is_module(entry, PAM_MODULE_NAME), refuses = pam_entry_must_load(entry);

	if (entry->kind != PAM_ENTRY_MODULE || (!ours && !refuses) || !is_missing(entry->module) ||
	    is_known(&verdict->problems, PAM_PROBLEM_MISSPELT, entry))
		return 0;
	return pam_problems_add(
		&verdict->problems, PAM_PROBLEM_MISSING, PAM_ERROR, entry->file, entry->line,
		"the module %s does not exist: PAM cannot load it, and %s; %s%s", entry->module,
		refuses ? "refuses every login, root's too" : "passes over the line, and nobody is isolated",
		ours ? "install it, or take the lines out: nsisolate-pam disable " : "mend the name or remove the line",
		ours ? stack->service : "");
}

static int judge_policies(struct pam_verdict *verdict, const struct module_arguments *arguments)
{
	_cleanup_free_ char *why = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	/* to anyone but root a directory that only root may search looks like a bad one */
	if (geteuid() != 0)
		return 0;
	r = policy_directory_open(arguments->policy, 0, &fd, &why);
	if (r >= 0)
		return 0;
	return pam_problems_add(&verdict->problems, PAM_PROBLEM_POLICY, PAM_ERROR, verdict->open->file,
				verdict->open->line,
				"policy directory %s: %s: the module refuses every login but root's", arguments->policy,
				why ? why : strerror(-r));
}

static int judge_groups(struct pam_verdict *verdict, const struct module_arguments *arguments)
{
	_cleanup_free_ char *copy = arguments->exempt ? strdup(arguments->exempt) : NULL;
	char *save = NULL;
	int r = arguments->exempt && !copy ? -ENOMEM : 0;

	for (char *word = copy ? strtok_r(copy, ",", &save) : NULL; word && r >= 0; word = strtok_r(NULL, ",", &save))
		if (word[0] == '@' && !getgrnam(word + 1))
			r = pam_problems_add(
				&verdict->problems, PAM_PROBLEM_GROUP, PAM_ERROR, verdict->open->file,
				verdict->open->line,
				"exempt=: there is no group '%s', or it cannot be looked up: the module "
				"refuses every user but root whom no other word names; mend the name, or make "
				"the group",
				word + 1);
	return r;
}

int pam_host_judge(const struct pam_stack *stack, struct pam_verdict *verdict)
{
	struct module_arguments arguments;
	const char *bad;
	int r = 0;

	if (verdict->state == PAM_STATE_ABSENT)
		return 0;
	for (size_t i = 0; i < stack->count && r >= 0; i++)
		r = judge_file(stack, verdict, &stack->entries[i]);
	if (r < 0 || !verdict->open ||
	    module_arguments_parse((int)verdict->open->argument_count, (const char **)verdict->open->arguments,
				   &arguments, &bad) < 0)
		return r;
	r = judge_policies(verdict, &arguments);
	return r < 0 ? r : judge_groups(verdict, &arguments);
}
