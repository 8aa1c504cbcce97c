/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/decide.h"
#include "config/text_list.h"
#include "session/plan.h"
#include "session/probe.h"
#include "session/record.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The goldens are in $NSISOLATE_TEST_DATA/plans: a file a row, NAME.txt. */

#define ALL_NAMESPACES (CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID)

static const struct plan_login alice = {
	.names = { .user = "alice",
		   .uid = 3001,
		   .group = "students",
		   .host = "bastion",
		   .session = "0123456789ab",
		   .home = "/home/a/alice" },
	.gid = 4000,
};

static void replace(char **text, const char *with)
{
	free(*text);
	*text = strdup(with);
	assert_non_null(*text);
}

static void change_nothing(struct policy *policy)
{
	(void)policy;
}

static void keep_host_network(struct policy *policy)
{
	policy->network.mode = NETWORK_HOST;
}

static void take_network_without_loopback(struct policy *policy)
{
	policy->network.mode = NETWORK_NONE;
}

static void take_network_of_its_own(struct policy *policy)
{
	policy->network.mode = NETWORK_VETH;
	assert_int_equal(text_list_add(&policy->network.pool, "10.99.0.0/24"), 0);
	assert_int_equal(text_list_add(&policy->network.pool, "fd00:99::/64"), 0);
	assert_int_equal(text_list_add(&policy->network.egress, "any tcp 443"), 0);
	assert_int_equal(text_list_add(&policy->network.egress, "dns"), 0);
	policy->network.masquerade = true;
}

static void enter_a_named_network(struct policy *policy)
{
	policy->network.mode = NETWORK_NAMED;
	policy->network.name = strdup("course");
}

static void leave_by_slirp(struct policy *policy)
{
	policy->network.mode = NETWORK_SLIRP;
}

static void choose_files(struct policy *policy)
{
	replace(&policy->network.resolv_conf, "/etc/lab/resolv.conf");
	replace(&policy->network.hosts, "/etc/lab/hosts");
	replace(&policy->uts.hostname, "lab-%u");
}

/* Whatever the names. */
static void leave_the_hosts_files(struct policy *policy)
{
	enter_a_named_network(policy);
	replace(&policy->network.resolv_conf, "host");
	replace(&policy->network.hosts, "host");
	replace(&policy->uts.hostname, "lab-%u");
}

static void isolate_nothing(struct policy *policy)
{
	policy->network.mode = NETWORK_HOST;
	policy->ipc.isolate = policy->uts.isolate = policy->pid.isolate = policy->mount.isolate = false;
}

/* Mount keys ask for nothing when there is no mount namespace to do it in. */
static void isolate_all_but_mounts(struct policy *policy)
{
	policy->mount.isolate = false;
}

static void hide_processes(struct policy *policy)
{
	policy->mount.proc = PROC_HIDEPID;
	policy->pid.isolate = false;
}

static void keep_host_proc(struct policy *policy)
{
	policy->mount.proc = PROC_HOST;
	policy->pid.isolate = false;
}

static void keep_host_ipc(struct policy *policy)
{
	policy->ipc.isolate = false;
}

static void name_the_host(struct policy *policy)
{
	replace(&policy->uts.hostname, "%h-%u-%s");
	policy->uts.domainname = strdup("%g.%U.example");
}

static void keep_host_runtime_dir(struct policy *policy)
{
	policy->mount.runtime_dir = RUNTIME_DIR_HOST;
}

static void propagate_nothing(struct policy *policy)
{
	policy->mount.propagation = PROPAGATION_PRIVATE;
}

/* Sizes print in the largest unit that divides them; 0 is the file system's default. */
static void size_private_directories(struct policy *policy)
{
	static const struct private_directory sizes[] = {
		{ .size = 3ULL << 30, .inodes = 1000 },
		{ .size = 1536ULL << 10, .inodes = 0 },
	};

	assert_int_equal(policy->mount.private_count, ELEMENTS(sizes));
	for (size_t i = 0; i < ELEMENTS(sizes); i++) {
		policy->mount.private[i].size = sizes[i].size;
		policy->mount.private[i].inodes = sizes[i].inodes;
	}
}

static void have_no_private_directory(struct policy *policy)
{
	for (size_t i = 0; i < policy->mount.private_count; i++)
		free(policy->mount.private[i].path);
	policy->mount.private_count = 0;
}

