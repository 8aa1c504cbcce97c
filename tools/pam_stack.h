/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * The session lines of a PAM service in the order in which libpam runs them,
 * pam.conf(5): across "@include" (Debian), "include" and "substack", with
 * continued lines, comments, bracketed controls and arguments. Reads text through
 * a function of the caller and touches no system, so that a planned edit can
 * be judged before it is written.
 */

#include "common/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

#define PAM_INCLUDE_DEPTH_MAX 16   /* as PAM_SUBSTACK_MAX_LEVEL of linux-pam */
#define PAM_RETURN_VALUES     32   /* PAM_SUCCESS … PAM_INCOMPLETE, security/_pam_types.h */
#define PAM_LINE_BYTES_MAX    1023 /* linux-pam before 1.6 cuts a longer logical line in two */

/* What libpam does when a module answers with a return value; a positive number jumps over that many modules. */
enum pam_action {
	PAM_ACTION_IGNORE = 0,
	PAM_ACTION_OK = -1,
	PAM_ACTION_DONE = -2,
	PAM_ACTION_BAD = -3,
	PAM_ACTION_DIE = -4,
	PAM_ACTION_RESET = -5,
};

enum pam_entry_kind {
	PAM_ENTRY_MODULE,
	PAM_ENTRY_SUBSTACK, /* the head of a substack: its lines follow, one level deeper */
	PAM_ENTRY_BROKEN,   /* a line that libpam cannot use: it fails whatever happens */
};

struct pam_entry {
	enum pam_entry_kind kind;
	unsigned level;    /* depth of substacks */
	bool silent;       /* "-session" */
	const char *file;  /* as the includes name it ("common-session"); belongs to the stack */
	unsigned line;     /* where the line starts, from 1 */
	unsigned top_line; /* the line of the service's own file that it comes through */
	char *control;     /* as written, without brackets; NULL when broken */
	int actions[PAM_RETURN_VALUES];
	char *module;     /* as written; the file of a substack; NULL when broken */
	char **arguments; /* NULL-terminated */
	size_t argument_count;
};

enum pam_problem_code {
	/* found while reading */
	PAM_PROBLEM_INCLUDE,    /* a file that cannot be read */
	PAM_PROBLEM_LOOP,       /* a file that includes itself, or too deep */
	PAM_PROBLEM_SYNTAX,     /* a line that libpam turns into a failure */
	PAM_PROBLEM_UNFINISHED, /* the file ends in a continued line: libpam refuses all of it */
	PAM_PROBLEM_AMBIGUOUS,  /* read differently by versions of linux-pam */
	PAM_PROBLEM_CARRIAGE,   /* a line that ends in CR LF */
	/* found by pam_stack_judge() */
	PAM_PROBLEM_NO_OPEN,
	PAM_PROBLEM_NO_CLOSE,
	PAM_PROBLEM_NO_ROLE, /* the module without "open" or "close" */
	PAM_PROBLEM_OPEN_NOT_LAST,
	PAM_PROBLEM_CLOSE_NOT_FIRST,
	PAM_PROBLEM_CONTROL, /* a control that lets a refusal pass */
	PAM_PROBLEM_SKIPPED, /* an earlier line can end the stack or jump over the module */
	PAM_PROBLEM_SILENT,  /* "-session": a missing module is not logged */
	PAM_PROBLEM_TWICE,
	PAM_PROBLEM_MISSPELT,  /* a line that means the module and names another: PAM cannot load it */
	PAM_PROBLEM_ARGUMENT,  /* a word that the module refuses every login for */
	PAM_PROBLEM_NAMESPACE, /* pam_namespace in the same stack */
	/* found by pam_view_read(), which knows this host */
	PAM_PROBLEM_DAMAGED, /* a block that was changed by hand */
	PAM_PROBLEM_MISSING, /* a module file that is not there, on a line that must not fail */
	PAM_PROBLEM_POLICY,  /* a policy directory that the module does not take */
	PAM_PROBLEM_GROUP,   /* a group of exempt= that NSS does not know */
	PAM_PROBLEMS,
};

enum pam_severity {
	PAM_NOTE,    /* works, worth knowing */
	PAM_WARNING, /* works, but not as well as it should */
	PAM_ERROR,   /* the policy does not hold, or logins fail */
};

struct pam_problem {
	enum pam_problem_code code;
	enum pam_severity severity;
	char *file;    /* never NULL */
	unsigned line; /* 0: the file as a whole */
	char *text;    /* what is wrong and what to do, one line */
};

struct pam_problems {
	struct pam_problem *items;
	size_t count;
};

struct pam_stack {
	char *service;
	struct pam_entry *entries;
	size_t count;
	char **files; /* every file that was read, the service's own first */
	size_t file_count;
	struct pam_problems problems;
};

/*
 * Gives the text of `name`: a service name, or the absolute path of an include.
 * 0 and a malloced text of *ret_length bytes, or -errno.
 */
typedef int (*pam_read_fn)(void *context, const char *name, char **ret_text, size_t *ret_length);

/* The name by which a code is known in JSON and in audits ("open-not-last"). */
const char *pam_problem_name(enum pam_problem_code code);
const char *pam_severity_name(enum pam_severity severity);
const char *pam_return_name(size_t value);

/*
 * Reads the session stack of a service. 0 with what is wrong listed in
 * ret->problems; -errno when the service's own file cannot be read, -ENOMEM.
 */
int pam_stack_read(pam_read_fn read, void *context, const char *service, struct pam_stack *ret) _must_check_;
void pam_stack_release(struct pam_stack *stack);

/* True if the entry is a line of the module `name` ("pam_nsisolate.so"), by whatever path. */
bool pam_entry_is_module(const struct pam_entry *entry, const char *name);
bool pam_entry_has_argument(const struct pam_entry *entry, const char *argument);

int pam_problems_add(struct pam_problems *list, enum pam_problem_code code, enum pam_severity severity,
		     const char *file, unsigned line, const char *format, ...) _printf_(6, 7) _must_check_;
void pam_problems_release(struct pam_problems *list);
