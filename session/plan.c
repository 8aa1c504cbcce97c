/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/plan.h"

#include "common/paths.h"
#include "config/keys.h"
#include "config/mount_places.h"
#include "config/network.h"
#include "config/privileges.h"
#include "config/problem.h"
#include "config/text_list.h"
#include "session/limits.h"
#include "session/record.h"
#include "session/slirp.h"

#include <inttypes.h>
#include <sched.h>
#include <string.h>

/* Sizes of the file systems that no policy key sets; documented in nsisolate.conf(5). */
#define SHM_SIZE           (512ULL << 20)
#define SHM_INODES         (128ULL << 10)
#define RUNTIME_DIR_SIZE   (64ULL << 20)
#define RUNTIME_DIR_INODES (16ULL << 10)
#define OWN_RECORDS_SIZE   (1ULL << 20)
#define OWN_RECORDS_INODES 512ULL

static const struct {
	const char *name;
	enum place place;
} step_table[STEP_KINDS] = {
	[STEP_OWN_USER_MAP] = { "own-user-map", PLACE_HOST },
	[STEP_LIMITS] = { "limits", PLACE_HOST },
	[STEP_RECORD] = { "record", PLACE_HOST },
	[STEP_NETWORK_NAMED] = { "network-named", PLACE_HOST },
	[STEP_TIME] = { "time", PLACE_HOST },
	[STEP_NAMESPACES] = { "namespaces", PLACE_HOST },
	[STEP_USER_MAP] = { "user-map", PLACE_HOST },
	[STEP_FIREWALL] = { "firewall", PLACE_HOST },
	[STEP_VETH] = { "veth", PLACE_HOST },
	[STEP_SLIRP] = { "slirp", PLACE_HOST },
	[STEP_PROPAGATION] = { "propagation", PLACE_INIT },
	[STEP_LOOPBACK_UP] = { "loopback-up", PLACE_INIT },
	[STEP_HOSTNAME] = { "hostname", PLACE_INIT },
	[STEP_DOMAINNAME] = { "domainname", PLACE_INIT },
	[STEP_MOUNT_PROC] = { "mount-proc", PLACE_INIT },
	[STEP_MOUNT_SYS] = { "mount-sys", PLACE_INIT },
	[STEP_MOUNT_CGROUPS] = { "mount-cgroups", PLACE_INIT },
	[STEP_MOUNT_MQUEUE] = { "mount-mqueue", PLACE_INIT },
	[STEP_MOUNT_TMPFS] = { "mount-tmpfs", PLACE_INIT },
	[STEP_MOUNT_RUNTIME_DIR] = { "mount-runtime-dir", PLACE_INIT },
	[STEP_MOUNT_RESOLV_CONF] = { "mount-resolv-conf", PLACE_INIT },
	[STEP_MOUNT_HOSTS] = { "mount-hosts", PLACE_INIT },
	[STEP_MOUNT_HIDE] = { "mount-hide", PLACE_INIT },
	[STEP_HIDE_ENGINE] = { "hide-engine", PLACE_INIT },
	[STEP_MOUNT_READ_ONLY] = { "mount-read-only", PLACE_INIT },
	[STEP_MOUNT_DIRECTORY] = { "mount-directory", PLACE_INIT },
	[STEP_MOUNT_BIND] = { "mount-bind", PLACE_INIT },
	[STEP_MOUNT_HOMES] = { "mount-homes", PLACE_INIT },
	[STEP_HIDE_PROCS] = { "hide-procs", PLACE_INIT },
	[STEP_LOCK_MOUNTS] = { "lock-mounts", PLACE_INIT },
	[STEP_SETNS] = { "setns", PLACE_CALLER },
	[STEP_WORKING_DIRECTORY] = { "working-directory", PLACE_CALLER },
	[STEP_DROP_CAPABILITIES] = { "drop-capabilities", PLACE_CALLER },
	[STEP_NO_NEW_PRIVILEGES] = { "no-new-privileges", PLACE_CALLER },
};

static const char *const place_names[PLACES] = {
	[PLACE_HOST] = "host",
	[PLACE_INIT] = "init",
	[PLACE_CALLER] = "caller",
};

