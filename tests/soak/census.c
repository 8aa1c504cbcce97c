/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "soak/census.h"

#include "common/cleanup.h"
#include "session/record.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define NAMESPACES_MAX 65536 /* namespaces that are told apart */
#define USERS          RECORD_ROOT "/users"

static long count_lines(const char *path)
{
	FILE *file = fopen(path, "re");
	long lines = 0;
	int byte;

	if (!file)
		return -1;
	while ((byte = getc(file)) != EOF)
		lines += byte == '\n';
	(void)fclose(file);
	return lines;
}

/* The number behind `name` and `skip` words in the line that begins with it. */
static long find_number(const char *path, const char *name, unsigned skip)
{
	FILE *file = fopen(path, "re");
	char line[512];
	long found = -1;

	while (file && found < 0 && fgets(line, sizeof(line), file)) {
		char *rest = line + strlen(name), *word;

		if (strncmp(line, name, strlen(name)) != 0 || (*name && !isspace((unsigned char)*rest)))
			continue;
		for (word = strtok(rest, " \t\n"); word && skip > 0; skip--)
			word = strtok(NULL, " \t\n");
		found = word ? atol(word) : -1;
	}
	if (file)
		(void)fclose(file);
	return found;
}

long memory_kb(const char *name)
{
	char key[64];

	(void)snprintf(key, sizeof(key), "%s:", name);
	return find_number("/proc/meminfo", key, 0);
}

long pss_kb(pid_t pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	return find_number(path, "Pss:", 0);
}

bool has_name(pid_t pid, const char *name)
{
	_cleanup_close_ int fd = -1;
	char path[64], text[32];
	ssize_t size;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = fd < 0 ? -1 : read(fd, text, sizeof(text));
	return size == (ssize_t)strlen(name) + 1 && memcmp(text, name, strlen(name)) == 0;
}

static void each_process(void (*function)(pid_t pid, void *argument), void *argument)
{
	_cleanup_(closedirp) DIR *directory = opendir("/proc");
	const struct dirent *entry;

	while (directory && (entry = readdir(directory)))
		if (isdigit((unsigned char)*entry->d_name))
			function(atoi(entry->d_name), argument);
}

struct search {
	const char *name;
	pid_t *found;
	size_t count, size;
};

static void look_at(pid_t pid, void *argument)
{
	struct search *search = argument;

	if (search->count < search->size && has_name(pid, search->name))
		search->found[search->count++] = pid;
}

size_t find_processes(const char *name, pid_t *ret, size_t size)
{
	struct search search = { .name = name, .found = ret, .size = size };

	each_process(look_at, &search);
	return search.count;
}

static void count_one(pid_t pid, void *argument)
{
	(void)pid;
	++*(long *)argument;
}

/* Records and sockets */

static long count_names(const char *path, bool print)
{
	_cleanup_(closedirp) DIR *directory = opendir(path);
	const struct dirent *entry;
	long count = 0;

	while (directory && (entry = readdir(directory))) {
		if (*entry->d_name == '.' || strcmp(entry->d_name, "gate") == 0 || strcmp(entry->d_name, "places") == 0)
			continue;
		if (print)
			printf("  left: %s/%s\n", path, entry->d_name);
		count++;
	}
	return count;
}

long count_records(void)
{
	return count_names(RECORD_DIRECTORY, false);
}

static long walk_users(bool print)
{
	_cleanup_(closedirp) DIR *directory = opendir(USERS);
	const struct dirent *entry;
	long count = 0;

	while (directory && (entry = readdir(directory))) {
		char path[sizeof(USERS) + 1 + sizeof(entry->d_name)];

		if (*entry->d_name == '.')
			continue;
		(void)snprintf(path, sizeof(path), USERS "/%s", entry->d_name);
		count += count_names(path, print);
	}
	return count;
}

long count_join_sockets(void)
{
	return walk_users(false);
}

void print_join_sockets(void)
{
	(void)walk_users(true);
}

/* Namespaces: those that a process is in, gives its children or holds open. */

struct namespaces {
	ino_t seen[NAMESPACES_MAX];
	size_t count;
	const char *kind;
};

static void see(struct namespaces *all, ino_t inode)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->seen[i] == inode)
			return;
	if (all->count < NAMESPACES_MAX)
		all->seen[all->count++] = inode;
}

static void see_links_in(struct namespaces *all, const char *path)
{
	_cleanup_(closedirp) DIR *directory = opendir(path);
	const struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		size_t length = strlen(all->kind);
		char target[64] = "";

		if (readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1) > 0 &&
		    strncmp(target, all->kind, length) == 0 && strncmp(target + length, ":[", 2) == 0)
			see(all, strtoul(target + length + 2, NULL, 10));
	}
}

