/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/firewall.h"

#include "config/problem.h"
#include "config/text_list.h"
#include "nsisolate-config.h"
#include "session/byte_lock.h"
#include "session/firewall_state.h"
#include "session/run_program.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define LOADING_FILE    "loading"
#define LOADING_WAIT_MS 10000 /* for another login that loads rules */
#define HOLD_WAIT_MS    3000  /* for logins under way */
#define NFT_TIMEOUT_MS  8000
#define UNLOAD_SUFFIX   ".unload.nft"
#define RESTORE_NAME    "restore"
#define REMOVE_NAME     "remove"
/* there or not */
#define REMOVE_TEXT  "add table inet " FIREWALL_TABLE "\ndelete table inet " FIREWALL_TABLE "\n"
#define RESTORE_HINT "'nsisolate-network restore' loads them again"
#define NO_NFT       "there is no " NSISOLATE_NFT ": install the package nftables"

static void put_path(int directory, const char *name, const char *suffix, char ret[96])
{
	char link[48], path[64] = "";
	ssize_t length;

	/* nft(8) opens the file by its path; the directory is ours, and nobody else's to write */
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", directory);
	length = readlink(link, path, sizeof(path) - 1);
	path[length > 0 ? length : 0] = '\0';
	(void)snprintf(ret, 96, "%s/%s%s", path, name, suffix);
}

/* `what` goes into the sentence: "load". */
static int run_nft(int directory, const char *name, const char *suffix, const char *what, char **ret_problem)
{
	_cleanup_free_ char *output = NULL;
	char path[96];
	char *const arguments[] = { (char *)NSISOLATE_NFT, (char *)"-f", path, NULL };
	int r;

	put_path(directory, name, suffix, path);
	r = run_program(arguments, NFT_TIMEOUT_MS, &output);
	if (r == -ENOENT)
		return problem(ret_problem, r, "%s", NO_NFT);
	if (r < 0)
		return problem(ret_problem, r, NSISOLATE_NFT " did not %s the rules %s: %s", what, name, strerror(-r));
	if (r > 0)
		return problem(ret_problem, -EIO, NSISOLATE_NFT " did not %s the rules %s: %s", what, name,
			       output ? output : "it gave no reason");
	return 0;
}

/* How many rules the text has: the lines within chains that are not the chain's own description. */
static unsigned count_rules(const char *text)
{
	unsigned count = 0;

	for (const char *at = text; (at = strstr(at, "\n\t\t")); at++)
		if (strncmp(at + 3, "type ", 5) != 0 && strncmp(at + 3, "size ", 5) != 0 &&
		    strncmp(at + 3, "flags ", 6) != 0)
			count++;
	return count;
}

/* Under the lock. The state is written last: without one the next login loads them again. */
static int load(struct netlink *netlink, int directory, const char *name, uint64_t hash, unsigned rules,
		char **ret_problem)
{
	struct firewall_known state = { .hash = hash };
	int r = run_nft(directory, name, FIREWALL_TEXT_SUFFIX, "load", ret_problem);

	if (r < 0)
		return r;
	r = firewall_generation(netlink, &state.generation);
	if (r == 0)
		r = firewall_read(netlink, name, &state.view, NULL, NULL);
	if (r == 0 && state.view.rules != rules)
		return problem(ret_problem, -ESTALE, "of the %u rules %s that were just loaded the kernel has %u",
			       rules, name, state.view.rules);
	if (r == 0)
		r = firewall_known_write(directory, name, &state);
	return r < 0 ? problem(ret_problem, r, "the rules %s, just loaded: %s", name, strerror(-r)) : 0;
}

