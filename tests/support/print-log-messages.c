/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* The catalogue of log messages as the programs have it: id, journal id, level and start of the line, a tab between. */

#include "session/log_messages.h"

#include <stdio.h>

int main(void)
{
	static const char *const levels[] = { "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug" };

	for (size_t i = 0; i < LOG_MESSAGES; i++) {
		const struct log_message_kind *kind = &log_messages[i];

		printf("%.*s\t%s\t%s\t%s\n", LOG_ID_LENGTH, kind->start, kind->message_id, levels[kind->priority],
		       kind->start + LOG_ID_LENGTH + 1);
	}
	return 0;
}
