/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/*
 * One input through all that reads a policy: parse, check, merge, decide and plan. The input is the text of a file,
 * and behind a form feed, which no policy can hold, the text of group/base.conf for it to extend.
 *
 * Besides not crashing: no value and no message has anything from the environment; a message is one line; what lint
 * finds right decides a login, and decides it alike; and values written down as a file give the same values.
 */
#include "harness.h"

#include "config/decide.h"
#include "config/explain.h"
#include "config/keys.h"
#include "config/scan.h"
#include "config/text_list.h"
#include "session/plan.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define CANARY    "CANARY-5b1d09"
#define FILE_NAME "group/students.conf"
#define BASE_NAME "base.conf"

#define MUST(condition, ...)                                                                  \
	do {                                                                                  \
		if (!(condition)) {                                                           \
			(void)fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition); \
			(void)fprintf(stderr, __VA_ARGS__);                                   \
			(void)fputc('\n', stderr);                                            \
			abort();                                                              \
		}                                                                             \
	} while (0)

static const char *const variables[] = {
	"FOO", "HOME", "USER", "LOGNAME", "SHELL", "A", "a", "x", "_", "mode", "CONFUSE", "LANG", "LC_ALL",
};

static const char base_text[] = "network { mode = \"none\" }\n"
				"services = {\"sshd\"}\n"
				"service \"cron\" { network { mode = \"host\" } }\n"
				"mount { private \"/srv/base\" { size = \"1m\" } }\n";

static char directory[4096]; /* of the policies */
static struct policy_root root = { .fd = -1, .flags = FIND_ANY_OWNER };
static int group_fd = -1, base_fd = -1;
static bool look_for_canary; /* unless the input itself has it */

/* --- the policy directory --- */

static void remove_directory(void)
{
	(void)unlinkat(group_fd, BASE_NAME, 0);
	(void)unlinkat(root.fd, "group", AT_REMOVEDIR);
	(void)rmdir(directory);
}

