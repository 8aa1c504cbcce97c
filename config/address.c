/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/address.h"

#include "config/problem.h"
#include "config/suggest.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define BYTES_MAX sizeof(struct in6_addr)

struct prefix {
	int family; /* AF_INET or AF_INET6 */
	unsigned char bytes[BYTES_MAX];
	unsigned bits; /* of the family's */
};

static unsigned family_bits(int family)
{
	return family == AF_INET ? 32 : 128;
}

/* ::ffff:a.b.c.d with at least the bits that say so is a.b.c.d, RFC 4291, 2.5.5.2. */
static void unmap(struct prefix *prefix)
{
	struct in6_addr address;

	if (prefix->family != AF_INET6 || prefix->bits < 96)
		return;
	memcpy(&address, prefix->bytes, sizeof(address));
	if (!IN6_IS_ADDR_V4MAPPED(&address))
		return;
	prefix->family = AF_INET;
	prefix->bits -= 96;
	memmove(prefix->bytes, prefix->bytes + 12, sizeof(struct in_addr));
}

/* A whole address; inet_pton(3) takes no name and no abbreviation. */
static bool parse_address(const char *text, struct prefix *ret)
{
	struct prefix prefix = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	if (inet_pton(prefix.family, text, prefix.bytes) != 1)
		return false;
	prefix.bits = family_bits(prefix.family);
	*ret = prefix;
	return true;
}

/* Digits only, without a zero before them. */
static bool parse_length(const char *text, unsigned max, unsigned *ret)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long length;

	if (digits == 0 || digits > 3 || text[digits] != '\0' || (digits > 1 && text[0] == '0'))
		return false;
	length = strtoul(text, NULL, 10);
	if (length > max)
		return false;
	*ret = (unsigned)length;
	return true;
}

static bool bit_is_set(const unsigned char *bytes, unsigned bit)
{
	return bytes[bit / 8] & (0x80u >> (bit % 8));
}

/* Clears what lies beyond the prefix; true if there was something. */
static bool clear_host_bits(struct prefix *prefix)
{
	bool found = false;

	for (unsigned bit = prefix->bits; bit < family_bits(prefix->family); bit++) {
		found |= bit_is_set(prefix->bytes, bit);
		prefix->bytes[bit / 8] &= (unsigned char)~(0x80u >> (bit % 8));
	}
	return found;
}

static int format(const struct prefix *prefix, char **ret)
{
	char address[INET6_ADDRSTRLEN];
	int length;

	if (!inet_ntop(prefix->family, prefix->bytes, address, sizeof(address)))
		return -errno;
	length = prefix->bits == family_bits(prefix->family) ? asprintf(ret, "%s", address)
							     : asprintf(ret, "%s/%u", address, prefix->bits);
	return length < 0 ? -ENOMEM : 0;
}

static int refuse_host_bits(const char *text, const char *address, const struct prefix *prefix, char **ret_problem)
{
	_cleanup_free_ char *right = NULL;
	int r = format(prefix, &right);

	if (r < 0)
		return r;
	return problem(ret_problem, -EINVAL, "'%s' has bits behind its prefix; write '%s', or '%s' for the one address",
		       text, right, address);
}

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
	_cleanup_free_ char *address = strndup(text, strcspn(text, "/"));
	const char *slash = strchr(text, '/');
	struct prefix prefix;

	if (!address)
		return -ENOMEM;
	if (strcmp(text, ADDRESS_LOCAL) == 0) {
		*ret = strdup(text);
		return *ret ? 0 : -ENOMEM;
	}
	if (!parse_address(address, &prefix))
		return refuse_text(text, ret_problem);
	if (slash && !parse_length(slash + 1, family_bits(prefix.family), &prefix.bits))
		return problem(ret_problem, -EINVAL, "'%s': the length of an %s prefix is 0 to %u", text,
			       prefix.family == AF_INET ? "IPv4" : "IPv6", family_bits(prefix.family));
	unmap(&prefix);
	if (clear_host_bits(&prefix))
		return refuse_host_bits(text, address, &prefix, ret_problem);
	return format(&prefix, ret);
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

	if (!copy_until(text, '%', address) || !parse_address(address, ret))
		return false;
	if (strchr(text, '%'))
		return ret->family == AF_INET6 && ret->bytes[0] == 0xfe && (ret->bytes[1] & 0xc0) == 0x80;
	unmap(ret);
	return true;
}

static bool prefix_holds(const char *text, const struct prefix *remote)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	struct prefix prefix;

	if (!copy_until(text, '/', address) || !parse_address(address, &prefix) || prefix.family != remote->family ||
	    (slash && !parse_length(slash + 1, prefix.bits, &prefix.bits)))
		return false;
	for (unsigned bit = 0; bit < prefix.bits; bit++)
		if (bit_is_set(prefix.bytes, bit) != bit_is_set(remote->bytes, bit))
			return false;
	return true;
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
		if (local ? strcmp(*prefix, ADDRESS_LOCAL) == 0 : prefix_holds(*prefix, &remote))
			return true;
	return false;
}
