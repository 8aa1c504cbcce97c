/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/import_policy.h"

#include "common/paths.h"
#include "config/decide.h"
#include "tools/import_private.h"

#include <string.h>

static const char *const always_private[] = { "/tmp", "/var/tmp" };

static void entry_release(struct import_entry *entry)
{
	free(entry->path);
	free(entry->size);
	free(entry->inodes);
}

void import_entries_release(struct import_entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		entry_release(&entries->items[i]);
	free(entries->items);
	*entries = (struct import_entries){ 0 };
}

void import_entries_remove(struct import_entries *entries, size_t index)
{
	entry_release(&entries->items[index]);
	entries->count--;
	memmove(&entries->items[index], &entries->items[index + 1], (entries->count - index) * sizeof(*entries->items));
}

/* Those of the lines that are for the file's user or group. */
static int select_entries(const struct import *import, struct import_entries *entries, struct diagnostics *diag)
{
	int r = 0;

	entries->items = calloc(import->conf->count + 1, sizeof(*entries->items));
	if (!entries->items)
		return -ENOMEM;
	for (size_t i = 0; r >= 0 && i < import->conf->count; i++) {
		const struct polydir *polydir = &import->conf->items[i];

		if (!import_applies(polydir, import->name))
			continue;
		r = import_directory(polydir, &entries->items[entries->count], diag);
		entries->count += r > 0;
	}
	return r < 0 ? r : 0;
}

/* Of what pam_namespace mounts over each other the last is seen. */
static void remove_covered(struct import_entries *entries, struct diagnostics *diag)
{
	for (size_t i = 0; i < entries->count;) {
		const struct import_entry *entry = &entries->items[i], *over = NULL;

		for (size_t j = i + 1; j < entries->count; j++)
			if (strcmp(entries->items[j].path, entry->path) == 0)
				over = &entries->items[j];
		if (!over) {
			i++;
			continue;
		}
		IMPORT_REPORT(diag, entry->polydir, "%s: %s:%u is mounted over it: left out", entry->polydir->path,
			      over->polydir->file, over->polydir->line);
		import_entries_remove(entries, i);
	}
}

/* The private directory that this one lies in, or NULL. */
static const char *around(const struct import_entries *entries, const char *path)
{
	for (size_t i = 0; i < ELEMENTS(always_private); i++)
		if (path_is_below(path, always_private[i]))
			return always_private[i];
	for (size_t i = 0; i < entries->count; i++)
		if (path_is_below(path, entries->items[i].path))
			return entries->items[i].path;
	return NULL;
}

static void remove_nested(struct import_entries *entries, struct diagnostics *diag)
{
	for (size_t i = 0; i < entries->count;) {
		const struct import_entry *entry = &entries->items[i];
		const char *outer = around(entries, entry->path);

		if (!outer) {
			i++;
			continue;
		}
		IMPORT_REPORT(diag, entry->polydir,
			      "%s: lies within %s, which is private and so has no such directory: left out",
			      entry->polydir->path, outer);
		import_entries_remove(entries, i);
	}
}

static void report_script(const struct import *import, const struct import_entries *entries, struct diagnostics *diag)
{
	for (size_t i = 0; import->script && i < entries->count; i++) {
		const struct polydir *polydir = entries->items[i].polydir;

		if (polydir->noinit || polydir->script)
			continue;
		IMPORT_REPORT(diag, polydir,
			      "%s: is not run; as it is shipped it fills new home directories and does nothing else",
			      import->script);
		return;
	}
}

/* A private directory that nobody asked for. */
static void report_always(const struct import *import, const struct import_entries *entries, struct diagnostics *diag)
{
	for (size_t i = 0; entries->count > 0 && i < ELEMENTS(always_private); i++) {
		size_t j = 0;

		while (j < entries->count && strcmp(entries->items[j].path, always_private[i]) != 0)
			j++;
		if (j == entries->count)
			diagnostics_add(
				diag, SEVERITY_WARNING, import->source, 0,
				"%s: is shared by all users without a line for it, and private in every session; the "
				"policy keeps each user's",
				always_private[i]);
	}
}

/* 1: one was taken out, and reported; 0: the text is good; -EBADMSG: not, and for no line of the configuration. */
static int remove_wrong(struct import_entries *entries, const char *text, struct diagnostics *diag)
{
	_cleanup_(diagnostics_release) struct diagnostics found = { 0 };
	const struct diagnostic *wrong;
	int r;

	if (strlen(text) > POLICY_FILE_MAX && entries->count > 0) {
		IMPORT_REPORT(diag, entries->items[entries->count - 1].polydir,
			      "%s: the policy would be longer than %d bytes: left out",
			      entries->items[entries->count - 1].polydir->path, POLICY_FILE_MAX);
		import_entries_remove(entries, entries->count - 1);
		return 1;
	}
	r = policy_lint("default.conf", text, strlen(text), NULL, &found);
	if (r < 0 || !diagnostics_failed(&found))
		return r;
	wrong = diagnostics_first_error(&found);
	for (size_t i = 0; wrong && i < entries->count; i++) {
		if (entries->items[i].position != wrong->line)
			continue;
		IMPORT_REPORT(diag, entries->items[i].polydir, "%s: left out: %s", entries->items[i].polydir->path,
			      wrong->text);
		import_entries_remove(entries, i);
		return 1;
	}
	return -EBADMSG;
}

/* What the checks of a policy do not take is left out, until they take it. */
static int make_text(const struct import *import, struct import_entries *entries, char **ret, struct diagnostics *diag)
{
	_cleanup_free_ char *text = NULL;
	int r;

	do {
		free(text);
		text = NULL;
		r = import_render(import, entries, &text);
		if (r == 0)
			r = remove_wrong(entries, text, diag);
	} while (r > 0);
	if (r == 0)
		*ret = TAKE_PTR(text);
	return r;
}

int import_policy(const struct import *import, char **ret, struct diagnostics *diag)
{
	_cleanup_(import_entries_release) struct import_entries entries = { 0 };
	_cleanup_free_ char *text = NULL;
	int r = select_entries(import, &entries, diag);

	if (r == 0 && !import->name)
		r = import_report_names(import->conf, diag);
	if (r < 0)
		return r;
	remove_covered(&entries, diag);
	remove_nested(&entries, diag);
	r = make_text(import, &entries, &text, diag);
	for (size_t i = 0; r == 0 && i < entries.count; i++)
		r = import_report_directory(&entries.items[i], diag);
	if (r < 0)
		return r;
	report_script(import, &entries, diag);
	report_always(import, &entries, diag);
	*ret = TAKE_PTR(text);
	return 0;
}