static void be_held_to_limits(struct policy *policy)
{
	policy->limits = (struct limits){ .memory = 512 << 20, .tasks = 200, .cpu_weight = 50 };
}

static void give_up_privileges(struct policy *policy)
{
	static const char *const names[] = { "cap_sys_admin", "cap_sys_ptrace" };

	policy->privileges.no_new_privileges = true;
	for (size_t i = 0; i < ELEMENTS(names); i++)
		assert_int_equal(text_list_add(&policy->privileges.drop_capabilities, names[i]), 0);
}

static void have_own_control_groups(struct policy *policy)
{
	policy->cgroup.isolate = true;
}

static void count_from_another_boot(struct policy *policy)
{
	policy->time.isolate = true;
	policy->time.boottime_offset = -3600;
}

static void be_root_of_the_session_only(struct policy *policy)
{
	policy->user.map = USER_MAP_IDENTITY;
}

static void be_root_without_mounts(struct policy *policy)
{
	isolate_nothing(policy);
	policy->user.map = USER_MAP_IDENTITY;
}

static void keep_directories(struct policy *policy)
{
	for (size_t i = 0; i < policy->mount.private_count; i++)
		policy->mount.private[i].backing = BACKING_DIRECTORY;
}

static void show_elsewhere(struct policy *policy)
{
	static const struct bind_directory shown[] = {
		{ .path = (char *)"/home/%u/shared", .source = (char *)"/srv/%g" },
		{ .path = (char *)"/opt/tools",
		  .source = (char *)"/srv/tools",
		  .read_only = true,
		  .nosuid = true,
		  .nodev = true,
		  .noexec = true },
	};

	policy->mount.bind = calloc(ELEMENTS(shown), sizeof(*shown));
	assert_non_null(policy->mount.bind);
	for (size_t i = 0; i < ELEMENTS(shown); i++) {
		policy->mount.bind[i] = shown[i];
		policy->mount.bind[i].path = strdup(shown[i].path);
		policy->mount.bind[i].source = strdup(shown[i].source);
	}
	policy->mount.bind_count = ELEMENTS(shown);
}

static void see_engines(struct policy *policy)
{
	policy->mount.hide_engines = false;
}

/* Sorted among the private directories, without the '-' of what may be missing. */
static void hide_and_protect(struct policy *policy)
{
	static const char *const hidden[] = { "/srv/exams", "-/opt/%u", "/opt/alice" };
	static const char *const read_only[] = { "/var", "-/opt", "/srv/%g", "/srv/students" };

	for (size_t i = 0; i < ELEMENTS(hidden); i++)
		assert_int_equal(text_list_add(&policy->mount.hide, hidden[i]), 0);
	for (size_t i = 0; i < ELEMENTS(read_only); i++)
		assert_int_equal(text_list_add(&policy->mount.read_only, read_only[i]), 0);
}

/* Two that hold homes: hers is in one, below another directory; with places within it. */
static void see_own_home(struct policy *policy)
{
	show_elsewhere(policy);
	replace(&policy->mount.bind[0].path, "/home/a/%u/shared");
	policy->mount.homes = HOMES_OWN;
	assert_int_equal(text_list_add(&policy->mount.homes_roots, "-/srv/homes"), 0);
	assert_int_equal(text_list_add(&policy->mount.read_only, "/home/a/%u/lib"), 0);
}