enum place step_place(enum step_kind kind)
{
	return step_table[kind].place;
}

const char *step_name(enum step_kind kind)
{
	return step_table[kind].name;
}

const char *place_name(enum place place)
{
	return place_names[place];
}

const struct step *plan_find(const struct plan *plan, enum step_kind kind)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].kind == kind)
			return &plan->steps[i];
	return NULL;
}

struct plan *plan_free(struct plan *plan)
{
	if (!plan)
		return NULL;
	for (size_t i = 0; i < plan->count; i++) {
		free((char *)plan->steps[i].target);
		free((char *)plan->steps[i].value);
		free((char *)plan->steps[i].name);
	}
	free(plan->steps);
	free(plan);
	return NULL;
}

/* Appends a copy of `step` whose strings the plan owns. */
static int add_step(struct plan *plan, struct step step)
{
	_cleanup_free_ char *target = NULL;
	_cleanup_free_ char *value = NULL;
	_cleanup_free_ char *name = NULL;
	struct step *steps;

	if (step.target && !(target = strdup(step.target)))
		return -ENOMEM;
	if (step.value && !(value = strdup(step.value)))
		return -ENOMEM;
	if (step.name && !(name = strdup(step.name)))
		return -ENOMEM;
	steps = reallocarray(plan->steps, plan->count + 1, sizeof(*steps));
	if (!steps)
		return -ENOMEM;
	plan->steps = steps;
	step.target = TAKE_PTR(target);
	step.value = TAKE_PTR(value);
	step.name = TAKE_PTR(name);
	steps[plan->count++] = step;
	return 0;
}

unsigned policy_clone_flags(const struct policy *policy)
{
	const bool wanted[NAMESPACE_KINDS] = {
		[NAMESPACE_MOUNT] = policy->mount.isolate, [NAMESPACE_NETWORK] = policy->network.mode != NETWORK_HOST,
		[NAMESPACE_IPC] = policy->ipc.isolate,     [NAMESPACE_UTS] = policy->uts.isolate,
		[NAMESPACE_PID] = policy->pid.isolate,     [NAMESPACE_CGROUP] = policy->cgroup.isolate,
		[NAMESPACE_TIME] = policy->time.isolate,   [NAMESPACE_USER] = policy->user.map != USER_MAP_NONE,
	};
	unsigned flags = 0;

	for (size_t i = 0; i < NAMESPACE_KINDS; i++)
		if (wanted[i])
			flags |= (unsigned)namespace_table[i].clone_flag;
	return flags;
}

/* The network that is there before the session. */
static int add_named_network(struct plan *plan, const struct policy *policy)
{
	char path[sizeof(NETWORK_NAMES) + 1 + NETWORK_NAME_MAX];

	if (policy->network.mode != NETWORK_NAMED)
		return 0;
	plan->entered_flags |= CLONE_NEWNET;
	(void)snprintf(path, sizeof(path), NETWORK_NAMES "/%s", policy->network.name);
	return add_step(plan, (struct step){ .kind = STEP_NETWORK_NAMED, .target = path });
}

static int add_names(struct plan *plan, const struct policy *policy, const struct plan_login *login, char **ret_problem)
{
	_cleanup_free_ char *hostname = NULL;
	_cleanup_free_ char *domainname = NULL;
	int r;

	if (!policy->uts.isolate)
		return 0;
	r = expand(policy->uts.hostname, &login->names, EXPAND_HOSTNAME, &hostname, ret_problem);
	if (r < 0)
		return r;
	r = add_step(plan, (struct step){ .kind = STEP_HOSTNAME, .value = hostname });
	if (r < 0 || !policy->uts.domainname)
		return r;
	r = expand(policy->uts.domainname, &login->names, EXPAND_TEXT, &domainname, ret_problem);
	if (r < 0)
		return r;
	return add_step(plan, (struct step){ .kind = STEP_DOMAINNAME, .value = domainname });
}

static int add_proc(struct plan *plan, const struct policy *policy)
{
	int r;

	if (policy->mount.proc == PROC_HOST)
		return 0;
	/* before a directory that is shown elsewhere could bring one along */
	r = add_step(plan, (struct step){ .kind = STEP_HIDE_PROCS, .value = "all but /proc" });
	if (r < 0)
		return r;
	return add_step(plan, (struct step){
				      .kind = STEP_MOUNT_PROC,
				      .target = "/proc",
				      .value = policy->mount.proc == PROC_HIDEPID ? "hidepid=invisible" : NULL,
			      });
}

