/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* Users and groups by NSS, whose errors are never taken for "there is none". */
#include "config/find.h"
#include "config/judge.h"

#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <string.h>

#define NSS_BUFFER_FIRST 4096
#define NSS_BUFFER_MAX   (16 * 1024 * 1024) /* a group of a directory service can have very many members */
#define GROUPS_FIRST     64
#define GROUPS_MAX       (1024 * 1024)

/* -ENOENT is ours to give: a service that fails by "no such file" has not said that there is no such entry. */
static int nss_error(int error)
{
	return error == ENOENT || error == ESRCH ? -EIO : -error;
}

/*
 * One reentrant lookup: what getpwnam_r(3), getgrnam_r(3) and getgrgid_r(3) have in common. key points to the name or
 * to the gid, entry to their struct.
 */
typedef int (*nss_fn)(const void *key, void *entry, char *buffer, size_t size, bool *ret_found);

static int nss_user(const void *name, void *entry, char *buffer, size_t size, bool *ret_found)
{
	struct passwd *found = NULL;
	int error = getpwnam_r(name, entry, buffer, size, &found);

	*ret_found = found;
	return error;
}

static int nss_group(const void *name, void *entry, char *buffer, size_t size, bool *ret_found)
{
	struct group *found = NULL;
	int error = getgrnam_r(name, entry, buffer, size, &found);

	*ret_found = found;
	return error;
}

static int nss_gid(const void *gid, void *entry, char *buffer, size_t size, bool *ret_found)
{
	struct group *found = NULL;
	int error = getgrgid_r(*(const gid_t *)gid, entry, buffer, size, &found);

	*ret_found = found;
	return error;
}

/* 0 with the buffer that *entry points into; -ENOENT; or the NSS error. */
static int nss_lookup(nss_fn fn, const void *key, void *entry, char **ret_buffer)
{
	for (size_t size = NSS_BUFFER_FIRST; size <= NSS_BUFFER_MAX; size *= 4) {
		_cleanup_free_ char *buffer = malloc(size);
		bool found;
		int error;

		if (!buffer)
			return -ENOMEM;
		error = fn(key, entry, buffer, size, &found);
		if (error == ERANGE)
			continue;
		if (error != 0)
			return nss_error(error);
		if (!found)
			return -ENOENT;
		*ret_buffer = TAKE_PTR(buffer);
		return 0;
	}
	return -ERANGE;
}

static bool name_is_valid(const char *name)
{
	size_t length = strnlen(name, POLICY_NAME_MAX + 1);

	if (length == 0 || length > POLICY_NAME_MAX || name[0] == '.')
		return false;
	for (size_t i = 0; i < length; i++)
		if (name[i] == '/' || (unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return false;
	return true;
}

int identity_lookup(const char *pam_user, struct identity *ret)
{
	_cleanup_free_ char *buffer = NULL, *name = NULL, *home = NULL, *shell = NULL;
	struct passwd entry;
	int r;

	if (!name_is_valid(pam_user))
		return -EINVAL;
	r = nss_lookup(nss_user, pam_user, &entry, &buffer);
	if (r < 0)
		return r;
	if (!name_is_valid(entry.pw_name))
		return -EINVAL;
	name = strdup(entry.pw_name);
	home = strdup(entry.pw_dir ? entry.pw_dir : "");
	shell = strdup(entry.pw_shell ? entry.pw_shell : "");
	if (!name || !home || !shell)
		return -ENOMEM;
	*ret = (struct identity){
		.name = TAKE_PTR(name),
		.uid = entry.pw_uid,
		.gid = entry.pw_gid,
		.home = TAKE_PTR(home),
		.shell = TAKE_PTR(shell),
	};
	return 0;
}

void identity_release(struct identity *identity)
{
	free(identity->name);
	free(identity->home);
	free(identity->shell);
	*identity = (struct identity){ 0 };
}

int group_list_of(const struct identity *identity, struct group_list *ret)
{
	int count = GROUPS_FIRST;

	for (int attempts = 0; attempts < 16; attempts++) {
		_cleanup_free_ gid_t *gids = reallocarray(NULL, (size_t)count, sizeof(*gids));
		int asked = count;

		if (!gids)
			return -ENOMEM;
		if (getgrouplist(identity->name, identity->gid, gids, &count) >= 0) {
			*ret = (struct group_list){ .gids = TAKE_PTR(gids), .count = (size_t)count };
			return 0;
		}
		/* -1 without asking for more room is a lack of memory */
		if (count <= asked)
			return -ENOMEM;
		if (count > GROUPS_MAX)
			return -ERANGE;
	}
	return -EAGAIN;
}

void group_list_release(struct group_list *list)
{
	free(list->gids);
	*list = (struct group_list){ 0 };
}

static bool group_lists_user(const struct group *group, const char *user)
{
	for (char **member = group->gr_mem; member && *member; member++)
		if (strcmp(*member, user) == 0)
			return true;
	return false;
}

int identity_in_group_of(const struct identity *identity, const struct group_list *groups, const char *group)
{
	_cleanup_free_ char *buffer = NULL;
	struct group entry;
	int r;

	r = nss_lookup(nss_group, group, &entry, &buffer);
	if (r < 0)
		return r;
	if (entry.gr_gid == identity->gid)
		return 1;
	for (size_t i = 0; i < groups->count; i++)
		if (groups->gids[i] == entry.gr_gid)
			return 1;
	/* getgrouplist(3) passes over a service that fails without a word; the group itself was found */
	return group_lists_user(&entry, identity->name);
}

int identity_in_group(const struct identity *identity, const char *group)
{
	_cleanup_(group_list_release) struct group_list groups = { 0 };
	int r;

	r = group_list_of(identity, &groups);
	if (r < 0)
		return r;
	return identity_in_group_of(identity, &groups, group);
}

char *identity_group_name(const struct identity *identity)
{
	_cleanup_free_ char *buffer = NULL;
	struct group entry;

	return nss_lookup(nss_gid, &identity->gid, &entry, &buffer) == 0 ? strdup(entry.gr_name) : NULL;
}
