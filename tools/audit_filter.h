/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "tools/audit_suspects.h"

/* Whether anything was told, of the PID namespace that the processes are listed in. */
bool audit_filter_is_there(const struct look *look) _must_check_;

/*
 * True for a process of which nothing can be found, by what the kernel told of all at once: what audit_is_plain() and
 * audit_judge() say of it by /proc, which stays what makes findings. *ret is the session that it is in, or NULL. False
 * also where the kernel told nothing of it, or it is not certain.
 */
bool audit_filter_is_clear(const struct audit_pass *pass, pid_t pid, struct session **ret) _must_check_;
