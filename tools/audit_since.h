/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Since when a finding is there at the latest, as far as that is known: seconds since the epoch, 0 where it is not.
 * What --since leaves out follows from it, so nothing that may be new is left out.
 */

#include "tools/audit_findings.h"
#include "tools/audit_services.h"

/*
 * When anything last changed that decides who belongs into a session and whether the module is asked: the policies, the
 * PAM stacks, module and helper, passwd and group of /etc. By the time of the inode's change, which nobody can set. 0:
 * something could not be looked at.
 */
int64_t audit_configured(const struct audit_services *services);

/* A process's start, or the configuration if that is later: what it does outside may have been allowed before. */
int64_t audit_since_process(uint64_t start, int64_t configured);

/* Leaves out what began before `when`; what is not known to have stays. */
void audit_since_filter(struct findings *findings, int64_t when);
