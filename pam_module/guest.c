/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "pam_module/guest.h"

#include "nsisolate-config.h"
#include "pam_module/guest_log.h"
#include "pam_module/limits.h"

#include <security/pam_ext.h>
#include <string.h>

#define SESSION_DATA  "nsisolate_session"
#define ARGUMENT_DATA "nsisolate_bad_argument"
#define REFUSAL_DATA  "nsisolate_refusal"
#define SERVICE_CRON  "cron"

/* PAM items are optional and not ours to trust: absent is empty. */
static const char *item(const pam_handle_t *pamh, int type)
{
	const void *value = NULL;

	return pam_get_item(pamh, type, &value) == PAM_SUCCESS && value ? value : "";
}

int guest_init(struct guest *ret, pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	*ret = (struct guest){
		.pamh = pamh,
		.flags = flags,
		.user = item(pamh, PAM_USER),
		.service = item(pamh, PAM_SERVICE),
		.tty = item(pamh, PAM_TTY),
		.remote_host = item(pamh, PAM_RHOST),
	};
	/* a bad argument is judged later: root must get in to mend it */
	if (module_arguments_parse(argc, argv, &ret->arguments, &ret->bad_argument) == 0)
		ret->bad_argument = NULL;
	return PAM_SUCCESS;
}

static struct session *stored_session(const pam_handle_t *pamh)
{
	const void *data = NULL;

	return pam_get_data(pamh, SESSION_DATA, &data) == PAM_SUCCESS ? (struct session *)data : NULL;
}

static void drop_data(pam_handle_t *pamh, void *data, int status)
{
	(void)pamh;
	(void)status;
	free(data);
}

/*
 * A bad argument counts as one of every later line, too: no session is opened that the stack
 * refuses anyway. The first line that meets it says so. Without memory a later line says it again.
 */
static void share_bad_argument(struct guest *guest)
{
	const void *data = NULL;
	char *word;

	if (pam_get_data(guest->pamh, ARGUMENT_DATA, &data) == PAM_SUCCESS && data) {
		guest->bad_argument = data;
		guest->told = true;
		return;
	}
	word = guest->bad_argument ? strdup(guest->bad_argument) : NULL;
	if (word && pam_set_data(guest->pamh, ARGUMENT_DATA, word, drop_data) != PAM_SUCCESS)
		free(word);
}

/* What an earlier line of the stack has answered, and to whom. */
struct refusal {
	int status; /* a PAM return value */
	char user[];
};

/* The PAM return value of an earlier line that refused this user; PAM_SUCCESS when there is none. */
static int stored_refusal(const struct guest *guest)
{
	const void *data = NULL;
	const struct refusal *refusal;

	if (pam_get_data(guest->pamh, REFUSAL_DATA, &data) != PAM_SUCCESS || !data)
		return PAM_SUCCESS;
	refusal = data;
	return strcmp(refusal->user, guest->user) == 0 ? refusal->status : PAM_SUCCESS;
}

/* For later lines, which have nothing to add. Without memory a later line says it again. */
static void share_refusal(const struct guest *guest, int status)
{
	const size_t size = strlen(guest->user) + 1;
	struct refusal *refusal = malloc(sizeof(*refusal) + size);

	if (!refusal)
		return;
	refusal->status = status;
	memcpy(refusal->user, guest->user, size);
	if (pam_set_data(guest->pamh, REFUSAL_DATA, refusal, drop_data) != PAM_SUCCESS)
		free(refusal);
}

static enum counter counter_of_end(int error, const struct session *session)
{
	if (error < 0)
		return COUNTER_CLOSED_FAILED;
	return session->gone_on ? COUNTER_CLOSED_LEFT : COUNTER_CLOSED_ENDED;
}

/*
 * pam_set_data(3)'s destructor. A session that nobody closed is ended here, but never by
 * a copy of the handle in a forked child, nor in one that says so by PAM_DATA_SILENT.
 */
static void drop_session(pam_handle_t *pamh, void *data, int status)
{
	struct session *session = data;

	(void)pamh;
	if (session && !(status & (PAM_DATA_SILENT | PAM_DATA_REPLACE)) && session_is_own(session))
		counters_add_once(counter_of_end(session_leave(session), session));
	session_free(session);
}

/* What is broken is for the administrator to mend: logged as an error, and the user learns whom to ask. */
static int refuse_policy(const struct guest *guest, const char *text)
{
	guest_log_login(guest, LOG_REFUSED_POLICY, text);
	guest_tell_user(guest, "Your login policy is broken; tell the administrator.");
	return PAM_PERM_DENIED;
}

