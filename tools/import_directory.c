/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/import_private.h"

#include "config/path.h"
#include "config/value.h"
#include "session/store.h"

#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

/* pam_namespace takes a variable for one whatever comes behind it: $HOMEPAGE is $HOME and "PAGE". */
struct variables {
	const char *home, *user, *percent;
};

static const struct variables of_policy = { "/home/%u", "%u", "%%" };
static const struct variables of_reader = { "/home/USER", "USER", "%" };

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Malloced; NULL when memory ran out. */
static char *replace(const char *text, const struct variables *by)
{
	char *result = malloc(strlen(text) * strlen(of_reader.home) + 1), *end = result;

	while (result && *text) {
		if (begins(text, "$HOME") || begins(text, "$USER")) {
			end = stpcpy(end, text[1] == 'H' ? by->home : by->user);
			text += strlen("$HOME");
		} else if (*text == '%') {
			end = stpcpy(end, by->percent);
			text++;
		} else {
			*end++ = *text++;
		}
	}
	if (result)
		*end = '\0';
	return result;
}

/* True if nothing is left of the path but $HOME. */
static bool is_home(const char *path)
{
	return begins(path, "$HOME") && path[strlen("$HOME") + strspn(path + strlen("$HOME"), "/")] == '\0';
}

/* What the administrator can have instead, of a path that no policy can make private; or "". */
static const char *instead_of(const char *path)
{
	if (strcmp(path, "/dev/shm") == 0)
		return "; ipc { isolate = true } gives each session one of its own, and System V IPC and message "
		       "queues with it";
	if (begins(path, "/run/user"))
		return "; runtime-dir = \"private\" gives each session one of its own";
	return "";
}

/* 1, 0: reported, or -ENOMEM. */
static int make_path(const struct polydir *polydir, char **ret, struct diagnostics *diag)
{
	_cleanup_free_ char *pattern = NULL, *sentence = NULL;
	int r;

	if (is_home(polydir->path)) {
		IMPORT_REPORT(diag, polydir,
			      "%s: not made private: a private directory is root's, and a home must be the user's; "
			      "homes = \"own\" "
			      "hides those of others; files in %s stay where they are",
			      polydir->path, polydir->prefix);
		return 0;
	}
	pattern = replace(polydir->path, &of_policy);
	if (!pattern)
		return -ENOMEM;
	r = mount_path_parse(pattern, PATH_PRIVATE, ret, &sentence);
	if (r == -EINVAL)
		IMPORT_REPORT(diag, polydir, "%s: no private directory: %s%s", polydir->path, sentence,
			      instead_of(polydir->path));
	if (r < 0)
		return r == -EINVAL ? 0 : r;
	if (strstr(polydir->path, "$HOME"))
		IMPORT_REPORT(diag, polydir,
			      "%s: is %s in the policy: users whose home directory is not /home/USER would be refused",
			      polydir->path, *ret);
	return 1;
}

static bool is_by_context(const struct polydir *polydir)
{
	return polydir->method == POLYDIR_CONTEXT || polydir->method == POLYDIR_LEVEL;
}

/* Where the files of users are, and where they belong. */
static int report_kept(const struct polydir *polydir, struct diagnostics *diag)
{
	_cleanup_free_ char *path = replace(polydir->path, &of_reader), *from = replace(polydir->prefix, &of_reader);
	_cleanup_free_ char *name = NULL;

	if (!path || !from)
		return -ENOMEM;
	while (strlen(path) > 1 && path[strlen(path) - 1] == '/')
		path[strlen(path) - 1] = '\0';
	name = path_encode(path);
	if (!name)
		return -ENOMEM;
	IMPORT_REPORT(
		diag, polydir,
		"%s: is kept by backing = \"directory\", and is empty at first: after a user's first login, and while "
		"the user is logged out, move what is in %s%sUSER to %s/UID/%s",
		polydir->path, from, is_by_context(polydir) ? "CONTEXT_" : "", STORE_ROOT, name);
	return 0;
}

