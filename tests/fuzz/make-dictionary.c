/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* Prints the words of the policy language, and statements made of them, as a dictionary of libFuzzer and AFL++. */
#include "common/cleanup.h"
#include "config/keys.h"

#include <string.h>

static const char *const words[] = {
	/* syntax, and what libconfuse would take for it */
	"=",
	"+=",
	"{",
	"}",
	"{\"",
	"\", \"",
	"\"}",
	"\"",
	"'",
	"\\\"",
	"\\\\",
	"#",
	"//",
	"/*",
	"*/",
	"${",
	"${HOME}",
	"$HOME",
	"~",
	"~/",
	"~root",
	"(",
	")",
	"include(\"",
	"|",
	"network|mode",
	"__unknown",
	"\n",
	"\r\n",
	"\f",
	"\t",
	"+",
	",",
	/* values */
	"%u",
	"%U",
	"%g",
	"%h",
	"%s",
	"%%",
	"%",
	"512m",
	"128k",
	"8g",
	"1125899906842624",
	"18446744073709551616",
	"0",
	"-1",
	"1000000",
	"sshd",
	"cron",
	"local",
	"192.0.2.0/24",
	"10.0.0.0/8",
	"2001:db8::/32",
	"::ffff:192.0.2.1/120",
	"fe80::1%eth0",
	"::/0",
	"0.0.0.0/0",
	"group/base.conf",
	"group/students.conf",
	"default.conf",
	"user/alice.conf",
	"/tmp",
	"/var/tmp",
	"/dev/shm",
	"/srv/base",
	"/../",
	"/./",
	"%h-%u",
	"yes",
	"no",
	"on",
	/* sections of sections */
	"private \"/tmp\" { size = \"1m\" }",
	"mount { private \"/srv\" { } }",
	"service \"sshd\" { network { mode = \"host\" } }",
	"extends = \"group/base.conf\"\n",
	/* characters of more than a byte, good and bad */
	"\xc3\xa4",
	"\xe2\x82\xac",
	"\xf0\x9f\x98\x80",
	"\xc0\x80",
	"\xed\xa0\x80",
	"\xc2\x85",
	"\xef\xbb\xbf",
	"\x1b",
	"\x7f",
};

static void put_escaped(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\' || c < ' ' || c >= 0x7f)
			(void)printf("\\x%02x", (unsigned)c);
		else
			(void)putchar(c);
	}
}

static void put(const char *text, size_t length)
{
	(void)putchar('"');
	put_escaped(text, length);
	(void)puts("\"");
}

/* The parts of "mount.private.size", each by itself. */
static void put_parts(const char *name)
{
	for (size_t length; *name; name += length, name += *name == '.') {
		length = strcspn(name, ".");
		put(name, length);
	}
}

/* mount { private "/srv" { size = "512m" } } */
static void put_statement(const struct key_info *info, const char *value)
{
	char text[128] = "", end[32] = "";
	const char *name = info->name;
	const char *before = info->type == VALUE_LIST ? "{\"" : "\"", *after = info->type == VALUE_LIST ? "\"}" : "\"";
	int length = 0;

	for (const char *dot; (dot = strchr(name, '.')); name = dot + 1) {
		bool titled = strncmp(name, "private.", 8) == 0 || strncmp(name, "bind.", 5) == 0;

		length += snprintf(text + length, sizeof(text) - (size_t)length, "%.*s %s{ ", (int)(dot - name), name,
				   titled ? "\"/srv\" " : "");
		(void)strcat(end, " }");
	}
	length += snprintf(text + length, sizeof(text) - (size_t)length, "%s = %s%s%s%s\n", name, before, value, after,
			   end);
	if ((size_t)length < sizeof(text))
		put(text, (size_t)length);
}

static void put_key(const struct key_info *info)
{
	put_parts(info->name);
	if (info->type == VALUE_SECTION)
		return;
	if (info->fallback && info->fallback[0])
		put(info->fallback, strlen(info->fallback));
	for (const struct choice *choice = info->choices; choice && choice->name; choice++) {
		put(choice->name, strlen(choice->name));
		put_statement(info, choice->name);
	}
	if (!info->choices)
		put_statement(info, info->fallback ? info->fallback : "local");
}

int main(void)
{
	for (enum policy_key key = 0; key < POLICY_KEYS; key++)
		put_key(&policy_keys[key]);
	for (size_t i = 0; i < ELEMENTS(words); i++)
		put(words[i], strlen(words[i]));
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
