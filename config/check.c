/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/check.h"

#include "config/check_limits.h"
#include "config/check_veth.h"
#include "config/mount_places.h"
#include "config/network.h"
#include "config/path.h"
#include "config/policy_report.h"
#include "config/text_list.h"

#include <string.h>

void settings_release(struct settings *settings)
{
	for (size_t i = 0; i < settings->count; i++) {
		free(settings->items[i].service);
		free(settings->items[i].path);
		value_release(&settings->items[i].value);
	}
	free(settings->items);
	*settings = (struct settings){ 0 };
}

static int convert_list(const struct statement *statement, struct value *ret, char **ret_problem)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < statement->value_count; i++) {
		struct value item = { 0 };

		r = value_parse(statement->key, statement->values[i], &item, ret_problem);
		if (r >= 0)
			r = text_list_add(&ret->list, item.text);
		value_release(&item);
	}
	return r;
}

static bool is_of_bind(enum policy_key key)
{
	return key == KEY_MOUNT_BIND || key_is_bind(key);
}

/* The title of a section, and of the one that a key is in. `before` is what the statement before became, if it has the
 * same title, as statements of one section have; or NULL. */
static int convert_title(const struct statement *statement, const struct setting *before, struct setting *setting,
			 char **ret_problem)
{
	if (statement->service && !(setting->service = strdup(statement->service)))
		return -ENOMEM;
	if (!statement->title)
		return 0;
	if (statement->key == KEY_SERVICE)
		return service_name_parse(statement->title, &setting->service, ret_problem);
	if (!before || !before->path)
		return mount_path_parse(statement->title, is_of_bind(statement->key) ? PATH_BIND : PATH_PRIVATE,
					&setting->path, ret_problem);
	setting->path = strdup(before->path);
	return setting->path ? 0 : -ENOMEM;
}

/* The value of a statement, or what a section is for. 0; -EINVAL with a sentence; -ENOMEM. */
static int convert(const struct statement *statement, const struct setting *before, struct setting *setting,
		   char **ret_problem)
{
	enum value_type type = policy_keys[statement->key].type;
	int r = convert_title(statement, before, setting, ret_problem);

	if (r < 0 || type == VALUE_SECTION)
		return r;
	if (type == VALUE_LIST)
		return convert_list(statement, &setting->value, ret_problem);
	return value_parse(statement->key, statement->values[0], &setting->value, ret_problem);
}

/* A bad path is reported once, for its section, and not again for each key in it. */
static bool path_is_reported(const struct statement *statement, const struct setting *setting)
{
	return (key_is_private(statement->key) || key_is_bind(statement->key)) && !setting->path;
}

static int check_statement(const char *name, const struct statement *statement, const struct setting *before,
			   struct setting *setting, struct diagnostics *diag)
{
	_cleanup_free_ char *label = NULL, *sentence = NULL;
	int r = convert(statement, before, setting, &sentence);

	if (r != -EINVAL)
		return r;
	label = key_label(statement->key, statement->title);
	if (!label)
		return -ENOMEM;
	if (!path_is_reported(statement, setting))
		diagnostics_add(diag, SEVERITY_ERROR, name, statement->line, "%s: %s",
				policy_keys[statement->key].type == VALUE_SECTION ? policy_keys[statement->key].name
										  : label,
				sentence);
	return -EBADMSG;
}

static bool same_title(const struct statement *a, const struct statement *b)
{
	return a->title && b->title && strcmp(a->title, b->title) == 0;
}

static bool is_path_section(const struct setting *setting)
{
	return (setting->key == KEY_MOUNT_PRIVATE || setting->key == KEY_MOUNT_BIND) && setting->path;
}

static bool same_service(const struct setting *a, const struct setting *b)
{
	return strcmp(a->service ? a->service : "", b->service ? b->service : "") == 0;
}

/* "/tmp" and "/tmp/" are different titles of the same directory. */
static int check_paths(const char *name, const struct settings *settings, struct diagnostics *diag)
{
	int r = 0;

	for (size_t i = 0; i < settings->count; i++) {
		const struct setting *setting = &settings->items[i];

		for (size_t j = 0; j < i && is_path_section(setting); j++) {
			const struct setting *first = &settings->items[j];

			if (first->key != setting->key || !is_path_section(first) ||
			    strcmp(first->path, setting->path) != 0 || !same_service(first, setting))
				continue;
			diagnostics_add(diag, SEVERITY_ERROR, name, setting->line,
					"%s: '%s' is given twice, first in line %u", policy_keys[setting->key].name,
					setting->path, first->line);
			r = -EBADMSG;
			break;
		}
	}
	return r;
}

