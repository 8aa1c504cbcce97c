/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Network namespaces with a name, as ip-netns(8) keeps them: mounts of nsfs on files in /run/netns. They are looked at
 * and opened here, and entered in launch.c.
 */

#include "common/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Opens the namespace at `path`, "/run/netns/NAME", for setns(2): in a directory that only root can write to, a network
 * namespace of our own user namespace and not the one we are in. *ret_number: its inode number. 0; -EINVAL with
 * *ret_problem, a malloced sentence; -ENOMEM.
 */
int network_name_open(const char *path, int *ret_fd, uint64_t *ret_number, char **ret_problem) _must_check_;

/* The name in /run/netns of the network namespace with this inode number; false when it has none. */
bool network_name_find(uint64_t number, char *ret, size_t size);
