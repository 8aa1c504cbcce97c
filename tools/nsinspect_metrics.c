/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* nsinspect metrics: numbers for a monitoring system, as node_exporter's textfile collector and OpenMetrics read them.
 */

#include "common/replace_file.h"
#include "nsisolate-config.h"
#include "session/counters.h"
#include "session/record_store.h"
#include "tools/audit_summary.h"
#include "tools/inspect_sessions.h"
#include "tools/metrics_counters.h"
#include "tools/metrics_text.h"

#include <string.h>

/* How many policies, or users, have samples of their own; those of all others are added up under OTHERS. */
#define GROUPS_MAX 256
#define OTHERS     "(other)"

/* The live sessions of one policy or user, by state. */
struct group {
	const char *name; /* the record's */
	uint64_t states[SESSION_STATES];
};

struct groups {
	struct group items[GROUPS_MAX + 1];
	size_t count;
};

static struct group *find_group(struct groups *groups, const char *name)
{
	for (size_t i = 0; i < groups->count; i++)
		if (strcmp(groups->items[i].name, name) == 0)
			return &groups->items[i];
	if (groups->count >= GROUPS_MAX && strcmp(name, OTHERS) != 0)
		return find_group(groups, OTHERS);
	groups->items[groups->count].name = name;
	return &groups->items[groups->count++];
}

/* What a session within another says of itself, its root wrote: it is counted, and no name of it is used. */
static bool is_counted(const struct session *session, bool inside)
{
	return session_is_alive(session) && session->inside == inside;
}

static const char *policy_of(const struct session *session)
{
	return session->view.valid ? session->view.record.policy : "";
}

static const char *user_of(const struct session *session)
{
	return session->view.valid ? session->view.record.user : "";
}

struct family {
	const char *name, *label, *help;
	const char *(*name_of)(const struct session *session);
};

static const struct family by_policy = {
	"nsisolate_sessions",
	"policy",
	"Live sessions by the policy file that decided and by state.",
	policy_of,
};

static const struct family by_user = {
	"nsisolate_user_sessions",
	"user",
	"Live sessions by user and by state.",
	user_of,
};

static int put_groups(FILE *out, const struct sessions *sessions, const struct family *family)
{
	_cleanup_free_ struct groups *groups = calloc(1, sizeof(*groups));

	if (!groups)
		return -ENOMEM;
	for (size_t i = 0; i < sessions->count; i++)
		if (is_counted(sessions->items[i], false))
			find_group(groups, family->name_of(sessions->items[i]))->states[sessions->items[i]->state]++;
	metrics_gauge(out, family->name, family->help);
	for (size_t i = 0; i < groups->count; i++) {
		for (size_t state = 0; state < SESSION_STATES; state++) {
			const struct metrics_label labels[] = {
				{ family->label, groups->items[i].name },
				{ "state", session_state_name((enum session_state)state) },
				{ 0 },
			};

			if (groups->items[i].states[state] > 0)
				metrics_sample(out, family->name, labels, groups->items[i].states[state]);
		}
	}
	return 0;
}

static void put_totals(FILE *out, const struct sessions *sessions)
{
	uint64_t nested = 0, logins = 0;

	for (size_t i = 0; i < sessions->count; i++) {
		if (is_counted(sessions->items[i], true))
			nested++;
		else if (is_counted(sessions->items[i], false))
			logins += sessions->items[i]->logins_alive;
	}
	metrics_gauge(out, "nsisolate_logins", "Logins that are in the sessions of nsisolate_sessions.");
	metrics_sample(out, "nsisolate_logins", NULL, logins);
	metrics_gauge(out, "nsisolate_nested_sessions",
		      "Live sessions that are recorded inside others, which nsisolate_sessions leaves out.");
	metrics_sample(out, "nsisolate_nested_sessions", NULL, nested);
}

