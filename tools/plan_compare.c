/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

#include "tools/plan_compare.h"

#include "common/format_list.h"
#include "config/capability.h"
#include "session/network_name.h"
#include "session/record.h"
#include "tools/enter_confinement.h"
#include "tools/limits_compare.h"
#include "tools/plan_compare_private.h"
#include "tools/process_info.h"
#include "tools/seen_judge.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

static const char *const mount_types[STEP_KINDS] = {
	[STEP_MOUNT_PROC] = "proc",   [STEP_MOUNT_SYS] = "sysfs",         [STEP_MOUNT_MQUEUE] = "mqueue",
	[STEP_MOUNT_TMPFS] = "tmpfs", [STEP_MOUNT_RUNTIME_DIR] = "tmpfs",
};

const char plan_not_there[] = "not there";

int tell(const struct comparison *comparison, const struct step *step, enum plan_part part, const char *kernel,
	 const char *format, ...)
{
	const struct plan_item item = { .plan = comparison->plan, .step = step, .part = part, .kernel = kernel };
	struct plan_item different = item;
	_cleanup_free_ char *text = NULL;
	va_list args;

	if (!format)
		return comparison->visit(&item, comparison->data);
	va_start(args, format);
	text = format_list(format, args);
	va_end(args);
	if (!text)
		return -ENOMEM;
	different.difference = text;
	return comparison->visit(&different, comparison->data);
}

/* The mount at `target` on which no other lies at the same place. */
static const struct mount_entry *find_front(const struct mount_list *list, const char *target)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct mount_entry *entry = &list->items[i];
		bool covered = false;

		if (strcmp(entry->target, target) != 0)
			continue;
		for (size_t j = 0; j < list->count && !covered; j++)
			covered = list->items[j].parent == entry->id && list->items[j].id != entry->id &&
				  strcmp(list->items[j].target, target) == 0;
		if (!covered)
			return entry;
	}
	return NULL;
}

static const struct mount_entry *find_by_id(const struct mount_list *list, unsigned id)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].id == id)
			return &list->items[i];
	return NULL;
}

static bool is_mount(enum step_kind kind)
{
	return mount_types[kind] || step_is_seen(kind);
}

static bool is_planned(const struct plan *plan, const char *target)
{
	for (size_t i = 0; i < plan->count; i++)
		if (is_mount(plan->steps[i].kind) && strcmp(plan->steps[i].target, target) == 0)
			return true;
	return false;
}

/* The mount that hides this one by lying over a directory above it; what the plan itself puts there hides by intention.
 */
static const struct mount_entry *find_cover(const struct comparison *comparison, const struct mount_entry *entry)
{
	const struct mount_entry *below = entry;

	/* a mount table has no loops, but what is read here may be torn */
	for (size_t i = 0; i < comparison->mounts.count; i++) {
		below = find_by_id(&comparison->mounts, below->parent);
		if (!below || below->id == below->parent)
			return NULL;

		const struct mount_entry *front = find_front(&comparison->mounts, below->target);

		if (front && front != below && strcmp(below->target, entry->target) != 0 &&
		    !is_planned(comparison->plan, below->target))
			return front;
	}
	return NULL;
}

/* What the engine gives every file system that it mounts: session/mounts.c. */
static const char *find_missing_flag(const struct step *step, const struct mount_entry *entry)
{
	static const char *const flags[] = { "nosuid", "nodev", "noexec" };
	const bool data = step->kind == STEP_MOUNT_TMPFS || step->kind == STEP_MOUNT_RUNTIME_DIR;

	for (size_t i = 0; i < ELEMENTS(flags) - (data ? 1 : 0); i++)
		if (!mount_option(entry->options, flags[i]))
			return flags[i];
	if (step->kind == STEP_MOUNT_PROC && step->value && !mount_option(entry->super_options, step->value))
		return step->value;
	return NULL;
}

/* A number of tmpfs(5) that is the kernel's default is not among the options: nothing can be said of it. */
static bool is_number(const struct mount_entry *entry, const char *name, uint64_t planned)
{
	const char *value = mount_option(entry->super_options, name);
	uint64_t number;

	return !value || planned == 0 || sscanf(value, "%" SCNu64, &number) != 1 || number == planned;
}

/* The size is shown in units of 1024 bytes, and is that of whole pages. */
static bool has_room(const struct step *step, const struct mount_entry *entry)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return is_number(entry, "size=", (step->size + page - 1) / page * page / 1024) &&
	       is_number(entry, "nr_inodes=", step->inodes);
}

