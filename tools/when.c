/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/when.h"

#include "config/problem.h"

#include <string.h>
#include <time.h>

#define SECONDS_MAX (INT64_C(1) << 40) /* no number of seconds that anybody means is larger */
#define FORMS       "2026-11-22, \"2026-11-22 10:00\", 10:00, -1h30min, \"2 days ago\", today, yesterday or @SECONDS"

static const struct unit {
	const char *name;
	int64_t seconds;
} units[] = {
	{ "s", 1 },       { "sec", 1 },       { "second", 1 },     { "seconds", 1 }, { "m", 60 },
	{ "min", 60 },    { "minute", 60 },   { "minutes", 60 },   { "h", 3600 },    { "hr", 3600 },
	{ "hour", 3600 }, { "hours", 3600 },  { "d", 86400 },      { "day", 86400 }, { "days", 86400 },
	{ "w", 604800 },  { "week", 604800 }, { "weeks", 604800 },
};

static bool is_digit(char character)
{
	return character >= '0' && character <= '9';
}

/* Exactly so many digits. */
static bool take_digits(const char **at, size_t count, int *ret)
{
	int number = 0;

	for (size_t i = 0; i < count; i++) {
		if (!is_digit((*at)[i]))
			return false;
		number = 10 * number + ((*at)[i] - '0');
	}
	*at += count;
	*ret = number;
	return true;
}

static bool take(const char **at, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(*at, word, length) != 0)
		return false;
	*at += length;
	return true;
}

/* At least one digit, and a number of at most SECONDS_MAX. */
static bool take_number(const char **at, int64_t *ret)
{
	int64_t number = 0;

	if (!is_digit(**at))
		return false;
	while (is_digit(**at) && number <= SECONDS_MAX)
		number = 10 * number + (*(*at)++ - '0');
	*ret = number;
	return number <= SECONDS_MAX;
}

/* "1h30min", "2 days": what stands at `at`, up to something that is none. */
static bool take_span(const char **at, int64_t *ret)
{
	int64_t total = 0;
	bool any = false;

	while (is_digit(**at)) {
		const struct unit *unit = NULL;
		int64_t number;
		size_t length;

		if (!take_number(at, &number))
			return false;
		while (take(at, " "))
			;
		length = strspn(*at, "abcdefghijklmnopqrstuvwxyz");
		for (size_t i = 0; i < ELEMENTS(units); i++)
			if (strlen(units[i].name) == length && strncmp(units[i].name, *at, length) == 0)
				unit = &units[i];
		if (!unit || number > SECONDS_MAX / unit->seconds)
			return false;
		total += number * unit->seconds;
		if (total > SECONDS_MAX)
			return false;
		*at += length;
		any = true;
		if (is_digit((*at)[strspn(*at, " ")]))
			*at += strspn(*at, " ");
	}
	*ret = total;
	return any;
}

static bool parse_relative(const char *text, int64_t now, int64_t *ret)
{
	const bool minus = *text == '-';
	const char *at = text + minus;
	int64_t span;

	if (!take_span(&at, &span) || strcmp(at, minus ? "" : " ago") != 0)
		return false;
	*ret = now - span;
	return true;
}

/* "10:00" or "10:00:30". */
static bool take_time(const char **at, struct tm *tm)
{
	if (!take_digits(at, 2, &tm->tm_hour) || !take(at, ":") || !take_digits(at, 2, &tm->tm_min))
		return false;
	return !take(at, ":") || take_digits(at, 2, &tm->tm_sec);
}

static bool take_date(const char **at, struct tm *tm)
{
	if (!take_digits(at, 4, &tm->tm_year) || !take(at, "-") || !take_digits(at, 2, &tm->tm_mon) || !take(at, "-") ||
	    !take_digits(at, 2, &tm->tm_mday))
		return false;
	tm->tm_year -= 1900;
	tm->tm_mon -= 1;
	return true;
}

/* "Z", "+01:00", "-0130". */
static bool take_zone(const char **at, int64_t *ret_east)
{
	const bool west = **at == '-';
	int hours, minutes;

	*ret_east = 0;
	if (take(at, "Z"))
		return true;
	if (!take(at, "+") && !take(at, "-"))
		return false;
	if (!take_digits(at, 2, &hours))
		return false;
	(void)take(at, ":");
	if (!take_digits(at, 2, &minutes) || hours > 14 || minutes > 59)
		return false;
	*ret_east = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

/* The day, hour or minute may be one that there is not: of the calendar, or left out by summer time. */
static bool to_seconds(const struct tm *wanted, const int64_t *east, int64_t *ret)
{
	struct tm tm = *wanted;

	tm.tm_isdst = -1;
	*ret = east ? (int64_t)timegm(&tm) - *east : (int64_t)mktime(&tm);
	return tm.tm_year == wanted->tm_year && tm.tm_mon == wanted->tm_mon && tm.tm_mday == wanted->tm_mday &&
	       tm.tm_hour == wanted->tm_hour && tm.tm_min == wanted->tm_min && tm.tm_sec == wanted->tm_sec;
}

/* 1; 0: no such form; -EINVAL: the form, and no such time. */
static int parse_absolute(const char *text, const struct tm *today, int64_t *ret)
{
	struct tm tm = { .tm_year = today->tm_year, .tm_mon = today->tm_mon, .tm_mday = today->tm_mday };
	const char *at = text;
	int64_t east = 0;
	bool zone = false;

	if (take_date(&at, &tm)) {
		if (*at && ((!take(&at, " ") && !take(&at, "T")) || !take_time(&at, &tm)))
			return 0;
		zone = *at != '\0';
		if (zone && !take_zone(&at, &east))
			return 0;
	} else {
		tm.tm_year = today->tm_year;
		tm.tm_mon = today->tm_mon;
		at = text;
		if (!take_time(&at, &tm))
			return 0;
	}
	if (*at)
		return 0;
	return to_seconds(&tm, zone ? &east : NULL, ret) ? 1 : -EINVAL;
}

static bool parse_word(const char *text, const struct tm *today, int64_t now, int64_t *ret)
{
	struct tm tm = {
		.tm_year = today->tm_year, .tm_mon = today->tm_mon, .tm_mday = today->tm_mday, .tm_isdst = -1
	};

	if (strcmp(text, "now") == 0) {
		*ret = now;
		return true;
	}
	if (strcmp(text, "yesterday") == 0)
		tm.tm_mday--;
	else if (strcmp(text, "today") != 0)
		return false;
	/* of a day that begins at 1 o'clock, mktime(3) gives that */
	*ret = (int64_t)mktime(&tm);
	return true;
}

static bool parse_epoch(const char *text, int64_t *ret)
{
	const char *at = text + 1;

	return *text == '@' && take_number(&at, ret) && *at == '\0';
}

int when_parse(const char *text, int64_t now, int64_t *ret, char **ret_problem)
{
	time_t time = (time_t)now;
	struct tm today;
	int64_t when;
	int r = 1;

	if (!localtime_r(&time, &today))
		return problem(ret_problem, -EINVAL, "the clock of this host cannot be read as a date");
	if (!parse_word(text, &today, now, &when) && !parse_epoch(text, &when) && !parse_relative(text, now, &when))
		r = parse_absolute(text, &today, &when);
	if (r == 0)
		return problem(ret_problem, -EINVAL, "'%s' is no time: write " FORMS, text);
	if (r < 0)
		return problem(ret_problem, -EINVAL, "'%s': there is no such day or time", text);
	if (when > now)
		return problem(ret_problem, -EINVAL, "'%s' is still to come", text);
	*ret = when;
	return 0;
}
