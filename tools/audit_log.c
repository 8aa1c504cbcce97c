/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/audit_log.h"

#include "tools/journal.h"

#include <inttypes.h>
#include <syslog.h>

struct totals {
	uint64_t new[AUDIT_CRITICAL + 1]; /* by severity */
	uint64_t known;
	char *codes; /* "NSI001,NSI080", or "-" */
};

static int add_up(const struct audit_summary *summary, struct totals *ret)
{
	_cleanup_free_ char *codes = NULL;
	struct totals totals = { 0 };
	size_t size = 0;
	FILE *out = open_memstream(&codes, &size);

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < FINDING_CODES; i++) {
		const struct audit_count *count = &summary->counts[i];

		totals.known += count->known;
		totals.new[finding_kinds[i].severity] += count->new;
		if (count->new > 0)
			(void)fprintf(out, "%s%s", ftell(out) > 0 ? "," : "", finding_kinds[i].code);
	}
	if (ftell(out) == 0)
		(void)fputc('-', out);
	if (fclose(out) != 0)
		return -ENOMEM;
	totals.codes = TAKE_PTR(codes);
	*ret = totals;
	return 0;
}

static int priority_of(const struct totals *totals)
{
	return totals->new[AUDIT_CRITICAL] > 0 ? LOG_ERR : totals->new[AUDIT_WARNING] > 0 ? LOG_WARNING : LOG_INFO;
}

static char *number_field(const char *name, uint64_t number)
{
	char *field;

	return asprintf(&field, "NSISOLATE_%s=%" PRIu64, name, number) < 0 ? NULL : field;
}

static char *codes_field(const char *codes)
{
	char *field;

	return asprintf(&field, "NSISOLATE_CODES=%s", codes) < 0 ? NULL : field;
}

static void send_line(const struct totals *totals, const struct audit_summary *summary, const char *message)
{
	char *fields[] = {
		number_field("CRITICAL", totals->new[AUDIT_CRITICAL]),
		number_field("WARNING", totals->new[AUDIT_WARNING]),
		number_field("INFO", totals->new[AUDIT_INFO]),
		number_field("KNOWN", totals->known),
		codes_field(totals->codes),
		number_field("DURATION_MS", summary->duration_ms),
	};
	size_t count = 0;

	/* a field for which there was no memory is in the message all the same */
	for (size_t i = 0; i < ELEMENTS(fields); i++)
		if (fields[i])
			fields[count++] = fields[i];
	if (!journal_send(priority_of(totals), message, fields, count)) {
		openlog("nsinspect", LOG_PID, LOG_AUTHPRIV);
		syslog(priority_of(totals), "%s", message);
		closelog();
	}
	for (size_t i = 0; i < count; i++)
		free(fields[i]);
}

int audit_log(const struct audit_summary *summary)
{
	_cleanup_free_ char *message = NULL;
	struct totals totals;
	int r = add_up(summary, &totals);

	if (r < 0)
		return r;
	if (asprintf(&message,
		     "audit: critical=%" PRIu64 " warning=%" PRIu64 " info=%" PRIu64 " known=%" PRIu64
		     " codes=%s seconds=%" PRIu64 ".%03u",
		     totals.new[AUDIT_CRITICAL], totals.new[AUDIT_WARNING], totals.new[AUDIT_INFO], totals.known,
		     totals.codes, summary->duration_ms / 1000, (unsigned)(summary->duration_ms % 1000)) < 0) {
		message = NULL;
		r = -ENOMEM;
	} else {
		send_line(&totals, summary, message);
	}
	free(totals.codes);
	return r;
}