static int judge_mount(const struct comparison *comparison, const struct step *step, const struct mount_entry *front,
		       const char *shown)
{
	const struct mount_entry *cover = find_cover(comparison, front);
	const char *flag = find_missing_flag(step, front);

	if (cover)
		return tell(comparison, step, PART_MOUNT, shown, "%s is hidden by a %s that is mounted on %s",
			    step->target, cover->type, cover->target);
	if (strcmp(front->type, mount_types[step->kind]) != 0 || mounts_have_device(comparison->host, front))
		return tell(comparison, step, PART_MOUNT, shown,
			    "on %s a %s from %s (%s) is in front, where the plan has a new %s", step->target,
			    front->type, front->source, front->root, mount_types[step->kind]);
	if (flag)
		return tell(comparison, step, PART_MOUNT, shown, "the %s on %s is mounted without %s", front->type,
			    step->target, flag);
	if (!has_room(step, front))
		return tell(comparison, step, PART_MOUNT, shown, "the %s on %s has another size than planned: %s",
			    front->type, step->target, front->super_options);
	return tell(comparison, step, PART_MOUNT, shown, NULL);
}

static int compare_mount(const struct comparison *comparison, const struct step *step)
{
	const struct mount_entry *front = find_front(&comparison->mounts, step->target);
	_cleanup_free_ char *shown = NULL;

	if (!front)
		return tell(comparison, step, PART_MOUNT, NULL, "nothing is mounted on %s, where the plan has a %s",
			    step->target, mount_types[step->kind]);
	if (asprintf(&shown, "%s %s %s", front->type, front->options, front->super_options) < 0) {
		shown = NULL;
		return -ENOMEM;
	}
	return judge_mount(comparison, step, front, shown);
}

/* Where the path leads to, for a link may be on the way. */
static int compare_seen(const struct comparison *comparison, const struct step *step)
{
	_cleanup_free_ char *shown = NULL;
	struct seen seen;
	const char *wrong;
	int r = seen_find(comparison->root, step->target, &comparison->mounts, &seen);

	if (r == -ENOENT)
		return step->optional ? tell(comparison, step, PART_MOUNT, plan_not_there, NULL)
				      : tell(comparison, step, PART_MOUNT, plan_not_there, "%s is not there any more",
					     step->target);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (asprintf(&shown, "%s %s %s", seen.mount->type, seen.mount->options, seen.mount->super_options) < 0) {
		shown = NULL;
		return -ENOMEM;
	}
	wrong = seen_judge(step, &seen, &comparison->mounts, comparison->host);
	return wrong ? tell(comparison, step, PART_MOUNT, shown, "%s %s", step->target, wrong)
		     : tell(comparison, step, PART_MOUNT, shown, NULL);
}

/* A proc(5) of the host that the session sees: one that was mounted after the login. */
static int compare_procs(const struct comparison *comparison, const struct step *step)
{
	for (size_t i = 0; i < comparison->mounts.count; i++) {
		const struct mount_entry *entry = &comparison->mounts.items[i];
		struct seen seen;

		if (strcmp(entry->type, "proc") != 0 || !mounts_have_device(comparison->host, entry) ||
		    seen_find(comparison->root, entry->target, &comparison->mounts, &seen) < 0 || seen.mount != entry)
			continue;
		return tell(comparison, step, PART_MOUNT, entry->target,
			    "%s is a proc of the host, and shows its processes", entry->target);
	}
	return tell(comparison, step, PART_MOUNT, "hidden", NULL);
}

static bool is_shared_by_host(const struct mount_list *host, unsigned group)
{
	for (size_t i = 0; i < host->count; i++)
		if (host->items[i].shared == group)
			return true;
	return false;
}

/* mount_namespaces(7): what is in a peer group of the host's passes on to it, and a slave takes from its master. */
static int compare_propagation(const struct comparison *comparison, const struct step *step)
{
	const bool private = strcmp(step->value, "private") == 0;

	for (size_t i = 0; i < comparison->mounts.count; i++) {
		const struct mount_entry *entry = &comparison->mounts.items[i];

		if (entry->shared && is_shared_by_host(comparison->host, entry->shared))
			return tell(comparison, step, PART_PROPAGATION, "shared",
				    "what is mounted below %s in the session appears on the host", entry->target);
		if (private && entry->master && is_shared_by_host(comparison->host, entry->master))
			return tell(comparison, step, PART_PROPAGATION, "slave",
				    "what the host mounts below %s appears in the session", entry->target);
	}
	return tell(comparison, step, PART_PROPAGATION, step->value, NULL);
}