static int add_ipc(struct plan *plan, const struct policy *policy)
{
	int r;

	if (!policy->ipc.isolate)
		return 0;
	r = add_step(plan, (struct step){
				   .kind = STEP_MOUNT_TMPFS,
				   .target = "/dev/shm",
				   .size = SHM_SIZE,
				   .inodes = SHM_INODES,
				   .mode = 01777,
				   .create = true,
			   });
	if (r < 0)
		return r;
	return add_step(plan, (struct step){ .kind = STEP_MOUNT_MQUEUE, .target = "/dev/mqueue", .create = true });
}

static int add_runtime_dir(struct plan *plan, const struct policy *policy, const struct plan_login *login)
{
	if (policy->mount.runtime_dir == RUNTIME_DIR_HOST)
		return 0;
	return add_step(plan, (struct step){
				      .kind = STEP_MOUNT_RUNTIME_DIR,
				      .target = "/run/user",
				      .size = RUNTIME_DIR_SIZE,
				      .inodes = RUNTIME_DIR_INODES,
				      .mode = 0755,
				      .uid = login->names.uid,
				      .gid = login->gid,
				      .create = true,
			      });
}

#define ETC_PATH_MAX (sizeof(NETWORK_ETC) + NETWORK_NAME_MAX + sizeof("/resolv.conf"))

/* What a mode brings along for a file of /etc, if anything; in `path` or static. ip-netns(8) has it so. */
static const char *file_of_mode(const struct policy *policy, enum step_kind kind, char path[ETC_PATH_MAX])
{
	if (policy->network.mode == NETWORK_SLIRP && kind == STEP_MOUNT_RESOLV_CONF)
		return "nameserver " SLIRP_RESOLVER;
	if (policy->network.mode != NETWORK_NAMED)
		return NULL;
	(void)snprintf(path, ETC_PATH_MAX, NETWORK_ETC "/%s/%s", policy->network.name,
		       kind == STEP_MOUNT_HOSTS ? "hosts" : "resolv.conf");
	return path;
}

static int add_etc_file(struct plan *plan, const struct policy *policy, enum step_kind kind, const char *target,
			const char *choice, const char *name)
{
	const bool chosen = choice[0] == '/';
	char path[ETC_PATH_MAX];
	const char *value = chosen ? choice : file_of_mode(policy, kind, path);

	if (strcmp(choice, NETWORK_FILE_HOST) == 0 || (!value && !name))
		return 0;
	return add_step(plan, (struct step){
				      .kind = kind,
				      .target = target,
				      .value = value,
				      .name = name,
				      .optional = !chosen && value && value[0] == '/',
			      });
}

/* A session that is called otherwise than its host finds itself, as sudo(8) and others look for it. */
static int add_etc_files(struct plan *plan, const struct policy *policy, const struct plan_login *login,
			 char **ret_problem)
{
	_cleanup_free_ char *hostname = NULL;
	bool named = false;
	int r;

	if (policy->uts.isolate) {
		r = expand(policy->uts.hostname, &login->names, EXPAND_HOSTNAME, &hostname, ret_problem);
		if (r < 0)
			return r;
		named = strcmp(hostname, login->names.host) != 0;
	}
	r = add_etc_file(plan, policy, STEP_MOUNT_RESOLV_CONF, "/etc/resolv.conf", policy->network.resolv_conf, NULL);
	if (r < 0)
		return r;
	return add_etc_file(plan, policy, STEP_MOUNT_HOSTS, "/etc/hosts", policy->network.hosts,
			    named ? hostname : NULL);
}

