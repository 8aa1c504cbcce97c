/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * libnss_broken.so.2: a directory service with one user, dora, and one group,
 * remote, of which she is a member, that fails on demand. /run/nss-broken
 * holds "DATABASE STATUS ERRNO": passwd or group; unavail or tryagain; a number.
 */

#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#define SWITCH       "/run/nss-broken"
#define USER         "dora"
#define USER_ID      3010
#define GROUP        "remote"
#define GROUP_ID     4010
#define ROOM_FOR_ALL 256 /* bytes that a caller's buffer needs */

enum nss_status _nss_broken_getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size, int *error);
enum nss_status _nss_broken_getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, int *error);
enum nss_status _nss_broken_getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size, int *error);
enum nss_status _nss_broken_getgrgid_r(gid_t gid, struct group *entry, char *buffer, size_t size, int *error);

#define EXPORTED __attribute__((visibility("default")))

/* What to answer at all; NSS_STATUS_SUCCESS while the service works. */
static enum nss_status judge(const char *database, size_t size, int *error)
{
	char broken[16] = "", status[16] = "";
	FILE *file = fopen(SWITCH, "re");
	int number = 0, words = 0;

	if (file) {
		words = fscanf(file, "%15s %15s %d", broken, status, &number);
		(void)fclose(file);
	}
	if (words == 3 && strcmp(broken, database) == 0) {
		*error = number;
		return strcmp(status, "tryagain") == 0 ? NSS_STATUS_TRYAGAIN : NSS_STATUS_UNAVAIL;
	}
	if (size >= ROOM_FOR_ALL)
		return NSS_STATUS_SUCCESS;
	*error = ERANGE;
	return NSS_STATUS_TRYAGAIN;
}

static enum nss_status not_found(int *error)
{
	*error = ENOENT;
	return NSS_STATUS_NOTFOUND;
}

static char *take(char **buffer, const char *text)
{
	char *start = *buffer;

	*buffer = stpcpy(start, text) + 1;
	return start;
}

EXPORTED enum nss_status _nss_broken_getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size,
						int *error)
{
	enum nss_status status = judge("passwd", size, error);

	if (status != NSS_STATUS_SUCCESS)
		return status;
	if (strcmp(name, USER) != 0)
		return not_found(error);
	*entry = (struct passwd){
		.pw_name = take(&buffer, USER),
		.pw_passwd = take(&buffer, "*"),
		.pw_uid = USER_ID,
		.pw_gid = GROUP_ID,
		.pw_gecos = take(&buffer, ""),
		.pw_dir = take(&buffer, "/"),
		.pw_shell = take(&buffer, "/bin/sh"),
	};
	return NSS_STATUS_SUCCESS;
}

EXPORTED enum nss_status _nss_broken_getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, int *error)
{
	return _nss_broken_getpwnam_r(uid == USER_ID ? USER : "", entry, buffer, size, error);
}

EXPORTED enum nss_status _nss_broken_getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size,
						int *error)
{
	enum nss_status status = judge("group", size, error);
	char **members = (char **)(void *)buffer;

	if (status != NSS_STATUS_SUCCESS)
		return status;
	if (strcmp(name, GROUP) != 0)
		return not_found(error);
	buffer += 2 * sizeof(*members);
	members[0] = take(&buffer, USER);
	members[1] = NULL;
	*entry = (struct group){
		.gr_name = take(&buffer, GROUP),
		.gr_passwd = take(&buffer, "*"),
		.gr_gid = GROUP_ID,
		.gr_mem = members,
	};
	return NSS_STATUS_SUCCESS;
}

EXPORTED enum nss_status _nss_broken_getgrgid_r(gid_t gid, struct group *entry, char *buffer, size_t size, int *error)
{
	return _nss_broken_getgrnam_r(gid == GROUP_ID ? GROUP : "", entry, buffer, size, error);
}
