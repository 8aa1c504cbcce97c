/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* What leads out of a session, whatever its policy says. */

#include "tools/audit.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define VSOCK "/dev/vsock"

static const char *const engines[] = {
	"/run/docker.sock",
	"/run/podman/podman.sock",
	"/run/containerd/containerd.sock",
};

/* Who may do what of rwx by the mode alone: an access control list that gives more is not seen. */
static bool may(const struct identity *identity, const struct group_list *groups, const struct stat *status,
		mode_t what)
{
	if (identity->uid == 0)
		return true;
	if (status->st_uid == identity->uid)
		return (status->st_mode & (what << 6)) != 0;
	for (size_t i = 0; i < groups->count; i++)
		if (groups->gids[i] == status->st_gid)
			return (status->st_mode & (what << 3)) != 0;
	return (status->st_mode & what) != 0;
}

/* What the session sees at a path of its own; *ret_root: how many bytes of the way lead to its root. */
static bool look_at(pid_t init, const char *path, char way[PATH_MAX], size_t *ret_root, struct stat *ret)
{
	*ret_root = (size_t)snprintf(way, PATH_MAX, "/proc/%jd/root", (intmax_t)init);
	(void)snprintf(way + *ret_root, PATH_MAX - *ret_root, "%s", path);
	return stat(way, ret) == 0 && S_ISSOCK(ret->st_mode);
}

/* On most hosts there is none, and nobody has to be asked for. */
static bool has_engine(pid_t init)
{
	char way[PATH_MAX];
	struct stat status;
	size_t root;

	for (size_t i = 0; i < ELEMENTS(engines); i++)
		if (look_at(init, engines[i], way, &root, &status))
			return true;
	return false;
}

/* Whether it is there, as the session sees it, and they may connect to it, unix(7). */
static bool may_connect(pid_t init, const char *path, const struct identity *identity, const struct group_list *groups)
{
	char way[PATH_MAX];
	struct stat status;
	size_t root;

	if (!look_at(init, path, way, &root, &status) || !may(identity, groups, &status, S_IWOTH))
		return false;
	for (char *slash = way + root; (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		if (stat(way, &status) < 0 || !may(identity, groups, &status, S_IXOTH))
			return false;
		*slash = '/';
	}
	return true;
}

static int judge_engines(struct look *look, const struct session *session, const struct identity *identity)
{
	struct group_list groups = { 0 };
	int r = group_list_of(identity, &groups);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && i < ELEMENTS(engines); i++) {
		_cleanup_free_ char *text = NULL;

		if (!may_connect(session->view.init_pid, engines[i], identity, &groups))
			continue;
		if (asprintf(&text, "%s:%s", identity->name, engines[i]) < 0) {
			text = NULL;
			r = -ENOMEM;
			break;
		}

		const struct subject subject = { .text = text, .user = identity->name };

		r = findings_add(&look->findings, FINDING_ENGINE, &subject, "%s may connect to %s", identity->name,
				 engines[i]);
	}
	group_list_release(&groups);
	return r;
}

int audit_engines(struct look *look)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < look->sessions.count; i++) {
		const struct session *session = look->sessions.items[i];
		struct identity identity = { 0 };

		if (!session_is_alive(session) || !session->seen || !session->view.valid ||
		    strcmp(session->view.record.mode, "enforce") != 0 || !has_engine(session->view.init_pid) ||
		    identity_lookup(session->view.record.user, &identity) < 0)
			continue;
		r = judge_engines(look, session, &identity);
		identity_release(&identity);
	}
	return r;
}

static int judge_setting(const struct audit *audit, const char *name, uint64_t bad, enum finding_code code,
			 struct findings *findings)
{
	const struct subject subject = { .text = name };
	uint64_t value;

	if (!audit_sysctl_read(audit->sysctl_directory, name, &value) || value != bad)
		return 0;
	return findings_add(findings, code, &subject, "it is %ju", (uintmax_t)value);
}

static int judge_vsock(struct findings *findings)
{
	const struct subject subject = { .text = VSOCK };
	struct stat status;

	if (stat(VSOCK, &status) < 0 || !S_ISCHR(status.st_mode) || !(status.st_mode & (S_IROTH | S_IWOTH)))
		return 0;
	return findings_add(findings, FINDING_VSOCK, &subject, "its mode is %04o", (unsigned)status.st_mode & 07777);
}

int audit_escapes(struct audit *audit, struct findings *findings)
{
	int r;

	if (!audit_reach_has(&audit->reach, NULL))
		return 0;
	r = judge_setting(audit, "dev/tty/legacy_tiocsti", 1, FINDING_TIOCSTI, findings);
	if (r == 0)
		r = judge_setting(audit, "kernel/yama/ptrace_scope", 0, FINDING_PTRACE, findings);
	return r == 0 ? judge_vsock(findings) : r;
}
