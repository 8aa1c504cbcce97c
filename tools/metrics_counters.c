/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/metrics_counters.h"

#include "common/error.h"
#include "common/read_whole.h"
#include "session/counters.h"
#include "session/record.h"
#include "tools/metrics_text.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static const struct family {
	const char *name, *label, *help;
	struct {
		const char *value;
		enum counter counter;
	} members[8]; /* up to one without a value */
} families[] = {
	{ "nsisolate_opens_total",
	  "kind",
	  "Logins that got a session since boot: a new one, one of the same user that they joined, or in mode audit a "
	  "record alone.",
	  {
		  { "new", COUNTER_OPENED },
		  { "joined", COUNTER_JOINED },
		  { "audit", COUNTER_WOULD_ISOLATE },
	  } },
	{ "nsisolate_refusals_total",
	  "reason",
	  "Logins that were refused since boot: policy is broken, no_policy is theirs, the policy denied them, "
	  "the limit of sessions is reached, or a step failed.",
	  {
		  { "policy", COUNTER_REFUSED_POLICY },
		  { "no_policy", COUNTER_REFUSED_NO_POLICY },
		  { "denied", COUNTER_REFUSED_DENIED },
		  { "limit", COUNTER_REFUSED_LIMIT },
		  { "failed", COUNTER_REFUSED_FAILED },
	  } },
	{ "nsisolate_passes_total",
	  "reason",
	  "Logins that were passed without a session since boot; audit: mode audit, and enforced they would have been "
	  "refused.",
	  {
		  { "root", COUNTER_PASSED_ROOT },
		  { "exempt", COUNTER_PASSED_EXEMPT },
		  { "off", COUNTER_PASSED_OFF },
		  { "no_policy", COUNTER_PASSED_NO_POLICY },
		  { "system_user", COUNTER_PASSED_SYSTEM_USER },
		  { "user_manager", COUNTER_PASSED_USER_MANAGER },
		  { "audit", COUNTER_PASSED_AUDIT },
	  } },
	{ "nsisolate_closes_total",
	  "kind",
	  "Logins that were closed by their login program since boot: the session ended with them, went on without "
	  "them, or closing failed.",
	  {
		  { "ended", COUNTER_CLOSED_ENDED },
		  { "left", COUNTER_CLOSED_LEFT },
		  { "failed", COUNTER_CLOSED_FAILED },
	  } },
};

static int read_numbers(uint32_t numbers[COUNTERS])
{
	_cleanup_close_ int fd =
		open(RECORD_ROOT "/" COUNTERS_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	_cleanup_free_ char *bytes = NULL;
	struct stat status;
	size_t size;
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : negative_errno();
	if (fstat(fd, &status) < 0)
		return negative_errno();
	if (!S_ISREG(status.st_mode) || status.st_uid != 0 || (status.st_mode & 077))
		return -EPERM;
	r = read_whole(fd, COUNTERS_SIZE, &bytes, &size);
	if (r < 0)
		return r;
	if (size != COUNTERS_SIZE || memcmp(bytes, COUNTERS_MAGIC, sizeof(COUNTERS_MAGIC)) != 0)
		return -EBADMSG;
	memcpy(numbers, bytes + COUNTERS_HEADER_SIZE, COUNTERS * sizeof(*numbers));
	return 0;
}

int metrics_put_counters(FILE *out)
{
	uint32_t numbers[COUNTERS] = { 0 };
	int r = read_numbers(numbers);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ELEMENTS(families); i++) {
		const struct family *family = &families[i];

		metrics_counter(out, family->name, family->help);
		for (size_t j = 0; j < ELEMENTS(family->members) && family->members[j].value; j++) {
			const struct metrics_label labels[] = { { family->label, family->members[j].value }, { 0 } };

			metrics_sample(out, family->name, labels, numbers[family->members[j].counter]);
		}
	}
	return 0;
}
