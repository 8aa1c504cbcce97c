/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/prefix.h"

#include "config/problem.h"

#include <arpa/inet.h>
#include <string.h>

unsigned prefix_family_bits(int family)
{
	return family == AF_INET ? 32 : 128;
}

void prefix_unmap(struct prefix *prefix)
{
	struct in6_addr address;

	if (prefix->family != AF_INET6 || prefix->bits < 96)
		return;
	memcpy(&address, prefix->bytes, sizeof(address));
	if (!IN6_IS_ADDR_V4MAPPED(&address))
		return;
	prefix->family = AF_INET;
	prefix->bits -= 96;
	memcpy(prefix->bytes, address.s6_addr + 12, sizeof(struct in_addr));
	memset(prefix->bytes + sizeof(struct in_addr), 0, PREFIX_BYTES - sizeof(struct in_addr));
}

bool prefix_parse_address(const char *text, struct prefix *ret)
{
	struct prefix prefix = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	if (inet_pton(prefix.family, text, prefix.bytes) != 1)
		return false;
	prefix.bits = prefix_family_bits(prefix.family);
	*ret = prefix;
	return true;
}

bool prefix_parse_length(const char *text, unsigned max, unsigned *ret)
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

	for (unsigned bit = prefix->bits; bit < prefix_family_bits(prefix->family); bit++) {
		found |= bit_is_set(prefix->bytes, bit);
		prefix->bytes[bit / 8] &= (unsigned char)~(0x80u >> (bit % 8));
	}
	return found;
}

int prefix_parse(const char *text, struct prefix *ret, char **ret_problem)
{
	_cleanup_free_ char *address = strndup(text, strcspn(text, "/"));
	const char *slash = strchr(text, '/');
	char right[PREFIX_TEXT_SIZE];
	struct prefix prefix;

	if (!address)
		return -ENOMEM;
	if (!prefix_parse_address(address, &prefix))
		return -ENOENT;
	if (slash && !prefix_parse_length(slash + 1, prefix_family_bits(prefix.family), &prefix.bits))
		return problem(ret_problem, -EINVAL, "'%s': the length of an %s prefix is 0 to %u", text,
			       prefix.family == AF_INET ? "IPv4" : "IPv6", prefix_family_bits(prefix.family));
	prefix_unmap(&prefix);
	if (clear_host_bits(&prefix))
		return problem(ret_problem, -EINVAL,
			       "'%s' has bits behind its prefix; write '%s', or '%s' for the one address", text,
			       prefix_format(&prefix, right), address);
	*ret = prefix;
	return 0;
}

const char *prefix_format(const struct prefix *prefix, char buffer[PREFIX_TEXT_SIZE])
{
	size_t length;

	/* cannot fail: the family is one of two and the buffer long enough */
	if (!inet_ntop(prefix->family, prefix->bytes, buffer, PREFIX_TEXT_SIZE))
		return "";
	length = strlen(buffer);
	if (prefix->bits < prefix_family_bits(prefix->family))
		(void)snprintf(buffer + length, PREFIX_TEXT_SIZE - length, "/%u", prefix->bits);
	return buffer;
}

bool prefix_holds(const struct prefix *outer, const struct prefix *inner)
{
	if (outer->family != inner->family || outer->bits > inner->bits)
		return false;
	for (unsigned bit = 0; bit < outer->bits; bit++)
		if (bit_is_set(outer->bytes, bit) != bit_is_set(inner->bytes, bit))
			return false;
	return true;
}
