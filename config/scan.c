/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/scan.h"

#include "config/text.h"

#include <stdint.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

enum place {
	PLACE_KEY,         /* a key, '}' or the end */
	PLACE_AFTER_KEY,   /* '=', '+=', '{' or a title */
	PLACE_AFTER_TITLE, /* '{' */
	PLACE_VALUE,       /* a value, or the '{' of a list */
	PLACE_LIST_FIRST,  /* a value of a list, or its '}' */
	PLACE_LIST_VALUE,  /* a value of a list */
	PLACE_LIST_NEXT,   /* ',' or '}' */
};

struct scanner {
	const char *name;
	struct diagnostics *diag;
	char *text, *at, *end;
	unsigned line;
	enum place place;
	struct scan_event current; /* the assignment or section head being read */
	struct scan_event open[SCAN_DEPTH_MAX];
	unsigned depth;
	unsigned sections; /* opened so far */
	struct scan_event *events;
	size_t count, room;
};

#define FAIL(scanner, line, ...)                                                                      \
	({                                                                                            \
		diagnostics_add((scanner)->diag, SEVERITY_ERROR, (scanner)->name, line, __VA_ARGS__); \
		-EBADMSG;                                                                             \
	})

static const char *expected(const struct scanner *scanner)
{
	switch (scanner->place) {
	case PLACE_KEY:
		return scanner->depth > 0 ? "a key or '}'" : "a key";
	case PLACE_AFTER_KEY:
		return "'=' or '{' after the key";
	case PLACE_VALUE:
	case PLACE_LIST_FIRST:
	case PLACE_LIST_VALUE:
		return "a value";
	case PLACE_LIST_NEXT:
		return "',' or '}' after the value";
	case PLACE_AFTER_TITLE:
	default:
		return "something else";
	}
}

/* "mode off", whatever comes next: the mistake is there, and not in the next line. */
static int unfinished(const struct scanner *scanner)
{
	const struct scan_event *current = &scanner->current;
	bool colon = current->name[current->length - 1] == ':';

	if (current->length == strlen("include") && memcmp(current->name, "include", current->length) == 0)
		return FAIL(scanner, current->line, "include: " SCAN_NO_INCLUDE);
	return FAIL(scanner, current->line, "%.*s: %s", (int)current->length - colon, current->name,
		    colon ? "found ':' after the key; write '=' before a value, '{' before what is in a section"
			  : "'=' is missing before the value, or '{' after the title of a section");
}

static int unexpected(const struct scanner *scanner, const char *found, size_t length)
{
	if (scanner->place == PLACE_AFTER_TITLE)
		return unfinished(scanner);
	return FAIL(scanner, scanner->line, "found %.*s where %s is expected", (int)length, found, expected(scanner));
}

static int emit(struct scanner *scanner, struct scan_event *event)
{
	if (scanner->count == scanner->room) {
		size_t room = scanner->room * 2 + 64;
		struct scan_event *events = reallocarray(scanner->events, room, sizeof(*events));

		if (!events)
			return -ENOMEM;
		scanner->events = events;
		scanner->room = room;
	}
	event->end = scanner->at;
	event->depth = scanner->depth;
	scanner->events[scanner->count++] = *event;
	return 0;
}

static int open_section(struct scanner *scanner)
{
	if (scanner->depth == SCAN_DEPTH_MAX)
		return FAIL(scanner, scanner->line, "more than %d sections within each other", SCAN_DEPTH_MAX);
	if (++scanner->sections > SCAN_SECTIONS_MAX)
		return FAIL(scanner, scanner->line, "more than %d sections in a file", SCAN_SECTIONS_MAX);
	scanner->current.section = true;
	scanner->open[scanner->depth++] = scanner->current;
	scanner->place = PLACE_KEY;
	return 0;
}

static int close_section(struct scanner *scanner)
{
	if (scanner->depth == 0)
		return FAIL(scanner, scanner->line, "'}' closes nothing");
	scanner->place = PLACE_KEY;
	return emit(scanner, &scanner->open[--scanner->depth]);
}