static const struct row {
	const char *golden;
	void (*change)(struct policy *policy);
	unsigned clone_flags;
} rows[] = {
	{ "default", change_nothing, ALL_NAMESPACES },
	{ "network-host", keep_host_network, ALL_NAMESPACES & ~CLONE_NEWNET },
	{ "network-none", take_network_without_loopback, ALL_NAMESPACES },
	{ "network-veth", take_network_of_its_own, ALL_NAMESPACES },
	{ "network-named", enter_a_named_network, ALL_NAMESPACES },
	{ "network-slirp", leave_by_slirp, ALL_NAMESPACES },
	{ "network-files", choose_files, ALL_NAMESPACES },
	{ "network-files-host", leave_the_hosts_files, ALL_NAMESPACES },
	{ "nothing", isolate_nothing, 0 },
	{ "no-mounts", isolate_all_but_mounts, ALL_NAMESPACES & ~CLONE_NEWNS },
	{ "proc-hidepid", hide_processes, ALL_NAMESPACES & ~CLONE_NEWPID },
	{ "proc-host", keep_host_proc, ALL_NAMESPACES & ~CLONE_NEWPID },
	{ "ipc-host", keep_host_ipc, ALL_NAMESPACES & ~CLONE_NEWIPC },
	{ "names", name_the_host, ALL_NAMESPACES },
	{ "runtime-dir-host", keep_host_runtime_dir, ALL_NAMESPACES },
	{ "propagation-private", propagate_nothing, ALL_NAMESPACES },
	{ "private-sizes", size_private_directories, ALL_NAMESPACES },
	{ "private-kept", keep_directories, ALL_NAMESPACES },
	{ "bind", show_elsewhere, ALL_NAMESPACES },
	{ "engines-seen", see_engines, ALL_NAMESPACES },
	{ "hide-read-only", hide_and_protect, ALL_NAMESPACES },
	{ "homes-own", see_own_home, ALL_NAMESPACES },
	{ "privileges", give_up_privileges, ALL_NAMESPACES },
	{ "limits", be_held_to_limits, ALL_NAMESPACES },
	{ "cgroup", have_own_control_groups, ALL_NAMESPACES | CLONE_NEWCGROUP },
	{ "time", count_from_another_boot, ALL_NAMESPACES | CLONE_NEWTIME },
	{ "user-map", be_root_of_the_session_only, ALL_NAMESPACES | CLONE_NEWUSER },
	{ "user-map-alone", be_root_without_mounts, CLONE_NEWUSER },
	{ "private-none", have_no_private_directory, ALL_NAMESPACES },
};

static char *read_golden(const char *name)
{
	const char *data = getenv("NSISOLATE_TEST_DATA");
	_cleanup_free_ char *path = NULL;
	_cleanup_(fclosep) FILE *file = NULL;
	char *text = calloc(1, 8192);

	assert_non_null(data);
	assert_true(asprintf(&path, "%s/plans/%s.txt", data, name) > 0);
	file = fopen(path, "re");
	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	assert_non_null(text);
	assert_true(fread(text, 1, 8191, file) > 0);
	return text;
}

static void plan_is_as_in_its_golden_file(void **state)
{
	const struct row *row = *state;
	_cleanup_(policy_freep) struct policy *policy = NULL;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *problem = NULL;
	_cleanup_free_ char *golden = read_golden(row->golden);
	_cleanup_free_ char *text = NULL;

	assert_int_equal(policy_new_default("default.conf", &policy), 0);
	row->change(policy);
	assert_int_equal(plan_make(policy, &alice, &plan, &problem), 0);
	text = plan_format(plan);
	assert_string_equal(text, golden);
	assert_int_equal(plan->clone_flags, row->clone_flags);
}

/* Makes a plan that cannot be: the sentence, malloced. */
static char *problem_of(const char *hostname, const char *domainname, const struct plan_login *login)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	struct plan *plan = NULL;
	char *problem = NULL;

	assert_int_equal(policy_new_default("default.conf", &policy), 0);
	replace(&policy->uts.hostname, hostname);
	if (domainname)
		policy->uts.domainname = strdup(domainname);
	assert_int_equal(plan_make(policy, login, &plan, &problem), -EINVAL);
	assert_null(plan);
	assert_non_null(problem);
	return problem;
}

static void unknown_group_in_a_name_is_a_problem(void **state)
{
	struct plan_login login = alice;
	_cleanup_free_ char *hostname = NULL;
	_cleanup_free_ char *domainname = NULL;

	(void)state;
	login.names.group = "";
	hostname = problem_of("%g", NULL, &login);
	domainname = problem_of("%h", "%g", &login);
	assert_non_null(strstr(hostname, "%g"));
	assert_non_null(strstr(domainname, "%g"));
}

static struct policy *policy_with_private(const char *const *paths)
{
	struct policy *policy;
	size_t count = 0;

	assert_int_equal(policy_new_default("default.conf", &policy), 0);
	have_no_private_directory(policy);
	for (; paths[count]; count++)
		;
	free(policy->mount.private);
	policy->mount.private = calloc(count + 1, sizeof(*policy->mount.private));
	assert_non_null(policy->mount.private);
	for (; policy->mount.private_count < count; policy->mount.private_count++) {
		struct private_directory *entry = &policy->mount.private[policy->mount.private_count];

		entry->path = strdup(paths[policy->mount.private_count]);
		assert_non_null(entry->path);
	}
	return policy;
}

