/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/value.h"

#include "config/address.h"
#include "config/capability.h"
#include "config/egress.h"
#include "config/expand.h"
#include "config/network.h"
#include "config/path.h"
#include "config/policy.h"
#include "config/pool.h"
#include "config/problem.h"
#include "config/suggest.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define SERVICE_NAME_MAX 64 /* bytes */
#define HINT_DIGITS_MAX  9  /* of a size that is worth one */

/* Other languages' words for the two choices of a key that is true or false; NULL for any other. */
static const char *as_boolean(const char *text)
{
	static const char *const yes[] = { "1", "on", "yes", "enable", "enabled" };
	static const char *const no[] = { "0", "off", "no", "disable", "disabled" };

	for (size_t i = 0; i < ELEMENTS(yes); i++) {
		if (strcasecmp(text, yes[i]) == 0)
			return "true";
		if (strcasecmp(text, no[i]) == 0)
			return "false";
	}
	return NULL;
}

static int parse_choice(const struct choice *choices, const char *text, struct value *ret, char **ret_problem)
{
	const struct choice *found = choice_by_name(choices, text);
	_cleanup_free_ char *names = NULL;
	struct suggestion best = { 0 };

	if (found) {
		ret->number = found->value;
		return 0;
	}
	names = choices_join(choices);
	if (!names)
		return -ENOMEM;
	for (const struct choice *choice = choices; choice->name; choice++)
		suggest(&best, text, choice->name);
	if (!best.name && choice_by_name(choices, "true"))
		best.name = as_boolean(text);
	return problem(ret_problem, -EINVAL, "'%s' is none of %s%s%s%s", text, names,
		       best.name ? "; did you mean '" : "", best.name ? best.name : "", best.name ? "'?" : "");
}

static unsigned suffix_shift(const char *suffix)
{
	if (suffix[0] != '\0' && suffix[1] == '\0') {
		switch (suffix[0]) {
		case 'k':
		case 'K':
			return 10;
		case 'm':
		case 'M':
			return 20;
		case 'g':
		case 'G':
			return 30;
		default:
			break;
		}
	}
	return 0;
}

/* "10 MB" and "1TiB" as they are written here: "; did you mean '10m'?"; "" for what is no such thing. */
static void hint_size(const char *text, size_t digits, char *ret, size_t size)
{
	const char *at = text + digits + strspn(text + digits, " ");
	const char unit = (char)(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);

	ret[0] = '\0';
	if (digits == 0 || digits > HINT_DIGITS_MAX || unit == '\0' || !strchr("kmgt", unit))
		return;
	at += at[1] == 'i' ? 2 : 1;
	at += *at == 'b' || *at == 'B';
	if (*at != '\0')
		return;
	if (unit == 't')
		(void)snprintf(ret, size, "; did you mean '%lug'?", strtoul(text, NULL, 10) * 1024);
	else
		(void)snprintf(ret, size, "; did you mean '%.*s%c'?", (int)digits, text, unit);
}

static int parse_size(const char *text, const char *what, struct value *ret, char **ret_problem)
{
	size_t digits = strspn(text, "0123456789");
	unsigned shift = suffix_shift(text + digits);
	uint64_t number = 0;
	char hint[64];

	if (digits == 0 || (text[digits] != '\0' && shift == 0)) {
		hint_size(text, digits, hint, sizeof(hint));
		return problem(ret_problem, -EINVAL, "'%s' is no %s: digits, then nothing, k, m or g%s", text, what,
			       hint);
	}
	for (size_t i = 0; i < digits && number <= VALUE_SIZE_MAX; i++)
		number = number * 10 + (uint64_t)(text[i] - '0');
	if (number == 0)
		return problem(ret_problem, -EINVAL, "'%s' is no %s: it must be at least 1", text, what);
	if (number > VALUE_SIZE_MAX >> shift)
		return problem(ret_problem, -EINVAL, "'%s' is too large; at most %" PRIu64 "g", text,
			       VALUE_SIZE_MAX >> 30);
	ret->number = number << shift;
	return 0;
}

/* "infinity" lifts the limit of a file that is extended. */
static int parse_limit(const char *text, const char *what, struct value *ret, char **ret_problem)
{
	if (strcmp(text, VALUE_INFINITY) == 0)
		return 0;
	return parse_size(text, what, ret, ret_problem);
}

static int parse_weight(const char *text, struct value *ret, char **ret_problem)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long number = digits > 0 && digits <= 5 && text[digits] == '\0' ? strtoul(text, NULL, 10) : 0;

	if (number < 1 || number > VALUE_WEIGHT_MAX)
		return problem(ret_problem, -EINVAL, "'%s' is no weight: a number from 1 to %d; %d is what others have",
			       text, VALUE_WEIGHT_MAX, LIMITS_WEIGHT_NONE);
	ret->number = number;
	return 0;
}

/* `what`: "integer"; between -max and max. */
static int parse_signed(const char *text, const char *what, int64_t max, struct value *ret, char **ret_problem)
{
	const char *digits = text + (text[0] == '-');
	size_t length = strspn(digits, "0123456789");
	int64_t number = 0;

	if (length == 0 || digits[length] != '\0')
		return problem(ret_problem, -EINVAL, "'%s' is no %s", text, what);
	for (size_t i = 0; i < length && number <= max; i++)
		number = number * 10 + (digits[i] - '0');
	if (number > max)
		return problem(ret_problem, -EINVAL, "'%s' is not between -%" PRIi64 " and %" PRIi64, text, max, max);
	ret->number = (uint64_t)(text[0] == '-' ? -number : number);
	return 0;
}

static bool is_name_byte(char c, bool domain)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       (domain && (c == '.' || c == '_'));
}

/*
 * Expansions, and the %% of a host name, are cleaned when their values are known. The text around them is the
 * administrator's to write well.
 */
