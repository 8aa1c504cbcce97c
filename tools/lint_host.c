/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* What a policy needs of this host. */
#include "common/paths.h"
#include "config/keys.h"
#include "config/mount_places.h"
#include "config/network.h"
#include "config/problem.h"
#include "config/text_list.h"
#include "config/value.h"
#include "nsisolate-config.h"
#include "session/forwarding.h"
#include "session/mount_point.h"
#include "session/root_file.h"
#include "session/syscalls.h"
#include "tools/lint_private.h"

#include <string.h>
#include <unistd.h>

/* An empty directory holds no other: what is private below a private one cannot be mounted. */
static const char *private_above(const struct policy *policy, const char *path)
{
	for (size_t i = 0; i < policy->mount.private_count; i++) {
		const char *above = policy->mount.private[i].path;

		if (path_is_below(path, above))
			return above;
	}
	return NULL;
}

static const char *why_not_mounted(int error)
{
	switch (error) {
	case -ENOENT:
		return "there is no such directory on this host";
	case -ENOTDIR:
		return "it is no directory on this host";
	case -ELOOP:
		return "a symbolic link leads there on this host, and none is followed";
	default:
		return NULL;
	}
}

/* Of what a session takes away, root's links are followed, and a '-' forgives. */
static const char *why_not_taken(const struct mount_place *place, int error)
{
	switch (error) {
	case -ENOENT:
		return place->key == KEY_MOUNT_BIND ? why_not_mounted(error)
		       : place->optional            ? NULL
						    : "there is no such directory on this host, and no '-' before it";
	case -EACCES:
		return geteuid() == 0 ? "others than root can write to a directory above it on this host" : NULL;
	case -ELOOP:
		return "too many symbolic links lead there on this host";
	default:
		return why_not_mounted(error);
	}
}

static enum step_kind step_of(const struct mount_place *place)
{
	switch ((int)place->key) {
	case KEY_MOUNT_HIDE:
		return STEP_MOUNT_HIDE;
	case KEY_MOUNT_READ_ONLY:
		return STEP_MOUNT_READ_ONLY;
	case KEY_MOUNT_HOMES_ROOTS:
		return STEP_MOUNT_HOMES;
	case KEY_MOUNT_BIND:
		return STEP_MOUNT_BIND;
	default:
		return STEP_MOUNT_TMPFS;
	}
}

static char *why_no_source(const struct mount_place *place)
{
	_cleanup_close_ int fd = mount_source_open(&(struct step){ .kind = STEP_MOUNT_BIND, .value = place->source });
	const char *why = fd < 0 ? why_not_taken(place, fd) : NULL;
	char *text;

	return !why || asprintf(&text, "its source '%s': %s", place->source, why) < 0 ? NULL : text;
}

/*
 * Why it cannot be mounted, or NULL. As the session's init will open it; what cannot be known as whoever runs this
 * (EACCES) is passed over.
 */
static char *why_refused(const struct policy *policy, const struct mount_place *place)
{
	const struct step step = { .kind = step_of(place), .target = place->path };
	const bool private = place->key == KEY_MOUNT_PRIVATE, gives = private || place->key == KEY_MOUNT_BIND;
	const char *above = private ? private_above(policy, place->path) : NULL, *why = NULL;
	_cleanup_close_ int fd = -1;
	char *text;

	if (above)
		return asprintf(&text, "it is within \"%s\", which is empty in a session", above) < 0 ? NULL : text;
	if (strchr(place->path, '%') || place->key == KEY_MOUNT_HIDE_ENGINES)
		return NULL;
	fd = mount_point_open(&step);
	if (fd < 0)
		why = gives ? why_not_mounted(fd) : why_not_taken(place, fd);
	/* where all users have their homes there, as far as the policy can tell */
	else if (place->key == KEY_MOUNT_HOMES_ROOTS && text_list_count(policy->mount.homes_roots) == 1 &&
		 homes_root_check(fd) == -EOPNOTSUPP)
		why = "it is an automounter's (autofs), which takes away homes that are idle on the host";
	if (why)
		return strdup(why);
	return place->source && !strchr(place->source, '%') ? why_no_source(place) : NULL;
}

/* Whether the same is wrong with the same directory in another policy. */
static bool is_told(const struct policy *policy, const struct mount_place *wanted, const char *why)
{
	struct mount_places places = { 0 };
	_cleanup_free_ char *unused = NULL;
	bool told = false;

	if (policy->mode != MODE_OFF && mount_places_make(policy, NULL, &places, &unused) < 0) {
		mount_places_release(&places);
		return false;
	}
	for (size_t i = 0; !told && i < places.count; i++) {
		const struct mount_place *place = &places.items[i];
		_cleanup_free_ char *other = place->key == wanted->key && strcmp(place->path, wanted->path) == 0
						     ? why_refused(policy, place)
						     : NULL;

		told = other && strcmp(other, why) == 0;
	}
	mount_places_release(&places);
	return told;
}

static void report(const struct policy *policy, const struct mount_place *place, const char *service, const char *why,
		   struct diagnostics *diag)
{
	const bool section = policy_keys[place->key].type == VALUE_SECTION;

	lint_report_refusal(policy, &place->origin, service, NULL, diag, "%s%s%s%s: %s", policy_keys[place->key].name,
			    section ? " \"" : ": '", place->path, section ? "\"" : "'", why);
}

/* What is not as it must be with a file that is copied at login; what cannot be known as whoever runs this is passed
 * over. */
static void lint_file(const struct policy *general, const struct policy *policy, enum policy_key key, const char *path,
		      const char *general_path, const char *service, struct diagnostics *diag)
{
	_cleanup_close_ int fd = -1;

	if (path[0] != '/' || (policy != general && general->mode != MODE_OFF && strcmp(path, general_path) == 0))
		return;
	fd = root_file_open(path);
	if (fd < 0 && fd != -EACCES)
		lint_report_refusal(policy, &policy->origins[key], service, NULL, diag, "%s: %s: %s",
				    policy_keys[key].name, path, root_file_error(fd));
}

void lint_host(const struct policy *general, const struct policy *policy, const char *service, struct diagnostics *diag)
{
	struct mount_places places = { 0 };
	_cleanup_free_ char *unused = NULL;

	if (policy->mode != MODE_OFF) {
		lint_network(general, policy, service, diag);
		lint_file(general, policy, KEY_NETWORK_RESOLV_CONF, policy->network.resolv_conf,
			  general->network.resolv_conf, service, diag);
		lint_file(general, policy, KEY_NETWORK_HOSTS, policy->network.hosts, general->network.hosts, service,
			  diag);
	}

	if (policy->mode != MODE_OFF && mount_places_make(policy, NULL, &places, &unused) < 0) {
		mount_places_release(&places);
		return;
	}
	for (size_t i = 0; i < places.count; i++) {
		_cleanup_free_ char *why = why_refused(policy, &places.items[i]);

		if (why && (policy == general || !is_told(general, &places.items[i], why)))
			report(policy, &places.items[i], service, why, diag);
	}
	mount_places_release(&places);
}
