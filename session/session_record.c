/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/session_record.h"

#include "config/hash.h"
#include "config/keys.h"
#include "session/process.h"
#include "session/record_store.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

static char *join_sources(const struct policy *policy)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (char **source = policy->sources; source && *source; source++)
		fprintf(out, "%s%s", source == policy->sources ? "" : ",", *source);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

int outer_pid_namespace(uint64_t *ret)
{
	struct stat status;

	if (stat("/proc/self/ns/pid", &status) < 0)
		return -errno;
	*ret = status.st_ino;
	return 0;
}

int session_setting(const struct session_request *request, uint64_t *ret)
{
	uint64_t outside[NAMESPACE_KINDS];
	struct utsname host;
	char gid[24];
	uint64_t hash;
	int r;

	if (uname(&host) < 0)
		return -errno;
	r = process_namespaces(getpid(), outside);
	if (r < 0)
		return r;
	(void)snprintf(gid, sizeof(gid), "%ju", (uintmax_t)request->gid);
	/* with the ends of the strings, so that they do not run into each other */
	hash = hash_add(HASH_START, gid, strlen(gid) + 1);
	hash = hash_add(hash, request->group, strlen(request->group) + 1);
	hash = hash_add(hash, request->home, strlen(request->home) + 1);
	hash = hash_add(hash, host.nodename, strlen(host.nodename) + 1);
	*ret = hash_add(hash, (const char *)outside, sizeof(outside));
	return 0;
}

/* As the machine counts: the caller is where we are, whatever is made for our children; and whoever reads the record
 * from another time namespace: time_namespaces(7). */
static int start_of_caller(pid_t caller, uint64_t *ret)
{
	int64_t ahead = 0;
	int r = process_start_time(caller, ret);

	if (r == 0)
		r = process_boottime_offset(caller, &ahead);
	*ret -= (uint64_t)(ahead * sysconf(_SC_CLK_TCK));
	return r;
}

int session_record_write(const struct session_request *request, const struct policy *policy,
			 const struct session_reply *reply, const struct network *network, pid_t init, int file)
{
	_cleanup_free_ char *sources = join_sources(policy);
	struct record record = {
		.login = (char *)reply->login,
		.user = (char *)request->user,
		.uid = request->uid,
		.service = (char *)request->service,
		.tty = (char *)request->tty,
		.remote_host = (char *)request->remote_host,
		.login_pid = request->caller,
		.init_pid = init,
		.policy = policy->file,
		.sources = sources,
		.policy_hash = policy->hash,
		.network = (char *)choice_name(policy_keys[KEY_NETWORK_MODE].choices, policy->network.mode),
		.slirp_pid = (uint64_t)reply->slirp_pid,
		.slirp_start = reply->slirp_start,
		.mode = (char *)reply->mode,
		.scope = (char *)(policy->scope == SCOPE_USER ? SCOPE_NAME_USER : "session"),
		.on_logout = (char *)(policy->on_logout == ON_LOGOUT_WAIT ? "wait" : "kill"),
		.interface = (char *)(network ? network->interface : ""),
		.addresses = (char *)(network ? network->addresses : ""),
		.opened = time(NULL),
	};
	int r;

	if (!sources)
		return -ENOMEM;
	memcpy(record.id, reply->id, sizeof(record.id));
	memcpy(record.namespaces, reply->namespaces, sizeof(record.namespaces));
	r = outer_pid_namespace(&record.outer_pid_namespace);
	/* it costs some system calls, and nobody joins another */
	if (r == 0 && policy->scope == SCOPE_USER)
		r = session_setting(request, &record.setting);
	if (r == 0)
		r = start_of_caller(request->caller, &record.login_start);
	return r < 0 ? r : record_write(file, &record);
}
