/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What is written down of rules that were loaded, in the directory of network_state.h. */

#include "session/firewall.h"

#define FIREWALL_TEXT_SUFFIX ".nft" /* behind the name: the file of the text */

/* What was known of rules when somebody last looked. */
struct firewall_known {
	uint64_t hash; /* of the text */
	struct firewall_view view;
	uint32_t generation;
};

/* 0; -ENOENT: nobody has loaded them; -EBADMSG: nothing of ours; -errno. */
int firewall_known_read(int directory, const char *name, struct firewall_known *ret) _must_check_;
int firewall_known_write(int directory, const char *name, const struct firewall_known *known);

/* Whole or not at all, whoever dies. 0 or -errno. */
int firewall_write_file(int directory, const char *name, const char *text) _must_check_;

/* A login needs the rules now: the text's file says so. */
void firewall_known_touch(int directory, const char *name);

/* Whether no login has needed them for `seconds`. */
bool firewall_known_is_old(int directory, const char *name, int64_t seconds) _must_check_;
