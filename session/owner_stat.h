/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Whose a file is. In a user namespace that maps one id, every other owner looks like the overflow uid,
 * user_namespaces(7), and who is mapped to 0 looks like root: a process outside is asked there.
 */

#include <sys/stat.h>
#include <sys/types.h>

/* Asks outside about an open file: 0 or -errno. */
typedef int owner_ask(int fd, uid_t *ret);

/* From now on this process asks, by owner_stat(). */
void owner_stat_ask(owner_ask *ask);

/* fstat(2), with the owner that is seen from outside where that is asked. 0; -1 with errno. */
int owner_stat(int fd, struct stat *ret);
