/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/audit_log.h"

#include "tools/system_log.h"

#include <inttypes.h>
#include <string.h>
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

int audit_log(const struct audit_summary *summary)
{
	struct system_log log;
	struct log_entry entry;
	struct totals totals;
	char duration[24];
	int r = add_up(summary, &totals);

	if (r < 0)
		return r;
	log_entry_begin(&entry, LOG_AUDIT);
	entry.priority = priority_of(&totals);
	log_entry_plain(&entry, "critical", "%" PRIu64, totals.new[AUDIT_CRITICAL]);
	log_entry_plain(&entry, "warning", "%" PRIu64, totals.new[AUDIT_WARNING]);
	log_entry_plain(&entry, "info", "%" PRIu64, totals.new[AUDIT_INFO]);
	log_entry_plain(&entry, "known", "%" PRIu64, totals.known);
	log_entry_plain(&entry, "codes", "%s", totals.codes);
	/* that nothing was found is said in the field, too */
	if (strcmp(totals.codes, "-") == 0)
		log_entry_field(&entry, "codes", "-");
	log_entry_plain(&entry, "seconds", "%" PRIu64 ".%03u", summary->duration_ms / 1000,
			(unsigned)(summary->duration_ms % 1000));
	(void)snprintf(duration, sizeof(duration), "%" PRIu64, summary->duration_ms);
	log_entry_field(&entry, "duration_ms", duration);
	free(totals.codes);
	(void)system_log_open(&log, "nsinspect");
	system_log_write(&log, entry);
	system_log_close(&log);
	return 0;
}
