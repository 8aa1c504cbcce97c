/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * The command runs in a child, whose output is a pipe. So it can take its time while keys and signals are heard, and
 * whatever becomes of it the terminal is given back. That is what this process is for: it blocks the signals that would
 * end it, takes them from a descriptor, and restores the terminal first. Should it fail itself, a handler does.
 */

#include "tools/watch.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/wait_child.h"
#include "common/write_whole.h"
#include "tools/display.h"
#include "tools/frame.h"

#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#define USUAL_MS   2000
#define LEAST_MS   100
#define MOST_MS    (24 * 60 * 60 * 1000)
#define OUTPUT_MAX (4 * 1024 * 1024)

#define ENTER      "\033[?1049h\033[?25l"
#define LEAVE      "\033[?25h\033[?1049l"

static const int heard[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH };
static const int fatal[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };

/* The terminal as it was, for the handler, too. */
static struct {
	struct termios before;
	bool keys; /* standard input is it, and has its mode changed */
	volatile sig_atomic_t entered;
} screen;

struct watch {
	const struct subcommand *command;
	const struct options *options;
	char **arguments;
	char *title; /* without the time */
	int signals;
	sigset_t mask; /* before */
	pid_t child;   /* 0: none runs */
	int pipe;
	char *output;
	size_t size;
	enum exit_status status;
	int ended_by; /* a signal to end by in turn; 0 */
	bool over;
};

static void put(const char *text, size_t size)
{
	/* tolerates every error: nobody looks */
	if (write_whole(STDOUT_FILENO, text, size) < 0)
		return;
}

/* Also by the handler: write(2) and tcsetattr(3) are safe there. */
static void leave_screen(void)
{
	if (!screen.entered)
		return;
	screen.entered = false;
	put(LEAVE, strlen(LEAVE));
	if (screen.keys)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &screen.before);
}

static void fail(int number)
{
	leave_screen();
	(void)raise(number); /* its default now: SA_RESETHAND */
}

static void enter_screen(void)
{
	struct termios keys = screen.before;

	keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	keys.c_cc[VMIN] = 0;
	keys.c_cc[VTIME] = 0;
	if (screen.keys)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &keys);
	screen.entered = true;
	put(ENTER, strlen(ENTER));
}

int watch_parse(const char *seconds, int *ret_milliseconds)
{
	char *end = NULL;
	double value;

	if (!seconds) {
		*ret_milliseconds = USUAL_MS;
		return 0;
	}
	errno = 0;
	value = strtod(seconds, &end);
	if (end == seconds || *end || errno || !isfinite(value) || value * 1000 < LEAST_MS || value * 1000 > MOST_MS)
		return -EINVAL;
	*ret_milliseconds = (int)(value * 1000);
	return 0;
}

static struct winsize window(void)
{
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	return size;
}

static _Noreturn void run_child(const struct watch *watch, int out)
{
	struct options options = *watch->options;
	enum exit_status status;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < ELEMENTS(fatal); i++)
		(void)signal(fatal[i], SIG_DFL);
	/* the foreground's own: the parent decides what they mean */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTSTP, SIG_IGN);
	(void)sigprocmask(SIG_SETMASK, &watch->mask, NULL);
	if (dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		_exit(EXIT_TROUBLE);
	options.layout.width = window().ws_col;
	status = watch->command->run(&options, watch->arguments);
	_exit(fflush(stdout) == 0 ? (int)status : EXIT_TROUBLE);
}

static void start(struct watch *watch)
{
	int ends[2];
	pid_t child;

	watch->size = 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	child = fork();
	if (child == 0)
		run_child(watch, ends[1]);
	close_fd(ends[1]);
	if (child < 0) {
		close_fd(ends[0]);
		return;
	}
	watch->child = child;
	watch->pipe = ends[0];
}

/* Its exit status; one that did not exit has failed. */
static void reap(struct watch *watch)
{
	int status = 0;

	(void)wait_child(watch->child, 0, &status);
	watch->child = 0;
	watch->pipe = close_fd(watch->pipe);
	watch->status = WIFEXITED(status) ? (enum exit_status)WEXITSTATUS(status) : EXIT_TROUBLE;
}

static void abandon(struct watch *watch)
{
	if (watch->child == 0)
		return;
	(void)kill(watch->child, SIGKILL);
	reap(watch);
}

static void draw(const struct watch *watch)
{
	const struct winsize size = window();
	_cleanup_free_ char *now = display_time(time(NULL), true);
	_cleanup_free_ char *title = NULL, *frame = NULL;

	if (asprintf(&title, "%s    %s", watch->title, now ? now : "") < 0)
		title = NULL;
	frame = title ? frame_make(title, watch->output, size.ws_row, size.ws_col) : NULL;
	if (frame)
		put(frame, strlen(frame));
}

/* What the child has to say; at its end it is drawn. What cannot be done once cannot be done again: it ends all. */
static void hear(struct watch *watch)
{
	char rest[4096];
	const bool full = watch->size >= OUTPUT_MAX;
	ssize_t got = read(watch->pipe, full ? rest : watch->output + watch->size,
			   full ? sizeof(rest) : OUTPUT_MAX - watch->size);

	if (got > 0) {
		watch->size += full ? 0 : (size_t)got;
		return;
	}
	if (got < 0 && errno == EINTR)
		return;
	watch->output[watch->size] = '\0';
	reap(watch);
	if (watch->status == EXIT_TROUBLE)
		watch->over = true;
	else
		draw(watch);
}

