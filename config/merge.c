/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/merge.h"

#include "config/capability.h"
#include "config/explain.h"
#include "config/keys.h"
#include "config/text_list.h"
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
	for (size_t i = 0; i < policy->mount.bind_count; i++) {
		free(policy->mount.bind[i].path);
		free(policy->mount.bind[i].source);
	}
	free(policy->mount.bind);
	text_list_free(policy->mount.hide);
	text_list_free(policy->mount.read_only);
	text_list_free(policy->mount.homes_roots);
	text_list_free(policy->services);
	text_list_free(policy->from);
	free(policy->notice);
	text_list_free(policy->network.pool);
	text_list_free(policy->network.egress);
	free(policy->network.name);
	free(policy->network.resolv_conf);
	free(policy->network.hosts);
	free(policy->uts.hostname);
	free(policy->uts.domainname);
	text_list_free(policy->privileges.drop_capabilities);
	text_list_free(policy->sources);
	text_list_free(policy->sections);
	free(policy->section_origins);
	free(policy->file);
	free(policy->origins);
	free(policy);
	return NULL;
}

int layers_sections(const struct layer *layers, size_t count, char ***services)
{
	int r = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; r == 0 && j < layers[i].settings.count; j++)
			if (layers[i].settings.items[j].key == KEY_SERVICE)
				r = text_list_add(services, layers[i].settings.items[j].service);
	return r;
}

/* One more of policy->sections, unless it is there. */
static int add_section(struct policy *policy, const char *service, struct origin origin)
{
	size_t count = text_list_count(policy->sections);
	struct origin *origins;

	if (text_list_has(policy->sections, service))
		return 0;
	origins = reallocarray(policy->section_origins, count + 1, sizeof(*origins));
	if (!origins)
		return -ENOMEM;
	policy->section_origins = origins;
	origins[count] = origin;
	return text_list_add(&policy->sections, service);
}

static int add_sections(struct policy *policy, const struct settings *settings, const char *file)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < settings->count; i++)
		if (settings->items[i].key == KEY_SERVICE)
			r = add_section(policy, settings->items[i].service,
					(struct origin){ file, settings->items[i].line });
	return r;
}

/* A policy without a value. */
static int policy_new(const struct layer *layers, size_t count, struct policy **ret)
{
	_cleanup_(policy_freep) struct policy *policy = calloc(1, sizeof(*policy));
	int r = 0;

	if (!policy)
		return -ENOMEM;
	policy->file = strdup(layers[0].file);
	policy->origins = calloc(POLICY_KEYS, sizeof(*policy->origins));
	if (!policy->file || !policy->origins)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = text_list_add(&policy->sources, layers[i].file);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = add_sections(policy, &layers[i].settings, policy->sources[i]);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(policy);
	return 0;
}

/* The structures that keys have their place in. */
enum holder { HOLDER_POLICY, HOLDER_PRIVATE, HOLDER_BIND };

static enum holder holder_of(enum policy_key key)
{
	return key_is_private(key) ? HOLDER_PRIVATE : key_is_bind(key) ? HOLDER_BIND : HOLDER_POLICY;
}

