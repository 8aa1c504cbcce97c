/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/open_private.h"

#include "common/error.h"
#include "config/decide.h"
#include "config/problem.h"
#include "session/audit.h"
#include "session/join.h"
#include "session/join_protocol.h"
#include "session/login_limits.h"
#include "session/process.h"
#include "session/record_store.h"
#include "session/session_record.h"
#include "session/user_state.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define LOGIN_DEFS "/etc/login.defs"

/* True when a policy is to be enforced; otherwise the result is concluded. */
static bool decide(const struct session_request *request, struct open_result *result)
{
	struct diagnostics diag = { 0 };
	const struct login login = {
		.user = request->user,
		.uid = request->uid,
		.service = request->service,
		.from = request->remote_host,
	};
	uid_t uid_min;
	int r = login_defs_uid_min(LOGIN_DEFS, &uid_min);

	if (r < 0) {
		open_fail(result, "decide", LOGIN_DEFS, r);
		return false;
	}
	r = policy_decide(&request->candidates, &login, uid_min, &result->policy, &diag);
	if (r == DECISION_NONE)
		open_conclude(result, OUTCOME_NO_POLICY, "no policy file is theirs and there is no default.conf");
	else if (r == DECISION_SYSTEM_USER)
		open_conclude(result, OUTCOME_SYSTEM_USER,
			      "system user: uid %u is below UID_MIN %u and has no file of its own for this login",
			      (unsigned)request->uid, (unsigned)uid_min);
	else if (r == DECISION_ROOT)
		open_conclude(result, OUTCOME_SYSTEM_USER, "uid 0: the user file is not for this service and address");
	else if (r == -EBADMSG)
		open_refuse_diagnostics(result, &diag);
	else if (r < 0)
		open_fail(result, "decide", NULL, r);
	diagnostics_release(&diag);
	return r == DECISION_POLICY;
}

/* True when a session must be opened. */
static bool wants_session(const struct session_request *request, struct open_result *result)
{
	const struct policy *policy = result->policy;

	switch (policy->mode) {
	case MODE_OFF:
		open_conclude(result, OUTCOME_OFF, "%s says mode \"off\"", policy->file);
		return false;
	case MODE_AUDIT:
	case MODE_ENFORCE:
	default:
		break;
	}
	if (strcmp(request->service, SERVICE_USER_MANAGER) != 0)
		return true;
	if (policy->user_manager == USER_MANAGER_ALLOW)
		open_conclude(result, OUTCOME_USER_MANAGER,
			      "%s says user-manager = \"allow\": the user manager runs outside any session",
			      policy->file);
	else
		open_conclude(
			result, OUTCOME_DENIED,
			"%s says user-manager = \"refuse\": a user manager would run the user's units outside any "
			"session",
			policy->file);
	return false;
}

static int make_plan(const struct session_request *request, const char *id, struct open_result *result,
		     struct plan **ret)
{
	_cleanup_free_ char *problem = NULL;
	struct utsname host;
	struct plan_login login = {
		.names = { .user = request->user,
			   .uid = request->uid,
			   .group = request->group,
			   .session = id,
			   .home = request->home },
		.gid = request->gid,
	};
	int r;

	if (uname(&host) < 0) {
		open_fail(result, "plan", "uname", -errno);
		return -1;
	}
	login.names.host = host.nodename;
	r = plan_make(result->policy, &login, ret, &problem);
	if (r == -EINVAL && problem)
		open_conclude(result, OUTCOME_REFUSED, "%s: %s", result->policy->file, problem);
	else if (r < 0)
		open_fail(result, "plan", NULL, r);
	return r;
}

/* What was made for the init is its, which is on its way into it, or ends. */
static int namespace_of(const struct launch *launch, int directory, enum namespace_kind kind, uint64_t *ret)
{
	struct stat status;

	if (kind != NAMESPACE_NETWORK || launch->network < 0)
		return process_namespace_in(directory, kind, ret);
	if (fstat(launch->network, &status) < 0)
		return negative_errno();
	*ret = status.st_ino;
	return 0;
}

/* Of all its namespaces the reply names those that the session has of its own. */
static int own_namespaces(const struct launch *launch, unsigned clone_flags, uint64_t ret[NAMESPACE_KINDS])
{
	_cleanup_close_ int directory = process_namespaces_open(launch->pid);
	int r = directory < 0 ? directory : 0;

	for (enum namespace_kind kind = 0; r == 0 && kind < NAMESPACE_KINDS; kind++) {
		ret[kind] = 0;
		if (clone_flags & (unsigned)namespace_table[kind].clone_flag)
			r = namespace_of(launch, directory, kind, &ret[kind]);
	}
	return r;
}