static void put_counts(FILE *out, const struct audit_summary *summary, enum finding_code code)
{
	const char *severity = audit_severity_name(finding_kinds[code].severity);
	const uint64_t counts[] = { summary->counts[code].new, summary->counts[code].known };

	for (size_t i = 0; i < ELEMENTS(counts); i++) {
		const struct metrics_label labels[] = {
			{ "code", finding_kinds[code].code },
			{ "name", finding_kinds[code].name },
			{ "severity", severity },
			{ "baseline", i == 0 ? "new" : "known" },
			{ 0 },
		};

		if (counts[i] > 0)
			metrics_sample(out, "nsisolate_audit_findings", labels, counts[i]);
	}
}

static int put_audit(FILE *out)
{
	struct audit_summary summary;
	int r = audit_summary_read(&summary);

	/* no audit since boot: no samples say so, for a time of 0 would be one */
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	metrics_gauge(out, "nsisolate_audit_timestamp_seconds", "When the last audit of this host ended.");
	metrics_sample(out, "nsisolate_audit_timestamp_seconds", NULL, (uint64_t)summary.time);
	metrics_gauge(out, "nsisolate_audit_duration_seconds", "How long the last audit took.");
	metrics_sample_seconds(out, "nsisolate_audit_duration_seconds", summary.duration_ms);
	metrics_gauge(out, "nsisolate_audit_findings",
		      "Findings of the last audit; known are those that its baseline lists.");
	for (size_t code = 0; code < FINDING_CODES; code++)
		put_counts(out, &summary, (enum finding_code)code);
	return 0;
}

static void put_build(FILE *out)
{
	const struct metrics_label labels[] = { { "version", NSISOLATE_VERSION }, { 0 } };

	metrics_gauge(out, "nsisolate_build_info", "The version of nsinspect, which wrote this.");
	metrics_sample(out, "nsisolate_build_info", labels, 1);
}

/* Everything that can be told. 0 or -ENOMEM; what cannot be told is said on standard error, *ret_status. */
static int put_all(FILE *out, const struct sessions *sessions, const struct options *options,
		   enum exit_status *ret_status)
{
	int r = put_groups(out, sessions, &by_policy);

	if (r == 0 && options->by_user)
		r = put_groups(out, sessions, &by_user);
	if (r < 0)
		return r;
	put_totals(out, sessions);
	r = metrics_put_counters(out);
	if (r < 0)
		*ret_status = trouble_errno(r, RECORD_ROOT "/" COUNTERS_NAME);
	r = put_audit(out);
	if (r < 0)
		*ret_status = trouble_errno(r, AUDIT_SUMMARY);
	put_build(out);
	metrics_end(out);
	return 0;
}

static enum exit_status deliver(const struct options *options, const char *text, size_t size)
{
	const char *path = options->layout.output;
	int r;

	if (!path) {
		(void)fwrite(text, 1, size, stdout);
		return EXIT_CLEAN;
	}
	r = replace_file(path, text, size, 0644);
	return r < 0 ? trouble_errno(r, path) : EXIT_CLEAN;
}

static enum exit_status run(const struct options *options, char **arguments)
{
	_cleanup_(sessions_release) struct sessions sessions = { 0 };
	_cleanup_free_ char *text = NULL;
	enum exit_status status = EXIT_CLEAN, delivered;
	size_t size = 0;
	FILE *out;
	int r;

	(void)arguments;
	if (geteuid() != 0)
		return trouble("only root can read what is counted: run this as root");
	if (record_root_is_inside())
		return trouble("this is inside a session, which sees itself alone: run this on the host");
	if (!load_sessions(options, LOOK_WHOLE, &sessions, &status))
		return status;
	out = open_memstream(&text, &size);
	if (!out)
		return trouble_errno(-ENOMEM, "metrics");
	r = put_all(out, &sessions, options, &status);
	/* fclose(3) completes the text; what it could not hold is an error of its own */
	if (fclose(out) != 0 || r < 0)
		return trouble_errno(-ENOMEM, "metrics");
	delivered = deliver(options, text, size);
	return delivered == EXIT_CLEAN ? status : delivered;
}

const struct subcommand command_metrics = {
	.name = "metrics",
	.arguments = "",
	.summary = "print numbers for a monitoring system",
	.options = OPTIONS_METRICS | OPTIONS_RECORDS,
	.run = run,
};
