/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "support.h"

#include "config/explain.h"
#include "config/keys.h"
#include "config/path.h"
#include "config/value.h"

#include <string.h>

#define AT1 TEST_FILE ":1: "
#define A16 "aaaaaaaaaaaaaaaa"
#define NO_CAPABILITY(name)                    \
	"privileges.drop-capabilities: '" name \
	"' is no capability of capabilities(7), such as \"cap_sys_admin\", nor \"all\""
#define MEANT(name) "; did you mean '" name "'?"

/* What else its section needs. */
static const char *companions(enum policy_key key, const char *text)
{
	if (key == KEY_TIME_BOOTTIME_OFFSET)
		return "isolate = true ";
	if (key == KEY_NETWORK_MODE && strcmp(text, "veth") == 0)
		return "pool = {\"10.99.0.0/16\"} egress = {any} ";
	if (key == KEY_NETWORK_POOL)
		return "mode = veth egress = {any} ";
	if (key == KEY_NETWORK_EGRESS || key == KEY_NETWORK_MASQUERADE || key == KEY_NETWORK_CONNECTIONS)
		return "mode = veth pool = {\"10.99.0.0/16\"} ";
	if (key == KEY_MOUNT_HOMES_ROOTS)
		return "homes = own ";
	return "";
}

/* A file that gives `key` the value `text`, with what must go with it. */
static char *file_with(enum policy_key key, const char *text)
{
	_cleanup_free_ char *name = strdup(policy_keys[key].name);
	char *first, *second, *third, *file = NULL, *rest = name;

	assert_non_null(name);
	first = strsep(&rest, ".");
	second = strsep(&rest, ".");
	third = strsep(&rest, ".");
	if (key == KEY_NETWORK_NAME)
		assert_true(asprintf(&file, "network { mode = named name = \"%s\" }", text) > 0);
	else if (key == KEY_NETWORK_MODE && strcmp(text, "named") == 0)
		file = strdup("network { mode = named name = course }");
	else if (third)
		assert_true(asprintf(&file, "%s { %s \"/srv\" { %s%s = \"%s\" } }", first, second,
				     key_is_bind(key) && key != KEY_MOUNT_BIND_SOURCE ? "source = /opt " : "", third,
				     text) > 0);
	else if (second)
		assert_true(asprintf(&file, "%s { %s%s = \"%s\" }", first, companions(key, text), second, text) > 0);
	else
		assert_true(asprintf(&file, "%s = \"%s\"", first, text) > 0);
	return file;
}

struct wanted {
	const char *key, *value;
	bool found;
};

static int compare(const char *key, const char *value, const struct origin *origin, void *data)
{
	struct wanted *wanted = data;

	if (strcmp(key, wanted->key) != 0)
		return 0;
	assert_string_equal(value, wanted->value);
	assert_non_null(origin->file);
	assert_string_equal(origin->file, TEST_FILE);
	assert_int_equal(origin->line, 1);
	wanted->found = true;
	return 0;
}

