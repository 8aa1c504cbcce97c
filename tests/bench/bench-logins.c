/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * Opening and closing a session of a PAM stack beside another stack, or beside the bare system calls (bare.h). They
 * take turns (A B A B …) in one run, each in a login process of its own, since not every module brings its caller
 * back. As in a login program, the modules are loaded and the user has been looked up before.
 *
 *     bench-logins -H                 the head of the table
 *     bench-logins [-n AT-ONCE] [-a ALIVE] [-m MOUNTS] CONFDIR USER ROUNDS LABEL ISOLATES OURS OTHER
 *     bench-logins -w CONFDIR USER ROUNDS LABEL ISOLATES OURS COMMAND
 *
 * OURS and OTHER: services below CONFDIR; OTHER may be "bare". COMMAND: a program that isolates by itself, as a login
 * shell, and ends with "true"; its whole time, less what true(1) takes by itself, beside opening and closing together.
 * So many sessions of OURS are alive meanwhile, of users bench0 to bench49, so many mounts are on the host, and so many
 * logins begin at once.
 */

#include "bare.h"
#include "bench.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define AT_ONCE_MAX  64
#define ALIVE_USERS  50
#define MOUNT_POINTS "/srv/bench-mounts"

struct times {
	double open, close;
};

struct options {
	const char *confdir, *user;
	unsigned at_once, alive, mounts;
	bool wrapper; /* the other is a program around the login shell */
};

static int silent(int count, const struct pam_message **messages, struct pam_response **ret, void *data)
{
	(void)messages;
	(void)data;
	*ret = calloc((size_t)count, sizeof(**ret));
	return *ret ? PAM_SUCCESS : PAM_BUF_ERR;
}

static void look_up(const char *user)
{
	const struct passwd *entry = getpwnam(user);
	gid_t groups[64];
	int count = 64;

	if (!entry)
		die(user);
	(void)getgrouplist(user, entry->pw_gid, groups, &count);
}

static pam_handle_t *prepare(const struct options *options, const char *service)
{
	static const struct pam_conv conversation = { silent, NULL };
	pam_handle_t *pamh;

	look_up(options->user);
	if (pam_start_confdir(service, "root", &conversation, options->confdir, &pamh) != PAM_SUCCESS)
		die("pam_start_confdir");
	/* loads the modules, none of which does anything for root */
	(void)pam_open_session(pamh, 0);
	if (pam_set_item(pamh, PAM_USER, options->user) != PAM_SUCCESS)
		die("pam_set_item");
	return pamh;
}

static void check(pam_handle_t *pamh, const char *what, int r)
{
	if (r == PAM_SUCCESS)
		return;
	fprintf(stderr, "%s: %s\n", what, pam_strerror(pamh, r));
	exit(2);
}

struct location {
	ino_t network, mounts;
};

static struct location where(void)
{
	struct stat network = { 0 }, mounts = { 0 };

	if (stat("/proc/thread-self/ns/net", &network) < 0 || stat("/proc/thread-self/ns/mnt", &mounts) < 0)
		return (struct location){ 0, 0 };
	return (struct location){ network.st_ino, mounts.st_ino };
}

/* Until whoever has the other end closes it. */
static void wait_for(int gate)
{
	char byte;

	while (read(gate, &byte, 1) < 0)
		;
}

static struct times time_stack(const struct options *options, const char *service, int ready, int gate)
{
	pam_handle_t *pamh = prepare(options, service);
	const struct location before = where();
	struct location after;
	double start, opened, closing, closed;
	int r;

	if (write(ready, "r", 1) != 1)
		die("write");
	wait_for(gate);
	start = now_us();
	r = pam_open_session(pamh, 0);
	opened = now_us();
	check(pamh, "pam_open_session", r);
	after = where();
	if (after.network == before.network && after.mounts == before.mounts) {
		fprintf(stderr, "%s isolated nothing: the figure would mean nothing\n", service);
		exit(2);
	}
	closing = now_us();
	r = pam_close_session(pamh, 0);
	closed = now_us();
	check(pamh, "pam_close_session", r);
	return (struct times){ opened - start, closed - closing };
}

static struct times time_bare(int ready, int gate)
{
	struct bare bare;
	double start, opened, closing;

	bare_prepare(&bare);
	if (write(ready, "r", 1) != 1)
		die("write");
	wait_for(gate);
	start = now_us();
	bare_open(&bare);
	opened = now_us();
	closing = opened;
	bare_close(&bare);
	return (struct times){ opened - start, now_us() - closing };
}

static void start_one(const struct options *options, const char *service, int ready, const int gate[2],
		      struct times *result)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid > 0)
		return;
	close(gate[1]);
	*result =
		strcmp(service, "bare") == 0 ? time_bare(ready, gate[0]) : time_stack(options, service, ready, gate[0]);
	_exit(0);
}

static void make_pipe(int ret[2])
{
	if (pipe2(ret, O_CLOEXEC) < 0)
		die("pipe2");
}

static void close_pipe(const int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

/* One of a round: as many at once as are asked for. `results`: shared with them. */
static void run_at_once(const struct options *options, const char *service, struct times *results)
{
	int ready[2], gate[2], status;
	char byte;

	make_pipe(ready);
	make_pipe(gate);
	for (unsigned i = 0; i < options->at_once; i++)
		start_one(options, service, ready[1], gate, &results[i]);
	close(ready[1]);
	for (unsigned i = 0; i < options->at_once; i++)
		if (read(ready[0], &byte, 1) != 1)
			die("a login did not begin");
	close_pipe(gate);
	for (unsigned i = 0; i < options->at_once; i++)
		if (wait(&status) < 0 || status != 0)
			die(service);
	close(ready[0]);
}

/* One that stays until the program ends. */
static void stay(struct options options, const char *service, unsigned number, int ready)
{
	char user[24];
	pam_handle_t *pamh;
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid > 0)
		return;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		die("prctl");
	(void)snprintf(user, sizeof(user), "bench%u", number % ALIVE_USERS);
	options.user = user;
	pamh = prepare(&options, service);
	check(pamh, "pam_open_session", pam_open_session(pamh, 0));
	if (write(ready, "r", 1) != 1)
		die("write");
	for (;;)
		pause();
}

