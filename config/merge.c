/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/merge.h"

#include "config/explain.h"
#include "config/keys.h"
#include "config/value.h"

#include <string.h>

static const char *const default_private[] = { "/tmp", "/var/tmp" };

struct policy *policy_free(struct policy *policy)
{
	if (!policy)
		return NULL;
	for (size_t i = 0; i < policy->mount.private_count; i++)
		free(policy->mount.private[i].path);
	free(policy->mount.private);
	free(policy->uts.hostname);
	free(policy->uts.domainname);
	for (char **source = policy->sources; source && *source; source++)
		free(*source);
	free(policy->sources);
	free(policy->file);
	free(policy->origins);
	free(policy);
	return NULL;
}

/* A policy without a value. */
static int policy_new(const char *file, struct policy **ret)
{
	_cleanup_(policy_freep) struct policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		return -ENOMEM;
	policy->file = strdup(file);
	policy->origins = calloc(POLICY_KEYS, sizeof(*policy->origins));
	policy->sources = calloc(2, sizeof(*policy->sources));
	if (!policy->file || !policy->origins || !policy->sources)
		return -ENOMEM;
	policy->sources[0] = strdup(file);
	if (!policy->sources[0])
		return -ENOMEM;
	*ret = TAKE_PTR(policy);
	return 0;
}

/* Defaults of the keys of a private section, or of all others. */
static int store_defaults(void *base, bool of_private)
{
	for (enum policy_key key = 0; key < POLICY_KEYS; key++) {
		struct value value;
		int r;

		if (!key_is_stored(key) || key_is_private(key) != of_private)
			continue;
		r = value_default(key, &value);
		if (r < 0)
			return r;
		value_store(key, &value, base);
	}
	return 0;
}

static struct private_directory *find_private(struct policy *policy, const char *path)
{
	for (size_t i = 0; i < policy->mount.private_count; i++)
		if (strcmp(policy->mount.private[i].path, path) == 0)
			return &policy->mount.private[i];
	return NULL;
}

static int add_private(struct policy *policy, const char *path, struct private_directory **ret)
{
	struct private_directory *entries, entry = { 0 };
	int r;

	r = store_defaults(&entry, true);
	if (r < 0)
		return r;
	entries = reallocarray(policy->mount.private, policy->mount.private_count + 1, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	policy->mount.private = entries;
	entry.path = strdup(path);
	if (!entry.path)
		return -ENOMEM;
	entries[policy->mount.private_count] = entry;
	*ret = &entries[policy->mount.private_count++];
	return 0;
}

static struct origin *private_origin(struct private_directory *entry, enum policy_key key)
{
	switch ((int)key) {
	case KEY_MOUNT_PRIVATE_BACKING:
		return &entry->backing_origin;
	case KEY_MOUNT_PRIVATE_SIZE:
		return &entry->size_origin;
	case KEY_MOUNT_PRIVATE_INODES:
		return &entry->inodes_origin;
	default:
		return &entry->origin;
	}
}

static int apply_private(struct policy *policy, struct setting *setting, struct origin origin)
{
	struct private_directory *entry = find_private(policy, setting->path);
	int r;

	if (!entry) {
		r = add_private(policy, setting->path, &entry);
		if (r < 0)
			return r;
	}
	*private_origin(entry, setting->key) = origin;
	if (key_is_stored(setting->key))
		value_store(setting->key, &setting->value, entry);
	return 0;
}

static int apply(struct policy *policy, struct setting *setting)
{
	struct origin origin = { .file = policy->sources[0], .line = setting->line };

	if (setting->path)
		return apply_private(policy, setting, origin);
	policy->origins[setting->key] = origin;
	if (key_is_stored(setting->key))
		value_store(setting->key, &setting->value, policy);
	return 0;
}

/* Without mounts of the session's own there is nothing private; policy_check() reports what a file asks for. */
static int add_default_private(struct policy *policy)
{
	for (size_t i = 0; policy->mount.isolate && i < ELEMENTS(default_private); i++) {
		struct private_directory *entry;
		int r;

		if (find_private(policy, default_private[i]))
			continue;
		r = add_private(policy, default_private[i], &entry);
		if (r < 0)
			return r;
	}
	return 0;
}

static int compare_paths(const void *a, const void *b)
{
	const struct private_directory *left = a, *right = b;

	return strcmp(left->path, right->path);
}

int policy_merge(const char *file, struct settings *settings, struct policy **ret)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	int r;

	r = policy_new(file, &policy);
	if (r < 0)
		return r;
	r = store_defaults(policy, false);
	for (size_t i = 0; r >= 0 && i < settings->count; i++)
		r = apply(policy, &settings->items[i]);
	if (r >= 0)
		r = add_default_private(policy);
	if (r < 0)
		return r;
	if (policy->mount.private_count > 0)
		qsort(policy->mount.private, policy->mount.private_count, sizeof(*policy->mount.private),
		      compare_paths);
	r = policy_hash(policy, &policy->hash);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(policy);
	return 0;
}
