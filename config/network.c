/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/network.h"

#include "config/path.h"
#include "config/policy_report.h"
#include "config/problem.h"

#include <string.h>

#define NAME_START "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
#define NAME_BYTES NAME_START ".-"

int network_name_parse(const char *text, char **ret, char **ret_problem)
{
	if (text[0] == '\0' || strspn(text, NAME_START) == 0 || text[strspn(text, NAME_BYTES)] != '\0')
		return problem(ret_problem, -EINVAL,
			       "'%s' is no name of a network namespace, as in ip netns add NAME: letters, digits, '_', "
			       "'.' and '-'",
			       text);
	if (strlen(text) > NETWORK_NAME_MAX)
		return problem(ret_problem, -EINVAL, "'%s' is too long; a name has at most %d bytes", text,
			       NETWORK_NAME_MAX);
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

int network_file_parse(const char *text, char **ret, char **ret_problem)
{
	if (strcmp(text, NETWORK_FILE_SESSION) != 0 && strcmp(text, NETWORK_FILE_HOST) != 0)
		return host_file_parse(text, ret, ret_problem);
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

/* Whether a mode that does without the key may have been chosen for one service, or by a file that builds on this. */
static bool may_be_meant(const struct policy *policy, enum policy_key key)
{
	const struct origin *mode = &policy->origins[KEY_NETWORK_MODE], *given = &policy->origins[key];

	return mode->line > 0 && (policy->sections || strcmp(mode->file, given->file) != 0);
}

/* A key that goes with one mode only. */
static bool check_belongs(const struct policy *policy, enum policy_key key, enum network_mode mode,
			  struct diagnostics *diag)
{
	const struct choice *modes = policy_keys[KEY_NETWORK_MODE].choices;

	if (policy->network.mode == mode || policy->origins[key].line == 0 || may_be_meant(policy, key))
		return true;
	policy_report(policy, key, SEVERITY_ERROR, diag,
		      "%s: means nothing with network.mode = '%s', it goes with '%s'; remove one of them",
		      policy_keys[key].name, choice_name(modes, policy->network.mode), choice_name(modes, mode));
	return false;
}

/* A file of the session's own needs mounts of its own. */
static bool check_mounted(const struct policy *policy, enum policy_key key, const char *value, struct diagnostics *diag)
{
	if (policy->mount.isolate || policy->origins[key].line == 0 || strcmp(value, NETWORK_FILE_HOST) == 0)
		return true;
	policy_report(policy, key, SEVERITY_ERROR, diag,
		      "%s: '%s' needs mount.isolate = true; write \"" NETWORK_FILE_HOST "\" or leave one of them out",
		      policy_keys[key].name, value);
	return false;
}

bool network_check(const struct policy *policy, struct diagnostics *diag)
{
	static const struct {
		enum policy_key key;
		enum network_mode mode;
	} belongings[] = {
		{ KEY_NETWORK_NAME, NETWORK_NAMED },       { KEY_NETWORK_POOL, NETWORK_VETH },
		{ KEY_NETWORK_EGRESS, NETWORK_VETH },      { KEY_NETWORK_MASQUERADE, NETWORK_VETH },
		{ KEY_NETWORK_CONNECTIONS, NETWORK_VETH },
	};
	bool good = true;

	for (size_t i = 0; i < ELEMENTS(belongings); i++)
		good &= check_belongs(policy, belongings[i].key, belongings[i].mode, diag);

	if (policy->network.mode == NETWORK_NAMED && !policy->network.name) {
		policy_report(policy, KEY_NETWORK_MODE, SEVERITY_ERROR, diag,
			      "network.mode: 'named' needs network { name = \"NAME\" } as well, a network namespace of "
			      "ip netns add NAME");
		good = false;
	}
	good &= check_mounted(policy, KEY_NETWORK_RESOLV_CONF, policy->network.resolv_conf, diag);
	good &= check_mounted(policy, KEY_NETWORK_HOSTS, policy->network.hosts, diag);
	return good;
}
