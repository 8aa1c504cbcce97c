/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* nsrun(1): runs one command under a policy, without a login. */

#include "tools/nsrun.h"

#include "nsisolate-config.h"
#include "tools/command.h"
#include "tools/command_exit.h"

#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define SERVICE "nsrun"

enum {
	OPTION_SERVICE = 256,
	OPTION_FROM,
	OPTION_DRY_RUN,
	OPTION_UNISOLATED_OK,
	OPTION_DIE_WITH_PARENT,
	OPTION_MAP_ROOT,
};

static const struct option longs[] = {
	{ "user", required_argument, NULL, 'u' },
	{ "policy", required_argument, NULL, 'p' },
	{ "tty", no_argument, NULL, 't' },
	{ "preserve-environment", no_argument, NULL, 'E' },
	{ "service", required_argument, NULL, OPTION_SERVICE },
	{ "from", required_argument, NULL, OPTION_FROM },
	{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
	{ "unisolated-ok", no_argument, NULL, OPTION_UNISOLATED_OK },
	{ "die-with-parent", no_argument, NULL, OPTION_DIE_WITH_PARENT },
	{ "map-root", no_argument, NULL, OPTION_MAP_ROOT },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static const char help[] =
	"Usage:\n nsrun [options] [-u USER | -p FILE] [--] [COMMAND [ARGUMENT...]]\n\n"
	"Run a command under a policy, without a login. Without root as oneself, with what a user namespace allows.\n\n"
	"Options:\n"
	" -u, --user USER           as this user, under the policy that decides their logins\n"
	" -p, --policy FILE         under this policy file; as the caller, or with -u as that user\n"
	" -t, --tty                 in a terminal of its own; implied without COMMAND at a terminal\n"
	" -E, --preserve-environment  keep the environment, but for HOME, USER, LOGNAME and SHELL\n"
	"     --service NAME        decide as for this PAM service instead of nsrun\n"
	"     --from ADDRESS        decide as for a login from this address\n"
	"     --dry-run             print the steps that would be taken, and run nothing\n"
	"     --unisolated-ok       run the command even if the policy isolates nothing\n"
	"     --die-with-parent     end when the process that started nsrun ends\n"
	"     --map-root            without root: uid and gid are 0 in the session\n"
	" -h, --help                this help\n"
	" -V, --version             the version\n\n"
	"Exit status: the command's; 128+N if signal N ended it; 125 nsrun failed or refused,\n"
	"126 the command cannot be run, 127 there is no such command.\n";

static int usage(void)
{
	(void)dprintf(STDERR_FILENO, "Try 'nsrun --help' for more information.\n");
	return EXIT_REFUSED;
}

static int print(const char *text)
{
	if (fputs(text, stdout) == EOF || fflush(stdout) != 0)
		return command_fail("standard output: %s", strerror(errno));
	return 0;
}

/* -1: go on; else an exit status. */
static int apply_option(int value, struct nsrun *nsrun)
{
	switch (value) {
	case 'u':
		nsrun->user = optarg;
		break;
	case 'p':
		nsrun->file = optarg;
		break;
	case 't':
		nsrun->terminal = true;
		break;
	case 'E':
		nsrun->preserve_environment = true;
		break;
	case OPTION_SERVICE:
		nsrun->service = optarg;
		break;
	case OPTION_FROM:
		nsrun->from = optarg;
		break;
	case OPTION_DRY_RUN:
		nsrun->dry_run = true;
		break;
	case OPTION_UNISOLATED_OK:
		nsrun->unisolated_ok = true;
		break;
	case OPTION_DIE_WITH_PARENT:
		nsrun->die_with_parent = true;
		break;
	case OPTION_MAP_ROOT:
		nsrun->map_root = true;
		break;
	case 'h':
		return print(help);
	case 'V':
		return print("nsrun " NSISOLATE_VERSION "\n");
	default:
		return usage();
	}
	return -1;
}

/* -1: go on; else an exit status. */
static int parse_options(int argc, char **argv, struct nsrun *nsrun)
{
	int value;

	/* "+": what follows the command is the command's */
	while ((value = getopt_long(argc, argv, "+u:p:tEhV", longs, NULL)) != -1) {
		int r = apply_option(value, nsrun);

		if (r >= 0)
			return r;
	}
	nsrun->command = argv + optind;
	if (!nsrun->user && !nsrun->file) {
		(void)command_fail("-u USER or -p FILE says under which policy to run the command");
		return usage();
	}
	if (!*nsrun->command && isatty(STDIN_FILENO))
		nsrun->terminal = true;
	return -1;
}

/*
 * Standard streams as they are, and nothing else: another descriptor of the caller's might
 * lead out of the session. A directory as a standard stream would, by "..".
 */
static int check_descriptors(void)
{
	struct stat status;

	if (!command_streams_are_open())
		return command_fail("/dev/null: %s", strerror(errno));
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fstat(fd, &status) < 0 || S_ISDIR(status.st_mode))
			return command_fail("descriptor %d is a directory of the host: the command could leave by it",
					    fd);
	}
	if (close_range(STDERR_FILENO + 1, ~0U, 0) < 0)
		return command_fail("close_range: %s", strerror(errno));
	return -1;
}

static int run(const struct nsrun *nsrun)
{
	const bool own = nsrun_is_own(nsrun);
	pid_t parent = getppid();
	int r;

	if (geteuid() != 0 && !own)
		return command_fail(
			"-u %s: only root can run commands as another user; --dry-run shows what would be done",
			nsrun->user);
	if (nsrun->die_with_parent && (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent))
		return command_fail("the process that started nsrun has ended");
	r = check_descriptors();
	if (r >= 0)
		return r;
	return own ? nsrun_user(nsrun) : nsrun_run(nsrun);
}

int main(int argc, char **argv)
{
	struct nsrun nsrun = { .service = SERVICE, .from = "" };
	int r;

	(void)setlocale(LC_CTYPE, "");
	r = parse_options(argc, argv, &nsrun);
	if (r >= 0)
		return r;
	if (nsrun.map_root && geteuid() == 0)
		return command_fail("--map-root is for who is not root, and you are");
	if (!nsrun.dry_run)
		return run(&nsrun);
	return nsrun_is_own(&nsrun) ? nsrun_user(&nsrun) : nsrun_plan(&nsrun);
}
