/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/verdict.h"

#include "common/error.h"
#include "nsisolate-config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>

#define LOGIN_DEFS      "/etc/login.defs"
#define EXAMPLE_SESSION "000000000000" /* %s in a plan that is not carried out */

static const char *const outcome_names[VERDICT_OUTCOMES] = {
	[VERDICT_POLICY] = "policy", [VERDICT_ROOT] = "root",       [VERDICT_SYSTEM_USER] = "system-user",
	[VERDICT_NONE] = "none",     [VERDICT_REFUSED] = "refused",
};

const char *verdict_name(enum verdict_outcome outcome)
{
	return outcome_names[outcome];
}

static void refuse(struct verdict *verdict, char **problem, const char *fallback)
{
	verdict->outcome = VERDICT_REFUSED;
	verdict->problem = *problem ? TAKE_PTR(*problem) : strdup(fallback);
}

static void refuse_diagnostics(struct verdict *verdict, const struct diagnostics *diag)
{
	const struct diagnostic *first = diagnostics_first_error(diag);
	char *text = first ? diagnostic_format(first) : NULL;

	if (first)
		verdict->broken = strdup(first->file);
	refuse(verdict, &text, "the policy cannot be read: out of memory");
}

static struct login make_login(const struct verdict *verdict, const struct verdict_query *query)
{
	return (struct login){
		.user = verdict->identity.name,
		.uid = verdict->identity.uid,
		.service = query->service,
		.from = query->from,
	};
}

static void decide(struct verdict *verdict, const struct verdict_query *query)
{
	struct login login = make_login(verdict, query);
	struct diagnostics diag = { 0 };
	char *none = NULL;

	switch (policy_decide(&verdict->candidates, &login, verdict->uid_min, &verdict->policy, &diag)) {
	case DECISION_POLICY:
		verdict->outcome = VERDICT_POLICY;
		break;
	case DECISION_NONE:
		verdict->outcome = VERDICT_NONE;
		break;
	case DECISION_ROOT:
		verdict->outcome = VERDICT_ROOT;
		break;
	case DECISION_SYSTEM_USER:
		verdict->outcome = VERDICT_SYSTEM_USER;
		break;
	case -EBADMSG:
		refuse_diagnostics(verdict, &diag);
		break;
	default:
		refuse(verdict, &none, "the policy cannot be read");
		break;
	}
	diagnostics_release(&diag);
}

/* As a login passes them, whether there is no user/root.conf or that cannot be told. */
static void pass_root(struct verdict *verdict, const char *path, int r)
{
	verdict->outcome = VERDICT_ROOT;
	if (r < 0 && asprintf(&verdict->problem, "%s/user/root.conf cannot be looked for: %s", path, strerror(-r)) < 0)
		verdict->problem = NULL;
}

static int duplicate(int fd, int *ret)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return negative_errno();
	*ret = copy;
	return 0;
}

/* The candidates of a user in a directory. True when they are there. */
static bool find_in_directory(struct verdict *verdict, const struct verdict_query *query)
{
	unsigned flags = query->directory ? FIND_ANY_OWNER : 0;
	_cleanup_free_ char *given = query->directory ? realpath(query->directory, NULL) : NULL;
	const char *path = query->directory ? given : NSISOLATE_POLICY_DIRECTORY;
	_cleanup_free_ char *problem = NULL;
	int r;

	if (!path) {
		if (asprintf(&problem, "%s: %s", query->directory, strerror(errno)) < 0)
			problem = NULL;
		refuse(verdict, &problem, "the policy directory cannot be opened");
		return false;
	}

	r = verdict->identity.uid == 0 ? root_policy_exists(path) : 1;
	if (r <= 0) {
		pass_root(verdict, path, r);
		return false;
	}
	r = query->place ? duplicate(query->place->directory, &verdict->directory)
			 : policy_directory_open(path, flags, &verdict->directory, &problem);
	if (r < 0) {
		verdict->directory = -1;
		refuse(verdict, &problem, "the policy directory cannot be opened");
		return false;
	}
	if (verdict->identity.uid == 0)
		flags |= FIND_USER_ONLY;
	r = candidates_find(verdict->directory, &verdict->identity, flags, &verdict->candidates, &problem);
	if (r < 0)
		refuse(verdict, &problem, "the policy files cannot be listed");
	return r == 0;
}

