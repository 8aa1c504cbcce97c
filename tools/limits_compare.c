/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/limits_compare.h"

#include "config/problem.h"
#include "session/cgroup.h"
#include "tools/process_info.h"

struct comparison {
	const struct session *session;
	const struct limits *wanted;
	char *seen, *difference;
};

/* The groups of a login's process. -ESRCH when it has ended. */
static int read_groups(const struct session *session, const struct record *record, enum login_state state, pid_t *ret,
		       char **ret_text)
{
	const pid_t pid = state == LOGIN_RUNNING ? session_login_pid(session, record) : 0;
	_cleanup_close_ int process = pid > 0 ? process_open(pid) : -ESRCH;
	struct process_info info;
	int r = process < 0 ? process : process_stat_read(process, &info);

	if (r < 0)
		return r;
	if (info.start != record->login_start || process_is_zombie(&info))
		return -ESRCH;
	*ret = pid;
	return process_file_read(process, "cgroup", CGROUPS_MAX, ret_text, NULL);
}

static int look(struct comparison *comparison, const struct record *record, enum login_state state)
{
	_cleanup_free_ char *text = NULL, *sentence = NULL;
	pid_t pid;
	int r = read_groups(comparison->session, record, state, &pid, &text);

	if (r < 0)
		return r == -ESRCH ? 0 : r;
	if (!comparison->seen && !(comparison->seen = limits_seen_format(text, comparison->wanted)))
		return -ENOMEM;
	/* one within another stays in the groups of that one's login */
	r = limits_judge(text, comparison->wanted, !comparison->session->outer, &sentence);
	if (r != -EINVAL || comparison->difference)
		return r == -EINVAL ? 0 : r;
	return problem_write(&comparison->difference, "the login process %d: %s", pid, sentence) ? 0 : -ENOMEM;
}

int limits_compare(const struct session *session, const struct limits *wanted, char **ret_seen, char **ret_difference)
{
	struct comparison comparison = { .session = session, .wanted = wanted };
	int r = look(&comparison, &session->view.record, session->login);

	for (size_t i = 0; r == 0 && i < session->login_count; i++)
		r = look(&comparison, &session->logins[i].view.record, session->logins[i].state);
	if (r == 0 && !comparison.seen)
		r = -ESRCH;
	if (r < 0) {
		free(comparison.seen);
		free(comparison.difference);
		return r;
	}
	*ret_seen = comparison.seen;
	*ret_difference = comparison.difference;
	return 0;
}
