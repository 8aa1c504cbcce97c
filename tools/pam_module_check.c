/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/pam_module_check.h"

#include "common/wait_child.h"
#include "config/find.h"
#include "config/module_arguments.h"
#include "config/problem.h"
#include "tools/nsisolate-pam.h"
#include "tools/pam_control.h"
#include "nsisolate-config.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* In a child: a module that crashes when it is loaded must not take this program with it. */
static bool module_loads(const char *path)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return false;
	if (child == 0) {
		void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);

		if (!module) {
			complain("%s", dlerror());
			_exit(1);
		}
		_exit(dlsym(module, "pam_sm_open_session") && dlsym(module, "pam_sm_close_session") ? 0 : 1);
	}
	return wait_child(child, 0, &status) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* libpam takes a bare name from its own directory: the one where its modules are. */
static bool beside_pam(const char *path)
{
	char neighbour[PATH_MAX];
	int length = (int)(strrchr(path, '/') - path);

	return snprintf(neighbour, sizeof(neighbour), "%.*s/pam_permit.so", length, path) < (int)sizeof(neighbour) &&
	       access(neighbour, F_OK) == 0;
}

int module_check(const char *path, char **ret_name, char **ret_problem)
{
	_cleanup_free_ char *quoted = NULL;
	struct stat stat_buffer;
	const char *base;
	char *name;

	if (path[0] != '/' || strcmp(base = strrchr(path, '/') + 1, PAM_MODULE_NAME) != 0 ||
	    pam_argument_quote(path, &quoted) < 0 || strcmp(quoted, path) != 0)
		return problem(ret_problem, -EINVAL, "--module: '%s' is no absolute path of a %s", path,
			       PAM_MODULE_NAME);
	if (stat(path, &stat_buffer) < 0)
		return problem(
			ret_problem, -errno,
			"the module is not installed (%s: %s); a stack that names a missing module locks everyone "
			"out",
			path, strerror(errno));
	if (!S_ISREG(stat_buffer.st_mode) || (stat_buffer.st_uid != 0 && stat_buffer.st_uid != geteuid()) ||
	    stat_buffer.st_mode & (S_IWGRP | S_IWOTH))
		return problem(ret_problem, -EPERM, "the module %s is no regular file that only root can write", path);
	if (!module_loads(path))
		return problem(ret_problem, -ENOEXEC,
			       "the module %s cannot be loaded; a stack that names it would lock everyone out", path);
	name = strdup(beside_pam(path) ? base : path);
	if (!name)
		return problem(ret_problem, -ENOMEM, "%s", strerror(ENOMEM));
	*ret_name = name;
	return 0;
}

void arguments_release(char **arguments)
{
	for (char **argument = arguments; argument && *argument; argument++)
		free(*argument);
	free(arguments);
}

/* Parsed as on the line that is to be written, so that a role, or anything twice, is refused as the module would. */
static int parse_line(size_t count, const char *const *words, struct module_arguments *ret, char **ret_problem)
{
	_cleanup_free_ const char **line = calloc(count + 1, sizeof(char *));
	const char *bad = NULL;

	if (!line)
		return -ENOMEM;
	line[0] = "open";
	for (size_t i = 0; i < count; i++)
		line[i + 1] = words[i];
	if (module_arguments_parse((int)count + 1, line, ret, &bad) < 0 || ret->close)
		return problem(ret_problem, -EINVAL,
			       "'%s' is none of the module's arguments (" MODULE_ARGUMENTS
			       "), or is given twice; 'open' and 'close' are set here",
			       bad ? bad : "close");
	return 0;
}

static int quote_one(const char *argument, char **ret, char **ret_problem)
{
	if (pam_argument_quote(argument, ret) >= 0)
		return 0;
	return problem(ret_problem, -EINVAL,
		       "'%s' cannot be written in a PAM file: no '#', no control characters, no backslash at the end",
		       argument);
}

int arguments_check(const char *const *arguments, char ***ret_quoted, char **ret_problem)
{
	struct module_arguments parsed;
	size_t count = 0, bytes = 0;
	char **quoted;
	int r;

	while (arguments[count])
		bytes += strlen(arguments[count++]);
	if (bytes + count > PAM_LINE_BYTES_MAX / 2)
		return problem(ret_problem, -EINVAL, "the arguments are too long for a line of a PAM file");
	r = parse_line(count, arguments, &parsed, ret_problem);
	if (r < 0)
		return r;
	quoted = calloc(count + 1, sizeof(char *));
	if (!quoted)
		return -ENOMEM;
	for (size_t i = 0; i < count && r >= 0; i++)
		r = quote_one(arguments[i], &quoted[i], ret_problem);
	if (r < 0) {
		arguments_release(quoted);
		return r;
	}
	*ret_quoted = quoted;
	return 0;
}

/* The words as the module will get them: without the quotes of a PAM file. */
static int unquote(const char *const *arguments, char ***ret)
{
	size_t count = 0;
	char **words;

	while (arguments && arguments[count])
		count++;
	words = calloc(count + 1, sizeof(char *));
	if (!words)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		_cleanup_free_ char *copy = strdup(arguments[i]);
		char *rest = copy, *token = NULL;

		if (!copy || !pam_next_token(&rest, &token) || !(words[i] = strdup(token))) {
			arguments_release(words);
			return -ENOMEM;
		}
	}
	*ret = words;
	return (int)count;
}

/*
 * The module refuses everyone whom no word names while it cannot resolve a group. A user that NSS does not
 * know exempts nobody: worth a word, no refusal, since it may come later.
 */
static int check_exempt(const char *list, char **ret_problem)
{
	_cleanup_free_ char *copy = strdup(list);
	char *save = NULL;

	if (!copy)
		return -ENOMEM;
	for (char *name = strtok_r(copy, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
		if (name[0] == '@' && !getgrnam(name + 1))
			return problem(ret_problem, -EINVAL,
				       "exempt=%s: there is no group '%s', or it cannot be looked up; the module would "
				       "refuse every user but root whom no other word names: make the group first, or "
				       "leave the word out",
				       list, name + 1);
		if (name[0] != '@' && !getpwnam(name))
			complain("warning: exempt=%s: there is no user '%s'", list, name);
	}
	return 0;
}

static int check_directory(const struct module_arguments *arguments, char **ret_problem)
{
	_cleanup_free_ char *why = NULL;
	_cleanup_close_ int fd = -1;
	int r = policy_directory_open(arguments->policy, 0, &fd, &why);

	if (r < 0)
		return problem(ret_problem, r,
			       "policy directory %s: %s: every login but root's would be refused; mend it, or name "
			       "another one: -- policy=/DIRECTORY",
			       arguments->policy, why ? why : strerror(-r));
	if (!arguments->optional && faccessat(fd, "default.conf", F_OK, 0) < 0)
		complain("warning: %s/default.conf does not exist: users whom no other policy file fits are refused; "
			 "write one with mode = \"off\", or enable with: -- optional",
			 arguments->policy);
	return 0;
}

int host_check(const char *const *arguments, char **ret_problem)
{
	struct module_arguments parsed;
	char **words = NULL;
	int r = unquote(arguments, &words);

	if (r < 0)
		return r;
	r = parse_line((size_t)r, (const char *const *)words, &parsed, ret_problem);
	if (r >= 0)
		r = check_directory(&parsed, ret_problem);
	if (r >= 0 && parsed.exempt)
		r = check_exempt(parsed.exempt, ret_problem);
	arguments_release(words);
	return r;
}
