/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/nsisolate-pam.h"
#include "config/module_arguments.h"
#include "nsisolate-config.h"

#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#define OPTION(command) (1u << (command))

enum command_id { COMMAND_ENABLE, COMMAND_DISABLE, COMMAND_STATUS, COMMAND_SHOW, COMMANDS };

static const struct command {
	const char *name;
	const char *synopsis;
	const char *help;
	size_t least, most; /* services */
	bool arguments;     /* takes module arguments behind "--" */
	int (*run)(const struct pam_options *options);
} commands[COMMANDS] = {
	[COMMAND_ENABLE] = { "enable", "SERVICE… [-- ARGUMENT…]", "put the module's lines into the service's file", 1,
			     SIZE_MAX, true, pam_command_enable },
	[COMMAND_DISABLE] = { "disable", "SERVICE… | --all", "take them out again, byte for byte", 0, SIZE_MAX, false,
			      pam_command_disable },
	[COMMAND_STATUS] = { "status", "[SERVICE… | --all]", "where the module is, and what is wrong", 0, SIZE_MAX,
			     false, pam_command_status },
	[COMMAND_SHOW] = { "show", "SERVICE", "the session lines in the order in which PAM runs them", 1, 1, false,
			   pam_command_show },
};

enum option_id { OPTION_PAM_DIR = 256, OPTION_STATE_DIR, OPTION_MODULE };

static const struct option_info {
	int id; /* the short option, or an option_id */
	const char *name;
	const char *value;
	const char *help;
	unsigned commands; /* those that take it; 0: all */
} option_table[] = {
	{ 'd', "dry-run", NULL, "show what would change as a diff, and change nothing",
	  OPTION(COMMAND_ENABLE) | OPTION(COMMAND_DISABLE) },
	{ 'a', "all", NULL, "disable: every service that has our lines; status: those that are no logins, too",
	  OPTION(COMMAND_DISABLE) | OPTION(COMMAND_STATUS) },
	{ 'J', "json", NULL, "print JSON", OPTION(COMMAND_STATUS) },
	{ 'n', "noheadings", NULL, "print no headings", OPTION(COMMAND_STATUS) | OPTION(COMMAND_SHOW) },
	{ 'r', "raw", NULL, "print the table only, unaligned", OPTION(COMMAND_STATUS) | OPTION(COMMAND_SHOW) },
	{ OPTION_PAM_DIR, "pam-dir", "DIR", "the service files (default: " NSISOLATE_PAM_DIRECTORY ")", 0 },
	{ OPTION_STATE_DIR, "state-dir", "DIR", "the copies (default: " PAM_STATE_DIRECTORY ")", 0 },
	{ OPTION_MODULE, "module", "FILE", "the module (default: " NSISOLATE_MODULE ")", OPTION(COMMAND_ENABLE) },
	{ 'h', "help", NULL, "print this", 0 },
	{ 'V', "version", NULL, "print the version", 0 },
};

void complain(const char *format, ...)
{
	va_list args;

	(void)fflush(stdout);
	(void)fputs("nsisolate-pam: ", stderr);
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fputc('\n', stderr);
}

int complain_problem(char *problem)
{
	complain("%s", problem ? problem : strerror(ENOMEM));
	free(problem);
	return PAM_EXIT_FAILED;
}

int open_services(const struct pam_options *options, struct pam_directory *ret)
{
	char *problem = NULL;
	int r;

	r = pam_directory_open(options->pam_dir ? options->pam_dir : NSISOLATE_PAM_DIRECTORY, !options->pam_dir, ret,
			       &problem);
	if (r < 0)
		(void)complain_problem(problem);
	return r;
}

static void print_help(void)
{
	printf("Usage: nsisolate-pam COMMAND [OPTION…] [SERVICE…]\n\n"
	       "Puts pam_nsisolate.so into the PAM stack of a service, and takes it out again.\n\nCommands:\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-8s %-24s  %s\n", commands[i].name, commands[i].synopsis, commands[i].help);
	printf("\nOptions:\n");
	for (size_t i = 0; i < ELEMENTS(option_table); i++) {
		const struct option_info *info = &option_table[i];
		char name[40];

		(void)snprintf(name, sizeof(name), "--%s%s%s", info->name, info->value ? " " : "",
			       info->value ? info->value : "");
		printf("  %c%c%c %-18s  %s\n", info->id < 256 ? '-' : ' ', info->id < 256 ? info->id : ' ',
		       info->id < 256 ? ',' : ' ', name, info->help);
	}
	printf("\nModule arguments: " MODULE_ARGUMENTS "\n"
	       "Exit status: 0 done, or already so; 1 something found or left; 2 wrong usage or refused.\n"
	       "For more see nsisolate-pam(8).\n");
}