static int take_brace(struct scanner *scanner)
{
	char brace = *scanner->at++;

	if (brace == '{' && scanner->place == PLACE_VALUE) {
		scanner->current.list = true;
		scanner->place = PLACE_LIST_FIRST;
		return 0;
	}
	if (brace == '{' && (scanner->place == PLACE_AFTER_KEY || scanner->place == PLACE_AFTER_TITLE))
		return open_section(scanner);
	if (brace == '}' && scanner->place == PLACE_LIST_NEXT) {
		scanner->place = PLACE_KEY;
		return emit(scanner, &scanner->current);
	}
	if (brace == '}' && scanner->place == PLACE_LIST_FIRST)
		return FAIL(scanner, scanner->line, "%.*s: an empty list sets nothing; leave the key out",
			    (int)scanner->current.length, scanner->current.name);
	if (brace == '}' && scanner->place == PLACE_KEY)
		return close_section(scanner);
	return unexpected(scanner, brace == '{' ? "'{'" : "'}'", 3);
}

static int take_operator(struct scanner *scanner)
{
	bool append = *scanner->at == '+';

	if (append && scanner->at[1] != '=')
		return unexpected(scanner, "'+'", 3);
	if (scanner->place != PLACE_AFTER_KEY)
		return unexpected(scanner, append ? "'+='" : "'='", append ? 4 : 3);
	scanner->at += append ? 2 : 1;
	scanner->current.append = append;
	scanner->place = PLACE_VALUE;
	return 0;
}

static int take_comma(struct scanner *scanner)
{
	if (scanner->place != PLACE_LIST_NEXT)
		return unexpected(scanner, "','", 3);
	scanner->at++;
	scanner->place = PLACE_LIST_VALUE;
	return 0;
}

/* No key has capitals, but who writes one is told so by its name. */
static bool is_key_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* '-' to ':' are - . / the digits and : */
static bool is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '-' && c <= ':') || c == '_' || c == '%' ||
	       c == '@';
}

static int count_value(struct scanner *scanner)
{
	struct scan_event *current = &scanner->current;

	if (++current->values > SCAN_VALUES_MAX)
		return FAIL(scanner, scanner->line, "%.*s: a list has at most %d values", (int)current->length,
			    current->name, SCAN_VALUES_MAX);
	return 0;
}

/* A key, a title or a value, already read: where it is one decides what it is. */
static int take_text(struct scanner *scanner, const char *start, size_t length, bool quoted)
{
	struct scan_event *current = &scanner->current;

	switch (scanner->place) {
	case PLACE_KEY:
		if (quoted || !is_key_start(*start))
			return unexpected(scanner, start, length);
		*current = (struct scan_event){ .name = start, .length = length, .line = scanner->line };
		scanner->place = PLACE_AFTER_KEY;
		return 0;
	case PLACE_AFTER_KEY:
		current->titled = true;
		scanner->place = PLACE_AFTER_TITLE;
		return 0;
	case PLACE_VALUE:
		current->values = 1;
		scanner->place = PLACE_KEY;
		return emit(scanner, current);
	case PLACE_LIST_FIRST:
	case PLACE_LIST_VALUE:
		scanner->place = PLACE_LIST_NEXT;
		return count_value(scanner);
	case PLACE_AFTER_TITLE:
	case PLACE_LIST_NEXT:
	default:
		return unexpected(scanner, start, length);
	}
}

static int take_word(struct scanner *scanner)
{
	const char *start = scanner->at;

	while (is_bare(*scanner->at)) {
		/* to libconfuse these begin a comment, or do not, by what stands before them */
		if (scanner->at[0] == '/' && (scanner->at[1] == '/' || scanner->at[1] == '*'))
			return FAIL(scanner, scanner->line, "put quotes around a value that has '/%c' in it",
				    scanner->at[1]);
		scanner->at++;
	}
	return take_text(scanner, start, (size_t)(scanner->at - start), false);
}

