/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/open.h"

#include "config/decide.h"
#include "config/problem.h"
#include "session/audit.h"
#include "session/error_text.h"
#include "session/init.h"
#include "session/plan.h"
#include "session/process.h"
#include "session/record_store.h"

#include <stdarg.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/utsname.h>
#include <time.h>

#define LOGIN_DEFS           "/etc/login.defs"
#define SERVICE_USER_MANAGER "systemd-user"

static void conclude(struct open_result *result, enum outcome outcome, const char *format, ...) _printf_(3, 4);

static void conclude(struct open_result *result, enum outcome outcome, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	free(result->text);
	/* without memory the outcome still stands; the module then logs it bare */
	if (vasprintf(&result->text, format, arguments) < 0)
		result->text = NULL;
	va_end(arguments);
	result->reply.outcome = outcome;
	result->reply.text = result->text;
}

/* A step that failed, and which policy wanted it once one has decided. */
static void fail_text(struct open_result *result, const char *text)
{
	const char *file = result->policy ? result->policy->file : NULL;

	conclude(result, OUTCOME_FAILED, "%s%s%s%s", text, file ? " (policy " : "", file ? file : "", file ? ")" : "");
}

static void fail(struct open_result *result, const char *step, const char *object, int error)
{
	_cleanup_free_ char *text = NULL;
	char reason[ERROR_TEXT_SIZE];

	if (!problem_write(&text, "step %s: %s%s%s", step, object ? object : "", object && *object ? ": " : "",
			   error_text(error, reason)))
		conclude(result, OUTCOME_FAILED, "step %s", step);
	else
		fail_text(result, text);
}

static void refuse_diagnostics(struct open_result *result, const struct diagnostics *diag)
{
	const struct diagnostic *first = diagnostics_first_error(diag);
	_cleanup_free_ char *text = first ? diagnostic_format(first) : NULL;

	conclude(result, OUTCOME_REFUSED, "%s", text ? text : "the policy could not be read: out of memory");
}

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
		fail(result, "decide", LOGIN_DEFS, r);
		return false;
	}
	r = policy_decide(&request->candidates, &login, uid_min, &result->policy, &diag);
	if (r == DECISION_NONE)
		conclude(result, OUTCOME_NO_POLICY, "no policy file is theirs and there is no default.conf");
	else if (r == DECISION_SYSTEM_USER)
		conclude(result, OUTCOME_SYSTEM_USER,
			 "system user: uid %u is below UID_MIN %u and has no file of its own for this login",
			 (unsigned)request->uid, (unsigned)uid_min);
	else if (r == DECISION_ROOT)
		conclude(result, OUTCOME_SYSTEM_USER, "uid 0: the user file is not for this service and address");
	else if (r == -EBADMSG)
		refuse_diagnostics(result, &diag);
	else if (r < 0)
		fail(result, "decide", NULL, r);
	diagnostics_release(&diag);
	return r == DECISION_POLICY;
}

/* True when a session must be opened. */
static bool wants_session(const struct session_request *request, struct open_result *result)
{
	const struct policy *policy = result->policy;

	switch (policy->mode) {
	case MODE_OFF:
		conclude(result, OUTCOME_OFF, "%s says mode \"off\"", policy->file);
		return false;
	case MODE_AUDIT:
	case MODE_ENFORCE:
	default:
		break;
	}
	if (strcmp(request->service, SERVICE_USER_MANAGER) != 0)
		return true;
	if (policy->user_manager == USER_MANAGER_ALLOW)
		conclude(result, OUTCOME_USER_MANAGER,
			 "%s says user-manager = \"allow\": the user manager runs outside any session", policy->file);
	else
		conclude(result, OUTCOME_DENIED,
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
		.names = { .user = request->user, .uid = request->uid, .group = request->group, .session = id },
		.gid = request->gid,
	};
	int r;

	if (uname(&host) < 0) {
		fail(result, "plan", "uname", -errno);
		return -1;
	}
	login.names.host = host.nodename;
	r = plan_make(result->policy, &login, ret, &problem);
	if (r == -EINVAL && problem)
		conclude(result, OUTCOME_REFUSED, "%s: %s", result->policy->file, problem);
	else if (r < 0)
		fail(result, "plan", NULL, r);
	return r;
}

static char *join_sources(const struct policy *policy)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (char **source = policy->sources; source && *source; source++)
		fprintf(out, "%s%s", source == policy->sources ? "" : ",", *source);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int write_record(const struct session_request *request, const struct open_result *result, pid_t init, int file)
{
	_cleanup_free_ char *sources = join_sources(result->policy);
	struct record record = {
		.user = (char *)request->user,
		.uid = request->uid,
		.service = (char *)request->service,
		.tty = (char *)request->tty,
		.remote_host = (char *)request->remote_host,
		.login_pid = request->caller,
		.init_pid = init,
		.policy = result->policy->file,
		.sources = sources,
		.policy_hash = result->policy->hash,
		.mode = (char *)result->reply.mode,
		.opened = time(NULL),
	};
	int r;

	if (!sources)
		return -ENOMEM;
	memcpy(record.id, result->reply.id, sizeof(record.id));
	memcpy(record.namespaces, result->reply.namespaces, sizeof(record.namespaces));
	r = process_start_time(request->caller, &record.login_start);
	return r < 0 ? r : record_write(file, &record);
}

