/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/pam_stack.h"

#include <ctype.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define ACTION_UNSET INT_MIN

static const char *const problem_names[PAM_PROBLEMS] = {
	[PAM_PROBLEM_INCLUDE] = "unreadable-include",
	[PAM_PROBLEM_LOOP] = "include-loop",
	[PAM_PROBLEM_SYNTAX] = "syntax",
	[PAM_PROBLEM_UNFINISHED] = "unfinished-line",
	[PAM_PROBLEM_AMBIGUOUS] = "ambiguous-line",
	[PAM_PROBLEM_CARRIAGE] = "carriage-return",
	[PAM_PROBLEM_NO_OPEN] = "no-open",
	[PAM_PROBLEM_NO_CLOSE] = "no-close",
	[PAM_PROBLEM_NO_ROLE] = "no-role",
	[PAM_PROBLEM_OPEN_NOT_LAST] = "open-not-last",
	[PAM_PROBLEM_CLOSE_NOT_FIRST] = "close-not-first",
	[PAM_PROBLEM_CONTROL] = "refusal-passes",
	[PAM_PROBLEM_SKIPPED] = "can-be-skipped",
	[PAM_PROBLEM_SILENT] = "silent",
	[PAM_PROBLEM_TWICE] = "listed-twice",
};

static const char *const severity_names[] = {
	[PAM_NOTE] = "note",
	[PAM_WARNING] = "warning",
	[PAM_ERROR] = "error",
};

/* pam.conf(5), in the order of the values in security/_pam_types.h */
static const char *const return_names[PAM_RETURN_VALUES] = {
	"success",
	"open_err",
	"symbol_err",
	"service_err",
	"system_err",
	"buf_err",
	"perm_denied",
	"auth_err",
	"cred_insufficient",
	"authinfo_unavail",
	"user_unknown",
	"maxtries",
	"new_authtok_reqd",
	"acct_expired",
	"session_err",
	"cred_unavail",
	"cred_expired",
	"cred_err",
	"no_module_data",
	"conv_err",
	"authtok_err",
	"authtok_recover_err",
	"authtok_lock_busy",
	"authtok_disable_aging",
	"try_again",
	"ignore",
	"abort",
	"authtok_expired",
	"module_unknown",
	"bad_item",
	"conv_again",
	"incomplete",
};

enum { RETURN_SUCCESS = 0, RETURN_NEW_AUTHTOK = 12, RETURN_IGNORE = 25 };

static const struct action_name {
	const char *name;
	int action;
} action_names[] = {
	{ "ignore", PAM_ACTION_IGNORE }, { "ok", PAM_ACTION_OK },   { "done", PAM_ACTION_DONE },
	{ "bad", PAM_ACTION_BAD },       { "die", PAM_ACTION_DIE }, { "reset", PAM_ACTION_RESET },
};

/* The keywords in terms of brackets, pam.conf(5). */
static const struct keyword {
	const char *name;
	int success, ignore, others;
} keywords[] = {
	{ "required", PAM_ACTION_OK, PAM_ACTION_IGNORE, PAM_ACTION_BAD },
	{ "requisite", PAM_ACTION_OK, PAM_ACTION_IGNORE, PAM_ACTION_DIE },
	{ "optional", PAM_ACTION_OK, PAM_ACTION_IGNORE, PAM_ACTION_IGNORE },
	{ "sufficient", PAM_ACTION_DONE, PAM_ACTION_IGNORE, PAM_ACTION_IGNORE },
};

/* A file being read, linked to the one that includes it. */
struct reading {
	const struct reading *parent;
	const char *file;
	unsigned depth;
	unsigned level;
	unsigned top_line; /* 0 in the service's own file */
	bool session_only; /* below "session include": other types are passed over, broken lines count */
};

struct reader {
	pam_read_fn read;
	void *context;
	struct pam_stack *stack;
};

/* A logical line as libpam assembles it. */
struct assembly {
	char *text;
	size_t length;
	unsigned line;
	bool pending;
};

const char *pam_problem_name(enum pam_problem_code code)
{
	return problem_names[code];
}

const char *pam_severity_name(enum pam_severity severity)
{
	return severity_names[severity];
}

const char *pam_return_name(size_t value)
{
	return return_names[value];
}

/* Makes room for one more element; the array grows by doubling. */
static void *grow(void *array, size_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	return reallocarray(array, count ? count * 2 : 1, size);
}

