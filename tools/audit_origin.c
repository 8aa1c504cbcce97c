/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/audit_origin.h"

#include "common/read_whole.h"

#include <fcntl.h>
#include <string.h>

#define CGROUP_MAX    (16 * 1024)
#define SESSION_MAX   (16 * 1024)
#define ANCESTORS_MAX 64
#define SESSIONS      "/run/systemd/sessions"

/* Units of systemd in which there are processes of users that came by a service of PAM. */
static const struct {
	const char *unit;
	const char *service;
} units[] = {
	{ "cron.service", "cron" }, { "crond.service", "crond" }, { "atd.service", "atd" },
	{ "ssh.service", "sshd" },  { "sshd.service", "sshd" },
};

static const struct {
	const char *program;
	const char *service;
} programs[] = {
	{ "sshd", "sshd" }, { "sshd-session", "sshd" }, { "login", "login" }, { "su", "su" },   { "sudo", "sudo" },
	{ "doas", "doas" }, { "cron", "cron" },         { "crond", "crond" }, { "atd", "atd" },
};

/* "user@1000.service": the user's own manager, and whatever it started. */
static bool is_user_manager(const char *part)
{
	return strncmp(part, "user@", 5) == 0 && strstr(part, ".service");
}

/* "session-c1.scope" → "c1"; the path is the system manager's, but what is used as a file name is judged. */
static char *login_session(const char *part)
{
	const char *end = strstr(part, ".scope");
	const char *id = part + strlen("session-");

	if (strncmp(part, "session-", strlen("session-")) != 0 || !end || end <= id ||
	    memchr(id, '.', (size_t)(end - id)))
		return NULL;
	return strndup(id, (size_t)(end - id));
}

static const char *judge_path(char *path, char **ret_session)
{
	char *part;

	while ((part = strsep(&path, "/"))) {
		if (is_user_manager(part))
			return "systemd-user";
		if ((*ret_session = login_session(part)))
			return NULL;
		for (size_t i = 0; i < ELEMENTS(units); i++)
			if (strcmp(part, units[i].unit) == 0)
				return units[i].service;
	}
	return NULL;
}

const char *audit_origin_of_cgroup(const char *text, char **ret_session)
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *line;

	*ret_session = NULL;
	while ((line = strsep(&rest, "\n"))) {
		const char *service = NULL;

		/* cgroups(7): the unified hierarchy, systemd's own of version 1, or both, and systemd uses but one */
		if (strncmp(line, "0::", 3) == 0 || strstr(line, ":name=systemd:"))
			service = judge_path(line, ret_session);
		if (service || *ret_session)
			return service;
	}
	return NULL;
}

/* What logind says of a login session. NULL where it says nothing. */
static char *service_of_session(const char *session)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	size_t size;

	if (asprintf(&path, SESSIONS "/%s", session) < 0) {
		path = NULL;
		return NULL;
	}

	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || read_head(fd, SESSION_MAX, &text, &size) < 0)
		return NULL;

	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")))
		if (strncmp(line, "SERVICE=", 8) == 0)
			return strdup(line + 8);
	return NULL;
}

static const char *service_of_program(int process)
{
	char link[256];
	ssize_t size = readlinkat(process, "exe", link, sizeof(link) - 1);

	if (size < 0)
		return NULL;
	link[size] = '\0';

	char *deleted = strstr(link, " (deleted)");
	const char *slash = strrchr(link, '/');

	if (deleted)
		*deleted = '\0';
	for (size_t i = 0; slash && i < ELEMENTS(programs); i++)
		if (strcmp(slash + 1, programs[i].program) == 0)
			return programs[i].service;
	return NULL;
}

/* The first ancestor that is another user's. */
static const char *service_of_ancestor(uid_t uid, pid_t parent)
{
	for (int i = 0; i < ANCESTORS_MAX && parent > 1; i++) {
		_cleanup_(process_info_release) struct process_info info = { 0 };
		_cleanup_close_ int process = process_open(parent);

		if (process < 0 || process_info_read(process, &info) < 0)
			return NULL;
		if (info.real_uid != uid)
			return service_of_program(process);
		parent = info.parent;
	}
	return NULL;
}

int audit_origin(int process, const struct process_info *info, char **ret)
{
	_cleanup_free_ char *text = NULL, *session = NULL;
	const char *service = NULL;

	*ret = NULL;
	if (process_file_read(process, "cgroup", CGROUP_MAX, &text, NULL) == 0)
		service = audit_origin_of_cgroup(text, &session);
	if (session && (*ret = service_of_session(session)))
		return 0;
	if (!service)
		service = service_of_ancestor(info->real_uid, info->parent);
	if (!service)
		return 0;
	*ret = strdup(service);
	return *ret ? 0 : -ENOMEM;
}
