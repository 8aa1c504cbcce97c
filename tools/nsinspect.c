/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* nsinspect(1): shows, explains and checks isolated sessions and their policies. */

#include "common/format_list.h"
#include "nsisolate-config.h"
#include "session/record.h"
#include "tools/color.h"
#include "tools/command_exit.h"
#include "tools/display.h"
#include "tools/nsinspect.h"
#include "tools/watch.h"

#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <string.h>

static const struct subcommand *const commands[] = {
	&command_list,   &command_show, &command_ps,    &command_policy, &command_check,
	&command_import, &command_kill, &command_audit, &command_enter,  &command_metrics,
};

enum {
	OPTION_OUTPUT_ALL = 256,
	OPTION_PLAN,
	OPTION_SERVICE,
	OPTION_FROM,
	OPTION_POLICY_DIRECTORY,
	OPTION_RECORD_DIRECTORY,
	OPTION_PAM_DIRECTORY,
	OPTION_KERNEL,
	OPTION_STDIN,
	OPTION_DIFF,
	OPTION_CHANGED,
	OPTION_BASELINE,
	OPTION_WRITE_BASELINE,
	OPTION_SYSCTL_DIRECTORY,
	OPTION_HURRIED,
	OPTION_COLOR,
	OPTION_WATCH,
	OPTION_BY_USER,
	OPTION_LOG,
	OPTION_ROOT,
	OPTION_SINCE,
};

/* In the order of the help; a row without help is for tests. */
static const struct option_row {
	int value; /* the letter, or an OPTION_… */
	const char *name;
	const char *argument; /* "[=WHAT]": it may be left out */
	const char *help;
	unsigned groups; /* 0: every command's */
} option_rows[] = {
	{ 'a', "all", NULL, "also records of ended sessions and files that are no records", OPTIONS_ALL },
	{ OPTION_PLAN, "plan", NULL, "print the steps that a login would take", OPTIONS_LOGIN },
	{ OPTION_DIFF, "diff", "USER2", "print only what is different for a login of USER2", OPTIONS_LOGIN },
	{ OPTION_SERVICE, "service", "NAME", "decide as for this PAM service", OPTIONS_LOGIN },
	{ OPTION_FROM, "from", "ADDRESS", "decide as for a login from this address", OPTIONS_LOGIN },
	{ OPTION_POLICY_DIRECTORY, "policy-dir", "DIR", "read policies from DIR instead of the live directory",
	  OPTIONS_POLICY },
	{ OPTION_PAM_DIRECTORY, "pam-dir", "DIR", "judge the PAM stacks in DIR instead of the live ones",
	  OPTIONS_CHECK },
	{ OPTION_KERNEL, "kernel", NULL, "also try whether this kernel can run every policy's plan", OPTIONS_CHECK },
	{ OPTION_STDIN, "stdin", "NAME", "check standard input as the file NAME of the directory PATH", OPTIONS_CHECK },
	{ 'u', "user", "USER", "only what is of USER", OPTIONS_USER },
	{ 'u', "user", "USER", "for the policy file of USER, or of a group, @GROUP", OPTIONS_IMPORT },
	{ 's', "service", "NAME", "only sessions that were opened by this PAM service", OPTIONS_BY },
	{ OPTION_CHANGED, "changed", NULL, "sessions whose user would now get another policy", OPTIONS_KILL },
	{ OPTION_BASELINE, "baseline", "FILE", "leave out the findings that FILE lists", OPTIONS_AUDIT },
	{ OPTION_WRITE_BASELINE, "write-baseline", NULL, "print the findings as such a file", OPTIONS_AUDIT },
	{ OPTION_SINCE, "since", "WHEN", "only findings that may be newer than that", OPTIONS_AUDIT },
	{ OPTION_SINCE, "since", "WHEN", "only sessions that were opened or joined since then", OPTIONS_ALL },
	{ OPTION_LOG, "log", NULL, "also a line about it in the journal or the system log", OPTIONS_AUDIT },
	{ OPTION_BY_USER, "by-user", NULL, "also the sessions of each user", OPTIONS_METRICS },
	{ 'o', "output", "FILE", "replace FILE by them instead, whole or not at all", OPTIONS_METRICS },
	{ OPTION_ROOT, "root", NULL, "as root, confined as the session is, instead of as its user", OPTIONS_ENTER },
	{ 't', "tty", NULL, "in a terminal of its own; implied where input and output are terminals", OPTIONS_ENTER },
	{ 'J', "json", NULL, "JSON output", OPTIONS_JSON },
	{ 'n', "noheadings", NULL, "no heading line", OPTIONS_TABLE },
	{ 'o', "output", "COLUMNS", "columns to show; +COLUMNS adds to the default", OPTIONS_TABLE },
	{ OPTION_OUTPUT_ALL, "output-all", NULL, "every column", OPTIONS_TABLE },
	{ 'P', "pairs", NULL, "KEY=\"value\" output", OPTIONS_TABLE },
	{ 'r', "raw", NULL, "raw output", OPTIONS_TABLE },
	{ OPTION_COLOR, "color", "[=WHEN]", "colours: auto (on a terminal), always or never", OPTIONS_VIEW },
	{ OPTION_WATCH, "watch", "[=SECONDS]", "again and again, until q or Ctrl-C", OPTIONS_VIEW },
	{ OPTION_RECORD_DIRECTORY, "record-dir", "DIR", NULL, OPTIONS_RECORDS },
	{ OPTION_SYSCTL_DIRECTORY, "sysctl-dir", "DIR", NULL, OPTIONS_AUDIT },
	{ OPTION_HURRIED, "hurried", NULL, NULL, OPTIONS_AUDIT },
	{ 'h', "help", NULL, "this help", 0 },
	{ 'V', "version", NULL, "the version", 0 },
};

