/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * The policy language as data: one row a key. Parser, checks, defaults,
 * explanation and the tests iterate this table; a new key is a row here and
 * its engine elsewhere. nsisolate.conf(5) describes what is built.
 */

#include "common/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

enum policy_key {
	KEY_DESCRIPTION,
	KEY_NOTICE,
	KEY_EXTENDS,
	KEY_PRIORITY,
	KEY_MODE,
	KEY_SERVICES,
	KEY_FROM,
	KEY_SERVICE,
	KEY_SCOPE,
	KEY_ON_LOGOUT,
	KEY_MAX_SESSIONS,
	KEY_NETWORK_MODE,
	KEY_NETWORK_NAME,
	KEY_NETWORK_POOL,
	KEY_NETWORK_EGRESS,
	KEY_NETWORK_MASQUERADE,
	KEY_NETWORK_CONNECTIONS,
	KEY_NETWORK_RESOLV_CONF,
	KEY_NETWORK_HOSTS,
	KEY_IPC_ISOLATE,
	KEY_UTS_ISOLATE,
	KEY_UTS_HOSTNAME,
	KEY_UTS_DOMAINNAME,
	KEY_PID_ISOLATE,
	KEY_MOUNT_ISOLATE,
	KEY_MOUNT_PROPAGATION,
	KEY_MOUNT_PROC,
	KEY_MOUNT_PRIVATE,
	KEY_MOUNT_PRIVATE_BACKING,
	KEY_MOUNT_PRIVATE_SIZE,
	KEY_MOUNT_PRIVATE_INODES,
	KEY_MOUNT_HIDE,
	KEY_MOUNT_READ_ONLY,
	KEY_MOUNT_BIND,
	KEY_MOUNT_BIND_SOURCE,
	KEY_MOUNT_BIND_READ_ONLY,
	KEY_MOUNT_BIND_NOSUID,
	KEY_MOUNT_BIND_NODEV,
	KEY_MOUNT_BIND_NOEXEC,
	KEY_MOUNT_HOMES,
	KEY_MOUNT_HOMES_ROOTS,
	KEY_MOUNT_HIDE_ENGINES,
	KEY_MOUNT_RUNTIME_DIR,
	KEY_USER_MANAGER,
	KEY_USER_MAP,
	KEY_CGROUP_ISOLATE,
	KEY_TIME_ISOLATE,
	KEY_TIME_BOOTTIME_OFFSET,
	KEY_PRIVILEGES_NO_NEW_PRIVILEGES,
	KEY_PRIVILEGES_DROP_CAPABILITIES,
	KEY_LIMITS_MEMORY,
	KEY_LIMITS_TASKS,
	KEY_LIMITS_CPU_WEIGHT,
	POLICY_KEYS,
};

enum value_type {
	VALUE_SECTION, /* a section with a title: private "/tmp" { … } */
	VALUE_COMMENT, /* free text, not part of the effective policy */
	VALUE_TEXT,    /* free text */
	VALUE_BOOL,    /* choices false and true */
	VALUE_CHOICE,
	VALUE_PATTERN, /* host or domain name with expansions */
	VALUE_SIZE,    /* bytes: digits and k, m or g */
	VALUE_COUNT,   /* a number, written like a size */
	VALUE_LIST,
	VALUE_SIZE_LIMIT,  /* bytes, or "infinity", which is 0 */
	VALUE_COUNT_LIMIT, /* likewise a number */
	VALUE_WEIGHT,      /* 1 to VALUE_WEIGHT_MAX */
	VALUE_INTEGER,     /* signed */
	VALUE_SECONDS,     /* signed */
	VALUE_FILE,        /* a policy file, below the policy directory */
	VALUE_PATH,        /* a directory of the host */
};

struct choice {
	const char *name;
	unsigned value;
};

struct key_info {
	const char *name; /* dotted; a titled section's keys follow its own row */
	enum value_type type;
	const struct choice *choices; /* VALUE_BOOL, VALUE_CHOICE: ends with a NULL name */
	const char *fallback;         /* the default as a file would give it; NULL: unset */
	size_t offset;                /* of the value in struct policy, private_directory or bind_directory */
	const char *help;
};

/* Indexed by enum policy_key. */
extern const struct key_info policy_keys[POLICY_KEYS];

/* The choice called `name`, or NULL. */
const struct choice *choice_by_name(const struct choice *choices, const char *name);

/* The name of `value`; "" if there is none. */
const char *choice_name(const struct choice *choices, unsigned value);

/* "a, b, c"; malloced, NULL when memory ran out. */
char *choices_join(const struct choice *choices);

/*
 * A name of the language, a key's or a section's: the first `length` bytes of the name of `key`, which is the first
 * row that begins so. The rows of a section stand together. All zero for the top, which has no name.
 */
struct key_name {
	enum policy_key key;
	unsigned length;
};

/* The name called by `length` bytes of `leaf` directly within `section`; false when there is none. */
bool key_name_find(struct key_name section, const char *leaf, size_t length, struct key_name *ret);

static inline bool key_name_equal(struct key_name a, struct key_name b)
{
	return a.key == b.key && a.length == b.length;
}

/* Its last part, without what it is in: not terminated; the length goes to *ret_length. */
const char *key_name_leaf(struct key_name name, size_t *ret_length);

/* True for a section without a title: there is no row for the section as such. */
static inline bool key_name_is_plain_section(struct key_name name)
{
	return policy_keys[name.key].name[name.length] == '.';
}

static inline bool key_name_is_service(struct key_name name)
{
	return name.key == KEY_SERVICE && name.length > 0;
}

/* True for the keys of private "PATH" { … }: their offset is in struct private_directory. */
static inline bool key_is_private(enum policy_key key)
{
	return key == KEY_MOUNT_PRIVATE_BACKING || key == KEY_MOUNT_PRIVATE_SIZE || key == KEY_MOUNT_PRIVATE_INODES;
}

/* True for the keys of bind "PATH" { … }: their offset is in struct bind_directory. */
static inline bool key_is_bind(enum policy_key key)
{
	return key > KEY_MOUNT_BIND && key <= KEY_MOUNT_BIND_NOEXEC;
}

/* True for the keys that say whom a file is for, and nothing about the session. */
static inline bool key_is_selector(enum policy_key key)
{
	return key == KEY_PRIORITY || key == KEY_SERVICES || key == KEY_FROM;
}

/* True for the keys that change nothing about a session that others could share. */
static inline bool key_is_about_the_login(enum policy_key key)
{
	return key_is_selector(key) || key == KEY_NOTICE;
}

/* True for the keys that service "NAME" { … } cannot have. */
static inline bool key_is_of_the_file(enum policy_key key)
{
	return key_is_selector(key) || key == KEY_EXTENDS || key == KEY_SERVICE;
}

/* As messages name a key: "network.mode", "mount.private \"/tmp\".size"; malloced, NULL when memory ran out. */
char *key_label(enum policy_key key, const char *title);
