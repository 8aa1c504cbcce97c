/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* Module lines and their arguments, who is passed and who is refused, and what is said about it. */

#include "pam/harness.h"

#include <fcntl.h>
#include <sys/stat.h>

#define MODULE "pam_nsisolate.so"

/* Opens with one module line and, when that went well, closes. PAM's value for the opening. */
static int try_login(struct login *login, const char *user, const char *arguments)
{
	int r;

	log_forget();
	/* libpam refuses where every line is ignored */
	write_stack("test", "session required " MODULE " %s\nsession required pam_permit.so\n", arguments);
	login_start(login, "test", user);
	r = login_open(login, 0);
	CHECK(r != PAM_SUCCESS || !login_id(login) == (find_init() == 0));
	return r;
}

static void leave(struct login *login)
{
	CHECK_INT(login_close(login, 0), PAM_SUCCESS);
	login_end(login, PAM_SUCCESS);
	CHECK_INT(count_records(), 0);
}

static void expect_isolated(const char *user, const char *arguments)
{
	struct login login;

	CHECK_INT(try_login(&login, user, arguments), PAM_SUCCESS);
	CHECK(login_id(&login));
	leave(&login);
	CHECK_INT(count_logged("session opened: id="), 1);
}

/* Passed without a session; reason: what the log says, NULL: nothing. */
static void expect_passed(const char *user, const char *arguments, const char *reason)
{
	struct login login;

	CHECK_INT(try_login(&login, user, arguments), PAM_SUCCESS);
	CHECK(!login_id(&login));
	CHECK_INT(find_any_init(), 0);
	leave(&login);
	if (reason)
		CHECK(logged(reason));
	else
		CHECK(!logged("pam_nsisolate"));
	CHECK(!logged("refused"));
	CHECK_INT(strlen(login.said), 0);
}

static void expect_refused(const char *user, const char *arguments, int value, const char *reason)
{
	struct login login;

	CHECK_INT(try_login(&login, user, arguments), value);
	CHECK(!login_id(&login));
	CHECK_INT(find_any_init(), 0);
	login_end(&login, value);
	CHECK_INT(count_logged("refused: user="), 1);
	CHECK(logged(reason));
	CHECK_INT(count_records(), 0);
}

static void two_lines_make_one_session(void)
{
	struct login login;

	write_stack("test", "session required " MODULE "\nsession required " MODULE " debug\n");
	login_start(&login, "test", "alice");
	CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
	CHECK_INT(count_logged("session opened: id="), 1);
	CHECK(logged("an earlier line of the stack opened the session"));
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	CHECK_INT(count_logged("session closed: id="), 1);
	login_end(&login, PAM_SUCCESS);
}

/* As su-l includes su. */
static void included_line_makes_no_second_session(void)
{
	struct login login;

	write_stack("su", "session required " MODULE " close\nsession required " MODULE " open\n");
	write_stack("su-l", "session include " STACKS "/su\nsession required " MODULE "\n");
	login_start(&login, "su-l", "alice");
	CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	CHECK_INT(count_logged("session opened: id="), 1);
	CHECK_INT(count_logged("session closed: id="), 1);
	login_end(&login, PAM_SUCCESS);
}

/* The line that comes second repeats the answer, and asks, logs and says nothing. */
static void included_line_refuses_once(void)
{
	static const struct {
		const char *policy; /* NULL: there is no helper */
		int value;
		const char *said;
	} cases[] = {
		{ "nonsense", PAM_PERM_DENIED, "Your login policy is broken; tell the administrator.\n" },
		{ NULL, PAM_SYSTEM_ERR, "Your session could not be isolated; tell the administrator.\n" },
	};

	write_stack("su", "session required " MODULE "\n");
	write_stack("su-l", "session include " STACKS "/su\nsession required " MODULE " debug\n");
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		struct login login;

		log_forget();
		set_policy("default.conf", cases[i].policy ? cases[i].policy : "");
		if (!cases[i].policy)
			replace_helper(NULL, 0);
		login_start(&login, "su-l", "alice");
		CHECK_INT(login_open(&login, 0), cases[i].value);
		CHECK_INT(strcmp(login.said, cases[i].said), 0);
		CHECK_INT(count_logged("user=alice"), 2);
		CHECK_INT(count_logged("refused: user=alice"), 1);
		CHECK_INT(count_logged("an earlier line of the stack refused the login"), 1);
		login_end(&login, cases[i].value);
	}
}

