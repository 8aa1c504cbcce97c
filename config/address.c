/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/address.h"

#include "config/prefix.h"
#include "config/problem.h"
#include "config/suggest.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

static int refuse_text(const char *text, char **ret_problem)
{
	struct suggestion best = { 0 };

	suggest(&best, text, ADDRESS_LOCAL);
	if (strcasecmp(text, ADDRESS_LOCAL) == 0)
		best.name = ADDRESS_LOCAL;
	return problem(ret_problem, -EINVAL,
		       "'%s' is no address, prefix or '" ADDRESS_LOCAL "'; names are not looked up%s", text,
		       best.name ? "; did you mean '" ADDRESS_LOCAL "'?" : "");
}

int address_prefix_parse(const char *text, char **ret, char **ret_problem)
{
	char canonical[PREFIX_TEXT_SIZE] = ADDRESS_LOCAL;
	struct prefix prefix;
	int r;

	if (strcmp(text, ADDRESS_LOCAL) != 0) {
		r = prefix_parse(text, &prefix, ret_problem);
		if (r == -ENOENT)
			return refuse_text(text, ret_problem);
		if (r < 0)
			return r;
		(void)prefix_format(&prefix, canonical);
	}
	*ret = strdup(canonical);
	return *ret ? 0 : -ENOMEM;
}

/* No memory is asked for: a lack of it must not pass over the file that a login would have matched. */
static bool copy_until(const char *text, char end, char ret[INET6_ADDRSTRLEN])
{
	size_t length = strcspn(text, (const char[]){ end, '\0' });

	if (length >= INET6_ADDRSTRLEN)
		return false;
	memcpy(ret, text, length);
	ret[length] = '\0';
	return true;
}

/* An address as getnameinfo(3) gives it: behind a link-local one is its zone, "fe80::1%eth0". */
static bool parse_remote(const char *text, struct prefix *ret)
{
	char address[INET6_ADDRSTRLEN];

	if (!copy_until(text, '%', address) || !prefix_parse_address(address, ret))
		return false;
	if (strchr(text, '%'))
		return ret->family == AF_INET6 && ret->bytes[0] == 0xfe && (ret->bytes[1] & 0xc0) == 0x80;
	prefix_unmap(ret);
	return true;
}

static bool text_holds(const char *text, const struct prefix *remote)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	struct prefix prefix;

	return copy_until(text, '/', address) && prefix_parse_address(address, &prefix) &&
	       (!slash || prefix_parse_length(slash + 1, prefix.bits, &prefix.bits)) && prefix_holds(&prefix, remote);
}

bool address_is_known(const char *remote_host)
{
	struct prefix remote;

	return !remote_host || remote_host[0] == '\0' || parse_remote(remote_host, &remote);
}

bool address_matches(char *const *prefixes, const char *remote_host)
{
	struct prefix remote;
	bool local = !remote_host || remote_host[0] == '\0';

	if (!local && !parse_remote(remote_host, &remote))
		return false;
	for (char *const *prefix = prefixes; *prefix; prefix++)
		if (local ? strcmp(*prefix, ADDRESS_LOCAL) == 0 : text_holds(*prefix, &remote))
			return true;
	return false;
}
