/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Private to open.c: a session that is being opened, and how that ends. */

#include "config/diagnostics.h"
#include "session/open.h"
#include "session/plan.h"
#include "session/slirp.h"

/* What of this machine a new session needs; closed here, and kept by its init as far as it does. */
struct opening {
	const struct session_request *request;
	struct plan *plan;
	struct init_files files;
	int user_directory;
	int slirp_end; /* by which slirp4netns learns that the init has ended, or -1 */
	struct slirp slirp;
	int network;             /* namespace that the plan names, or -1 */
	uint64_t network_number; /* of it, else 0 */
	bool wait;               /* the session may outlive its logins */
	bool shared;             /* later logins of the user may join */
};

/* The outcome and its sentence. */
void open_conclude(struct open_result *result, enum outcome outcome, const char *format, ...) _printf_(3, 4);

/* A step that failed, and which policy wanted it once one has decided. error: -errno. */
void open_fail(struct open_result *result, const char *step, const char *object, int error);
void open_fail_text(struct open_result *result, const char *text);
/* About what is kept of this user, below USERS_DIRECTORY; name: "", or of a file in their directory. */
void open_fail_user_file(struct open_result *result, const char *step, const char *name, int error);
/* problem: a sentence, or NULL when memory ran out. */
void open_fail_network(struct open_result *result, const char *problem);
void open_refuse_diagnostics(struct open_result *result, const struct diagnostics *diag);

/* In mode audit nobody is refused: what would have been is said. */
void open_soften(struct open_result *result);

/* Takes back the socket by which later logins would come to a session that is not opened. */
void open_forget_listener(const struct open_result *result);

/*
 * What of the host the plan's network builds on: some of it only for logins that come from there. This and what follows
 * conclude the result where they fail, with false or -errno, and do nothing under a policy without such a network.
 */
bool opening_find_network(struct opening *opening, struct open_result *result) _must_check_;

/* Before there is an init, so that its network is under way meanwhile; and once it is there. */
int opening_start_network(struct opening *opening, struct open_result *result) _must_check_;
int opening_finish_network(const struct opening *opening, struct open_result *result) _must_check_;

/* As soon as the init is there, which its network is of. It has our end of the pipe, and nobody else will. */
int opening_start_slirp(struct opening *opening, struct open_result *result) _must_check_;
/* Last of all: it takes longer than whatever else there is to do. */
int opening_finish_slirp(struct opening *opening, struct open_result *result) _must_check_;
