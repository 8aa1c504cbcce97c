/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * A service's session stack as libpam reads it: files and what they include, physical lines to
 * logical ones, and those to entries. What libpam would turn into a failure becomes a broken entry and a problem.
 */

#include "tools/pam_control.h"
#include "tools/pam_stack.h"
#include "tools/pam_stack_build.h"

#include <string.h>
#include <strings.h>

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

	return pam_stack_add(reader->stack, &entry);
}

static int read_file(struct reader *reader, const struct reading *where);

static bool is_being_read(const struct reading *where, const char *file)
{
	for (; where; where = where->parent)
		if (!strcmp(where->file, file))
			return true;
	return false;
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

	r = pam_stack_intern(reader->stack, file, &next.file);
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
			r = pam_stack_add(reader->stack, &head);
		if (r < 0) {
			pam_entry_release(&head);
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
	if (!pam_control_parse(control, entry.actions))
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
		r = pam_stack_add(reader->stack, &entry);
	pam_entry_release(&entry);
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

	r = stack.service ? pam_stack_intern(&stack, service, &top.file) : -ENOMEM;
	if (r >= 0)
		r = read_file(&reader, &top);
	if (r < 0) {
		pam_stack_release(&stack);
		return r;
	}
	*ret = stack;
	return 0;
}
