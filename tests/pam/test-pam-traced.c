/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * Root inside a session, with every capability, has its init make the system calls by which a process moves: what
 * nsinspect list says of it, which looks at the init's user namespace alone, is the truth each time.
 */

#include "pam/harness.h"
#include "session/record.h"

#include <elf.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#define LIST        "nsinspect list -rn -o STATE,NAMESPACES"
#define ACTIVE      "active mnt,net,ipc,uts,pid\n"
#define LINE_MAX    64
#define DESCRIPTORS 16

/* Stays on the host: for each byte a line of the list, with what the record's locks say before it. */
struct inspector {
	int ask[2], answer[2];
};

struct answer {
	bool sealed;
	char line[LINE_MAX];
};

static struct answer look(void)
{
	_cleanup_(record_list_release) struct record_list list = { 0 };
	struct answer answer = { 0 };
	FILE *output;

	CHECK_INT(records_read(RECORD_DIRECTORY, &list), 0);
	CHECK_INT(list.count, 1);
	answer.sealed = list.items[0].sealed;
	output = popen(LIST, "re");
	CHECK(output);
	CHECK(fgets(answer.line, sizeof(answer.line), output));
	CHECK_INT(pclose(output), 0);
	return answer;
}

static void inspect(void *argument)
{
	struct inspector *inspector = argument;
	char byte;

	close_fd(inspector->ask[1]);
	while (read(inspector->ask[0], &byte, 1) == 1) {
		const struct answer answer = look();

		CHECK_INT(write(inspector->answer[1], &answer, sizeof(answer)), (ssize_t)sizeof(answer));
	}
}

static struct answer ask(const struct inspector *inspector)
{
	struct answer answer;

	CHECK_INT(write(inspector->ask[1], "?", 1), 1);
	CHECK_INT(read(inspector->answer[0], &answer, sizeof(answer)), (ssize_t)sizeof(answer));
	return answer;
}

static bool is_sealed(void *argument)
{
	return ask(argument).sealed;
}

static void transfer(pid_t pid, enum __ptrace_request request, struct user_regs_struct *registers)
{
	struct iovec place = { registers, sizeof(*registers) };

	CHECK_INT(ptrace(request, pid, NT_PRSTATUS, &place), 0);
}

/* It waits in a system call: the instruction is the one before. */
static void prepare(struct user_regs_struct *registers, long number, unsigned long first, unsigned long second)
{
#if defined(__x86_64__)
	registers->rip -= 2;
	registers->orig_rax = -1ULL;
	registers->rax = (unsigned long)number;
	registers->rdi = first;
	registers->rsi = second;
#elif defined(__i386__)
	registers->eip -= 2;
	registers->orig_eax = -1;
	registers->eax = number;
	registers->ebx = (long)first;
	registers->ecx = (long)second;
#elif defined(__aarch64__)
	registers->pc -= 4;
	registers->regs[8] = (unsigned long)number;
	registers->regs[0] = first;
	registers->regs[1] = second;
#else
#error "how does this machine call the kernel?"
#endif
}

static long result_of(const struct user_regs_struct *registers)
{
#if defined(__x86_64__)
	return (long)registers->rax;
#elif defined(__i386__)
	return registers->eax;
#else
	return (long)registers->regs[0];
#endif
}

/* The kernel's own errors ERESTARTSYS to ERESTART_RESTARTBLOCK, linux/errno.h, which a tracer sees and nobody else. */
static bool is_in_a_call(const struct user_regs_struct *registers)
{
	return result_of(registers) <= -512 && result_of(registers) >= -516;
}

/* Where it waits. One that was let go is for a moment on its way back there. False: it does not come there. */
static bool stop_in_a_call(struct user_regs_struct *ret)
{
	for (int i = 0; i < 1000; i++) {
		CHECK_INT(ptrace(PTRACE_SEIZE, 1, NULL, NULL), 0);
		CHECK_INT(ptrace(PTRACE_INTERRUPT, 1, NULL, NULL), 0);
		CHECK_INT(waitpid(1, NULL, __WALL), 1);
		transfer(1, PTRACE_GETREGSET, ret);
		if (is_in_a_call(ret))
			return true;
		CHECK_INT(ptrace(PTRACE_DETACH, 1, NULL, NULL), 0);
		(void)poll(NULL, 0, 10);
	}
	return false;
}