/* Good values of every key: what the file says, and what the policy then shows. */
static const struct {
	enum policy_key key;
	const char *text;
	const char *shown; /* NULL: the same */
} good[] = {
	{ KEY_MODE, "enforce", NULL },
	{ KEY_MODE, "audit", NULL },
	{ KEY_MODE, "off", NULL },
	{ KEY_NOTICE, "Only for course work.", NULL },
	{ KEY_SCOPE, "session", NULL },
	{ KEY_SCOPE, "user", NULL },
	{ KEY_ON_LOGOUT, "kill", NULL },
	{ KEY_ON_LOGOUT, "wait", NULL },
	{ KEY_MAX_SESSIONS, "1", NULL },
	{ KEY_MAX_SESSIONS, "100", NULL },
	{ KEY_MAX_SESSIONS, "4k", NULL },
	{ KEY_NETWORK_MODE, "host", NULL },
	{ KEY_NETWORK_MODE, "none", NULL },
	{ KEY_NETWORK_MODE, "loopback", NULL },
	{ KEY_NETWORK_MODE, "veth", NULL },
	{ KEY_NETWORK_POOL, "10.99.0.0/16", "{\"10.99.0.0/16\"}" },
	{ KEY_NETWORK_EGRESS, "any tcp 443", "{\"any tcp 443\"}" },
	{ KEY_NETWORK_MASQUERADE, "true", NULL },
	{ KEY_NETWORK_CONNECTIONS, "200", NULL },
	{ KEY_NETWORK_CONNECTIONS, "4k", NULL },
	{ KEY_NETWORK_MODE, "named", NULL },
	{ KEY_NETWORK_MODE, "slirp", NULL },
	{ KEY_NETWORK_NAME, "course", NULL },
	{ KEY_NETWORK_NAME, "Lab_1.example-net", NULL },
	{ KEY_NETWORK_RESOLV_CONF, "session", NULL },
	{ KEY_NETWORK_RESOLV_CONF, "host", NULL },
	{ KEY_NETWORK_RESOLV_CONF, "/etc/lab//resolv.conf", "/etc/lab/resolv.conf" },
	{ KEY_NETWORK_HOSTS, "session", NULL },
	{ KEY_NETWORK_HOSTS, "/etc/lab/hosts", NULL },
	{ KEY_USER_MAP, "none", NULL },
	{ KEY_USER_MAP, "identity", NULL },
	{ KEY_CGROUP_ISOLATE, "true", NULL },
	{ KEY_TIME_ISOLATE, "true", NULL },
	{ KEY_TIME_BOOTTIME_OFFSET, "3153600000", NULL },
	{ KEY_TIME_BOOTTIME_OFFSET, "-60", NULL },
	{ KEY_IPC_ISOLATE, "true", NULL },
	{ KEY_IPC_ISOLATE, "false", NULL },
	{ KEY_UTS_ISOLATE, "true", NULL },
	{ KEY_UTS_ISOLATE, "false", NULL },
	{ KEY_UTS_HOSTNAME, "%h", NULL },
	{ KEY_UTS_HOSTNAME, "shell-%u-%U-%g-%s", NULL },
	{ KEY_UTS_HOSTNAME, "a%%b", NULL },
	{ KEY_UTS_HOSTNAME, A16 A16 A16 A16 "%h", NULL },
	{ KEY_UTS_DOMAINNAME, "lab.example_1", NULL },
	{ KEY_PID_ISOLATE, "true", NULL },
	{ KEY_MOUNT_ISOLATE, "true", NULL },
	{ KEY_MOUNT_PROPAGATION, "slave", NULL },
	{ KEY_MOUNT_PROPAGATION, "private", NULL },
	{ KEY_MOUNT_PROC, "session", NULL },
	{ KEY_MOUNT_PROC, "hidepid", NULL },
	{ KEY_MOUNT_PRIVATE_BACKING, "tmpfs", NULL },
	{ KEY_MOUNT_PRIVATE_BACKING, "directory", NULL },
	{ KEY_MOUNT_PRIVATE_SIZE, "1", NULL },
	{ KEY_MOUNT_PRIVATE_SIZE, "1023", NULL },
	{ KEY_MOUNT_PRIVATE_SIZE, "1024", "1k" },
	{ KEY_MOUNT_PRIVATE_SIZE, "64m", NULL },
	{ KEY_MOUNT_PRIVATE_SIZE, "64M", NULL },
	{ KEY_MOUNT_PRIVATE_SIZE, "1048576g", NULL },
	{ KEY_MOUNT_PRIVATE_SIZE, "1536m", NULL },
	{ KEY_MOUNT_PRIVATE_SIZE, "2048K", "2m" },
	{ KEY_MOUNT_PRIVATE_INODES, "16k", NULL },
	{ KEY_MOUNT_PRIVATE_INODES, "1000", NULL },
	{ KEY_MOUNT_HIDE, "/srv", "{\"/srv\"}" },
	{ KEY_MOUNT_HIDE, "-/srv/./exams/", "{\"-/srv/exams\"}" },
	{ KEY_MOUNT_HIDE, "/run/docker", "{\"/run/docker\"}" },
	{ KEY_MOUNT_HIDE, "/srv/%u", "{\"/srv/%u\"}" },
	{ KEY_MOUNT_READ_ONLY, "/etc", "{\"/etc\"}" },
	{ KEY_MOUNT_READ_ONLY, "-//usr", "{\"-/usr\"}" },
	{ KEY_MOUNT_BIND_SOURCE, "/opt/./x/", "/opt/x" },
	{ KEY_MOUNT_BIND_SOURCE, "/opt/%u", NULL },
	{ KEY_MOUNT_BIND_READ_ONLY, "true", NULL },
	{ KEY_MOUNT_BIND_READ_ONLY, "false", NULL },
	{ KEY_MOUNT_BIND_NOSUID, "false", NULL },
	{ KEY_MOUNT_BIND_NODEV, "false", NULL },
	{ KEY_MOUNT_BIND_NOEXEC, "true", NULL },
	{ KEY_MOUNT_HOMES, "all", NULL },
	{ KEY_MOUNT_HOMES, "own", NULL },
	{ KEY_MOUNT_HOMES_ROOTS, "/srv/homes", "{\"/srv/homes\"}" },
	{ KEY_MOUNT_HOMES_ROOTS, "-/srv/%g/", "{\"-/srv/%g\"}" },
	{ KEY_MOUNT_HIDE_ENGINES, "true", NULL },
	{ KEY_MOUNT_HIDE_ENGINES, "false", NULL },
	{ KEY_MOUNT_RUNTIME_DIR, "private", NULL },
	{ KEY_MOUNT_RUNTIME_DIR, "host", NULL },
	{ KEY_USER_MANAGER, "refuse", NULL },
	{ KEY_USER_MANAGER, "allow", NULL },
	{ KEY_PRIVILEGES_NO_NEW_PRIVILEGES, "true", NULL },
	{ KEY_PRIVILEGES_NO_NEW_PRIVILEGES, "false", NULL },
	{ KEY_PRIVILEGES_DROP_CAPABILITIES, "cap_sys_admin", "{\"cap_sys_admin\"}" },
	{ KEY_PRIVILEGES_DROP_CAPABILITIES, "CAP_NET_RAW", "{\"cap_net_raw\"}" },
	{ KEY_PRIVILEGES_DROP_CAPABILITIES, "all", "{\"all\"}" },
	{ KEY_LIMITS_MEMORY, "512m", NULL },
	{ KEY_LIMITS_MEMORY, "16777217", NULL },
	{ KEY_LIMITS_MEMORY, "infinity", NULL },
	{ KEY_LIMITS_TASKS, "200", NULL },
	{ KEY_LIMITS_TASKS, "4k", NULL },
	{ KEY_LIMITS_TASKS, "infinity", NULL },
	{ KEY_LIMITS_CPU_WEIGHT, "1", NULL },
	{ KEY_LIMITS_CPU_WEIGHT, "100", NULL },
	{ KEY_LIMITS_CPU_WEIGHT, "10000", NULL },
	{ KEY_PRIORITY, "0", NULL },
	{ KEY_PRIORITY, "1000000", NULL },
	{ KEY_PRIORITY, "-1000000", NULL },
	{ KEY_PRIORITY, "007", "7" },
	{ KEY_PRIORITY, "-0", "0" },
	{ KEY_SERVICES, "sshd", "{\"sshd\"}" },
	{ KEY_SERVICES, "su-l", "{\"su-l\"}" },
	{ KEY_FROM, "10.0.0.0/8", "{\"10.0.0.0/8\"}" },
	{ KEY_FROM, "2001:DB8::/32", "{\"2001:db8::/32\"}" },
	{ KEY_FROM, "::ffff:192.0.2.1", "{\"192.0.2.1\"}" },
	{ KEY_FROM, "local", "{\"local\"}" },
};

