/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* nsinspect audit: reality against policy, a line a finding. */

#include "common/clock.h"
#include "config/text_list.h"
#include "session/record_store.h"
#include "tools/audit.h"
#include "tools/audit_baseline.h"
#include "tools/audit_log.h"
#include "tools/display.h"
#include "tools/when.h"
#include "tools/audit_summary.h"
#include "tools/inspect_sessions.h"

#include <string.h>
#include <time.h>

/* Milliseconds before each look but the first, 3 s in all: so long something must last to be found. */
static const unsigned pauses[] = { 100, 400, 1000, 1500 };

#define HURRIED_MS 10

static int code(const struct column *column, const void *row, enum output_style style, char **ret)
{
	(void)column;
	(void)style;
	return cell_text(strdup(finding_kinds[((const struct finding *)row)->code].code), ret);
}

static int name(const struct column *column, const void *row, enum output_style style, char **ret)
{
	(void)column;
	(void)style;
	return cell_text(strdup(finding_kinds[((const struct finding *)row)->code].name), ret);
}

static int severity(const struct column *column, const void *row, enum output_style style, char **ret)
{
	(void)column;
	(void)style;
	return cell_text(strdup(audit_severity_name(finding_kinds[((const struct finding *)row)->code].severity)), ret);
}

static int remedy(const struct column *column, const void *row, enum output_style style, char **ret)
{
	(void)column;
	(void)style;
	return cell_text(strdup(finding_remedy(row)), ret);
}

static int subject(const struct column *column, const void *row, enum output_style style, char **ret)
{
	(void)column;
	(void)style;
	return cell_text(strdup(((const struct finding *)row)->subject), ret);
}

static int seen(const struct column *column, const void *row, enum output_style style, char **ret)
{
	(void)column;
	(void)style;
	return cell_text(strdup(((const struct finding *)row)->seen), ret);
}

static int user(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct finding *finding = row;

	(void)column;
	(void)style;
	return finding->user ? cell_text(strdup(finding->user), ret) : 0;
}

static int pid(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct finding *finding = row;

	(void)column;
	(void)style;
	return finding->pid > 0 ? cell_number((uint64_t)finding->pid, ret) : 0;
}

static int since(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct finding *finding = row;

	(void)column;
	return finding->since > 0 ? cell_text(display_time(finding->since, for_programs(style)), ret) : 0;
}

static const struct column columns[] = {
	{ "CODE", "code of the finding, the same in every version", 6, 0, SCOLS_JSON_STRING, true, 0, code },
	{ "SEVERITY", "critical, warning or info", 8, 0, SCOLS_JSON_STRING, true, 0, severity },
	{ "SUBJECT", "whom or what it is about", 0.15, SCOLS_FL_WRAP, SCOLS_JSON_STRING, true, 0, subject },
	{ "SEEN", "what was seen", 0.4, SCOLS_FL_WRAP, SCOLS_JSON_STRING, true, 0, seen },
	{ "REMEDY", "what to do", 0.3, SCOLS_FL_WRAP, SCOLS_JSON_STRING, true, 0, remedy },
	{ "NAME", "name of the finding", 15, 0, SCOLS_JSON_STRING, false, 0, name },
	{ "USER", "user name", 8, 0, SCOLS_JSON_STRING, false, 0, user },
	{ "PID", "process, where nsinspect runs", 5, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER, false, 0, pid },
	{ "SINCE", "since when at the latest, as far as that is known", 16, 0, SCOLS_JSON_STRING, false, 0, since },
};

static const char *severity_color(const void *row)
{
	static const char *const colors[] = {
		[AUDIT_INFO] = NULL, [AUDIT_WARNING] = "yellow", [AUDIT_CRITICAL] = "red"
	};

	return colors[finding_kinds[((const struct finding *)row)->code].severity];
}

/* The processes first: they are counted on the way. */
static int (*const live[])(struct look *look) = { audit_processes, audit_sessions, audit_limits, audit_network };

static int (*const standing[])(struct audit *audit, struct findings *findings) = {
	audit_policies, audit_files, audit_stacks, audit_sshd, audit_escapes,
};

/* What is standing is added to what lives. */
static int look_at_host(struct audit *audit, struct findings *findings)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ELEMENTS(standing); i++)
		r = standing[i](audit, findings);
	return r;
}

static int take_look(struct audit *audit, struct findings *ret)
{
	struct look look = { .audit = audit };
	int r;

	task_facts_start(&look.reader);
	r = mounts_read(1, &look.mounts);
	if (r == 0)
		r = sessions_read(audit->record_directory, LOOK_WHOLE, &look.sessions);
	if (r == 0)
		r = audit_ahead_prepare(&look);
	for (size_t i = 0; r == 0 && i < ELEMENTS(live); i++)
		r = live[i](&look);
	audit_ahead_release(&look);
	task_facts_stop(&look.reader);
	task_facts_release(&look.facts);
	sessions_release(&look.sessions);
	mounts_release(&look.mounts);
	if (r < 0)
		findings_release(&look.findings);
	else
		*ret = look.findings;
	return r;
}

static void pause_for(unsigned milliseconds)
{
	struct timespec rest = { milliseconds / 1000, (long)(milliseconds % 1000) * 1000000 };

	while (nanosleep(&rest, &rest) < 0 && errno == EINTR)
		;
}

