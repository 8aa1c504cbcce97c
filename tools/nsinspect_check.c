/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* nsinspect check: every problem of a policy file or directory. */

#include "nsisolate-config.h"
#include "tools/display.h"
#include "tools/document.h"
#include "tools/lint.h"
#include "tools/nsinspect.h"

#include <limits.h>
#include <string.h>

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

static void print_text(const char *path, const struct lint *lint)
{
	_cleanup_free_ char *shown = display_text(path);

	for (size_t i = 0; i < lint->diag.count; i++)
		print_item(&lint->diag.items[i]);
	(void)printf("%s: %zu file%s, %zu error%s, %zu warning%s\n", shown ? shown : "?", lint->files,
		     lint->files == 1 ? "" : "s", count(lint, SEVERITY_ERROR),
		     count(lint, SEVERITY_ERROR) == 1 ? "" : "s", count(lint, SEVERITY_WARNING),
		     count(lint, SEVERITY_WARNING) == 1 ? "" : "s");
}

static int print_json(const char *path, const struct lint *lint)
{
	_cleanup_(documentp) json_object *document = document_new();

	document_text(document, "path", path);
	document_number(document, "files", lint->files);
	document_number(document, "errors", count(lint, SEVERITY_ERROR));
	document_number(document, "warnings", count(lint, SEVERITY_WARNING));

	json_object *array = document_array(document, "problems");

	for (size_t i = 0; i < lint->diag.count; i++) {
		const struct diagnostic *item = &lint->diag.items[i];
		json_object *object = document_object(array, NULL);

		document_text(object, "file", item->file);
		if (item->line > 0)
			document_number(object, "line", item->line);
		else
			document_text(object, "line", NULL);
		document_text(object, "severity", severity_name(item->severity));
		document_escaped(object, "text", item->text);
	}
	return document_print(document, true);
}

static enum exit_status run(const struct options *options, char **arguments)
{
	_cleanup_(lint_release) struct lint lint = { 0 };
	_cleanup_free_ char *problem = NULL;
	const char *path = arguments[0] ? arguments[0] : NSISOLATE_POLICY_DIRECTORY;
	int r = lint_path(path, is_live(path), &lint, &problem);

	if (r < 0 && problem)
		return trouble("%s", problem);
	if (r == -EINVAL)
		return trouble("%s: neither a file nor a directory", path);
	if (r < 0)
		return trouble_errno(r, path);

	if (options->layout.style == OUTPUT_JSON)
		r = print_json(path, &lint);
	else
		print_text(path, &lint);
	if (r < 0)
		return trouble_errno(r, "check");
	if (lint.diag.truncated)
		return trouble("not all problems are listed");
	return lint.diag.count > 0 ? EXIT_FINDINGS : EXIT_CLEAN;
}

const struct command command_check = {
	.name = "check",
	.arguments = "[PATH]",
	.summary = "check a policy directory or file, by default the live directory",
	.arguments_max = 1,
	.options = OPTIONS_JSON,
	.run = run,
};
