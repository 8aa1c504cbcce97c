/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/resolver.h"

#include "common/read_whole.h"
#include "config/problem.h"

#include <fcntl.h>
#include <string.h>

#define RESOLVER_MAX 65536
#define SPACE        " \t\r"

static bool is_near(const struct prefix *address)
{
	static const char *const near[] = { "127.0.0.0/8", "0.0.0.0/8", "169.254.0.0/16", "::/64", "fe80::/10" };

	for (size_t i = 0; i < ELEMENTS(near); i++) {
		_cleanup_free_ char *ignored = NULL;
		struct prefix range;

		if (prefix_parse(near[i], &range, &ignored) == 0 && prefix_holds(&range, address))
			return true;
	}
	return false;
}

static int add_server(const char *path, char *text, struct firewall_order *order, char **ret_problem)
{
	struct prefix address;

	text[strcspn(text, "%")] = '\0';
	if (!prefix_parse_address(text, &address))
		return problem(ret_problem, -EINVAL, "%s: '%s' is no address of a name server", path, text);
	prefix_unmap(&address);
	if (is_near(&address))
		return problem(ret_problem, -EINVAL,
			       "egress \"dns\": %s names %s, which no session reaches; give sessions another file by "
			       "network.resolv-conf, as systemd-resolved has /run/systemd/resolve/resolv.conf",
			       path, text);
	if (order->server_count < FIREWALL_SERVERS_MAX)
		order->servers[order->server_count++] = address;
	return 0;
}

int resolver_read(const char *path, struct firewall_order *order, char **ret_problem)
{
	_cleanup_close_ int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	char *rest, *line;
	size_t size;
	int r = file < 0 ? -errno : read_whole(file, RESOLVER_MAX, &text, &size);

	if (r < 0)
		return problem(ret_problem, r, "%s: %s", path, strerror(-r));
	rest = text;
	while (r == 0 && (line = strsep(&rest, "\n"))) {
		const char *word = strsep(&line, SPACE);

		if (!line || strcmp(word, "nameserver") != 0)
			continue;
		line += strspn(line, SPACE);
		line[strcspn(line, SPACE)] = '\0';
		r = add_server(path, line, order, ret_problem);
	}
	if (r == 0 && order->server_count == 0)
		return problem(ret_problem, -EINVAL, "egress \"dns\": %s names no name server", path);
	return r;
}
