/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/namespace_conf.h"

#include "config/text.h"
#include "config/text_list.h"

#include <stdint.h>
#include <string.h>

#define FIELDS  4 /* that count */
#define SPACES  " \t\n\v\f\r"
#define REFUSES "pam_namespace refuses every login for this line, unless it has ignore_config_error"

#define SCRIPTS "/etc/security/namespace.d/"

const char *const polydir_method_names[POLYDIR_METHODS] = {
	[POLYDIR_USER] = "user",     [POLYDIR_CONTEXT] = "context", [POLYDIR_LEVEL] = "level",
	[POLYDIR_TMPDIR] = "tmpdir", [POLYDIR_TMPFS] = "tmpfs",
};

struct reader {
	const char *file;
	unsigned line;
	struct diagnostics *diag;
};

#define REPORT(reader, severity, ...) \
	diagnostics_add((reader)->diag, severity, (reader)->file, (reader)->line, __VA_ARGS__)

static void polydir_release(struct polydir *polydir)
{
	free(polydir->file);
	free(polydir->path);
	free(polydir->prefix);
	free(polydir->create_parameters);
	free(polydir->script);
	free(polydir->mount_options);
	polydir->names = text_list_free(polydir->names);
	*polydir = (struct polydir){ 0 };
}

void namespace_conf_release(struct namespace_conf *conf)
{
	for (size_t i = 0; i < conf->count; i++)
		polydir_release(&conf->items[i]);
	free(conf->items);
	*conf = (struct namespace_conf){ 0 };
}

/* Takes one field off the text, which it is written over; NULL when there is none. */
static char *next_field(char **text)
{
	char *from = *text + strspn(*text, SPACES), *field = from, *to = from;
	bool quoted = false;

	if (*from == '\0')
		return NULL;
	for (; *from && (quoted || !strchr(SPACES, *from)); from++) {
		if (*from == '"') {
			quoted = !quoted;
		} else if (quoted || *from != '\\' || from[1] == '\0') {
			*to++ = *from;
		} else {
			from++;
			*to++ = (char)(*from == 'n' ? '\n' : *from == 't' ? '\t' : *from == 'b' ? '\b' : *from);
		}
	}
	*text = *from ? from + 1 : from;
	*to = '\0';
	return field;
}

