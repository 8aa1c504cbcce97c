/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* nsisolate-network: the rules of network.mode "veth" in the kernel, seen, restored and taken away. */

#include "common/cleanup.h"
#include "config/text_list.h"
#include "nsisolate-config.h"
#include "session/firewall_sweep.h"
#include "session/network_state.h"
#include "session/record.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define EXIT_FINDINGS 1
#define EXIT_REFUSED  2

static const char *const state_names[] = {
	[FIREWALL_INTACT] = "intact",
	[FIREWALL_CHANGED] = "changed",
	[FIREWALL_MISSING] = "missing",
};

struct host {
	int directory;
	struct netlink netlink;
	struct if_nameindex *interfaces;
};

static int complain(const char *what, const char *reason)
{
	(void)fflush(stdout);
	(void)fprintf(stderr, "nsisolate-network: %s: %s\n", what, reason);
	return EXIT_REFUSED;
}

static void print_help(void)
{
	(void)puts("Usage: nsisolate-network [status [NAME...] | restore | unload [NAME...]]\n\n"
		   "The firewall rules of policies with network.mode = \"veth\".\n\n"
		   "  status   which are loaded, whether the kernel has them as they were written, and how many\n"
		   "           sessions are under them\n"
		   "  restore  loads all of them again as they were written\n"
		   "  unload   takes away those that no session is under, and the table with the last\n\n"
		   "NAME is one of those that status prints; without it all are meant.\n\n"
		   "  -h, --help     print this\n"
		   "  -V, --version  print the version\n\n"
		   "Exit status: 0 done; 1 some rules are not as they were written; 2 wrong usage or refused.\n"
		   "For more see nsisolate-network(8).");
}

static int show(struct host *host, const char *name)
{
	enum firewall_state state;
	int r = firewall_check(&host->netlink, host->directory, name, &state);

	if (r < 0)
		return complain(name, strerror(-r));
	printf("%s %-8s %u\n", name, state_names[state], firewall_count_sessions(host->interfaces, name));
	return state == FIREWALL_INTACT ? 0 : EXIT_FINDINGS;
}

/* As they are now: a login under way may have made one since we began. */
static int look_again(struct host *host)
{
	if (host->interfaces)
		if_freenameindex(host->interfaces);
	host->interfaces = if_nameindex();
	return host->interfaces ? 0 : -errno;
}

/* The table goes with the last rules; not from above a session whose rules nobody remembers. */
static int remove_empty(const struct host *host, char **ret_problem)
{
	_cleanup_(text_list_freep) char **names = NULL;
	int r = firewall_names(host->directory, &names);

	if (r < 0 || names || firewall_any_session(host->interfaces))
		return r;
	return firewall_remove(host->directory, ret_problem);
}

/* Holding them alone from before sessions are counted until the rules are gone. */
static int unload(struct host *host, const char *name)
{
	_cleanup_close_ int hold = firewall_hold(host->directory, true);
	_cleanup_free_ char *problem = NULL;
	int r = hold < 0 ? hold : look_again(host);

	if (r == -ETIMEDOUT)
		return complain(name, "logins are under way; try again");
	if (r < 0)
		return complain(name, strerror(-r));
	if (firewall_count_sessions(host->interfaces, name) > 0)
		return complain(name, "sessions are under these rules; they stay");
	r = firewall_unload(host->directory, name, &problem);
	if (r == 0)
		r = remove_empty(host, &problem);
	return r < 0 ? complain("unload", problem ? problem : strerror(-r)) : 0;
}

static const struct command {
	const char *name;
	int (*run)(struct host *host, const char *name); /* NULL: restore, which is for all at once */
} commands[] = { { "status", show }, { "restore", NULL }, { "unload", unload } };

static int restore(struct host *host, char *const names[])
{
	_cleanup_free_ char *problem = NULL;
	int r = firewall_restore(&host->netlink, host->directory, names, &problem);

	return r < 0 ? complain("restore", problem ? problem : strerror(-r)) : 0;
}

static int run_each(struct host *host, const struct command *command, char *const names[])
{
	int worst = 0;

	if (!command->run)
		return restore(host, names);
	if (command->run == show)
		printf("%-*s %-8s %s\n", FIREWALL_NAME_LENGTH, "NAME", "STATE", "SESSIONS");
	for (; *names; names++) {
		int status = command->run(host, *names);

		worst = status > worst ? status : worst;
	}
	return worst;
}

/* All that were loaded. */
static int run_all(struct host *host, const struct command *command)
{
	_cleanup_(text_list_freep) char **names = NULL;
	int r = firewall_names(host->directory, &names);

	if (r < 0)
		return complain(RECORD_ROOT "/" NETWORK_DIRECTORY, strerror(-r));
	return run_each(host, command, names ? names : (char *[]){ NULL });
}

static int run(const struct command *command, char *const names[])
{
	struct host host = { .directory = network_directory_open() };
	int r = host.directory, worst = 0;

	if (r >= 0)
		r = netlink_open(NETLINK_NETFILTER, &host.netlink);
	if (r < 0)
		return complain(RECORD_ROOT "/" NETWORK_DIRECTORY, strerror(-r));
	host.interfaces = if_nameindex();
	if (!host.interfaces)
		return complain("interfaces", strerror(errno));
	worst = *names ? run_each(&host, command, names) : run_all(&host, command);
	if (host.interfaces)
		if_freenameindex(host.interfaces);
	netlink_close(&host.netlink);
	close_fd(host.directory);
	return worst;
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	const struct command *command = &commands[0];
	int option;

	while ((option = getopt_long(argc, argv, "hV", options, NULL)) >= 0) {
		if (option == 'h')
			print_help();
		else if (option == 'V')
			(void)puts("nsisolate-network " NSISOLATE_VERSION);
		else
			return EXIT_REFUSED;
		return 0;
	}
	argv += optind;
	if (*argv && !firewall_is_name(*argv)) {
		command = NULL;
		for (size_t i = 0; i < ELEMENTS(commands); i++)
			if (strcmp(*argv, commands[i].name) == 0)
				command = &commands[i];
		if (!command)
			return complain(*argv, "is none of status, restore, unload");
		argv++;
	}
	for (char **name = argv; *name; name++)
		if (!firewall_is_name(*name) || !command->run)
			return complain(*name, command->run ? "is no name of rules"
							    : "restore takes no names: the table is one");
	return run(command, argv);
}
