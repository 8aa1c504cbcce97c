/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* nsinspect import: what pam_namespace(8) is told to do, as a policy. Writes no file. */

#include "common/error.h"
#include "common/read_whole.h"
#include "config/path.h"
#include "config/text_list.h"
#include "tools/display.h"
#include "tools/import_policy.h"
#include "tools/nsinspect.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define SECURITY_DIRECTORY "/etc/security"
#define FILE_NAME          "namespace.conf"
#define DIRECTORY_NAME     "namespace.d"
#define SCRIPT_NAME        "namespace.init"
#define SUFFIX             ".conf"
#define FILES_MAX          100

static char *join(const char *directory, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

/* Regular files only: no read of one waits. 0, or -errno, reported. */
static int read_file(const char *path, char **ret, size_t *ret_size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat found;
	int r = fd < 0 || fstat(fd, &found) < 0 ? negative_errno() : 0;

	if (r == 0 && !S_ISREG(found.st_mode)) {
		(void)trouble("%s: neither a regular file nor a directory", path);
		return -EINVAL;
	}
	if (r == 0)
		r = read_whole(fd, NAMESPACE_CONF_SIZE_MAX, ret, ret_size);
	if (r == -EFBIG)
		(void)trouble("%s: longer than %d bytes: no configuration of pam_namespace", path,
			      NAMESPACE_CONF_SIZE_MAX);
	else if (r < 0)
		(void)trouble_errno(r, path);
	return r;
}

/* 0, or -errno, reported. */
static int import_file(const char *path, struct namespace_conf *conf, struct diagnostics *diag)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r = read_file(path, &text, &size);

	if (r < 0)
		return r;
	r = namespace_conf_parse(path, text, size, conf, diag);
	if (r == -E2BIG)
		(void)trouble("%s: more than %d directories or %d names of users in all", path, NAMESPACE_CONF_DIRS_MAX,
			      NAMESPACE_CONF_NAMES_MAX);
	else if (r < 0)
		(void)trouble_errno(r, path);
	return r;
}

/* As glob(7) has "*.conf". */
static bool is_read(const char *name)
{
	size_t length = strlen(name), suffix = strlen(SUFFIX);

	return name[0] != '.' && length >= suffix && strcmp(name + length - suffix, SUFFIX) == 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Their names, in the order in which they are read. 0 or -errno. */
static int list_files(const char *directory, char ***ret)
{
	_cleanup_(closedirp) DIR *dir = opendir(directory);
	_cleanup_(text_list_freep) char **names = NULL;
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return errno == ENOENT ? 0 : negative_errno();
	while (r == 0 && (errno = 0, entry = readdir(dir))) {
		if (is_read(entry->d_name))
			r = text_list_count(names) < FILES_MAX ? text_list_add(&names, entry->d_name) : -E2BIG;
	}
	if (r == 0 && errno != 0)
		r = -errno;
	if (r < 0)
		return r;
	if (names)
		qsort(names, text_list_count(names), sizeof(*names), compare);
	*ret = TAKE_PTR(names);
	return 0;
}

/* namespace.conf and then what is in namespace.d. 0, or -errno, reported. */
static int import_directory_files(const char *path, struct namespace_conf *conf, struct diagnostics *diag)
{
	_cleanup_free_ char *first = join(path, FILE_NAME), *directory = join(path, DIRECTORY_NAME);
	_cleanup_(text_list_freep) char **names = NULL;
	int r;

	if (!first || !directory) {
		(void)trouble_errno(-ENOMEM, path);
		return -ENOMEM;
	}
	r = import_file(first, conf, diag);
	if (r < 0)
		return r;
	r = list_files(directory, &names);
	if (r == -E2BIG)
		(void)trouble("%s: more than %d files", directory, FILES_MAX);
	else if (r < 0)
		(void)trouble_errno(r, directory);
	for (char **name = names; r == 0 && name && *name; name++) {
		_cleanup_free_ char *file = join(directory, *name);

		r = file ? import_file(file, conf, diag) : -ENOMEM;
		if (!file)
			(void)trouble_errno(r, directory);
	}
	return r;
}

static bool is_directory(const char *path)
{
	struct stat found;

	return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

/* True for what a policy file can be named after: a user, or a group with '@'. */
static bool is_name(const char *name)
{
	_cleanup_free_ char *path = NULL, *file = NULL, *sentence = NULL;

	if (asprintf(&path, "user/%s", name + (name[0] == '@')) < 0) {
		path = NULL;
		return false;
	}
	return policy_name_parse(path, &file, &sentence) == 0;
}

static bool is_before(const struct diagnostic *a, const struct diagnostic *b)
{
	int order = strcmp(a->file, b->file);

	return order != 0 ? order < 0 : a->line < b->line;
}

/* By file and line, those of one line as they came: the files were read in the order of their names, too. */
static void sort_findings(struct diagnostics *diag)
{
	for (size_t i = 1; i < diag->count; i++) {
		struct diagnostic item = diag->items[i];
		size_t j = i;

		for (; j > 0 && is_before(&item, &diag->items[j - 1]); j--)
			diag->items[j] = diag->items[j - 1];
		diag->items[j] = item;
	}
}

static void print_findings(const struct diagnostics *diag)
{
	for (size_t i = 0; i < diag->count; i++) {
		_cleanup_free_ char *line = diagnostic_format(&diag->items[i]);
		_cleanup_free_ char *shown = line ? display_escaped(line) : NULL;

		(void)fprintf(stderr, "%s\n", shown ? shown : "out of memory");
	}
}

static enum exit_status import_all(const struct import *import, struct diagnostics *diag)
{
	_cleanup_free_ char *text = NULL;
	int r = import_policy(import, &text, diag);

	if (r == -EBADMSG)
		return trouble("%s: what is made of it is no policy without errors, and is not printed",
			       import->source);
	if (r < 0)
		return trouble_errno(r, import->source);
	sort_findings(diag);
	print_findings(diag);
	/* a policy of which it is not known what it leaves out is of no use */
	if (diag->truncated)
		return trouble("%s: more is wrong than can be listed: no policy is made of it", import->source);
	(void)fputs(text, stdout);
	return diag->count > 0 ? EXIT_FINDINGS : EXIT_CLEAN;
}

static enum exit_status run(const struct options *options, char **arguments)
{
	_cleanup_(namespace_conf_release) struct namespace_conf conf = { 0 };
	_cleanup_(diagnostics_release) struct diagnostics diag = { 0 };
	_cleanup_free_ char *script = NULL;
	const char *given = arguments[0] ? arguments[0] : SECURITY_DIRECTORY "/" FILE_NAME;
	const char *path = strcmp(given, SECURITY_DIRECTORY "/" FILE_NAME) == 0 ? SECURITY_DIRECTORY : given;
	struct import import = { .conf = &conf, .name = options->user, .source = given };
	bool directory = is_directory(path);

	if (options->user && !is_name(options->user))
		return trouble("'%s' is no name of a user, or of a group with '@', that a policy file can have",
			       options->user);
	if ((directory ? import_directory_files : import_file)(path, &conf, &diag) < 0)
		return EXIT_TROUBLE;
	if (directory) {
		script = join(path, SCRIPT_NAME);
		if (!script)
			return trouble_errno(-ENOMEM, path);
	}
	if (script && access(script, F_OK) == 0)
		import.script = script;
	return import_all(&import, &diag);
}

const struct subcommand command_import = {
	.name = "import",
	.arguments = "[FILE]",
	.summary = "print the policy that does what pam_namespace's configuration says",
	.arguments_max = 1,
	.options = OPTIONS_IMPORT,
	.run = run,
};
