/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/decide.h"

#include "config/address.h"
#include "config/check.h"
#include "config/merge.h"
#include "config/parse.h"
#include "config/text_list.h"

#include <string.h>
#include <sys/stat.h>

/* One file: parse, check, merge, check what the values make together. */
static int policy_from_text(const char *name, const char *text, size_t size, struct policy **ret,
			    struct diagnostics *diag)
{
	_cleanup_(statements_release) struct statements statements = { 0 };
	_cleanup_(settings_release) struct settings settings = { 0 };
	_cleanup_(policy_freep) struct policy *policy = NULL;
	size_t first = diag->count;
	bool incomplete;
	int r;

	r = policy_parse(name, text, size, &statements, diag);
	incomplete = r == PARSE_INCOMPLETE;
	if (r >= 0)
		r = settings_check(name, &statements, &settings, diag);
	if (r >= 0 && incomplete)
		r = -EBADMSG;
	diagnostics_sort(diag, first);
	if (r >= 0)
		r = policy_merge(&(struct layer){ .file = (char *)name, .settings = settings }, 1, NULL, &policy, diag);
	if (r >= 0)
		r = policy_check(policy, diag);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(policy);
	return 0;
}

static int unusable(const char *name, const char *why, struct diagnostics *diag)
{
	diagnostics_add(diag, SEVERITY_ERROR, name, 0, "%s", why);
	return -EBADMSG;
}

static int stat_file(int fd, const char *name, struct stat *ret, struct diagnostics *diag)
{
	if (fstat(fd, ret) < 0)
		return unusable(name, strerrordesc_np(errno), diag);
	if (!S_ISREG(ret->st_mode))
		return unusable(name, "a policy is a regular file", diag);
	if (ret->st_size > POLICY_FILE_MAX)
		return unusable(name, "the file is too large for a policy", diag);
	return 0;
}

/* All of the file from its start, whatever the descriptor's offset is, and the same file before and after. */
static int read_file(int fd, const char *name, char **ret, size_t *ret_size, struct diagnostics *diag)
{
	_cleanup_free_ char *text = NULL;
	struct stat before, after;
	size_t size = 0;
	int r;

	r = stat_file(fd, name, &before, diag);
	if (r < 0)
		return r;
	text = malloc((size_t)before.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (size < (size_t)before.st_size + 1) {
		ssize_t n = pread(fd, text + size, (size_t)before.st_size + 1 - size, (off_t)size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return unusable(name, strerrordesc_np(errno), diag);
		if (n == 0)
			break;
		size += (size_t)n;
	}
	r = stat_file(fd, name, &after, diag);
	if (r < 0)
		return r;
	if (size != (size_t)before.st_size || after.st_size != before.st_size ||
	    after.st_mtim.tv_sec != before.st_mtim.tv_sec || after.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
		return unusable(name, "the file changed while it was read; write a new file and rename it", diag);
	*ret = TAKE_PTR(text);
	*ret_size = size;
	return 0;
}

static int policy_from_candidate(const struct candidate *candidate, struct policy **ret, struct diagnostics *diag)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	if (candidate->problem)
		return unusable(candidate->name, candidate->problem, diag);
	r = read_file(candidate->fd, candidate->name, &text, &size, diag);
	if (r < 0)
		return r;
	return policy_from_text(candidate->name, text, size, ret, diag);
}

/* Whether the file is for this login; a list that is not given is for every login. */
static bool matches(const struct policy *policy, const struct login *login)
{
	return (!policy->services || text_list_has(policy->services, login->service ? login->service : "")) &&
	       (!policy->from || address_matches(policy->from, login->from));
}

/*
 * Of the group files from candidate *index on the one for this login with the highest priority; of equal ones the
 * first. All are read: a broken file refuses everyone in its group, whichever of their groups decides. *index is then
 * behind them.
 */
static int decide_by_group(const struct candidates *candidates, size_t *index, const struct login *login,
			   struct policy **ret, struct diagnostics *diag)
{
	_cleanup_(policy_freep) struct policy *best = NULL;

	for (; *index < candidates->count && candidates->items[*index].kind == CANDIDATE_GROUP; ++*index) {
		_cleanup_(policy_freep) struct policy *policy = NULL;
		int r = policy_from_candidate(&candidates->items[*index], &policy, diag);

		if (r < 0)
			return r;
		if (!matches(policy, login) || (best && best->priority >= policy->priority))
			continue;
		policy_free(best);
		best = TAKE_PTR(policy);
	}
	*ret = TAKE_PTR(best);
	return 0;
}

static int decide_by_file(const struct candidate *candidate, const struct login *login, struct policy **ret,
			  struct diagnostics *diag)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	int r = policy_from_candidate(candidate, &policy, diag);

	if (r < 0)
		return r;
	if (matches(policy, login))
		*ret = TAKE_PTR(policy);
	return 0;
}

int policy_decide(const struct candidates *candidates, const struct login *login, uid_t uid_min, struct policy **ret,
		  struct diagnostics *diag)
{
	_cleanup_(policy_freep) struct policy *decided = NULL;
	bool user_only = login->uid == 0 || login->uid < uid_min;
	size_t i = 0;

	while (!decided && i < candidates->count) {
		const struct candidate *candidate = &candidates->items[i];
		int r = 0;

		if (candidate->kind == CANDIDATE_GROUP && !user_only) {
			r = decide_by_group(candidates, &i, login, &decided, diag);
		} else {
			if (candidate->kind == CANDIDATE_USER || !user_only)
				r = decide_by_file(candidate, login, &decided, diag);
			i++;
		}
		if (r < 0)
			return r;
	}
	if (decided) {
		*ret = TAKE_PTR(decided);
		return DECISION_POLICY;
	}
	if (login->uid == 0)
		return candidates->count > 0 && candidates->items[0].kind == CANDIDATE_USER ? DECISION_ROOT
											    : DECISION_NONE;
	return login->uid < uid_min ? DECISION_SYSTEM_USER : DECISION_NONE;
}

int policy_new_default(const char *file, struct policy **ret)
{
	const struct layer empty = { .file = (char *)file };
	struct diagnostics none = { 0 };

	return policy_merge(&empty, 1, NULL, ret, &none);
}

int policy_lint(const char *name, const char *text, size_t size, struct policy **ret, struct diagnostics *diag)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	int r;

	r = policy_from_text(name, text, size, &policy, diag);
	if (r < 0 && r != -EBADMSG)
		return r;
	if (ret)
		*ret = TAKE_PTR(policy);
	return 0;
}