static void refusal_is_of_one_user_until_a_close(void)
{
	struct login login;

	set_policy("user/alice.conf", "nonsense");
	write_stack("test", "session required " MODULE "\n");
	login_start(&login, "test", "alice");
	CHECK_INT(login_open(&login, 0), PAM_PERM_DENIED);
	CHECK_INT(pam_set_item(login.pamh, PAM_USER, "bob"), PAM_SUCCESS);
	CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	CHECK_INT(pam_set_item(login.pamh, PAM_USER, "alice"), PAM_SUCCESS);
	CHECK_INT(login_open(&login, 0), PAM_PERM_DENIED);
	CHECK_INT(count_logged("refused: user=alice"), 2);
	/* libpam gives the result of the opening again */
	CHECK_INT(login_close(&login, 0), PAM_PERM_DENIED);
	set_policy("user/alice.conf", "");
	CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
	leave(&login);
}

static void close_first_and_open_last_share_the_work(void)
{
	struct login login;
	uint64_t host = children_namespace(getpid());

	write_stack("test", "session required " MODULE " close\nsession required pam_permit.so\n"
			    "session required " MODULE " open\n");
	login_start(&login, "test", "alice");
	CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
	CHECK(children_namespace(getpid()) != host);
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	CHECK_INT(children_namespace(getpid()), host);
	CHECK_INT(count_logged("session opened: id="), 1);
	CHECK_INT(count_logged("session closed: id="), 1);
	login_end(&login, PAM_SUCCESS);
}

/* pam_end(3) is then what closes. */
static void line_with_open_alone_never_closes(void)
{
	struct login login;

	write_stack("test", "session required " MODULE " open\nsession required pam_permit.so\n");
	login_start(&login, "test", "alice");
	CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	CHECK(find_init() > 0);
	login_end(&login, PAM_SUCCESS);
	CHECK_INT(find_any_init(), 0);
}

static void line_with_close_alone_never_opens(void)
{
	struct login login;

	write_stack("test", "session required " MODULE " close\nsession required pam_permit.so\n");
	login_start(&login, "test", "alice");
	CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
	CHECK_INT(find_any_init(), 0);
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	CHECK(!logged("session opened"));
	login_end(&login, PAM_SUCCESS);
}

static void wrong_arguments_refuse_users_and_pass_root(void)
{
	static const char *const wrong[] = {
		"nonsense",
		"optional optional",
		"optional=yes",
		"policy=relative/path",
		"policy=",
		"policy",
		"exempt=",
		"exempt",
		"open open",
		"Optional",
		"policy=/etc/security/nsisolate policy=/etc/security/nsisolate",
	};

	for (size_t i = 0; i < ELEMENTS(wrong); i++) {
		expect_refused("alice", wrong[i], PAM_SYSTEM_ERR, "step arguments: '");
		expect_passed("root", wrong[i], "not isolated: user=root");
	}
	/* an exemption is not believed when it stands beside a mistake */
	expect_refused("alice", "nonsense exempt=alice", PAM_SYSTEM_ERR, "step arguments: 'nonsense'");
	/* nor does "close" alone hide one */
	expect_refused("alice", "close nonsense", PAM_SYSTEM_ERR, "step arguments: 'nonsense'");
}

/* Wherever the mistake stands: one log line, one sentence to the user, and no session for what is refused anyway. */
static void wrong_argument_is_told_once_a_login(void)
{
	static const struct {
		const char *close, *open;
	} stacks[] = {
		{ "close nonsense", "open nonsense" },
		{ "close nonsense", "open" },
		{ "close", "open nonsense" },
	};

	for (size_t i = 0; i < ELEMENTS(stacks); i++) {
		struct login login;

		log_forget();
		write_stack("test",
			    "session required " MODULE " %s\nsession required pam_permit.so\nsession required " MODULE
			    " %s\n",
			    stacks[i].close, stacks[i].open);
		login_start(&login, "test", "alice");
		CHECK_INT(login_open(&login, 0), PAM_SYSTEM_ERR);
		CHECK_INT(find_any_init(), 0);
		CHECK_INT(strcmp(login.said, "Your session could not be isolated; tell the administrator.\n"), 0);
		login_end(&login, PAM_SYSTEM_ERR);
		CHECK_INT(count_logged("step arguments: 'nonsense'"), 1);
		CHECK_INT(count_logged("user=alice"), 1);

		log_forget();
		login_start(&login, "test", "root");
		CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
		leave(&login);
		CHECK_INT(count_logged("in spite of argument 'nonsense'"), 1);
	}
}