/* What can be written down while the init is still at its steps. */
static bool describe_session(const struct session_request *request, const struct plan *plan, struct open_result *result,
			     int file)
{
	int r;

	result->reply.clone_flags = plan->clone_flags;
	if (result->policy->mode == MODE_ENFORCE)
		result->reply.privileges = policy_privileges(result->policy);
	result->reply.policy = result->policy->file;
	result->reply.policy_hash = result->policy->hash;
	result->reply.notice = result->policy->notice;
	result->reply.mode = result->policy->mode == MODE_AUDIT ? MODE_NAME_AUDIT : MODE_NAME_ENFORCE;
	r = own_namespaces(&result->launch, plan->clone_flags, result->reply.namespaces);
	if (r < 0) {
		open_fail(result, "namespaces", "/proc", r);
		return false;
	}
	r = session_record_write(request, result->policy, &result->reply, &result->network, result->launch.pid, file);
	if (r < 0) {
		open_fail(result, "record", RECORD_DIRECTORY, r);
		return false;
	}
	return true;
}

/* The plan is checked, and then not carried out: the session is a record alone, held while the login lives. */
static bool reduce_to_audit(struct plan **plan, struct open_result *result)
{
	_cleanup_(plan_freep) struct plan *audit = NULL;
	_cleanup_free_ char *problem = NULL;
	const struct step *failed = NULL;
	struct plan *intended = *plan;
	int r = audit_mount_points(intended, &failed);

	if (r < 0) {
		open_fail(result, step_name(failed->kind), failed->target, r);
		return false;
	}
	if (plan_find(intended, STEP_VETH) && network_rehearse(result->policy, &problem) < 0) {
		open_fail_network(result, problem);
		return false;
	}
	r = plan_make_audit(&audit);
	if (r < 0) {
		open_fail(result, "plan", result->policy->file, r);
		return false;
	}
	*plan = TAKE_PTR(audit);
	plan_free(intended);
	return true;
}

static void opening_release(struct opening *opening)
{
	plan_free(opening->plan);
	close_fd(opening->files.record);
	close_fd(opening->files.directory);
	close_fd(opening->files.place);
	close_fd(opening->files.listener);
	close_fd(opening->files.gate);
	close_fd(opening->files.slirp);
	close_fd(opening->slirp_end);
	slirp_release(&opening->slirp);
	close_fd(opening->user_directory);
	close_fd(opening->network);
}

/* Before anything is made: what is wanted of the control groups is there already, or nobody makes it. */
static bool check_limits(const struct session_request *request, struct open_result *result)
{
	_cleanup_free_ char *problem = NULL;
	int r = login_limits_check(request, result->policy, &problem);

	if (r < 0 && problem)
		open_conclude(result, OUTCOME_REFUSED, "%s: %s", result->policy->file, problem);
	else if (r < 0)
		open_fail(result, step_name(STEP_LIMITS), "", r);
	return r == 0;
}

/*
 * A session is shared from the host's side only: inside one, nobody but the kernel
 * could say whose sockets these are.
 */
static void set_kind(struct opening *opening, const struct policy *policy)
{
	bool enforced = policy->mode == MODE_ENFORCE;

	opening->wait = enforced && policy->on_logout == ON_LOGOUT_WAIT;
	opening->shared = enforced && policy->scope == SCOPE_USER && !(opening->request->flags & REQUEST_ALONE) &&
			  !record_root_is_inside();
}

static struct join_files join_files_of(const struct opening *opening)
{
	return (struct join_files){ opening->files.directory, opening->user_directory, opening->files.gate,
				    opening->network_number };
}

/* It keeps those apart that have sockets. */
static int take_gate(struct opening *opening, struct open_result *result)
{
	struct join_files files;
	int r;

	if (!opening->shared && !opening->wait)
		return 0;
	r = opening->files.gate = user_gate_take(opening->user_directory);
	if (r < 0) {
		open_fail_user_file(result, "join", GATE_FILE, r);
		return r;
	}
	files = join_files_of(opening);
	join_remove_ended(&files);
	return 0;
}

/* 1: the login has joined a session; 0: it needs one of its own; -1: it failed. */
static int try_join(const struct opening *opening, struct open_result *result)
{
	const struct join_files files = join_files_of(opening);
	const char *object;
	int r;

	if (!opening->shared)
		return 0;
	r = join_session(opening->request, result->policy, &files, &result->reply, &object);
	if (r < 0)
		open_fail(result, "join", object, r);
	else if (r > 0)
		open_conclude(result, OUTCOME_OPENED, "%s", "");
	return r < 0 ? -1 : r;
}

static int take_place(struct opening *opening, struct open_result *result)
{
	const struct policy *policy = result->policy;
	uint64_t alive;
	int r = user_place_take(opening->user_directory, policy->max_sessions, &alive);

	opening->files.place = r;
	if (r == -EDQUOT)
		open_conclude(result, OUTCOME_FULL,
			      "%s says max-sessions = %" PRIu64 ", and %" PRIu64 " of theirs are alive", policy->file,
			      policy->max_sessions, alive);
	else if (r < 0)
		open_fail_user_file(result, "max-sessions", PLACES_FILE, r);
	return r;
}