static void good_values_are_shown_with_their_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(good); i++) {
		_cleanup_free_ char *text = file_with(good[i].key, good[i].text);
		_cleanup_free_ char *label =
			key_label(good[i].key, key_is_private(good[i].key) || key_is_bind(good[i].key) ? "/srv" : NULL);
		_cleanup_free_ char *lower = strdup(good[i].shown ? good[i].shown : good[i].text);
		_cleanup_(policy_freep) struct policy *policy = policy_of(text);
		struct wanted wanted = { .key = label, .value = lower };

		if (good[i].key == KEY_MOUNT_PRIVATE_SIZE)
			for (char *at = lower; *at; at++)
				*at = *at == 'M' ? 'm' : *at;
		assert_int_equal(policy_foreach_value(policy, compare, &wanted), 0);
		assert_true(wanted.found);
	}
}

#define NO_WEIGHT(text) "limits.cpu-weight: '" text "' is no weight: a number from 1 to 10000; 100 is what others have"

/* What is wrong with every kind of value. */
static const struct {
	enum policy_key key;
	const char *text;
	const char *message;
} bad[] = {
	{ KEY_MODE, "", "mode: '' is none of enforce, audit, off" },
	{ KEY_MODE, "Off", "mode: 'Off' is none of enforce, audit, off; did you mean 'off'?" },
	{ KEY_SCOPE, "users", "scope: 'users' is none of session, user; did you mean 'user'?" },
	{ KEY_ON_LOGOUT, "keep", "on-logout: 'keep' is none of kill, wait" },
	{ KEY_MAX_SESSIONS, "0", "max-sessions: '0' is no number: it must be at least 1" },
	{ KEY_MAX_SESSIONS, "-1", "max-sessions: '-1' is no number: digits, then nothing, k, m or g" },
	{ KEY_MAX_SESSIONS, "many", "max-sessions: 'many' is no number: digits, then nothing, k, m or g" },
	{ KEY_NETWORK_MODE, "loopbak",
	  "network.mode: 'loopbak' is none of host, none, loopback, named, veth, slirp; did you mean 'loopback'?" },
	{ KEY_NETWORK_MODE, "slrip",
	  "network.mode: 'slrip' is none of host, none, loopback, named, veth, slirp; did you mean 'slirp'?" },
	{ KEY_NETWORK_NAME, "",
	  "network.name: '' is no name of a network namespace, as in ip netns add NAME: letters, digits, '_', '.' and "
	  "'-'" },
	{ KEY_NETWORK_NAME, "..",
	  "network.name: '..' is no name of a network namespace, as in ip netns add NAME: letters, digits, '_', '.' "
	  "and '-'" },
	{ KEY_NETWORK_NAME, "a/b",
	  "network.name: 'a/b' is no name of a network namespace, as in ip netns add NAME: letters, digits, '_', '.' "
	  "and '-'" },
	{ KEY_NETWORK_NAME, "-n",
	  "network.name: '-n' is no name of a network namespace, as in ip netns add NAME: letters, digits, '_', '.' "
	  "and '-'" },
	{ KEY_NETWORK_NAME, A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16,
	  "network.name: '" A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16
	  "' is too long; a name has at most 200 bytes" },
	{ KEY_NETWORK_RESOLV_CONF, "resolv.conf",
	  "network.resolv-conf: 'resolv.conf' is neither session, host nor an absolute path" },
	{ KEY_NETWORK_HOSTS, "/etc/../hosts", "network.hosts: '/etc/../hosts' has '..' in it" },
	{ KEY_NETWORK_HOSTS, "/etc/%u",
	  "network.hosts: '/etc/%u': quotes, backslashes and '%' are not allowed in this path" },
	{ KEY_USER_MAP, "identty", "user.map: 'identty' is none of none, identity; did you mean 'identity'?" },
	{ KEY_CGROUP_ISOLATE, "1", "cgroup.isolate: '1' is none of true, false; did you mean 'true'?" },
	{ KEY_TIME_ISOLATE, "on", "time.isolate: 'on' is none of true, false; did you mean 'true'?" },
	{ KEY_TIME_BOOTTIME_OFFSET, "1h", "time.boottime-offset: '1h' is no number of seconds" },
	{ KEY_TIME_BOOTTIME_OFFSET, "3153600001",
	  "time.boottime-offset: '3153600001' is not between -3153600000 and 3153600000" },
	{ KEY_TIME_BOOTTIME_OFFSET, "99999999999999999999",
	  "time.boottime-offset: '99999999999999999999' is not between -3153600000 and 3153600000" },
	{ KEY_IPC_ISOLATE, "yes", "ipc.isolate: 'yes' is none of true, false; did you mean 'true'?" },
	{ KEY_UTS_ISOLATE, "ture", "uts.isolate: 'ture' is none of true, false; did you mean 'true'?" },
	{ KEY_PID_ISOLATE, "1", "pid.isolate: '1' is none of true, false; did you mean 'true'?" },
	{ KEY_MOUNT_ISOLATE, "Off", "mount.isolate: 'Off' is none of true, false; did you mean 'false'?" },
	{ KEY_MOUNT_ISOLATE, "maybe", "mount.isolate: 'maybe' is none of true, false" },
	{ KEY_UTS_HOSTNAME, "", "uts.hostname: '' is no name" },
	{ KEY_UTS_HOSTNAME, "a_b",
	  "uts.hostname: 'a_b' has '_' in it; letters, digits, '-' and expansions are allowed" },
	{ KEY_UTS_HOSTNAME, "a b",
	  "uts.hostname: 'a b' has ' ' in it; letters, digits, '-' and expansions are allowed" },
	{ KEY_UTS_DOMAINNAME, "a%%",
	  "uts.domainname: 'a%%' has '%' in it; letters, digits, '-', '.', '_' and expansions are allowed" },
	{ KEY_UTS_HOSTNAME, "a%", "uts.hostname: 'a%' ends with a lone '%'; write '%%' for the character" },
	{ KEY_UTS_HOSTNAME, "%q", "uts.hostname: '%q' in '%q' is none of %u, %U, %g, %h, %s, %%" },
	{ KEY_UTS_HOSTNAME, A16 A16 A16 A16 "a%h",
	  "uts.hostname: '" A16 A16 A16 A16 "a%h' has 65 bytes besides its expansions; a name has at most 64" },
	{ KEY_UTS_DOMAINNAME, "a/b",
	  "uts.domainname: 'a/b' has '/' in it; letters, digits, '-', '.', '_' and expansions are allowed" },
	{ KEY_MOUNT_PROPAGATION, "shared", "mount.propagation: 'shared' is none of slave, private" },
	{ KEY_MOUNT_PROC, "sesion", "mount.proc: 'sesion' is none of session, hidepid, host; did you mean 'session'?" },
	{ KEY_MOUNT_PRIVATE_BACKING, "disk", "mount.private \"/srv\".backing: 'disk' is none of tmpfs, directory" },
	{ KEY_MOUNT_PRIVATE_SIZE, "", "mount.private \"/srv\".size: '' is no size: digits, then nothing, k, m or g" },
	{ KEY_MOUNT_PRIVATE_SIZE, "m", "mount.private \"/srv\".size: 'm' is no size: digits, then nothing, k, m or g" },
	{ KEY_MOUNT_PRIVATE_SIZE, "50%",
	  "mount.private \"/srv\".size: '50%' is no size: digits, then nothing, k, m or g" },
	{ KEY_MOUNT_PRIVATE_SIZE, "1t",
	  "mount.private \"/srv\".size: '1t' is no size: digits, then nothing, k, m or g; did you mean '1024g'?" },
	{ KEY_MOUNT_PRIVATE_SIZE, "1mb",
	  "mount.private \"/srv\".size: '1mb' is no size: digits, then nothing, k, m or g; did you mean '1m'?" },
	{ KEY_MOUNT_PRIVATE_SIZE, "10 GiB",
	  "mount.private \"/srv\".size: '10 GiB' is no size: digits, then nothing, k, m or g; did you mean '10g'?" },
	{ KEY_MOUNT_PRIVATE_SIZE, "1mbit",
	  "mount.private \"/srv\".size: '1mbit' is no size: digits, then nothing, k, m or g" },
	{ KEY_MOUNT_PRIVATE_SIZE, "1000000000mb",
	  "mount.private \"/srv\".size: '1000000000mb' is no size: digits, then nothing, k, m or g" },
	{ KEY_MOUNT_PRIVATE_SIZE, "-1",
	  "mount.private \"/srv\".size: '-1' is no size: digits, then nothing, k, m or g" },
	{ KEY_MOUNT_PRIVATE_SIZE, "1.5g",
	  "mount.private \"/srv\".size: '1.5g' is no size: digits, then nothing, k, m or g" },
	{ KEY_MOUNT_PRIVATE_SIZE, "0m", "mount.private \"/srv\".size: '0m' is no size: it must be at least 1" },
	{ KEY_MOUNT_PRIVATE_SIZE, "1048577g",
	  "mount.private \"/srv\".size: '1048577g' is too large; at most 1048576g" },
	{ KEY_MOUNT_PRIVATE_SIZE, "18446744073709551617",
	  "mount.private \"/srv\".size: '18446744073709551617' is too large; at most 1048576g" },
	{ KEY_MOUNT_PRIVATE_INODES, "0", "mount.private \"/srv\".inodes: '0' is no number: it must be at least 1" },
	{ KEY_MOUNT_PRIVATE_INODES, "many",
	  "mount.private \"/srv\".inodes: 'many' is no number: digits, then nothing, k, m or g" },
	{ KEY_MOUNT_HIDE, "", "mount.hide: '' is no absolute path" },
	{ KEY_MOUNT_HIDE, "-", "mount.hide: '' is no absolute path" },
	{ KEY_MOUNT_HIDE, "--/srv", "mount.hide: '-/srv' is no absolute path" },
	{ KEY_MOUNT_HIDE, "srv", "mount.hide: 'srv' is no absolute path" },
	{ KEY_MOUNT_HIDE, "/", "mount.hide: '/' cannot be hidden" },
	{ KEY_MOUNT_HIDE, "/srv/../etc", "mount.hide: '/srv/../etc' has '..' in it" },
	{ KEY_MOUNT_HIDE, "/proc/1", "mount.hide: '/proc/1' is within /proc, which cannot be hidden" },
	{ KEY_MOUNT_HIDE, "/sys", "mount.hide: '/sys' is within /sys, which cannot be hidden" },
	{ KEY_MOUNT_HIDE, "/dev/", "mount.hide: '/dev' is within /dev, which cannot be hidden" },
	{ KEY_MOUNT_HIDE, "/run", "mount.hide: '/run' cannot be hidden: a session has a /run/nsisolate of its own" },
	{ KEY_MOUNT_HIDE, "/run/nsisolate/sessions",
	  "mount.hide: '/run/nsisolate/sessions' cannot be hidden: a session has a /run/nsisolate of its own" },
	{ KEY_MOUNT_HIDE, "/run/user/0",
	  "mount.hide: '/run/user/0' cannot be hidden: a session has a /run/user of its own" },
	{ KEY_MOUNT_HIDE, "/run/%u", "mount.hide: '/run/%u': an expansion cannot choose a directory of '/run'" },
	{ KEY_MOUNT_HIDE, "/srv/%q", "mount.hide: '%q' in '/srv/%q' is none of %u, %U, %g, %h, %s, %%" },
	{ KEY_MOUNT_READ_ONLY, "/", "mount.read-only: '/' cannot be read-only" },
	{ KEY_MOUNT_READ_ONLY, "/dev/shm", "mount.read-only: '/dev/shm' is within /dev, which cannot be read-only" },
	{ KEY_MOUNT_READ_ONLY, "/run/user",
	  "mount.read-only: '/run/user' cannot be read-only: a session has a /run/user of its own" },
	{ KEY_MOUNT_BIND_SOURCE, "", "mount.bind \"/srv\".source: '' is no absolute path" },
	{ KEY_MOUNT_BIND_SOURCE, "/", "mount.bind \"/srv\".source: '/' cannot be a source" },
	{ KEY_MOUNT_BIND_SOURCE, "/proc/1/root",
	  "mount.bind \"/srv\".source: '/proc/1/root' is within /proc, which cannot be a source" },
	{ KEY_MOUNT_BIND_SOURCE, "/run/x",
	  "mount.bind \"/srv\".source: '/run/x' is within /run, which cannot be a source" },
	{ KEY_MOUNT_BIND_SOURCE, "/opt/../etc", "mount.bind \"/srv\".source: '/opt/../etc' has '..' in it" },
	{ KEY_MOUNT_BIND_READ_ONLY, "ro", "mount.bind \"/srv\".read-only: 'ro' is none of true, false" },
	{ KEY_MOUNT_BIND_NOSUID, "yes",
	  "mount.bind \"/srv\".nosuid: 'yes' is none of true, false; did you mean 'true'?" },
	{ KEY_MOUNT_BIND_NODEV, "2", "mount.bind \"/srv\".nodev: '2' is none of true, false" },
	{ KEY_MOUNT_BIND_NOEXEC, "", "mount.bind \"/srv\".noexec: '' is none of true, false" },
	{ KEY_MOUNT_HOMES, "mine", "mount.homes: 'mine' is none of all, own" },
	{ KEY_MOUNT_HOMES_ROOTS, "home", "mount.homes-roots: 'home' is no absolute path" },
	{ KEY_MOUNT_HOMES_ROOTS, "/", "mount.homes-roots: '/' cannot be hidden" },
	{ KEY_MOUNT_HOMES_ROOTS, "/run/homes",
	  "mount.homes-roots: '/run/homes' is within /run, which cannot be hidden" },
	{ KEY_MOUNT_HOMES_ROOTS, "/etc",
	  "mount.homes-roots: '/etc' would hide /etc/security/nsisolate, which logins inside the session need" },
	{ KEY_MOUNT_HIDE_ENGINES, "docker", "mount.hide-engines: 'docker' is none of true, false" },
	{ KEY_MOUNT_RUNTIME_DIR, "hsot", "mount.runtime-dir: 'hsot' is none of private, host; did you mean 'host'?" },
	{ KEY_USER_MANAGER, "deny", "user-manager: 'deny' is none of refuse, allow" },
	{ KEY_PRIVILEGES_NO_NEW_PRIVILEGES, "yes",
	  "privileges.no-new-privileges: 'yes' is none of true, false; did you mean 'true'?" },
	{ KEY_LIMITS_MEMORY, "0", "limits.memory: '0' is no size or 'infinity': it must be at least 1" },
	{ KEY_LIMITS_MEMORY, "50%", "limits.memory: '50%' is no size or 'infinity': digits, then nothing, k, m or g" },
	{ KEY_LIMITS_MEMORY, "512MB",
	  "limits.memory: '512MB' is no size or 'infinity': digits, then nothing, k, m or g; did you mean '512m'?" },
	{ KEY_LIMITS_MEMORY, "infinite",
	  "limits.memory: 'infinite' is no size or 'infinity': digits, then nothing, k, m or g" },
	{ KEY_LIMITS_TASKS, "-1", "limits.tasks: '-1' is no number or 'infinity': digits, then nothing, k, m or g" },
	{ KEY_LIMITS_TASKS, "", "limits.tasks: '' is no number or 'infinity': digits, then nothing, k, m or g" },
	{ KEY_LIMITS_CPU_WEIGHT, "0", NO_WEIGHT("0") },
	{ KEY_LIMITS_CPU_WEIGHT, "10001", NO_WEIGHT("10001") },
	{ KEY_LIMITS_CPU_WEIGHT, "18446744073709551617", NO_WEIGHT("18446744073709551617") },
	{ KEY_LIMITS_CPU_WEIGHT, "infinity", NO_WEIGHT("infinity") },
	{ KEY_PRIVILEGES_DROP_CAPABILITIES, "", NO_CAPABILITY("") },
	{ KEY_PRIVILEGES_DROP_CAPABILITIES, "SYS_ADMIN", NO_CAPABILITY("SYS_ADMIN") MEANT("cap_sys_admin") },
	{ KEY_PRIVILEGES_DROP_CAPABILITIES, "cap_sysadmin", NO_CAPABILITY("cap_sysadmin") MEANT("cap_sys_admin") },
	{ KEY_PRIVILEGES_DROP_CAPABILITIES, "cap_everything", NO_CAPABILITY("cap_everything") },
	/* what libcap would take */
	{ KEY_PRIVILEGES_DROP_CAPABILITIES, "21", NO_CAPABILITY("21") },
	{ KEY_PRIVILEGES_DROP_CAPABILITIES, "cap_kill+ep", NO_CAPABILITY("cap_kill+ep") },
	{ KEY_PRIVILEGES_DROP_CAPABILITIES, "cap_kill,cap_chown", NO_CAPABILITY("cap_kill,cap_chown") },
	{ KEY_PRIORITY, "", "priority: '' is no integer" },
	{ KEY_PRIORITY, "-", "priority: '-' is no integer" },
	{ KEY_PRIORITY, "high", "priority: 'high' is no integer" },
	{ KEY_PRIORITY, "1.5", "priority: '1.5' is no integer" },
	{ KEY_PRIORITY, "1k", "priority: '1k' is no integer" },
	{ KEY_PRIORITY, "1000001", "priority: '1000001' is not between -1000000 and 1000000" },
	{ KEY_PRIORITY, "-18446744073709551617",
	  "priority: '-18446744073709551617' is not between -1000000 and 1000000" },
	{ KEY_SERVICES, "", "services: '' is no name of a PAM service" },
	{ KEY_SERVICES, "../sshd", "services: '../sshd' is no name of a PAM service" },
	{ KEY_SERVICES, "SSHD", "services: 'SSHD': PAM has names of services in lower case" },
	{ KEY_SERVICES, "a b", "services: 'a b' is no name of a PAM service: letters, digits and -_.+@: are allowed" },
	{ KEY_SERVICES, A16 A16 A16 A16 "a", "services: '" A16 A16 A16 A16 "a' is no name of a PAM service" },
	{ KEY_FROM, "gateway.example",
	  "from: 'gateway.example' is no address, prefix or 'local'; names are not looked up" },
	{ KEY_FROM, "loca",
	  "from: 'loca' is no address, prefix or 'local'; names are not looked up; did you mean 'local'?" },
	{ KEY_FROM, "LOCAL",
	  "from: 'LOCAL' is no address, prefix or 'local'; names are not looked up; did you mean 'local'?" },
	{ KEY_FROM, "10.0.0.1/8",
	  "from: '10.0.0.1/8' has bits behind its prefix; write '10.0.0.0/8', or '10.0.0.1' for the one address" },
	{ KEY_FROM, "10.0.0.0/33", "from: '10.0.0.0/33': the length of an IPv4 prefix is 0 to 32" },
	{ KEY_NETWORK_POOL, "10.0.0.0", "network.pool: '10.0.0.0': the length of a pool's IPv4 prefix is 8 to 30" },
	{ KEY_NETWORK_EGRESS, "everywhere",
	  "network.egress: 'everywhere' is no address or prefix, nor any, host or dns; names are not looked up" },
	{ KEY_NETWORK_CONNECTIONS, "0", "network.connections: '0' is no number: it must be at least 1" },
	{ KEY_NETWORK_CONNECTIONS, "2m",
	  "network.connections: '2097152' is more than any host keeps for a session; at most 1m" },
	{ KEY_NETWORK_MASQUERADE, "yes", "network.masquerade: 'yes' is none of true, false; did you mean 'true'?" },
};