static int compare_loopback(const struct comparison *comparison, const struct step *step)
{
	const struct inside *inside = comparison->inside;

	for (size_t i = 0; i < inside->count; i++)
		if (strcmp(inside->addresses[i].interface, "lo") == 0 && inside->addresses[i].up)
			return tell(comparison, step, PART_LOOPBACK, "up", NULL);
	if (inside->truncated)
		return 0;
	return tell(comparison, step, PART_LOOPBACK, "down",
		    "the interface lo is down, and network.mode is \"loopback\"");
}

/* Whoever makes a namespace anew under the same name leaves the sessions in the old one behind. */
static int compare_network(const struct comparison *comparison, const struct step *step)
{
	_cleanup_free_ char *problem = NULL;
	_cleanup_close_ int fd = -1;
	uint64_t number = 0;
	char shown[32];
	int r = network_name_open(step->target, &fd, &number, &problem);

	if (r == -ENOMEM)
		return r;
	(void)snprintf(shown, sizeof(shown), "net:[%" PRIu64 "]", comparison->network);
	if (r < 0)
		return tell(comparison, step, PART_NETWORK, shown, "its network namespace was %s, and now: %s",
			    step->target, problem);
	if (number != comparison->network)
		return tell(comparison, step, PART_NETWORK, shown,
			    "its network namespace is not the one that is %s now", step->target);
	return tell(comparison, step, PART_NETWORK, shown, NULL);
}

/* As the record names it: a pid AND a start time. Nobody starts another one for a session that is there. */
static int compare_slirp(const struct comparison *comparison, const struct step *step)
{
	const struct record *record = &comparison->session->view.record;
	_cleanup_close_ int process = process_open((pid_t)record->slirp_pid);
	struct process_info info;
	char shown[32];

	(void)snprintf(shown, sizeof(shown), "pid %" PRIu64, record->slirp_pid);
	if (process >= 0 && process_stat_read(process, &info) == 0 && info.start == record->slirp_start &&
	    !process_is_zombie(&info))
		return tell(comparison, step, PART_SLIRP, shown, NULL);
	return tell(comparison, step, PART_SLIRP, NULL,
		    "its slirp4netns, pid %" PRIu64 ", has ended: it reaches nothing outside any more",
		    record->slirp_pid);
}

/* Whether the next of the addresses that commas divide is the one of the interface's. */
static bool has_address(const struct inside *inside, const char *interface, const char *address, size_t length)
{
	for (size_t i = 0; i < inside->count; i++) {
		const struct inside_address *at = &inside->addresses[i];

		if (strcmp(at->interface, interface) == 0 && at->up && strncmp(at->address, address, length) == 0 &&
		    (at->address[length] == '/' || at->address[length] == '\0'))
			return true;
	}
	return false;
}

/* What root in the session has done with it harms nobody else: the host lets nothing else through. */
static int compare_interface(const struct comparison *comparison, const struct step *step)
{
	for (const char *at = comparison->addresses; at && *at;) {
		const size_t length = strcspn(at, ",");

		if (!has_address(comparison->inside, step->target, at, length))
			return comparison->inside->truncated
				       ? 0
				       : tell(comparison, step, PART_INTERFACE, NULL,
					      "the interface %s has not the address %.*s, or is down", step->target,
					      (int)length, at);
		at += length + (at[length] == ',');
	}
	return tell(comparison, step, PART_INTERFACE, comparison->addresses, NULL);
}

/* A file of the session's own is dropped when the host puts another in the place of the one below it. */
static int compare_etc_file(const struct comparison *comparison, const struct step *step)
{
	_cleanup_free_ char *real = realpath(step->target, NULL);
	const struct mount_entry *front = real ? find_front(&comparison->mounts, real) : NULL;

	if (front && strcmp(front->type, "tmpfs") == 0 && !mounts_have_device(comparison->host, front))
		return tell(comparison, step, PART_NETWORK, front->root, NULL);
	/* whether there was something to mount at login is not known */
	if (step->optional && !step->name)
		return 0;
	return tell(comparison, step, PART_NETWORK, NULL,
		    "%s is the host's: its own was dropped when the host put a new file there", step->target);
}

static int compare_name(const struct comparison *comparison, const struct step *step, const char *what,
			const char *name)
{
	if (strcmp(name, step->value) == 0)
		return tell(comparison, step, PART_NAME, name, NULL);
	return tell(comparison, step, PART_NAME, name, "the %s is '%s', its plan says '%s'", what, name, step->value);
}