static int parse_pattern(const char *text, bool domain, struct value *ret, char **ret_problem)
{
	size_t fixed = 0;
	int r;

	r = expand_check(text, domain ? EXPAND_TEXT : EXPAND_HOSTNAME, ret_problem);
	if (r < 0)
		return r;
	if (text[0] == '\0')
		return problem(ret_problem, -EINVAL, "'' is no name");
	for (const char *at = text; *at; at++) {
		if (*at == '%' && (at[1] != '%' || !domain)) {
			at++;
			continue;
		}
		if (!is_name_byte(*at, domain))
			return problem(ret_problem, -EINVAL,
				       "'%s' has '%c' in it; letters, digits, %s and expansions are allowed", text, *at,
				       domain ? "'-', '.', '_'" : "'-'");
		fixed++;
	}
	if (fixed > HOSTNAME_MAX)
		return problem(ret_problem, -EINVAL, "'%s' has %zu bytes besides its expansions; a name has at most %d",
			       text, fixed, HOSTNAME_MAX);
	ret->text = strdup(text);
	return ret->text ? 0 : -ENOMEM;
}

/* The file in pam.d that it stands for; pam_set_item(3) makes every PAM_SERVICE lower case. */
int service_name_parse(const char *text, char **ret, char **ret_problem)
{
	if (text[0] == '\0' || text[0] == '.' || strlen(text) > SERVICE_NAME_MAX)
		return problem(ret_problem, -EINVAL, "'%s' is no name of a PAM service", text);
	for (const char *at = text; *at; at++) {
		if (*at >= 'A' && *at <= 'Z')
			return problem(ret_problem, -EINVAL, "'%s': PAM has names of services in lower case", text);
		if (!(*at >= 'a' && *at <= 'z') && !(*at >= '0' && *at <= '9') && !strchr("-_.+@:", *at))
			return problem(ret_problem, -EINVAL,
				       "'%s' is no name of a PAM service: letters, digits and -_.+@: are allowed",
				       text);
	}
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

static int parse_egress(const char *text, char **ret, char **ret_problem)
{
	struct egress egress;
	int r = egress_parse(text, &egress, ret_problem);

	if (r < 0)
		return r;
	*ret = egress_format(&egress);
	return *ret ? 0 : -ENOMEM;
}

static int parse_item(enum policy_key key, const char *text, char **ret, char **ret_problem)
{
	switch ((int)key) {
	case KEY_SERVICES:
		return service_name_parse(text, ret, ret_problem);
	case KEY_FROM:
		return address_prefix_parse(text, ret, ret_problem);
	case KEY_NETWORK_POOL:
		return pool_parse(text, ret, ret_problem);
	case KEY_NETWORK_EGRESS:
		return parse_egress(text, ret, ret_problem);
	case KEY_MOUNT_HIDE:
		return listed_path_parse(text, PATH_HIDE, ret, ret_problem);
	case KEY_MOUNT_HOMES_ROOTS:
		return listed_path_parse(text, PATH_HOMES, ret, ret_problem);
	case KEY_MOUNT_READ_ONLY:
		return listed_path_parse(text, PATH_READ_ONLY, ret, ret_problem);
	case KEY_PRIVILEGES_DROP_CAPABILITIES:
		return capability_parse(text, ret, ret_problem);
	default:
		return problem(ret_problem, -EINVAL, "'%s' is no value of this key", text);
	}
}

static int parse_text(enum policy_key key, const char *text, char **ret, char **ret_problem)
{
	switch ((int)key) {
	case KEY_NETWORK_NAME:
		return network_name_parse(text, ret, ret_problem);
	case KEY_NETWORK_RESOLV_CONF:
	case KEY_NETWORK_HOSTS:
		return network_file_parse(text, ret, ret_problem);
	default:
		*ret = strdup(text);
		return *ret ? 0 : -ENOMEM;
	}
}

int value_parse(enum policy_key key, const char *text, struct value *ret, char **ret_problem)
{
	const struct key_info *info = &policy_keys[key];

	*ret = (struct value){ 0 };
	switch (info->type) {
	case VALUE_BOOL:
	case VALUE_CHOICE:
		return parse_choice(info->choices, text, ret, ret_problem);
	case VALUE_SIZE:
		return parse_size(text, "size", ret, ret_problem);
	case VALUE_COUNT:
		return parse_size(text, "number", ret, ret_problem);
	case VALUE_SIZE_LIMIT:
		return parse_limit(text, "size or '" VALUE_INFINITY "'", ret, ret_problem);
	case VALUE_COUNT_LIMIT:
		return parse_limit(text, "number or '" VALUE_INFINITY "'", ret, ret_problem);
	case VALUE_WEIGHT:
		return parse_weight(text, ret, ret_problem);
	case VALUE_PATTERN:
		return parse_pattern(text, key == KEY_UTS_DOMAINNAME, ret, ret_problem);
	case VALUE_COMMENT:
	case VALUE_TEXT:
		return parse_text(key, text, &ret->text, ret_problem);
	case VALUE_LIST:
		return parse_item(key, text, &ret->text, ret_problem);
	case VALUE_INTEGER:
		return parse_signed(text, "integer", VALUE_INTEGER_MAX, ret, ret_problem);
	case VALUE_SECONDS:
		return parse_signed(text, "number of seconds", VALUE_SECONDS_MAX, ret, ret_problem);
	case VALUE_FILE:
		return policy_name_parse(text, &ret->text, ret_problem);
	case VALUE_PATH:
		return mount_path_parse(text, PATH_SOURCE, &ret->text, ret_problem);
	case VALUE_SECTION:
	default:
		return problem(ret_problem, -EINVAL, "'%s' is no value of this key", text);
	}
}