int pam_problems_add(struct pam_problems *list, enum pam_problem_code code, enum pam_severity severity,
		     const char *file, unsigned line, const char *format, ...)
{
	_cleanup_free_ char *text = NULL, *name = strdup(file);
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0) {
		text = NULL;
		return -ENOMEM;
	}
	if (!name)
		return -ENOMEM;

	struct pam_problem *items = grow(list->items, list->count, sizeof(*items));

	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->count++] = (struct pam_problem){ code, severity, TAKE_PTR(name), line, TAKE_PTR(text) };
	return 0;
}

void pam_problems_release(struct pam_problems *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].file);
		free(list->items[i].text);
	}
	free(list->items);
	*list = (struct pam_problems){ 0 };
}

static void entry_release(struct pam_entry *entry)
{
	free(entry->control);
	free(entry->module);
	for (size_t i = 0; i < entry->argument_count; i++)
		free(entry->arguments[i]);
	free(entry->arguments);
}

void pam_stack_release(struct pam_stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		entry_release(&stack->entries[i]);
	for (size_t i = 0; i < stack->file_count; i++)
		free(stack->files[i]);
	free(stack->service);
	free(stack->entries);
	free(stack->files);
	pam_problems_release(&stack->problems);
	*stack = (struct pam_stack){ 0 };
}

int pam_next_token(char **position, char **ret_token)
{
	char *from = *position + strspn(*position, " \n\t"), *end;

	if (!*from) {
		*position = from;
		return 0;
	}
	if (*from == '[') {
		/* "[a [b\] c]" is one token "a [b] c": the first bare ']' ends it */
		char *to = ++from;

		for (end = from; *end && *end != ']'; end++) {
			if (end[0] == '\\' && end[1] == ']')
				end++;
			*to++ = *end;
		}
		bool more = *end;

		*to = '\0';
		*position = more ? end + 1 : end;
	} else {
		end = from + strcspn(from, " \n\t");
		*position = *end ? end + 1 : end;
		*end = '\0';
	}
	*ret_token = from;
	return 1;
}

static void actions_fill(int *actions, int action)
{
	for (size_t i = 0; i < PAM_RETURN_VALUES; i++)
		if (actions[i] == ACTION_UNSET)
			actions[i] = action;
}

