/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/expand.h"

#include "config/hash.h"
#include "config/problem.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define HASH_DIGITS 8 /* of a shortened host name */

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* [A-Za-z0-9_.-]+, and not "." or "..", which would name another directory. */
static bool is_path_component(const char *text)
{
	if (text[0] == '\0' || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return false;
	for (; *text; text++)
		if (!is_letter_or_digit(*text) && !strchr("_.-", *text))
			return false;
	return true;
}

int expand_check(const char *pattern, enum expand_kind kind, char **ret_problem)
{
	(void)kind;
	for (const char *at = strchr(pattern, '%'); at; at = strchr(at + 2, '%')) {
		if (at[1] == '\0')
			return problem(ret_problem, -EINVAL,
				       "'%s' ends with a lone '%%'; write '%%%%' for the character", pattern);
		if (!strchr("uUghs%", at[1]))
			return problem(ret_problem, -EINVAL, "'%%%c' in '%s' is none of %%u, %%U, %%g, %%h, %%s, %%%%",
				       at[1], pattern);
	}
	return 0;
}

/* What one letter stands for; uid is room for a number. */
static const char *value_of(char letter, const struct expansion *values, const char *uid)
{
	switch (letter) {
	case 'u':
		return values->user;
	case 'U':
		return uid;
	case 'g':
		return values->group;
	case 'h':
		return values->host;
	case 's':
		return values->session;
	default:
		return "%";
	}
}

static int check_value(char letter, const char *value, enum expand_kind kind, const char *pattern, char **ret_problem)
{
	if (letter == '%')
		return 0;
	if (!value || value[0] == '\0')
		return problem(ret_problem, -EINVAL, "'%%%c' in '%s' has no value here", letter, pattern);
	if (kind == EXPAND_PATH && !is_path_component(value))
		return problem(ret_problem, -EINVAL, "'%%%c' in '%s' is '%s' here, which has no place in a path%s",
			       letter, pattern, value, letter == 'u' ? "; use %U" : "");
	return 0;
}

/* The pattern with its values in, unjudged; malloced. */
static int substitute(const char *pattern, const struct expansion *values, enum expand_kind kind, char **ret,
		      char **ret_problem)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	char uid[24];
	FILE *stream;
	int r = 0;

	(void)snprintf(uid, sizeof(uid), "%ju", (uintmax_t)values->uid);
	stream = open_memstream(&text, &size);
	if (!stream)
		return -ENOMEM;
	for (const char *at = pattern; *at && r >= 0; at++) {
		const char *value;

		if (*at != '%') {
			(void)fputc(*at, stream);
			continue;
		}
		at++;
		value = value_of(*at, values, uid);
		r = check_value(*at, value, kind, pattern, ret_problem);
		if (r >= 0)
			(void)fputs(value, stream);
	}
	if (ferror(stream) && r >= 0)
		r = -ENOMEM;
	if (fclose(stream) != 0 && r >= 0)
		r = -ENOMEM;
	if (r < 0)
		return r;
	*ret = TAKE_PTR(text);
	return 0;
}

/*
 * Bytes outside [A-Za-z0-9-] become '-'. A longer name keeps its start and ends
 * in '-' and a hash of all of it, so that names that differ late stay different.
 */
static void make_hostname(char *text)
{
	size_t length = strlen(text);
	uint64_t hash = hash_add(HASH_START, text, length);

	for (char *at = text; *at; at++)
		if (!is_letter_or_digit(*at))
			*at = '-';
	if (length > HOSTNAME_MAX)
		(void)snprintf(text + HOSTNAME_MAX - HASH_DIGITS - 1, HASH_DIGITS + 2, "-%08" PRIx32,
			       (uint32_t)(hash ^ hash >> 32));
}

int expand(const char *pattern, const struct expansion *values, enum expand_kind kind, char **ret, char **ret_problem)
{
	_cleanup_free_ char *text = NULL;
	int r;

	r = expand_check(pattern, kind, ret_problem);
	if (r < 0)
		return r;
	r = substitute(pattern, values, kind, &text, ret_problem);
	if (r < 0)
		return r;
	if (kind == EXPAND_HOSTNAME) {
		if (text[0] == '\0')
			return problem(ret_problem, -EINVAL, "the host name is empty");
		make_hostname(text);
	}
	*ret = TAKE_PTR(text);
	return 0;
}
