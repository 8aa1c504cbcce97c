/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/task_programs.h"

#include "common/cleanup.h"

#include <errno.h>
#include <linux/magic.h>

/*
 * Memory of the kernel is read by the helper that survives any address, and leaves 0 where there was nothing: which
 * pointers programs may follow by themselves differs between versions.
 */

enum field {
	TASK_TGID,
	TASK_PID,
	TASK_EXIT_STATE,
	TASK_REAL_CRED,
	TASK_NSPROXY,
	TASK_THREAD_PID,
	TASK_GROUP_LEADER,
	TASK_START,
	TASK_COMM,
	CRED_UID,
	CRED_USER_NS,
	PROXY_MOUNT,
	PROXY_NETWORK,
	PROXY_IPC,
	PROXY_UTS,
	PROXY_CGROUP,
	PROXY_TIME,
	MOUNT_NS,
	NETWORK_NS,
	IPC_NS,
	UTS_NS,
	PID_NS,
	USER_NS,
	CGROUP_NS,
	TIME_NS,
	NS_INUM,
	PID_LEVEL,
	PID_NUMBERS,
	UPID_NR,
	UPID_NS,
	UPID_SIZE,
	FILE_INODE,
	INODE_SUPER,
	SUPER_MAGIC,
	FIELDS,
};

static const struct btf_field wanted[FIELDS] = {
	[TASK_TGID] = { "task_struct", "tgid", 0 },
	[TASK_PID] = { "task_struct", "pid", 0 },
	[TASK_EXIT_STATE] = { "task_struct", "exit_state", 0 },
	[TASK_REAL_CRED] = { "task_struct", "real_cred", 0 },
	[TASK_NSPROXY] = { "task_struct", "nsproxy", 0 },
	[TASK_THREAD_PID] = { "task_struct", "thread_pid", 0 },
	[TASK_GROUP_LEADER] = { "task_struct", "group_leader", 0 },
	[TASK_START] = { "task_struct", "start_boottime", 0 },
	[TASK_COMM] = { "task_struct", "comm", 0 },
	[CRED_UID] = { "cred", "uid", 0 },
	[CRED_USER_NS] = { "cred", "user_ns", 0 },
	[PROXY_MOUNT] = { "nsproxy", "mnt_ns", 0 },
	[PROXY_NETWORK] = { "nsproxy", "net_ns", 0 },
	[PROXY_IPC] = { "nsproxy", "ipc_ns", 0 },
	[PROXY_UTS] = { "nsproxy", "uts_ns", 0 },
	[PROXY_CGROUP] = { "nsproxy", "cgroup_ns", 0 },
	[PROXY_TIME] = { "nsproxy", "time_ns", 0 },
	[MOUNT_NS] = { "mnt_namespace", "ns", 0 },
	[NETWORK_NS] = { "net", "ns", 0 },
	[IPC_NS] = { "ipc_namespace", "ns", 0 },
	[UTS_NS] = { "uts_namespace", "ns", 0 },
	[PID_NS] = { "pid_namespace", "ns", 0 },
	[USER_NS] = { "user_namespace", "ns", 0 },
	[CGROUP_NS] = { "cgroup_namespace", "ns", 0 },
	[TIME_NS] = { "time_namespace", "ns", 0 },
	[NS_INUM] = { "ns_common", "inum", 0 },
	[PID_LEVEL] = { "pid", "level", 0 },
	[PID_NUMBERS] = { "pid", "numbers", 0 },
	[UPID_NR] = { "upid", "nr", 0 },
	[UPID_NS] = { "upid", "ns", 0 },
	[UPID_SIZE] = { "upid", NULL, 0 },
	[FILE_INODE] = { "file", "f_inode", 0 },
	[INODE_SUPER] = { "inode", "i_sb", 0 },
	[SUPER_MAGIC] = { "super_block", "s_magic", 0 },
};

/* Those that a task has by its nsproxy. */
static const struct {
	enum namespace_kind kind;
	enum field pointer, common;
} proxied[] = {
	{ NAMESPACE_MOUNT, PROXY_MOUNT, MOUNT_NS },    { NAMESPACE_NETWORK, PROXY_NETWORK, NETWORK_NS },
	{ NAMESPACE_IPC, PROXY_IPC, IPC_NS },          { NAMESPACE_UTS, PROXY_UTS, UTS_NS },
	{ NAMESPACE_CGROUP, PROXY_CGROUP, CGROUP_NS }, { NAMESPACE_TIME, PROXY_TIME, TIME_NS },
};

/* On the stack, below the frame pointer. */
enum {
	FACT = -(int)sizeof(struct task_fact),
	POINTER = FACT - 8, /* the last that was followed */
	NUMBER = FACT - 16,
	OTHER_NUMBER = FACT - 24,
	PROXY = FACT - 32,
};

