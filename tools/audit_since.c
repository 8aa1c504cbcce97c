/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/audit_since.h"

#include "nsisolate-config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define NSEC_PER_SEC UINT64_C(1000000000)

static const char *const files[] = { "/etc/passwd",   "/etc/group",     "/etc/nsswitch.conf", "/etc/login.defs",
				     "/etc/pam.conf", NSISOLATE_MODULE, NSISOLATE_HELPER };
static const char *const directories[] = { NSISOLATE_PAM_DIRECTORY, "/usr/lib/pam.d", "/usr/etc/pam.d" };
static const char *const below[] = { "", "/user", "/group" };

/* The latest change so far; 0 once it is not known. */
struct latest {
	int64_t time;
	bool unknown;
};

static void take(struct latest *latest, int directory, const char *name, int flags)
{
	struct stat status;

	if (fstatat(directory, name, &status, flags) < 0) {
		/* what is missing has changed the directory that it is missing from */
		if (errno != ENOENT && errno != ENOTDIR)
			latest->unknown = true;
		return;
	}
	if (status.st_ctim.tv_sec > latest->time)
		latest->time = status.st_ctim.tv_sec;
}

static void take_directory(struct latest *latest, const char *path)
{
	_cleanup_(closedirp) DIR *directory = opendir(path);
	struct dirent *entry;

	if (!directory) {
		if (errno != ENOENT)
			latest->unknown = true;
		return;
	}
	take(latest, dirfd(directory), ".", 0);
	/* a link, and what it leads to */
	while ((entry = readdir(directory))) {
		take(latest, dirfd(directory), entry->d_name, AT_SYMLINK_NOFOLLOW);
		take(latest, dirfd(directory), entry->d_name, 0);
	}
}

static void take_policies(struct latest *latest, const char *path)
{
	for (size_t i = 0; i < ELEMENTS(below); i++) {
		_cleanup_free_ char *directory = NULL;

		if (asprintf(&directory, "%s%s", path, below[i]) < 0) {
			directory = NULL;
			latest->unknown = true;
			return;
		}
		take_directory(latest, directory);
	}
}

int64_t audit_configured(const struct audit_services *services)
{
	struct latest latest = { 0 };

	for (size_t i = 0; i < ELEMENTS(files); i++)
		take(&latest, AT_FDCWD, files[i], 0);
	for (size_t i = 0; i < ELEMENTS(directories); i++)
		take_directory(&latest, directories[i]);
	take_policies(&latest, NSISOLATE_POLICY_DIRECTORY);
	for (size_t i = 0; i < services->count; i++)
		if (services->items[i].directory)
			take_policies(&latest, services->items[i].directory);
	return latest.unknown ? 0 : latest.time;
}

static int64_t nanoseconds(const struct timespec *time)
{
	return (int64_t)time->tv_sec * (int64_t)NSEC_PER_SEC + time->tv_nsec;
}

int64_t audit_since_process(uint64_t start, int64_t configured)
{
	const uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);
	struct timespec now, boot;
	int64_t began;

	if (configured == 0 || clock_gettime(CLOCK_REALTIME, &now) < 0 || clock_gettime(CLOCK_BOOTTIME, &boot) < 0)
		return 0;
	/* at the end of the tick in which it began */
	began = nanoseconds(&now) - nanoseconds(&boot) + (int64_t)((start + 1) * (NSEC_PER_SEC / ticks));
	began /= (int64_t)NSEC_PER_SEC;
	return began > configured ? began : configured;
}

static bool is_new(const struct finding *finding, const void *data)
{
	return finding->since == 0 || finding->since >= *(const int64_t *)data;
}

void audit_since_filter(struct findings *findings, int64_t when)
{
	findings_filter(findings, is_new, &when);
}
