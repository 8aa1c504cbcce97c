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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_missing_capabilities_where_they_may_be_the_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