/* Those that calls leave alone. The first argument is the iterator's struct bpf_iter__task or bpf_iter__task_file. */
enum { CONTEXT = BPF_REG_6, TASK = BPF_REG_7, PLACE = BPF_REG_8, OUTPUT = BPF_REG_9 };

struct writer {
	struct bpf_program *program;
	const struct btf_field *fields;
};

static int32_t place_of(const struct writer *writer, enum field field)
{
	return (int32_t)writer->fields[field].bytes;
}

/* From where the register points, and so much behind that. */
static void read_behind(const struct writer *writer, int to, int32_t size, unsigned from, int32_t behind)
{
	struct bpf_program *program = writer->program;

	bpf_copy(program, BPF_REG_1, BPF_REG_10);
	bpf_add(program, BPF_REG_1, to);
	bpf_set(program, BPF_REG_2, size);
	bpf_copy(program, BPF_REG_3, from);
	bpf_add(program, BPF_REG_3, behind);
	bpf_call(program, BPF_FUNC_probe_read_kernel);
}

static void read_field(const struct writer *writer, int to, int32_t size, unsigned from, enum field field)
{
	read_behind(writer, to, size, from, place_of(writer, field));
}

/* To PLACE what the pointer in the field points to. */
static void follow(const struct writer *writer, unsigned from, enum field field)
{
	read_field(writer, POINTER, 8, from, field);
	bpf_load(writer->program, BPF_DW, PLACE, BPF_REG_10, POINTER);
}

/* Of the namespace at PLACE. */
static void read_namespace(const struct writer *writer, enum namespace_kind kind, enum field common)
{
	const int to = FACT + (int)offsetof(struct task_fact, namespaces) + (int)kind * (int)sizeof(uint32_t);

	read_behind(writer, to, sizeof(uint32_t), PLACE, place_of(writer, common) + place_of(writer, NS_INUM));
}

/* To PLACE the struct upid at the level that is in NUMBER, of the task in a register. */
static void find_number(const struct writer *writer, unsigned task)
{
	follow(writer, task, TASK_THREAD_PID);
	bpf_load(writer->program, BPF_W, BPF_REG_1, BPF_REG_10, NUMBER);
	bpf_multiply(writer->program, BPF_REG_1, place_of(writer, UPID_SIZE));
	bpf_add_register(writer->program, PLACE, BPF_REG_1);
	bpf_add(writer->program, PLACE, place_of(writer, PID_NUMBERS));
}

/* The task's number where the reader is: at the level of its PID namespace. PLACE is lost. */
static void read_pid(const struct writer *writer, unsigned task)
{
	bpf_call(writer->program, BPF_FUNC_get_current_task);
	bpf_copy(writer->program, PLACE, BPF_REG_0);
	follow(writer, PLACE, TASK_THREAD_PID);
	read_field(writer, NUMBER, sizeof(uint32_t), PLACE, PID_LEVEL);
	find_number(writer, task);
	read_field(writer, FACT + (int)offsetof(struct task_fact, pid), sizeof(int32_t), PLACE, UPID_NR);
}

/* The PID namespace that it is in, and not the one of its children. */
static void read_pid_namespace(const struct writer *writer)
{
	follow(writer, TASK, TASK_THREAD_PID);
	read_field(writer, NUMBER, sizeof(uint32_t), PLACE, PID_LEVEL);
	find_number(writer, TASK);
	read_field(writer, POINTER, 8, PLACE, UPID_NS);
	bpf_load(writer->program, BPF_DW, PLACE, BPF_REG_10, POINTER);
	read_namespace(writer, NAMESPACE_PID, PID_NS);
}

/* The task, and where to write; the last call of an iterator is for none. Then the stack, without which none reads. */
static void begin(const struct writer *writer)
{
	struct bpf_program *program = writer->program;

	bpf_copy(program, CONTEXT, BPF_REG_1);
	bpf_load(program, BPF_DW, TASK, CONTEXT, 8);
	bpf_return_unless(program, BPF_JNE, TASK, 0);
	bpf_load(program, BPF_DW, BPF_REG_1, CONTEXT, 0);
	bpf_load(program, BPF_DW, OUTPUT, BPF_REG_1, 0);
	for (int at = PROXY; at < 0; at += 8)
		bpf_clear(program, at);
}

static void finish(const struct writer *writer, int32_t from, int32_t size)
{
	struct bpf_program *program = writer->program;

	bpf_copy(program, BPF_REG_1, OUTPUT);
	bpf_copy(program, BPF_REG_2, BPF_REG_10);
	bpf_add(program, BPF_REG_2, from);
	bpf_set(program, BPF_REG_3, size);
	bpf_call(program, BPF_FUNC_seq_write);
	bpf_return(program);
}