static void policy_directory_is_an_argument(void)
{
	CHECK_INT(mkdir("/etc/security/elsewhere", 0755), 0);
	expect_refused("alice", "policy=/etc/security/elsewhere", PAM_PERM_DENIED, "no policy file is theirs");
	write_text("/etc/security/elsewhere/default.conf", "", 0644);
	expect_isolated("alice", "policy=/etc/security/elsewhere");
	CHECK_INT(unlink("/etc/security/elsewhere/default.conf"), 0);
	CHECK_INT(rmdir("/etc/security/elsewhere"), 0);
}

static void exempt_users_are_passed_before_any_policy(void)
{
	set_policy("default.conf", "nonsense");
	expect_passed("alice", "exempt=alice", "exempt=alice");
	expect_passed("alice", "exempt=bob,alice", "exempt=alice");
	expect_refused("alice", "exempt=bob", PAM_PERM_DENIED, "default.conf");
	expect_refused("alice", "exempt=alic", PAM_PERM_DENIED, "default.conf");
	expect_refused("alice", "exempt=alicealice", PAM_PERM_DENIED, "default.conf");
}

static void exempt_groups_are_passed(void)
{
	expect_passed("carol", "exempt=@students", "exempt=@students");
	expect_passed("carol", "exempt=@carol", "exempt=@carol");
	expect_isolated("alice", "exempt=@students");
}

static void exempt_group_that_cannot_be_resolved_refuses(void)
{
	expect_refused("alice", "exempt=@nosuchgroup", PAM_SYSTEM_ERR, "group nosuchgroup cannot be resolved");
	/* but one that is named otherwise is named */
	expect_passed("alice", "exempt=@nosuchgroup,alice", "exempt=alice");
}

static void nobody_is_exempt_by_a_file_name_of_theirs(void)
{
	/* exempt= names users, never patterns */
	expect_isolated("alice", "exempt=*");
	expect_isolated("alice", "exempt=ALICE");
}

static void user_without_any_policy_is_refused_unless_optional(void)
{
	CHECK_INT(unlink(NSISOLATE_POLICY_DIRECTORY "/default.conf"), 0);
	expect_refused("alice", "", PAM_PERM_DENIED, "no policy file is theirs");
	expect_passed("alice", "optional", "no policy file is theirs");
	set_policy("user/alice.conf", "");
	expect_isolated("alice", "optional");
}

static void optional_passes_nothing_else(void)
{
	set_policy("default.conf", "nonsense");
	expect_refused("alice", "optional", PAM_PERM_DENIED, "default.conf:1");
	CHECK_INT(chmod(NSISOLATE_POLICY_DIRECTORY, 0777), 0);
	expect_refused("alice", "optional", PAM_PERM_DENIED, "step find");
	CHECK_INT(chmod(NSISOLATE_POLICY_DIRECTORY, 0755), 0);
	expect_refused("alice", "optional policy=/nonexistent", PAM_PERM_DENIED, "step find");
}

static void mode_off_passes_and_logs(void)
{
	set_policy("default.conf", "mode = \"off\"\n");
	expect_passed("alice", "", "default.conf says mode \"off\"");
}

static void mode_of_the_nearest_file_counts(void)
{
	set_policy("default.conf", "mode = \"off\"\n");
	set_policy("user/alice.conf", "");
	set_policy("group/students.conf", "");
	expect_isolated("alice", "");
	expect_isolated("carol", "");
	expect_passed("bob", "", "mode \"off\"");
}

