/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * The ordered steps that turn a policy into a session, each with the place
 * where it runs. Pure: made and printed without root and without a system
 * call, so that it can be compared with a golden file.
 */

#include "common/cleanup.h"
#include "common/namespaces.h"
#include "config/expand.h"
#include "config/policy.h"
#include "session/privileges.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Below it are the hierarchies of cgroups(7). */
#define CGROUP_ROOT "/sys/fs/cgroup"

enum place {
	PLACE_HOST,   /* the helper, in the caller's namespaces */
	PLACE_INIT,   /* the session's init, in the new namespaces */
	PLACE_CALLER, /* the login process, after the init is ready */
	PLACES,
};

enum step_kind {
	STEP_OWN_USER_MAP,  /* host: a user namespace of the caller's own, who is not root; own_session.h */
	STEP_RECORD,        /* host: the record below /run/nsisolate/sessions */
	STEP_NETWORK_NAMED, /* host: setns(2) to a network namespace of ip-netns(8), for the init to be made in */
	STEP_TIME,          /* host: a time namespace, with its offset, for the init to be made in */
	STEP_LIMITS,        /* host: looks at the control groups that pam_systemd(8) has put the login in, limits.h */
	STEP_NAMESPACES,    /* host: clone3(2) of the init, and unshare(2) of its network */
	STEP_USER_MAP,      /* host: the maps of the session's user namespace, user_map.h */
	STEP_FIREWALL,      /* host: the policy's rules in nftables */
	STEP_VETH,          /* host: both ends of the session's interface, with addresses and routes */
	STEP_SLIRP,         /* host: a slirp4netns(1) for the session's network, slirp.h */
	STEP_PROPAGATION,   /* init: mount_setattr(2) of the whole tree */
	STEP_NETWORK_NEW,   /* init: setns(2) to the new network namespace, which is made meanwhile, network_new.h */
	STEP_LOOPBACK_UP,   /* init: IFF_UP on lo */
	STEP_HOSTNAME,      /* init: sethostname(2) */
	STEP_DOMAINNAME,    /* init: setdomainname(2), the NIS domain */
	STEP_MOUNT_PROC,    /* init: fresh proc(5) */
	STEP_MOUNT_SYS,     /* init: fresh sysfs with the host's cgroup and selinux mounts */
	STEP_MOUNT_CGROUPS, /* init: cgroups(7) from the session's own on, in place of each of the host's */
	STEP_MOUNT_MQUEUE,  /* init: fresh mq_overview(7) file system */
	STEP_MOUNT_TMPFS,   /* init: an empty tmpfs over target */
	STEP_MOUNT_RUNTIME_DIR, /* init: an empty tmpfs over /run/user with the user's own directory */
	STEP_MOUNT_RESOLV_CONF, /* init: a file of the session's own over the host's, etc_files.h */
	STEP_MOUNT_HOSTS,       /* init: likewise */
	STEP_MOUNT_HIDE,        /* init: an empty tmpfs over target that nobody can write to */
	STEP_HIDE_ENGINE,       /* init: the same, or something dead over the socket that target is */
	STEP_MOUNT_READ_ONLY,   /* init: target over itself, read-only */
	STEP_MOUNT_DIRECTORY,   /* init: over target, a directory of the user that outlives the session */
	STEP_MOUNT_BIND,        /* init: over target, the directory value of the host */
	STEP_MOUNT_HOMES, /* init: over target, an empty tmpfs that holds nothing but the home value, mount_homes.h */
	STEP_HIDE_PROCS,  /* init: covers every proc(5) of the host but /proc */
	STEP_LOCK_MOUNTS, /* init: a copy of the mounts that belongs to the session's user namespace */
	STEP_SETNS,       /* caller: one setns(2) to the init's pidfd */
	STEP_WORKING_DIRECTORY, /* caller: back to the same directory, or "/" */
	STEP_DROP_CAPABILITIES, /* caller: from its bounding, inheritable and ambient set, capabilities(7) */
	STEP_NO_NEW_PRIVILEGES, /* caller: prctl(2), PR_SET_NO_NEW_PRIVS */
	STEP_KINDS,
};

struct step {
	enum step_kind kind;
	const char *target; /* absolute path, or NULL; owned by the plan */
	const char *value;  /* host name, domain name, propagation, mount option, text or path of a file, user, source,
			       home; or NULL; owned by the plan */
	const char *name;   /* STEP_MOUNT_HOSTS: a host name for the file to know, or NULL; owned by the plan */
	uint64_t size;      /* bytes; 0: the file system's default */
	uint64_t inodes;    /* 0: the file system's default */
	mode_t mode;        /* of the root of a new file system */
	uid_t uid;          /* STEP_MOUNT_RUNTIME_DIR, STEP_MOUNT_DIRECTORY: the user */
	gid_t gid;
	int64_t seconds;       /* STEP_TIME: how far the boot clock is ahead of the maker's */
	uint64_t capabilities; /* STEP_DROP_CAPABILITIES: a bit each */
	struct limits limits;  /* STEP_LIMITS */
	bool optional;         /* a file at the path `value`, or a target, that is missing is passed over */
	bool create; /* make a missing mount point, 0755 root: a later mount of the host's must not appear there */
	bool read_only, nosuid, nodev, noexec; /* STEP_MOUNT_BIND */
	bool own;                              /* of a session that its user makes without root, unprivileged.h */
};

struct plan {
	unsigned clone_flags;   /* CLONE_NEW… of the namespaces that the session has of its own */
	unsigned entered_flags; /* those of them that are there already, and not to be made */
	struct step *steps;     /* in the order in which they run */
	size_t count;
};

/* CLONE_NEW... of the namespaces to make. */
static inline unsigned plan_new_flags(const struct plan *plan)
{
	return plan->clone_flags & ~plan->entered_flags;
}

/* Who logs in, as far as steps depend on it. */
struct plan_login {
	struct expansion names;
	gid_t gid;
};

/* CLONE_NEW... of the namespaces that a session under this policy has of its own. */
unsigned policy_clone_flags(const struct policy *policy);

/* What a login under this policy gives up. */
struct privileges policy_privileges(const struct policy *policy);

/* 0; -EINVAL with *ret_problem (malloced sentence) when a value cannot be expanded; -ENOMEM. */
int plan_make(const struct policy *policy, const struct plan_login *login, struct plan **ret,
	      char **ret_problem) _must_check_;

/* The plan of mode audit: a record and nothing else. 0 or -ENOMEM. */
int plan_make_audit(struct plan **ret) _must_check_;

/* The first step of this kind, or NULL. */
const struct step *plan_find(const struct plan *plan, enum step_kind kind);

/* Where a step of this kind runs. */
enum place step_place(enum step_kind kind);

/* A step's name as logs and `--plan` print it: "mount-proc". */
const char *step_name(enum step_kind kind);
const char *place_name(enum place place);

/*
 * What a step does, as `--plan` prints it behind the name: "/tmp tmpfs size=512m inodes=128k
 * mode=1777 nosuid,nodev"; malloced, NULL when memory ran out.
 */
char *step_describe(const struct plan *plan, const struct step *step);

/* The whole plan, a line a step: "init    mount-proc         /proc …\n"; malloced, NULL when memory ran out. */
char *plan_format(const struct plan *plan);

struct plan *plan_free(struct plan *plan);
static inline void plan_freep(struct plan **plan)
{
	*plan = plan_free(*plan);
}