static int store_defaults(void *base, enum holder holder)
{
	for (enum policy_key key = 0; key < POLICY_KEYS; key++) {
		struct value value;
		int r;

		if (holder_of(key) != holder || !key_is_stored(key))
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

	r = store_defaults(&entry, HOLDER_PRIVATE);
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

static int store_copy(const struct setting *setting, void *base)
{
	struct value copy;
	int r;

	if (!key_is_stored(setting->key))
		return 0;
	r = value_copy(&setting->value, &copy);
	if (r == 0)
		value_store(setting->key, &copy, base);
	return r;
}

static int apply_private(struct policy *policy, const struct setting *setting, struct origin origin)
{
	struct private_directory *entry = find_private(policy, setting->path);
	int r;

	if (!entry) {
		r = add_private(policy, setting->path, &entry);
		if (r < 0)
			return r;
	}
	*private_origin(entry, setting->key) = origin;
	return store_copy(setting, entry);
}

static int add_bind(struct policy *policy, const char *path, struct bind_directory **ret)
{
	struct bind_directory *entries, entry = { 0 };
	int r;

	for (size_t i = 0; i < policy->mount.bind_count; i++) {
		*ret = &policy->mount.bind[i];
		if (strcmp((*ret)->path, path) == 0)
			return 0;
	}
	r = store_defaults(&entry, HOLDER_BIND);
	if (r < 0)
		return r;
	entries = reallocarray(policy->mount.bind, policy->mount.bind_count + 1, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	policy->mount.bind = entries;
	entry.path = strdup(path);
	if (!entry.path)
		return -ENOMEM;
	entries[policy->mount.bind_count] = entry;
	*ret = &entries[policy->mount.bind_count++];
	return 0;
}

static int apply_bind(struct policy *policy, const struct setting *setting, struct origin origin)
{
	struct bind_directory *entry;
	int r = add_bind(policy, setting->path, &entry);

	if (r < 0)
		return r;
	entry->origins[setting->key - KEY_MOUNT_BIND] = origin;
	return store_copy(setting, entry);
}

static int append(struct policy *policy, const struct setting *setting, struct origin origin, struct diagnostics *diag)
{
	/* "all, and sshd" is not "sshd" */
	if (key_is_selector(setting->key) && !policy->origins[setting->key].file) {
		diagnostics_add(diag, SEVERITY_ERROR, origin.file, origin.line,
				"%s: '+=' adds to the list of a file that this one extends, and none has one; use '='",
				policy_keys[setting->key].name);
		return -EBADMSG;
	}
	policy->origins[setting->key] = origin;
	return value_append(setting->key, &setting->value, policy);
}

static int apply(struct policy *policy, const struct setting *setting, const char *file, struct diagnostics *diag)
{
	struct origin origin = { .file = file, .line = setting->line };

	if (setting->key == KEY_MOUNT_BIND || key_is_bind(setting->key))
		return apply_bind(policy, setting, origin);
	if (setting->path)
		return apply_private(policy, setting, origin);
	if (setting->append)
		return append(policy, setting, origin, diag);
	policy->origins[setting->key] = origin;
	return store_copy(setting, policy);
}

static bool is_for(const struct setting *setting, const char *service, bool inherited)
{
	/* a rank is a file's own */
	if (inherited && setting->key == KEY_PRIORITY)
		return false;
	return setting->service && service ? strcmp(setting->service, service) == 0 : setting->service == service;
}

/* What is said for one service, or for all (NULL), from the furthest file to the nearest. */
static int apply_layers(struct policy *policy, const struct layer *layers, size_t count, const char *service,
			struct diagnostics *diag)
{
	int worst = 0;

	for (size_t i = count; i-- > 0;) {
		for (size_t j = 0; j < layers[i].settings.count; j++) {
			const struct setting *setting = &layers[i].settings.items[j];
			int r = is_for(setting, service, i > 0) ? apply(policy, setting, policy->sources[i], diag) : 0;

			if (r < 0 && r != -EBADMSG)
				return r;
			worst = r < 0 ? r : worst;
		}
	}
	return worst;
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

static int compare_binds(const void *a, const void *b)
{
	const struct bind_directory *left = a, *right = b;

	return strcmp(left->path, right->path);
}

int policy_merge(const struct layer *layers, size_t count, const char *service, struct policy **ret,
		 struct diagnostics *diag)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	int r;

	r = policy_new(layers, count, &policy);
	if (r < 0)
		return r;
	r = store_defaults(policy, HOLDER_POLICY);
	if (r >= 0)
		r = apply_layers(policy, layers, count, NULL, diag);
	if (r >= 0 && service)
		r = apply_layers(policy, layers, count, service, diag);
	if (r >= 0)
		r = add_default_private(policy);
	if (r < 0)
		return r;
	if (policy->mount.private_count > 0)
		qsort(policy->mount.private, policy->mount.private_count, sizeof(*policy->mount.private),
		      compare_paths);
	if (policy->mount.bind_count > 0)
		qsort(policy->mount.bind, policy->mount.bind_count, sizeof(*policy->mount.bind), compare_binds);
	capabilities_normalise(policy->privileges.drop_capabilities);
	r = policy_hash(policy, &policy->hash);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(policy);
	return 0;
}
