/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Who goes into a user namespace cannot come back: at close the login process does not reach the host's records. So a
 * process stays outside, with nothing but pidfds of the session's init and of the login process, and takes the record
 * away when what it is of has ended.
 */

#include "session/request.h"

/*
 * Does nothing for another reply than that. Tolerates failure: then a later opening sweeps the record. The child never
 * returns.
 */
void janitor_start(const struct session_request *request, const struct session_reply *reply);
