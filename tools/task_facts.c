/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/task_facts.h"

#include "common/bound_child.h"
#include "common/error.h"
#include "common/read_whole.h"
#include "common/wait_child.h"
#include "common/write_whole.h"
#include "session/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define BTF_FILE    "/sys/kernel/btf/vmlinux"
#define BTF_MAX     ((size_t)64 * 1024 * 1024)
#define FACTS_MAX   ((size_t)64 * 1024 * 1024) /* bytes of what one iterator tells: a million processes */
#define PATIENCE_MS 2000

struct mapping {
	void *bytes;
	size_t size;
};

static void mapping_release(struct mapping *mapping)
{
	if (mapping->bytes)
		(void)munmap(mapping->bytes, mapping->size);
}

static int bpf(int command, union bpf_attr *attributes)
{
	long r = syscall(SYS_bpf, command, attributes, sizeof(*attributes));

	return r < 0 ? negative_errno() : (int)r;
}

static int load(const struct bpf_program *program, uint32_t attach)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.prog_type = BPF_PROG_TYPE_TRACING;
	attributes.expected_attach_type = BPF_TRACE_ITER;
	attributes.attach_btf_id = attach;
	attributes.insns = (uintptr_t)program->items;
	attributes.insn_cnt = (uint32_t)program->count;
	attributes.license = (uintptr_t) "Dual BSD/GPL";
	return bpf(BPF_PROG_LOAD, &attributes);
}

/* A descriptor that read(2) runs the program by. */
static int open_iterator(const struct bpf_program *program, uint32_t attach)
{
	_cleanup_close_ int loaded = load(program, attach);
	union bpf_attr attributes;

	if (loaded < 0)
		return loaded;
	memset(&attributes, 0, sizeof(attributes));
	attributes.link_create.prog_fd = (uint32_t)loaded;
	attributes.link_create.attach_type = BPF_TRACE_ITER;

	_cleanup_close_ int link = bpf(BPF_LINK_CREATE, &attributes);

	if (link < 0)
		return link;
	memset(&attributes, 0, sizeof(attributes));
	attributes.iter_create.link_fd = (uint32_t)link;
	return bpf(BPF_ITER_CREATE, &attributes);
}

/*
 * All that it says. Of a million files or processes on end of which it says nothing the kernel makes an EAGAIN, and
 * goes on with the next read(2), kernel/bpf/bpf_iter.c: whoever waits for this has a limit.
 */
static int hear(int iterator, FILE *out)
{
	char chunk[65536];
	size_t size = 0;

	for (;;) {
		ssize_t got = read(iterator, chunk, sizeof(chunk));

		if (got == 0)
			return 0;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return negative_errno();
		if (got < 0)
			continue;
		size += (size_t)got;
		if (size > FACTS_MAX)
			return -EFBIG;
		if (fwrite(chunk, (size_t)got, 1, out) != 1)
			return -ENOMEM;
	}
}

static int iterate(const struct bpf_program *program, uint32_t attach, char **ret, size_t *ret_size)
{
	_cleanup_close_ int iterator = open_iterator(program, attach);
	FILE *out;
	int r;

	if (iterator < 0)
		return iterator;
	out = open_memstream(ret, ret_size);
	if (!out)
		return -ENOMEM;
	r = hear(iterator, out);
	return fclose(out) < 0 && r == 0 ? -ENOMEM : r;
}

