/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * The rules of firewall_text.h in the kernel: loaded by nft(8) at the first login that needs them, and looked at by
 * each later one. nftables has a number that every change of any rule in the network namespace makes greater: while it
 * is that of the last look nothing has to be read again.
 */

#include "session/firewall_text.h"
#include "session/netlink.h"

/* What the kernel has of rules. Counters, handles and the elements of sets are not part of it. */
struct firewall_view {
	uint64_t fingerprint; /* of table, chains, hooks and rules */
	unsigned rules;
};

/* A rule that has a comment, as it is in the kernel. */
struct firewall_counter {
	const char *chain;   /* without the rules' name: "from" */
	const char *comment; /* "egress any tcp 443" */
	bool accepts;
	uint64_t packets, bytes;
};
typedef int (*firewall_counter_fn)(const struct firewall_counter *counter, void *data);

/* netlink: of NETLINK_NETFILTER. each may be NULL; a negative value ends it. 0; -ENOENT: no such chains; -errno. */
int firewall_read(struct netlink *netlink, const char *name, struct firewall_view *ret, firewall_counter_fn each,
		  void *data) _must_check_;

/* The number that changes with every change of rules. 0 or -errno. */
int firewall_generation(struct netlink *netlink, uint32_t *ret) _must_check_;

/*
 * Sees to it that the rules are in the kernel as they were written. They are loaded if they never were; so are all that
 * were and are gone, as when somebody flushed the whole ruleset, for sessions may be alive that no rules hold. 0;
 * FIREWALL_LOADED: these were loaded for the first time; -ESTALE: the kernel has others now; -errno. *ret_problem: a
 * malloced sentence.
 */
enum { FIREWALL_LOADED = 1 };
int firewall_ensure(struct netlink *netlink, int directory, const struct firewall_rules *rules,
		    char **ret_problem) _must_check_;

/* Whether firewall_ensure() could do so, as far as that shows without it; loads nothing. Likewise. */
int firewall_check_ensure(struct netlink *netlink, int directory, const struct firewall_rules *rules,
			  char **ret_problem) _must_check_;

/* What was once loaded, and what became of it. */
enum firewall_state { FIREWALL_INTACT, FIREWALL_CHANGED, FIREWALL_MISSING };

/* Compares the kernel's rules with what was loaded under this name. -ENOENT: nothing was; -errno. */
int firewall_check(struct netlink *netlink, int directory, const char *name, enum firewall_state *ret) _must_check_;

/*
 * Loads again what was loaded under these names, NULL-terminated, in place of the whole table. As firewall_ensure().
 */
int firewall_restore(struct netlink *netlink, int directory, char *const names[], char **ret_problem) _must_check_;

/*
 * While a login holds the rules, from before firewall_ensure() until its interface is there, nobody has them alone, as
 * who takes some away must: who counts interfaces sees every session then. alone: waits for 3 s at most. A descriptor
 * that ends it when it is closed; -ETIMEDOUT; -errno.
 */
#define FIREWALL_HOLD_BYTE 1 /* of its file */
int firewall_hold(int directory, bool alone) _must_check_;

/* Takes the rules of this name out of the kernel, and forgets them. As firewall_ensure(). */
int firewall_unload(int directory, const char *name, char **ret_problem) _must_check_;

/* Takes the whole table out of the kernel: by who holds the rules alone, when no session is under any. Likewise. */
int firewall_remove(int directory, char **ret_problem) _must_check_;

/* True for what make a name of rules. */
bool firewall_is_name(const char *name) _must_check_;

/* The names of all that were loaded, sorted; to be freed by text_list_free(). 0 or -errno. */
int firewall_names(int directory, char ***ret) _must_check_;