static void bad_values_name_file_line_key_value_and_remedy(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(bad); i++) {
		_cleanup_free_ char *text = file_with(bad[i].key, bad[i].text);
		_cleanup_free_ char *message = NULL;

		assert_true(asprintf(&message, AT1 "%s", bad[i].message) > 0);
		assert_lint(text, message);
	}
}

static void the_tables_above_cover_every_key(void **state)
{
	(void)state;
	for (enum policy_key key = 0; key < POLICY_KEYS; key++) {
		bool in_good = false, in_bad = false;

		for (size_t i = 0; i < ELEMENTS(good); i++)
			in_good |= good[i].key == key;
		for (size_t i = 0; i < ELEMENTS(bad); i++)
			in_bad |= bad[i].key == key;
		/* any text is a good one */
		in_bad |= policy_keys[key].type == VALUE_TEXT;
		if (key_is_stored(key) && (!in_good || !in_bad))
			fail_msg("%s is not tested", policy_keys[key].name);
		for (const struct choice *choice = policy_keys[key].choices;
		     key_is_stored(key) && choice && choice->name; choice++) {
			_cleanup_free_ char *text = file_with(key, choice->name), *message = lint(text);

			assert_null(message && strstr(message, "is none of") ? message : NULL);
		}
	}
}

static void a_path_is_the_name_of_one_file(void **state)
{
	static const struct {
		const char *path, *name;
	} cases[] = {
		{ "/tmp", "%2Ftmp" },           { "/var/tmp", "%2Fvar%2Ftmp" }, { "/var%2Ftmp", "%2Fvar%252Ftmp" },
		{ "/%/%%", "%2F%25%2F%25%25" }, { "/owner", "%2Fowner" },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_free_ char *name = path_encode(cases[i].path);

		assert_string_equal(name, cases[i].name);
	}
}

