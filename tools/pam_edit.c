/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/pam_edit.h"

#include "common/format_list.h"
#include "tools/pam_services.h"
#include "tools/pam_span.h"

#include <stdarg.h>
#include <string.h>

#define MARK_TAIL  " removes this block"
#define NO_NEWLINE "; no newline before"
#define LINE_HEAD  "session required "

static const char *const role_names[PAM_BLOCKS] = {
	[PAM_BLOCK_CLOSE] = "close",
	[PAM_BLOCK_OPEN] = "open",
};

struct finder {
	const struct pam_text *text;
	struct pam_blocks blocks;
	bool seen[PAM_BLOCKS];
	char *line_tail[PAM_BLOCKS]; /* the arguments of each line, as one string */
	struct pam_edit_problems problems;
};

void pam_text_release(struct pam_text *text)
{
	free(text->bytes);
	*text = (struct pam_text){ 0 };
}

void pam_blocks_release(struct pam_blocks *blocks)
{
	for (char **argument = blocks->arguments; argument && *argument; argument++)
		free(*argument);
	free(blocks->arguments);
	free(blocks->module);
	*blocks = (struct pam_blocks){ 0 };
}

void pam_edit_problems_release(struct pam_edit_problems *problems)
{
	for (size_t i = 0; i < problems->count; i++)
		free(problems->items[i].text);
	free(problems->items);
	*problems = (struct pam_edit_problems){ 0 };
}

static _printf_(3, 4) int refuse(struct pam_edit_problems *problems, unsigned line, const char *format, ...)
{
	struct pam_edit_problem *items;
	va_list args;
	char *text;

	items = reallocarray(problems->items, problems->count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	problems->items = items;
	va_start(args, format);
	text = format_list(format, args);
	va_end(args);
	if (!text)
		return -ENOMEM;
	items[problems->count++] = (struct pam_edit_problem){ line, text };
	return -EBADMSG;
}

static char *begin_text(enum pam_block_role role, const char *service, bool newline_added)
{
	char *text;

	if (asprintf(&text, PAM_MARK " begin %s (managed; \"nsisolate-pam disable %s\"" MARK_TAIL "%s)",
		     role_names[role], service, newline_added ? NO_NEWLINE : "") < 0)
		return NULL;
	return text;
}

/* The service that a begin marker names: the word between "disable " and the quote. NULL: none, or no memory. */
static char *begin_service(const struct pam_span *span)
{
	_cleanup_free_ char *line = strndup(span->bytes, span->length);
	const char *name = line ? strstr(line, "disable ") : NULL, *quote;
	char *service;

	if (!name)
		return NULL;
	name += strlen("disable ");
	quote = strchr(name, '"');
	if (!quote)
		return NULL;
	service = strndup(name, (size_t)(quote - name));
	if (service && !pam_service_name_valid(service)) {
		free(service);
		return NULL;
	}
	return service;
}

/* Any service name will do: an administrator may have copied the file. */
static bool is_begin(const struct pam_span *span, enum pam_block_role *ret_role, bool *ret_newline_added)
{
	_cleanup_free_ char *service = begin_service(span);

	for (int i = 0; service && i < PAM_BLOCKS * 2; i++) {
		enum pam_block_role role = i / 2 ? PAM_BLOCK_OPEN : PAM_BLOCK_CLOSE;
		_cleanup_free_ char *expected = begin_text(role, service, i % 2);

		if (expected && pam_span_equals(span, expected)) {
			*ret_role = role;
			*ret_newline_added = i % 2;
			return true;
		}
	}
	return false;
}

static size_t argument_length(const char *text)
{
	const char *end = text;

	if (*text != '[')
		return strcspn(text, " ");
	for (end = text + 1; *end && *end != ']'; end++)
		if (end[0] == '\\' && end[1] == ']')
			end++;
	return (size_t)(end - text) + (*end ? 1 : 0);
}

static int split_arguments(const char *text, char ***ret)
{
	size_t count = 0;
	char **arguments = calloc(strlen(text) + 2, sizeof(*arguments));

	if (!arguments)
		return -ENOMEM;
	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t length = argument_length(text);

		arguments[count] = strndup(text, length);
		if (!arguments[count++]) {
			while (count--)
				free(arguments[count]);
			free(arguments);
			return -ENOMEM;
		}
		text += length;
	}
	*ret = arguments;
	return 0;
}

/*
 * Takes the module and the arguments from "session required MODULE ROLE ARGUMENT…". The line
 * must come out the same when it is written again: that is how a change by hand is found.
 */