/* What a login process gave up, nobody can give back to it; one that did not is none that the module moved. */
static int compare_privileges(const struct comparison *comparison, const struct step *step)
{
	_cleanup_(confinement_release) struct confinement logins = { 0 };
	_cleanup_free_ char *kept = NULL;
	int r = logins_confinement(comparison->session, &logins);

	/* those who stayed came from one that did */
	if (r == -ESRCH)
		return 0;
	if (r < 0)
		return r;
	if (step->kind == STEP_NO_NEW_PRIVILEGES && logins.no_new_privs)
		return tell(comparison, step, PART_PRIVILEGES, "set", NULL);
	if (step->kind == STEP_NO_NEW_PRIVILEGES)
		return tell(comparison, step, PART_PRIVILEGES, "not set",
			    "a login process does not have no_new_privs set");
	kept = capabilities_names(logins.bounding & step->capabilities);
	if (!kept)
		return -ENOMEM;
	if (!(logins.bounding & step->capabilities))
		return tell(comparison, step, PART_PRIVILEGES, "dropped", NULL);
	return tell(comparison, step, PART_PRIVILEGES, kept, "a login process still has %s in its bounding set", kept);
}

/* Root alone, on the host or inside, can give a login more; what its processes do, they do in its group. */
static int compare_limits(const struct comparison *comparison, const struct step *step)
{
	_cleanup_free_ char *seen = NULL, *difference = NULL;
	int r = limits_compare(comparison->session, &step->limits, &seen, &difference);

	/* those who stayed are held to what is still there */
	if (r < 0)
		return r == -ESRCH ? 0 : r;
	return difference ? tell(comparison, step, PART_LIMITS, seen, "%s", difference)
			  : tell(comparison, step, PART_LIMITS, seen, NULL);
}

static int compare_step(const struct comparison *comparison, const struct step *step)
{
	if (mount_types[step->kind])
		return compare_mount(comparison, step);
	if (step_is_seen(step->kind))
		return compare_seen(comparison, step);
	if (step->kind == STEP_HIDE_PROCS)
		return compare_procs(comparison, step);
	if (step->kind == STEP_USER_MAP)
		return plan_compare_user_map(comparison, step);
	if (step->kind == STEP_TIME)
		return plan_compare_time(comparison, step);
	if (step->kind == STEP_MOUNT_CGROUPS)
		return plan_compare_cgroups(comparison, step);
	if (step->kind == STEP_PROPAGATION)
		return compare_propagation(comparison, step);
	if (step->kind == STEP_MOUNT_RESOLV_CONF || step->kind == STEP_MOUNT_HOSTS)
		return compare_etc_file(comparison, step);
	if (step->kind == STEP_SLIRP)
		return compare_slirp(comparison, step);
	if (step->kind == STEP_NETWORK_NAMED)
		return compare_network(comparison, step);
	if (step->kind == STEP_DROP_CAPABILITIES || step->kind == STEP_NO_NEW_PRIVILEGES)
		return compare_privileges(comparison, step);
	if (step->kind == STEP_LIMITS)
		return compare_limits(comparison, step);
	if (!comparison->inside)
		return 0;
	if (step->kind == STEP_VETH)
		return compare_interface(comparison, step);
	if (step->kind == STEP_LOOPBACK_UP)
		return compare_loopback(comparison, step);
	if (step->kind == STEP_HOSTNAME)
		return compare_name(comparison, step, "host name", comparison->inside->hostname);
	if (step->kind == STEP_DOMAINNAME)
		return compare_name(comparison, step, "domain name", comparison->inside->domainname);
	return 0;
}

bool plan_is_comparable(const struct session *session, const struct verdict *verdict)
{
	return session_is_alive(session) && session->view.valid && session->seen && session->state != SESSION_CHANGED &&
	       strcmp(session->view.record.mode, "enforce") == 0 && verdict->policy &&
	       verdict->policy->hash == session->view.record.policy_hash;
}

int plan_compare(const struct session *session, const struct verdict *verdict, const struct mount_list *host,
		 const struct inside *inside, plan_visitor visit, void *data)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *problem = NULL;
	struct comparison comparison = {
		.session = session,
		.init = session->view.init_pid,
		.root = -1,
		.host = host,
		.network = session->namespaces[NAMESPACE_NETWORK],
		.addresses = session->view.record.addresses,
		.inside = inside,
		.visit = visit,
		.data = data,
	};
	int r = verdict_plan(verdict, session->view.name, &plan, &problem);

	if (r < 0)
		return r;
	comparison.root = seen_root(session->view.init_pid);
	r = comparison.root < 0 ? comparison.root : mounts_read(session->view.init_pid, &comparison.mounts);
	comparison.plan = plan;
	for (size_t i = 0; r == 0 && comparison.mounts.count > 0 && i < plan->count; i++)
		r = compare_step(&comparison, &plan->steps[i]);
	mounts_release(&comparison.mounts);
	close_fd(comparison.root);
	return r;
}
