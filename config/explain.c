/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/explain.h"

#include "config/hash.h"
#include "config/keys.h"
#include "config/value.h"

#include <string.h>

static int show(enum policy_key key, const char *title, const void *base, const struct origin *origin,
		policy_value_fn fn, void *data)
{
	_cleanup_free_ char *label = title ? key_label(key, title) : NULL, *storage = NULL;
	const char *value = value_text(key, base, &storage);

	if (!value || (title && !label))
		return -ENOMEM;
	return fn(label ? label : policy_keys[key].name, value, origin, data);
}

static int show_private(const struct private_directory *entry, policy_value_fn fn, void *data)
{
	const struct {
		enum policy_key key;
		const struct origin *origin;
	} keys[] = {
		{ KEY_MOUNT_PRIVATE_BACKING, &entry->backing_origin },
		{ KEY_MOUNT_PRIVATE_SIZE, &entry->size_origin },
		{ KEY_MOUNT_PRIVATE_INODES, &entry->inodes_origin },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ELEMENTS(keys); i++)
		r = show(keys[i].key, entry->path, entry, keys[i].origin, fn, data);
	return r;
}

static int show_bind(const struct bind_directory *entry, policy_value_fn fn, void *data)
{
	int r = 0;

	for (enum policy_key key = KEY_MOUNT_BIND_SOURCE; r == 0 && key_is_bind(key); key++)
		r = show(key, entry->path, entry, &entry->origins[key - KEY_MOUNT_BIND], fn, data);
	return r;
}

/* In the order of the key table. */
static int walk(const struct policy *policy, bool selectors, policy_value_fn fn, void *data)
{
	int r = 0;

	for (enum policy_key key = 0; r == 0 && key < POLICY_KEYS; key++) {
		if (key_is_about_the_login(key) && !selectors)
			continue;
		for (size_t i = 0; r == 0 && key == KEY_MOUNT_PRIVATE && i < policy->mount.private_count; i++)
			r = show_private(&policy->mount.private[i], fn, data);
		for (size_t i = 0; r == 0 && key == KEY_MOUNT_BIND && i < policy->mount.bind_count; i++)
			r = show_bind(&policy->mount.bind[i], fn, data);
		if (r == 0 && key_is_stored(key) && !key_is_private(key) && !key_is_bind(key))
			r = show(key, NULL, policy, &policy->origins[key], fn, data);
	}
	return r;
}

int policy_foreach_value(const struct policy *policy, policy_value_fn fn, void *data)
{
	return walk(policy, true, fn, data);
}

static int add_to_hash(const char *key, const char *value, const struct origin *origin, void *data)
{
	uint64_t *hash = data;

	(void)origin;
	*hash = hash_add(*hash, key, strlen(key));
	*hash = hash_add(*hash, "=", 1);
	*hash = hash_add(*hash, value, strlen(value));
	*hash = hash_add(*hash, "\n", 1);
	return 0;
}

int policy_hash(const struct policy *policy, uint64_t *ret)
{
	uint64_t hash = HASH_START;
	int r;

	r = walk(policy, false, add_to_hash, &hash);
	if (r < 0)
		return r;
	*ret = hash;
	return 0;
}
