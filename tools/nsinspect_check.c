/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* nsinspect check: every problem of policies, of the PAM stacks that have the module, and of this kernel. */

#include "nsisolate-config.h"
#include "tools/check_kernel.h"
#include "tools/check_pam.h"
#include "tools/display.h"
#include "tools/document.h"
#include "tools/lint.h"
#include "tools/nsinspect.h"

#include <limits.h>
#include <string.h>

struct check {
	struct lint lint;
	struct pam_check pam;
	const char *path;
	const char *pam_directory; /* NULL: the stacks were not judged */
	bool input;                /* standard input was judged, for an editor */
};

static void check_release(struct check *check)
{
	lint_release(&check->lint);
	pam_check_release(&check->pam);
}

static const char *severity_name(enum severity severity)
{
	return severity == SEVERITY_ERROR ? "error" : "warning";
}

/* True for the directory that decides logins, by whatever name it was given. */
static bool is_live(const char *path)
{
	_cleanup_free_ char *given = realpath(path, NULL);
	_cleanup_free_ char *live = realpath(NSISOLATE_POLICY_DIRECTORY, NULL);

	return strcmp(path, NSISOLATE_POLICY_DIRECTORY) == 0 || (given && live && strcmp(given, live) == 0);
}

static size_t count(const struct lint *lint, enum severity severity)
{
	size_t found = 0;

	for (size_t i = 0; i < lint->diag.count; i++)
		found += lint->diag.items[i].severity == severity;
	return found;
}

static void print_item(const struct diagnostic *item)
{
	_cleanup_free_ char *file = display_text(item->file);
	_cleanup_free_ char *text = display_escaped(item->text);
	char line[16] = "";

	if (item->line > 0)
		(void)snprintf(line, sizeof(line), "%u:", item->line);
	(void)printf("%s:%s %s: %s\n", file ? file : "?", line, severity_name(item->severity),
		     text ? text : "out of memory");
}

static const char *plural(size_t number)
{
	return number == 1 ? "" : "s";
}

static void print_text(const struct check *check)
{
	const struct diagnostics *diag = &check->lint.diag;
	const size_t errors = count(&check->lint, SEVERITY_ERROR), warnings = count(&check->lint, SEVERITY_WARNING);
	_cleanup_free_ char *path = display_text(check->path);
	_cleanup_free_ char *unchecked = check->pam.unchecked ? display_text(check->pam.unchecked) : NULL;
	_cleanup_free_ char *stacks = check->pam_directory ? display_text(check->pam_directory) : NULL;

	for (size_t i = 0; i < diag->count; i++)
		print_item(&diag->items[i]);
	if (check->input)
		return;
	if (unchecked)
		(void)printf("not checked: %s\n", unchecked);
	(void)printf("%s: %zu file%s, ", path ? path : "?", check->lint.files, plural(check->lint.files));
	if (stacks)
		(void)printf("%s: %zu of %zu service%s with the module, ", stacks, check->pam.enabled,
			     check->pam.services, plural(check->pam.services));
	(void)printf("%zu error%s, %zu warning%s\n", errors, plural(errors), warnings, plural(warnings));
}

static void show_item(json_object *array, const struct diagnostic *item)
{
	json_object *object = document_object(array, NULL);
	_cleanup_free_ char *where = NULL;

	document_text(object, "file", item->file);
	if (item->line > 0)
		document_number(object, "line", item->line);
	else
		document_text(object, "line", NULL);
	if (item->line > 0 && asprintf(&where, "%s:%u", item->file, item->line) < 0)
		where = NULL;
	document_text(object, "where", where ? where : item->file);
	document_text(object, "severity", severity_name(item->severity));
	document_escaped(object, "text", item->text);
}

