/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/egress.h"

#include "config/problem.h"
#include "config/suggest.h"

#include <string.h>
#include <strings.h>

#define SPACE       " \t"
#define FORM        "DESTINATION [PROTOCOL [PORTS]], as in 'any tcp 443' or '10.1.0.0/16'"
#define WORDS_MAX   3
#define PORT_DIGITS 5

static const char *const protocol_names[] = {
	[EGRESS_ALL] = "",
	[EGRESS_TCP] = "tcp",
	[EGRESS_UDP] = "udp",
	[EGRESS_ICMP] = "icmp",
};

static const struct {
	const char *name;
	enum egress_kind kind;
} destinations[] = { { "any", EGRESS_ANY }, { "host", EGRESS_HOST }, { "dns", EGRESS_DNS } };

static const char *destination_name(enum egress_kind kind)
{
	for (size_t i = 0; i < ELEMENTS(destinations); i++)
		if (destinations[i].kind == kind)
			return destinations[i].name;
	return "";
}

/* 0 if it is one of the names, in any case -EINVAL or -ENOMEM if not. */
static int parse_destination_name(const char *word, struct egress *egress, char **ret_problem)
{
	struct suggestion best = { 0 };

	for (size_t i = 0; i < ELEMENTS(destinations); i++) {
		if (strcmp(word, destinations[i].name) == 0) {
			egress->kind = destinations[i].kind;
			return 0;
		}
		suggest(&best, word, destinations[i].name);
		if (strcasecmp(word, destinations[i].name) == 0)
			best.name = destinations[i].name;
	}
	return problem(ret_problem, -EINVAL,
		       "'%s' is no address or prefix, nor any, host or dns; names are not looked up%s%s%s", word,
		       best.name ? "; did you mean '" : "", best.name ? best.name : "", best.name ? "'?" : "");
}

static int parse_destination(const char *word, struct egress *egress, char **ret_problem)
{
	int r;

	egress->excluded = word[0] == '!';
	word += egress->excluded;
	r = prefix_parse(word, &egress->prefix, ret_problem);
	if (r != -ENOENT)
		return r;
	if (egress->excluded)
		return problem(ret_problem, -EINVAL, "'!%s': '!' is for a prefix, which is never reached", word);
	return parse_destination_name(word, egress, ret_problem);
}

/* Digits alone: 1 to 65535. */
static bool parse_port(const char *text, size_t length, uint16_t *ret)
{
	unsigned long port = 0;

	if (length == 0 || length > PORT_DIGITS || text[0] == '0')
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = port * 10 + (unsigned long)(text[i] - '0');
	}
	*ret = (uint16_t)port;
	return port <= UINT16_MAX;
}

static int parse_protocol(const char *word, struct egress *egress, char **ret_problem)
{
	struct suggestion best = { 0 };
	uint16_t port;

	for (enum egress_protocol protocol = EGRESS_TCP; protocol <= EGRESS_ICMP; protocol++) {
		if (strcmp(word, protocol_names[protocol]) == 0) {
			egress->protocol = protocol;
			return 0;
		}
		suggest(&best, word, protocol_names[protocol]);
		if (strcasecmp(word, protocol_names[protocol]) == 0)
			best.name = protocol_names[protocol];
	}
	if (parse_port(word, strlen(word), &port))
		return problem(ret_problem, -EINVAL, "'%s': before a port stands its protocol, as in 'tcp %s'", word,
			       word);
	return problem(
		ret_problem, -EINVAL,
		"'%s' is none of tcp, udp, icmp; without a protocol all three are meant, and others never leave%s%s%s",
		word, best.name ? "; did you mean '" : "", best.name ? best.name : "", best.name ? "'?" : "");
}