static void files_that_others_could_write_refuse(void)
{
	CHECK_INT(chmod(NSISOLATE_POLICY_DIRECTORY "/default.conf", 0666), 0);
	expect_refused("alice", "", PAM_PERM_DENIED, "default.conf");
	CHECK_INT(chmod(NSISOLATE_POLICY_DIRECTORY "/default.conf", 0644), 0);
	CHECK_INT(chown(NSISOLATE_POLICY_DIRECTORY "/default.conf", ALICE, ALICE), 0);
	expect_refused("alice", "", PAM_PERM_DENIED, "default.conf");
}

static void file_of_another_user_does_not_matter(void)
{
	set_policy("user/bob.conf", "nonsense");
	expect_isolated("alice", "");
	expect_refused("bob", "", PAM_PERM_DENIED, "user/bob.conf:1");
}

static void file_of_a_group_that_nobody_knows_refuses_everyone(void)
{
	set_policy("group/nosuchgroup.conf", "");
	expect_refused("alice", "", PAM_PERM_DENIED, "group/nosuchgroup.conf");
}

static void root_is_passed_before_anything_can_break(void)
{
	expect_passed("root", "", NULL);
	replace_helper(NULL, 0);
	expect_passed("root", "", NULL);
	set_policy("default.conf", "nonsense");
	expect_passed("root", "", NULL);
	CHECK_INT(chmod(NSISOLATE_POLICY_DIRECTORY, 0777), 0);
	expect_passed("root", "", NULL);
	expect_passed("root", "policy=/nonexistent", NULL);
	CHECK_INT(rename("/etc/passwd", "/etc/passwd.away"), 0);
	expect_passed("root", "", NULL);
	CHECK_INT(rename("/etc/passwd.away", "/etc/passwd"), 0);
}

static void root_is_isolated_by_a_file_of_its_own(void)
{
	set_policy("user/root.conf", "");
	expect_isolated("root", "");
	expect_passed("root", "exempt=root", "exempt=root");
	set_policy("user/root.conf", "nonsense");
	expect_refused("root", "", PAM_PERM_DENIED, "user/root.conf:1");
}

static void system_user_is_decided_by_a_file_of_its_own_alone(void)
{
	expect_passed("sysdaemon", "", "system user");
	set_policy("default.conf", "nonsense");
	expect_passed("sysdaemon", "", "system user");
	set_policy("user/sysdaemon.conf", "");
	expect_isolated("sysdaemon", "");
}

static void names_are_what_nss_knows(void)
{
	static const char *const names[] = {
		"Alice", "ALICE",  "alice ", "nobodyknowsme", "../user/alice", "alice/",  ".",
		"..",    ".alice", "",       "@students",     "3001",          "alice\n",
	};

	set_policy("user/alice.conf", "");
	for (size_t i = 0; i < ELEMENTS(names); i++)
		expect_refused(names[i], "", PAM_SYSTEM_ERR, "step user: ");
}

static void name_over_any_length_is_refused(void)
{
	char name[1001];

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	expect_refused(name, "", PAM_SYSTEM_ERR, "step user: ");
	name[251] = '\0';
	expect_refused(name, "", PAM_SYSTEM_ERR, "step user: ");
}

static void user_manager_is_refused_and_told_nothing(void)
{
	struct login login;

	write_stack("systemd-user", "session required " MODULE "\n");
	login_start(&login, "systemd-user", "alice");
	CHECK_INT(login_open(&login, 0), PAM_PERM_DENIED);
	CHECK_INT(strlen(login.said), 0);
	CHECK(logged("denied: user=alice"));
	CHECK(logged("user-manager = \"refuse\""));
	login_end(&login, PAM_PERM_DENIED);
	set_policy("default.conf", "user-manager = \"allow\"\n");
	login_start(&login, "systemd-user", "alice");
	CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
	CHECK_INT(find_any_init(), 0);
	CHECK(logged("user-manager = \"allow\""));
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	login_end(&login, PAM_SUCCESS);
}