static int read_module_line(struct finder *finder, const struct pam_span *span, enum pam_block_role role)
{
	_cleanup_free_ char *line = strndup(span->bytes, span->length);
	char *module, *word, *tail;

	if (!line)
		return -ENOMEM;
	if (strlen(line) != span->length || strncmp(line, LINE_HEAD, strlen(LINE_HEAD)) != 0)
		goto changed;
	module = line + strlen(LINE_HEAD);
	word = strchr(module, ' ');
	if (!word || word == module)
		goto changed;
	*word++ = '\0';
	tail = word + strcspn(word, " ");
	if ((size_t)(tail - word) != strlen(role_names[role]) ||
	    strncmp(word, role_names[role], strlen(role_names[role])) != 0)
		goto changed;

	if (finder->blocks.module && strcmp(finder->blocks.module, module) != 0)
		goto changed;
	if (!finder->blocks.module)
		finder->blocks.module = strdup(module);
	free(finder->line_tail[role]);
	finder->line_tail[role] = strdup(tail);
	return finder->blocks.module && finder->line_tail[role] ? 0 : -ENOMEM;

changed:
	return refuse(
		&finder->problems, span->line,
		"the line of the '%s' block was changed by hand; remove the block (three lines) by hand, then run "
		"nsisolate-pam again",
		role_names[role]);
}

/* Moves the span to the block's end, or leaves it at the first line of a damaged one. */
static int read_block(struct finder *finder, struct pam_span *span)
{
	struct pam_block block = { .start = span->start, .first_line = span->line };
	struct pam_span at = *span;
	enum pam_block_role role;
	int r;

	if (!is_begin(span, &role, &block.newline_added))
		return refuse(&finder->problems, span->line,
			      "this marker is not one that nsisolate-pam writes, or its begin is missing; remove the "
			      "block (three lines) by hand, then run nsisolate-pam again");
	if (finder->seen[role])
		return refuse(&finder->problems, span->line,
			      "a second '%s' block, the first is at line %u; remove one of them (three lines) by hand",
			      role_names[role], finder->blocks.block[role].first_line);
	if (!pam_span_next(finder->text, &at) || pam_span_is_marker(&at))
		return refuse(&finder->problems, block.first_line,
			      "the '%s' block has lost its line; remove the rest of the block by hand, then run "
			      "nsisolate-pam again",
			      role_names[role]);
	r = read_module_line(finder, &at, role);
	if (r < 0)
		return r;
	if (!pam_span_next(finder->text, &at) || !pam_span_equals(&at, PAM_MARK_END))
		return refuse(&finder->problems, block.first_line,
			      "the '%s' block does not end with the line '" PAM_MARK_END
			      "' behind its session line; put it "
			      "back, or remove the block by hand",
			      role_names[role]);
	*span = at;
	block.end = at.next;
	finder->blocks.block[role] = block;
	finder->seen[role] = true;
	return 0;
}

static int check_pair(struct finder *finder)
{
	const struct pam_block *block = finder->blocks.block;
	enum pam_block_role present = finder->seen[PAM_BLOCK_OPEN] ? PAM_BLOCK_OPEN : PAM_BLOCK_CLOSE;
	enum pam_block_role missing = present == PAM_BLOCK_OPEN ? PAM_BLOCK_CLOSE : PAM_BLOCK_OPEN;

	if (!finder->seen[present])
		return 0;
	if (!finder->seen[missing])
		return refuse(&finder->problems, block[present].first_line,
			      "a '%s' block without a '%s' block; remove it (three lines) by hand, then run "
			      "nsisolate-pam again",
			      role_names[present], role_names[missing]);
	if (strcmp(finder->line_tail[PAM_BLOCK_OPEN], finder->line_tail[PAM_BLOCK_CLOSE]) != 0)
		return refuse(&finder->problems, block[PAM_BLOCK_OPEN].first_line + 1,
			      "the arguments differ from those of the 'close' line (line %u): one was changed by hand; "
			      "make them equal again",
			      block[PAM_BLOCK_CLOSE].first_line + 1);
	finder->blocks.present = true;
	return split_arguments(finder->line_tail[PAM_BLOCK_OPEN], &finder->blocks.arguments);
}

/* From the first line of a damaged block to its end, so that the end is not complained about as well. */
static void skip_damaged(const struct finder *finder, struct pam_span *span)
{
	struct pam_span ahead = *span;

	if (pam_span_equals(span, PAM_MARK_END))
		return;
	while (pam_span_next(finder->text, &ahead) && !pam_span_is_marker(&ahead))
		;
	if (pam_span_is_marker(&ahead) && pam_span_equals(&ahead, PAM_MARK_END))
		*span = ahead;
}