static int parse_ports(const char *word, struct egress *egress, char **ret_problem)
{
	for (const char *at = word;; at++) {
		const size_t length = strcspn(at, ","), first = strcspn(at, "-,");
		uint16_t from, to;

		if (!parse_port(at, first, &from) ||
		    (first < length ? !parse_port(at + first + 1, length - first - 1, &to) : (to = from, false)) ||
		    to < from)
			return problem(ret_problem, -EINVAL,
				       "'%s' is no port from 1 to 65535, range, or list of them, as in '22,8000-8100'",
				       word);
		if (egress->port_count == EGRESS_PORTS_MAX)
			return problem(ret_problem, -EINVAL,
				       "'%s' has more than %d ports or ranges; make two items of it", word,
				       EGRESS_PORTS_MAX);
		egress->ports[egress->port_count].from = from;
		egress->ports[egress->port_count++].to = to;
		at += length;
		if (*at == '\0')
			return 0;
	}
}

static int check_whole(const char *text, const struct egress *egress, size_t words, char **ret_problem)
{
	if (egress->kind == EGRESS_DNS && words > 1)
		return problem(ret_problem, -EINVAL, "'%s': 'dns' stands alone; it is port 53 of UDP and TCP", text);
	if (egress->excluded && words > 1)
		return problem(
			ret_problem, -EINVAL,
			"'%s': what has a '!' is not reached at all, by no protocol; leave what follows the prefix out",
			text);
	if (egress->protocol == EGRESS_ICMP && words > 2)
		return problem(ret_problem, -EINVAL, "'%s': icmp has no ports", text);
	return 0;
}

/* Three words, terminated and with nothing of `text` behind them, or -EINVAL. */
static int split(const char *text, char *words[WORDS_MAX], char *copy, size_t *ret_count, char **ret_problem)
{
	char *rest = copy, *word;
	size_t count = 0;

	while ((word = strsep(&rest, SPACE))) {
		if (*word == '\0')
			continue;
		if (count == WORDS_MAX)
			return problem(ret_problem, -EINVAL,
				       "'%s' has too many words; an item is " FORM
				       "; ports have no spaces between them",
				       text);
		words[count++] = word;
	}
	*ret_count = count;
	return count > 0 ? 0 : problem(ret_problem, -EINVAL, "'%s' is empty; an item is " FORM, text);
}

int egress_parse(const char *text, struct egress *ret, char **ret_problem)
{
	_cleanup_free_ char *copy = strdup(text);
	struct egress egress = { 0 };
	char *words[WORDS_MAX] = { 0 };
	size_t count;
	int r;

	if (!copy)
		return -ENOMEM;
	r = split(text, words, copy, &count, ret_problem);
	if (r == 0)
		r = parse_destination(words[0], &egress, ret_problem);
	if (r == 0)
		r = check_whole(text, &egress, count, ret_problem);
	if (r == 0 && count > 1)
		r = parse_protocol(words[1], &egress, ret_problem);
	if (r == 0)
		r = check_whole(text, &egress, count, ret_problem);
	if (r == 0 && count > 2)
		r = parse_ports(words[2], &egress, ret_problem);
	if (r < 0)
		return r;
	*ret = egress;
	return 0;
}

char *egress_format(const struct egress *egress)
{
	char prefix[PREFIX_TEXT_SIZE], ports[EGRESS_PORTS_MAX * sizeof("65535-65535,")], *end = ports;
	const char *destination =
		egress->kind == EGRESS_PREFIX ? prefix_format(&egress->prefix, prefix) : destination_name(egress->kind);
	char *text = NULL;

	*end = '\0';
	for (size_t i = 0; i < egress->port_count; i++) {
		end += sprintf(end, "%s%u", i > 0 ? "," : "", (unsigned)egress->ports[i].from);
		if (egress->ports[i].to != egress->ports[i].from)
			end += sprintf(end, "-%u", (unsigned)egress->ports[i].to);
	}
	if (asprintf(&text, "%s%s%s%s%s%s", egress->excluded ? "!" : "", destination,
		     egress->protocol == EGRESS_ALL ? "" : " ", protocol_names[egress->protocol],
		     egress->port_count > 0 ? " " : "", ports) < 0)
		return NULL;
	return text;
}