int settings_check(const char *name, const struct statements *statements, struct settings *ret,
		   struct diagnostics *diag)
{
	_cleanup_(settings_release) struct settings settings = { 0 };
	int worst = 0;

	settings.items = calloc(statements->count + 1, sizeof(*settings.items));
	if (!settings.items)
		return -ENOMEM;
	for (size_t i = 0; i < statements->count; i++) {
		const struct statement *statement = &statements->items[i];
		bool again = i > 0 && same_title(statement, statement - 1);
		struct setting *setting = &settings.items[settings.count++];
		int r;

		setting->key = statement->key;
		setting->line = statement->line;
		setting->append = statement->append;
		r = check_statement(name, statement, again ? setting - 1 : NULL, setting, diag);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			worst = r;
	}
	if (worst >= 0)
		worst = check_paths(name, &settings, diag);
	if (worst < 0)
		return worst;
	*ret = settings;
	settings = (struct settings){ 0 };
	return 0;
}

/* mount.isolate = false: everything that needs mounts of the session's own must be given up by name; all in one
 * message. */
static bool check_without_mounts(const struct policy *policy, struct diagnostics *diag)
{
	const struct {
		bool wanted;
		const char *remedy;
	} needs[] = {
		{ policy->ipc.isolate, "ipc { isolate = false }" },
		{ policy->pid.isolate, "pid { isolate = false }" },
		{ policy->mount.proc != PROC_HOST, "mount { proc = \"host\" }" },
		{ policy->mount.runtime_dir != RUNTIME_DIR_HOST, "mount { runtime-dir = \"host\" }" },
	};
	char remedies[160] = "";
	char *end = remedies;

	for (size_t i = 0; i < ELEMENTS(needs); i++)
		if (needs[i].wanted)
			end = stpcpy(stpcpy(end, end == remedies ? "" : " and "), needs[i].remedy);
	if (end != remedies)
		policy_report(policy, KEY_MOUNT_ISOLATE, SEVERITY_ERROR, diag,
			      "mount.isolate: 'false' needs %s as well, or leave mount.isolate out", remedies);
	for (size_t i = 0; i < policy->mount.private_count; i++)
		policy_report_at(
			policy, &policy->mount.private[i].origin, SEVERITY_ERROR, diag,
			"mount.private \"%s\": needs mount.isolate = true; remove the section or mount.isolate",
			policy->mount.private[i].path);
	for (size_t i = 0; i < policy->mount.bind_count; i++)
		policy_report_at(policy, &policy->mount.bind[i].origins[0], SEVERITY_ERROR, diag,
				 "mount.bind \"%s\": needs mount.isolate = true; remove the section or mount.isolate",
				 policy->mount.bind[i].path);
	return end != remedies || policy->mount.private_count > 0 || policy->mount.bind_count > 0;
}

/* A key that would be read and then mean nothing. */
static bool check_pointless(const struct policy *policy, enum policy_key key, enum policy_key switch_key,
			    struct diagnostics *diag)
{
	if (policy->origins[key].line == 0)
		return false;
	policy_report(policy, key, SEVERITY_ERROR, diag, "%s: means nothing with %s = false; remove one of them",
		      policy_keys[key].name, policy_keys[switch_key].name);
	return true;
}

static bool check_source(const struct policy *policy, const struct bind_directory *directory, struct diagnostics *diag)
{
	if (directory->source)
		return false;
	policy_report_at(policy, &directory->origins[0], SEVERITY_ERROR, diag,
			 "mount.bind \"%s\": needs a source, the directory that is seen there", directory->path);
	return true;
}

static bool check_kept(const struct policy *policy, const struct private_directory *directory, enum policy_key key,
		       const struct origin *origin, struct diagnostics *diag)
{
	_cleanup_free_ char *label = NULL;

	if (directory->backing != BACKING_DIRECTORY || !origin->file)
		return false;
	label = key_label(key, directory->path);
	policy_report_at(
		policy, origin, SEVERITY_ERROR, diag,
		"%s: means nothing with backing = \"directory\", which quotas of the file system limit; remove one of "
		"them",
		label ? label : policy_keys[key].name);
	return true;
}

/* As far as that can be said before expansions have values; a plan is judged again. */
static int check_places_of(const struct policy *policy, struct diagnostics *diag)
{
	struct mount_places places = { 0 };
	_cleanup_free_ char *unused = NULL;
	int r = mount_places_make(policy, NULL, &places, &unused), worst = r;

	for (size_t i = 0; r != -ENOMEM && i < places.count; i++) {
		const struct mount_place *place = &places.items[i];
		_cleanup_free_ char *sentence = NULL;

		r = mount_place_check(&places, i, &sentence);
		if (r == 0)
			continue;
		worst = r;
		if (r == -EINVAL)
			policy_report_at(policy, &place->origin, SEVERITY_ERROR, diag, "%s", sentence);
	}
	mount_places_release(&places);
	return worst;
}

