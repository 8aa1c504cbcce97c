/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* Sessions that are not as their policy has it, and records that tell of none. */

#include "tools/audit.h"

#include "config/text_list.h"
#include "tools/audit_ahead.h"
#include "tools/nsinspect.h"
#include "tools/plan_compare.h"

#include <string.h>

#include <stdarg.h>

static struct subject subject_of(const struct session *session)
{
	return (struct subject){ .text = session->view.name,
				 .user = session->view.valid ? session->view.record.user : NULL };
}

static int find(struct look *look, const struct session *session, enum finding_code code, const char *format, ...)
	_printf_(4, 5);

static int find(struct look *look, const struct session *session, enum finding_code code, const char *format, ...)
{
	struct subject subject = subject_of(session);
	va_list args;
	int r;

	/* what else is wrong with a session may have begun at any time; and inside one, root writes what they like */
	if (code == FINDING_AUDIT_MODE && !session->inside)
		subject.since = session->view.record.opened;
	va_start(args, format);
	r = findings_add_va(&look->findings, code, &subject, format, args);
	va_end(args);
	return r;
}

static int judge_state(struct look *look, const struct session *session)
{
	const char *user = session->view.valid ? session->view.record.user : "";

	switch (session->state) {
	case SESSION_WOULD_ISOLATE:
		return find(look, session, FINDING_AUDIT_MODE, "%s is on the host: mode is \"audit\" in %s", user,
			    session->view.record.policy);
	case SESSION_LINGERING:
		return find(look, session, FINDING_LINGERING,
			    "nobody is logged in, the session of %s runs on: %zu processes, its init included", user,
			    session->processes);
	case SESSION_CLOSING:
		return find(look, session, FINDING_CLOSING, "its last login of %s has ended, %zu processes have not",
			    user, session->processes);
	case SESSION_ENDED:
		return find(look, session, FINDING_RECORD_LEFT, "the session of %s has ended, its record is left",
			    user);
	case SESSION_INVALID:
		return find(look, session, FINDING_RECORD_INVALID, "the file is no record%s",
			    session->view.alive ? ", and a process holds its lock" : "");
	case SESSION_CHANGED:
		return find(look, session, FINDING_NAMESPACES,
			    "the init is not in the namespaces that the record names");
	case SESSION_ACTIVE:
	case SESSION_UNKNOWN:
	case SESSION_STATES:
		break;
	}
	return 0;
}

struct comparison {
	struct look *look;
	const struct session *session;
};

static int find_difference(const struct plan_item *item, void *data)
{
	static const enum finding_code codes[PLAN_PARTS] = {
		[PART_MOUNT] = FINDING_MOUNT,          [PART_LOOPBACK] = FINDING_LOOPBACK,
		[PART_NAME] = FINDING_HOSTNAME,        [PART_PROPAGATION] = FINDING_PROPAGATION,
		[PART_NETWORK] = FINDING_NETWORK,      [PART_INTERFACE] = FINDING_INTERFACE,
		[PART_SLIRP] = FINDING_SLIRP,          [PART_PRIVILEGES] = FINDING_PRIVILEGES,
		[PART_NAMESPACE] = FINDING_NAMESPACES, [PART_LIMITS] = FINDING_LIMITS,
	};
	const struct comparison *comparison = data;

	if (item->kernel == plan_not_there && item->step->kind == STEP_HIDE_ENGINE)
		audit_engine_is_absent(comparison->look, item->step->target);
	return item->difference ? find(comparison->look, comparison->session, codes[item->part], "%s", item->difference)
				: 0;
}

/* What was said in a session, NULL where it could not be asked. */
static const struct inside *find_inside(const struct look *look, const struct session *session)
{
	for (size_t i = 0; i < look->inside_count; i++)
		if (look->insides[i].pid == session->view.init_pid && look->insides[i].result == 0)
			return &look->insides[i].inside;
	return NULL;
}

