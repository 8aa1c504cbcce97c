/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/pam_stack.h"

#include "common/format_list.h"
#include "tools/pam_stack_build.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

static const char *const problem_names[PAM_PROBLEMS] = {
	[PAM_PROBLEM_INCLUDE] = "unreadable-include",
	[PAM_PROBLEM_LOOP] = "include-loop",
	[PAM_PROBLEM_SYNTAX] = "syntax",
	[PAM_PROBLEM_UNFINISHED] = "unfinished-line",
	[PAM_PROBLEM_AMBIGUOUS] = "ambiguous-line",
	[PAM_PROBLEM_CARRIAGE] = "carriage-return",
	[PAM_PROBLEM_NO_OPEN] = "no-open",
	[PAM_PROBLEM_NO_CLOSE] = "no-close",
	[PAM_PROBLEM_NO_ROLE] = "no-role",
	[PAM_PROBLEM_OPEN_NOT_LAST] = "open-not-last",
	[PAM_PROBLEM_CLOSE_NOT_FIRST] = "close-not-first",
	[PAM_PROBLEM_CONTROL] = "refusal-passes",
	[PAM_PROBLEM_SKIPPED] = "can-be-skipped",
	[PAM_PROBLEM_SILENT] = "silent",
	[PAM_PROBLEM_TWICE] = "listed-twice",
	[PAM_PROBLEM_MISSPELT] = "misspelt-module",
	[PAM_PROBLEM_ARGUMENT] = "bad-argument",
	[PAM_PROBLEM_NAMESPACE] = "pam-namespace",
	[PAM_PROBLEM_DAMAGED] = "damaged-block",
	[PAM_PROBLEM_MISSING] = "missing-module",
	[PAM_PROBLEM_POLICY] = "policy-directory",
	[PAM_PROBLEM_GROUP] = "unknown-group",
};

static const char *const severity_names[] = {
	[PAM_NOTE] = "note",
	[PAM_WARNING] = "warning",
	[PAM_ERROR] = "error",
};

/* pam.conf(5), in the order of the values in security/_pam_types.h */
static const char *const return_names[PAM_RETURN_VALUES] = {
	"success",
	"open_err",
	"symbol_err",
	"service_err",
	"system_err",
	"buf_err",
	"perm_denied",
	"auth_err",
	"cred_insufficient",
	"authinfo_unavail",
	"user_unknown",
	"maxtries",
	"new_authtok_reqd",
	"acct_expired",
	"session_err",
	"cred_unavail",
	"cred_expired",
	"cred_err",
	"no_module_data",
	"conv_err",
	"authtok_err",
	"authtok_recover_err",
	"authtok_lock_busy",
	"authtok_disable_aging",
	"try_again",
	"ignore",
	"abort",
	"authtok_expired",
	"module_unknown",
	"bad_item",
	"conv_again",
	"incomplete",
};

const char *pam_problem_name(enum pam_problem_code code)
{
	return problem_names[code];
}

const char *pam_severity_name(enum pam_severity severity)
{
	return severity_names[severity];
}

const char *pam_return_name(size_t value)
{
	return return_names[value];
}

/* Makes room for one more element; the array grows by doubling. */
static void *grow(void *array, size_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	return reallocarray(array, count ? count * 2 : 1, size);
}

int pam_problems_add(struct pam_problems *list, enum pam_problem_code code, enum pam_severity severity,
		     const char *file, unsigned line, const char *format, ...)
{
	_cleanup_free_ char *text = NULL, *name = strdup(file);
	va_list args;

	va_start(args, format);
	text = format_list(format, args);
	va_end(args);
	if (!name || !text)
		return -ENOMEM;

	struct pam_problem *items = grow(list->items, list->count, sizeof(*items));

	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->count++] = (struct pam_problem){ code, severity, TAKE_PTR(name), line, TAKE_PTR(text) };
	return 0;
}

void pam_problems_release(struct pam_problems *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].file);
		free(list->items[i].text);
	}
	free(list->items);
	*list = (struct pam_problems){ 0 };
}

void pam_entry_release(struct pam_entry *entry)
{
	free(entry->control);
	free(entry->module);
	for (size_t i = 0; i < entry->argument_count; i++)
		free(entry->arguments[i]);
	free(entry->arguments);
}

void pam_stack_release(struct pam_stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		pam_entry_release(&stack->entries[i]);
	for (size_t i = 0; i < stack->file_count; i++)
		free(stack->files[i]);
	free(stack->service);
	free(stack->entries);
	free(stack->files);
	pam_problems_release(&stack->problems);
	*stack = (struct pam_stack){ 0 };
}

int pam_stack_add(struct pam_stack *stack, struct pam_entry *entry)
{
	struct pam_entry *entries = grow(stack->entries, stack->count, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	stack->entries = entries;
	entries[stack->count++] = *entry;
	*entry = (struct pam_entry){ 0 };
	return 0;
}

int pam_stack_intern(struct pam_stack *stack, const char *file, const char **ret)
{
	for (size_t i = 0; i < stack->file_count; i++) {
		if (!strcmp(stack->files[i], file)) {
			*ret = stack->files[i];
			return 0;
		}
	}

	char **files = grow(stack->files, stack->file_count, sizeof(*files));

	if (!files)
		return -ENOMEM;
	stack->files = files;
	files[stack->file_count] = strdup(file);
	if (!files[stack->file_count])
		return -ENOMEM;
	*ret = files[stack->file_count++];
	return 0;
}

bool pam_entry_is_module(const struct pam_entry *entry, const char *name)
{
	const char *slash;

	if (entry->kind != PAM_ENTRY_MODULE)
		return false;
	slash = strrchr(entry->module, '/');
	return !strcmp(slash ? slash + 1 : entry->module, name);
}

bool pam_entry_has_argument(const struct pam_entry *entry, const char *argument)
{
	for (size_t i = 0; i < entry->argument_count; i++)
		if (!strcmp(entry->arguments[i], argument))
			return true;
	return false;
}