static enum exit_status complain(const char *text)
{
	_cleanup_free_ char *shown = display_text(text);

	(void)fprintf(stderr, "nsinspect: %s\n", shown ? shown : "out of memory");
	return EXIT_TROUBLE;
}

enum exit_status trouble(const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, format);
	text = format_list(format, args);
	va_end(args);
	return complain(text ? text : "out of memory");
}

enum exit_status trouble_errno(int error, const char *what)
{
	return trouble("%s: %s", what, strerror(error < 0 ? -error : error));
}

static bool may_be_left_out(const char *argument)
{
	return argument[0] == '[';
}

static bool takes(const struct subcommand *command, const struct option_row *row)
{
	return row->groups == 0 || (row->groups & command->options) != 0;
}

static void print_options(const struct subcommand *command)
{
	for (size_t i = 0; i < ELEMENTS(option_rows); i++) {
		const struct option_row *row = &option_rows[i];
		char letter[] = "    ";
		int width = 0;

		if (!row->help || !takes(command, row))
			continue;
		if (row->value < 256)
			(void)snprintf(letter, sizeof(letter), "-%c, ", (char)row->value);
		width = printf(" %s--%s%s%s", letter, row->name,
			       row->argument && !may_be_left_out(row->argument) ? " " : "",
			       row->argument ? row->argument : "");
		(void)printf("%*s%s\n", width < 26 ? 26 - width : 1, "", row->help);
	}
}

static void print_commands(void)
{
	(void)printf("\nCommands:\n");
	for (size_t i = 0; i < ELEMENTS(commands); i++) {
		int width = printf(" %s %s", commands[i]->name, commands[i]->arguments);

		(void)printf("%*s%s\n", width < 20 ? 20 - width : 1, "", commands[i]->summary);
	}
	(void)printf("\n'nsinspect COMMAND --help' shows the options and columns of one command.\n");
}

static void print_help(const struct subcommand *command, bool named)
{
	(void)printf("Usage:\n nsinspect %s [options]%s%s\n\n%c%s.\n", named ? command->name : "[command]",
		     *command->arguments ? " " : "", command->arguments, command->summary[0] - 'a' + 'A',
		     command->summary + 1);
	if (!named)
		print_commands();
	(void)printf("\nOptions%s:\n", named ? "" : " of list, the default command");
	print_options(command);
	if (command->column_count > 0) {
		(void)printf("\nColumns (* shown by default, + by -r and -P, which have no trees):\n");
		columns_help(command->columns, command->column_count, stdout);
	}
	(void)printf(
		command->runs_command
			? "\nExit status: the command's; 128+N if signal N ended it; 125 nsinspect failed or "
			  "refused,\n126 the command cannot be run, 127 there is no such command.\n"
			: "\nExit status: 0 nothing to report, 1 findings or not found, 2 wrong usage or failure.\n");
}

