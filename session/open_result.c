/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* How an open ends: its outcome, the sentence that goes with it, and what is taken back. */
#include "session/open_private.h"

#include "common/format_list.h"
#include "config/problem.h"
#include "session/error_text.h"
#include "session/join_protocol.h"
#include "session/record_store.h"
#include "session/user_state.h"

#include <stdarg.h>

void open_conclude(struct open_result *result, enum outcome outcome, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	free(result->text);
	/* without memory the outcome still stands; the module then logs it bare */
	result->text = format_list(format, arguments);
	va_end(arguments);
	result->reply.outcome = outcome;
	result->reply.text = result->text;
}

void open_fail_text(struct open_result *result, const char *text)
{
	const char *file = result->policy ? result->policy->file : NULL;

	open_conclude(result, OUTCOME_FAILED, "%s%s%s%s", text, file ? " (policy " : "", file ? file : "",
		      file ? ")" : "");
}

void open_fail(struct open_result *result, const char *step, const char *object, int error)
{
	_cleanup_free_ char *text = NULL;
	char reason[ERROR_TEXT_SIZE];

	if (!problem_write(&text, "step %s: %s%s%s", step, object ? object : "", object && *object ? ": " : "",
			   step_error_text(step, error, reason)))
		open_conclude(result, OUTCOME_FAILED, "step %s", step);
	else
		open_fail_text(result, text);
}

void open_fail_user_file(struct open_result *result, const char *step, const char *name, int error)
{
	char path[128];

	(void)snprintf(path, sizeof(path), USERS_DIRECTORY "/%ju%s%s", (uintmax_t)result->uid, *name ? "/" : "", name);
	open_fail(result, step, path, error);
}

void open_refuse_diagnostics(struct open_result *result, const struct diagnostics *diag)
{
	const struct diagnostic *first = diagnostics_first_error(diag);
	_cleanup_free_ char *text = first ? diagnostic_format(first) : NULL;

	open_conclude(result, OUTCOME_REFUSED, "%s", text ? text : "the policy could not be read: out of memory");
}

void open_fail_network(struct open_result *result, const char *problem)
{
	_cleanup_free_ char *text = NULL;

	if (problem_write(&text, "step network: %s", problem ? problem : "out of memory"))
		open_fail_text(result, text);
	else
		open_conclude(result, OUTCOME_FAILED, "step network");
}

void open_soften(struct open_result *result)
{
	_cleanup_free_ char *text = TAKE_PTR(result->text);

	switch (result->reply.outcome) {
	case OUTCOME_DENIED:
	case OUTCOME_FULL:
	case OUTCOME_REFUSED:
	case OUTCOME_FAILED:
		open_conclude(result, OUTCOME_AUDIT, "would refuse: %s", text ? text : "out of memory");
		break;
	case OUTCOME_OPENED:
	case OUTCOME_OFF:
	case OUTCOME_NO_POLICY:
	case OUTCOME_SYSTEM_USER:
	case OUTCOME_USER_MANAGER:
	case OUTCOME_AUDIT:
	case OUTCOME_LIMITS:
	default:
		result->text = TAKE_PTR(text);
		break;
	}
}

void open_forget_listener(const struct open_result *result)
{
	if (result->reply.shared)
		join_listener_remove(result->uid, result->policy->hash, result->reply.id);
}

void open_result_release(struct open_result *result, bool sent)
{
	bool opened = result->reply.outcome == OUTCOME_OPENED;

	if (opened && *result->reply.login) {
		/* the login was taken in, and lives or ends with its process */
		close_fd(result->reply.init_pidfd);
	} else if (opened && !sent) {
		launch_abort(&result->launch);
		open_forget_listener(result);
	} else if (opened && launch_finish(&result->launch) < 0) {
		/* the init has ended, or ends when it finds our socket closed; the login process learns it by its own
		 */
		result->reply.outcome = OUTCOME_FAILED;
	}
	network_release(&result->network);
	policy_free(result->policy);
	free(result->text);
}