static void private_paths_are_judged(void **state)
{
	static const struct {
		const char *path, *message;
	} cases[] = {
		{ "/srv", NULL },
		{ "/srv/%u", NULL },
		{ "/srv/a%%b", NULL },
		{ "/procedure", NULL },
		{ "/var/lib/x", NULL },
		{ "", "'' is no absolute path" },
		{ "tmp", "'tmp' is no absolute path" },
		{ "./tmp", "'./tmp' is no absolute path" },
		{ "/", "'/' cannot be private" },
		{ "//./", "'/' cannot be private" },
		{ "/srv/../etc", "'/srv/../etc' has '..' in it" },
		{ "/srv/..", "'/srv/..' has '..' in it" },
		{ "/proc", "'/proc' is within /proc, which cannot be private" },
		{ "/sys/", "'/sys' is within /sys, which cannot be private" },
		{ "//dev/./shm", "'/dev/shm' is within /dev, which cannot be private" },
		{ "/run/user", "'/run/user' is within /run, which cannot be private" },
		{ "/srv/%q", "'%q' in '/srv/%q' is none of %u, %U, %g, %h, %s, %%" },
		{ "/%u", "'/%u': an expansion cannot choose a directory of '/'" },
		{ "/x%u/y", "'/x%u/y': an expansion cannot choose a directory of '/'" },
		{ "/srv/\\\"", "'/srv/\"': quotes and backslashes are not allowed in a path" },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_free_ char *text = NULL, *message = NULL;

		assert_true(asprintf(&text, "mount { private \"%s\" { size = 1m } }", cases[i].path) > 0);
		if (cases[i].message)
			assert_true(asprintf(&message, AT1 "mount.private: %s", cases[i].message) > 0);
		assert_lint(text, message);
	}
}

