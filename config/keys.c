/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/keys.h"

#include "config/network.h"
#include "config/policy.h"

#include <string.h>

/* a choice is kept as unsigned, whatever its enum */
_Static_assert(sizeof(enum policy_mode) == sizeof(unsigned), "the value of a key_info");

/* clang-format off */
#define CHOICES(...) (const struct choice[]){ __VA_ARGS__, { NULL, 0 } }
/* clang-format on */
#define BOOLEAN         CHOICES({ "true", true }, { "false", false })

#define POLICY(member)  offsetof(struct policy, member)
#define PRIVATE(member) offsetof(struct private_directory, member)
#define BIND(member)    offsetof(struct bind_directory, member)

const struct key_info policy_keys[POLICY_KEYS] = {
	[KEY_DESCRIPTION] = { "description", VALUE_COMMENT, NULL, "", 0, "what this policy is for" },
	[KEY_NOTICE] = { "notice", VALUE_TEXT, NULL, "", POLICY(notice), "shown to the user at login on a terminal" },
	[KEY_EXTENDS] = { "extends", VALUE_FILE, NULL, NULL, 0, "the file that this one builds on" },
	[KEY_PRIORITY] = { "priority", VALUE_INTEGER, NULL, "0", POLICY(priority), "rank among a user's group files" },
	[KEY_MODE] = { "mode", VALUE_CHOICE,
		       CHOICES({ "enforce", MODE_ENFORCE }, { "audit", MODE_AUDIT }, { "off", MODE_OFF }), "enforce",
		       POLICY(mode), "isolate, or pass" },
	[KEY_SERVICES] = { "services", VALUE_LIST, NULL, NULL, POLICY(services), "PAM services this file is for" },
	[KEY_FROM] = { "from", VALUE_LIST, NULL, NULL, POLICY(from), "addresses this file is for" },
	[KEY_SERVICE] = { "service", VALUE_SECTION, NULL, NULL, 0, "keys for one PAM service" },
	[KEY_SCOPE] = { "scope", VALUE_CHOICE, CHOICES({ "session", SCOPE_SESSION }, { "user", SCOPE_USER }), "session",
			POLICY(scope), "whether the logins of a user share one session" },
	[KEY_ON_LOGOUT] = { "on-logout", VALUE_CHOICE, CHOICES({ "kill", ON_LOGOUT_KILL }, { "wait", ON_LOGOUT_WAIT }),
			    "kill", POLICY(on_logout), "what becomes of processes left behind" },
	[KEY_MAX_SESSIONS] = { "max-sessions", VALUE_COUNT, NULL, "64", POLICY(max_sessions),
			       "live sessions of a user" },
	[KEY_NETWORK_MODE] = { "network.mode", VALUE_CHOICE,
			       CHOICES({ "host", NETWORK_HOST }, { "none", NETWORK_NONE },
				       { "loopback", NETWORK_LOOPBACK }, { "named", NETWORK_NAMED },
				       { "veth", NETWORK_VETH }, { "slirp", NETWORK_SLIRP }),
			       "loopback", POLICY(network.mode), "which network the session has" },
	[KEY_NETWORK_NAME] = { "network.name", VALUE_TEXT, NULL, NULL, POLICY(network.name),
			       "network namespace to join" },
	[KEY_NETWORK_POOL] = { "network.pool", VALUE_LIST, NULL, NULL, POLICY(network.pool),
			       "addresses of the sessions" },
	[KEY_NETWORK_EGRESS] = { "network.egress", VALUE_LIST, NULL, NULL, POLICY(network.egress),
				 "where a session may connect" },
	[KEY_NETWORK_MASQUERADE] = { "network.masquerade", VALUE_BOOL, BOOLEAN, "false", POLICY(network.masquerade),
				     "leave with the host's address" },
	[KEY_NETWORK_CONNECTIONS] = { "network.connections", VALUE_COUNT, NULL, "1k", POLICY(network.connections),
				      "connections of a session at once" },
	[KEY_NETWORK_RESOLV_CONF] = { "network.resolv-conf", VALUE_TEXT, NULL, NETWORK_FILE_SESSION,
				      POLICY(network.resolv_conf), "resolver file" },
	[KEY_NETWORK_HOSTS] = { "network.hosts", VALUE_TEXT, NULL, NETWORK_FILE_SESSION, POLICY(network.hosts),
				"hosts file" },
	[KEY_IPC_ISOLATE] = { "ipc.isolate", VALUE_BOOL, BOOLEAN, "true", POLICY(ipc.isolate),
			      "own System V IPC, message queues, /dev/shm and /dev/mqueue" },
	[KEY_UTS_ISOLATE] = { "uts.isolate", VALUE_BOOL, BOOLEAN, "true", POLICY(uts.isolate),
			      "own host and domain name" },
	[KEY_UTS_HOSTNAME] = { "uts.hostname", VALUE_PATTERN, NULL, "%h", POLICY(uts.hostname), "host name" },
	[KEY_UTS_DOMAINNAME] = { "uts.domainname", VALUE_PATTERN, NULL, NULL, POLICY(uts.domainname),
				 "NIS domain name; unset: unchanged" },
	[KEY_PID_ISOLATE] = { "pid.isolate", VALUE_BOOL, BOOLEAN, "true", POLICY(pid.isolate),
			      "own process numbers; no other process is reachable" },
	[KEY_MOUNT_ISOLATE] = { "mount.isolate", VALUE_BOOL, BOOLEAN, "true", POLICY(mount.isolate),
				"own mount table" },
	[KEY_MOUNT_PROPAGATION] = { "mount.propagation", VALUE_CHOICE,
				    CHOICES({ "slave", PROPAGATION_SLAVE }, { "private", PROPAGATION_PRIVATE }),
				    "slave", POLICY(mount.propagation),
				    "whether later mounts of the host appear inside" },
	[KEY_MOUNT_PROC] = { "mount.proc", VALUE_CHOICE,
			     CHOICES({ "session", PROC_SESSION }, { "hidepid", PROC_HIDEPID }, { "host", PROC_HOST }),
			     "session", POLICY(mount.proc), "which /proc the session sees" },
	[KEY_MOUNT_PRIVATE] = { "mount.private", VALUE_SECTION, NULL, NULL, 0, "a directory of the session's own" },
	[KEY_MOUNT_PRIVATE_BACKING] = { "mount.private.backing", VALUE_CHOICE,
					CHOICES({ "tmpfs", BACKING_TMPFS }, { "directory", BACKING_DIRECTORY }),
					"tmpfs", PRIVATE(backing), "where its files are kept" },
	[KEY_MOUNT_PRIVATE_SIZE] = { "mount.private.size", VALUE_SIZE, NULL, "512m", PRIVATE(size),
				     "bytes it can hold" },
	[KEY_MOUNT_PRIVATE_INODES] = { "mount.private.inodes", VALUE_COUNT, NULL, "128k", PRIVATE(inodes),
				       "files it can hold" },
	[KEY_MOUNT_HIDE] = { "mount.hide", VALUE_LIST, NULL, NULL, POLICY(mount.hide), "directories to cover" },
	[KEY_MOUNT_READ_ONLY] = { "mount.read-only", VALUE_LIST, NULL, NULL, POLICY(mount.read_only),
				  "directories without writing" },
	[KEY_MOUNT_BIND] = { "mount.bind", VALUE_SECTION, NULL, NULL, 0, "a directory shown elsewhere" },
	[KEY_MOUNT_BIND_SOURCE] = { "mount.bind.source", VALUE_PATH, NULL, NULL, BIND(source), "what is shown" },
	[KEY_MOUNT_BIND_READ_ONLY] = { "mount.bind.read-only", VALUE_BOOL, BOOLEAN, "false", BIND(read_only),
				       "no writing" },
	[KEY_MOUNT_BIND_NOSUID] = { "mount.bind.nosuid", VALUE_BOOL, BOOLEAN, "true", BIND(nosuid), "no set-user-ID" },
	[KEY_MOUNT_BIND_NODEV] = { "mount.bind.nodev", VALUE_BOOL, BOOLEAN, "true", BIND(nodev), "no devices" },
	[KEY_MOUNT_BIND_NOEXEC] = { "mount.bind.noexec", VALUE_BOOL, BOOLEAN, "false", BIND(noexec), "no programs" },
	[KEY_MOUNT_HOMES] = { "mount.homes", VALUE_CHOICE, CHOICES({ "all", HOMES_ALL }, { "own", HOMES_OWN }), "all",
			      POLICY(mount.homes), "which home directories are seen" },
	[KEY_MOUNT_HOMES_ROOTS] = { "mount.homes-roots", VALUE_LIST, NULL, "/home", POLICY(mount.homes_roots),
				    "directories that hold them" },
	[KEY_MOUNT_HIDE_ENGINES] = { "mount.hide-engines", VALUE_BOOL, BOOLEAN, "true", POLICY(mount.hide_engines),
				     "hide sockets of container engines" },
	[KEY_MOUNT_RUNTIME_DIR] = { "mount.runtime-dir", VALUE_CHOICE,
				    CHOICES({ "private", RUNTIME_DIR_PRIVATE }, { "host", RUNTIME_DIR_HOST }),
				    "private", POLICY(mount.runtime_dir), "which /run/user the session sees" },
	[KEY_USER_MANAGER] = { "user-manager", VALUE_CHOICE,
			       CHOICES({ "refuse", USER_MANAGER_REFUSE }, { "allow", USER_MANAGER_ALLOW }), "refuse",
			       POLICY(user_manager), "systemd's user manager, which runs outside any session" },
	[KEY_USER_MAP] = { "user.map", VALUE_CHOICE,
			   CHOICES({ "none", USER_MAP_NONE }, { "identity", USER_MAP_IDENTITY }), "none",
			   POLICY(user.map), "a user namespace: root inside is root of the session only" },
	[KEY_CGROUP_ISOLATE] = { "cgroup.isolate", VALUE_BOOL, BOOLEAN, "false", POLICY(cgroup.isolate),
				 "control groups begin at the login's own" },
	[KEY_TIME_ISOLATE] = { "time.isolate", VALUE_BOOL, BOOLEAN, "false", POLICY(time.isolate),
			       "own time since boot" },
	[KEY_TIME_BOOTTIME_OFFSET] = { "time.boottime-offset", VALUE_SECONDS, NULL, "0", POLICY(time.boottime_offset),
				       "seconds by which it is ahead" },
	[KEY_PRIVILEGES_NO_NEW_PRIVILEGES] = { "privileges.no-new-privileges", VALUE_BOOL, BOOLEAN, "false",
					       POLICY(privileges.no_new_privileges),
					       "set-user-ID programs and file capabilities give nothing" },
	[KEY_PRIVILEGES_DROP_CAPABILITIES] = { "privileges.drop-capabilities", VALUE_LIST, NULL, NULL,
					       POLICY(privileges.drop_capabilities), "capabilities out of reach" },
	[KEY_LIMITS_MEMORY] = { "limits.memory", VALUE_SIZE_LIMIT, NULL, "infinity", POLICY(limits.memory),
				"memory of a login, by pam_systemd" },
	[KEY_LIMITS_TASKS] = { "limits.tasks", VALUE_COUNT_LIMIT, NULL, "infinity", POLICY(limits.tasks),
			       "processes and threads of a login, by pam_systemd" },
	[KEY_LIMITS_CPU_WEIGHT] = { "limits.cpu-weight", VALUE_WEIGHT, NULL, "100", POLICY(limits.cpu_weight),
				    "share of the processors among logins of a user, by pam_systemd" },
};