static int add_place(struct plan *plan, const struct mount_places *places, const struct mount_place *place,
		     const struct expansion *names)
{
	struct step step = { .target = place->path, .optional = place->optional };

	switch ((int)place->key) {
	case KEY_MOUNT_HIDE:
		step.kind = STEP_MOUNT_HIDE;
		break;
	case KEY_MOUNT_BIND:
		step.kind = STEP_MOUNT_BIND;
		step.value = place->source;
		step.read_only = place->bind->read_only;
		step.nosuid = place->bind->nosuid;
		step.nodev = place->bind->nodev;
		step.noexec = place->bind->noexec;
		break;
	case KEY_MOUNT_HOMES_ROOTS:
		step.kind = STEP_MOUNT_HOMES;
		step.value = path_is_below(places->home, place->path) ? places->home : NULL;
		break;
	case KEY_MOUNT_HIDE_ENGINES:
		step.kind = STEP_HIDE_ENGINE;
		break;
	case KEY_MOUNT_READ_ONLY:
		step.kind = STEP_MOUNT_READ_ONLY;
		break;
	default:
		step.mode = 01777;
		if (place->directory->backing == BACKING_DIRECTORY) {
			step.kind = STEP_MOUNT_DIRECTORY;
			step.uid = names->uid;
			step.value = names->user;
			break;
		}
		step.kind = STEP_MOUNT_TMPFS;
		step.size = place->directory->size;
		step.inodes = place->directory->inodes;
		break;
	}
	return add_step(plan, step);
}

/* Their order by path is another once expansions have values; a parent still comes before what is below it. */
static int add_places(struct plan *plan, const struct policy *policy, const struct expansion *names, char **ret_problem)
{
	struct mount_places places = { 0 };
	int r = mount_places_make(policy, names, &places, ret_problem);

	for (size_t i = 0; r == 0 && i < places.count; i++) {
		r = mount_place_check(&places, i, ret_problem);
		if (r == 0)
			r = add_place(plan, &places, &places.items[i], names);
	}
	mount_places_release(&places);
	return r;
}

static int add_mounts(struct plan *plan, const struct policy *policy, const struct plan_login *login,
		      char **ret_problem)
{
	const char *propagation = policy->mount.propagation == PROPAGATION_PRIVATE ? "private" : "slave";
	int r;

	if (!policy->mount.isolate)
		return 0;
	/* first: until then a mount here would reach the host's tree */
	r = add_step(plan, (struct step){ .kind = STEP_PROPAGATION, .target = "/", .value = propagation });
	if (r == 0)
		r = add_proc(plan, policy);
	if (r == 0 && policy->network.mode != NETWORK_HOST)
		r = add_step(plan, (struct step){ .kind = STEP_MOUNT_SYS, .target = "/sys" });
	/* after it, for it brings the host's along */
	if (r == 0 && policy->cgroup.isolate)
		r = add_step(plan, (struct step){ .kind = STEP_MOUNT_CGROUPS, .target = CGROUP_ROOT });
	if (r == 0)
		r = add_ipc(plan, policy);
	if (r == 0)
		r = add_runtime_dir(plan, policy, login);
	if (r == 0)
		r = add_step(plan, (struct step){
					   .kind = STEP_MOUNT_TMPFS,
					   .target = RECORD_ROOT,
					   .size = OWN_RECORDS_SIZE,
					   .inodes = OWN_RECORDS_INODES,
					   .mode = RECORD_ROOT_INSIDE_MODE,
				   });
	/* they are kept there */
	if (r == 0)
		r = add_etc_files(plan, policy, login, ret_problem);
	if (r == 0)
		r = add_places(plan, policy, &login->names, ret_problem);
	return r;
}

static int add_veth(struct plan *plan, const struct policy *policy)
{
	_cleanup_free_ char *pool = text_list_join(policy->network.pool, ",");
	_cleanup_free_ char *egress = text_list_join(policy->network.egress, "; ");
	_cleanup_free_ char *rules = NULL;
	int r;

	if (!pool || !egress ||
	    asprintf(&rules, "egress=(%s)%s connections=%" PRIu64, egress,
		     policy->network.masquerade ? " masquerade" : "", policy->network.connections) < 0)
		return -ENOMEM;
	r = add_step(plan, (struct step){ .kind = STEP_FIREWALL, .target = "inet nsisolate", .value = rules });
	if (r < 0)
		return r;
	return add_step(plan, (struct step){ .kind = STEP_VETH, .target = "eth0", .value = pool });
}