/* Whatever may go on without the login that opened it can be told of a login's end. */
static int listen_for_logins(struct opening *opening, struct open_result *result)
{
	int r;

	if (!opening->wait && !opening->shared)
		return 0;
	r = opening->files.listener = join_listener_new(opening->request->uid, result->policy->hash, result->reply.id);
	if (r < 0)
		open_fail_user_file(result, "listen", "", r);
	else
		result->reply.shared = true;
	return r;
}

static bool settle(const struct launch_order *order, struct open_result *result)
{
	int r = launch_settle(order, &result->launch);

	if (r < 0)
		open_fail(result, "init", "", r);
	return r == 0;
}

static void launch_session(struct opening *opening, struct open_result *result)
{
	_cleanup_free_ char *failure = NULL;
	struct launch_order order = {
		.plan = opening->plan,
		.policy = result->policy,
		.id = result->reply.id,
		.wait = opening->wait,
		.network = opening->network,
	};
	int r;

	if (plan_find(opening->plan, STEP_SLIRP)) {
		r = slirp_pipe(&opening->files.slirp, &opening->slirp_end);
		if (r < 0) {
			open_fail(result, step_name(STEP_SLIRP), "pipe", r);
			return;
		}
	}
	order.files = opening->files;
	r = launch_start(opening->request, &order, &result->launch, &failure);

	if (r < 0) {
		open_fail_text(result, failure ? failure : strerror(-r));
		return;
	}
	if (opening_start_slirp(opening, result) < 0 || opening_finish_network(opening, result) < 0 ||
	    !settle(&order, result) ||
	    !describe_session(opening->request, opening->plan, result, opening->files.record) ||
	    opening_finish_slirp(opening, result) < 0) {
		launch_abort(&result->launch);
		return;
	}
	open_conclude(result, OUTCOME_OPENED, "%s", "");
	result->reply.init_pidfd = result->launch.pidfd;
}

static void open_session(struct opening *opening, struct open_result *result)
{
	int r = opening->files.record = record_file_new(opening->files.directory);

	if (r < 0) {
		open_fail(result, "record", RECORD_DIRECTORY, r);
		return;
	}
	if (listen_for_logins(opening, result) < 0)
		return;
	if (opening_start_network(opening, result) == 0)
		launch_session(opening, result);
	if (result->reply.outcome != OUTCOME_OPENED)
		open_forget_listener(result);
}

static bool open_directories(struct opening *opening, struct open_result *result)
{
	int r = opening->files.directory = record_directory_open();

	if (r < 0) {
		open_fail(result, "record", RECORD_DIRECTORY, r);
		return false;
	}
	r = opening->user_directory = user_directory_open(opening->request->uid);
	if (r < 0)
		open_fail_user_file(result, "record", "", r);
	return r >= 0;
}

static void open_by_policy(const struct session_request *request, struct open_result *result)
{
	_cleanup_(opening_release) struct opening opening = {
		.request = request,
		.files = { .record = -1,
			   .directory = -1,
			   .place = -1,
			   .listener = -1,
			   .locks = { -1, -1 },
			   .gate = -1,
			   .slirp = -1 },
		.slirp_end = -1,
		.slirp = SLIRP_NONE_YET,
		.user_directory = -1,
		.network = -1,
	};
	int r;

	if (!wants_session(request, result))
		return;
	if (!launch_allowed(request, &result->text)) {
		result->reply.outcome = OUTCOME_FAILED;
		result->reply.text = result->text;
		return;
	}
	r = random_id(result->reply.id, SESSION_ID_LENGTH);
	if (r < 0) {
		open_fail(result, "session-id", NULL, r);
		return;
	}
	if (make_plan(request, result->reply.id, result, &opening.plan) < 0 || !check_limits(request, result) ||
	    !opening_find_network(&opening, result) || !open_directories(&opening, result))
		return;
	/* after the directory of the records, which is a mount point of the plan */
	if (result->policy->mode == MODE_AUDIT && !reduce_to_audit(&opening.plan, result))
		return;
	record_sweep(opening.files.directory);
	set_kind(&opening, result->policy);
	if (take_gate(&opening, result) < 0 || try_join(&opening, result) != 0 || take_place(&opening, result) < 0)
		return;
	open_session(&opening, result);
}

/* What the last line of the stack will find in place, if pam_systemd does what it is told. */
static void answer_limits(const struct session_request *request, struct open_result *result)
{
	if (!wants_session(request, result))
		return;
	open_conclude(result, OUTCOME_LIMITS, "%s", "");
	result->reply.enforced = result->policy->mode == MODE_ENFORCE;
	result->reply.limits = result->policy->limits;
}

void session_open_from_request(const struct session_request *request, struct open_result *ret)
{
	*ret = (struct open_result){ .uid = request->uid,
				     .reply.init_pidfd = -1,
				     .network = NETWORK_NONE_YET,
				     .launch = { .pidfd = -1, .socket = -1, .network = -1, .home = -1 } };
	if (!decide(request, ret))
		return;
	if (request->flags & REQUEST_LIMITS) {
		answer_limits(request, ret);
		return;
	}
	open_by_policy(request, ret);
	if (ret->policy->mode == MODE_AUDIT)
		open_soften(ret);
}