/* From the top, section by section. */
static struct key_name find_by_dotted_name(const char *dotted)
{
	struct key_name name = { 0 };

	for (const char *at = dotted;; at++) {
		size_t length = strcspn(at, "."), leaf_length;
		const char *leaf;

		if (!key_name_find(name, at, length, &name))
			fail_msg("%s: nothing is found for '%s'", dotted, at);
		leaf = key_name_leaf(name, &leaf_length);
		assert_int_equal(leaf_length, length);
		assert_memory_equal(leaf, at, length);
		at += length;
		if (*at == '\0')
			return name;
	}
}

static void every_key_is_found_by_its_name_in_its_section_alone(void **state)
{
	static const char *const wrong[] = { "",        "m",    "mod",     "modes",    "network.mode", ".",
					     "isolate", "size", "private", "networks", "user-",        "service.mode" };
	struct key_name found;

	(void)state;
	for (enum policy_key key = 0; key < POLICY_KEYS; key++) {
		const char *name = policy_keys[key].name, *dot = strrchr(name, '.');

		found = find_by_dotted_name(name);
		assert_int_equal(found.key, key);
		assert_int_equal(found.length, strlen(name));
		assert_false(key_name_is_plain_section(found));
		assert_int_equal(key_name_is_service(found), key == KEY_SERVICE);
		assert_true(!dot || !key_name_find((struct key_name){ 0 }, dot + 1, strlen(dot + 1), &found) ||
			    !key_name_equal(found, (struct key_name){ .key = key, .length = (unsigned)strlen(name) }));
	}
	for (size_t i = 0; i < ELEMENTS(wrong); i++)
		if (key_name_find((struct key_name){ 0 }, wrong[i], strlen(wrong[i]), &found))
			fail_msg("'%s' is found at the top", wrong[i]);
	found = find_by_dotted_name("network");
	assert_true(key_name_is_plain_section(found));
	assert_false(key_name_find(found, "isolate", strlen("isolate"), &found));
	found = find_by_dotted_name("user");
	assert_true(key_name_is_plain_section(found));
	assert_false(key_name_find(found, "manager", strlen("manager"), &found));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_values_are_shown_with_their_line),
		cmocka_unit_test(bad_values_name_file_line_key_value_and_remedy),
		cmocka_unit_test(the_tables_above_cover_every_key),
		cmocka_unit_test(a_path_is_the_name_of_one_file),
		cmocka_unit_test(private_paths_are_judged),
		cmocka_unit_test(every_key_is_found_by_its_name_in_its_section_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
