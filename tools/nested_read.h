/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Records that were written inside a session, in its own /run/nsisolate, where root inside may have put anything: what
 * is there is read by a child process, which whoever asked kills when it takes too long. A record is passed on
 * only if the kernel says that its lock is held by an init within the session that it was found in.
 */

#include "common/namespaces.h"
#include "session/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NESTED_DEPTH_MAX    33            /* more than the kernel's limit on PID namespaces within each other */
#define NESTED_NAMES_MAX    1024          /* names looked at in one directory */
#define NESTED_SESSIONS_MAX 256           /* sessions within one of the reader's */
#define NESTED_TEXT_MAX     (1024 * 1024) /* bytes of their records together */

/* Why not all was read that is there. */
enum nested_cut {
	NESTED_WHOLE,
	NESTED_TOO_MANY_FILES,
	NESTED_TOO_MANY_SESSIONS,
	NESTED_TOO_DEEP,
	NESTED_STRANGE, /* the directory is not what the engine made */
	NESTED_UNREADABLE,
	NESTED_SLOW, /* the child was killed, or died */
	NESTED_CUTS,
};

/* One of the reader's sessions, by what the kernel says of its init. */
struct nested_place {
	pid_t init;
	uint64_t namespaces[NAMESPACE_KINDS]; /* 0: not known, which those of mounts and PIDs are */
};

/* What the child writes: a head for each session with the text of its record behind it; then one without text. */
struct nested_head {
	uint32_t outer; /* 0: the session that was asked about; else the number, from 1, of an earlier one */
	uint32_t size;  /* bytes of text; 0: the end */
	enum nested_cut cut;
	bool login_alive;
	struct nested_place place;
	char name[SESSION_ID_LENGTH + 1];
};

/* What a child has to say, and has not said yet. Starts with its pipe, and 0. */
struct nested_answer {
	int pipe;
	size_t size;
	char bytes[4096];
};

/*
 * In the child: writes what is nested in a session, and in what is nested there. `known`: the reader's own
 * place, without an init, and those of its sessions: no process of theirs is nested in another because a record inside
 * says so. A session that is found is said at once, and that there is none by nested_flush() at the latest.
 */
void nested_read(const struct nested_place *session, const struct nested_place *known, size_t known_count,
		 struct nested_answer *answer);
void nested_flush(struct nested_answer *answer);
