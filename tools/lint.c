/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/lint.h"

#include "common/read_whole.h"
#include "config/decide.h"
#include "config/keys.h"
#include "config/path.h"
#include "config/text_list.h"
#include "nsisolate-config.h"
#include "tools/lint_private.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define SUFFIX       ".conf"
#define DEFAULT_FILE "default" SUFFIX

static const char *const directories[] = { "user", "group" };

enum place {
	PLACE_BASE, /* beside default.conf: only for others to build on */
	PLACE_DEFAULT,
	PLACE_USER,
	PLACE_GROUP,
};

struct walk {
	struct lint *lint;
	struct policy_root root;
	bool live;
	char **sources; /* every file that a policy is made of */
	struct group_ranks ranks;
	struct pools pools;
	struct user_files users; /* only live */
};

static void walk_release(struct walk *walk)
{
	text_list_free(walk->sources);
	group_ranks_release(&walk->ranks);
	pools_release(&walk->pools);
	user_files_release(&walk->users);
	if (walk->root.open)
		close_fd(walk->root.fd);
	*walk = (struct walk){ 0 };
}

/* The text of a file that is not too long; NULL with 0 after a diagnostic. */
static int read_policy(int fd, const char *name, struct lint *lint, char **ret, size_t *ret_size)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r = read_whole(fd, POLICY_FILE_MAX, &text, &size);

	if (r < 0 && r != -EFBIG)
		return r;
	lint->files++;
	if (r == -EFBIG)
		diagnostics_add(&lint->diag, SEVERITY_ERROR, name, 0, "longer than %d bytes", POLICY_FILE_MAX);
	else
		*ret = TAKE_PTR(text);
	*ret_size = size;
	return 0;
}

/* A file of a directory, while it is judged. */
struct look {
	struct lint *lint;
	const struct policy *general; /* what it is for services that it does not name */
};

/* A policy_visitor's function. */
static void look(void *context, const struct policy *policy, const char *service)
{
	struct look *look = context;
	const struct policy_visitor *visitor = look->lint->visitor;

	if (!service)
		look->general = policy;
	if (visitor)
		visitor->visit(visitor->context, policy, service);
	lint_host(look->general, policy, service, &look->lint->diag);
	lint_limits(policy, service, &look->lint->diag);
}

static bool is_directory_of_policies(const char *entry)
{
	for (size_t i = 0; i < ELEMENTS(directories); i++) {
		if (strcmp(entry, directories[i]) == 0)
			return true;
	}
	return false;
}

static bool has_suffix(const char *name)
{
	size_t size = strlen(name);

	return size > strlen(SUFFIX) && strcmp(name + size - strlen(SUFFIX), SUFFIX) == 0;
}

static enum place place_of(const char *name)
{
	if (strcmp(name, DEFAULT_FILE) == 0)
		return PLACE_DEFAULT;
	if (!strchr(name, '/'))
		return PLACE_BASE;
	return strncmp(name, "group/", strlen("group/")) == 0 ? PLACE_GROUP : PLACE_USER;
}

/* Of the user or group that the file in their directory is for; `shown` is how messages call it. */
static int lint_owner(struct lint *lint, enum place place, const char *file, const char *shown)
{
	const char *start = strchr(file, '/');
	_cleanup_free_ char *name = start ? strndup(start + 1, strlen(start + 1) - strlen(SUFFIX)) : NULL;

	if (start && !name)
		return -ENOMEM;
	if (place == PLACE_USER)
		lint_user_name(shown, name, &lint->diag);
	if (place == PLACE_GROUP)
		lint_group_name(shown, name, &lint->diag);
	return 0;
}

/* Where a file given by its own path is: "group/students.conf" below its policy directory. */
struct location {
	char *directory; /* that above user/ and group/, else its own */
	char *name;      /* below it */
};

static void location_release(struct location *location)
{
	free(location->directory);
	free(location->name);
}

static int locate(const char *path, struct location *ret)
{
	_cleanup_(location_release) struct location found = { 0 };
	const char *file = strrchr(path, '/');
	_cleanup_free_ char *given = file ? strndup(path, (size_t)(file - path) + 1) : strdup("."), *last = NULL;

	file = file ? file + 1 : path;
	if (!given)
		return -ENOMEM;
	found.directory = realpath(given, NULL);
	if (!found.directory)
		return -errno;

	char *slash = strrchr(found.directory, '/');

	if (slash && is_directory_of_policies(slash + 1)) {
		last = strdup(slash + 1);
		if (!last)
			return -ENOMEM;
		slash[slash == found.directory] = '\0';
	}
	if (asprintf(&found.name, "%s%s%s", last ? last : "", last ? "/" : "", file) < 0) {
		found.name = NULL;
		return -ENOMEM;
	}
	*ret = found;
	found = (struct location){ 0 };
	return 0;
}

