/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * The effective policy of one login: every key with a value, and where that
 * value came from. Made by decide(), read by session/ (plan) and the tools.
 * Includes no parser header.
 */

#include "common/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum policy_mode { MODE_ENFORCE, MODE_AUDIT, MODE_OFF };
enum network_mode { NETWORK_HOST, NETWORK_NONE, NETWORK_LOOPBACK, NETWORK_NAMED, NETWORK_VETH, NETWORK_SLIRP };
enum mount_propagation { PROPAGATION_SLAVE, PROPAGATION_PRIVATE };
enum mount_proc { PROC_SESSION, PROC_HIDEPID, PROC_HOST };
enum private_backing { BACKING_TMPFS, BACKING_DIRECTORY };
enum homes { HOMES_ALL, HOMES_OWN };
enum runtime_dir { RUNTIME_DIR_PRIVATE, RUNTIME_DIR_HOST };
enum session_scope { SCOPE_SESSION, SCOPE_USER };
enum on_logout { ON_LOGOUT_KILL, ON_LOGOUT_WAIT };
enum user_map { USER_MAP_NONE, USER_MAP_IDENTITY };
/* the PAM service of systemd's user manager, user@.service(5) */
#define SERVICE_USER_MANAGER "systemd-user"

enum user_manager { USER_MANAGER_REFUSE, USER_MANAGER_ALLOW };

/* Where a value came from; file is NULL for a built-in default. Owned by the policy. */
struct origin {
	const char *file;
	unsigned line;
};

struct private_directory {
	char *path; /* absolute, normalised: no "//", ".", ".." or trailing slash */
	enum private_backing backing;
	uint64_t size;   /* bytes */
	uint64_t inodes; /* number of files */
	struct origin origin, backing_origin, size_origin, inodes_origin;
};

struct bind_directory {
	char *path;   /* likewise */
	char *source; /* likewise; NULL: not given, which policy_check() refuses */
	bool read_only, nosuid, nodev, noexec;
	struct origin origins[6]; /* of the section, and of its keys in the order of enum policy_key */
};

/* What a login's control group holds it to. */
struct limits {
	uint64_t memory;     /* bytes; 0: none */
	uint64_t tasks;      /* processes and threads; 0: none */
	uint64_t cpu_weight; /* 0 or LIMITS_WEIGHT_NONE: none */
};

#define LIMITS_WEIGHT_NONE 100 /* that of every group for which nobody says another */

struct policy {
	int priority;    /* among a user's group files; the higher goes first */
	char **services; /* canonical names; NULL: all */
	char **from;     /* canonical prefixes and "local"; NULL: all */
	enum policy_mode mode;
	char *notice; /* shown to the user at login; "": nothing */
	enum session_scope scope;
	enum on_logout on_logout;
	uint64_t max_sessions; /* alive at once, of one user */
	struct {
		enum network_mode mode;
		char *name;           /* of a network namespace of ip-netns(8), for NETWORK_NAMED; NULL: none */
		char *resolv_conf;    /* a path, or NETWORK_FILE_SESSION or NETWORK_FILE_HOST of network.h */
		char *hosts;          /* likewise */
		char **pool;          /* NETWORK_VETH: canonical prefixes, at most one a family; NULL: none */
		char **egress;        /* NETWORK_VETH: canonical items of egress.h; NULL: none */
		bool masquerade;      /* NETWORK_VETH: leave with the machine's addresses */
		uint64_t connections; /* NETWORK_VETH: of an address at once; at most NETWORK_CONNECTIONS_MAX */
	} network;
	struct {
		bool isolate;
	} ipc, pid, cgroup;
	struct {
		bool isolate;
		int64_t boottime_offset; /* seconds */
	} time;
	struct {
		bool isolate;
		char *hostname;   /* unexpanded: "%h" */
		char *domainname; /* unexpanded; NULL: unchanged */
	} uts;
	struct {
		bool isolate;
		enum mount_propagation propagation;
		enum mount_proc proc;
		enum runtime_dir runtime_dir;
		enum homes homes;
		char **homes_roots; /* like hide; HOMES_OWN */
		bool hide_engines;
		char **hide;                       /* unexpanded; a leading '-': it may be missing; NULL: none */
		char **read_only;                  /* likewise */
		struct private_directory *private; /* sorted by path, so that a parent comes before what is below it */
		size_t private_count;
		struct bind_directory *bind; /* likewise */
		size_t bind_count;
	} mount;
	enum user_manager user_manager;
	struct {
		enum user_map map;
	} user;
	struct {
		bool no_new_privileges;
		char **drop_capabilities; /* canonical names of config/capability.h; NULL: none */
	} privileges;
	struct limits limits;

	char *file;      /* the file that decided */
	char **sources;  /* every file that gave a value (extends), deciding one first; NULL-terminated */
	char **sections; /* services that one of the sources has a section for */
	struct origin *section_origins; /* of the nearest section of each */
	uint64_t hash; /* of every value that makes the session, in canonical form, not of origins nor of whom it is for
			*/
	struct origin *origins; /* indexed by enum policy_key of config/keys.h */
};

struct policy *policy_free(struct policy *policy);
static inline void policy_freep(struct policy **policy)
{
	*policy = policy_free(*policy);
}