/* Those after the session's own records. */
static void assert_private_targets(const struct plan *plan, const char *const *targets)
{
	size_t i = 0;

	while (!plan->steps[i].target || strcmp(plan->steps[i].target, RECORD_ROOT) != 0)
		assert_true(++i < plan->count);
	for (i++; plan->steps[i].kind == STEP_MOUNT_TMPFS || plan->steps[i].kind == STEP_HIDE_ENGINE; i++) {
		if (plan->steps[i].kind == STEP_HIDE_ENGINE)
			continue;
		assert_non_null(*targets);
		assert_string_equal(plan->steps[i].target, *targets++);
	}
	assert_null(*targets);
}

static void private_paths_are_expanded_and_sorted_again(void **state)
{
	static const struct {
		const char *paths[5], *targets[5];
	} cases[] = {
		{ { "/home/%u", "/srv/%g/%U", "/tmp" }, { "/home/alice", "/srv/students/3001", "/tmp" } },
		{ { "/srv/a%%b", "/srv/x-%h-%s" }, { "/srv/a%b", "/srv/x-bastion-0123456789ab" } },
		{ { "/srv/%u", "/srv/%u/x", "/srv/alibi", "/srv/zoe" },
		  { "/srv/alibi", "/srv/alice", "/srv/alice/x", "/srv/zoe" } },
		{ { "/srv/%g/deep", "/srv/students" }, { "/srv/students", "/srv/students/deep" } },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_(policy_freep) struct policy *policy = policy_with_private(cases[i].paths);
		_cleanup_(plan_freep) struct plan *plan = NULL;
		_cleanup_free_ char *problem = NULL;

		assert_int_equal(plan_make(policy, &alice, &plan, &problem), 0);
		assert_private_targets(plan, cases[i].targets);
	}
}

static void private_paths_that_this_login_makes_wrong_are_problems(void **state)
{
	static const struct {
		const char *paths[3], *user, *group, *problem;
	} cases[] = {
		{ { "/srv/%u", "/srv/alice" },
		  "alice",
		  "students",
		  "mount.private: '/srv/%u' and '/srv/alice' are the same directory for this login, '/srv/alice'" },
		{ { "/srv/%g", "/srv/%u" },
		  "students",
		  "students",
		  "mount.private: '/srv/%g' and '/srv/%u' are the same directory for this login, '/srv/students'" },
		{ { "/srv/%g" },
		  "alice",
		  "domain users",
		  "mount.private: '%g' in '/srv/%g' is 'domain users' here, which has no place in a path" },
		{ { "/srv/%g" },
		  "alice",
		  "..",
		  "mount.private: '%g' in '/srv/%g' is '..' here, which has no place in a path" },
		{ { "/srv/%g" }, "alice", "", "mount.private: '%g' in '/srv/%g' has no value here" },
		{ { "/srv/%u" },
		  "a/b",
		  "students",
		  "mount.private: '%u' in '/srv/%u' is 'a/b' here, which has no place in a path; use %U" },
		/* the path rules hold for the result, whatever let the pattern through */
		{ { "/%g" }, "alice", "proc", "mount.private: '/proc' is within /proc, which cannot be private" },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_(policy_freep) struct policy *policy = policy_with_private(cases[i].paths);
		_cleanup_free_ char *problem = NULL;
		struct plan_login login = alice;
		struct plan *plan = NULL;

		login.names.user = cases[i].user;
		login.names.group = cases[i].group;
		assert_int_equal(plan_make(policy, &login, &plan, &problem), -EINVAL);
		assert_null(plan);
		assert_string_equal(problem, cases[i].problem);
	}
}

