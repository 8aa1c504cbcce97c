/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Private to nsinspect policy. */

#include "tools/document.h"
#include "tools/nsinspect.h"
#include "tools/verdict.h"

/* As verdict_find(), but reported: 0; -ENOENT: no such user; or another -errno. */
int policy_find(const struct verdict_query *query, struct verdict *ret) _must_check_;

/* What the answer is for: service and address, and to people which of them were assumed. */
void policy_show_query(json_object *object, const struct verdict_query *query, const struct options *options);

/* True for the mode, and for what says whom a file is for: mode "off" leaves nothing else. */
bool policy_matters_when_off(const char *key);

/* As the options say, and `status`; or EXIT_TROUBLE, reported. */
enum exit_status policy_print(json_object *document, const struct options *options, enum exit_status status);

/* What is different for options->other_user: EXIT_CLEAN: nothing; EXIT_FINDINGS; EXIT_TROUBLE: not comparable. */
enum exit_status policy_diff(const struct verdict_query *query, const struct options *options);
