/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* A PAM library that cannot store what the module hands it. */

#include "pam/harness.h"

#include <dlfcn.h>
#include <security/pam_modules.h>

#define OPEN "session required pam_nsisolate.so\n"

/* The name of the data, or the variable's beginning, that is refused in this case. */
static const char *refused;

/* The program's own come before libpam's, for the module, too. */
__attribute__((visibility("default"))) int pam_set_data(pam_handle_t *pamh, const char *name, void *data,
							void (*cleanup)(pam_handle_t *pamh, void *data, int status))
{
	const __typeof__(&pam_set_data) real = (__typeof__(&pam_set_data))dlsym(RTLD_NEXT, "pam_set_data");

	/* taking away needs no memory */
	return data && refused && strcmp(name, refused) == 0 ? PAM_BUF_ERR : real(pamh, name, data, cleanup);
}

__attribute__((visibility("default"))) int pam_putenv(pam_handle_t *pamh, const char *name_value)
{
	const __typeof__(&pam_putenv) real = (__typeof__(&pam_putenv))dlsym(RTLD_NEXT, "pam_putenv");

	return refused && strncmp(name_value, refused, strlen(refused)) == 0 ? PAM_BUF_ERR : real(pamh, name_value);
}

static void a_session_that_cannot_be_kept_is_left_and_refused(void)
{
	static const char *const kept[] = { "nsisolate_session", "NSISOLATE_ID=" };
	uint64_t before[NAMESPACE_KINDS], after[NAMESPACE_KINDS];
	uint64_t children = children_namespace(getpid());
	struct login login;

	read_namespaces(getpid(), before);
	write_stack("test", OPEN);
	for (size_t i = 0; i < ELEMENTS(kept); i++) {
		refused = kept[i];
		log_forget();
		login_start(&login, "test", "alice");
		CHECK_INT(login_open(&login, 0), PAM_SYSTEM_ERR);
		CHECK(logged("step keep: PAM could not store the session"));
		CHECK(!login_id(&login));
		read_namespaces(getpid(), after);
		CHECK_INT(memcmp(before, after, sizeof(before)), 0);
		CHECK_INT(children_namespace(getpid()), children);
		CHECK_INT(count_records(), 0);
		login_end(&login, PAM_SYSTEM_ERR);
	}
}

static void a_record_of_audit_that_cannot_be_kept_passes_and_goes(void)
{
	struct login login;

	set_policy("default.conf", "mode = \"audit\"\n");
	write_stack("test", OPEN);
	refused = "nsisolate_session";
	login_start(&login, "test", "alice");
	CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
	CHECK(logged("would isolate, but PAM could not store that"));
	CHECK_INT(count_records(), 0);
	login_end(&login, PAM_SUCCESS);
}

/* What an earlier line would have told a later one is found out, and said, again. */
static void a_refusal_that_cannot_be_kept_is_one_of_each_line(void)
{
	static const struct {
		const char *refused;
		size_t said;
	} cases[] = { { NULL, 1 }, { "nsisolate_refusal", 2 } };
	struct login login;

	set_policy("default.conf", "mode = \"denied\"\n");
	write_stack("test", OPEN OPEN);
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		refused = cases[i].refused;
		log_forget();
		login_start(&login, "test", "alice");
		CHECK_INT(login_open(&login, 0), PAM_PERM_DENIED);
		CHECK_INT(count_logged("'denied'"), cases[i].said);
		login_end(&login, PAM_PERM_DENIED);
	}
}

static void limits_that_cannot_be_handed_over_refuse_the_login(void)
{
	static const struct {
		const char *refused;
		const char *reason;
	} cases[] = {
		{ "systemd.memory_max", "could not find out what to hand to pam_systemd" },
		{ "nsisolate_limits", "has no line 'session required pam_nsisolate.so close'" },
		/* nothing is refused but by the host, which has no systemd */
		{ NULL, "systemd, whose logind gives a login its control group, does not run here" },
	};
	struct login login;

	set_policy("default.conf", "limits { memory = \"96m\" }\n");
	write_stack("test", "session required pam_nsisolate.so close\nsession required pam_nsisolate.so open\n");
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		refused = cases[i].refused;
		log_forget();
		login_start(&login, "test", "alice");
		CHECK(login_open(&login, 0) != PAM_SUCCESS);
		CHECK(logged(cases[i].reason));
		CHECK_INT(count_records(), 0);
		login_end(&login, PAM_PERM_DENIED);
	}
}

int main(void)
{
	static const struct pam_case cases[] = {
		CASE(a_session_that_cannot_be_kept_is_left_and_refused),
		CASE(a_record_of_audit_that_cannot_be_kept_passes_and_goes),
		CASE(a_refusal_that_cannot_be_kept_is_one_of_each_line),
		CASE(limits_that_cannot_be_handed_over_refuse_the_login),
	};

	return run_cases(cases, ELEMENTS(cases));
}