static void places_that_this_login_makes_contradict_are_problems(void **state)
{
	static const struct {
		const char *hide, *read_only, *problem;
	} cases[] = {
		{ "/srv/%g", "/srv/students/x",
		  "mount.read-only: '/srv/students/x' lies below '/srv/students', which mount.hide covers; remove one "
		  "of "
		  "them" },
		{ "/srv/%u", "/srv/alice",
		  "mount.read-only: '/srv/alice' is a directory of mount.hide as well; remove one of them" },
		{ "/srv/%h/%u", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_(policy_freep) struct policy *policy = NULL;
		_cleanup_(plan_freep) struct plan *plan = NULL;
		_cleanup_free_ char *problem = NULL;
		int r;

		assert_int_equal(policy_new_default("default.conf", &policy), 0);
		assert_int_equal(text_list_add(&policy->mount.hide, cases[i].hide), 0);
		if (cases[i].read_only)
			assert_int_equal(text_list_add(&policy->mount.read_only, cases[i].read_only), 0);
		r = plan_make(policy, &alice, &plan, &problem);
		assert_int_equal(r, cases[i].problem ? -EINVAL : 0);
		if (cases[i].problem)
			assert_string_equal(problem, cases[i].problem);
	}
}

static void homes_that_cannot_be_the_only_one_are_problems(void **state)
{
	static const struct {
		const char *home, *hide, *problem;
	} cases[] = {
		{ "/home/alice", NULL, NULL },
		{ "//home/./a/b/", NULL, NULL },
		{ NULL, NULL, "mount.homes: the home directory of alice: '' is no absolute path" },
		{ "", NULL, "mount.homes: the home directory of alice: '' is no absolute path" },
		{ "alice", NULL, "mount.homes: the home directory of alice: 'alice' is no absolute path" },
		{ "/", NULL, "mount.homes: the home directory of alice: '/' cannot be a home of one's own" },
		{ "/home/bob/../alice", NULL,
		  "mount.homes: the home directory of alice: '/home/bob/../alice' has '..' in it" },
		{ "/home/", NULL,
		  "mount.homes: the home directory '/home' of alice lies below none of /home, -/srv/homes "
		  "(mount.homes-roots)" },
		{ "/home2/alice", NULL,
		  "mount.homes: the home directory '/home2/alice' of alice lies below none of /home, -/srv/homes "
		  "(mount.homes-roots)" },
		{ "/home/alice", "/home/alice/x", NULL },
		{ "/home/alice", "-/home/bob",
		  "mount.hide: '/home/bob' lies below '/home', which mount.homes-roots covers; remove one of them" },
		{ "/home/a/alice", "/home/a",
		  "mount.hide: '/home/a' lies below '/home', which mount.homes-roots covers; remove one of them" },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_(policy_freep) struct policy *policy = NULL;
		_cleanup_(plan_freep) struct plan *plan = NULL;
		_cleanup_free_ char *problem = NULL;
		struct plan_login login = alice;
		int r;

		assert_int_equal(policy_new_default("default.conf", &policy), 0);
		policy->mount.homes = HOMES_OWN;
		assert_int_equal(text_list_add(&policy->mount.homes_roots, "-/srv/homes"), 0);
		if (cases[i].hide)
			assert_int_equal(text_list_add(&policy->mount.hide, cases[i].hide), 0);
		login.names.home = cases[i].home;
		r = plan_make(policy, &login, &plan, &problem);
		assert_int_equal(r, cases[i].problem ? -EINVAL : 0);
		if (cases[i].problem)
			assert_string_equal(problem, cases[i].problem);
	}
}

static void long_host_name_is_shortened_to_what_the_kernel_takes(void **state)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *problem = NULL;
	const struct step *hostname = NULL;
	char pattern[201];

	(void)state;
	memset(pattern, 'x', sizeof(pattern) - 1);
	pattern[sizeof(pattern) - 1] = '\0';
	assert_int_equal(policy_new_default("default.conf", &policy), 0);
	replace(&policy->uts.hostname, pattern);
	assert_int_equal(plan_make(policy, &alice, &plan, &problem), 0);
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].kind == STEP_HOSTNAME)
			hostname = &plan->steps[i];
	assert_non_null(hostname);
	assert_true(strlen(hostname->value) > 0 && strlen(hostname->value) <= HOSTNAME_MAX);
}

static void every_kind_of_step_has_a_name_and_a_place(void **state)
{
	(void)state;
	for (int kind = 0; kind < STEP_KINDS; kind++) {
		assert_non_null(step_name((enum step_kind)kind));
		assert_non_null(place_name(step_place((enum step_kind)kind)));
		for (int other = 0; other < kind; other++)
			assert_string_not_equal(step_name((enum step_kind)kind), step_name((enum step_kind)other));
	}
}

/* Before propagation is set a mount would reach the host; the caller's part comes when all else is done. */
static void steps_run_in_the_order_of_their_places(void **state)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *problem = NULL;
	enum place place = PLACE_HOST;
	bool propagation = false;

	(void)state;
	assert_int_equal(policy_new_default("default.conf", &policy), 0);
	assert_int_equal(plan_make(policy, &alice, &plan, &problem), 0);
	for (size_t i = 0; i < plan->count; i++) {
		const struct step *step = &plan->steps[i];

		assert_true(step_place(step->kind) >= place);
		place = step_place(step->kind);
		if (strncmp(step_name(step->kind), "mount-", 6) == 0)
			assert_true(propagation);
		propagation = propagation || step->kind == STEP_PROPAGATION;
	}
}

