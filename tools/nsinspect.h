/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What the subcommands of nsinspect share. A subcommand is a const descriptor in a file of its own. */

#include "common/cleanup.h"
#include "tools/columns.h"

#include <stdbool.h>
#include <stddef.h>

enum exit_status {
	EXIT_CLEAN = 0,    /* nothing to report */
	EXIT_FINDINGS = 1, /* findings, or what was asked for is not there */
	EXIT_TROUBLE = 2,  /* wrong usage, or the work could not be done */
};

struct options {
	struct layout layout; /* of metrics: output is the file, or NULL */
	bool all;
	bool plan;
	const char *record_directory;
	const char *policy_directory; /* NULL: the live one */
	const char *service;
	const char *from;
	const char *pam_directory; /* NULL: the live one */
	bool kernel;
	const char *input_name; /* of the file that standard input is to be judged as; NULL: none */
	const char *other_user; /* to compare with; NULL: nobody */
	const char *user;       /* whose sessions, or whose policy file; NULL: everybody's */
	bool changed;           /* sessions whose policy has changed */
	const char *baseline;   /* a file of findings that are known; NULL: none */
	bool write_baseline;
	const char *sysctl_directory;
	bool hurried;
	int watch_ms;      /* 0: once */
	const char *color; /* of --color, or NULL */
	const char *wrong; /* a sentence about an option's argument, or NULL */
	bool by_user;
	bool log;
	const char *id;    /* of a command that runs another one: its session */
	bool root;         /* run it as root */
	bool terminal;     /* run it on a terminal of its own */
	const char *since; /* a time; NULL: whenever */
};

/* Which options a command takes. */
enum option_group {
	OPTIONS_JSON = 1 << 0,
	OPTIONS_TABLE = 1 << 1,
	OPTIONS_ALL = 1 << 2,
	OPTIONS_POLICY = 1 << 3,
	OPTIONS_LOGIN = 1 << 4,
	OPTIONS_RECORDS = 1 << 5,
	OPTIONS_CHECK = 1 << 6,
	OPTIONS_KILL = 1 << 7,
	OPTIONS_USER = 1 << 8,
	OPTIONS_AUDIT = 1 << 9,
	OPTIONS_BY = 1 << 10, /* the service by which logins came */
	OPTIONS_VIEW = 1 << 11,
	OPTIONS_METRICS = 1 << 12,
	OPTIONS_ENTER = 1 << 13,
	OPTIONS_IMPORT = 1 << 14,
};

struct subcommand {
	const char *name;
	const char *arguments; /* as usage shows them */
	const char *summary;
	int arguments_min, arguments_max;
	unsigned options;  /* enum option_group */
	bool runs_command; /* named behind an ID; its exit status is that, or one of enum command_exit */
	const struct column *columns;
	size_t column_count;
	enum exit_status (*run)(const struct options *options, char **arguments);
};

extern const struct subcommand command_list;
extern const struct subcommand command_show;
extern const struct subcommand command_ps;
extern const struct subcommand command_policy;
extern const struct subcommand command_check;
extern const struct subcommand command_import;
extern const struct subcommand command_kill;
extern const struct subcommand command_audit;
extern const struct subcommand command_enter;
extern const struct subcommand command_metrics;

/* One line on standard error, made fit for a terminal, and EXIT_TROUBLE. */
enum exit_status trouble(const char *format, ...) _printf_(1, 2);

/* "nsinspect: WHAT: error text" and EXIT_TROUBLE. */
enum exit_status trouble_errno(int error, const char *what);