static int refuse_failure(const struct guest *guest, const char *text)
{
	guest_log_login(guest, LOG_REFUSED_FAILED, text);
	guest_tell_user(guest, "Your session could not be isolated; tell the administrator.");
	return PAM_SYSTEM_ERR;
}

static int refuse_without_policy(const struct guest *guest, const char *text)
{
	guest_log_login(guest, LOG_REFUSED_NO_POLICY, text);
	guest_tell_user(guest, "You have no login policy; tell the administrator.");
	return PAM_PERM_DENIED;
}

/* As the policy wants it: nothing to mend. */
static int deny(const struct guest *guest, const char *text)
{
	guest_log_login(guest, LOG_DENIED_POLICY, text);
	guest_tell_user(guest, "Your login policy does not allow this.");
	return PAM_PERM_DENIED;
}

/* As the policy wants it, too; the user can mend it by logging out. */
static int refuse_more(const struct guest *guest, const char *text)
{
	guest_log_login(guest, LOG_DENIED_LIMIT, text);
	guest_tell_user(guest, "You have as many sessions as your login policy allows.");
	return PAM_PERM_DENIED;
}

static int pass(const struct guest *guest, enum log_message message, const char *text)
{
	guest_log_login(guest, message, text ? text : "");
	return PAM_SUCCESS;
}

/* The session's id for the user; in mode audit there is no session for them. */
static int set_environment(const struct guest *guest, const struct session *session)
{
	char variable[sizeof("NSISOLATE_ID=") + SESSION_ID_LENGTH];

	if (session_is_audit(session))
		return PAM_SUCCESS;
	snprintf(variable, sizeof(variable), "NSISOLATE_ID=%s", session->id);
	return pam_putenv(guest->pamh, variable);
}

/*
 * Where somebody may read it. sshd keeps it for logins with a terminal of their own, whose name it
 * does not know yet; cron's is "cron", and there nobody is.
 */
static void show_notice(const struct guest *guest, const struct session *session)
{
	bool terminal = *guest->tty && strcmp(guest->tty, SERVICE_CRON) != 0;

	if (*session->notice && terminal && !(guest->flags & PAM_SILENT))
		(void)pam_info(guest->pamh, "%s", session->notice);
}

/* One login, by what came of it. Gives `status`. */
static int count(struct guest *guest, enum counter counter, int status)
{
	counters_add(&guest->counters, counter);
	return status;
}

/* The process is inside. What fails now takes it back out. */
static int keep_session(struct guest *guest, struct session *session)
{
	int r = set_environment(guest, session);

	if (r == PAM_SUCCESS)
		r = pam_set_data(guest->pamh, SESSION_DATA, session, drop_session);
	if (r != PAM_SUCCESS) {
		bool audit = session_is_audit(session);

		(void)pam_putenv(guest->pamh, "NSISOLATE_ID");
		(void)session_leave(session);
		session_free(session);
		if (audit)
			return count(guest, COUNTER_PASSED_AUDIT,
				     pass(guest, LOG_AUDIT_NOT_KEPT, "would isolate, but PAM could not store that"));
		return count(guest, COUNTER_REFUSED_FAILED,
			     refuse_failure(guest, "step keep: PAM could not store the session"));
	}
	guest_log_session(guest,
			  session_is_audit(session) ? LOG_WOULD_ISOLATE
			  : *session->login         ? LOG_SESSION_JOINED
						    : LOG_SESSION_OPENED,
			  session);
	show_notice(guest, session);
	return count(guest,
		     session_is_audit(session) ? COUNTER_WOULD_ISOLATE
		     : *session->login         ? COUNTER_JOINED
					       : COUNTER_OPENED,
		     PAM_SUCCESS);
}

/* What the helper says of a login that gets no session. */
static int answer(const struct guest *guest, enum outcome outcome, const char *text)
{
	const enum log_message message = log_message_of_outcome(outcome, guest->arguments.optional);

	switch (outcome) {
	case OUTCOME_OFF:
	case OUTCOME_SYSTEM_USER:
	case OUTCOME_USER_MANAGER:
	case OUTCOME_AUDIT:
		return pass(guest, message, text);
	case OUTCOME_NO_POLICY:
		return guest->arguments.optional ? pass(guest, message, text) : refuse_without_policy(guest, text);
	case OUTCOME_DENIED:
		return deny(guest, text);
	case OUTCOME_FULL:
		return refuse_more(guest, text);
	case OUTCOME_REFUSED:
		return refuse_policy(guest, text);
	case OUTCOME_OPENED:
	case OUTCOME_FAILED:
	case OUTCOME_LIMITS:
	default:
		return refuse_failure(guest, text);
	}
}