/* All of those at once, which is done by one child. */
static int ask_inside(struct look *look, size_t first, size_t end)
{
	look->insides = inside_requests_new(end - first + 1);
	if (!look->insides)
		return -ENOMEM;
	look->inside_room = end - first + 1;
	for (size_t i = first; i < end; i++) {
		const struct session *session = look->sessions.items[i];
		struct inside_request *request = &look->insides[look->inside_count];

		if (!session->seen || !session_is_alive(session) || session->state == SESSION_WOULD_ISOLATE)
			continue;
		request->pid = session->view.init_pid;
		request->result = -ESRCH;
		memcpy(request->namespaces, session->namespaces, sizeof(request->namespaces));
		look->inside_count++;
	}
	/* without a child nothing could be asked, and nothing is found there */
	if (look->inside_count > 0 && inside_read_many(look->insides, look->inside_count) == -ENOMEM)
		return -ENOMEM;
	return 0;
}

/* The session may end at any moment: what cannot be read is no finding. */
static int judge_inside(struct look *look, const struct session *session, const struct verdict *verdict)
{
	struct comparison comparison = { look, session };
	int r;

	if (!plan_is_comparable(session, verdict))
		return 0;
	r = audit_forwarding(look, session, verdict->policy);
	if (r < 0)
		return r;
	r = plan_compare(session, verdict, &look->mounts, find_inside(look, session), find_difference, &comparison);
	return r == -ENOMEM ? r : 0;
}

static int judge_verdict(struct look *look, const struct session *session, const struct verdict *verdict)
{
	const struct record *record = &session->view.record;

	/* a policy that cannot be used is another finding */
	if (verdict->outcome == VERDICT_REFUSED)
		return 0;
	if (verdict->outcome != VERDICT_POLICY)
		return find(look, session, FINDING_POLICY_CHANGED, "opened under %s, which now does not decide: %s",
			    record->policy, verdict_name(verdict->outcome));
	if (verdict->policy->hash == record->policy_hash)
		return judge_inside(look, session, verdict);
	return find(look, session, FINDING_POLICY_CHANGED, "opened under %s; now %s decides, with other values",
		    record->policy, verdict->policy->file);
}

static int judge_policy(struct look *look, const struct session *session)
{
	const struct verdict *verdict = NULL;
	int r;

	if (!session_is_alive(session) || !session->view.valid)
		return 0;
	r = audit_verdicts_find(&look->verdicts, &look->audit->services, &session->view.record, &verdict);
	if (r == -ENOENT)
		return find(look, session, FINDING_POLICY_CHANGED, "its user %s is no user of this host any more",
			    session->view.record.user);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	return judge_verdict(look, session, verdict);
}

/* What is looked at ahead: all that is read inside, or goes by the session's plan. Others follow it, up to `end`. */
static int judge_ahead(struct look *look, size_t number, size_t end)
{
	const struct session *session = look->sessions.items[number];
	int r = look->insides ? 0 : ask_inside(look, number, end);

	look->engines_absent = 0;
	if (r == 0)
		r = judge_policy(look, session);
	return r < 0 ? r : audit_engine_of(look, session);
}

void audit_sessions_ahead(struct look *look, size_t number, size_t end)
{
	if (audit_ahead_is_done(look->ahead, number))
		return;
	findings_release(&look->findings);
	if (judge_ahead(look, number, end) == 0)
		audit_ahead_tell(look->ahead, number, &look->findings);
}

int audit_ahead_prepare(struct look *look)
{
	int r = audit_ahead_new(look->sessions.count, &look->ahead);

	for (size_t i = 0; r == 0 && i < look->sessions.count; i++)
		if (text_list_has(look->audit->held_up, look->sessions.items[i]->view.name))
			audit_ahead_give_up(look->ahead, i);
	return r;
}

void audit_ahead_release(struct look *look)
{
	look->ahead = audit_ahead_free(look->ahead);
	audit_verdicts_release(&look->verdicts);
	inside_requests_free(look->insides, look->inside_room);
	look->insides = NULL;
}

int audit_sessions_give_up(struct look *look, size_t number)
{
	const char *name = look->sessions.items[number]->view.name;

	audit_ahead_give_up(look->ahead, number);
	(void)trouble("session %s: not all of it is known: reading in it takes too long", name);
	return text_list_add(&look->audit->held_up, name);
}

int audit_sessions(struct look *look)
{
	int r = audit_ahead_take(look->ahead, &look->findings);

	for (size_t i = 0; r == 0 && i < look->sessions.count; i++) {
		const struct session *session = look->sessions.items[i];

		r = judge_state(look, session);
		if (r == 0 && !audit_ahead_is_done(look->ahead, i))
			r = judge_ahead(look, i, look->sessions.count);
	}
	return r;
}
