/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* A login of a case: the files that it meets, the login itself, and what is recorded of it. */

#include <security/pam_appl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define STACKS "/run/pam-stacks" /* to libpam an include is of /etc/pam.d, unless it says the whole path */

/* Stacks, policies, records and helper as no case has touched them, default.conf empty; the log is forgotten. */
void make_host_clean(void);

/* Makes it when missing. */
void empty_directory(const char *path);

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

/* Records of the host, by a descriptor that was opened outside. */
size_t count_records(void);
pid_t init_of(const char *id); /* who holds the record's lock; 0: nobody */
bool record_gone(void *id);
