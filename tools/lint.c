/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/lint.h"

#include "tools/lint_walk.h"

#include <sys/stat.h>

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

void lint_release(struct lint *lint)
{
	diagnostics_release(&lint->diag);
}