static const char *skip_space(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

/* True if one "value=action" could be read; *position is behind it. */
static bool parse_action(const char **position, size_t *ret_value, int *ret_action)
{
	const char *text = *position;
	size_t value, length = 0;

	for (value = 0; value < PAM_RETURN_VALUES; value++) {
		length = strlen(return_names[value]);
		if (!strncmp(text, return_names[value], length))
			break;
	}
	if (value == PAM_RETURN_VALUES) {
		length = strlen("default");
		if (strncmp(text, "default", length) != 0)
			return false;
	}
	text = skip_space(text + length);
	if (*text != '=')
		return false;
	text = skip_space(text + 1);
	*ret_value = value;

	for (size_t i = 0; i < ELEMENTS(action_names); i++) {
		length = strlen(action_names[i].name);
		if (!strncmp(text, action_names[i].name, length)) {
			*position = text + length;
			*ret_action = action_names[i].action;
			return true;
		}
	}
	if (!isdigit((unsigned char)*text))
		return false;

	int jump = 0;

	for (; isdigit((unsigned char)*text); text++)
		jump = jump > 100000 ? jump : jump * 10 + (*text - '0');
	*position = text;
	*ret_action = jump;
	return jump > 0;
}

/* Fills the action of every return value. False if libpam cannot read the control: it takes all of it as bad. */
static bool parse_control(const char *control, int *actions)
{
	for (size_t i = 0; i < PAM_RETURN_VALUES; i++)
		actions[i] = ACTION_UNSET;

	for (size_t i = 0; i < ELEMENTS(keywords); i++) {
		if (strcasecmp(control, keywords[i].name) != 0)
			continue;
		actions[RETURN_SUCCESS] = actions[RETURN_NEW_AUTHTOK] = keywords[i].success;
		actions[RETURN_IGNORE] = keywords[i].ignore;
		actions_fill(actions, keywords[i].others);
		return true;
	}

	for (const char *text = skip_space(control); *text; text = skip_space(text)) {
		size_t value;
		int action;

		if (!parse_action(&text, &value, &action)) {
			for (size_t i = 0; i < PAM_RETURN_VALUES; i++)
				actions[i] = PAM_ACTION_BAD;
			return false;
		}
		if (value < PAM_RETURN_VALUES)
			actions[value] = action;
		else
			actions_fill(actions, action);
	}
	actions_fill(actions, PAM_ACTION_BAD);
	return true;
}

static int entry_add(struct pam_stack *stack, struct pam_entry *entry)
{
	struct pam_entry *entries = grow(stack->entries, stack->count, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	stack->entries = entries;
	entries[stack->count++] = *entry;
	*entry = (struct pam_entry){ 0 };
	return 0;
}

static struct pam_entry entry_at(const struct reading *where, unsigned line, enum pam_entry_kind kind)
{
	struct pam_entry entry = {
		.kind = kind,
		.level = where->level,
		.file = where->file,
		.line = line,
		.top_line = where->top_line ? where->top_line : line,
	};

	for (size_t i = 0; i < PAM_RETURN_VALUES; i++)
		entry.actions[i] = PAM_ACTION_BAD;
	return entry;
}

static int add_broken(struct reader *reader, const struct reading *where, unsigned line)
{
	struct pam_entry entry = entry_at(where, line, PAM_ENTRY_BROKEN);

	return entry_add(reader->stack, &entry);
}

static int read_file(struct reader *reader, const struct reading *where);

static bool is_being_read(const struct reading *where, const char *file)
{
	for (; where; where = where->parent)
		if (!strcmp(where->file, file))
			return true;
	return false;
}

/* Keeps one copy of each file name: entries point to it. */
static int intern(struct pam_stack *stack, const char *file, const char **ret)
{
	for (size_t i = 0; i < stack->file_count; i++) {
		if (!strcmp(stack->files[i], file)) {
			*ret = stack->files[i];
			return 0;
		}
	}

	char **files = grow(stack->files, stack->file_count, sizeof(*files));

	if (!files)
		return -ENOMEM;
	stack->files = files;
	files[stack->file_count] = strdup(file);
	if (!files[stack->file_count])
		return -ENOMEM;
	*ret = files[stack->file_count++];
	return 0;
}

/* 1: included; 0: libpam puts a line that fails in its place (a problem is listed); or -errno. */
static int include(struct reader *reader, const struct reading *where, unsigned line, const char *file, bool session,
		   bool substack)
{
	struct pam_problems *problems = &reader->stack->problems;
	struct reading next = {
		.parent = where,
		.depth = where->depth + 1,
		.level = where->level + substack,
		.top_line = where->top_line ? where->top_line : line,
		.session_only = session || where->session_only,
	};
	int r;

	if (!file)
		return pam_problems_add(problems, PAM_PROBLEM_SYNTAX, PAM_ERROR, where->file, line,
					"an include that names no file");
	if (is_being_read(where, file))
		return pam_problems_add(problems, PAM_PROBLEM_LOOP, PAM_ERROR, where->file, line,
					"'%s' is included by itself: PAM never comes to an end", file);
	if (next.depth >= PAM_INCLUDE_DEPTH_MAX)
		return pam_problems_add(problems, PAM_PROBLEM_LOOP, PAM_ERROR, where->file, line,
					"includes deeper than %d files", PAM_INCLUDE_DEPTH_MAX);

	r = intern(reader->stack, file, &next.file);
	if (r < 0)
		return r;
	r = read_file(reader, &next);
	if (r >= 0)
		return 1;
	if (r == -ENOMEM)
		return r;
	return pam_problems_add(problems, PAM_PROBLEM_INCLUDE, PAM_ERROR, where->file, line,
				"'%s' cannot be included: %s", file, strerror(-r));
}

/* "session include FILE", "session substack FILE": a failing line takes the place of what cannot be read. */
static int read_include(struct reader *reader, const struct reading *where, unsigned line, const char *file,
			bool substack)
{
	int r;

	if (substack) {
		struct pam_entry head = entry_at(where, line, PAM_ENTRY_SUBSTACK);

		head.module = strdup(file ? file : "");
		head.control = strdup("substack");
		if (!head.module || !head.control)
			r = -ENOMEM;
		else
			r = entry_add(reader->stack, &head);
		if (r < 0) {
			entry_release(&head);
			return r;
		}
	}
	r = include(reader, where, line, file, true, substack);
	return r ? r : add_broken(reader, where, line);
}

static int read_arguments(struct pam_entry *entry, char *rest)
{
	char *token;

	while (pam_next_token(&rest, &token)) {
		char **arguments = reallocarray(entry->arguments, entry->argument_count + 2, sizeof(*arguments));

		if (!arguments)
			return -ENOMEM;
		entry->arguments = arguments;
		arguments[entry->argument_count] = strdup(token);
		if (!arguments[entry->argument_count])
			return -ENOMEM;
		arguments[++entry->argument_count] = NULL;
	}
	return 0;
}

static int read_module(struct reader *reader, const struct reading *where, unsigned line, bool silent,
		       const char *control, char *rest)
{
	struct pam_entry entry = entry_at(where, line, PAM_ENTRY_MODULE);
	char *module = NULL;
	int r = 0;

	entry.silent = silent;
	if (!parse_control(control, entry.actions))
		r = pam_problems_add(
			&reader->stack->problems, PAM_PROBLEM_SYNTAX, PAM_WARNING, where->file, line,
			"control '%s' is not understood: PAM takes every answer of the module as a failure", control);
	if (r >= 0 && !pam_next_token(&rest, &module)) {
		entry.kind = PAM_ENTRY_BROKEN;
		r = pam_problems_add(&reader->stack->problems, PAM_PROBLEM_SYNTAX, PAM_ERROR, where->file, line,
				     "a session line without a module: PAM refuses every session");
	}
	if (r >= 0 && module) {
		entry.control = strdup(control);
		entry.module = strdup(module);
		r = entry.control && entry.module ? read_arguments(&entry, rest) : -ENOMEM;
	}
	if (r >= 0)
		r = entry_add(reader->stack, &entry);
	entry_release(&entry);
	return r < 0 ? r : 0;
}

static int read_session(struct reader *reader, const struct reading *where, unsigned line, bool silent, char *rest)
{
	char *control, *file = NULL;
	bool substack;
	int r;

	if (!pam_next_token(&rest, &control)) {
		r = pam_problems_add(&reader->stack->problems, PAM_PROBLEM_SYNTAX, PAM_ERROR, where->file, line,
				     "a session line without a control: PAM refuses every session");
		return r < 0 ? r : add_broken(reader, where, line);
	}
	substack = !strcasecmp(control, "substack");
	if (!substack && strcasecmp(control, "include") != 0)
		return read_module(reader, where, line, silent, control, rest);

	(void)pam_next_token(&rest, &file);
	r = read_include(reader, where, line, file, substack);
	return r < 0 ? r : 0;
}

/* One logical line: TYPE CONTROL MODULE ARGUMENT…, or "@include FILE". */
static int read_line(struct reader *reader, const struct reading *where, unsigned line, char *text)
{
	char *rest = text, *type, *file = NULL;
	bool silent = false;
	int r;

	if (!pam_next_token(&rest, &type))
		type = rest;
	if (*type == '-') {
		silent = true;
		type++;
	}
	if (!strcasecmp(type, "session"))
		return read_session(reader, where, line, silent, rest);
	if (!strcasecmp(type, "auth") || !strcasecmp(type, "account") || !strcasecmp(type, "password"))
		return 0;
	if (!strcasecmp(type, "@include")) {
		(void)pam_next_token(&rest, &file);
		r = include(reader, where, line, file, false, false);
		if (r == 0)
			r = add_broken(reader, where, line);
		return r < 0 ? r : 0;
	}

	r = pam_problems_add(
		&reader->stack->problems, PAM_PROBLEM_SYNTAX, PAM_ERROR, where->file, line,
		"'%s' is none of auth, account, password, session, @include: PAM turns the line into a failure", type);
	/* libpam makes it a line of the type it is looking for, or of auth */
	return r < 0 ? r : where->session_only ? add_broken(reader, where, line) : 0;
}

static int check_assembly(struct reader *reader, const struct reading *where, const struct assembly *assembly)
{
	struct pam_problems *problems = &reader->stack->problems;
	int r = 0;

	if (assembly->length && assembly->text[assembly->length - 1] == '\r')
		r = pam_problems_add(problems, PAM_PROBLEM_CARRIAGE, PAM_WARNING, where->file, assembly->line,
				     "the line ends in a carriage return, which PAM takes as part of its last word; "
				     "convert the file to Unix line ends");
	if (r >= 0 && assembly->length > PAM_LINE_BYTES_MAX)
		r = pam_problems_add(problems, PAM_PROBLEM_AMBIGUOUS, PAM_ERROR, where->file, assembly->line,
				     "a line of more than %d bytes: linux-pam before 1.6 cuts it in two; shorten it",
				     PAM_LINE_BYTES_MAX);
	return r;
}

/* Adds the physical line [text, text + length), comment and backslash taken off. */
static int assemble(struct assembly *assembly, unsigned line, const char *text, size_t length)
{
	const char *comment = memchr(text, '#', length);
	char *grown;

	if (comment)
		length = (size_t)(comment - text);
	while (!comment && length && strchr(" \t", text[length - 1]))
		length--;

	bool continues = !comment && length && text[length - 1] == '\\';

	grown = realloc(assembly->text, assembly->length + length + 1);
	if (!grown)
		return -ENOMEM;
	assembly->text = grown;
	memcpy(grown + assembly->length, text, length);
	if (continues)
		grown[assembly->length + length - 1] = ' ';
	if (!assembly->pending)
		assembly->line = line;
	assembly->length += length;
	grown[assembly->length] = '\0';
	assembly->pending = continues;
	return 0;
}

static int read_assembly(struct reader *reader, const struct reading *where, struct assembly *assembly)
{
	int r = check_assembly(reader, where, assembly);

	if (r >= 0)
		r = read_line(reader, where, assembly->line, assembly->text);
	assembly->length = 0;
	return r;
}

static int read_physical(struct reader *reader, const struct reading *where, struct assembly *assembly, unsigned line,
			 const char *text, size_t length)
{
	int r;

	while (length && strchr(" \t", *text)) {
		text++;
		length--;
	}
	if (!length || *text == '#') {
		/* before 1.6 such a line is looked over and the line goes on behind it; since then it ends the line */
		if (!assembly->pending)
			return 0;
		return pam_problems_add(
			&reader->stack->problems, PAM_PROBLEM_AMBIGUOUS, PAM_ERROR, where->file, line,
			"a comment or empty line within a continued line: linux-pam before and since 1.6 "
			"read it differently; remove the backslash of the line before");
	}
	r = assemble(assembly, line, text, length);
	if (r < 0 || assembly->pending)
		return r;
	return read_assembly(reader, where, assembly);
}

static int read_lines(struct reader *reader, const struct reading *where, const char *text, size_t length)
{
	struct assembly assembly = { 0 };
	unsigned line = 1;
	int r = 0;

	for (size_t at = 0; at < length && r >= 0; line++) {
		const char *newline = memchr(text + at, '\n', length - at);
		size_t end = newline ? (size_t)(newline - text) : length;

		r = read_physical(reader, where, &assembly, line, text + at, end - at);
		at = end + 1;
	}
	if (r >= 0 && assembly.pending)
		r = pam_problems_add(&reader->stack->problems, PAM_PROBLEM_UNFINISHED, PAM_ERROR, where->file,
				     assembly.line,
				     "the file ends in a backslash, in the middle of this line: PAM refuses the whole "
				     "file; remove the backslash");
	free(assembly.text);
	return r;
}

static int read_file(struct reader *reader, const struct reading *where)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r;

	r = reader->read(reader->context, where->file, &text, &length);
	if (r < 0)
		return r;
	if (length && memchr(text, '\0', length))
		return pam_problems_add(&reader->stack->problems, PAM_PROBLEM_SYNTAX, PAM_ERROR, where->file, 0,
					"the file holds NUL bytes: it is no PAM configuration");
	return read_lines(reader, where, text, length);
}

int pam_stack_read(pam_read_fn read, void *context, const char *service, struct pam_stack *ret)
{
	struct pam_stack stack = { .service = strdup(service) };
	struct reader reader = { read, context, &stack };
	struct reading top = { 0 };
	int r;

	r = stack.service ? intern(&stack, service, &top.file) : -ENOMEM;
	if (r >= 0)
		r = read_file(&reader, &top);
	if (r < 0) {
		pam_stack_release(&stack);
		return r;
	}
	*ret = stack;
	return 0;
}

bool pam_entry_is_module(const struct pam_entry *entry, const char *name)
{
	const char *slash;

	if (entry->kind != PAM_ENTRY_MODULE)
		return false;
	slash = strrchr(entry->module, '/');
	return !strcmp(slash ? slash + 1 : entry->module, name);
}

bool pam_entry_has_argument(const struct pam_entry *entry, const char *argument)
{
	for (size_t i = 0; i < entry->argument_count; i++)
		if (!strcmp(entry->arguments[i], argument))
			return true;
	return false;
}