int policy_check(const struct policy *policy, struct diagnostics *diag)
{
	int r = check_places_of(policy, diag);
	bool failed = r < 0;

	if (r == -ENOMEM)
		return r;
	failed |= !network_check(policy, diag);
	failed |= !check_veth(policy, diag);
	check_limits(policy, diag);
	for (size_t i = 0; i < policy->mount.bind_count; i++)
		failed |= check_source(policy, &policy->mount.bind[i], diag);
	for (size_t i = 0; i < policy->mount.private_count; i++) {
		const struct private_directory *directory = &policy->mount.private[i];

		failed |= check_kept(policy, directory, KEY_MOUNT_PRIVATE_SIZE, &directory->size_origin, diag);
		failed |= check_kept(policy, directory, KEY_MOUNT_PRIVATE_INODES, &directory->inodes_origin, diag);
	}
	if (policy->mount.homes == HOMES_ALL && policy->origins[KEY_MOUNT_HOMES_ROOTS].line > 0) {
		policy_report(policy, KEY_MOUNT_HOMES_ROOTS, SEVERITY_ERROR, diag,
			      "mount.homes-roots: means nothing with mount.homes = \"all\"; remove it, or say homes = "
			      "\"own\"");
		failed = true;
	}
	if (!policy->mount.isolate) {
		failed |= check_without_mounts(policy, diag);
		failed |= check_pointless(policy, KEY_MOUNT_PROPAGATION, KEY_MOUNT_ISOLATE, diag);
		failed |= check_pointless(policy, KEY_MOUNT_HIDE, KEY_MOUNT_ISOLATE, diag);
		failed |= check_pointless(policy, KEY_MOUNT_READ_ONLY, KEY_MOUNT_ISOLATE, diag);
		failed |= policy->mount.homes == HOMES_OWN &&
			  check_pointless(policy, KEY_MOUNT_HOMES, KEY_MOUNT_ISOLATE, diag);
		failed |= policy->mount.hide_engines &&
			  check_pointless(policy, KEY_MOUNT_HIDE_ENGINES, KEY_MOUNT_ISOLATE, diag);
	} else if (!policy->pid.isolate && policy->mount.proc == PROC_SESSION) {
		policy_report(policy, KEY_PID_ISOLATE, SEVERITY_ERROR, diag,
			      "pid.isolate: 'false' needs mount { proc = \"hidepid\" } or \"host\" as well: there are "
			      "no PIDs of the session's own");
		failed = true;
	} else if (policy->pid.isolate && policy->mount.proc == PROC_HOST) {
		policy_report(
			policy, KEY_MOUNT_PROC, SEVERITY_WARNING, diag,
			"mount.proc: 'host' with pid.isolate = true: /proc and /proc/self go by the host's PIDs, so "
			"that ps and whatever looks itself up there fail in the session; leave mount.proc out");
	}
	if (!policy->pid.isolate && policy->on_logout == ON_LOGOUT_WAIT) {
		policy_report(policy, KEY_ON_LOGOUT, SEVERITY_ERROR, diag,
			      "on-logout: 'wait' needs pid.isolate = true: without PIDs of its own nobody knows when "
			      "the last process of a session has ended");
		failed = true;
	} else if (policy->on_logout == ON_LOGOUT_WAIT && policy->scope == SCOPE_SESSION) {
		policy_report(
			policy, KEY_ON_LOGOUT, SEVERITY_WARNING, diag,
			"on-logout: 'wait' with scope = \"session\": what the user leaves running goes on where no "
			"later login of theirs gets to; add scope = \"user\"");
	}
	if (!policy->pid.isolate)
		policy_report(
			policy, KEY_PID_ISOLATE, SEVERITY_WARNING, diag,
			"pid.isolate: 'false': processes that the user leaves running outlive the session and its "
			"record");
	if (!policy->time.isolate)
		failed |= check_pointless(policy, KEY_TIME_BOOTTIME_OFFSET, KEY_TIME_ISOLATE, diag);
	if (!policy->uts.isolate) {
		failed |= check_pointless(policy, KEY_UTS_HOSTNAME, KEY_UTS_ISOLATE, diag);
		failed |= check_pointless(policy, KEY_UTS_DOMAINNAME, KEY_UTS_ISOLATE, diag);
	}
	return failed ? -EBADMSG : 0;
}
