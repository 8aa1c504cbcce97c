/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "pam_module/guest.h"

#include "nsisolate-config.h"
#include "pam_module/log_text.h"
#include "pam_module/who.h"

#include <inttypes.h>
#include <security/pam_ext.h>
#include <string.h>
#include <syslog.h>

#define SESSION_DATA         "nsisolate_session"
#define SERVICE_USER_MANAGER "systemd-user"

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

/* Namespaces as "mnt=4026532201 net=…" for the log. */
static void format_namespaces(const struct session *session, char *text, size_t size)
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < NAMESPACE_KINDS && used < size; i++) {
		int written;

		if (session->namespaces[i] == 0)
			continue;
		written = snprintf(text + used, size - used, " %s=%" PRIu64, namespace_table[i].name,
				   session->namespaces[i]);
		used += written > 0 ? (size_t)written : 0;
	}
}

static void log_session(const struct guest *guest, const char *verb, const struct session *session)
{
	const struct log_word user = log_word(session->user);
	const struct log_word service = log_word(guest->service);
	const struct log_word remote_host = log_word(guest->remote_host);
	const struct log_word policy = log_word(session->policy);
	char namespaces[NAMESPACE_KINDS * 32];

	format_namespaces(session, namespaces, sizeof(namespaces));
	pam_syslog(guest->pamh, LOG_NOTICE,
		   "session %s: id=%s user=%s service=%s rhost=%s policy=%s hash=%016" PRIx64 " mode=%s%s", verb,
		   session->id, user.text, service.text, remote_host.text, policy.text, session->policy_hash,
		   session->mode, namespaces);
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
		(void)session_leave(session);
	session_free(session);
}

static void tell_user(const struct guest *guest, const char *text)
{
	if (!(guest->flags & PAM_SILENT) && strcmp(guest->service, SERVICE_USER_MANAGER) != 0)
		(void)pam_error(guest->pamh, "%s", text);
}

/* "VERB: user=… service=… rhost=…: TEXT", the form of every line that is not about a session. */
static void log_login(const struct guest *guest, int priority, const char *verb, const char *text)
{
	const struct log_word user = log_word(guest->user);
	const struct log_word service = log_word(guest->service);
	const struct log_word remote_host = log_word(guest->remote_host);
	_cleanup_free_ char *sentence = text ? log_sentence(text) : NULL;

	pam_syslog(guest->pamh, priority, "%s: user=%s service=%s rhost=%s: %s", verb, user.text, service.text,
		   remote_host.text, sentence ? sentence : "out of memory");
}

/* What is broken is for the administrator to mend: logged as an error, and the user learns whom to ask. */
static int refuse_policy(const struct guest *guest, const char *text)
{
	log_login(guest, LOG_ERR, "refused", text);
	tell_user(guest, "Your login policy is broken; tell the administrator.");
	return PAM_PERM_DENIED;
}

static int refuse_failure(const struct guest *guest, const char *text)
{
	log_login(guest, LOG_ERR, "refused", text);
	tell_user(guest, "Your session could not be isolated; tell the administrator.");
	return PAM_SYSTEM_ERR;
}

static int refuse_without_policy(const struct guest *guest, const char *text)
{
	log_login(guest, LOG_ERR, "refused", text);
	tell_user(guest, "You have no login policy; tell the administrator.");
	return PAM_PERM_DENIED;
}

/* As the policy wants it: nothing to mend. */
static int deny(const struct guest *guest, const char *text)
{
	log_login(guest, LOG_NOTICE, "denied", text);
	tell_user(guest, "Your login policy does not allow this.");
	return PAM_PERM_DENIED;
}

static int pass(const struct guest *guest, const char *text)
{
	log_login(guest, LOG_INFO, "not isolated", text ? text : "");
	return PAM_SUCCESS;
}

/* The process is inside. What fails now takes it back out. */
static int keep_session(const struct guest *guest, struct session *session)
{
	char variable[sizeof("NSISOLATE_ID=") + SESSION_ID_LENGTH];
	int r;

	snprintf(variable, sizeof(variable), "NSISOLATE_ID=%s", session->id);
	r = pam_putenv(guest->pamh, variable);
	if (r == PAM_SUCCESS)
		r = pam_set_data(guest->pamh, SESSION_DATA, session, drop_session);
	if (r != PAM_SUCCESS) {
		(void)pam_putenv(guest->pamh, "NSISOLATE_ID");
		(void)session_leave(session);
		session_free(session);
		return refuse_failure(guest, "step keep: PAM could not store the session");
	}
	log_session(guest, "opened", session);
	return PAM_SUCCESS;
}

static int enter_session(const struct guest *guest, const struct who *who)
{
	_cleanup_free_ char *text = NULL;
	struct session *session = NULL;
	const struct session_request request = {
		.user = who->identity.name,
		.uid = who->identity.uid,
		.gid = who->identity.gid,
		.group = who->group ? who->group : "",
		.service = guest->service,
		.tty = guest->tty,
		.remote_host = guest->remote_host,
		.candidates = who->candidates,
	};

	switch (session_enter(&request, NSISOLATE_HELPER, &session, &text)) {
	case OUTCOME_OPENED:
		return keep_session(guest, session);
	case OUTCOME_OFF:
	case OUTCOME_SYSTEM_USER:
	case OUTCOME_USER_MANAGER:
		return pass(guest, text);
	case OUTCOME_NO_POLICY:
		return guest->arguments.optional ? pass(guest, text) : refuse_without_policy(guest, text);
	case OUTCOME_DENIED:
		return deny(guest, text);
	case OUTCOME_REFUSED:
		return refuse_policy(guest, text);
	case OUTCOME_FAILED:
	default:
		return refuse_failure(guest, text);
	}
}

int guest_open(struct guest *guest)
{
	_cleanup_(who_release) struct who who = { 0 };
	_cleanup_free_ char *text = NULL;

	if (stored_session(guest->pamh)) {
		if (guest->arguments.debug)
			pam_syslog(guest->pamh, LOG_DEBUG, "an earlier line of the stack opened the session");
		return PAM_SUCCESS;
	}
	switch (who_find(&guest->arguments, guest->user, guest->bad_argument, &who, &text)) {
	case WHO_ROOT:
		if (guest->bad_argument)
			log_login(guest, LOG_ERR, "not isolated", text);
		else if (guest->arguments.debug)
			pam_syslog(guest->pamh, LOG_DEBUG, "uid 0 is passed: there is no user/root.conf");
		return PAM_SUCCESS;
	case WHO_EXEMPT:
		return pass(guest, text);
	case WHO_CANDIDATES:
		return enter_session(guest, &who);
	case WHO_REFUSED:
		return refuse_policy(guest, text);
	case WHO_FAILED:
	default:
		return refuse_failure(guest, text);
	}
}

int guest_close(struct guest *guest)
{
	struct session *session = stored_session(guest->pamh);
	int r;

	/* a forked copy of the opener: the session is not its to end */
	if (!session || !session_is_own(session))
		return PAM_SUCCESS;
	r = session_leave(session);
	log_session(guest, "closed", session);
	if (r < 0)
		pam_syslog(guest->pamh, LOG_ERR, "step close: id=%s: %s", session->id, strerror(-r));
	(void)pam_set_data(guest->pamh, SESSION_DATA, NULL, NULL);
	return r < 0 ? PAM_SESSION_ERR : PAM_SUCCESS;
}
