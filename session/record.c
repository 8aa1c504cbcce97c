/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * The text of a record, both ways. Pure. The parser meets text that root
 * inside a session may have written: it accepts what record_format() can
 * write, in any order, and nothing else.
 */

#include "session/record.h"

#include <limits.h>
#include <string.h>

#define OPENED_MAX       INT64_C(253402300799) /* the last second of the year 9999: four digits for whoever prints it */
#define VERSION_LINE     "nsisolate-record=1\n"
#define NAMESPACE_PREFIX "ns-"

enum field_type {
	FIELD_ID,   /* SESSION_ID_LENGTH lower-case hexadecimal digits */
	FIELD_NAME, /* text, not empty */
	FIELD_TEXT, /* text */
	FIELD_UID,
	FIELD_PID,
	FIELD_NUMBER,
	FIELD_HASH, /* 16 lower-case hexadecimal digits */
	FIELD_SECONDS,
};

struct field {
	const char *key;
	enum field_type type;
	size_t offset;
};

/* In the order of the text. The last one is required, so that a text cut off between two lines is no record. */
static const struct field fields[] = {
	{ "id", FIELD_ID, offsetof(struct record, id) },
	{ "login", FIELD_TEXT, offsetof(struct record, login) },
	{ "user", FIELD_NAME, offsetof(struct record, user) },
	{ "uid", FIELD_UID, offsetof(struct record, uid) },
	{ "service", FIELD_TEXT, offsetof(struct record, service) },
	{ "tty", FIELD_TEXT, offsetof(struct record, tty) },
	{ "remote-host", FIELD_TEXT, offsetof(struct record, remote_host) },
	{ "login-pid", FIELD_PID, offsetof(struct record, login_pid) },
	{ "login-start", FIELD_NUMBER, offsetof(struct record, login_start) },
	{ "init-pid", FIELD_PID, offsetof(struct record, init_pid) },
	{ "outer-pid-namespace", FIELD_NUMBER, offsetof(struct record, outer_pid_namespace) },
	{ "policy", FIELD_NAME, offsetof(struct record, policy) },
	{ "sources", FIELD_TEXT, offsetof(struct record, sources) },
	{ "policy-hash", FIELD_HASH, offsetof(struct record, policy_hash) },
	{ "setting", FIELD_HASH, offsetof(struct record, setting) },
	{ "network", FIELD_NAME, offsetof(struct record, network) },
	{ "slirp-pid", FIELD_NUMBER, offsetof(struct record, slirp_pid) },
	{ "slirp-start", FIELD_NUMBER, offsetof(struct record, slirp_start) },
	{ "mode", FIELD_NAME, offsetof(struct record, mode) },
	{ "scope", FIELD_NAME, offsetof(struct record, scope) },
	{ "interface", FIELD_TEXT, offsetof(struct record, interface) },
	{ "addresses", FIELD_TEXT, offsetof(struct record, addresses) },
	{ "on-logout", FIELD_NAME, offsetof(struct record, on_logout) },
	{ "opened", FIELD_SECONDS, offsetof(struct record, opened) },
};

_Static_assert(ELEMENTS(fields) + NAMESPACE_KINDS <= 64, "the parser marks what it has seen in 64 bits");

static bool is_text(const struct field *field)
{
	return field->type == FIELD_NAME || field->type == FIELD_TEXT;
}

static void *member(struct record *record, const struct field *field)
{
	return (char *)record + field->offset;
}

static const void *const_member(const struct record *record, const struct field *field)
{
	return (const char *)record + field->offset;
}

void record_release(struct record *record)
{
	for (size_t i = 0; !record->texts && i < ELEMENTS(fields); i++) {
		if (is_text(&fields[i]))
			free(*(char **)member(record, &fields[i]));
	}
	free(record->texts);
	*record = (struct record){ 0 };
}

static bool needs_escape(unsigned char byte)
{
	return byte < 0x20 || byte > 0x7e || byte == '\\';
}

static void write_text(FILE *out, const char *text)
{
	for (; text && *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (needs_escape(byte))
			(void)fprintf(out, "\\x%02x", byte);
		else
			(void)fputc(byte, out);
	}
}