static bool is_live(const char *directory)
{
	_cleanup_free_ char *live = realpath(NSISOLATE_POLICY_DIRECTORY, NULL);

	return live && strcmp(directory, live) == 0;
}

/* What extends are looked for in, and whether it decides logins. */
static void open_root(const struct location *location, struct walk *walk)
{
	_cleanup_free_ char *ignored = NULL;

	if (policy_directory_open(location->directory, FIND_ANY_OWNER, &walk->root.fd, &ignored) < 0)
		return;
	walk->root.open = true;
	walk->root.flags = FIND_ANY_OWNER;
	walk->live = is_live(location->directory);
}

/* Whether logins could use a file of the live directory, once it has its name. */
static int lint_live_file(struct walk *walk, const struct location *location, const char *path)
{
	const char *entry = strrchr(location->name, '/');
	_cleanup_free_ char *problem = NULL;
	_cleanup_close_ int fd = -1;

	if (policy_file_open(walk->root.fd, location->name, 0, &fd, &problem) < 0 && problem)
		diagnostics_add(&walk->lint->diag, SEVERITY_ERROR, path, 0, "%s", problem);
	if (!entry || entry[1] == '.' || !has_suffix(entry + 1))
		return 0;
	return lint_owner(walk->lint, place_of(location->name), location->name, path);
}

/* One file given by its own path: what it says is judged, and in the live directory where it lies, too. */
static int lint_file(const char *path, struct lint *lint)
{
	_cleanup_(walk_release) struct walk walk = { .lint = lint };
	_cleanup_(policy_freep) struct policy *policy = NULL;
	_cleanup_(location_release) struct location location = { 0 };
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	struct look context = { .lint = lint };
	const struct policy_visitor visitor = { look, &context };
	struct stat status;
	size_t size;
	int r;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	r = read_policy(fd, path, lint, &text, &size);
	if (r < 0 || !text)
		return r;
	r = locate(path, &location);
	if (r < 0)
		return r;
	open_root(&location, &walk);
	if (walk.live)
		r = lint_live_file(&walk, &location, path);
	if (r < 0)
		return r;
	r = policy_lint_below(&walk.root, path, text, size, walk.live ? &visitor : lint->visitor, &policy, &lint->diag);
	if (r == 0 && policy && walk.live)
		lint_services(policy, &lint->diag);
	return r;
}

/* What can only be said of a whole policy. */
static int lint_policy(struct walk *walk, enum place place, const struct policy *policy)
{
	const struct origin *priority = &policy->origins[KEY_PRIORITY];
	int r;

	r = text_list_add_all(&walk->sources, policy->sources);
	if (r == 0)
		r = pools_add(&walk->pools, policy);
	if (r < 0)
		return r;
	if (walk->live)
		lint_services(policy, &walk->lint->diag);
	if (place == PLACE_GROUP)
		return group_ranks_add(&walk->ranks, policy);
	if (priority->file)
		diagnostics_add(&walk->lint->diag, SEVERITY_WARNING, priority->file, priority->line,
				"priority: has no effect here; it ranks the files in group/");
	return 0;
}

/* name: of the user or group that it is for, or NULL. */
static int lint_entry(struct walk *walk, enum place place, const char *file, const char *name)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	_cleanup_free_ char *problem = NULL, *text = NULL;
	_cleanup_close_ int fd = -1;
	struct look context = { .lint = walk->lint };
	const struct policy_visitor visitor = { look, &context };
	struct diagnostics *diag = &walk->lint->diag;
	size_t size;
	int r = policy_file_open(walk->root.fd, file, walk->root.flags, &fd, &problem);

	if (r < 0) {
		walk->lint->files++;
		diagnostics_add(diag, SEVERITY_ERROR, file, 0, "%s", problem ? problem : strerror(-r));
		return 0;
	}
	r = read_policy(fd, file, walk->lint, &text, &size);
	if (r < 0 || !text)
		return r;
	if (place == PLACE_BASE)
		return policy_lint_base(&walk->root, file, text, size, diag);
	r = policy_lint_below(&walk->root, file, text, size, &visitor, &policy, diag);
	if (r == 0 && policy)
		r = lint_policy(walk, place, policy);
	if (r == 0 && policy && walk->live && place == PLACE_USER)
		r = user_files_add(&walk->users, policy, name);
	return r;
}

