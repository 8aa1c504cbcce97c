/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* The mounts of a session, in their order. */
#include "common/paths.h"
#include "config/keys.h"
#include "config/mount_places.h"
#include "config/network.h"
#include "session/plan_private.h"
#include "session/record.h"
#include "session/slirp.h"

#include <string.h>

/* Sizes of the file systems that no policy key sets; documented in nsisolate.conf(5). */
#define SHM_SIZE           (512ULL << 20)
#define SHM_INODES         (128ULL << 10)
#define RUNTIME_DIR_SIZE   (64ULL << 20)
#define RUNTIME_DIR_INODES (16ULL << 10)
#define OWN_RECORDS_SIZE   (1ULL << 20)
#define OWN_RECORDS_INODES 512ULL

static int add_proc(struct plan *plan, const struct policy *policy)
{
	int r;

	if (policy->mount.proc == PROC_HOST)
		return 0;
	/* before a directory that is shown elsewhere could bring one along */
	r = plan_add_step(plan, (struct step){ .kind = STEP_HIDE_PROCS, .value = "all but /proc" });
	if (r < 0)
		return r;
	return plan_add_step(plan, (struct step){
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
	r = plan_add_step(plan, (struct step){
					.kind = STEP_MOUNT_TMPFS,
					.target = "/dev/shm",
					.size = SHM_SIZE,
					.inodes = SHM_INODES,
					.mode = 01777,
					.create = true,
				});
	if (r < 0)
		return r;
	return plan_add_step(plan, (struct step){ .kind = STEP_MOUNT_MQUEUE, .target = "/dev/mqueue", .create = true });
}

static int add_runtime_dir(struct plan *plan, const struct policy *policy, const struct plan_login *login)
{
	if (policy->mount.runtime_dir == RUNTIME_DIR_HOST)
		return 0;
	return plan_add_step(plan, (struct step){
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
	return plan_add_step(plan, (struct step){
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
	return plan_add_step(plan, step);
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

int plan_add_mounts(struct plan *plan, const struct policy *policy, const struct plan_login *login, char **ret_problem)
{
	const char *propagation = policy->mount.propagation == PROPAGATION_PRIVATE ? "private" : "slave";
	int r;

	if (!policy->mount.isolate)
		return 0;
	/* first: until then a mount here would reach the host's tree */
	r = plan_add_step(plan, (struct step){ .kind = STEP_PROPAGATION, .target = "/", .value = propagation });
	if (r == 0)
		r = add_proc(plan, policy);
	if (r == 0)
		r = add_ipc(plan, policy);
	if (r == 0)
		r = add_runtime_dir(plan, policy, login);
	if (r == 0)
		r = plan_add_step(plan, (struct step){
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

int plan_add_sys(struct plan *plan, const struct policy *policy)
{
	int r = 0;

	if (!policy->mount.isolate)
		return 0;
	if (policy->network.mode != NETWORK_HOST)
		r = plan_add_step(plan, (struct step){ .kind = STEP_MOUNT_SYS, .target = "/sys" });
	/* after it, for it brings the host's along */
	if (r == 0 && policy->cgroup.isolate)
		r = plan_add_step(plan, (struct step){ .kind = STEP_MOUNT_CGROUPS, .target = CGROUP_ROOT });
	return r;
}
