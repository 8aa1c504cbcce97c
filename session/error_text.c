/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/error_text.h"

#include "common/cleanup.h"

#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static const struct {
	int capability;
	const char *name;
} needed[] = {
	{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN" },   /* every namespace and mount */
	{ CAP_SYS_CHROOT, "CAP_SYS_CHROOT" }, /* setns(2) to a mount namespace */
	{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE" }, /* setns(2) to the init, with the real ids of a user */
	{ CAP_NET_ADMIN, "CAP_NET_ADMIN" },   /* the loopback interface */
	{ CAP_CHOWN, "CAP_CHOWN" },           /* the user's own directory in /run/user */
	{ CAP_SETUID, "CAP_SETUID" },         /* a real user id that is not root's */
};

/* The bounding set limits the helper, whatever this process has. */
static bool has(const struct __user_cap_data_struct *sets, int capability)
{
	return (sets[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability)) &&
	       prctl(PR_CAPBSET_READ, capability, 0, 0, 0) != 0;
}

const char *error_text(int error, char buffer[ERROR_TEXT_SIZE])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };
	const char *before = ": the login process lacks ";
	size_t length;

	snprintf(buffer, ERROR_TEXT_SIZE, "%s", strerror(-error));
	if ((error != -EPERM && error != -EACCES) || syscall(SYS_capget, &header, sets) < 0)
		return buffer;
	for (size_t i = 0; i < ELEMENTS(needed); i++) {
		if (has(sets, needed[i].capability))
			continue;
		length = strlen(buffer);
		snprintf(buffer + length, ERROR_TEXT_SIZE - length, "%s%s", before, needed[i].name);
		before = ", ";
	}
	return buffer;
}

#define PROCESSES                                                                                          \
	"a limit on processes is reached: pids.max of its control group, RLIMIT_NPROC, kernel.pid_max or " \
	"kernel.threads-max"
#define FILES    "RLIMIT_NOFILE of the login process is reached"
#define MEMORY   "the memory of the machine or of its control group, or RLIMIT_AS or RLIMIT_DATA, is used up"
#define DISK     "the file system is full, or has no inode left"
#define MOUNTS   "the limit fs.mount-max is reached"
#define STORE    "the file system of /var/lib/nsisolate"
#define IF_THERE "a '-' before the path in the policy passes over what is missing"
#define OTHERS_MOVE                                                                                                \
	"others than root can write to a directory above it, and could put something else in its place; leave it " \
	"out, "                                                                                                    \
	"or give that directory to root"
#define OTHERS_MOVE_ENGINE                                                                                          \
	"others than root can write to a directory above it, and could put something else in its place; give that " \
	"directory to root, or say mount { hide-engines = false }"
#define RUN_FILE "it, and what is above it, must be root's, and no one else's to write"
#define ETC_FILE "the file, and what leads to it, must be root's, and no one else's to write to"

/* Where several rows fit, the first. */
static const struct {
	const char *step; /* how it begins; "": every step */
	int error;
	const char *meaning;
} meanings[] = {
	{ "helper", EAGAIN, PROCESSES },
	/* helper_spawn() gives the helper its descriptors: dup2(2) to one beyond the limit */
	{ "helper", EBADF, FILES },
	{ "namespaces", EAGAIN, PROCESSES },
	{ "time", EINVAL, "this kernel has no time namespaces" },
	{ "time", ERANGE, "the machine has not been up for as long as time.boottime-offset would take it back" },
	{ "user-map", EPERM,
	  "mapping root takes CAP_SETFCAP, CAP_SETUID and CAP_SETGID of the login program, and cannot be done where a "
	  "container has not every id" },
	{ "mount-resolv-conf", EPERM, ETC_FILE },
	{ "mount-hosts", EPERM, ETC_FILE },
	{ "mount-directory", ENOSPC, STORE " is full, or has no inode left; or the limit fs.mount-max is reached" },
	{ "mount-directory", EDQUOT, "a quota of " STORE " is used up" },
	{ "mount-directory", EROFS, STORE " is mounted read-only" },
	{ "mount-directory", EPERM,
	  "/var/lib/nsisolate must be root's, with no one else to write, and the user's directory in it root's alone, "
	  "0700" },
	{ "mount-directory", EEXIST,
	  "what is kept for this uid is another user's, whom the link 'owner' in its directory below "
	  "/var/lib/nsisolate names; "
	  "move that directory away, or for a user who was renamed make the link anew" },
	{ "mount-bind", ENOTDIR, "it and its source must be directories" },
	{ "mount-bind", EACCES, OTHERS_MOVE },
	{ "hide-procs", EACCES,
	  "the host has a proc mounted in a directory of others than root, which they may have moved, or something "
	  "else "
	  "covers it there; unmount it" },
	{ "mount", ENOSPC, MOUNTS },
	{ "mount-hide", ENOTDIR,
	  "only directories can be hidden, for what renames a new file over one takes a mask away" },
	{ "mount-hide", ENOENT, IF_THERE },
	{ "mount-hide", EACCES, OTHERS_MOVE },
	{ "hide-engine", EACCES, OTHERS_MOVE_ENGINE },
	{ "mount-read-only", ENOTDIR, "only directories can be made read-only" },
	{ "mount-read-only", ENOENT, IF_THERE },
	{ "mount-read-only", EACCES, OTHERS_MOVE },
	{ "mount-homes", ENOENT,
	  "a home must be there before the session is opened: pam_mkhomedir(8) goes before pam_nsisolate, and in a "
	  "session with homes = \"own\" no other user's is there; a '-' before one of homes-roots passes over it" },
	{ "mount-homes", ENOTDIR, "homes, and what holds them, must be directories" },
	{ "mount-homes", ELOOP,
	  "below homes-roots no component of a home may be a symbolic link; let NSS name what it leads to" },
	{ "mount-homes", EACCES,
	  "others than root can write to a directory above it, and could put another home in its place, or root may "
	  "not look into it; give that directory to root, 0755" },
	{ "mount-homes", EOPNOTSUPP,
	  "what holds it is an automounter's (autofs), which takes away homes that are idle on the host, whatever "
	  "session is in them" },
	{ "propagation", ENOSPC, MOUNTS },
	{ "record", ENOSPC, DISK },
	{ "join", ENOSPC, DISK },
	{ "max-sessions", ENOSPC, DISK },
	{ "listen", ENOSPC, DISK },
	{ "record", EFBIG, "RLIMIT_FSIZE of the login process is reached" },
	{ "record", EPERM, RUN_FILE },
	{ "record", ENOTDIR, RUN_FILE },
	{ "record", ELOOP, RUN_FILE },
	{ "", EMFILE, FILES },
	{ "", ENFILE, "the limit fs.file-max is reached" },
	{ "", ENOMEM, MEMORY },
};

const char *step_error_text(const char *step, int error, char buffer[ERROR_TEXT_SIZE])
{
	size_t length;

	(void)error_text(error, buffer);
	for (size_t i = 0; i < ELEMENTS(meanings); i++) {
		if (meanings[i].error != -error || strncmp(step, meanings[i].step, strlen(meanings[i].step)) != 0)
			continue;
		length = strlen(buffer);
		snprintf(buffer + length, ERROR_TEXT_SIZE - length, ": %s", meanings[i].meaning);
		break;
	}
	return buffer;
}