static void make_directory(void)
{
	const char *parent = getenv("TMPDIR");

	(void)snprintf(directory, sizeof(directory), "%s/fuzz-policy.XXXXXX", parent ? parent : "/tmp");
	MUST(mkdtemp(directory), "%s: %m", directory);
	root.fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MUST(root.fd >= 0 && mkdirat(root.fd, "group", 0755) == 0, "%s: %m", directory);
	group_fd = openat(root.fd, "group", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	base_fd = openat(group_fd, BASE_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	MUST(base_fd >= 0, "%s: %m", directory);
	root.open = true;
	(void)atexit(remove_directory);
}

/* Who reads a policy waits for a file that has just been written to. */
static void make_old(int fd)
{
	static const struct timespec times[] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	MUST(futimens(fd, times) == 0, "%m");
}

/* Seldom, and never cut to nothing first: ext4 would then wait for the disk at every close(2). */
static void write_base(const char *text, size_t size)
{
	static char written[POLICY_FILE_MAX];
	static size_t written_size;

	if (size == written_size && memcmp(text, written, size) == 0)
		return;
	MUST(pwrite(base_fd, text, size, 0) == (ssize_t)size && ftruncate(base_fd, (off_t)size) == 0, "%m");
	make_old(base_fd);
	memcpy(written, text, size);
	written_size = size;
}

/* --- what must hold --- */

static void check_text(const char *what, const char *text)
{
	MUST(!look_for_canary || !strstr(text, CANARY), "the environment reached %s: %s", what, text);
	for (const char *at = text; *at; at++)
		MUST((unsigned char)*at >= ' ' && *at != '\177', "a control character in %s: %s", what, text);
}

static void check_diagnostics(const struct diagnostics *diag)
{
	for (size_t i = 0; i < diag->count; i++) {
		_cleanup_free_ char *line = diagnostic_format(&diag->items[i]);

		MUST(line, "no memory");
		check_text("a message", line);
	}
}

/* --- values as text --- */

struct writer {
	FILE *stream;
	char section[64];            /* that is open; "" for none */
	char title[POLICY_FILE_MAX]; /* likewise within it */
	bool as_file;
};

static void put_quoted(FILE *stream, const char *text)
{
	(void)fputc('"', stream);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			(void)fputc('\\', stream);
		(void)fputc(*text, stream);
	}
	(void)fputc('"', stream);
}

static void close_title(struct writer *writer)
{
	if (writer->title[0])
		(void)fputs("}\n", writer->stream);
	writer->title[0] = '\0';
}

static void close_section(struct writer *writer)
{
	close_title(writer);
	if (writer->section[0])
		(void)fputs("}\n", writer->stream);
	writer->section[0] = '\0';
}

/* section: "", "mount" or "mount.private"; title: of the latter, or "" */
static void enter(struct writer *writer, const char *section, const char *title)
{
	char outer[64];

	(void)snprintf(outer, sizeof(outer), "%.*s", (int)strcspn(section, "."), section);
	if (strcmp(writer->section, outer) != 0) {
		close_section(writer);
		if (outer[0])
			(void)fprintf(writer->stream, "%s {\n", outer);
		(void)snprintf(writer->section, sizeof(writer->section), "%s", outer);
	}
	if (strcmp(writer->title, title) == 0)
		return;
	close_title(writer);
	if (title[0]) {
		(void)fprintf(writer->stream, "%s ", strchr(section, '.') + 1);
		put_quoted(writer->stream, title);
		(void)fputs(" {\n", writer->stream);
	}
	(void)snprintf(writer->title, sizeof(writer->title), "%s", title);
}

static bool is_list(const char *key)
{
	for (enum policy_key i = 0; i < POLICY_KEYS; i++)
		if (strcmp(policy_keys[i].name, key) == 0)
			return policy_keys[i].type == VALUE_LIST;
	return false;
}

/* "mode", "network.mode" or "mount.private \"/tmp\".size" */
static void write_statement(struct writer *writer, const char *key, const char *value)
{
	_cleanup_free_ char *section = strdup(key), *title = strdup("");
	const char *leaf = strrchr(key, '.'), *quote = strchr(key, '"');

	if (!value[0])
		return;
	MUST(section && title, "no memory");
	section[leaf ? leaf - key : 0] = '\0';
	if (quote) {
		free(title);
		title = strndup(quote + 1, (size_t)(leaf - 1 - quote - 1));
		MUST(title, "no memory");
		section[quote - 1 - key] = '\0';
	}
	enter(writer, section, title);
	(void)fprintf(writer->stream, "%s = ", leaf ? leaf + 1 : key);
	if (is_list(key))
		/* a line each: an item may have a ',' of its own, but no quote */
		for (char before = '\0'; *value; before = *value++)
			(void)fprintf(writer->stream, *value == ',' && before == '"' ? ",\n" : "%c", *value);
	else
		put_quoted(writer->stream, value);
	(void)fputc('\n', writer->stream);
}

static int on_value(const char *key, const char *value, const struct origin *origin, void *data)
{
	struct writer *writer = data;

	check_text("a key", key);
	check_text("a value", value);
	MUST(!origin->file || origin->line > 0, "%s has no line", key);
	/* a default written down may contradict another key; an empty private section cannot be left out */
	if (writer->as_file && !origin->file && !(strchr(key, '"') && strcmp(strrchr(key, '.'), ".backing") == 0))
		return 0;
	if (writer->as_file)
		write_statement(writer, key, value);
	else
		(void)fprintf(writer->stream, "%s=%s\n", key, value);
	return 0;
}

/* Every value, a line each, or as a policy file. */
static char *values_of(const struct policy *policy, bool as_file)
{
	static struct writer writer;
	char *text = NULL;
	size_t size;

	writer = (struct writer){ .stream = open_memstream(&text, &size), .as_file = as_file };
	MUST(writer.stream, "no memory");
	MUST(policy_foreach_value(policy, on_value, &writer) == 0, "values cannot be shown");
	close_section(&writer);
	MUST(fclose(writer.stream) == 0, "no memory");
	return text;
}

static bool has_long_line(const char *text)
{
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		if (strcspn(text, "\n") > SCAN_LINE_MAX)
			return true;
	return false;
}

/* It may have lists and sections of two files, and sections that are always there. */
static bool has_more_than_a_file(const struct policy *policy)
{
	const size_t others = 10; /* sections without titles */

	return text_list_count(policy->services) > SCAN_VALUES_MAX || text_list_count(policy->from) > SCAN_VALUES_MAX ||
	       text_list_count(policy->mount.hide) > SCAN_VALUES_MAX ||
	       text_list_count(policy->mount.read_only) > SCAN_VALUES_MAX ||
	       policy->mount.private_count + policy->mount.bind_count + others > SCAN_SECTIONS_MAX;
}

static void check_round_trip(const struct policy *policy)
{
	_cleanup_(policy_freep) struct policy *again = NULL;
	_cleanup_free_ char *values = values_of(policy, false), *file = values_of(policy, true), *second = NULL;
	struct diagnostics diag = { 0 };

	/* quotes need more room than they had */
	if (has_long_line(file) || has_more_than_a_file(policy))
		return;
	MUST(policy_lint(FILE_NAME, file, strlen(file), &again, &diag) == 0, "no memory");
	MUST(again, "%s\nwritten down is wrong: %s", file, diag.count > 0 ? diag.items[0].text : "");
	second = values_of(again, false);
	MUST(strcmp(values, second) == 0, "%s\nwritten down is\n%s", values, second);
	MUST(policy->hash == again->hash, "%s\nhas another hash written down", values);
	diagnostics_release(&diag);
}

/* --- plan --- */

static void check_plan(const struct plan *plan)
{
	_cleanup_free_ char *text = plan_format(plan);

	MUST(text, "no memory");
	MUST(!look_for_canary || !strstr(text, CANARY), "the environment reached the plan:\n%s", text);
	for (size_t i = 0; i < plan->count; i++)
		MUST(!plan->steps[i].target || plan->steps[i].target[0] == '/' ||
			     plan->steps[i].kind == STEP_LOOPBACK_UP || step_place(plan->steps[i].kind) == PLACE_HOST,
		     "%s has no absolute path", step_name(plan->steps[i].kind));
}

static void plan_for(const struct policy *policy, const struct expansion *names)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *problem = NULL;
	const struct plan_login login = { .names = *names, .gid = 3000 };
	int r = plan_make(policy, &login, &plan, &problem);

	MUST(r == 0 || r == -EINVAL, "plan_make gave %d", r);
	MUST((r == 0) == (plan != NULL) && (r == 0) == (problem == NULL), "plan_make gave %d", r);
	if (plan)
		check_plan(plan);
	else
		MUST(problem[0], "no reason");
}