/* Linux has it mapped since 6.16; older ones have it read, which takes three times as long. */
static int map_types(struct mapping *ret, char **ret_read, size_t *ret_size)
{
	_cleanup_close_ int fd = open(BTF_FILE, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return negative_errno();
	if (status.st_size <= 0 || (size_t)status.st_size > BTF_MAX)
		return -EFBIG;
	ret->bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	ret->size = *ret_size = (size_t)status.st_size;
	if (ret->bytes != MAP_FAILED)
		return 0;
	ret->bytes = NULL;
	return read_whole(fd, BTF_MAX, ret_read, ret_size);
}

static int make_programs(struct bpf_program programs[2], uint32_t attach[2])
{
	_cleanup_(mapping_release) struct mapping types = { .bytes = NULL };
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r = map_types(&types, &text, &size);

	if (r < 0)
		return r;
	return task_programs_make(types.bytes ? types.bytes : text, size, &programs[0], &attach[0], &programs[1],
				  &attach[1]);
}

/* Each pid once, in their order, which is the iterator's own. Returns how many there are. */
static size_t put_in_order(struct task_fact *facts, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (facts[i].pid > 0 && (kept == 0 || facts[i].pid > facts[kept - 1].pid))
			facts[kept++] = facts[i];
	return kept;
}

static int compare(const void *key, const void *item)
{
	const pid_t pid = *(const pid_t *)key, other = ((const struct task_fact *)item)->pid;

	return (pid > other) - (pid < other);
}

static struct task_fact *find(const struct task_fact *facts, size_t count, pid_t pid)
{
	return count == 0 ? NULL : bsearch(&pid, facts, count, sizeof(*facts), compare);
}

/* fs/proc/array.c has it so; in a time namespace that is ahead or behind, the numbers differ. */
uint64_t task_fact_start(const struct task_fact *fact)
{
	const long ticks = sysconf(_SC_CLK_TCK);

	return ticks <= 0 ? 0 : fact->start / (1000000000 / (uint64_t)ticks);
}

static void mark_holders(struct task_fact *facts, size_t count, const char *pids, size_t size)
{
	for (size_t at = 0; size - at >= sizeof(int32_t); at += sizeof(int32_t)) {
		struct task_fact *fact;
		int32_t pid;

		memcpy(&pid, pids + at, sizeof(pid));
		fact = find(facts, count, pid);
		if (fact)
			fact->holds_namespace = 1;
	}
}

/*
 * Whether /proc says the same of this process, by the same number: then the programs read what they are meant to, and
 * the numbers are those of /proc.
 */
static bool is_true(const struct task_fact *facts, size_t count)
{
	const struct task_fact *own = find(facts, count, getpid());
	uint64_t namespaces[NAMESPACE_KINDS], start = 0;
	char number[16] = "", called[16] = "", name[sizeof(own->name)] = "";

	if (!own || own->exit_state != 0 || own->real_uid != getuid() || !own->holds_namespace ||
	    prctl(PR_GET_NAME, name) < 0 || strncmp(own->name, name, sizeof(name)) != 0 ||
	    process_start_time(getpid(), &start) < 0 || task_fact_start(own) != start ||
	    process_namespaces(getpid(), namespaces) < 0 || readlink("/proc/self", number, sizeof(number) - 1) < 0)
		return false;
	(void)snprintf(called, sizeof(called), "%jd", (intmax_t)getpid());
	if (strcmp(number, called) != 0)
		return false;
	for (enum namespace_kind kind = 0; kind < NAMESPACE_KINDS; kind++)
		if (own->namespaces[kind] != namespaces[kind])
			return false;
	return true;
}

/* In the child. It has a namespace open, by which it sees that those are seen. */
static int read_facts(int file)
{
	_cleanup_close_ int held = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *tasks = NULL, *pids = NULL;
	struct bpf_program programs[2];
	size_t size = 0, pids_size = 0, count;
	struct task_fact *facts;
	uint32_t attach[2];
	int r = held < 0 ? negative_errno() : make_programs(programs, attach);

	if (r == 0)
		r = iterate(&programs[0], attach[0], &tasks, &size);
	if (r == 0)
		r = iterate(&programs[1], attach[1], &pids, &pids_size);
	if (r < 0)
		return r;
	facts = (struct task_fact *)(void *)tasks;
	count = put_in_order(facts, size / sizeof(*facts));
	mark_holders(facts, count, pids, pids_size);
	return is_true(facts, count) ? write_whole(file, facts, count * sizeof(*facts)) : -ESTALE;
}

void task_facts_start(struct task_facts_reader *ret)
{
	*ret = (struct task_facts_reader){ .file = -1 };
	/* the kernel's pointers would be this program's, too: others are not known here */
	if (sizeof(void *) != 8)
		return;
	ret->file = memfd_create("tasks", MFD_CLOEXEC);
	if (ret->file < 0)
		return;
	ret->child = fork_bound_child();
	if (ret->child == 0)
		_exit(read_facts(ret->file) == 0 ? 0 : 1);
	if (ret->child < 0)
		ret->child = 0;
}

/* Whether it did what it was to do. */
static bool has_succeeded(pid_t child)
{
	_cleanup_close_ int pidfd = pidfd_open(child, 0);
	struct pollfd poller = { .fd = pidfd, .events = POLLIN };
	int status = 0;

	if (pidfd < 0 || poll(&poller, 1, PATIENCE_MS) <= 0)
		(void)kill(child, SIGKILL);
	return wait_child(child, 0, &status) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void task_facts_take(struct task_facts_reader *reader, struct task_facts *ret)
{
	_cleanup_close_ int file = TAKE_FD(reader->file);
	struct stat status;

	*ret = (struct task_facts){ .items = NULL };
	if (reader->child > 0 && has_succeeded(reader->child) && fstat(file, &status) == 0 && status.st_size > 0) {
		const size_t size = (size_t)status.st_size;
		void *items = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);

		if (items != MAP_FAILED)
			*ret = (struct task_facts){ items, size / sizeof(struct task_fact), size };
	}
	reader->child = 0;
}

void task_facts_stop(struct task_facts_reader *reader)
{
	if (reader->child > 0) {
		(void)kill(reader->child, SIGKILL);
		(void)wait_child(reader->child, 0, NULL);
		reader->child = 0;
	}
	reader->file = close_fd(reader->file);
}

const struct task_fact *task_facts_find(const struct task_facts *facts, pid_t pid)
{
	return find(facts->items, facts->count, pid);
}

void task_facts_release(struct task_facts *facts)
{
	if (facts->items)
		(void)munmap((void *)(uintptr_t)facts->items, facts->size);
	*facts = (struct task_facts){ .items = NULL };
}