static bool is_printable(const char *text)
{
	size_t size = strlen(text), length;

	for (size_t i = 0; i < size; i += length) {
		length = text_character(text + i, size - i);
		if (length == 0)
			return false;
	}
	return true;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* What is behind '=', if there is one. 0 or -ENOMEM. */
static int set_value(const char *at, const char *before, char **value)
{
	if (at[0] != '=')
		return 0;
	free(*value);
	return asprintf(value, "%s%s", before, at + 1) < 0 ? (*value = NULL, -ENOMEM) : 0;
}

static int take_flag(struct reader *reader, const char *flag, struct polydir *polydir)
{
	if (begins(flag, "create")) {
		polydir->create = true;
		return set_value(flag + strlen("create"), "", &polydir->create_parameters);
	}
	if (begins(flag, "iscript")) {
		const char *value = flag + strlen("iscript");

		/* "iscript=" keeps the one that is there */
		return strcmp(value, "=") == 0 ? 0
					       : set_value(value, begins(value, "=/") ? "" : SCRIPTS, &polydir->script);
	}
	if (begins(flag, "mntopts") && polydir->method == POLYDIR_TMPFS)
		return set_value(flag + strlen("mntopts"), "", &polydir->mount_options);
	if (begins(flag, "noinit"))
		polydir->noinit = true;
	else if (begins(flag, "shared"))
		polydir->shared = true;
	else if (begins(flag, "mntopts"))
		REPORT(reader, SEVERITY_WARNING, "%s: is for method tmpfs; pam_namespace ignores it, too", flag);
	else
		REPORT(reader, SEVERITY_WARNING,
		       "%s: is none of create, noinit, iscript, shared, mntopts; pam_namespace ignores it, too", flag);
	return 0;
}

/* 1: there is such a method; 0: reported; or -ENOMEM. */
static int take_method(struct reader *reader, char *text, struct polydir *polydir)
{
	char *rest = NULL, *name = strtok_r(text, ":", &rest), *flag;
	size_t method = 0;
	int r = 0;

	while (method < POLYDIR_METHODS && (!name || strcmp(name, polydir_method_names[method]) != 0))
		method++;
	if (method == POLYDIR_METHODS) {
		REPORT(reader, SEVERITY_ERROR,
		       "%s: is none of the methods user, context, level, tmpdir, tmpfs; " REFUSES, name ? name : "''");
		return 0;
	}
	polydir->method = (enum polydir_method)method;
	while (r == 0 && (flag = strtok_r(NULL, ":", &rest)))
		r = take_flag(reader, flag, polydir);
	return r < 0 ? r : 1;
}

/* 0, -E2BIG or -ENOMEM. */
static int take_names(char *text, struct namespace_conf *conf, struct polydir *polydir)
{
	char *name;
	int r = 0;

	polydir->only = text[0] == '~';
	text += polydir->only;
	while (r == 0 && (name = strsep(&text, ","))) {
		if (++conf->names > NAMESPACE_CONF_NAMES_MAX)
			return -E2BIG;
		/* nobody is called "" */
		if (name[0] != '\0')
			r = text_list_add(&polydir->names, name);
	}
	return r;
}

/* What is wrong with a path, or NULL. */
static const char *path_mistake(const char *path, bool any)
{
	if (!any && path[0] != '/' && !begins(path, "$HOME"))
		return "is no absolute path; " REFUSES;
	return strstr(path, "..") ? "has '..' in it; " REFUSES : NULL;
}

/* 1: good; 0: reported. */
static int judge_paths(struct reader *reader, const char *path, const char *prefix, bool any_prefix)
{
	const char *mistake = path_mistake(path, false);

	if (!mistake && !is_printable(path))
		mistake = "has control characters, or is not UTF-8: no policy can name it";
	if (mistake) {
		REPORT(reader, SEVERITY_ERROR, "%s: %s", path[0] ? path : "''", mistake);
		return 0;
	}
	mistake = path_mistake(prefix, any_prefix);
	if (mistake)
		REPORT(reader, SEVERITY_ERROR, "%s: the instance prefix %s", prefix[0] ? prefix : "''", mistake);
	return !mistake;
}

static int append(struct namespace_conf *conf, struct polydir *polydir)
{
	struct polydir *items;

	if (conf->count == NAMESPACE_CONF_DIRS_MAX)
		return -E2BIG;
	items = reallocarray(conf->items, conf->count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	conf->items = items;
	conf->items[conf->count++] = *polydir;
	*polydir = (struct polydir){ 0 };
	return 0;
}

/* 0, -E2BIG or -ENOMEM. */
static int take_fields(struct reader *reader, char *const *field, struct namespace_conf *conf)
{
	_cleanup_(polydir_release) struct polydir polydir = { .line = reader->line };
	int r = take_method(reader, field[2], &polydir);

	if (r > 0)
		r = judge_paths(reader, field[0], field[1], polydir.method == POLYDIR_TMPFS);
	if (r <= 0)
		return r;
	polydir.file = strdup(reader->file);
	polydir.path = strdup(field[0]);
	polydir.prefix = strdup(field[1]);
	if (!polydir.file || !polydir.path || !polydir.prefix)
		return -ENOMEM;
	r = field[3] ? take_names(field[3], conf, &polydir) : 0;
	return r < 0 ? r : append(conf, &polydir);
}

/* A line without its comment. */
static int take_line(struct reader *reader, char *text, struct namespace_conf *conf)
{
	static const char *const names[] = { "polydir", "instance_prefix", "method" };
	char *field[FIELDS] = { NULL }, *extra;
	size_t count = 0;

	while (count < FIELDS && (field[count] = next_field(&text)))
		count++;
	if (count == 0)
		return 0;
	if (count < ELEMENTS(names)) {
		REPORT(reader, SEVERITY_ERROR, "%s: the field %s is missing behind it; " REFUSES, field[count - 1],
		       names[count]);
		return 0;
	}
	extra = count == FIELDS ? next_field(&text) : NULL;
	if (extra)
		REPORT(reader, SEVERITY_WARNING,
		       "%s: pam_namespace ignores what is behind the list of users, and so does this; names in the "
		       "list "
		       "have commas between them and no spaces",
		       extra);
	return take_fields(reader, field, conf);
}

/* The bytes of one line, without the newline. */
static int judge_line(struct reader *reader, const char *bytes, size_t size, struct namespace_conf *conf)
{
	const char *comment = memchr(bytes, '#', size);
	_cleanup_free_ char *text = NULL;

	if (comment)
		size = (size_t)(comment - bytes);
	if (size > NAMESPACE_CONF_LINE_MAX) {
		REPORT(reader, SEVERITY_ERROR, "%.32s...: longer than %d bytes: not translated", bytes,
		       NAMESPACE_CONF_LINE_MAX);
		return 0;
	}
	if (memchr(bytes, '\0', size)) {
		REPORT(reader, SEVERITY_ERROR,
		       "%.32s: a byte of value 0 behind it, which ends the line for pam_namespace: not translated",
		       bytes);
		return 0;
	}
	text = strndup(bytes, size);
	return text ? take_line(reader, text, conf) : -ENOMEM;
}

int namespace_conf_parse(const char *file, const char *text, size_t size, struct namespace_conf *conf,
			 struct diagnostics *diag)
{
	struct reader reader = { .file = file, .diag = diag };
	int r = 0;

	while (r == 0 && size > 0) {
		const char *newline = memchr(text, '\n', size);
		size_t length = newline ? (size_t)(newline - text) : size;
		size_t step = length + (newline ? 1 : 0);

		reader.line++;
		r = judge_line(&reader, text, length, conf);
		text += step;
		size -= step;
	}
	return r;
}