/* What every look finds, as the last one saw it. */
static int look_until_sure(struct audit *audit, struct findings *ret)
{
	struct findings sure = { 0 };
	int r = take_look(audit, &sure);

	for (size_t i = 0; r == 0 && sure.count > 0 && i < ELEMENTS(pauses); i++) {
		struct findings again = { 0 };

		pause_for(audit->hurried ? HURRIED_MS : pauses[i]);
		r = take_look(audit, &again);
		if (r == 0)
			findings_intersect(&again, &sure);
		findings_release(&sure);
		sure = again;
	}
	if (r == 0)
		*ret = sure;
	else
		findings_release(&sure);
	return r;
}

static bool is_of_user(const struct finding *finding, const void *data)
{
	return finding->user && strcmp(finding->user, data) == 0;
}

static int print(struct report *report, const struct findings *findings)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < findings->count; i++)
		r = report_add(report, &findings->items[i], NULL, NULL);
	return r < 0 ? r : report_print(report);
}

static enum exit_status conclude(const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		if (finding_kinds[findings->items[i].code].severity > AUDIT_INFO)
			return EXIT_FINDINGS;
	return EXIT_CLEAN;
}

static bool is_partial(const struct options *options)
{
	return options->user || options->since || options->write_baseline;
}

/* Of an audit of everything. That it could not be kept does not change what was found. */
static void keep_summary(const struct audit *audit, const struct options *options, struct audit_summary *summary)
{
	int r;

	if (is_partial(options))
		return;
	summary->time = time(NULL);
	summary->duration_ms = (uint64_t)(now_ms() - audit->started);
	r = audit_summary_write(summary);
	if (r < 0)
		(void)trouble_errno(r, "not kept for 'nsinspect metrics': " AUDIT_SUMMARY);
	if (options->log && (r = audit_log(summary)) < 0)
		(void)trouble_errno(r, "not logged");
}

static enum exit_status show(const struct audit *audit, const struct options *options, struct report *report,
			     struct findings *findings)
{
	_cleanup_free_ char *problem = NULL;
	struct audit_summary summary = { 0 };
	int r = 0;

	if (options->user)
		findings_filter(findings, is_of_user, options->user);
	if (options->since)
		audit_since_filter(findings, audit->since);
	findings_sort(findings);
	audit_summary_add(&summary, findings);
	if (options->baseline)
		r = audit_baseline_apply(options->baseline, findings, &problem);
	if (r < 0)
		return problem ? trouble("%s", problem) : trouble_errno(r, options->baseline);
	audit_summary_mark_new(&summary, findings);
	keep_summary(audit, options, &summary);
	r = options->write_baseline ? audit_baseline_print(findings) : print(report, findings);
	if (r < 0)
		return trouble_errno(r, "audit");
	return options->write_baseline ? EXIT_CLEAN : conclude(findings);
}

static enum exit_status audit_all(struct audit *audit, const struct options *options, struct report *report)
{
	_cleanup_(findings_release) struct findings findings = { 0 };
	_cleanup_free_ char *problem = NULL;
	int r = audit_services_read(&audit->services, &problem);

	if (r < 0)
		return problem ? trouble("%s", problem) : trouble_errno(r, "the PAM services");
	audit->configured = audit_configured(&audit->services);
	r = look_until_sure(audit, &findings);
	if (r == 0)
		r = look_at_host(audit, &findings);
	/* fork(2) */
	if (r == -EAGAIN)
		return trouble("audit: no process can be started that looks into sessions: %s; see kernel.pid_max and "
			       "kernel.threads-max in sysctl(8), and pids.max of the control group",
			       strerror(-r));
	if (r < 0)
		return trouble_errno(r, "audit");
	return show(audit, options, report, &findings);
}

static enum exit_status run(const struct options *options, char **arguments)
{
	_cleanup_(report_freep) struct report *report = NULL;
	_cleanup_free_ char *problem = NULL;
	struct audit audit = { .record_directory = options->record_directory,
			       .started = now_ms(),
			       .hurried = options->hurried,
			       .sysctl_directory = options->sysctl_directory ? options->sysctl_directory : "/proc/sys",
			       .users.services = &audit.services };
	enum exit_status status;
	int r;

	(void)arguments;
	r = report_new("findings", columns, ELEMENTS(columns), &options->layout, &report, &problem);
	if (r < 0)
		return trouble("%s", problem ? problem : strerror(-r));
	report_color(report, "SEVERITY", severity_color);
	if (options->log && is_partial(options))
		return trouble("--log is about an audit of everything: without --user, --since and --write-baseline");
	if (options->since && options->write_baseline)
		return trouble("--since and --write-baseline exclude each other: a baseline is of everything");
	if (options->since && when_parse(options->since, now_seconds(), &audit.since, &problem) < 0)
		return trouble("--since: %s", problem ? problem : "out of memory");
	if (geteuid() != 0)
		return trouble("only root can see whose processes are where: run this as root");
	if (record_root_is_inside())
		return trouble("this is inside a session, which sees itself alone: run this on the host");
	status = audit_all(&audit, options, report);
	/* what was not looked at must not pass for clean */
	if (audit.held_up)
		status = EXIT_TROUBLE;
	text_list_free(audit.held_up);
	audit_users_release(&audit.users);
	audit_services_release(&audit.services);
	audit_reach_release(&audit.reach);
	return status;
}

const struct subcommand command_audit = {
	.name = "audit",
	.arguments = "",
	.summary = "find what slipped past the policies",
	.options = OPTIONS_TABLE | OPTIONS_JSON | OPTIONS_VIEW | OPTIONS_AUDIT | OPTIONS_USER | OPTIONS_RECORDS,
	.columns = columns,
	.column_count = ELEMENTS(columns),
	.run = run,
};