static int usage(const char *format, ...) _printf_(1, 2);

static int usage(const char *format, ...)
{
	va_list args;

	(void)fputs("nsisolate-pam: ", stderr);
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fputs("\nTry 'nsisolate-pam --help'.\n", stderr);
	return PAM_EXIT_FAILED;
}

static void fill_getopt(char *letters, struct option *long_options)
{
	*letters++ = ':';
	for (size_t i = 0; i < ELEMENTS(option_table); i++) {
		const struct option_info *info = &option_table[i];

		if (info->id < 256)
			*letters++ = (char)info->id;
		long_options[i] =
			(struct option){ info->name, info->value ? required_argument : no_argument, NULL, info->id };
	}
	*letters = '\0';
	long_options[ELEMENTS(option_table)] = (struct option){ 0 };
}

static void set_option(struct pam_options *options, int id, const char *value)
{
	switch (id) {
	case 'd':
		options->dry_run = true;
		break;
	case 'a':
		options->all = true;
		break;
	case 'J':
		options->json = true;
		break;
	case 'n':
		options->noheadings = true;
		break;
	case 'r':
		options->raw = true;
		break;
	case OPTION_PAM_DIR:
		options->pam_dir = value;
		break;
	case OPTION_STATE_DIR:
		options->state_dir = value;
		break;
	default:
		options->module = value;
		break;
	}
}

static const struct option_info *option_of(int id)
{
	for (size_t i = 0; i < ELEMENTS(option_table); i++)
		if (option_table[i].id == id)
			return &option_table[i];
	return NULL;
}

static int run(const struct command *command, struct pam_options *options, const unsigned given_for[],
	       const char *const given[], size_t given_count)
{
	unsigned self = OPTION(command - commands);
	size_t count = options->service_count;

	for (size_t i = 0; i < given_count; i++)
		if (given_for[i] && !(given_for[i] & self))
			return usage("'%s' takes no option --%s", command->name, given[i]);
	if (options->arguments && !command->arguments)
		return usage("'%s' takes no module arguments ('--')", command->name);
	if (options->arguments && !options->arguments[0])
		return usage("nothing stands behind '--'; leave it out to keep the arguments that are there, or "
			     "disable the service first to drop them");
	if (options->all && count)
		return usage("either --all or services");
	if (count < command->least || (command == &commands[COMMAND_DISABLE] && !options->all && !count))
		return usage("'%s' needs the name of a service: %s %s", command->name, command->name,
			     command->synopsis);
	if (count > command->most)
		return usage("'%s' takes one service", command->name);
	return command->run(options);
}

/* The words behind the first "--" are the module's: getopt never sees them. */
static int split_arguments(int argc, char **argv, const char *const **ret)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") != 0)
			continue;
		*ret = (const char *const *)argv + i + 1;
		argv[i] = NULL;
		return i;
	}
	return argc;
}

int main(int argc, char **argv)
{
	struct pam_options options = { .state_dir = PAM_STATE_DIRECTORY };
	struct option long_options[ELEMENTS(option_table) + 1];
	char letters[ELEMENTS(option_table) + 2];
	unsigned given_for[64];
	const char *given[64];
	size_t given_count = 0;
	int id, status;

	argc = split_arguments(argc, argv, &options.arguments);
	fill_getopt(letters, long_options);
	opterr = 0;
	while ((id = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		if (id == ':')
			return usage("'%s' needs a value", argv[optind - 1]);
		if (id == '?')
			return usage("unknown option '%s'", argv[optind - 1]);
		if (id == 'h') {
			print_help();
			return PAM_EXIT_DONE;
		}
		if (id == 'V') {
			printf("nsisolate-pam %s\n", NSISOLATE_VERSION);
			return PAM_EXIT_DONE;
		}
		set_option(&options, id, optarg);
		if (given_count < ELEMENTS(given)) {
			given_for[given_count] = option_of(id)->commands;
			given[given_count++] = option_of(id)->name;
		}
	}
	if (optind >= argc)
		return usage("no command");
	options.services = (const char *const *)argv + optind + 1;
	options.service_count = (size_t)(argc - optind - 1);
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(argv[optind], commands[i].name) != 0)
			continue;
		status = run(&commands[i], &options, given_for, given, given_count);
		if (fflush(stdout) != 0 || ferror(stdout)) {
			complain("standard output: %s", strerror(errno));
			return PAM_EXIT_FAILED;
		}
		return status;
	}
	return usage("unknown command '%s'", argv[optind]);
}
