/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* Plans as people read them. */

#include "session/plan.h"

#include "session/store.h"

#include <inttypes.h>
#include <stdio.h>

/* "512m": the largest unit that divides the number. */
static void put_size(FILE *out, const char *name, uint64_t number)
{
	static const struct {
		uint64_t factor;
		const char *suffix;
	} units[] = { { 1ULL << 30, "g" }, { 1ULL << 20, "m" }, { 1ULL << 10, "k" }, { 1, "" } };

	if (number == 0)
		return;
	for (size_t i = 0; i < ELEMENTS(units); i++) {
		if (number % units[i].factor == 0) {
			(void)fprintf(out, " %s=%" PRIu64 "%s", name, number / units[i].factor, units[i].suffix);
			return;
		}
	}
}

static void put_namespaces(FILE *out, unsigned clone_flags)
{
	const char *separator = "";

	for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
		if (clone_flags & (unsigned)namespace_table[i].clone_flag) {
			(void)fprintf(out, "%s%s", separator, namespace_table[i].name);
			separator = ",";
		}
	}
	if (clone_flags == 0)
		(void)fputs("none", out);
}

/* "from /etc/netns/course/hosts, if it is there, with 127.0.1.1 NAME" */
static void put_etc_file(FILE *out, const struct step *step)
{
	if (!step->value)
		(void)fputs(" from the host's", out);
	else
		(void)fprintf(out, " %s%s%s", step->value[0] == '/' ? "from " : "", step->value,
			      step->optional ? ", if it is there" : "");
	if (step->name)
		(void)fprintf(out, ", which knows %s", step->name);
	(void)fputs(" ro,nosuid,nodev,noexec", out);
}

static void put_store(FILE *out, const struct step *step)
{
	_cleanup_free_ char *path = store_path(step->uid, step->target);

	(void)fprintf(out, " from %s owner=%s mode=%04o nosuid,nodev", path ? path : "?", step->value,
		      (unsigned)step->mode);
}

static void put_bind(FILE *out, const struct step *step)
{
	const char *const flags[] = { step->read_only ? "ro" : "rw", step->nosuid ? "nosuid" : NULL,
				      step->nodev ? "nodev" : NULL, step->noexec ? "noexec" : NULL };

	(void)fprintf(out, " from %s ", step->value);
	for (size_t i = 0; i < ELEMENTS(flags); i++)
		if (flags[i])
			(void)fprintf(out, "%s%s", i == 0 ? "" : ",", flags[i]);
}

static void put_homes(FILE *out, const struct step *step)
{
	(void)fputs(" empty ro,nosuid,nodev,noexec", out);
	if (step->value)
		(void)fprintf(out, ", but for %s", step->value);
}

static void put_step(FILE *out, const struct plan *plan, const struct step *step)
{
	bool filesystem = step->kind == STEP_MOUNT_TMPFS || step->kind == STEP_MOUNT_RUNTIME_DIR;

	if (step->kind == STEP_NAMESPACES)
		put_namespaces(out, plan_new_flags(plan));
	if (step->kind == STEP_NETWORK_NEW)
		(void)fputs("the new one", out);
	if (step->kind == STEP_TIME)
		(void)fprintf(out, "boottime %+" PRIi64, step->seconds);
	if (step->kind == STEP_SETNS)
		put_namespaces(out, plan->clone_flags);
	if (step->target)
		(void)fputs(step->target, out);
	if (step->kind == STEP_MOUNT_RESOLV_CONF || step->kind == STEP_MOUNT_HOSTS)
		put_etc_file(out, step);
	else if (step->kind == STEP_MOUNT_BIND)
		put_bind(out, step);
	else if (step->kind == STEP_MOUNT_HOMES)
		put_homes(out, step);
	else if (step->value && step->kind != STEP_MOUNT_DIRECTORY)
		(void)fprintf(out, "%s%s", step->target ? " " : "", step->value);
	if (step->kind == STEP_MOUNT_DIRECTORY)
		put_store(out, step);
	put_size(out, "size", step->size);
	put_size(out, "inodes", step->inodes);
	if (filesystem)
		(void)fprintf(out, " mode=%04o nosuid,nodev", (unsigned)step->mode);
	if (step->kind == STEP_MOUNT_RUNTIME_DIR)
		(void)fprintf(out, " own=%u", (unsigned)step->uid);
	if (step->kind == STEP_MOUNT_PROC || step->kind == STEP_MOUNT_SYS || step->kind == STEP_MOUNT_MQUEUE ||
	    step->kind == STEP_MOUNT_CGROUPS)
		(void)fputs(" nosuid,nodev,noexec", out);
	if (step->kind == STEP_NO_NEW_PRIVILEGES)
		(void)fputs("set", out);
	if (step->kind == STEP_MOUNT_HIDE)
		(void)fputs(" empty ro,nosuid,nodev,noexec", out);
	if (step->kind == STEP_HIDE_ENGINE)
		(void)fputs(" hidden", out);
	if (step->kind == STEP_LOCK_MOUNTS)
		(void)fputs(" all", out);
	if (step->kind == STEP_MOUNT_READ_ONLY)
		(void)fputs(" ro", out);
	if (step->optional && step->kind != STEP_MOUNT_RESOLV_CONF && step->kind != STEP_MOUNT_HOSTS)
		(void)fputs(" if-there", out);
	if (step->kind == STEP_WORKING_DIRECTORY)
		(void)fputs("the same directory, else /", out);
}

char *step_describe(const struct plan *plan, const struct step *step)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	put_step(out, plan, step);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

char *plan_format(const struct plan *plan)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < plan->count; i++) {
		const struct step *step = &plan->steps[i];

		(void)fprintf(out, "%-7s %-18s ", place_name(step_place(step->kind)), step_name(step->kind));
		put_step(out, plan, step);
		(void)fputc('\n', out);
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
