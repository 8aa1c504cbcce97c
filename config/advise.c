/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/advise.h"

#include "config/policy_report.h"
#include "config/privileges.h"
#include "config/text_list.h"
#include "config/value.h"

#include <string.h>

#define SHARED_DIRECTORY "/tmp" /* which every program takes for granted */
#define SIZE_LEAST       (UINT64_C(16) << 20)
#define SIZE_LEAST_TEXT  "16m"
#define FILES_LEAST      UINT64_C(1000)
#define FILES_LEAST_TEXT "1000"

/* They open a connection for each transfer, after the session is open. "ftp" is the name that most take by default. */
static const char *const ftp_services[] = { "ftp", "proftpd", "pure-ftpd", "vsftpd" };

static void advise_least(const struct policy *policy, const struct private_directory *directory, enum policy_key key,
			 const struct origin *origin, const char *least, struct diagnostics *diag)
{
	_cleanup_free_ char *label = key_label(key, directory->path), *value = value_format(key, directory);

	policy_report_at(policy, origin, SEVERITY_WARNING, diag,
			 "%s: '%s' is too small for what editors, compilers and scripts put there; give it %s or more",
			 label ? label : policy_keys[key].name, value ? value : "", least);
}

static void advise_private(const struct policy *policy, const struct private_directory *directory,
			   struct diagnostics *diag)
{
	if (strcmp(directory->path, SHARED_DIRECTORY) != 0)
		return;
	if (directory->size < SIZE_LEAST)
		advise_least(policy, directory, KEY_MOUNT_PRIVATE_SIZE, &directory->size_origin, SIZE_LEAST_TEXT, diag);
	if (directory->inodes < FILES_LEAST)
		advise_least(policy, directory, KEY_MOUNT_PRIVATE_INODES, &directory->inodes_origin, FILES_LEAST_TEXT,
			     diag);
}

static bool is_ftp(const char *service)
{
	for (size_t i = 0; i < ELEMENTS(ftp_services); i++)
		if (strcmp(service, ftp_services[i]) == 0)
			return true;
	return false;
}

/* Where the mode was chosen; of the default, where the service was. */
static enum policy_key network_key(const struct policy *policy)
{
	return policy->origins[KEY_NETWORK_MODE].file ? KEY_NETWORK_MODE : KEY_SERVICES;
}

static void advise_network(const struct policy *policy, const char *service, struct diagnostics *diag)
{
	const enum network_mode mode = policy->network.mode;

	if (policy->services && !text_list_has(policy->services, service))
		return;
	/* of a network with a name the administrator knows what comes in */
	if (is_ftp(service) && mode != NETWORK_HOST && mode != NETWORK_NAMED)
		policy_report(policy, network_key(policy), SEVERITY_WARNING, diag,
			      "network.mode: '%s': data connections do not reach the clients of %s; it needs 'host'",
			      choice_name(policy_keys[KEY_NETWORK_MODE].choices, mode), service);
	else if (strcmp(service, "sshd") == 0 && mode == NETWORK_NONE)
		policy_report(policy, network_key(policy), SEVERITY_WARNING, diag,
			      "network.mode: 'none': X11 forwarding and ssh -L to the session's own loopback fail "
			      "in logins by sshd, for lo is down; 'loopback' has it up");
}

/* "10.1.0.0" without its length: it is the one address, which no host has. */
static void advise_from(const struct policy *policy, struct diagnostics *diag)
{
	for (char **from = policy->from; from && *from; from++) {
		const size_t length = strlen(*from);

		if (strchr(*from, '/') || length < 2 ||
		    (strcmp(*from + length - 2, ".0") != 0 && strcmp(*from + length - 2, "::") != 0))
			continue;
		policy_report(policy, KEY_FROM, SEVERITY_WARNING, diag,
			      "from: '%s' is one address; for a network write its length, as in '%s/%s'", *from, *from,
			      strchr(*from, ':') ? "64" : "24");
	}
}

/* time_namespaces(7): no clock goes below 0. */
static void advise_time(const struct policy *policy, struct diagnostics *diag)
{
	if (policy->time.boottime_offset < 0)
		policy_report(policy, KEY_TIME_BOOTTIME_OFFSET, SEVERITY_WARNING, diag,
			      "time.boottime-offset: is negative: as long as the machine has not been up for so many "
			      "seconds, logins are refused");
}

/* What a network is owned by says who may use raw sockets in it: the session has one of its own, or not. */
static void advise_user_map(const struct policy *policy, struct diagnostics *diag)
{
	const enum network_mode mode = policy->network.mode;

	if (policy->user.map == USER_MAP_IDENTITY && (mode == NETWORK_HOST || mode == NETWORK_NAMED))
		policy_report(policy, KEY_USER_MAP, SEVERITY_WARNING, diag,
			      "user.map: 'identity' with network.mode = \"%s\": ping fails in the session, and so does "
			      "whatever needs rights over the network, as root by sudo too",
			      choice_name(policy_keys[KEY_NETWORK_MODE].choices, mode));
}

void policy_advise(const struct policy *policy, const char *service, struct diagnostics *diag)
{
	if (policy->mode == MODE_OFF)
		return;
	privileges_advise(policy, diag);
	advise_time(policy, diag);
	advise_user_map(policy, diag);
	for (size_t i = 0; i < policy->mount.private_count; i++)
		advise_private(policy, &policy->mount.private[i], diag);
	if (service)
		advise_network(policy, service, diag);
	else
		advise_from(policy, diag);
}
