/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* Policies that cannot be used, and files of ours that others than root can change. */

#include "tools/audit.h"

#include "nsisolate-config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* All that decides about logins: each file or directory, and every directory above it. */
static const char *const ours[] = {
	NSISOLATE_POLICY_DIRECTORY,
	NSISOLATE_POLICY_DIRECTORY "/user",
	NSISOLATE_POLICY_DIRECTORY "/group",
	NSISOLATE_MODULE,
	NSISOLATE_HELPER,
	RECORD_DIRECTORY,
	RECORD_ROOT "/users",
};

static const char *const policy_directories[] = {
	NSISOLATE_POLICY_DIRECTORY,
	NSISOLATE_POLICY_DIRECTORY "/user",
	NSISOLATE_POLICY_DIRECTORY "/group",
};

static int judge_mode(const char *path, const struct stat *status, mode_t forbidden, struct findings *findings)
{
	const struct subject subject = { .text = path, .since = status->st_ctim.tv_sec };

	if (status->st_uid != 0)
		return findings_add(findings, FINDING_UNSAFE, &subject, "it belongs to uid %u, not to root",
				    (unsigned)status->st_uid);
	if (!S_ISLNK(status->st_mode) && (status->st_mode & forbidden))
		return findings_add(findings, FINDING_UNSAFE, &subject, "its mode is %04o, which lets others %s",
				    (unsigned)status->st_mode & 07777,
				    status->st_mode & (S_IWGRP | S_IWOTH) ? "write" : "read");
	return 0;
}

/* What is not there is for others to miss. */
static int judge_path(const char *path, mode_t forbidden, struct findings *findings)
{
	struct stat status;

	return lstat(path, &status) < 0 ? 0 : judge_mode(path, &status, forbidden, findings);
}

/* "/etc", "/etc/security", … and the path itself. */
static int judge_way(const char *path, struct findings *findings)
{
	_cleanup_free_ char *way = strdup(path);
	int r = way ? 0 : -ENOMEM;

	for (char *slash = way; r == 0 && (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		r = judge_path(way, S_IWGRP | S_IWOTH, findings);
		*slash = '/';
	}
	return r < 0 ? r : judge_path(path, S_IWGRP | S_IWOTH, findings);
}

static int judge_directory(const char *path, struct findings *findings)
{
	_cleanup_(closedirp) DIR *dir = opendir(path);
	const struct dirent *entry;
	int r = 0;

	while (r == 0 && dir && (entry = readdir(dir))) {
		_cleanup_free_ char *file = NULL;
		const char *suffix = strrchr(entry->d_name, '.');

		if (entry->d_name[0] == '.' || !suffix || strcmp(suffix, ".conf") != 0)
			continue;
		if (asprintf(&file, "%s/%s", path, entry->d_name) < 0) {
			file = NULL;
			return -ENOMEM;
		}
		r = judge_path(file, S_IWGRP | S_IWOTH, findings);
	}
	return r;
}

int audit_files(struct audit *audit, struct findings *findings)
{
	int r = judge_path(RECORD_DIRECTORY, 077, findings);

	(void)audit;
	for (size_t i = 0; r == 0 && i < ELEMENTS(ours); i++)
		r = judge_way(ours[i], findings);
	for (size_t i = 0; r == 0 && i < ELEMENTS(policy_directories); i++)
		r = judge_directory(policy_directories[i], findings);
	return r;
}

static int add_broken(const struct audit *audit, const struct diagnostics *diag, struct findings *findings)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < diag->count; i++) {
		const struct diagnostic *item = &diag->items[i];
		_cleanup_free_ char *where = NULL;
		char line[16] = "";

		if (item->severity != SEVERITY_ERROR)
			continue;
		if (item->line > 0)
			(void)snprintf(line, sizeof(line), ":%u", item->line);
		if (asprintf(&where, "%s%s%s", item->file[0] == '/' ? "" : NSISOLATE_POLICY_DIRECTORY "/", item->file,
			     line) < 0) {
			where = NULL;
			return -ENOMEM;
		}

		const struct subject subject = { .text = where, .since = audit->configured };

		r = findings_add(findings, FINDING_POLICY_BROKEN, &subject, "%s", item->text);
	}
	return diag->truncated ? -ENOMEM : r;
}

int audit_policies(struct audit *audit, struct findings *findings)
{
	const struct subject subject = { .text = NSISOLATE_POLICY_DIRECTORY, .since = audit->configured };
	_cleanup_free_ char *problem = NULL;
	struct diagnostics diag = { 0 };
	int r = audit_reach_read(&audit->reach, &diag, &problem);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return findings_add(findings, FINDING_POLICY_BROKEN, &subject, "%s", problem ? problem : strerror(-r));
	r = add_broken(audit, &diag, findings);
	diagnostics_release(&diag);
	return r;
}
