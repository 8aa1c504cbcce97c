/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * The directories of a namespace.conf(5) as a policy: text for default.conf, or for the file of one user or group. It
 * isolates what pam_namespace(8) did and nothing more, but for /tmp and /var/tmp, which a policy cannot leave out.
 * Pure.
 */

#include "tools/namespace_conf.h"

struct import {
	const struct namespace_conf *conf;
	const char *name;   /* a user, or a group with '@', whose file it is to be; NULL: everybody's */
	const char *source; /* FILE as it was named, for messages */
	const char *script; /* that pam_namespace would run by itself; NULL: none */
};

/*
 * What cannot be translated, or only with something left to do, goes to diag with the file and line of the
 * configuration. 0 and the malloced text, which nsinspect check finds no error in; -EBADMSG when it would;
 * -ENOMEM.
 */
int import_policy(const struct import *import, char **ret, struct diagnostics *diag) _must_check_;