struct who_query guest_query(const struct guest *guest)
{
	return (struct who_query){
		.user = guest->user,
		.directory = guest->arguments.policy,
		.exempt = guest->arguments.exempt,
		.bad_argument = guest->bad_argument,
	};
}

struct session_request guest_request(const struct guest *guest, const struct who *who)
{
	return (struct session_request){
		.user = who->identity.name,
		.uid = who->identity.uid,
		.gid = who->identity.gid,
		.group = who->group ? who->group : "",
		.home = who->identity.home,
		.service = guest->service,
		.tty = guest->tty,
		.remote_host = guest->remote_host,
		.candidates = who->candidates,
	};
}

static int enter_session(struct guest *guest, const struct who *who)
{
	_cleanup_free_ char *text = NULL;
	struct session *session = NULL;
	struct session_request request = guest_request(guest, who);
	enum outcome outcome;

	guest_add_handed(guest, &request);
	/* while the host's file is in reach */
	counters_open(&guest->counters);
	outcome = session_enter(&request, NSISOLATE_HELPER, &session, &text);
	if (outcome == OUTCOME_OPENED)
		return keep_session(guest, session);
	return count(guest, counter_of_outcome(outcome, guest->arguments.optional), answer(guest, outcome, text));
}

static int open_new(struct guest *guest)
{
	_cleanup_(who_release) struct who who = { 0 };
	_cleanup_free_ char *text = NULL;
	const struct who_query query = guest_query(guest);

	switch (who_find(&query, &who, &text)) {
	case WHO_ROOT:
		if (guest->bad_argument || text)
			guest_log_login(guest, LOG_PASSED_ROOT_ANYWAY, text);
		else
			guest_log_debug(guest, LOG_PASSED_ROOT, "uid 0 is passed: there is no user/root.conf");
		return count(guest, COUNTER_PASSED_ROOT, PAM_SUCCESS);
	case WHO_EXEMPT:
		return count(guest, COUNTER_PASSED_EXEMPT, pass(guest, LOG_PASSED_EXEMPT, text));
	case WHO_CANDIDATES:
		return enter_session(guest, &who);
	case WHO_REFUSED:
		return count(guest, COUNTER_REFUSED_POLICY, refuse_policy(guest, text));
	case WHO_FAILED:
	default:
		return count(guest, COUNTER_REFUSED_FAILED, refuse_failure(guest, text));
	}
}

void guest_prepare(struct guest *guest)
{
	/* what an earlier line of the stack has done stands */
	if (!stored_session(guest->pamh) && stored_refusal(guest) == PAM_SUCCESS)
		guest_hand_limits(guest);
}

/* A stack may run several lines in a login, as that of su-l, which includes su's: the first of them does the work. */
int guest_open(struct guest *guest)
{
	int r;

	if (stored_session(guest->pamh)) {
		guest_log_debug(guest, LOG_OPENED_BEFORE, "an earlier line of the stack opened the session");
		return PAM_SUCCESS;
	}
	r = stored_refusal(guest);
	if (r != PAM_SUCCESS) {
		guest_log_debug(guest, LOG_REFUSED_BEFORE, "an earlier line of the stack refused the login");
		return r;
	}
	share_bad_argument(guest);
	r = open_new(guest);
	counters_release(&guest->counters);
	if (r != PAM_SUCCESS)
		share_refusal(guest, r);
	return r;
}

int guest_close(struct guest *guest)
{
	struct session *session = stored_session(guest->pamh);
	int r;

	/* what is opened after this is a new attempt */
	(void)pam_set_data(guest->pamh, REFUSAL_DATA, NULL, NULL);
	guest_forget_limits(guest);
	/* a forked copy of the opener: the session is not its to end */
	if (!session || !session_is_own(session))
		return PAM_SUCCESS;
	r = session_leave(session);
	guest_log_session(guest, session->gone_on ? LOG_SESSION_LEFT : LOG_SESSION_CLOSED, session);
	/* outside again; where that failed there is no such file, and nothing is counted */
	counters_add_once(counter_of_end(r, session));
	if (r < 0)
		guest_log_failed_close(guest, session, r);
	(void)pam_set_data(guest->pamh, SESSION_DATA, NULL, NULL);
	return r < 0 ? PAM_SESSION_ERR : PAM_SUCCESS;
}
