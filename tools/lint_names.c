/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* Names in policies that this host does not know, or knows twice. */
#include "config/keys.h"
#include "config/text_list.h"
#include "tools/lint.h"
#include "tools/lint_private.h"
#include "tools/near_name.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

static const char *const pam_directories[] = { "/etc/pam.d", "/usr/lib/pam.d" };

char *near_user(const char *name)
{
	struct near_name near = { 0 };
	const struct passwd *user;

	setpwent();
	while ((user = getpwent()))
		near_name_offer(&near, name, user->pw_name);
	endpwent();
	return near_name_hint(&near);
}

static char *near_group(const char *name)
{
	struct near_name near = { 0 };
	const struct group *group;

	setgrent();
	while ((group = getgrent()))
		near_name_offer(&near, name, group->gr_name);
	endgrent();
	return near_name_hint(&near);
}

static char *near_service(const char *name)
{
	struct near_name near = { 0 };

	for (size_t i = 0; i < ELEMENTS(pam_directories); i++) {
		_cleanup_(closedirp) DIR *directory = opendir(pam_directories[i]);
		const struct dirent *entry;

		while (directory && (entry = readdir(directory)))
			near_name_offer(&near, name, entry->d_name);
	}
	return near_name_hint(&near);
}

/* Reports a failed lookup; true for "there is none". errno is that of the lookup. */
static bool is_unknown(const char *what, const char *file, const char *name, struct diagnostics *diag)
{
	if (errno == 0 || errno == ENOENT)
		return true;
	diagnostics_add(diag, SEVERITY_ERROR, file, 0, "the %s '%s' cannot be looked up: %s", what, name,
			strerror(errno));
	return false;
}

void lint_user_name(const char *file, const char *name, struct diagnostics *diag)
{
	_cleanup_free_ char *hint = NULL;
	const struct passwd *user;

	errno = 0;
	user = getpwnam(name);
	if (user && strcmp(user->pw_name, name) != 0) {
		diagnostics_add(diag, SEVERITY_WARNING, file, 0,
				"unreachable file: this user's name is '%s', and so is the name of their file",
				user->pw_name);
		return;
	}
	if (user || !is_unknown("user", file, name, diag))
		return;
	hint = near_user(name);
	diagnostics_add(diag, SEVERITY_WARNING, file, 0, "unreachable file: there is no user '%s'%s", name,
			hint ? hint : "");
}

void lint_group_name(const char *file, const char *name, struct diagnostics *diag)
{
	_cleanup_free_ char *hint = NULL;

	errno = 0;
	if (getgrnam(name) || !is_unknown("group", file, name, diag))
		return;
	hint = near_group(name);
	diagnostics_add(diag, SEVERITY_ERROR, file, 0,
			"there is no group '%s': this refuses every login that has no user file%s", name,
			hint ? hint : "");
}

static bool is_service(const char *name)
{
	for (size_t i = 0; i < ELEMENTS(pam_directories); i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%s", pam_directories[i], name) < 0) {
			path = NULL;
			return true;
		}
		if (access(path, F_OK) == 0 || errno != ENOENT)
			return true;
	}
	return false;
}

static void lint_service(const char *file, unsigned line, const char *key, const char *name, struct diagnostics *diag)
{
	_cleanup_free_ char *hint = NULL;

	if (is_service(name))
		return;
	hint = near_service(name);
	diagnostics_add(diag, SEVERITY_WARNING, file, line, "%s: this host has no PAM service '%s'%s", key, name,
			hint ? hint : "");
}

void lint_services(const struct policy *policy, struct diagnostics *diag)
{
	const struct origin *origin = &policy->origins[KEY_SERVICES];

	for (char **service = policy->services; service && *service; service++)
		lint_service(origin->file, origin->line, policy_keys[KEY_SERVICES].name, *service, diag);
	for (size_t i = 0; policy->sections && policy->sections[i]; i++)
		lint_service(policy->section_origins[i].file, policy->section_origins[i].line,
			     policy_keys[KEY_SERVICE].name, policy->sections[i], diag);
}

int user_files_add(struct user_files *users, const struct policy *policy, const char *name)
{
	const struct passwd *user = getpwnam(name);
	struct user_file *items;
	struct user_file entry = { .hash = policy->hash };

	if (!user)
		return 0;
	items = reallocarray(users->items, users->count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	users->items = items;
	entry.uid = user->pw_uid;
	entry.file = strdup(policy->file);
	entry.name = strdup(name);
	if (!entry.file || !entry.name) {
		free(entry.file);
		free(entry.name);
		return -ENOMEM;
	}
	items[users->count++] = entry;
	return 0;
}

void user_files_release(struct user_files *users)
{
	for (size_t i = 0; i < users->count; i++) {
		free(users->items[i].file);
		free(users->items[i].name);
	}
	free(users->items);
	*users = (struct user_files){ 0 };
}

static const struct user_file *file_of(const struct user_files *users, const char *name)
{
	for (size_t i = 0; i < users->count; i++)
		if (strcmp(users->items[i].name, name) == 0)
			return &users->items[i];
	return NULL;
}

static void report_other_name(const struct user_file *user, const char *other, struct diagnostics *diag)
{
	diagnostics_add(diag, SEVERITY_WARNING, user->file, 0,
			"'%s' has uid %u, too, and another policy: the name that is logged in with decides", other,
			(unsigned)user->uid);
}

static void lint_other_names(const struct user_files *users, const struct passwd *user, struct diagnostics *diag)
{
	const struct user_file *own = file_of(users, user->pw_name);

	for (size_t i = 0; i < users->count; i++) {
		const struct user_file *entry = &users->items[i];

		/* of two that have a file the first is told */
		if (entry->uid != user->pw_uid || entry == own || (own && (own->hash == entry->hash || own < entry)))
			continue;
		report_other_name(entry, user->pw_name, diag);
	}
}

void lint_users(const struct user_files *users, struct diagnostics *diag)
{
	const struct passwd *user;

	for (size_t i = 0; i < users->count; i++)
		if (users->items[i].uid == 0 && !file_of(users, "root"))
			diagnostics_add(diag, SEVERITY_WARNING, users->items[i].file, 0,
					"uid 0 passes unless user/root.conf exists: no login reaches this file");
	if (users->count == 0)
		return;
	/* a service that does not enumerate its users hides such names, nss(5) */
	setpwent();
	while ((user = getpwent()))
		lint_other_names(users, user, diag);
	endpwent();
}