/* Ctrl-Z: the terminal is the shell's until it goes on. */
static void suspend(struct watch *watch)
{
	abandon(watch);
	leave_screen();
	(void)raise(SIGSTOP);
	enter_screen();
}

/* True where the next round is due at once. */
static bool take_signal(struct watch *watch)
{
	struct signalfd_siginfo info;

	if (read(watch->signals, &info, sizeof(info)) != sizeof(info))
		return false;
	if (info.ssi_signo == SIGWINCH) {
		abandon(watch);
		return true;
	}
	if (info.ssi_signo == SIGTSTP) {
		suspend(watch);
		return true;
	}
	watch->over = true;
	watch->status = EXIT_CLEAN;
	watch->ended_by = info.ssi_signo == SIGINT ? 0 : (int)info.ssi_signo;
	return false;
}

static void take_keys(struct watch *watch)
{
	char keys[64];
	ssize_t got = read(STDIN_FILENO, keys, sizeof(keys));

	if (got > 0 && (memchr(keys, 'q', (size_t)got) || memchr(keys, 'Q', (size_t)got))) {
		watch->over = true;
		watch->status = EXIT_CLEAN;
	}
}

static void loop(struct watch *watch)
{
	int64_t due = now_ms();

	while (!watch->over) {
		if (watch->child == 0 && now_ms() >= due) {
			due = now_ms() + watch->options->watch_ms;
			start(watch);
		}

		struct pollfd pollers[] = {
			{ .fd = watch->signals, .events = POLLIN },
			{ .fd = screen.keys ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = watch->child ? watch->pipe : -1, .events = POLLIN },
		};
		int64_t left = due - now_ms();

		if (poll(pollers, ELEMENTS(pollers), watch->child ? -1 : left > 0 ? (int)left : 0) <= 0)
			continue;
		if (pollers[0].revents && take_signal(watch))
			due = now_ms();
		/* a terminal that has gone */
		if (pollers[1].revents & (POLLHUP | POLLERR | POLLNVAL))
			watch->over = true;
		if (!watch->over && pollers[1].revents)
			take_keys(watch);
		if (!watch->over && watch->child && pollers[2].revents)
			hear(watch);
	}

	const enum exit_status status = watch->status;

	abandon(watch);
	watch->status = status;
}

static char *make_title(const struct watch *watch)
{
	char *title = NULL;

	if (asprintf(&title, "nsinspect %s%s%s    every %g s, q to leave", watch->command->name,
		     watch->arguments[0] ? " " : "", watch->arguments[0] ? watch->arguments[0] : "",
		     watch->options->watch_ms / 1000.0) < 0)
		return NULL;

	char *shown = display_text(title);

	free(title);
	return shown;
}

static int prepare(struct watch *watch)
{
	const struct sigaction action = { .sa_handler = fail, .sa_flags = (int)SA_RESETHAND | SA_NODEFER };
	sigset_t set;

	watch->title = make_title(watch);
	watch->output = malloc(OUTPUT_MAX + 1);
	if (!watch->title || !watch->output)
		return -ENOMEM;
	(void)sigemptyset(&set);
	for (size_t i = 0; i < ELEMENTS(heard); i++)
		(void)sigaddset(&set, heard[i]);
	if (sigprocmask(SIG_BLOCK, &set, &watch->mask) < 0)
		return negative_errno();
	watch->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (watch->signals < 0)
		return negative_errno();
	for (size_t i = 0; i < ELEMENTS(fatal); i++)
		(void)sigaction(fatal[i], &action, NULL);
	screen.keys = tcgetattr(STDIN_FILENO, &screen.before) == 0;
	return 0;
}

static bool can_be_redrawn(void)
{
	const char *type = getenv("TERM");

	return isatty(STDOUT_FILENO) && type && *type && strcmp(type, "dumb") != 0;
}

enum exit_status watch_run(const struct subcommand *command, const struct options *options, char **arguments)
{
	struct watch watch = {
		.command = command, .options = options, .arguments = arguments, .signals = -1, .pipe = -1
	};
	int r;

	if (options->layout.style != OUTPUT_TABLE)
		return trouble("--watch is for people: it excludes -J, -P and -r");
	if (!can_be_redrawn())
		return trouble("--watch needs a terminal that can be redrawn; for programs: -J in a loop");
	(void)fflush(stdout);
	r = prepare(&watch);
	if (r == 0) {
		enter_screen();
		loop(&watch);
		leave_screen();
	}
	/* what kept it from being done */
	if (r == 0 && watch.status == EXIT_TROUBLE && watch.size > 0)
		(void)fprintf(stderr, "%s", watch.output);
	close_fd(watch.signals);
	free(watch.title);
	free(watch.output);
	if (watch.ended_by) {
		(void)signal(watch.ended_by, SIG_DFL);
		(void)sigprocmask(SIG_SETMASK, &watch.mask, NULL);
		(void)raise(watch.ended_by);
	}
	return r < 0 ? trouble_errno(r, "--watch") : watch.status;
}