static int any_entry(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int lint_policy_name(struct walk *walk, enum place place, const char *directory, const char *entry)
{
	_cleanup_free_ char *file = NULL;
	_cleanup_free_ char *name = NULL;

	if (asprintf(&file, "%s/%s", directory, entry) < 0)
		return -ENOMEM;
	if (entry[0] == '.' || !has_suffix(entry)) {
		diagnostics_add(&walk->lint->diag, SEVERITY_WARNING, file, 0, "not read: its name is not NAME" SUFFIX);
		return 0;
	}
	name = strndup(entry, strlen(entry) - strlen(SUFFIX));
	if (!name)
		return -ENOMEM;
	if (walk->live && place == PLACE_USER)
		lint_user_name(file, name, &walk->lint->diag);
	if (walk->live && place == PLACE_GROUP)
		lint_group_name(file, name, &walk->lint->diag);
	return lint_entry(walk, place, file, name);
}

static int lint_directory(struct walk *walk, enum place place, const char *directory)
{
	struct dirent **entries = NULL;
	int count = scandirat(walk->root.fd, directory, &entries, any_entry, alphasort);
	int r = 0;

	if (count < 0 && errno != ENOENT)
		diagnostics_add(&walk->lint->diag, SEVERITY_ERROR, directory, 0, "cannot be read: %s", strerror(errno));
	for (int i = 0; i < count; i++) {
		if (r == 0)
			r = lint_policy_name(walk, place, directory, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return r;
}

/* A file beside default.conf, which is there for others to build on. After all others: they say what they extend. */
static int lint_base(struct walk *walk, const char *entry)
{
	struct diagnostics *diag = &walk->lint->diag;

	if (entry[0] == '.' || !has_suffix(entry)) {
		diagnostics_add(diag, SEVERITY_WARNING, entry, 0,
				"not read: a policy directory holds user/, group/, " DEFAULT_FILE " and NAME" SUFFIX
				" for others to extend");
		return 0;
	}
	/* what a broken file extends is not known */
	if (!diagnostics_failed(diag) && !text_list_has(walk->sources, entry))
		diagnostics_add(diag, SEVERITY_WARNING, entry, 0, "not read: no file extends it");
	return lint_entry(walk, PLACE_BASE, entry, NULL);
}

static int lint_bases(struct walk *walk)
{
	struct dirent **entries = NULL;
	int count = scandirat(walk->root.fd, ".", &entries, any_entry, alphasort);
	int r = 0;

	if (count < 0)
		return -errno;
	for (int i = 0; i < count; i++) {
		const char *entry = entries[i]->d_name;

		if (r == 0 && strcmp(entry, DEFAULT_FILE) != 0 && !is_directory_of_policies(entry))
			r = lint_base(walk, entry);
		free(entries[i]);
	}
	free(entries);
	return r;
}

static int lint_default(struct walk *walk)
{
	if (faccessat(walk->root.fd, DEFAULT_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
		return lint_entry(walk, PLACE_DEFAULT, DEFAULT_FILE, NULL);
	if (walk->live)
		diagnostics_add(&walk->lint->diag, SEVERITY_WARNING, DEFAULT_FILE, 0,
				"missing: logins that no other file decides are refused");
	return 0;
}

static int lint_files(struct walk *walk)
{
	int r = lint_default(walk);

	if (r == 0)
		r = lint_directory(walk, PLACE_USER, "user");
	if (r == 0)
		r = lint_directory(walk, PLACE_GROUP, "group");
	if (r == 0)
		r = lint_bases(walk);
	if (r == 0)
		lint_ranks(&walk->ranks, &walk->lint->diag);
	if (r == 0)
		lint_pools(&walk->pools, &walk->lint->diag);
	if (r == 0)
		lint_users(&walk->users, &walk->lint->diag);
	return r;
}

/* "user" or "group" by itself, which is no policy directory; NULL for all others. */
static char *policy_directory_above(const char *absolute, int fd)
{
	const char *slash = strrchr(absolute, '/');

	if (!slash || slash == absolute || !is_directory_of_policies(slash + 1) ||
	    faccessat(fd, DEFAULT_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return NULL;
	for (size_t i = 0; i < ELEMENTS(directories); i++)
		if (faccessat(fd, directories[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return NULL;
	return strndup(absolute, (size_t)(slash - absolute));
}

static int lint_tree(const char *path, bool live, struct lint *lint, char **ret_problem)
{
	_cleanup_(walk_release) struct walk walk = { .lint = lint, .live = live };
	_cleanup_free_ char *absolute = live ? strdup(path) : realpath(path, NULL), *above = NULL;
	int r;

	if (!absolute)
		return -errno;
	walk.root.flags = live ? 0 : FIND_ANY_OWNER;
	r = policy_directory_open(absolute, walk.root.flags, &walk.root.fd, ret_problem);
	if (r < 0 && live && r != -EACCES && *ret_problem) {
		diagnostics_add(&lint->diag, SEVERITY_ERROR, absolute, 0, "this refuses every login: %s", *ret_problem);
		return 0;
	}
	if (r < 0)
		return r;
	walk.root.open = true;
	above = live ? NULL : policy_directory_above(absolute, walk.root.fd);
	if (!above)
		return lint_files(&walk);
	if (asprintf(ret_problem, "%s: is not checked without the policy directory that it is in: nsinspect check %s",
		     path, above) < 0)
		*ret_problem = NULL;
	return -EINVAL;
}

int lint_path(const char *path, bool live, const struct policy_visitor *visitor, struct lint *ret, char **ret_problem)
{
	_cleanup_(lint_release) struct lint lint = { .visitor = visitor };
	struct stat status;

	if (!live && stat(path, &status) < 0)
		return -errno;

	int r = live || S_ISDIR(status.st_mode) ? lint_tree(path, live, &lint, ret_problem) : lint_file(path, &lint);

	if (r < 0)
		return r;
	*ret = lint;
	lint = (struct lint){ 0 };
	return 0;
}

/* Without a live directory a file that extends none can be judged all the same; one that does says what is missing. */
static int open_root_of_input(const char *path, bool live, struct policy_root *ret, char **ret_problem)
{
	_cleanup_free_ char *absolute = realpath(path, NULL);
	int r = absolute ? policy_directory_open(absolute, FIND_ANY_OWNER, &ret->fd, ret_problem) : -errno;

	if (r < 0) {
		if (!live)
			return r;
		free(*ret_problem);
		*ret_problem = NULL;
		return 0;
	}
	ret->open = true;
	ret->flags = FIND_ANY_OWNER;
	return 0;
}

static int lint_input_text(struct walk *walk, const char *file, const char *text, size_t size)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	struct look context = { .lint = walk->lint };
	const struct policy_visitor visitor = { look, &context };
	struct diagnostics *diag = &walk->lint->diag;
	enum place place = place_of(file);
	int r = walk->live ? lint_owner(walk->lint, place, file, file) : 0;

	if (r < 0)
		return r;
	if (place == PLACE_BASE)
		return policy_lint_base(&walk->root, file, text, size, diag);
	r = policy_lint_below(&walk->root, file, text, size, &visitor, &policy, diag);
	return r < 0 || !policy ? r : lint_policy(walk, place, policy);
}

int lint_input(int fd, const char *name, const char *path, bool live, struct lint *ret, char **ret_problem)
{
	_cleanup_(lint_release) struct lint lint = { 0 };
	_cleanup_(walk_release) struct walk walk = { .lint = &lint, .live = live };
	_cleanup_free_ char *file = NULL, *text = NULL;
	size_t size;
	int r = policy_name_parse(name, &file, ret_problem);

	if (r >= 0)
		r = open_root_of_input(path, live, &walk.root, ret_problem);
	if (r >= 0) {
		r = read_policy(fd, file, &lint, &text, &size);
		if (r < 0 && asprintf(ret_problem, "the input: %s", strerror(-r)) < 0)
			*ret_problem = NULL;
	}
	if (r >= 0 && text)
		r = lint_input_text(&walk, file, text, size);
	if (r < 0)
		return r;
	*ret = lint;
	lint = (struct lint){ 0 };
	return 0;
}

void lint_release(struct lint *lint)
{
	diagnostics_release(&lint->diag);
}
