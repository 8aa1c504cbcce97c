/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/who.h"

#include "common/format_list.h"
#include "config/module_arguments.h"

#include <stdarg.h>
#include <string.h>

static enum who_result conclude(enum who_result result, char **ret_text, const char *format, ...) _printf_(3, 4);

static enum who_result conclude(enum who_result result, char **ret_text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	free(*ret_text);
	*ret_text = format_list(format, arguments);
	va_end(arguments);
	return result;
}

void who_release(struct who *who)
{
	candidates_release(&who->candidates);
	identity_release(&who->identity);
	free(who->group);
	*who = (struct who){ 0 };
}

/* 1 when one word of exempt= names the user; 0; or -errno of the group *ret_word that NSS cannot resolve. */
static int is_exempt(char *list, const struct identity *identity, const char **ret_word)
{
	char *rest = list;
	char *word;
	int error = 0;

	while ((word = strsep(&rest, ","))) {
		int r = *word == '@' ? identity_in_group(identity, word + 1) : strcmp(word, identity->name) == 0;

		if (r > 0) {
			*ret_word = word;
			return 1;
		}
		if (r < 0) {
			*ret_word = word;
			error = r;
		}
	}
	return error;
}

/* WHO_EXEMPT, WHO_FAILED, or 0 to go on. */
static int judge_exempt(const struct who_query *query, const struct identity *identity, char **ret_text)
{
	_cleanup_free_ char *list = NULL;
	const char *word = "";
	int r;

	if (!query->exempt)
		return 0;
	list = strdup(query->exempt);
	if (!list)
		return conclude(WHO_FAILED, ret_text, "step exempt: out of memory");
	r = is_exempt(list, identity, &word);
	if (r > 0)
		return conclude(WHO_EXEMPT, ret_text, "exempt=%s", word);
	if (r < 0)
		return conclude(WHO_FAILED, ret_text, "step exempt: group %s cannot be resolved: %s", word + 1,
				strerror(-r));
	return 0;
}

static enum who_result refuse_lookup(const char *user, int error, char **ret_text)
{
	if (error == -ENOENT)
		return conclude(WHO_FAILED, ret_text, "step user: NSS knows no user %s", user);
	if (error == -EINVAL)
		return conclude(WHO_FAILED, ret_text, "step user: the name cannot be that of a policy file");
	return conclude(WHO_FAILED, ret_text, "step user: %s: %s", user, strerror(-error));
}

/* A file from elsewhere extends files of the policy directory, if there is one. */
static int set_root(const char *path, struct candidates *candidates)
{
	_cleanup_close_ int directory = -1;
	_cleanup_free_ char *ignored = NULL;

	if (policy_directory_open(path, 0, &directory, &ignored) < 0)
		return 0;
	return candidates_set_root(candidates, directory, 0);
}

static enum who_result find_candidates(const struct who_query *query, struct who *who, char **ret_text)
{
	_cleanup_close_ int directory = -1;
	_cleanup_free_ char *problem = NULL;
	unsigned flags = who->identity.uid == 0 ? FIND_USER_ONLY : 0;
	int r;

	if (query->file) {
		r = candidates_from_file(query->file, 0, &who->candidates, &problem);
		if (r == 0)
			r = set_root(query->directory, &who->candidates);
	} else {
		r = policy_directory_open(query->directory, 0, &directory, &problem);
		if (r == 0)
			r = candidates_find(directory, &who->identity, flags, &who->candidates, &problem);
	}
	if (r < 0)
		return conclude(WHO_REFUSED, ret_text, "step find: %s", problem ? problem : strerror(-r));
	return WHO_CANDIDATES;
}

/*
 * WHO_ROOT, or 0 to go on. What is broken never keeps root out, for somebody must get in to mend it: neither a module
 * line nor a directory of which nobody can tell whether it has a user/root.conf. Then *ret_text says so.
 */
static int judge_root(const struct who_query *query, char **ret_text)
{
	int r;

	if (query->bad_argument)
		return conclude(WHO_ROOT, ret_text, "uid 0 is passed in spite of argument '%s' of the module line",
				query->bad_argument);
	/* the one file decides for root, too */
	if (query->file)
		return 0;
	r = root_policy_exists(query->directory);
	if (r < 0)
		return conclude(WHO_ROOT, ret_text,
				"uid 0 is passed although %s/user/root.conf cannot be looked for: %s", query->directory,
				strerror(-r));
	return r > 0 ? 0 : WHO_ROOT;
}

enum who_result who_find(const struct who_query *query, struct who *ret, char **ret_text)
{
	int r;

	if (strcmp(query->user, "root") == 0 && (r = judge_root(query, ret_text)) != 0)
		return (enum who_result)r;
	r = identity_lookup(query->user, &ret->identity);
	if (r < 0)
		return refuse_lookup(query->user, r, ret_text);
	if (ret->identity.uid == 0 && (r = judge_root(query, ret_text)) != 0)
		return (enum who_result)r;
	if (query->bad_argument)
		return conclude(WHO_FAILED, ret_text,
				"step arguments: '%s' is none of " MODULE_ARGUMENTS ", open, close, or is given twice",
				query->bad_argument);
	if ((r = judge_exempt(query, &ret->identity, ret_text)) != 0)
		return (enum who_result)r;
	if (geteuid() != 0)
		return conclude(WHO_FAILED, ret_text, "step caller: the login process does not run as root");
	ret->group = identity_group_name(&ret->identity);
	return find_candidates(query, ret, ret_text);
}
