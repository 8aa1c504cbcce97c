/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/import_private.h"

#include "config/path.h"
#include "config/text_list.h"

#include <string.h>

#define LISTED_MAX 600 /* bytes of names in one sentence, so that the rest of it is not cut off */

bool import_applies(const struct polydir *polydir, const char *name)
{
	return (name && text_list_has(polydir->names, name)) == polydir->only;
}

static bool differs(const struct namespace_conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->count; i++)
		if (import_applies(&conf->items[i], name) != import_applies(&conf->items[i], NULL))
			return true;
	return false;
}

/* 1: a file can be named so; 0: reported; -ENOMEM. */
static int judge_name(const struct polydir *polydir, const char *name, struct diagnostics *diag)
{
	_cleanup_free_ char *path = NULL, *file = NULL, *sentence = NULL;
	int r;

	if (asprintf(&path, "%s%s", name[0] == '@' ? "group/" : "user/", name + (name[0] == '@')) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = policy_name_parse(path, &file, &sentence);
	if (r == -EINVAL)
		IMPORT_REPORT(diag, polydir,
			      "%s: no policy file can have that name, so nobody of that name can have one", name);
	return r == -EINVAL ? 0 : r < 0 ? r : 1;
}

static void report_list(const struct polydir *polydir, const char *names, struct diagnostics *diag)
{
	IMPORT_REPORT(diag, polydir,
		      "%s: %s %s: for each of them write what 'nsinspect import -u NAME' prints of the same FILE to "
		      "user/NAME.conf, of a group @NAME to group/NAME.conf%s",
		      names, polydir->only ? "alone have a private" : "exempt from", polydir->path,
		      polydir->only ? "" : "; users below UID_MIN pass without one");
}

/* The names of one line that no line before has had. */
static int report_line(const struct namespace_conf *conf, const struct polydir *polydir, char ***seen,
		       struct diagnostics *diag)
{
	char listed[LISTED_MAX] = "";
	size_t length = 0;
	int r = 0;

	for (char **name = polydir->names; r >= 0 && name && *name; name++) {
		/* root passes without a file */
		if (strcmp(*name, "root") == 0 || text_list_has(*seen, *name) || !differs(conf, *name))
			continue;
		r = text_list_add(seen, *name);
		if (r >= 0)
			r = judge_name(polydir, *name, diag);
		if (r <= 0)
			continue;
		if (length > 0 && length + strlen(*name) + 2 > sizeof(listed)) {
			report_list(polydir, listed, diag);
			length = 0;
		}
		length += (size_t)snprintf(listed + length, sizeof(listed) - length, "%s%s", length > 0 ? "," : "",
					   *name);
	}
	if (r >= 0 && length > 0)
		report_list(polydir, listed, diag);
	return r < 0 ? r : 0;
}

int import_report_names(const struct namespace_conf *conf, struct diagnostics *diag)
{
	_cleanup_(text_list_freep) char **seen = NULL;
	bool root = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < conf->count; i++) {
		const struct polydir *polydir = &conf->items[i];

		if (!root && import_applies(polydir, "root"))
			IMPORT_REPORT(
				diag, polydir,
				"root: has a private %s by this line; with nsisolate root passes unless there is a "
				"user/root.conf (nsinspect import -u root), and so do users below UID_MIN without a "
				"file",
				polydir->path);
		root = root || import_applies(polydir, "root");
		r = report_line(conf, polydir, &seen, diag);
	}
	return r;
}