/* What the helper and the init call for a plan, and nothing that only others need. */
static void plans_need_of_the_kernel_what_their_steps_do(void **state)
{
	static const struct {
		void (*change)(struct policy *policy);
		uint32_t with, without;
	} cases[] = {
		{ change_nothing,
		  1u << NAMESPACE_NETWORK | 1u << NAMESPACE_PID | 1u << PROBE_CLONE3 | 1u << PROBE_PROPAGATION |
			  1u << PROBE_PROC | 1u << PROBE_SYSFS | 1u << PROBE_TMPFS | 1u << PROBE_MQUEUE |
			  1u << PROBE_OPEN_TREE | 1u << PROBE_MOVE_MOUNT,
		  1u << NAMESPACE_USER | 1u << NAMESPACE_CGROUP | 1u << NAMESPACE_TIME },
		{ keep_host_network, 1u << PROBE_PROC, 1u << NAMESPACE_NETWORK | 1u << PROBE_SYSFS },
		{ enter_a_named_network, 1u << PROBE_SYSFS, 1u << NAMESPACE_NETWORK },
		{ keep_host_ipc, 1u << PROBE_PROC, 1u << NAMESPACE_IPC | 1u << PROBE_MQUEUE },
		{ isolate_all_but_mounts, 1u << NAMESPACE_PID | 1u << PROBE_CLONE3,
		  1u << NAMESPACE_MOUNT | 1u << PROBE_PROPAGATION | 1u << PROBE_TMPFS | 1u << PROBE_MOVE_MOUNT },
		{ have_own_control_groups, 1u << NAMESPACE_CGROUP | 1u << PROBE_MOVE_MOUNT, 1u << NAMESPACE_TIME },
		{ count_from_another_boot, 1u << NAMESPACE_TIME, 1u << NAMESPACE_CGROUP },
		{ be_root_of_the_session_only, 1u << NAMESPACE_USER | 1u << NAMESPACE_MOUNT, 1u << NAMESPACE_TIME },
		{ isolate_nothing, 1u << PROBE_CLONE3 | 1u << PROBE_PIDFD, ~(1u << PROBE_CLONE3 | 1u << PROBE_PIDFD) },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_(policy_freep) struct policy *policy = NULL;
		_cleanup_(plan_freep) struct plan *plan = NULL;
		_cleanup_free_ char *problem = NULL;

		assert_int_equal(policy_new_default("default.conf", &policy), 0);
		cases[i].change(policy);
		assert_int_equal(plan_make(policy, &alice, &plan, &problem), 0);
		assert_int_equal(probe_needs(plan) & cases[i].with, cases[i].with);
		assert_int_equal(probe_needs(plan) & cases[i].without, 0);
	}
	for (unsigned probe = 0; probe < PROBES; probe++)
		assert_non_null(probe_name(probe));
}

static void freeing_no_plan_does_nothing(void **state)
{
	(void)state;
	assert_null(plan_free(NULL));
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(unknown_group_in_a_name_is_a_problem),
		cmocka_unit_test(private_paths_are_expanded_and_sorted_again),
		cmocka_unit_test(private_paths_that_this_login_makes_wrong_are_problems),
		cmocka_unit_test(places_that_this_login_makes_contradict_are_problems),
		cmocka_unit_test(homes_that_cannot_be_the_only_one_are_problems),
		cmocka_unit_test(long_host_name_is_shortened_to_what_the_kernel_takes),
		cmocka_unit_test(every_kind_of_step_has_a_name_and_a_place),
		cmocka_unit_test(steps_run_in_the_order_of_their_places),
		cmocka_unit_test(plans_need_of_the_kernel_what_their_steps_do),
		cmocka_unit_test(freeing_no_plan_does_nothing),
	};
	struct CMUnitTest tests[ELEMENTS(rows) + ELEMENTS(others)];

	for (size_t i = 0; i < ELEMENTS(rows); i++)
		tests[i] = (struct CMUnitTest){
			.name = rows[i].golden,
			.test_func = plan_is_as_in_its_golden_file,
			.initial_state = (void *)&rows[i],
		};
	memcpy(&tests[ELEMENTS(rows)], others, sizeof(others));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
