/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "common/namespaces.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The host's /proc, opened before any session: in one, /proc is another. */
extern int host_proc;
void read_namespaces(pid_t pid, uint64_t ret[NAMESPACE_KINDS]); /* by host_proc; fails the case */
uint64_t children_namespace(pid_t pid);                         /* pid_for_children */
char *read_proc(pid_t pid, const char *name);                   /* malloced; NULL when it cannot be read */
bool process_exists(pid_t pid);
pid_t find_init(void);     /* of the session that the calling process has entered, as the host numbers it; 0: none */
pid_t find_any_init(void); /* of any session */
bool has_children(void);   /* any, ended ones too */

/* A forked child; `function` ends it by returning or in a failed CHECK, which then fails the case. */
void in_child(void (*function)(void *argument), void *argument);
pid_t start_child(void (*function)(void *argument), void *argument);
void end_well(pid_t child); /* waits; must have exited 0 */

/* Waits at most some seconds for what cannot be subscribed to. */
bool eventually(bool (*condition)(void *argument), void *argument);