static bool find_file(struct verdict *verdict, const struct verdict_query *query)
{
	unsigned flags = (query->any_owner ? FIND_ANY_OWNER : 0) | (query->own ? FIND_OWN : 0);
	_cleanup_free_ char *problem = NULL;
	int r = candidates_from_file(query->file, flags, &verdict->candidates, &problem);

	if (r < 0)
		refuse(verdict, &problem, "the policy file cannot be opened");
	return r == 0;
}

int verdict_find(const struct verdict_query *query, struct verdict *ret)
{
	*ret = (struct verdict){ .directory = -1 };

	int r = identity_lookup(query->user, &ret->identity);

	if (r < 0)
		return r;
	if (query->place)
		ret->uid_min = query->place->uid_min;
	else
		r = login_defs_uid_min(LOGIN_DEFS, &ret->uid_min);
	if (r < 0) {
		ret->outcome = VERDICT_REFUSED;
		return asprintf(&ret->problem, "%s: %s", LOGIN_DEFS, strerror(-r)) < 0 ? -ENOMEM : 0;
	}
	if (query->file ? find_file(ret, query) : find_in_directory(ret, query))
		decide(ret, query);
	return 0;
}

int verdict_try(const struct verdict *verdict, const struct verdict_query *query, const struct candidate *candidate,
		struct policy **ret)
{
	const struct login login = make_login(verdict, query);
	struct diagnostics diag = { 0 };
	int r = policy_try(&verdict->candidates.root, candidate, &login, ret, &diag);

	diagnostics_release(&diag);
	return r;
}

void verdict_release(struct verdict *verdict)
{
	identity_release(&verdict->identity);
	candidates_release(&verdict->candidates);
	verdict->policy = policy_free(verdict->policy);
	free(verdict->problem);
	free(verdict->broken);
	free(verdict->group);
	verdict->directory = close_fd(verdict->directory);
}

static char *group_of(const struct verdict *verdict)
{
	char *group = identity_group_name(&verdict->identity);

	return group ? group : strdup("");
}

int verdict_keep(struct verdict *verdict)
{
	candidates_release(&verdict->candidates);
	verdict->directory = close_fd(verdict->directory);
	if (!verdict->policy || verdict->group)
		return 0;
	verdict->group = group_of(verdict);
	return verdict->group ? 0 : -ENOMEM;
}

static const char *const meanings[VERDICT_OUTCOMES] = {
	[VERDICT_ROOT] = "passed: uid 0 is not isolated unless user/root.conf exists",
	[VERDICT_SYSTEM_USER] = "passed: a system user is isolated only by a user file of its own",
	[VERDICT_NONE] = "refused: no file is this login's (passed where the module line says \"optional\")",
	[VERDICT_REFUSED] = "refused: a policy cannot be used",
};

static const char *policy_meaning(const struct policy *policy, const char *service)
{
	switch (policy->mode) {
	case MODE_OFF:
		return "passed: mode is \"off\", and nothing else applies";
	case MODE_AUDIT:
		return "passed, and logged: mode is \"audit\"";
	case MODE_ENFORCE:
		break;
	}
	if (strcmp(service, SERVICE_USER_MANAGER) != 0)
		return "isolated";
	return policy->user_manager == USER_MANAGER_ALLOW
		       ? "passed: user-manager is \"allow\", and runs outside any session"
		       : "refused: user-manager is \"refuse\", for it would run outside any session";
}

const char *verdict_meaning(const struct verdict *verdict, const char *service)
{
	return verdict->policy ? policy_meaning(verdict->policy, service) : meanings[verdict->outcome];
}

const char *verdict_no_session(const struct verdict *verdict, const char *service)
{
	const struct policy *policy = verdict->policy;

	if (policy->mode == MODE_OFF)
		return "mode off";
	if (strcmp(service, SERVICE_USER_MANAGER) == 0)
		return policy->user_manager == USER_MANAGER_ALLOW ? "user-manager allow" : "user-manager refuse";
	return NULL;
}

int verdict_plan(const struct verdict *verdict, const char *session, struct plan **ret, char **ret_problem)
{
	_cleanup_free_ char *asked = verdict->group ? NULL : group_of(verdict);
	const char *group = verdict->group ? verdict->group : asked;
	struct utsname host;

	if (!group)
		return -ENOMEM;
	if (uname(&host) < 0)
		return negative_errno();

	const struct plan_login login = {
		.names = { .user = verdict->identity.name,
			   .uid = verdict->identity.uid,
			   .group = group,
			   .host = host.nodename,
			   .session = session ? session : EXAMPLE_SESSION,
			   .home = verdict->identity.home },
		.gid = verdict->identity.gid,
	};

	return plan_make(verdict->policy, &login, ret, ret_problem);
}