static void make_plans(const struct policy *policy)
{
	static const struct expansion logins[] = {
		{ "alice", 3001, "students", "bastion.example.org", "57e6c547d261", "/home/alice" },
		{ "..", (uid_t)-2, "", "-\xc3\xa4 .%h/", "", "/home/../%u" },
		{ "a-name-that-is-longer-than-the-64-bytes-which-the-kernel-allows-a-host", 0, "%u", "h", "0", NULL },
	};

	for (size_t i = 0; i < ELEMENTS(logins); i++)
		plan_for(policy, &logins[i]);
}

/* --- decide --- */

static int decide(const char *text, size_t size, enum candidate_kind kind, const char *service, const char *from,
		  struct policy **ret)
{
	struct candidate items[] = {
		{ .kind = kind, .name = (char *)FILE_NAME, .fd = memfd_create("policy", MFD_CLOEXEC) },
		{ .kind = CANDIDATE_DEFAULT, .name = (char *)"default.conf", .fd = -1, .problem = (char *)"reached" },
	};
	const struct candidates candidates = { .items = items, .count = 2, .root = root };
	const struct login login = { .user = "alice", .uid = 3001, .service = service, .from = from };
	struct diagnostics diag = { 0 };
	int r;

	MUST(items[0].fd >= 0 && write(items[0].fd, text, size) == (ssize_t)size, "%m");
	make_old(items[0].fd);
	r = policy_decide(&candidates, &login, 1000, ret, &diag);
	MUST(r == DECISION_POLICY || r == -EBADMSG, "policy_decide gave %d", r);
	MUST((r == DECISION_POLICY) == (*ret != NULL), "policy_decide gave %d", r);
	/* the default has a problem, so passing a file over shows, too */
	if (r < 0) {
		MUST(diagnostics_failed(&diag), "refused without a reason");
		r = strcmp(diag.items[diag.count - 1].file, "default.conf") == 0 ? 0 : r;
	}
	check_diagnostics(&diag);
	diagnostics_release(&diag);
	(void)close(items[0].fd);
	return r;
}