static int print_json(const struct check *check)
{
	_cleanup_(documentp) json_object *document = document_new();
	const struct diagnostics *diag = &check->lint.diag;

	document_text(document, "path", check->path);
	document_number(document, "files", check->lint.files);
	if (check->pam_directory) {
		document_text(document, "pam-directory", check->pam_directory);
		document_number(document, "services", check->pam.services);
		document_number(document, "enabled", check->pam.enabled);
	}
	document_number(document, "errors", count(&check->lint, SEVERITY_ERROR));
	document_number(document, "warnings", count(&check->lint, SEVERITY_WARNING));
	document_escaped(document, "unchecked", check->pam.unchecked);

	json_object *array = document_array(document, "problems");

	for (size_t i = 0; i < diag->count; i++)
		show_item(array, &diag->items[i]);
	return document_print(document, true, false);
}

/* Returns r, reported if it is -errno. */
static int report(int r, const char *path, const char *problem)
{
	if (r < 0 && problem)
		(void)trouble("%s", problem);
	else if (r == -EINVAL)
		(void)trouble("%s: neither a file nor a directory", path);
	else if (r < 0)
		(void)trouble_errno(r, path);
	return r;
}

/* 0, or -errno, reported. */
static int check_policies(const char *path, const struct policy_visitor *visitor, struct lint *ret)
{
	_cleanup_free_ char *problem = NULL;
	int r = lint_path(path, is_live(path), visitor, ret, &problem);

	return report(r, path, problem);
}

/* 0, or -errno, reported. */
static int check_input(const struct options *options, struct check *check)
{
	_cleanup_free_ char *problem = NULL;
	int r;

	if (options->kernel || options->pam_directory) {
		(void)trouble("--stdin checks one file and excludes --%s", options->kernel ? "kernel" : "pam-dir");
		return -EINVAL;
	}
	check->input = true;
	r = lint_input(STDIN_FILENO, options->input_name, check->path, is_live(check->path), &check->lint, &problem);
	return report(r, check->path, problem);
}

/* 0, or -errno, reported. */
static int check_stacks(const struct options *options, struct check *check)
{
	_cleanup_free_ char *problem = NULL;
	int r = check_pam(options->pam_directory, &check->lint.diag, &check->pam, &problem);

	check->pam_directory = options->pam_directory ? options->pam_directory : NSISOLATE_PAM_DIRECTORY;
	if (r < 0 && problem)
		(void)trouble("%s", problem);
	else if (r < 0)
		(void)trouble_errno(r, check->pam_directory);
	return r;
}

/* 0, or -errno, reported. */
static int check_all(const struct options *options, bool stacks, struct check *check)
{
	_cleanup_(kernel_needs_release) struct kernel_needs needs = { 0 };
	const struct policy_visitor visitor = { kernel_needs_add, &needs };
	int r = check_policies(check->path, options->kernel ? &visitor : NULL, &check->lint);

	if (r == 0 && stacks)
		r = check_stacks(options, check);
	if (r < 0 || !options->kernel)
		return r;
	r = check_kernel(&needs, &check->lint.diag);
	if (r < 0)
		(void)trouble_errno(r, "this kernel");
	return r;
}

static enum exit_status run(const struct options *options, char **arguments)
{
	_cleanup_(check_release) struct check check = {
		.path = arguments[0] ? arguments[0] : NSISOLATE_POLICY_DIRECTORY,
	};
	int r;

	if (options->kernel && !options->input_name && geteuid() != 0)
		return trouble("only root can try what this kernel can do: run this as root");
	r = options->input_name ? check_input(options, &check)
				: check_all(options, !arguments[0] || options->pam_directory, &check);
	if (r < 0)
		return EXIT_TROUBLE;
	r = options->layout.style == OUTPUT_JSON ? print_json(&check) : 0;
	if (options->layout.style != OUTPUT_JSON)
		print_text(&check);
	if (r < 0)
		return trouble_errno(r, "check");
	if (check.lint.diag.truncated)
		return trouble("not all problems are listed");
	return check.lint.diag.count > 0 ? EXIT_FINDINGS : EXIT_CLEAN;
}

const struct subcommand command_check = {
	.name = "check",
	.arguments = "[PATH]",
	.summary = "check policies; without PATH the live ones, and the PAM stacks of this host",
	.arguments_max = 1,
	.options = OPTIONS_JSON | OPTIONS_CHECK,
	.run = run,
};