static void user_is_told_one_plain_sentence(void)
{
	struct login login;

	set_policy("default.conf", "nonsense");
	CHECK_INT(try_login(&login, "alice", ""), PAM_PERM_DENIED);
	CHECK_INT(strcmp(login.said, "Your login policy is broken; tell the administrator.\n"), 0);
	login_end(&login, PAM_PERM_DENIED);
	CHECK_INT(unlink(NSISOLATE_POLICY_DIRECTORY "/default.conf"), 0);
	CHECK_INT(try_login(&login, "alice", ""), PAM_PERM_DENIED);
	CHECK_INT(strcmp(login.said, "You have no login policy; tell the administrator.\n"), 0);
	login_end(&login, PAM_PERM_DENIED);
	set_policy("default.conf", "");
	replace_helper(NULL, 0);
	CHECK_INT(try_login(&login, "alice", ""), PAM_SYSTEM_ERR);
	CHECK_INT(strcmp(login.said, "Your session could not be isolated; tell the administrator.\n"), 0);
	login_end(&login, PAM_SYSTEM_ERR);
}

static void silence_is_kept_when_asked_for(void)
{
	struct login login;

	set_policy("default.conf", "nonsense");
	write_stack("test", "session required " MODULE "\n");
	login_start(&login, "test", "alice");
	CHECK_INT(login_open(&login, PAM_SILENT), PAM_PERM_DENIED);
	CHECK_INT(strlen(login.said), 0);
	CHECK_INT(count_logged("refused: user=alice"), 1);
	login_end(&login, PAM_PERM_DENIED);
}

static void nothing_is_said_of_a_session_that_opens(void)
{
	struct login login;

	login_in(&login, "alice");
	CHECK_INT(strlen(login.said), 0);
	login_out(&login);
}

/* The log is read by programs: a remote host name must not forge a line or a field of its own. */
static void hostile_items_do_not_break_the_log(void)
{
	struct login login;

	write_stack("test", "session required " MODULE "\n");
	login_start(&login, "test", "alice");
	CHECK_INT(pam_set_item(login.pamh, PAM_RHOST, "x\nsession opened: id=forged user=root"), PAM_SUCCESS);
	CHECK_INT(pam_set_item(login.pamh, PAM_TTY, "%n%s%s"), PAM_SUCCESS);
	CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
	CHECK(!logged("\nsession opened: id=forged"));
	leave(&login);
}

static void users_cannot_choose_their_id(void)
{
	struct login login;

	write_stack("test", "session required " MODULE "\n");
	login_start(&login, "test", "alice");
	CHECK_INT(pam_putenv(login.pamh, "NSISOLATE_ID=000000000000"), PAM_SUCCESS);
	CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
	CHECK(strcmp(login_id(&login), "000000000000") != 0);
	leave(&login);
}

int main(void)
{
	static const struct pam_case cases[] = {
		CASE(two_lines_make_one_session),
		CASE(included_line_makes_no_second_session),
		CASE(included_line_refuses_once),
		CASE(refusal_is_of_one_user_until_a_close),
		CASE(close_first_and_open_last_share_the_work),
		CASE(line_with_open_alone_never_closes),
		CASE(line_with_close_alone_never_opens),
		CASE(wrong_arguments_refuse_users_and_pass_root),
		CASE(wrong_argument_is_told_once_a_login),
		CASE(policy_directory_is_an_argument),
		CASE(exempt_users_are_passed_before_any_policy),
		CASE(exempt_groups_are_passed),
		CASE(exempt_group_that_cannot_be_resolved_refuses),
		CASE(nobody_is_exempt_by_a_file_name_of_theirs),
		CASE(user_without_any_policy_is_refused_unless_optional),
		CASE(optional_passes_nothing_else),
		CASE(mode_off_passes_and_logs),
		CASE(mode_of_the_nearest_file_counts),
		CASE(files_that_others_could_write_refuse),
		CASE(file_of_another_user_does_not_matter),
		CASE(file_of_a_group_that_nobody_knows_refuses_everyone),
		CASE(root_is_passed_before_anything_can_break),
		CASE(root_is_isolated_by_a_file_of_its_own),
		CASE(system_user_is_decided_by_a_file_of_its_own_alone),
		CASE(names_are_what_nss_knows),
		CASE(name_over_any_length_is_refused),
		CASE(user_manager_is_refused_and_told_nothing),
		CASE(user_is_told_one_plain_sentence),
		CASE(silence_is_kept_when_asked_for),
		CASE(nothing_is_said_of_a_session_that_opens),
		CASE(hostile_items_do_not_break_the_log),
		CASE(users_cannot_choose_their_id),
	};

	return run_cases(cases, ELEMENTS(cases));
}