/* What a parsed option means; false when it ends the program with success. */
static bool apply_option(const struct subcommand *command, bool named, int value, struct options *options)
{
	switch (value) {
	case 'a':
		options->all = true;
		break;
	case 'J':
		options->layout.style = OUTPUT_JSON;
		break;
	case 'n':
		options->layout.no_headings = true;
		break;
	case 'o':
		options->layout.output = optarg;
		break;
	case 'P':
		options->layout.style = OUTPUT_PAIRS;
		break;
	case 'r':
		options->layout.style = OUTPUT_RAW;
		break;
	case OPTION_OUTPUT_ALL:
		options->layout.all_columns = true;
		break;
	case OPTION_PLAN:
		options->plan = true;
		break;
	case 's':
	case OPTION_SERVICE:
		options->service = optarg;
		break;
	case OPTION_FROM:
		options->from = optarg;
		break;
	case OPTION_POLICY_DIRECTORY:
		options->policy_directory = optarg;
		break;
	case OPTION_RECORD_DIRECTORY:
		options->record_directory = optarg;
		break;
	case OPTION_PAM_DIRECTORY:
		options->pam_directory = optarg;
		break;
	case OPTION_KERNEL:
		options->kernel = true;
		break;
	case OPTION_STDIN:
		options->input_name = optarg;
		break;
	case OPTION_DIFF:
		options->other_user = optarg;
		break;
	case 'u':
		options->user = optarg;
		break;
	case OPTION_CHANGED:
		options->changed = true;
		break;
	case OPTION_BASELINE:
		options->baseline = optarg;
		break;
	case OPTION_WRITE_BASELINE:
		options->write_baseline = true;
		break;
	case OPTION_SYSCTL_DIRECTORY:
		options->sysctl_directory = optarg;
		break;
	case OPTION_HURRIED:
		options->hurried = true;
		break;
	case OPTION_COLOR:
		options->color = optarg ? optarg : "auto";
		break;
	case OPTION_WATCH:
		if (watch_parse(optarg, &options->watch_ms) < 0)
			options->wrong = "--watch takes seconds, from 0.1 to 86400";
		break;
	case OPTION_SINCE:
		options->since = optarg;
		break;
	case OPTION_LOG:
		options->log = true;
		break;
	case OPTION_BY_USER:
		options->by_user = true;
		break;
	case OPTION_ROOT:
		options->root = true;
		break;
	case 't':
		options->terminal = true;
		break;
	case 'h':
		print_help(command, named);
		return false;
	case 'V':
		(void)printf("nsinspect %s\n", NSISOLATE_VERSION);
		return false;
	default:
		break;
	}
	return true;
}

/* The command's options in the forms that getopt_long(3) wants. */
static void make_getopt(const struct subcommand *command, struct option *longs, char *shorts)
{
	for (size_t i = 0; i < ELEMENTS(option_rows); i++) {
		const struct option_row *row = &option_rows[i];

		if (!takes(command, row))
			continue;

		int argument = !row->argument                   ? no_argument
			       : may_be_left_out(row->argument) ? optional_argument
								: required_argument;

		*longs++ = (struct option){ row->name, argument, NULL, row->value };
		if (row->value < 256) {
			*shorts++ = (char)row->value;
			if (row->argument)
				*shorts++ = ':';
		}
	}
	*longs = (struct option){ 0 };
	*shorts = '\0';
}

static bool is_style(int value)
{
	return value == 'J' || value == 'P' || value == 'r';
}