static int take_string(struct scanner *scanner)
{
	const char *start = scanner->at;
	char quote = *scanner->at++;

	if (*scanner->at == '~')
		return FAIL(scanner, scanner->line, "'~' is not expanded; write the whole path");
	for (; *scanner->at != quote; scanner->at++) {
		if (*scanner->at == '\0' || *scanner->at == '\n')
			return FAIL(scanner, scanner->line,
				    "the string that begins with %.*s is not closed on its line",
				    (int)strcspn(start, "\n"), start);
		if (*scanner->at == '\t' || *scanner->at == '\r')
			return FAIL(scanner, scanner->line, "a control character in a string");
		if (*scanner->at != '\\')
			continue;
		scanner->at++;
		if (*scanner->at != quote && *scanner->at != '\\')
			return FAIL(scanner, scanner->line, "a '\\' may stand only before '\\' or %c in a string",
				    quote);
	}
	scanner->at++;
	return take_text(scanner, start, (size_t)(scanner->at - start), true);
}

static void blank_line_comment(struct scanner *scanner)
{
	while (*scanner->at && *scanner->at != '\n')
		*scanner->at++ = ' ';
}

static int blank_block_comment(struct scanner *scanner)
{
	unsigned first = scanner->line;
	char *close = strstr(scanner->at + 2, "*/");

	if (!close)
		return FAIL(scanner, first, "the comment that begins here is never closed");
	for (; scanner->at < close + 2; scanner->at++) {
		if (*scanner->at == '\n')
			scanner->line++;
		else
			*scanner->at = ' ';
	}
	return 0;
}

/* The code point of a character of text_character(). */
static unsigned code_point(const char *text, size_t length)
{
	unsigned char first = (unsigned char)*text;
	unsigned point = length > 1 ? first & (0x7fu >> length) : first;

	for (size_t i = 1; i < length; i++)
		point = point << 6 | ((unsigned char)text[i] & 0x3fu);
	return point;
}

/* What people write who know other languages, or whose editor writes for them. */
static const char *hint_of(const struct scanner *scanner, unsigned point)
{
	switch (point) {
	case '[':
		return scanner->place == PLACE_KEY ? "; a section is NAME { ... }" : "; a list is { \"A\", \"B\" }";
	case ';':
		return "; nothing ends a value, and a comment begins with #";
	case 0x2018:
	case 0x2019:
	case 0x201c:
	case 0x201d:
	case 0x201e:
		return "; quotes are \" or '";
	default:
		return "";
	}
}

static int found_other(const struct scanner *scanner)
{
	size_t length = text_character(scanner->at, (size_t)(scanner->end - scanner->at));
	unsigned point = code_point(scanner->at, length);
	char number[sizeof(" (U+10FFFF)")] = "";

	/* many look like another, or like nothing */
	if (length > 1)
		(void)snprintf(number, sizeof(number), " (U+%04X)", point & 0x1fffffu);
	return FAIL(scanner, scanner->line, "found '%.*s'%s where %s is expected%s", (int)length, scanner->at, number,
		    expected(scanner), hint_of(scanner, point));
}

static int take_other(struct scanner *scanner)
{
	char c = *scanner->at;

	if (is_bare(c))
		return take_word(scanner);
	if (c == '(')
		return FAIL(scanner, scanner->line, "found '(': there are no functions, and " SCAN_NO_INCLUDE);
	if (c == '~')
		return FAIL(scanner, scanner->line, "'~' is not expanded; write the whole path");
	if (scanner->place == PLACE_AFTER_TITLE)
		return unfinished(scanner);
	return found_other(scanner);
}