static void write_value(FILE *out, const struct record *record, const struct field *field)
{
	const void *value = const_member(record, field);

	switch (field->type) {
	case FIELD_ID:
		write_text(out, value);
		break;
	case FIELD_NAME:
	case FIELD_TEXT:
		write_text(out, *(char *const *)value);
		break;
	case FIELD_UID:
		(void)fprintf(out, "%ju", (uintmax_t) * (const uid_t *)value);
		break;
	case FIELD_PID:
		(void)fprintf(out, "%jd", (intmax_t) * (const pid_t *)value);
		break;
	case FIELD_NUMBER:
		(void)fprintf(out, "%ju", (uintmax_t) * (const uint64_t *)value);
		break;
	case FIELD_HASH:
		(void)fprintf(out, "%016jx", (uintmax_t) * (const uint64_t *)value);
		break;
	case FIELD_SECONDS:
		(void)fprintf(out, "%jd", (intmax_t) * (const int64_t *)value);
		break;
	}
}

static void write_namespaces(FILE *out, const struct record *record)
{
	for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
		if (record->namespaces[i])
			(void)fprintf(out, NAMESPACE_PREFIX "%s=%ju\n", namespace_table[i].name,
				      (uintmax_t)record->namespaces[i]);
	}
}

char *record_format(const struct record *record)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;

	(void)fputs(VERSION_LINE, out);
	for (size_t i = 0; i < ELEMENTS(fields); i++) {
		/* namespaces stand in the middle: what follows them is required and shows that none was cut off */
		if (strcmp(fields[i].key, "policy") == 0)
			write_namespaces(out, record);
		(void)fprintf(out, "%s=", fields[i].key);
		write_value(out, record, &fields[i]);
		(void)fputc('\n', out);
	}

	int failed = ferror(out);

	if (fclose(out) != 0 || failed)
		return NULL;
	return TAKE_PTR(text);
}

/* A piece of the text that is being parsed; not terminated. */
struct slice {
	const char *start;
	size_t size;
};

static bool slice_is(struct slice slice, const char *text)
{
	return slice.size == strlen(text) && memcmp(slice.start, text, slice.size) == 0;
}

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return -1;
}

/* Canonical decimal only: no sign, no space, no leading zero. */
static int parse_decimal(struct slice value, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t number = 0;

	if (value.size == 0 || (value.start[0] == '0' && value.size > 1))
		return -EBADMSG;

	for (size_t i = 0; i < value.size; i++) {
		if (value.start[i] < '0' || value.start[i] > '9')
			return -EBADMSG;
		if (__builtin_mul_overflow(number, 10u, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(value.start[i] - '0'), &number))
			return -EBADMSG;
	}
	if (number < min || number > max)
		return -EBADMSG;

	*ret = number;
	return 0;
}

static int parse_hash(struct slice value, uint64_t *ret)
{
	uint64_t number = 0;

	if (value.size != 16)
		return -EBADMSG;

	for (size_t i = 0; i < value.size; i++) {
		int digit = hex_digit(value.start[i]);

		if (digit < 0)
			return -EBADMSG;
		number = number << 4 | (uint64_t)digit;
	}
	*ret = number;
	return 0;
}

static int parse_id(struct slice value, char ret[SESSION_ID_LENGTH + 1])
{
	if (value.size != SESSION_ID_LENGTH)
		return -EBADMSG;

	for (size_t i = 0; i < value.size; i++) {
		if (hex_digit(value.start[i]) < 0)
			return -EBADMSG;
	}
	memcpy(ret, value.start, value.size);
	ret[value.size] = '\0';
	return 0;
}

/* One byte of a value, escaped or not, from *at on. NUL is none: it would end the string early. */
static int parse_byte(struct slice value, size_t *at, char *ret)
{
	char first = value.start[*at];

	if (first != '\\') {
		if (needs_escape((unsigned char)first))
			return -EBADMSG;
		*ret = first;
		*at += 1;
		return 0;
	}

	if (value.size - *at < 4 || value.start[*at + 1] != 'x')
		return -EBADMSG;

	int high = hex_digit(value.start[*at + 2]);
	int low = hex_digit(value.start[*at + 3]);

	if (high < 0 || low < 0 || (high == 0 && low == 0))
		return -EBADMSG;
	*ret = (char)(high << 4 | low);
	*at += 4;
	return 0;
}

/* Into *room, which is moved behind it: values are never longer than the text that they are in. */
static int parse_text(struct slice value, char **room, char **ret)
{
	char *to = *room;

	for (size_t at = 0; at < value.size; to++) {
		int r = parse_byte(value, &at, to);

		if (r < 0)
			return r;
	}
	*to = '\0';
	*ret = *room;
	*room = to + 1;
	return 0;
}

