/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* A live session beside the plan that made it: its mounts, its loopback interface, its names. */

#include "common/error.h"
#include "session/inside.h"
#include "session/network_name.h"
#include "session/record.h"
#include "tools/audit.h"

#include <string.h>

static const char *const mount_types[STEP_KINDS] = {
	[STEP_MOUNT_PROC] = "proc",   [STEP_MOUNT_SYS] = "sysfs",         [STEP_MOUNT_MQUEUE] = "mqueue",
	[STEP_MOUNT_TMPFS] = "tmpfs", [STEP_MOUNT_RUNTIME_DIR] = "tmpfs",
};

struct comparison {
	struct look *look;
	struct subject subject;
	const struct plan *plan;
	struct mount_list mounts;
	uint64_t network; /* inode number of its network namespace */
	struct inside inside;
	bool asked; /* inside is filled */
};

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

static bool is_planned(const struct plan *plan, const char *target)
{
	for (size_t i = 0; i < plan->count; i++)
		if (mount_types[plan->steps[i].kind] && strcmp(plan->steps[i].target, target) == 0)
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

/* Every file system of a plan is a new one. */
static bool is_hosts(const struct mount_list *host, const struct mount_entry *entry)
{
	for (size_t i = 0; i < host->count; i++)
		if (host->items[i].major == entry->major && host->items[i].minor == entry->minor)
			return true;
	return false;
}

static int compare_mount(const struct comparison *comparison, const struct step *step)
{
	struct findings *findings = &comparison->look->findings;
	const struct mount_entry *front = find_front(&comparison->mounts, step->target);
	const struct mount_entry *cover = front ? find_cover(comparison, front) : NULL;

	if (!front)
		return findings_add(findings, FINDING_MOUNT, &comparison->subject,
				    "nothing is mounted on %s, where the plan has a %s", step->target,
				    mount_types[step->kind]);
	if (cover)
		return findings_add(findings, FINDING_MOUNT, &comparison->subject,
				    "%s is hidden by a %s that is mounted on %s", step->target, cover->type,
				    cover->target);
	if (strcmp(front->type, mount_types[step->kind]) != 0 || is_hosts(&comparison->look->mounts, front))
		return findings_add(findings, FINDING_MOUNT, &comparison->subject,
				    "on %s a %s from %s (%s) is in front, where the plan has a new %s", step->target,
				    front->type, front->source, front->root, mount_types[step->kind]);
	return 0;
}

static int compare_loopback(const struct comparison *comparison)
{
	const struct inside *inside = &comparison->inside;

	for (size_t i = 0; i < inside->count; i++)
		if (strcmp(inside->addresses[i].interface, "lo") == 0 && inside->addresses[i].up)
			return 0;
	if (inside->truncated)
		return 0;
	return findings_add(&comparison->look->findings, FINDING_LOOPBACK, &comparison->subject,
			    "the interface lo is down, and network.mode is \"loopback\"");
}

static int compare_name(const struct comparison *comparison, const char *what, const char *name, const char *planned)
{
	if (strcmp(name, planned) == 0)
		return 0;
	return findings_add(&comparison->look->findings, FINDING_HOSTNAME, &comparison->subject,
			    "the %s is '%s', its plan says '%s'", what, name, planned);
}

/* Whoever makes a namespace anew under the same name leaves the sessions in the old one behind. */
static int compare_network(const struct comparison *comparison, const struct step *step)
{
	_cleanup_free_ char *problem = NULL;
	_cleanup_close_ int fd = -1;
	uint64_t number = 0;
	int r = network_name_open(step->target, &fd, &number, &problem);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return findings_add(&comparison->look->findings, FINDING_NETWORK, &comparison->subject,
				    "its network namespace was %s, and now: %s", step->target, problem);
	if (number == comparison->network)
		return 0;
	return findings_add(&comparison->look->findings, FINDING_NETWORK, &comparison->subject,
			    "its network namespace is not the one that is %s now", step->target);
}

static int compare_step(const struct comparison *comparison, const struct step *step)
{
	if (mount_types[step->kind])
		return compare_mount(comparison, step);
	if (step->kind == STEP_NETWORK_NAMED)
		return compare_network(comparison, step);
	if (!comparison->asked)
		return 0;
	if (step->kind == STEP_LOOPBACK_UP)
		return compare_loopback(comparison);
	if (step->kind == STEP_HOSTNAME)
		return compare_name(comparison, "host name", comparison->inside.hostname, step->value);
	if (step->kind == STEP_DOMAINNAME)
		return compare_name(comparison, "domain name", comparison->inside.domainname, step->value);
	return 0;
}

/* The session may end at any moment: what cannot be read is no finding. */
int audit_inside(struct look *look, const struct session *session, const struct verdict *verdict)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *problem = NULL;
	struct comparison comparison = { .look = look,
					 .subject = { .text = session->view.name, .user = session->view.record.user } };
	int r = 0;

	if (!session->seen || session->state == SESSION_CHANGED || strcmp(session->view.record.mode, "enforce") != 0)
		return 0;
	r = verdict_plan(verdict, session->view.name, &plan, &problem);
	if (r == 0)
		r = mounts_read(session->view.init_pid, &comparison.mounts);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	comparison.plan = plan;
	comparison.network = session->namespaces[NAMESPACE_NETWORK];
	comparison.asked = inside_read(session->view.init_pid, session->namespaces, &comparison.inside) == 0;
	for (size_t i = 0; r == 0 && comparison.mounts.count > 0 && i < plan->count; i++)
		r = compare_step(&comparison, &plan->steps[i]);
	mounts_release(&comparison.mounts);
	return r;
}