static void see_process(pid_t pid, void *argument)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns", (int)pid);
	see_links_in(argument, path);
	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	see_links_in(argument, path);
}

static long count_namespaces(const char *kind)
{
	static struct namespaces all;

	all.count = 0;
	all.kind = kind;
	each_process(see_process, &all);
	return (long)all.count;
}

/* The table */

static long count_processes(const char *object)
{
	long count = 0;

	(void)object;
	each_process(count_one, &count);
	return count;
}

static long count_mounts(const char *object)
{
	(void)object;
	return count_lines("/proc/self/mountinfo");
}

static long count_unix_sockets(const char *object)
{
	(void)object;
	return count_lines("/proc/net/unix");
}

static long count_sockets(const char *object)
{
	(void)object;
	return find_number("/proc/net/sockstat", "sockets:", 1);
}

static long all_records(const char *object)
{
	(void)object;
	return count_records();
}

static long all_join_sockets(const char *object)
{
	(void)object;
	return count_join_sockets();
}

static long open_files(const char *object)
{
	(void)object;
	return find_number("/proc/sys/fs/file-nr", "", 0);
}

/* proc(5): /proc/slabinfo is of the whole machine, and readable by root. */
static long slab_objects(const char *object)
{
	return find_number("/proc/slabinfo", object, 0);
}

/* What is used, so that more is worse. */
static long memory_in_use(const char *object)
{
	return strcmp(object, "MemAvailable") == 0 ? memory_kb("MemTotal") - memory_kb(object) : memory_kb(object);
}

static const struct {
	const char *name;
	long (*count)(const char *object);
	const char *object;
	long noise; /* what other users of the machine may have at that time */
} table[] = {
	{ "processes", count_processes, NULL, 0 },
	{ "mounts", count_mounts, NULL, 0 },
	{ "mount namespaces", count_namespaces, "mnt", 0 },
	{ "network namespaces", count_namespaces, "net", 0 },
	{ "IPC namespaces", count_namespaces, "ipc", 0 },
	{ "UTS namespaces", count_namespaces, "uts", 0 },
	{ "PID namespaces", count_namespaces, "pid", 0 },
	{ "user namespaces", count_namespaces, "user", 0 },
	{ "cgroup namespaces", count_namespaces, "cgroup", 0 },
	{ "time namespaces", count_namespaces, "time", 0 },
	{ "sockets", count_sockets, NULL, 0 },
	{ "UNIX sockets", count_unix_sockets, NULL, 0 },
	{ "records", all_records, NULL, 0 },
	{ "join sockets", all_join_sockets, NULL, 0 },
	{ "machine: open files", open_files, NULL, 2000 },
	{ "machine: slab net_namespace", slab_objects, "net_namespace", 300 },
	{ "machine: slab pid_namespace", slab_objects, "pid_namespace", 300 },
	{ "machine: slab uts_namespace", slab_objects, "uts_namespace", 300 },
	{ "machine: slab nsproxy", slab_objects, "nsproxy", 600 },
	{ "machine: slab mnt_cache", slab_objects, "mnt_cache", 3000 },
	{ "machine: slab shmem_inode_cache", slab_objects, "shmem_inode_cache", 3000 },
	{ "machine: slab sock_inode_cache", slab_objects, "sock_inode_cache", 1000 },
	{ "machine: slab pid", slab_objects, "pid", 1000 },
	{ "machine: slab, kB unreclaimable", memory_in_use, "SUnreclaim", 64 << 10 },
	{ "machine: per-CPU memory, kB", memory_in_use, "Percpu", 8 << 10 },
	{ "machine: kernel stacks, kB", memory_in_use, "KernelStack", 8 << 10 },
	{ "machine: page tables, kB", memory_in_use, "PageTables", 16 << 10 },
	{ "machine: memory in use, kB", memory_in_use, "MemAvailable", 256 << 10 },
};
_Static_assert(ELEMENTS(table) <= CENSUS_COUNTS, "more counts than there is room for");

void census_take(struct census *ret)
{
	for (size_t i = 0; i < ELEMENTS(table); i++)
		ret->counts[i] = table[i].count(table[i].object);
}

bool census_compare(const struct census *before, const struct census *after, bool print)
{
	bool same = true;

	for (size_t i = 0; i < ELEMENTS(table); i++) {
		long grown = after->counts[i] - before->counts[i];
		bool left = before->counts[i] >= 0 && grown > table[i].noise;

		same = same && !left;
		if (print)
			printf("  %-34s %10ld %10ld %+8ld%s\n", table[i].name, before->counts[i], after->counts[i],
			       grown, left ? "  LEFT" : "");
	}
	return same;
}