/* Whose bytes are locked: the first by who loads rules, the second by firewall_hold(). */
static int open_loading(int directory)
{
	int file = openat(directory, LOADING_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

	return file < 0 ? -errno : file;
}

static int lock_loading(int directory)
{
	_cleanup_close_ int file = open_loading(directory);
	int r = file < 0 ? file : lock_byte_within(file, 0, LOADING_WAIT_MS);

	return r < 0 ? r : TAKE_FD(file);
}

int firewall_hold(int directory, bool alone)
{
	_cleanup_close_ int file = open_loading(directory);
	int r = file;

	if (r >= 0)
		r = alone ? lock_byte_within(file, FIREWALL_HOLD_BYTE, HOLD_WAIT_MS)
			  : lock_byte(file, F_OFD_SETLKW, F_RDLCK, FIREWALL_HOLD_BYTE);
	return r < 0 ? r : TAKE_FD(file);
}

static int load_first(struct netlink *netlink, int directory, const struct firewall_rules *rules, char **ret_problem)
{
	_cleanup_close_ int lock = lock_loading(directory);
	char file[FIREWALL_NAME_LENGTH + sizeof(UNLOAD_SUFFIX)];
	struct firewall_known state = { 0 };
	int r;

	if (lock < 0)
		return problem(ret_problem, lock, "the rules %s: waiting for who loads rules: %s", rules->name,
			       strerror(-lock));
	/* another login was faster */
	if (firewall_known_read(directory, rules->name, &state) == 0)
		return 0;
	(void)snprintf(file, sizeof(file), "%s" UNLOAD_SUFFIX, rules->name);
	r = firewall_write_file(directory, file, rules->unload);
	(void)snprintf(file, sizeof(file), "%s" FIREWALL_TEXT_SUFFIX, rules->name);
	if (r == 0)
		r = firewall_write_file(directory, file, rules->text);
	if (r < 0)
		return problem(ret_problem, r, "the rules %s: writing %s: %s", rules->name, file, strerror(-r));
	return load(netlink, directory, rules->name, rules->hash, count_rules(rules->text), ret_problem);
}

/* Looks at the rules themselves; then, unless they changed, the state is of this generation. */
static int look(struct netlink *netlink, int directory, const char *name, struct firewall_known *state,
		uint32_t generation, enum firewall_state *ret)
{
	struct firewall_view view = { 0 };
	int r = firewall_read(netlink, name, &view, NULL, NULL);

	if (r < 0 && r != -ENOENT)
		return r;
	*ret = r == -ENOENT                                                                     ? FIREWALL_MISSING
	       : view.fingerprint == state->view.fingerprint && view.rules == state->view.rules ? FIREWALL_INTACT
												: FIREWALL_CHANGED;
	if (*ret != FIREWALL_INTACT)
		return 0;
	state->generation = generation;
	/* only spares the next one the same look */
	(void)firewall_known_write(directory, name, state);
	return 0;
}

static int check(struct netlink *netlink, int directory, const char *name, struct firewall_known *state,
		 enum firewall_state *ret)
{
	uint32_t generation = 0;
	int r = firewall_known_read(directory, name, state);

	if (r == 0)
		r = firewall_generation(netlink, &generation);
	if (r < 0)
		return r;
	*ret = FIREWALL_INTACT;
	return generation == state->generation ? 0 : look(netlink, directory, name, state, generation, ret);
}

int firewall_check(struct netlink *netlink, int directory, const char *name, enum firewall_state *ret)
{
	struct firewall_known state = { 0 };

	return check(netlink, directory, name, &state, ret);
}

/*
 * Of rules that were loaded some time; *ret says whether they are there or gone, and changed ones are -ESTALE. -ENOENT
 * without a sentence: they never were.
 */
static int judge(struct netlink *netlink, int directory, const struct firewall_rules *rules, enum firewall_state *ret,
		 char **ret_problem)
{
	struct firewall_known state = { 0 };
	int r = check(netlink, directory, rules->name, &state, ret);

	if (r == -ENOENT)
		return r;
	if (r < 0)
		return problem(ret_problem, r, "the rules %s: %s", rules->name, strerror(-r));
	if (state.hash != rules->hash)
		return problem(
			ret_problem, -ESTALE,
			"other rules are loaded under the name %s; 'nsisolate-network unload %s' takes them away",
			rules->name, rules->name);
	if (*ret == FIREWALL_CHANGED)
		return problem(ret_problem, -ESTALE,
			       "the rules %s of table inet " FIREWALL_TABLE
			       " were loaded, and are no longer as they were written; " RESTORE_HINT,
			       rules->name);
	return 0;
}

/* Under the lock. Another login may have been faster: 0. */
static int load_if_gone(struct netlink *netlink, int directory, const char *name, char **ret_problem)
{
	enum firewall_state found;
	struct firewall_known state = { 0 };
	int r = check(netlink, directory, name, &state, &found);

	if (r < 0)
		return problem(ret_problem, r, "the rules %s: %s", name, strerror(-r));
	return found == FIREWALL_MISSING ? load(netlink, directory, name, state.hash, state.view.rules, ret_problem)
					 : 0;
}

/* All that are gone. Of others than `name` what fails is for their own logins, and the audit, to say. */
static int load_again(struct netlink *netlink, int directory, const char *name, char **ret_problem)
{
	_cleanup_close_ int lock = lock_loading(directory);
	_cleanup_(text_list_freep) char **names = NULL;
	int r = lock < 0 ? lock : firewall_names(directory, &names);

	if (r < 0)
		return problem(ret_problem, r, "the rules %s: %s", name, strerror(-r));
	r = load_if_gone(netlink, directory, name, ret_problem);
	for (char **other = names; other && *other; other++) {
		_cleanup_free_ char *ignored = NULL;

		if (strcmp(*other, name) != 0)
			(void)load_if_gone(netlink, directory, *other, &ignored);
	}
	return r;
}

int firewall_ensure(struct netlink *netlink, int directory, const struct firewall_rules *rules, char **ret_problem)
{
	enum firewall_state found = FIREWALL_INTACT;
	int r = judge(netlink, directory, rules, &found, ret_problem), loaded = 0;

	if (r == -ENOENT) {
		r = load_first(netlink, directory, rules, ret_problem);
		if (r == 0)
			r = load_again(netlink, directory, rules->name, ret_problem);
		loaded = FIREWALL_LOADED;
	} else if (r == 0 && found == FIREWALL_MISSING) {
		r = load_again(netlink, directory, rules->name, ret_problem);
		loaded = r;
	} else if (r == 0) {
		firewall_known_touch(directory, rules->name);
		return 0;
	}
	if (r < 0)
		return r;
	r = judge(netlink, directory, rules, &found, ret_problem);
	if (r == -ENOENT || (r == 0 && found != FIREWALL_INTACT))
		return problem(ret_problem, -ESTALE, "the rules %s were just loaded, and are gone; " RESTORE_HINT,
			       rules->name);
	return r < 0 ? r : loaded;
}

int firewall_check_ensure(struct netlink *netlink, int directory, const struct firewall_rules *rules,
			  char **ret_problem)
{
	enum firewall_state found = FIREWALL_MISSING;
	int r = judge(netlink, directory, rules, &found, ret_problem);

	if (r < 0 && r != -ENOENT)
		return r;
	if (found == FIREWALL_INTACT)
		return 0;
	return access(NSISOLATE_NFT, X_OK) == 0 ? 0 : problem(ret_problem, -errno, "%s", NO_NFT);
}

/* The table goes and comes back in one transaction, whatever became of it; the sessions' packets never pass without. */
static int write_restore(int directory, char *const names[])
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	(void)fputs(REMOVE_TEXT, out);
	for (; *names; names++) {
		char path[96];

		put_path(directory, *names, FIREWALL_TEXT_SUFFIX, path);
		(void)fprintf(out, "include \"%s\"\n", path);
	}
	if (fclose(out) != 0)
		return -ENOMEM;
	return firewall_write_file(directory, RESTORE_NAME FIREWALL_TEXT_SUFFIX, text);
}

