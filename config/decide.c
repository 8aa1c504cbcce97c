/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/decide.h"

#include "config/address.h"
#include "config/advise.h"
#include "config/check.h"
#include "config/keys.h"
#include "config/load.h"
#include "config/merge.h"
#include "config/policy_report.h"
#include "config/text_list.h"

#include <string.h>

static int policy_from_layers(const struct layers *layers, const char *service, struct policy **ret,
			      struct diagnostics *diag)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	int r;

	r = policy_merge(layers->items, layers->count, service, &policy, diag);
	if (r >= 0)
		r = policy_check(policy, diag);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(policy);
	return 0;
}

static int policy_from_candidate(const struct policy_root *root, const struct candidate *candidate, const char *service,
				 struct policy **ret, struct diagnostics *diag)
{
	_cleanup_(layers_release) struct layers layers = { 0 };
	int r;

	if (candidate->problem) {
		diagnostics_add(diag, SEVERITY_ERROR, candidate->name, 0, "%s", candidate->problem);
		return -EBADMSG;
	}
	r = layers_load(root, candidate->name, candidate->fd, &layers, diag);
	return r < 0 ? r : policy_from_layers(&layers, service, ret, diag);
}

/*
 * The user manager is one for all logins of its user, and runs what was written in any of them: a file that refuses it
 * does so for the sake of the logins that it is for, whatever these are.
 */
static bool refuses_user_manager(const struct policy *policy, const struct login *login)
{
	return login->service && strcmp(login->service, SERVICE_USER_MANAGER) == 0 && policy->mode == MODE_ENFORCE &&
	       policy->user_manager == USER_MANAGER_REFUSE;
}

/*
 * 1 if the file is for this login, 0 if not; a list that is not given is for every login. -EBADMSG when that cannot be
 * said: passing the file over for a remote host that came as a name would let whoever runs its zone choose the policy.
 */
static int matches(const struct policy *policy, const struct login *login, struct diagnostics *diag)
{
	if (refuses_user_manager(policy, login))
		return 1;
	if (policy->services && !text_list_has(policy->services, login->service ? login->service : ""))
		return 0;
	if (!policy->from)
		return 1;
	if (!address_is_known(login->from)) {
		policy_report(policy, KEY_FROM, SEVERITY_ERROR, diag,
			      "from: the remote host came as the name '%s', which is no address, so nobody can say "
			      "whether the file is for this login; sshd needs UseDNS no",
			      login->from);
		return -EBADMSG;
	}
	return address_matches(policy->from, login->from);
}

int policy_try(const struct policy_root *root, const struct candidate *candidate, const struct login *login,
	       struct policy **ret, struct diagnostics *diag)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	int r = policy_from_candidate(root, candidate, login->service, &policy, diag);

	if (r >= 0)
		r = matches(policy, login, diag);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(policy);
	return r;
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
		int r = policy_try(&candidates->root, &candidates->items[*index], login, &policy, diag);

		if (r < 0)
			return r;
		if (r == 0 || (best && best->priority >= policy->priority))
			continue;
		policy_free(best);
		best = TAKE_PTR(policy);
	}
	*ret = TAKE_PTR(best);
	return 0;
}

static int decide_by_file(const struct policy_root *root, const struct candidate *candidate, const struct login *login,
			  struct policy **ret, struct diagnostics *diag)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	int r = policy_try(root, candidate, login, &policy, diag);

	if (r < 0)
		return r;
	if (r > 0)
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
				r = decide_by_file(&candidates->root, candidate, login, &decided, diag);
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

static int lint_layers(const struct layers *layers, const char *service, struct policy **ret, struct diagnostics *diag)
{
	int r = policy_from_layers(layers, service, ret, diag);

	if (r >= 0)
		policy_advise(*ret, service, diag);
	return r;
}

static void visit(const struct policy_visitor *visitor, const struct policy *policy, const char *service)
{
	if (visitor && policy)
		visitor->visit(visitor->context, policy, service);
}

/* As it is for a login by no service that the file names, and for each that it does. */
static int check_services(const struct layers *layers, const struct policy_visitor *visitor, struct policy **ret,
			  struct diagnostics *diag)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	_cleanup_(text_list_freep) char **services = NULL;
	int worst = lint_layers(layers, NULL, &policy, diag), r;

	if (worst < 0 && worst != -EBADMSG)
		return worst;
	visit(visitor, policy, NULL);
	r = layers_sections(layers->items, layers->count, &services);
	if (r == 0 && policy)
		r = text_list_add_all(&services, policy->services);
	for (char **service = services; r == 0 && service && *service; service++) {
		_cleanup_(policy_freep) struct policy *for_service = NULL;

		r = lint_layers(layers, *service, &for_service, diag);
		worst = r < 0 ? r : worst;
		r = r == -EBADMSG ? 0 : r;
		if (policy)
			visit(visitor, for_service, *service);
	}
	if (r < 0 || worst < 0)
		return r < 0 ? r : worst;
	*ret = TAKE_PTR(policy);
	return 0;
}

int policy_lint_below(const struct policy_root *root, const char *name, const char *text, size_t size,
		      const struct policy_visitor *visitor, struct policy **ret, struct diagnostics *diag)
{
	_cleanup_(layers_release) struct layers layers = { 0 };
	_cleanup_(policy_freep) struct policy *policy = NULL;
	int r;

	r = layers_load_text(root, name, text, size, &layers, diag);
	if (r >= 0)
		r = check_services(&layers, visitor, &policy, diag);
	if (r < 0 && r != -EBADMSG)
		return r;
	if (ret)
		*ret = TAKE_PTR(policy);
	return 0;
}

int policy_lint(const char *name, const char *text, size_t size, struct policy **ret, struct diagnostics *diag)
{
	return policy_lint_below(&(struct policy_root){ .open = false }, name, text, size, NULL, ret, diag);
}

int policy_lint_base(const struct policy_root *root, const char *name, const char *text, size_t size,
		     struct diagnostics *diag)
{
	_cleanup_(layers_release) struct layers layers = { 0 };
	int r = layers_load_text(root, name, text, size, &layers, diag);

	return r == -EBADMSG ? 0 : r;
}