/* Of all its namespaces the reply names those that the session has of its own. */
static int own_namespaces(pid_t init, unsigned clone_flags, uint64_t ret[NAMESPACE_KINDS])
{
	int r = process_namespaces(init, ret);

	for (size_t i = 0; r == 0 && i < NAMESPACE_KINDS; i++)
		if (!(clone_flags & (unsigned)namespace_table[i].clone_flag))
			ret[i] = 0;
	return r;
}

/* What can be written down while the init is still at its steps. */
static bool describe_session(const struct session_request *request, const struct plan *plan, struct open_result *result,
			     pid_t init, int file)
{
	int r;

	result->reply.clone_flags = plan->clone_flags;
	result->reply.policy = result->policy->file;
	result->reply.policy_hash = result->policy->hash;
	result->reply.mode = result->policy->mode == MODE_AUDIT ? MODE_NAME_AUDIT : MODE_NAME_ENFORCE;
	r = own_namespaces(init, plan->clone_flags, result->reply.namespaces);
	if (r < 0) {
		fail(result, "namespaces", "/proc", r);
		return false;
	}
	r = write_record(request, result, init, file);
	if (r < 0) {
		fail(result, "record", RECORD_DIRECTORY, r);
		return false;
	}
	return true;
}

static void open_session(const struct session_request *request, const struct plan *plan, int directory,
			 struct open_result *result)
{
	_cleanup_free_ char *failure = NULL;
	_cleanup_close_ int file = record_file_new(directory);
	int r;

	if (file < 0) {
		fail(result, "record", RECORD_DIRECTORY, file);
		return;
	}
	r = launch_start(request, plan, result->reply.id, directory, file, &result->launch, &failure);
	if (r < 0) {
		fail_text(result, failure ? failure : strerror(-r));
		return;
	}
	if (!describe_session(request, plan, result, result->launch.pid, file)) {
		launch_abort(&result->launch);
		return;
	}
	conclude(result, OUTCOME_OPENED, "%s", "");
	result->reply.init_pidfd = result->launch.pidfd;
}

/* The plan is checked, and then not carried out: the session is a record alone, held while the login lives. */
static bool reduce_to_audit(struct plan **plan, struct open_result *result)
{
	_cleanup_(plan_freep) struct plan *audit = NULL;
	const struct step *failed = NULL;
	struct plan *intended = *plan;
	int r = audit_mount_points(intended, &failed);

	if (r < 0) {
		fail(result, step_name(failed->kind), failed->target, r);
		return false;
	}
	r = plan_make_audit(&audit);
	if (r < 0) {
		fail(result, "plan", result->policy->file, r);
		return false;
	}
	*plan = TAKE_PTR(audit);
	plan_free(intended);
	return true;
}

static void open_by_policy(const struct session_request *request, struct open_result *result)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_close_ int directory = -1;
	int r;

	if (!wants_session(request, result))
		return;
	if (!launch_allowed(request, &result->text)) {
		result->reply.outcome = OUTCOME_FAILED;
		result->reply.text = result->text;
		return;
	}
	r = session_id_new(result->reply.id);
	if (r < 0) {
		fail(result, "session-id", NULL, r);
		return;
	}
	if (make_plan(request, result->reply.id, result, &plan) < 0)
		return;
	directory = record_directory_open();
	if (directory < 0) {
		fail(result, "record", RECORD_DIRECTORY, directory);
		return;
	}
	/* after the directory of the records, which is a mount point of the plan */
	if (result->policy->mode == MODE_AUDIT && !reduce_to_audit(&plan, result))
		return;
	record_sweep(directory);
	open_session(request, plan, directory, result);
}

/* In mode audit nobody is refused: what would have been is said. */
static void soften(struct open_result *result)
{
	_cleanup_free_ char *text = TAKE_PTR(result->text);

	switch (result->reply.outcome) {
	case OUTCOME_DENIED:
	case OUTCOME_REFUSED:
	case OUTCOME_FAILED:
		conclude(result, OUTCOME_AUDIT, "would refuse: %s", text ? text : "out of memory");
		break;
	case OUTCOME_OPENED:
	case OUTCOME_OFF:
	case OUTCOME_NO_POLICY:
	case OUTCOME_SYSTEM_USER:
	case OUTCOME_USER_MANAGER:
	case OUTCOME_AUDIT:
	default:
		result->text = TAKE_PTR(text);
		break;
	}
}

void session_open_from_request(const struct session_request *request, struct open_result *ret)
{
	*ret = (struct open_result){ .reply.init_pidfd = -1, .launch = { .pidfd = -1, .socket = -1 } };
	if (!decide(request, ret))
		return;
	open_by_policy(request, ret);
	if (ret->policy->mode == MODE_AUDIT)
		soften(ret);
}

void open_result_release(struct open_result *result, bool sent)
{
	if (result->reply.outcome == OUTCOME_OPENED && !sent)
		launch_abort(&result->launch);
	else if (result->reply.outcome == OUTCOME_OPENED && launch_finish(&result->launch) < 0)
		/* the init has ended, or ends when it finds our socket closed; the login process learns it by its own
		 */
		result->reply.outcome = OUTCOME_FAILED;
	policy_free(result->policy);
	free(result->text);
}