struct privileges policy_privileges(const struct policy *policy)
{
	return (struct privileges){
		.dropped = privileges_dropped(policy),
		.no_new_privs = policy->privileges.no_new_privileges,
	};
}

/* Last: where a step before fails, the caller has given up nothing that no one can give back. */
static int add_privileges(struct plan *plan, const struct policy *policy)
{
	const struct privileges privileges = policy_privileges(policy);
	_cleanup_(text_list_freep) char **names = NULL;
	_cleanup_free_ char *joined = NULL;
	int r = privileges_dropped_names(policy, &names);

	if (r == 0 && !(joined = text_list_join(names, ",")))
		r = -ENOMEM;
	if (r == 0 && privileges.dropped)
		r = add_step(plan, (struct step){ .kind = STEP_DROP_CAPABILITIES,
						  .value = joined,
						  .capabilities = privileges.dropped });
	if (r == 0 && privileges.no_new_privs)
		r = add_step(plan, (struct step){ .kind = STEP_NO_NEW_PRIVILEGES });
	return r;
}

static int add_limits(struct plan *plan, const struct policy *policy)
{
	_cleanup_free_ char *wanted = NULL;

	if (limits_are_none(&policy->limits))
		return 0;
	wanted = limits_format(&policy->limits);
	return wanted ? add_step(plan, (struct step){ .kind = STEP_LIMITS, .value = wanted, .limits = policy->limits })
		      : -ENOMEM;
}

int plan_make(const struct policy *policy, const struct plan_login *login, struct plan **ret, char **ret_problem)
{
	_cleanup_(plan_freep) struct plan *plan = calloc(1, sizeof(*plan));
	int r;

	if (!plan)
		return -ENOMEM;
	plan->clone_flags = policy_clone_flags(policy);
	r = add_limits(plan, policy);
	if (r == 0)
		r = add_step(plan, (struct step){ .kind = STEP_RECORD, .target = RECORD_DIRECTORY });
	if (r == 0)
		r = add_named_network(plan, policy);
	if (r == 0 && policy->time.isolate)
		r = add_step(plan, (struct step){ .kind = STEP_TIME, .seconds = policy->time.boottime_offset });
	if (r == 0)
		r = add_step(plan, (struct step){ .kind = STEP_NAMESPACES });
	if (r == 0 && policy->user.map == USER_MAP_IDENTITY)
		r = add_step(plan, (struct step){ .kind = STEP_USER_MAP, .value = "identity" });
	if (r == 0 && policy->network.mode == NETWORK_VETH)
		r = add_veth(plan, policy);
	if (r == 0 && policy->network.mode == NETWORK_SLIRP)
		r = add_step(plan, (struct step){ .kind = STEP_SLIRP, .target = SLIRP_INTERFACE });
	if (r == 0)
		r = add_mounts(plan, policy, login, ret_problem);
	if (r == 0 && (policy->network.mode == NETWORK_LOOPBACK || policy->network.mode == NETWORK_VETH ||
		       policy->network.mode == NETWORK_SLIRP))
		r = add_step(plan, (struct step){ .kind = STEP_LOOPBACK_UP, .target = "lo" });
	if (r == 0)
		r = add_names(plan, policy, login, ret_problem);
	/* after every other step that mounts */
	if (r == 0 && policy->user.map == USER_MAP_IDENTITY && policy->mount.isolate)
		r = add_step(plan, (struct step){ .kind = STEP_LOCK_MOUNTS, .target = "/" });
	if (r == 0)
		r = add_step(plan, (struct step){ .kind = STEP_SETNS });
	if (r == 0 && policy->mount.isolate)
		r = add_step(plan, (struct step){ .kind = STEP_WORKING_DIRECTORY });
	if (r == 0)
		r = add_privileges(plan, policy);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(plan);
	return 0;
}

int plan_make_audit(struct plan **ret)
{
	_cleanup_(plan_freep) struct plan *plan = calloc(1, sizeof(*plan));
	int r;

	if (!plan)
		return -ENOMEM;
	r = add_step(plan, (struct step){ .kind = STEP_RECORD, .target = RECORD_DIRECTORY });
	if (r < 0)
		return r;
	*ret = TAKE_PTR(plan);
	return 0;
}