/* `linted`: what lint made of it for all services, or NULL. */
static void check_decisions(const char *text, size_t size, const struct policy *linted)
{
	static const struct {
		enum candidate_kind kind;
		const char *service, *from;
	} logins[] = {
		{ CANDIDATE_USER, NULL, NULL },
		{ CANDIDATE_USER, "sshd", "192.0.2.1" },
		{ CANDIDATE_GROUP, "sshd", "::ffff:192.0.2.1" },
		{ CANDIDATE_GROUP, "cron", "fe80::1%eth0" },
	};

	for (size_t i = 0; i < ELEMENTS(logins); i++) {
		_cleanup_(policy_freep) struct policy *policy = NULL;
		int r = decide(text, size, logins[i].kind, logins[i].service, logins[i].from, &policy);

		MUST(r >= 0 || !linted, "lint found nothing, but a login by %s is refused", logins[i].service);
		if (!policy)
			continue;
		MUST(logins[i].service || !linted || policy->hash == linted->hash, "lint and login read it apart");
		check_round_trip(policy);
		make_plans(policy);
	}
}

/* --- one input --- */

static void lint(const char *text, size_t size, struct policy **ret)
{
	struct diagnostics diag = { 0 };
	int r = policy_lint_below(&root, FILE_NAME, text, size, NULL, ret, &diag);

	MUST(r == 0, "policy_lint_below gave %d", r);
	MUST(diagnostics_failed(&diag) == (*ret == NULL), "%s",
	     *ret ? "a policy in spite of errors" : "neither a policy nor an error");
	check_diagnostics(&diag);
	diagnostics_release(&diag);
}

static void lint_base(const char *text, size_t size)
{
	struct diagnostics diag = { 0 };
	int r = policy_lint_base(&root, "group/" BASE_NAME, text, size, &diag);

	MUST(r == 0, "policy_lint_base gave %d", r);
	check_diagnostics(&diag);
	diagnostics_release(&diag);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	make_directory();
	for (size_t i = 0; i < ELEMENTS(variables); i++)
		MUST(setenv(variables[i], CANARY, 1) == 0, "%m");
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	const char *text = (const char *)data;
	const char *base = memchr(text, '\f', size);
	size_t base_size = base ? size - (size_t)(base + 1 - text) : 0;

	/* files are judged by their size before they are read */
	if (size > POLICY_FILE_MAX)
		return -1;
	look_for_canary = !memmem(text, size, CANARY, strlen(CANARY));
	if (base) {
		size = (size_t)(base - text);
		write_base(base + 1, base_size);
		lint_base(base + 1, base_size);
	} else {
		write_base(base_text, strlen(base_text));
	}
	lint(text, size, &policy);
	check_decisions(text, size, policy);
	if (policy) {
		check_round_trip(policy);
		make_plans(policy);
	}
	return 0;
}