static void fill_sessions(const struct options *options, const char *service)
{
	int ready[2];
	char byte;

	make_pipe(ready);
	for (unsigned i = 0; i < options->alive; i++) {
		stay(*options, service, i, ready[1]);
		if (read(ready[0], &byte, 1) != 1)
			die("a session that stays");
	}
	close_pipe(ready);
}

static unsigned count_mounts(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	unsigned count = 0;

	if (!file)
		die("mountinfo");
	for (int c; (c = getc(file)) != EOF;)
		count += c == '\n';
	(void)fclose(file);
	return count;
}

/* Of small file systems, each on a directory of its own; they go with this process, whose mount namespace it is. */
static void fill_mounts(unsigned wanted)
{
	/* shared as a host's are, but with nobody */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0)
		die("mount namespace");
	if (mkdir(MOUNT_POINTS, 0755) < 0 && errno != EEXIST)
		die(MOUNT_POINTS);
	for (unsigned i = count_mounts(); i < wanted; i++) {
		char path[64];

		snprintf(path, sizeof(path), MOUNT_POINTS "/%u", i);
		if ((mkdir(path, 0755) < 0 && errno != EEXIST) || mount("none", path, "tmpfs", 0, "size=4k") < 0)
			die(path);
	}
}

static void add(double *open, double *close, size_t at, const struct times *results, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		open[at + i] = results[i].open;
		close[at + i] = results[i].close;
	}
}

static void compare(const struct options *options, size_t rounds, char *const names[4])
{
	const size_t count = rounds * options->at_once;
	struct times *results =
		mmap(NULL, AT_ONCE_MAX * sizeof(*results), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double *figures[4];
	char what[160];

	for (size_t i = 0; i < ELEMENTS(figures); i++)
		figures[i] = calloc(count, sizeof(double));
	if (results == MAP_FAILED || !figures[0] || !figures[1] || !figures[2] || !figures[3])
		die("memory");
	for (size_t round = 0; round < rounds; round++) {
		for (size_t i = 0; i < 2; i++) {
			run_at_once(options, names[2 + i], results);
			add(figures[2 * i], figures[2 * i + 1], round * options->at_once, results, options->at_once);
		}
	}
	snprintf(what, sizeof(what), "open: %s", names[0]);
	print_row(what, names[1], figures[0], figures[2], count);
	snprintf(what, sizeof(what), "close: %s", names[0]);
	print_row(what, names[1], figures[1], figures[3], count);
	for (size_t i = 0; i < ELEMENTS(figures); i++)
		free(figures[i]);
}

static void compare_to_wrapper(const struct options *options, size_t rounds, char *const names[4])
{
	struct times *results = mmap(NULL, sizeof(*results), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	_cleanup_free_ double *ours = calloc(rounds, sizeof(double)), *other = calloc(rounds, sizeof(double));
	_cleanup_free_ double *start = calloc(rounds, sizeof(double));
	char *words[COMMAND_WORDS_MAX];
	double spawn;

	if (results == MAP_FAILED || !ours || !other || !start)
		die("memory");
	split_command(names[3], words);
	for (size_t round = 0; round < rounds; round++) {
		run_at_once(options, names[2], results);
		ours[round] = results->open + results->close;
		start[round] = time_nothing();
		other[round] = time_command(words);
	}
	spawn = quantile(start, rounds, 0.5);
	for (size_t round = 0; round < rounds; round++)
		other[round] -= spawn;
	print_row(names[0], names[1], ours, other, rounds);
}

int main(int argc, char **argv)
{
	struct options options = { .at_once = 1 };
	size_t rounds;
	int option;

	while ((option = getopt(argc, argv, "Hwn:a:m:")) != -1) {
		const unsigned number = optarg ? (unsigned)strtoul(optarg, NULL, 10) : 0;

		if (option == 'H')
			print_head();
		else if (option == 'w')
			options.wrapper = true;
		else if (option == 'n')
			options.at_once = number;
		else if (option == 'a')
			options.alive = number;
		else if (option == 'm')
			options.mounts = number;
		else
			return 2;
	}
	if (argc == 2 && strcmp(argv[1], "-H") == 0)
		return 0;
	rounds = argc - optind == 7 ? strtoul(argv[optind + 2], NULL, 10) : 0;
	if (rounds == 0 || options.at_once == 0 || options.at_once > AT_ONCE_MAX) {
		fprintf(stderr,
			"usage: %s [-w] [-n AT-ONCE] [-a ALIVE] [-m MOUNTS] CONFDIR USER ROUNDS LABEL ISOLATES OURS "
			"OTHER\n",
			argv[0]);
		return 2;
	}
	options.confdir = argv[optind];
	options.user = argv[optind + 1];
	if (options.mounts > 0)
		fill_mounts(options.mounts);
	fill_sessions(&options, argv[optind + 5]);
	if (options.wrapper)
		compare_to_wrapper(&options, rounds, &argv[optind + 3]);
	else
		compare(&options, rounds, &argv[optind + 3]);
	return 0;
}
