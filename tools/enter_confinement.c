/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/enter_confinement.h"

#include "tools/members.h"
#include "tools/process_info.h"

/* Of the processes in a session of one user, or of any but root, as free as any of them. */
struct survey {
	const struct session *session;
	uid_t uid;
	bool any;
	struct confinement widest;
	bool found;
};

static int read_pid(pid_t pid, uint64_t start, struct confinement *ret)
{
	_cleanup_(process_info_release) struct process_info info = { 0 };
	_cleanup_close_ int process = process_open(pid);
	int r = process < 0 ? process : process_info_read(process, &info);

	if (r < 0)
		return r;
	if (process_is_zombie(&info) || (start != 0 && info.start != start))
		return -ESRCH;
	return confinement_read(process, pid, ret);
}

static int read_login(const struct session *session, const struct record *record, enum login_state state,
		      struct confinement *ret)
{
	pid_t pid = state == LOGIN_RUNNING ? session_login_pid(session, record) : 0;

	return pid > 0 ? read_pid(pid, record->login_start, ret) : -ESRCH;
}

/* 0; -ESRCH when no login is in any more. */
static int read_logins(const struct session *session, struct confinement *ret)
{
	int r = read_login(session, &session->view.record, session->login, ret);

	for (size_t i = 0; r == -ESRCH && i < session->login_count; i++)
		r = read_login(session, &session->logins[i].view.record, session->logins[i].state, ret);
	return r;
}

/* One that ends meanwhile is none. */
static int add_login(const struct session *session, const struct record *record, enum login_state state, bool *any,
		     struct confinement *ret)
{
	struct confinement login;
	int r = read_login(session, record, state, &login);

	if (r < 0)
		return r == -ESRCH ? 0 : r;
	if (*any) {
		confinement_widen(ret, &login);
		confinement_release(&login);
	} else {
		*ret = login;
	}
	*any = true;
	return 0;
}

int logins_confinement(const struct session *session, struct confinement *ret)
{
	_cleanup_(confinement_release) struct confinement widest = { 0 };
	bool any = false;
	int r = add_login(session, &session->view.record, session->login, &any, &widest);

	for (size_t i = 0; r == 0 && i < session->login_count; i++)
		r = add_login(session, &session->logins[i].view.record, session->logins[i].state, &any, &widest);
	if (r < 0 || !any)
		return r < 0 ? r : -ESRCH;
	*ret = widest;
	widest.cgroups = NULL;
	return 0;
}

/* A process of root's inside, by sudo for instance, may have been given more than its user's; and that of another's,
 * too. */
static bool counts(const struct survey *survey, const struct process_info *info)
{
	if (survey->any)
		return info->real_uid != 0 && info->uid != 0;
	return info->real_uid == survey->uid && info->uid == survey->uid;
}

static int survey_process(struct session *session, int process, void *data)
{
	struct survey *survey = data;
	struct confinement confinement;
	_cleanup_(process_info_release) struct process_info info = { 0 };

	/* gone meanwhile */
	if (!session_is_within(session, survey->session) || process_info_read(process, &info) < 0 ||
	    !counts(survey, &info) || confinement_read(process, info.pid, &confinement) < 0)
		return 0;
	if (survey->found) {
		confinement_widen(&survey->widest, &confinement);
		confinement_release(&confinement);
	} else {
		survey->widest = confinement;
	}
	survey->found = true;
	return 0;
}

static int narrow_to_processes(const struct sessions *sessions, const struct session *session,
			       struct confinement *confinement)
{
	struct survey survey = { .session = session, .uid = session->view.record.uid };
	int r = members_visit(sessions, survey_process, &survey);

	if (r == 0 && !survey.found) {
		survey.any = true;
		r = members_visit(sessions, survey_process, &survey);
	}
	if (r == 0 && !survey.found)
		r = -ESRCH;
	if (r == 0)
		confinement_narrow(confinement, &survey.widest);
	confinement_release(&survey.widest);
	return r;
}

int enter_confinement(const struct sessions *sessions, const struct session *session, struct confinement *ret)
{
	_cleanup_(confinement_release) struct confinement init = { 0 }, login = { 0 };
	int r = read_pid(session->view.init_pid, 0, &init);

	if (r < 0)
		return r;
	r = read_logins(session, &login);
	if (r == 0) {
		login.bounding &= init.bounding;
		*ret = login;
		login.cgroups = NULL;
		return 0;
	}
	if (r == -ESRCH)
		r = narrow_to_processes(sessions, session, &init);
	if (r < 0)
		return r;
	*ret = init;
	init.cgroups = NULL;
	return 0;
}
