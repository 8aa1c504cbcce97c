/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/error_text.h"

#include "common/cleanup.h"

#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

/* The test's own for its rest: whoever runs it, none is effective. */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	assert_int_equal(syscall(SYS_capset, &header, none), 0);
}

static void names_missing_capabilities_where_they_may_be_the_reason(void **state)
{
	static const struct {
		int error;
		const char *text;
	} cases[] = {
		{ -ENOENT, "No such file or directory" },
		{ -ENOSPC, "No space left on device" },
		{ -EPERM, "Operation not permitted: the login process lacks CAP_SYS_ADMIN, CAP_SYS_CHROOT, "
			  "CAP_SYS_PTRACE, CAP_NET_ADMIN, CAP_CHOWN, CAP_SETUID" },
		{ -EACCES, "Permission denied: the login process lacks CAP_SYS_ADMIN, CAP_SYS_CHROOT, "
			   "CAP_SYS_PTRACE, CAP_NET_ADMIN, CAP_CHOWN, CAP_SETUID" },
	};
	char buffer[ERROR_TEXT_SIZE];

	(void)state;
	drop_capabilities();
	for (size_t i = 0; i < ELEMENTS(cases); i++)
		assert_string_equal(error_text(cases[i].error, buffer), cases[i].text);
}

static void names_the_limit_that_a_step_has_reached(void **state)
{
	static const struct {
		const char *step;
		int error;
		const char *text;
	} cases[] = {
		{ "hostname", -EINVAL, "Invalid argument" },
		{ "hostname", -ENOSPC, "No space left on device" },
		{ "mount-tmpfs", -ENOSPC, "No space left on device: the limit fs.mount-max is reached" },
		{ "record", -ENOSPC, "No space left on device: the file system is full, or has no inode left" },
		{ "record", -ENOTDIR,
		  "Not a directory: it, and what is above it, must be root's, and no one else's to write" },
		{ "record", -EMFILE, "Too many open files: RLIMIT_NOFILE of the login process is reached" },
		{ "setns", -ENFILE, "Too many open files in system: the limit fs.file-max is reached" },
		{ "helper", -EAGAIN,
		  "Resource temporarily unavailable: a limit on processes is reached: pids.max of its control group, "
		  "RLIMIT_NPROC, kernel.pid_max or kernel.threads-max" },
		{ "mount-hide", -ENOENT,
		  "No such file or directory: a '-' before the path in the policy passes over what is missing" },
		{ "mount-hide", -ENOTDIR,
		  "Not a directory: only directories can be hidden, for what renames a new file over one takes a mask "
		  "away" },
		{ "mount-read-only", -ENOTDIR, "Not a directory: only directories can be made read-only" },
		{ "join", -EAGAIN, "Resource temporarily unavailable" },
	};
	char buffer[ERROR_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++)
		assert_string_equal(step_error_text(cases[i].step, cases[i].error, buffer), cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_missing_capabilities_where_they_may_be_the_reason),
		cmocka_unit_test(names_the_limit_that_a_step_has_reached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