static int find_blocks(struct finder *finder)
{
	struct pam_span span = { 0 };

	while (pam_span_next(finder->text, &span)) {
		int r = pam_span_is_marker(&span) ? read_block(finder, &span) : 0;

		if (r == -ENOMEM)
			return r;
		if (r < 0)
			skip_damaged(finder, &span);
	}
	return finder->problems.count ? -EBADMSG : check_pair(finder);
}

int pam_edit_find(const struct pam_text *text, struct pam_blocks *ret, struct pam_edit_problems *ret_problems)
{
	struct finder finder = { .text = text };
	int r = find_blocks(&finder);

	free(finder.line_tail[PAM_BLOCK_CLOSE]);
	free(finder.line_tail[PAM_BLOCK_OPEN]);
	if (r >= 0) {
		*ret = finder.blocks;
		return 0;
	}
	pam_blocks_release(&finder.blocks);
	if (r == -EBADMSG)
		*ret_problems = finder.problems;
	else
		pam_edit_problems_release(&finder.problems);
	return r;
}

int pam_edit_remove(const struct pam_text *text, const struct pam_blocks *blocks, struct pam_text *ret)
{
	struct pam_text out = { .bytes = malloc(text->length + 1) };
	size_t at = 0;

	if (!out.bytes)
		return -ENOMEM;
	while (at < text->length) {
		const struct pam_block *block = NULL;

		for (int i = 0; blocks->present && i < PAM_BLOCKS; i++)
			if (blocks->block[i].start == at)
				block = &blocks->block[i];
		if (!block) {
			out.bytes[out.length++] = text->bytes[at++];
			continue;
		}
		at = block->end;
		/* what was appended behind the block needs the newline that enable put before it */
		if (block->newline_added && at == text->length && out.length && out.bytes[out.length - 1] == '\n')
			out.length--;
	}
	*ret = out;
	return 0;
}

char *pam_edit_line(const char *module, enum pam_block_role role, const char *const *arguments)
{
	char *line;

	if (asprintf(&line, LINE_HEAD "%s %s", module, role_names[role]) < 0)
		return NULL;
	for (; arguments && *arguments; arguments++) {
		_cleanup_free_ char *before = line;

		if (asprintf(&line, "%s %s", before, *arguments) < 0)
			return NULL;
	}
	return line;
}

static char *block_text(const struct pam_edit *edit, enum pam_block_role role, bool newline_added)
{
	_cleanup_free_ char *begin = begin_text(role, edit->service, newline_added);
	_cleanup_free_ char *line = pam_edit_line(edit->module, role, edit->arguments);
	char *text;

	if (!begin || !line ||
	    asprintf(&text, "%s%s\n%s\n" PAM_MARK_END "\n", newline_added ? "\n" : "", begin, line) < 0)
		return NULL;
	return text;
}

int pam_edit_insert(const struct pam_text *text, const struct pam_edit *edit, struct pam_text *ret)
{
	bool newline_added = text->length && text->bytes[text->length - 1] != '\n';
	_cleanup_free_ char *close = block_text(edit, PAM_BLOCK_CLOSE, false);
	_cleanup_free_ char *open = block_text(edit, PAM_BLOCK_OPEN, newline_added);
	struct pam_span span = { 0 };
	size_t close_length, open_length;
	char *out;

	if (!close || !open)
		return -ENOMEM;
	do
		if (!pam_span_next(text, &span))
			return -ERANGE;
	while (span.line < edit->close_line);

	close_length = strlen(close);
	open_length = strlen(open);
	out = malloc(text->length + close_length + open_length);
	if (!out)
		return -ENOMEM;
	ret->length = text->length + close_length + open_length;
	ret->bytes = out;
	out = mempcpy(out, text->bytes, span.start);
	out = mempcpy(out, close, close_length);
	out = mempcpy(out, text->bytes + span.start, text->length - span.start);
	memcpy(out, open, open_length);
	return 0;
}

int pam_argument_quote(const char *argument, char **ret)
{
	size_t length = strlen(argument);
	char *quoted, *out;

	if (!length || strchr(argument, '#') || argument[length - 1] == '\\' || strstr(argument, "\\]"))
		return -EINVAL;
	for (const char *at = argument; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return -EINVAL;

	if (!strchr(argument, ' ') && argument[0] != '[') {
		quoted = strdup(argument);
	} else {
		quoted = out = malloc(length * 2 + 3);
		if (out)
			*out++ = '[';
		for (; out && *argument; argument++) {
			if (*argument == ']')
				*out++ = '\\';
			*out++ = *argument;
		}
		if (out)
			memcpy(out, "]", 2);
	}
	if (!quoted)
		return -ENOMEM;
	*ret = quoted;
	return 0;
}