/* The result, or -errno, of a system call of the init's, whose number here is 1. */
static long have_call(long number, unsigned long first, unsigned long second)
{
	struct user_regs_struct before = { 0 }, registers;

	CHECK(stop_in_a_call(&before));
	registers = before;
	prepare(&registers, number, first, second);
	transfer(1, PTRACE_SETREGSET, &registers);
	CHECK_INT(ptrace(PTRACE_SINGLESTEP, 1, NULL, NULL), 0);
	CHECK_INT(waitpid(1, NULL, __WALL), 1);
	transfer(1, PTRACE_GETREGSET, &registers);
	transfer(1, PTRACE_SETREGSET, &before);
	CHECK_INT(ptrace(PTRACE_DETACH, 1, NULL, NULL), 0);
	return result_of(&registers);
}

static void have_join(unsigned long flag)
{
	for (unsigned long fd = 0; fd < DESCRIPTORS; fd++)
		CHECK(have_call(SYS_setns, fd, flag) < 0);
}

static void cannot_move_as_it_is(void *argument)
{
	for (enum namespace_kind kind = 0; kind < NAMESPACE_KINDS; kind++) {
		const unsigned long flag = (unsigned long)namespace_table[kind].clone_flag;

		have_join(flag);
		if (kind != NAMESPACE_USER)
			CHECK_INT(have_call(SYS_unshare, flag, 0), -EPERM);
	}
	CHECK_INT(strcmp(ask(argument).line, ACTIVE), 0);
}

static void moves_by_a_user_namespace(void *argument)
{
	CHECK_INT(have_call(SYS_unshare, CLONE_NEWUSER | CLONE_NEWUTS, 0), 0);
	CHECK_INT(strncmp(ask(argument).line, "changed ", strlen("changed ")), 0);
	/* there is no way back */
	have_join(CLONE_NEWUSER);
	CHECK_INT(have_call(SYS_unshare, CLONE_NEWNET, 0), 0);
	CHECK_INT(strncmp(ask(argument).line, "changed ", strlen("changed ")), 0);
}

/* Its user namespace is not the one that it was born in: all its others are looked at, and are still those. */
static void moves_nowhere_but_into_a_user_namespace(void *argument)
{
	CHECK_INT(have_call(SYS_unshare, CLONE_NEWUSER, 0), 0);
	CHECK_INT(strncmp(ask(argument).line, "active mnt,net,ipc,uts,pid", strlen("active mnt,net,ipc,uts,pid")), 0);
}

static void in_traced_session(void (*attack)(void *argument))
{
	struct inspector inspector;
	struct login login;
	pid_t child;

	CHECK_INT(pipe2(inspector.ask, O_CLOEXEC), 0);
	CHECK_INT(pipe2(inspector.answer, O_CLOEXEC), 0);
	child = start_child(inspect, &inspector);
	login_in(&login, "alice");
	CHECK(eventually(is_sealed, &inspector));
	in_child(attack, &inspector);
	login_out(&login);
	close_fd(inspector.ask[1]);
	end_well(child);
}

static void traced_init_stays_where_it_was_born(void)
{
	in_traced_session(cannot_move_as_it_is);
}

static void traced_init_that_moved_is_changed(void)
{
	in_traced_session(moves_by_a_user_namespace);
}

static void traced_init_in_a_user_namespace_is_looked_at_as_a_whole(void)
{
	in_traced_session(moves_nowhere_but_into_a_user_namespace);
}

int main(void)
{
	static const struct pam_case cases[] = {
		CASE(traced_init_stays_where_it_was_born),
		CASE(traced_init_that_moved_is_changed),
		CASE(traced_init_in_a_user_namespace_is_looked_at_as_a_whole),
	};

	return run_cases(cases, ELEMENTS(cases));
}
