/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * What the init does once its session is ready: it knows the logins by their
 * pidfds, takes in later ones, and returns when the session is to end: its last login has ended, and
 * under on-logout = "wait" its last process. It has no capability by then and opens nothing.
 */

#include "session/init.h"

/*
 * caller: the socket on which the login process that opened the session says that it is in. Until then, for
 * at most KEEPER_ENTER_MS, the init stays as the caller's setns(2) needs it. Takes over the descriptors.
 */
#define KEEPER_ENTER_MS 30000
void keep_session(const struct init_arguments *arguments);