/* Whose user is another than the host's is seen by his namespace: ids are as the host has them. */
static void read_credentials(const struct writer *writer)
{
	follow(writer, TASK, TASK_REAL_CRED);
	read_field(writer, FACT + (int)offsetof(struct task_fact, real_uid), sizeof(uint32_t), PLACE, CRED_UID);
	follow(writer, PLACE, CRED_USER_NS);
	read_namespace(writer, NAMESPACE_USER, USER_NS);
}

/*
 * Of a task that takes others just now, or ends, nothing is written: its nsproxy may be freed at once. One that still
 * is the task's when all was read was so all the time.
 */
static void read_proxied(const struct writer *writer)
{
	struct bpf_program *program = writer->program;

	read_field(writer, PROXY, 8, TASK, TASK_NSPROXY);
	for (size_t i = 0; i < ELEMENTS(proxied); i++) {
		bpf_load(program, BPF_DW, PLACE, BPF_REG_10, PROXY);
		follow(writer, PLACE, proxied[i].pointer);
		read_namespace(writer, proxied[i].kind, proxied[i].common);
	}
	follow(writer, TASK, TASK_NSPROXY);
	bpf_load(program, BPF_DW, BPF_REG_1, BPF_REG_10, PROXY);
	bpf_return_unless_equal(program, BPF_REG_1, PLACE);
}

static void write_tasks(const struct writer *writer)
{
	struct bpf_program *program = writer->program;

	begin(writer);
	/* of threads the first stands for the process, as in /proc */
	read_field(writer, NUMBER, sizeof(uint32_t), TASK, TASK_PID);
	read_field(writer, OTHER_NUMBER, sizeof(uint32_t), TASK, TASK_TGID);
	bpf_load(program, BPF_W, BPF_REG_1, BPF_REG_10, NUMBER);
	bpf_load(program, BPF_W, BPF_REG_2, BPF_REG_10, OTHER_NUMBER);
	bpf_return_unless_equal(program, BPF_REG_1, BPF_REG_2);
	read_field(writer, FACT + (int)offsetof(struct task_fact, start), sizeof(uint64_t), TASK, TASK_START);
	read_field(writer, FACT + (int)offsetof(struct task_fact, exit_state), sizeof(uint32_t), TASK, TASK_EXIT_STATE);
	read_field(writer, FACT + (int)offsetof(struct task_fact, name), sizeof((struct task_fact){ 0 }.name), TASK,
		   TASK_COMM);
	read_credentials(writer);
	read_proxied(writer);
	read_pid_namespace(writer);
	read_pid(writer, TASK);
	finish(writer, FACT, sizeof(struct task_fact));
}

/* Whose file it is, if it is a namespace. */
static void write_files(const struct writer *writer)
{
	struct bpf_program *program = writer->program;

	begin(writer);
	bpf_load(program, BPF_DW, PLACE, CONTEXT, 24);
	bpf_return_unless(program, BPF_JNE, PLACE, 0);
	follow(writer, PLACE, FILE_INODE);
	follow(writer, PLACE, INODE_SUPER);
	read_field(writer, POINTER, 8, PLACE, SUPER_MAGIC);
	bpf_load(program, BPF_DW, BPF_REG_1, BPF_REG_10, POINTER);
	bpf_return_unless(program, BPF_JEQ, BPF_REG_1, NSFS_MAGIC);
	follow(writer, TASK, TASK_GROUP_LEADER);
	bpf_copy(program, TASK, PLACE);
	read_pid(writer, TASK);
	finish(writer, FACT + (int)offsetof(struct task_fact, pid), sizeof(int32_t));
}

int task_programs_make(const void *btf, size_t size, struct bpf_program *ret_tasks, uint32_t *ret_tasks_attach,
		       struct bpf_program *ret_files, uint32_t *ret_files_attach)
{
	struct btf_function functions[] = { { "bpf_iter_task", 0 }, { "bpf_iter_task_file", 0 } };
	struct bpf_program tasks = { .count = 0 }, files = { .count = 0 };
	struct btf_field fields[FIELDS];
	int r;

	for (size_t i = 0; i < FIELDS; i++)
		fields[i] = wanted[i];
	r = btf_find(btf, size, fields, FIELDS, functions, ELEMENTS(functions));
	if (r < 0)
		return r;
	write_tasks(&(struct writer){ &tasks, fields });
	write_files(&(struct writer){ &files, fields });
	if (tasks.overflown || files.overflown)
		return -E2BIG;
	*ret_tasks = tasks;
	*ret_tasks_attach = functions[0].id;
	*ret_files = files;
	*ret_files_attach = functions[1].id;
	return 0;
}