static int parse_field(const struct field *field, struct slice value, char **room, struct record *record)
{
	void *to = member(record, field);
	uint64_t number;
	int r;

	switch (field->type) {
	case FIELD_ID:
		return parse_id(value, to);
	case FIELD_NAME:
		if (value.size == 0)
			return -EBADMSG;
		return parse_text(value, room, to);
	case FIELD_TEXT:
		return parse_text(value, room, to);
	case FIELD_UID:
		/* (uid_t)-1 is nobody's: setreuid(2) */
		r = parse_decimal(value, 0, UINT32_MAX - 1, &number);
		if (r == 0)
			*(uid_t *)to = (uid_t)number;
		return r;
	case FIELD_PID:
		r = parse_decimal(value, 1, INT_MAX, &number);
		if (r == 0)
			*(pid_t *)to = (pid_t)number;
		return r;
	case FIELD_NUMBER:
		return parse_decimal(value, 0, UINT64_MAX, to);
	case FIELD_HASH:
		return parse_hash(value, to);
	case FIELD_SECONDS:
		r = parse_decimal(value, 0, OPENED_MAX, &number);
		if (r == 0)
			*(int64_t *)to = (int64_t)number;
		return r;
	}
	return -EBADMSG;
}

static int find_kind(struct slice name)
{
	for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
		if (slice_is(name, namespace_table[i].name))
			return (int)(ELEMENTS(fields) + i);
	}
	return -EBADMSG;
}

/*
 * The number of a key: an index into fields, or ELEMENTS(fields) plus a namespace kind; -EBADMSG when unknown. They are
 * looked for from *next on, since most texts have them in order.
 */
static int find_key(struct slice key, size_t *next)
{
	const size_t prefix = strlen(NAMESPACE_PREFIX);

	if (key.size > prefix && memcmp(key.start, NAMESPACE_PREFIX, prefix) == 0)
		return find_kind((struct slice){ key.start + prefix, key.size - prefix });
	for (size_t i = 0; i < ELEMENTS(fields); i++) {
		size_t at = (*next + i) % ELEMENTS(fields);

		if (slice_is(key, fields[at].key)) {
			*next = at + 1;
			return (int)at;
		}
	}
	return -EBADMSG;
}

static int parse_line(struct slice line, uint64_t *seen, size_t *next, char **room, struct record *record)
{
	const char *equals = memchr(line.start, '=', line.size);

	if (!equals)
		return -EBADMSG;

	struct slice key = { line.start, (size_t)(equals - line.start) };
	struct slice value = { equals + 1, line.size - key.size - 1 };
	int number = find_key(key, next);

	if (number < 0)
		return number;
	if (*seen & UINT64_C(1) << number)
		return -EBADMSG;
	*seen |= UINT64_C(1) << number;

	if ((size_t)number < ELEMENTS(fields))
		return parse_field(&fields[number], value, room, record);
	return parse_decimal(value, 1, UINT64_MAX, &record->namespaces[(size_t)number - ELEMENTS(fields)]);
}

static int parse_lines(struct slice text, struct record *record)
{
	const uint64_t required = (UINT64_C(1) << ELEMENTS(fields)) - 1;
	char *room = record->texts;
	uint64_t seen = 0;
	size_t next = 0;

	while (text.size > 0) {
		const char *end = memchr(text.start, '\n', text.size);

		if (!end)
			return -EBADMSG;

		struct slice line = { text.start, (size_t)(end - text.start) };
		int r = parse_line(line, &seen, &next, &room, record);

		if (r < 0)
			return r;
		text = (struct slice){ end + 1, text.size - line.size - 1 };
	}
	return (seen & required) == required ? 0 : -EBADMSG;
}

int record_parse(const char *text, size_t size, struct record *ret)
{
	_cleanup_(record_release) struct record record = { 0 };
	size_t head = strlen(VERSION_LINE);

	if (size > RECORD_MAX || size < head || memcmp(text, VERSION_LINE, head) != 0)
		return -EBADMSG;
	record.texts = malloc(size);
	if (!record.texts)
		return -ENOMEM;

	int r = parse_lines((struct slice){ text + head, size - head }, &record);

	if (r < 0)
		return r;
	*ret = record;
	record = (struct record){ 0 };
	return 0;
}