/* As getopt_long(3). An ID stands in front of the command that is to be run, and options on both sides of it. */
static int next_option(const struct subcommand *command, int argc, char **argv, const char *shorts,
		       const struct option *longs, struct options *options)
{
	int value = getopt_long(argc, argv, shorts, longs, NULL);
	bool ended = strcmp(argv[optind - 1], "--") == 0;

	if (value != -1 || !command->runs_command || options->id || optind >= argc)
		return value;
	options->id = argv[optind++];
	return ended ? -1 : getopt_long(argc, argv, shorts, longs, NULL);
}

/* 1: go on; 0: the output is complete; -EINVAL: wrong usage, reported. */
static int parse_options(const struct subcommand *command, bool named, int argc, char **argv, struct options *options)
{
	struct option longs[ELEMENTS(option_rows) + 1];
	/* "+": what follows the command that is to be run is that command's */
	char shorts[1 + 2 * ELEMENTS(option_rows) + 1] = "+";
	int style = 0;
	int value;

	make_getopt(command, longs, shorts + (command->runs_command ? 1 : 0));
	while ((value = next_option(command, argc, argv, shorts, longs, options)) != -1) {
		if (value == '?')
			return -EINVAL;
		if (is_style(value) && style != 0 && style != value) {
			(void)trouble("-%c and -%c exclude each other", style, value);
			return -EINVAL;
		}
		if (is_style(value))
			style = value;
		if (!apply_option(command, named, value, options))
			return 0;
	}
	if (color_decide(options->color, &options->layout.colors) < 0)
		options->wrong = "--color takes auto, always or never";
	if (options->wrong) {
		(void)trouble("%s", options->wrong);
		return -EINVAL;
	}
	return 1;
}

static const struct subcommand *find_command(const char *name)
{
	for (size_t i = 0; i < ELEMENTS(commands); i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	}
	return NULL;
}

/* Names and times as the user's locale has them; JSON is UTF-8 whatever the locale. */
static void set_locale(const struct options *options)
{
	if (options->layout.style != OUTPUT_JSON || !setlocale(LC_CTYPE, "C.UTF-8"))
		(void)setlocale(LC_CTYPE, "");
}

static enum exit_status failure_of(const struct subcommand *command)
{
	return command->runs_command ? (enum exit_status)EXIT_REFUSED : EXIT_TROUBLE;
}

static enum exit_status run_command(const struct subcommand *command, bool named, int argc, char **argv)
{
	struct options options = { .record_directory = RECORD_DIRECTORY };
	int r = parse_options(command, named, argc, argv, &options);

	if (r < 0) {
		(void)fprintf(stderr, "Try 'nsinspect %s --help' for more information.\n", command->name);
		return failure_of(command);
	}
	if (r == 0)
		return EXIT_CLEAN;

	set_locale(&options);
	if (command->runs_command && !options.id)
		return (enum exit_status)command_fail("'%s' needs the ID of a session", command->name);
	if (argc - optind < command->arguments_min)
		return trouble("'%s' needs an argument: nsinspect %s %s", command->name, command->name,
			       command->arguments);
	if (argc - optind > command->arguments_max) {
		if (!named && find_command(argv[optind]))
			return trouble("the command comes first: nsinspect %s [options]", argv[optind]);
		return trouble("'%s' is an argument too many", argv[optind + command->arguments_max]);
	}
	return options.watch_ms > 0 ? watch_run(command, &options, argv + optind)
				    : command->run(&options, argv + optind);
}

/* A full disk or a closed pipe must not pass for success. */
static enum exit_status finish(enum exit_status status)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return trouble_errno(errno, "standard output");
	return status;
}

int main(int argc, char **argv)
{
	bool named = argc > 1 && argv[1][0] != '-';
	const struct subcommand *command = named ? find_command(argv[1]) : &command_list;

	(void)setlocale(LC_CTYPE, "");
	if (!command) {
		(void)trouble("unknown command '%s'", argv[1]);
		(void)fprintf(stderr, "Try 'nsinspect --help' for more information.\n");
		return EXIT_TROUBLE;
	}
	if (named)
		argv[1] = argv[0]; /* getopt_long(3) names the program by it */
	return (int)finish(run_command(command, named, argc - named, argv + named));
}