static int take_token(struct scanner *scanner)
{
	switch (*scanner->at) {
	case '\n':
		scanner->line++;
		scanner->at++;
		return 0;
	case '\r':
	case '\t':
	case ' ':
		*scanner->at++ = ' ';
		return 0;
	case '#':
		blank_line_comment(scanner);
		return 0;
	case '/':
		if (scanner->at[1] == '*')
			return blank_block_comment(scanner);
		if (scanner->at[1] != '/')
			return take_word(scanner);
		blank_line_comment(scanner);
		return 0;
	case '{':
	case '}':
		return take_brace(scanner);
	case '=':
	case '+':
		return take_operator(scanner);
	case ',':
		return take_comma(scanner);
	case '"':
	case '\'':
		return take_string(scanner);
	default:
		return take_other(scanner);
	}
}

/* One line without its end: printable UTF-8, tabs, and one CR at most, at the end. */
static int check_line(const struct scanner *scanner, const char *text, size_t size, unsigned line)
{
	bool expands = false;
	size_t length;

	if (size > 0 && text[size - 1] == '\r')
		size--;
	if (size > SCAN_LINE_MAX)
		return FAIL(scanner, line, "a line of %zu bytes; at most %d are allowed", size, SCAN_LINE_MAX);
	for (size_t i = 0; i < size; i += length) {
		bool plain = text[i] == '\t' || (text[i] >= ' ' && text[i] <= '~');

		length = plain ? 1 : text_character(text + i, size - i);
		if (length == 0)
			return FAIL(scanner, line, "byte 0x%02x is no printable character of UTF-8",
				    (unsigned)(unsigned char)text[i]);
		expands = expands || (text[i] == '$' && i + 1 < size && text[i + 1] == '{');
	}
	if (expands)
		return FAIL(scanner, line, "'${' is not expanded and not allowed, not even in a comment");
	return 0;
}

static int check_lines(const struct scanner *scanner, const char *text, size_t size)
{
	unsigned line = 1;

	if (size >= strlen(BYTE_ORDER_MARK) && memcmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
		return FAIL(scanner, line, "the file begins with a byte order mark; save it as UTF-8 without one");
	for (size_t start = 0; start < size; line++) {
		const char *newline = memchr(text + start, '\n', size - start);
		size_t length = newline ? (size_t)(newline - text) - start : size - start;
		int r = check_line(scanner, text + start, length, line);

		if (r < 0)
			return r;
		start += length + 1;
	}
	return 0;
}

/* The last line with anything in it; comments are blank by now. */
static unsigned last_line(const struct scanner *scanner)
{
	unsigned line = scanner->line;

	for (const char *end = scanner->end; end > scanner->text && (end[-1] == '\n' || end[-1] == ' '); end--)
		line -= end[-1] == '\n';
	return line;
}

static int check_end(const struct scanner *scanner)
{
	const struct scan_event *open;

	if (scanner->place == PLACE_AFTER_TITLE)
		return unfinished(scanner);
	if (scanner->place != PLACE_KEY)
		return FAIL(scanner, last_line(scanner), "the file ends where %s is expected", expected(scanner));
	if (scanner->depth == 0)
		return 0;
	open = &scanner->open[scanner->depth - 1];
	return FAIL(scanner, open->line, "the section %.*s is never closed; a '}' is missing", (int)open->length,
		    open->name);
}

int scan_policy(const char *name, const char *text, size_t size, struct scan *ret, struct diagnostics *diag)
{
	_cleanup_free_ char *copy = NULL;
	struct scanner scanner = { .name = name, .diag = diag, .line = 1 };
	int r;

	r = check_lines(&scanner, text, size);
	if (r < 0)
		return r;
	copy = strndup(text, size);
	if (!copy)
		return -ENOMEM;
	scanner.text = scanner.at = copy;
	scanner.end = copy + size;
	while (r >= 0 && *scanner.at)
		r = take_token(&scanner);
	if (r >= 0)
		r = check_end(&scanner);
	if (r < 0) {
		free(scanner.events);
		return r;
	}
	*ret = (struct scan){ .text = TAKE_PTR(copy), .events = scanner.events, .count = scanner.count };
	return 0;
}

void scan_release(struct scan *scan)
{
	free(scan->text);
	free(scan->events);
	*scan = (struct scan){ 0 };
}
