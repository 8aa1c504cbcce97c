/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What the module says: one line for a login to the system's log, and a sentence to who was refused. */

#include "pam_module/guest.h"
#include "session/log_line.h"

/* A line about a session that was entered or left. */
void guest_log_session(const struct guest *guest, enum log_message message, const struct session *session);

/* That leaving it failed, with that -errno. */
void guest_log_failed_close(const struct guest *guest, const struct session *session, int error);

/* A line about a login without a session, unless an earlier line of the stack has said it. */
void guest_log_login(const struct guest *guest, enum log_message message, const char *text);

/* The same, where the module's line says "debug", and at that level. */
void guest_log_debug(const struct guest *guest, enum log_message message, const char *text);

/* To the user, if they are to be told. */
void guest_tell_user(const struct guest *guest, const char *text);
