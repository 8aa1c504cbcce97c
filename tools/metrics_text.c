/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/metrics_text.h"

#include <inttypes.h>

static void put_help(FILE *out, const char *name, const char *help)
{
	(void)fprintf(out, "# HELP %s %s\n", name, help);
}

void metrics_gauge(FILE *out, const char *name, const char *help)
{
	put_help(out, name, help);
	(void)fprintf(out, "# TYPE %s gauge\n", name);
}

void metrics_counter(FILE *out, const char *name, const char *help)
{
	put_help(out, name, help);
}

/*
 * Text of others: a value must be UTF-8, and one that is not makes a reader drop the whole file. So every byte that is
 * not printable ASCII is \xNN, and a backslash before an 'x' \x5c, as nsinspect shows it elsewhere; two
 * different texts stay different. In a label a backslash is written twice.
 */
static void put_value(FILE *out, const char *value)
{
	for (const unsigned char *at = (const unsigned char *)value; *at; at++) {
		if (*at < ' ' || *at > '~' || (at[0] == '\\' && at[1] == 'x'))
			(void)fprintf(out, "\\\\x%02x", *at);
		else if (*at == '\\' || *at == '"')
			(void)fprintf(out, "\\%c", *at);
		else
			(void)fputc(*at, out);
	}
}

void metrics_sample(FILE *out, const char *name, const struct metrics_label *labels, uint64_t value)
{
	(void)fputs(name, out);
	for (const struct metrics_label *label = labels; label && label->name; label++) {
		(void)fprintf(out, "%s%s=\"", label == labels ? "{" : ",", label->name);
		put_value(out, label->value);
		(void)fputc('"', out);
	}
	(void)fprintf(out, "%s %" PRIu64 "\n", labels && labels->name ? "}" : "", value);
}

void metrics_sample_seconds(FILE *out, const char *name, uint64_t milliseconds)
{
	(void)fprintf(out, "%s %" PRIu64 ".%03u\n", name, milliseconds / 1000, (unsigned)(milliseconds % 1000));
}

void metrics_end(FILE *out)
{
	(void)fputs("# EOF\n", out);
}
