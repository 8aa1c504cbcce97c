/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/lint_walk.h"

#include "common/read_whole.h"
#include "config/keys.h"
#include "config/text_list.h"

#include <string.h>

void lint_walk_release(struct lint_walk *walk)
{
	text_list_free(walk->sources);
	group_ranks_release(&walk->ranks);
	pools_release(&walk->pools);
	user_files_release(&walk->users);
	if (walk->root.open)
		close_fd(walk->root.fd);
	*walk = (struct lint_walk){ 0 };
}

int lint_read_policy(int fd, const char *name, struct lint *lint, char **ret, size_t *ret_size)
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

void lint_look(void *context, const struct policy *policy, const char *service)
{
	struct lint_look *look = context;
	const struct policy_visitor *visitor = look->lint->visitor;

	if (!service)
		look->general = policy;
	if (visitor)
		visitor->visit(visitor->context, policy, service);
	lint_host(look->general, policy, service, &look->lint->diag);
	lint_limits(policy, service, &look->lint->diag);
}

bool lint_is_directory(const char *entry)
{
	return strcmp(entry, "user") == 0 || strcmp(entry, "group") == 0;
}

bool lint_has_suffix(const char *name)
{
	size_t size = strlen(name);

	return size > strlen(POLICY_SUFFIX) && strcmp(name + size - strlen(POLICY_SUFFIX), POLICY_SUFFIX) == 0;
}

enum lint_place lint_place_of(const char *name)
{
	if (strcmp(name, POLICY_DEFAULT) == 0)
		return LINT_DEFAULT;
	if (!strchr(name, '/'))
		return LINT_BASE;
	return strncmp(name, "group/", strlen("group/")) == 0 ? LINT_GROUP : LINT_USER;
}

int lint_owner(struct lint *lint, enum lint_place place, const char *file, const char *shown)
{
	const char *start = strchr(file, '/');
	_cleanup_free_ char *name = start ? strndup(start + 1, strlen(start + 1) - strlen(POLICY_SUFFIX)) : NULL;

	if (start && !name)
		return -ENOMEM;
	if (place == LINT_USER)
		lint_user_name(shown, name, &lint->diag);
	if (place == LINT_GROUP)
		lint_group_name(shown, name, &lint->diag);
	return 0;
}

int lint_whole_policy(struct lint_walk *walk, enum lint_place place, const struct policy *policy)
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
	if (place == LINT_GROUP)
		return group_ranks_add(&walk->ranks, policy);
	if (priority->file)
		diagnostics_add(&walk->lint->diag, SEVERITY_WARNING, priority->file, priority->line,
				"priority: has no effect here; it ranks the files in group/");
	return 0;
}