/* What the kernel has now is what is wanted. */
static int adopt(struct netlink *netlink, int directory, const char *name)
{
	struct firewall_known state = { 0 };
	int r = firewall_known_read(directory, name, &state);

	if (r == 0)
		r = firewall_generation(netlink, &state.generation);
	if (r == 0)
		r = firewall_read(netlink, name, &state.view, NULL, NULL);
	return r < 0 ? r : firewall_known_write(directory, name, &state);
}

int firewall_restore(struct netlink *netlink, int directory, char *const names[], char **ret_problem)
{
	_cleanup_close_ int lock = lock_loading(directory);
	int r = lock < 0 ? lock : write_restore(directory, names);

	if (r < 0)
		return problem(ret_problem, r, "the rules: %s", strerror(-r));
	r = run_nft(directory, RESTORE_NAME, FIREWALL_TEXT_SUFFIX, "restore", ret_problem);
	for (; r == 0 && *names; names++) {
		r = adopt(netlink, directory, *names);
		if (r < 0)
			return problem(ret_problem, r, "the rules %s: %s", *names, strerror(-r));
	}
	return r;
}

int firewall_unload(int directory, const char *name, char **ret_problem)
{
	static const char *const suffixes[] = { "", FIREWALL_TEXT_SUFFIX, UNLOAD_SUFFIX };
	_cleanup_close_ int lock = lock_loading(directory);
	int r;

	if (lock < 0)
		return problem(ret_problem, lock, "the rules %s: %s", name, strerror(-lock));
	r = run_nft(directory, name, UNLOAD_SUFFIX, "unload", ret_problem);
	for (size_t i = 0; r == 0 && i < ELEMENTS(suffixes); i++) {
		char file[FIREWALL_NAME_LENGTH + sizeof(UNLOAD_SUFFIX)];

		(void)snprintf(file, sizeof(file), "%s%s", name, suffixes[i]);
		if (unlinkat(directory, file, 0) < 0 && errno != ENOENT)
			r = problem(ret_problem, -errno, "%s: %s", file, strerror(errno));
	}
	return r;
}

int firewall_remove(int directory, char **ret_problem)
{
	_cleanup_close_ int lock = lock_loading(directory);
	int r = lock < 0 ? lock : firewall_write_file(directory, REMOVE_NAME FIREWALL_TEXT_SUFFIX, REMOVE_TEXT);

	if (r < 0)
		return problem(ret_problem, r, "the table inet " FIREWALL_TABLE ": %s", strerror(-r));
	r = run_nft(directory, REMOVE_NAME, FIREWALL_TEXT_SUFFIX, "remove the table with", ret_problem);
	(void)unlinkat(directory, REMOVE_NAME FIREWALL_TEXT_SUFFIX, 0);
	return r;
}