const struct choice *choice_by_name(const struct choice *choices, const char *name)
{
	for (const struct choice *choice = choices; choice && choice->name; choice++)
		if (strcmp(choice->name, name) == 0)
			return choice;
	return NULL;
}

const char *choice_name(const struct choice *choices, unsigned value)
{
	for (const struct choice *choice = choices; choice && choice->name; choice++)
		if (choice->value == value)
			return choice->name;
	return "";
}

char *choices_join(const struct choice *choices)
{
	size_t size = 1;
	char *joined, *end;

	for (const struct choice *choice = choices; choice->name; choice++)
		size += strlen(choice->name) + strlen(", ");
	joined = end = malloc(size);
	if (!joined)
		return NULL;
	*end = '\0';
	for (const struct choice *choice = choices; choice->name; choice++) {
		if (end != joined)
			end = stpcpy(end, ", ");
		end = stpcpy(end, choice->name);
	}
	return joined;
}

bool key_name_find(struct key_name section, const char *leaf, size_t length, struct key_name *ret)
{
	const char *prefix = policy_keys[section.key].name;
	size_t skip = section.length > 0 ? section.length + 1 : 0;

	/* a dotted name is what the manual calls a key, and is never written so */
	if (length == 0 || memchr(leaf, '.', length))
		return false;
	for (enum policy_key key = section.key; key < POLICY_KEYS; key++) {
		const char *name = policy_keys[key].name;

		if (skip > 0 && strncmp(name, prefix, section.length) != 0)
			break;
		/* the row of the section as such */
		if (skip > 0 && name[section.length] == '\0')
			continue;
		if (skip > 0 && name[section.length] != '.')
			break;
		if (name[skip] != leaf[0] || strncmp(name + skip, leaf, length) != 0 ||
		    (name[skip + length] != '\0' && name[skip + length] != '.'))
			continue;
		*ret = (struct key_name){ .key = key, .length = (unsigned)(skip + length) };
		return true;
	}
	return false;
}

const char *key_name_leaf(struct key_name name, size_t *ret_length)
{
	const char *full = policy_keys[name.key].name, *dot = memrchr(full, '.', name.length);
	const char *leaf = dot ? dot + 1 : full;

	*ret_length = name.length - (size_t)(leaf - full);
	return leaf;
}

char *key_label(enum policy_key key, const char *title)
{
	const char *name = policy_keys[key].name;
	const char *leaf = policy_keys[key].type == VALUE_SECTION ? NULL : strrchr(name, '.');
	size_t section = leaf ? (size_t)(leaf - name) : strlen(name);
	char *label, *end;

	if (!title)
		return strdup(name);
	label = malloc(strlen(name) + strlen(title) + sizeof(" \"\""));
	if (!label)
		return NULL;
	end = stpcpy(mempcpy(label, name, section), " \"");
	(void)stpcpy(stpcpy(stpcpy(end, title), "\""), leaf ? leaf : "");
	return label;
}
