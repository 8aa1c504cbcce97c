/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Drives the installed module and helper through libpam, inside the sandbox
 * only. A case runs in a process of its own, since the module moves its caller:
 * it ends by returning or in a failed CHECK, never in cmocka. Around it the
 * parent makes the host clean, and compares: its own namespaces and host name, mounts, processes, records.
 */

#include "common/cleanup.h"
#include "common/namespaces.h"
#include "nsisolate-config.h"
#include "session/record.h"

#include <security/pam_appl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>

/* A sanitizer keeps memory that is freed, and cannot live under limits on memory. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED
#endif

#define ALICE      3001
#define BOB        3002
#define USERS_HOME "/home/alice"
#define STACKS     "/run/pam-stacks" /* to libpam an include is of /etc/pam.d, unless it says the whole path */

/* Ends the case. Also for use in children of a case: see in_child(). */
#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition, 0, 0))
#define CHECK_INT(found, expected)                                                                              \
	do {                                                                                                    \
		long long check_found = (long long)(found), check_expected = (long long)(expected);             \
		if (check_found != check_expected)                                                              \
			check_failed(__FILE__, __LINE__, #found " == " #expected, check_found, check_expected); \
	} while (0)
_Noreturn void check_failed(const char *file, int line, const char *what, long long found, long long expected);

/* A row of a table of cases. */
struct pam_case {
	const char *name;
	void (*run)(void);
};
/* clang-format off */
#define CASE(function) { #function, function }
/* clang-format on */

/* Runs all of them, or those whose name contains $NSISOLATE_CASE, as cmocka tests; the program's exit status. */
int run_cases(const struct pam_case *cases, size_t count);

/* Files of the sandbox's host. */
__attribute__((format(printf, 2, 3))) void write_stack(const char *service, const char *format, ...);
void set_policy(const char *name, const char *text); /* below the policy directory: "user/alice.conf" */
void write_text(const char *path, const char *text, mode_t mode);

/* The helper is another for the rest of the case: NULL: none at all. */
void replace_helper(const char *text, mode_t mode);

/* What a PAM application has. Messages of the module to the user are collected in `said`. */
struct login {
	pam_handle_t *pamh;
	char said[1024];
};
void login_start(struct login *login, const char *service, const char *user);
int login_open(struct login *login, int flags);
int login_close(struct login *login, int flags);
void login_end(struct login *login, int status);
/* All at once, with one stack line "session required pam_nsisolate.so" and service "test": must succeed. */
void login_in(struct login *login, const char *user);
void login_out(struct login *login);
const char *login_id(struct login *login); /* NSISOLATE_ID of the PAM environment, or NULL */

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

/* The log: every line since the case began, or since log_forget(). */
bool logged(const char *text);
size_t count_logged(const char *text);
const char *log_text(void);
void log_forget(void);

/* Records of the host, by a descriptor that was opened outside. */
size_t count_records(void);
pid_t init_of(const char *id); /* who holds the record's lock; 0: nobody */
bool record_gone(void *id);
