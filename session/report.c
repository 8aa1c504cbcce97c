/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/report.h"

#include <string.h>

#define REPORT_READY  "ready"
#define REPORT_FAILED "failed"
#define ERRNO_MAX     4095 /* MAX_ERRNO of the kernel */

void report_encode(const struct report *report, struct message *message)
{
	message_put(message, PROTOCOL_VERSION);
	message_put(message, report->error ? REPORT_FAILED : REPORT_READY);
	if (!report->error)
		return;
	message_put(message, report->step);
	message_put(message, report->object ? report->object : "");
	message_put_number(message, (uint64_t)-report->error);
}

int report_decode(const struct message *message, struct report *ret)
{
	struct message_reader reader = message_read(message);
	struct report report = { 0 };
	const char *verb;

	if (strcmp(message_get(&reader), PROTOCOL_VERSION) != 0)
		return -EBADMSG;
	verb = message_get(&reader);
	if (strcmp(verb, REPORT_FAILED) == 0) {
		report.step = message_get(&reader);
		report.object = message_get(&reader);
		report.error = -(int)message_get_number(&reader, ERRNO_MAX);
		if (report.error == 0)
			return -EBADMSG;
	} else if (strcmp(verb, REPORT_READY) != 0) {
		return -EBADMSG;
	}
	if (reader.error || !message_at_end(&reader))
		return -EBADMSG;
	*ret = report;
	return 0;
}
