/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* A helper that is missing, foreign, broken or dead is a refusal that leaves nothing. */

#include "pam/harness.h"
#include "pam/snapshot.h"

#include <signal.h>

/* Shell scripts in its place: descriptor 3 is their end of the socket, and each printf one message. */
#define SCRIPT(body)  "#!/bin/sh\n" body "\n"
#define READ          "dd bs=65536 count=1 <&3 >/dev/null 2>&1; "
#define ANSWER(text)  SCRIPT(READ "printf '" text "' >&3")
#define VERSION       PROTOCOL_NAME NSISOLATE_VERSION
#define PROTOCOL_NAME "nsisolate "

static void expect_failure(const char *helper, mode_t mode, const char *reason)
{
	struct snapshot before, after;
	struct login login;

	log_forget();
	replace_helper(helper, mode);
	write_stack("test", "session required pam_nsisolate.so\n");
	login_start(&login, "test", "root");
	/* loads the module */
	CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
	CHECK_INT(pam_set_item(login.pamh, PAM_USER, "alice"), PAM_SUCCESS);
	snapshot_take(&before);
	CHECK_INT(login_open(&login, 0), PAM_SYSTEM_ERR);
	snapshot_take(&after);
	snapshot_compare(&before, &after, SNAPSHOT_FDS_TOO | SNAPSHOT_NAMESPACES_TOO);
	CHECK(!login_id(&login));
	CHECK(!has_children());
	CHECK_INT(find_any_init(), 0);
	CHECK_INT(count_records(), 0);
	CHECK_INT(count_logged("refused: user=alice"), 1);
	CHECK(logged(reason));
	login_end(&login, PAM_SYSTEM_ERR);
}

static void missing(void)
{
	expect_failure(NULL, 0, "No such file or directory");
	CHECK(logged(NSISOLATE_HELPER));
}

static void not_executable(void)
{
	expect_failure(SCRIPT("exit 0"), 0644, "Permission denied");
}

static void no_program_at_all(void)
{
	expect_failure("", 0755, "Exec format error");
}

static void interpreter_is_missing(void)
{
	expect_failure("#!/nonexistent\n", 0755, "No such file or directory");
}

static void ends_well_without_an_answer(void)
{
	expect_failure(SCRIPT("exit 0"), 0755, "ended without an answer");
}

static void ends_badly_without_an_answer(void)
{
	expect_failure(SCRIPT("exit 1"), 0755, "ended without an answer");
}

static void is_killed(void)
{
	expect_failure(SCRIPT("kill -9 $$"), 0755, "ended without an answer");
}

static void ends_while_another_process_holds_the_socket(void)
{
	alarm(60);
	expect_failure(SCRIPT("sleep 3 & exit 0"), 0755, "ended without an answer");
}

static void hangs_up_and_stays(void)
{
	alarm(60);
	expect_failure(SCRIPT("exec 3>&-; exec sleep 1000"), 0755, "ended without an answer");
}

static void answers_and_stays(void)
{
	alarm(60);
	expect_failure(SCRIPT(READ "printf '" VERSION "\\0failed\\0why\\0' >&3; exec sleep 1000"), 0755, "why");
}

static void answers_garbage(void)
{
	expect_failure(ANSWER("garbage"), 0755, "Bad message");
}

static void answers_too_much(void)
{
	expect_failure(SCRIPT("exec dd if=/dev/zero of=/dev/fd/3 bs=100000 count=1 2>/dev/null >&3"), 0755,
		       "pam_nsisolate");
}

static void answers_in_another_version(void)
{
	expect_failure(ANSWER("nsisolate 0.0.0\\0opened\\0"), 0755,
		       "\"nsisolate 0.0.0\" and this module is \"" VERSION "\"");
}

static void answers_an_unknown_outcome(void)
{
	expect_failure(ANSWER(VERSION "\\0welcome\\0\\0"), 0755, "Bad message");
}

static void claims_a_session_without_its_descriptor(void)
{
	expect_failure(ANSWER(VERSION "\\0opened\\0\\0"
				      "0123456789ab\\0"
				      "738197504\\0p\\0"
				      "1\\0enforce\\0"
				      "1\\0"
				      "1\\0"
				      "1\\0"
				      "1\\0"
				      "1\\0"
				      "0\\0"
				      "0\\0"
				      "0\\0"),
		       0755, "Bad message");
}

static void hangs_for_ever(void)
{
	const char *wanted = getenv("NSISOLATE_LONG");

	if (wanted && *wanted == '1')
		expect_failure(SCRIPT("exec sleep 1000"), 0755, "Connection timed out");
}

static void sees_no_environment_and_no_descriptor_of_the_caller(void)
{
	CHECK_INT(setenv("SECRET", "of the caller", 1), 0);
	expect_failure(SCRIPT(READ "fds=$(echo /proc/$$/fd/*)\n"
				   "text=\"$(tr '\\0' ' ' </proc/$$/environ)|${fds##*/}\"\n"
				   "printf '" VERSION "\\0failed\\0seen <%s>\\0' \"$text\" >&3"),
		       0755, "seen <|");
	CHECK(!logged("of the caller"));
}

int main(void)
{
	static const struct pam_case cases[] = {
		CASE(missing),
		CASE(not_executable),
		CASE(no_program_at_all),
		CASE(interpreter_is_missing),
		CASE(ends_well_without_an_answer),
		CASE(ends_badly_without_an_answer),
		CASE(is_killed),
		CASE(ends_while_another_process_holds_the_socket),
		CASE(hangs_up_and_stays),
		CASE(answers_and_stays),
		CASE(answers_garbage),
		CASE(answers_too_much),
		CASE(answers_in_another_version),
		CASE(answers_an_unknown_outcome),
		CASE(claims_a_session_without_its_descriptor),
		CASE(hangs_for_ever),
		CASE(sees_no_environment_and_no_descriptor_of_the_caller),
	};

	return run_cases(cases, ELEMENTS(cases));
}