/* "512M" of tmpfs(5) as policies have it. 0 or -ENOMEM. */
static int take_number(const struct polydir *polydir, enum policy_key key, const char *option, const char *text,
		       char **ret, struct diagnostics *diag)
{
	_cleanup_free_ char *sentence = NULL, *lower = strdup(text);
	struct value value = { 0 };
	int r;

	if (!lower)
		return -ENOMEM;
	for (char *c = lower; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	r = value_parse(key, lower, &value, &sentence);
	if (r == -ENOMEM)
		return r;
	value_release(&value);
	if (r < 0) {
		IMPORT_REPORT(diag, polydir, "%s: %s; %s has the default %s instead", option, sentence, polydir->path,
			      policy_keys[key].fallback);
		return 0;
	}
	free(*ret);
	*ret = TAKE_PTR(lower);
	return 0;
}

/* What every private directory is: to be asked for is fine. */
static bool is_as_ever(const char *option)
{
	static const char *const ever[] = { "", "nosuid", "nodev", "rw", "mode=1777", "mode=01777", "uid=0", "gid=0" };

	for (size_t i = 0; i < ELEMENTS(ever); i++)
		if (strcmp(option, ever[i]) == 0)
			return true;
	return false;
}

/* 0 or -ENOMEM. */
static int take_options(const struct polydir *polydir, struct import_entry *entry, struct diagnostics *diag)
{
	_cleanup_free_ char *options = strdup(polydir->mount_options ? polydir->mount_options : "");
	char *rest = options, *option;
	int r = options ? 0 : -ENOMEM;

	while (r == 0 && (option = strsep(&rest, ","))) {
		if (begins(option, "size="))
			r = take_number(polydir, KEY_MOUNT_PRIVATE_SIZE, option, option + strlen("size="), &entry->size,
					diag);
		else if (begins(option, "nr_inodes="))
			r = take_number(polydir, KEY_MOUNT_PRIVATE_INODES, option, option + strlen("nr_inodes="),
					&entry->inodes, diag);
		else if (!is_as_ever(option))
			IMPORT_REPORT(
				diag, polydir,
				"%s: no mount option that a policy has: %s is root's, with mode 1777, nosuid and nodev",
				option, polydir->path);
	}
	return r;
}

int import_directory(const struct polydir *polydir, struct import_entry *ret, struct diagnostics *diag)
{
	struct import_entry entry = { .polydir = polydir };
	int r;

	if (is_by_context(polydir) && polydir->shared) {
		IMPORT_REPORT(diag, polydir,
			      "%s:shared: users cannot share private directories by their SELinux context: %s is left "
			      "out, as "
			      "pam_namespace does where SELinux is off",
			      polydir_method_names[polydir->method], polydir->path);
		return 0;
	}
	r = make_path(polydir, &entry.path, diag);
	if (r > 0 && take_options(polydir, &entry, diag) < 0)
		r = -ENOMEM;
	if (r > 0) {
		entry.kept = polydir->method == POLYDIR_USER || is_by_context(polydir);
		*ret = entry;
		return r;
	}
	free(entry.path);
	free(entry.size);
	free(entry.inodes);
	return r;
}

int import_report_directory(const struct import_entry *entry, struct diagnostics *diag)
{
	const struct polydir *polydir = entry->polydir;
	const char *parameters = polydir->create_parameters;

	if (is_by_context(polydir))
		IMPORT_REPORT(diag, polydir,
			      "%s: there are no private directories by SELinux context: %s is one for each user, as "
			      "pam_namespace has it where SELinux is off",
			      polydir_method_names[polydir->method], polydir->path);
	if (polydir->script && !polydir->noinit)
		IMPORT_REPORT(diag, polydir, "iscript: %s is not run: no login runs a script as root for a directory",
			      polydir->script);
	if (polydir->create)
		IMPORT_REPORT(
			diag, polydir,
			"create%s%s: a directory that is missing is not made, and refuses the login: make %s on the "
			"host, as by tmpfiles.d(5)",
			parameters ? "=" : "", parameters ? parameters : "", polydir->path);
	return entry->kept ? report_kept(polydir, diag) : 0;
}
