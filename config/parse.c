/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/*
 * The one user of libconfuse. Every key is a string to it, so that types and
 * messages are ours; what it reads is taken in its validate callbacks, in
 * order, and compared name by name with what scan.c read.
 */
#include "config/parse.h"

#include "config/names.h"
#include "config/scan.h"

#include <confuse.h>
#include <locale.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

struct reader {
	const char *name;
	struct diagnostics *diag;
	const struct scan *scan;
	size_t next;    /* event of scan that libconfuse reports next */
	unsigned calls; /* callbacks seen for it: one a value of a list, and one for its end */
	struct statements statements;
	size_t section; /* the first statement of the outermost section that is open */
	int error;      /* of a callback */
};

/* libconfuse has no pointer for its caller and one lexer for all: both are guarded by the mutex. */
static pthread_mutex_t reader_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct reader *reader;

/* --- what libconfuse has read --- */

static void statement_release(struct statement *statement)
{
	free(statement->values);
	free(statement->title);
	*statement = (struct statement){ 0 };
}

void statements_release(struct statements *statements)
{
	for (size_t i = 0; i < statements->count; i++)
		statement_release(&statements->items[i]);
	free(statements->items);
	*statements = (struct statements){ 0 };
}

/* The last `count` values of an option: an earlier statement's stay before them. */
static int take_values(cfg_opt_t *opt, unsigned count, struct statement *statement)
{
	unsigned first = cfg_opt_size(opt) - count;
	size_t size = count * sizeof(*statement->values);
	char *end;

	for (unsigned i = 0; i < count; i++)
		size += strlen(cfg_opt_getnstr(opt, first + i)) + 1;
	statement->values = malloc(size);
	if (!statement->values)
		return -ENOMEM;
	end = (char *)(statement->values + count);
	for (unsigned i = 0; i < count; i++) {
		statement->values[i] = end;
		end = stpcpy(end, cfg_opt_getnstr(opt, first + i)) + 1;
	}
	statement->value_count = count;
	return 0;
}

static int take_statement(cfg_t *cfg, cfg_opt_t *opt, const struct scan_event *event)
{
	_cleanup_(statement_release) struct statement statement = {
		.key = event->key.key,
		.append = event->append,
		.line = event->line,
	};
	const char *title = event->within.length > 0 ? cfg_title(cfg) : NULL;
	int r;

	if (event->section) {
		if (!event->titled)
			return 0;
		title = cfg_title(cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1));
	} else {
		r = take_values(opt, event->values, &statement);
		if (r < 0)
			return r;
	}
	if (title) {
		statement.title = strdup(title);
		if (!statement.title)
			return -ENOMEM;
	}
	reader->statements.items[reader->statements.count++] = statement;
	statement = (struct statement){ 0 };
	return 0;
}

static bool is_called(const char *name, const char *text, size_t length)
{
	return strncmp(name, text, length) == 0 && name[length] == '\0';
}

/* Whether libconfuse, too, is in the section that scan.c and names.c found the event in. */
static bool is_within(const cfg_t *cfg, const struct scan_event *event)
{
	size_t length;
	const char *leaf = key_name_leaf(event->within, &length);

	if (event->within.length == 0)
		return strcmp(cfg->name, event->in_service ? policy_keys[KEY_SERVICE].name : "root") == 0;
	return is_called(cfg->name, leaf, length);
}

/* The event that libconfuse now reports; NULL within a list, or, with reader->error, when it disagrees with scan.c. */
static const struct scan_event *next_event(const cfg_t *cfg, const cfg_opt_t *opt)
{
	const struct scan_event *event = &reader->scan->events[reader->next];

	if (reader->next >= reader->scan->count || event->section != (opt->type == CFGT_SEC) ||
	    !is_called(opt->name, event->name, event->length) || !is_within(cfg, event)) {
		reader->error = -EBADMSG;
		return NULL;
	}
	if (++reader->calls < (event->list ? event->values + 1 : 1))
		return NULL;
	reader->calls = 0;
	reader->next++;
	return event;
}

/* A section is reported when it ends: the last statement is a service's, and those of its section are before it. */
static void name_service(void)
{
	const struct statement *service = &reader->statements.items[reader->statements.count - 1];

	for (size_t i = reader->section; i < reader->statements.count - 1; i++)
		reader->statements.items[i].service = service->title;
}

static int on_statement(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct scan_event *event = next_event(cfg, opt);

	if (event)
		reader->error = take_statement(cfg, opt, event);
	if (event && reader->error == 0 && event->depth == 0) {
		if (key_name_is_service(event->key))
			name_service();
		reader->section = reader->statements.count;
	}
	return reader->error < 0 ? -1 : 0;
}

/* --- what it complains about --- */

/* Whether libconfuse is now within service "NAME" { … }: what it reports next is its place in the file. */
static bool in_service(void)
{
	return reader->next < reader->scan->count && reader->scan->events[reader->next].in_service;
}

static void report_title(cfg_t *cfg, const char *title)
{
	bool of_service = strcmp(cfg->name, "root") == 0, within = !of_service && in_service();
	const struct statement *first = NULL;

	for (size_t i = within ? reader->section : 0; i < reader->statements.count && !first; i++) {
		const struct statement *statement = &reader->statements.items[i];

		if (policy_keys[statement->key].type == VALUE_SECTION && !statement->service &&
		    (statement->key == KEY_SERVICE) == of_service && strcmp(statement->title, title) == 0)
			first = statement;
	}
	diagnostics_add(reader->diag, SEVERITY_ERROR, reader->name, (unsigned)cfg->line,
			"%s: '%s' is given twice, first in line %u", first ? policy_keys[first->key].name : "section",
			title, first ? first->line : 0);
}

/* Its error function is told its format, and nothing else. All other mistakes have been found before, by scan.c and
 * names.c. */
static void _printf_(2, 0) on_error(cfg_t *cfg, const char *format, va_list arguments)
{
	char text[256];

	if (strcmp(format, "found duplicate title '%s'") == 0) {
		report_title(cfg, va_arg(arguments, const char *));
		return;
	}
	(void)vsnprintf(text, sizeof(text), format, arguments);
	diagnostics_add(reader->diag, SEVERITY_ERROR, reader->name, (unsigned)cfg->line, "%s", text);
}

/* --- the language as libconfuse wants it --- */

/* Their names are in the same block. */
static void options_free(cfg_opt_t *options)
{
	for (cfg_opt_t *option = options; option && option->name; option++)
		options_free(option->subopts);
	free(options);
}

static void options_freep(cfg_opt_t **options)
{
	options_free(*options);
}

/* The first event of each name in each section; those in service "NAME" apart, and together for all of them. */
struct names {
	const struct scan_event *items[4 * POLICY_KEYS]; /* keys and sections, within and outside */
	size_t count;
};

static void names_add(struct names *names, const struct scan_event *event)
{
	for (size_t i = 0; i < names->count; i++)
		if (key_name_equal(names->items[i]->key, event->key) &&
		    names->items[i]->in_service == event->in_service)
			return;
	if (names->count < ELEMENTS(names->items))
		names->items[names->count++] = event;
}

static int options_make(const struct names *names, struct key_name within, bool in_service, cfg_opt_t **ret);

static int option_make(const struct names *names, const struct scan_event *event, const char *name, cfg_opt_t *ret)
{
	*ret = (cfg_opt_t){ .name = name, .type = CFGT_STR, .flags = CFGF_NODEFAULT, .validcb = on_statement };
	if (policy_keys[event->key.key].type == VALUE_LIST)
		ret->flags |= CFGF_LIST;
	if (!event->section)
		return 0;
	ret->type = CFGT_SEC;
	/* of one that cannot be repeated libconfuse makes an empty copy before it reads the first */
	ret->flags = event->titled ? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES : CFGF_MULTI;
	if (key_name_is_service(event->key))
		return options_make(names, (struct key_name){ 0 }, true, &ret->subopts);
	return options_make(names, event->key, event->in_service, &ret->subopts);
}

/*
 * An option for each name that the file has directly within a section: libconfuse copies all of them for each such
 * section, and a login pays for what its policy says, not for the language. libconfuse then refuses any other name.
 */
static int options_make(const struct names *names, struct key_name within, bool in_service, cfg_opt_t **ret)
{
	_cleanup_(options_freep) cfg_opt_t *options = NULL;
	const struct scan_event *found[POLICY_KEYS];
	size_t count = 0, size = 0;
	char *name;

	for (size_t i = 0; i < names->count; i++) {
		if (names->items[i]->in_service != in_service || !key_name_equal(names->items[i]->within, within))
			continue;
		found[count++] = names->items[i];
		size += names->items[i]->length + 1;
	}
	options = calloc(1, (count + 1) * sizeof(*options) + size);
	if (!options)
		return -ENOMEM;
	name = (char *)(options + count + 1);
	for (size_t i = 0; i < count; i++) {
		int r = option_make(names, found[i], name, &options[i]);

		if (r < 0)
			return r;
		memcpy(name, found[i]->name, found[i]->length);
		name += found[i]->length + 1;
	}
	*ret = TAKE_PTR(options);
	return 0;
}

/* --- one file --- */

/* In the C locale, so that its messages are those that on_error() knows. */
static int run_libconfuse(const struct scan *scan)
{
	_cleanup_(options_freep) cfg_opt_t *options = NULL;
	struct names names = { .count = 0 };
	locale_t c_locale, before;
	cfg_t *cfg;
	int r;

	for (size_t i = 0; i < scan->count; i++)
		names_add(&names, &scan->events[i]);
	r = options_make(&names, (struct key_name){ 0 }, false, &options);
	if (r < 0)
		return r;
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (c_locale == (locale_t)0)
		return -ENOMEM;
	before = uselocale(c_locale);
	cfg = cfg_init(options, CFGF_NONE);
	if (cfg) {
		(void)cfg_set_error_function(cfg, on_error);
		r = cfg_parse_buf(cfg, scan->text) == CFG_SUCCESS ? 0 : -EBADMSG;
		cfg_free(cfg);
	} else {
		r = -ENOMEM;
	}
	(void)uselocale(before);
	freelocale(c_locale);
	return r;
}

/* The statement before items[i] with the same key in the same section, or NULL. */
static const struct statement *same_in_section(const struct statement *items, size_t i)
{
	/* a section's own statement follows what is in it */
	for (size_t j = i; j-- > 0 && policy_keys[items[j].key].type != VALUE_SECTION;)
		if (items[j].title && items[j].key == items[i].key && strcmp(items[j].title, items[i].title) == 0)
			return &items[j];
	return NULL;
}

/* True when there are any. */
static bool report_repeats(const char *name, const struct statements *statements, struct diagnostics *diag)
{
	const struct statement *at_top[POLICY_KEYS] = { NULL }, *in_section[POLICY_KEYS] = { NULL };
	bool found = false;

	for (size_t i = 0; i < statements->count; i++) {
		const struct statement *statement = &statements->items[i], *first;
		const struct statement **untitled = statement->service ? in_section : at_top;
		enum policy_key key = statement->key;

		/* a service section's own statement is its last */
		if (key == KEY_SERVICE)
			memset(in_section, 0, sizeof(in_section));
		if (policy_keys[key].type == VALUE_SECTION)
			continue;
		first = statement->title ? same_in_section(statements->items, i) : untitled[key];
		if (!statement->title)
			untitled[key] = statement;
		if (!first)
			continue;
		diagnostics_add(diag, SEVERITY_ERROR, name, statement->line, "%s: given twice, first in line %u",
				policy_keys[key].name, first->line);
		found = true;
	}
	return found;
}

static int read_statements(const char *name, const struct scan *scan, struct statements *ret, struct diagnostics *diag)
{
	struct reader mine = { .name = name, .diag = diag, .scan = scan };
	size_t reported = diag->count;
	int r;

	mine.statements.items = calloc(scan->count + 1, sizeof(*mine.statements.items));
	if (!mine.statements.items)
		return -ENOMEM;
	(void)pthread_mutex_lock(&reader_mutex);
	reader = &mine;
	r = run_libconfuse(scan);
	reader = NULL;
	(void)pthread_mutex_unlock(&reader_mutex);
	if (mine.error < 0)
		r = mine.error;
	if (r >= 0 && mine.next != scan->count)
		r = -EBADMSG;
	if (r == -EBADMSG && diag->count == reported)
		diagnostics_add(diag, SEVERITY_ERROR, name, 0, "the file cannot be read without ambiguity");
	if (r < 0) {
		statements_release(&mine.statements);
		return r;
	}
	*ret = mine.statements;
	return 0;
}

int policy_parse(const char *name, const char *text, size_t size, struct statements *ret, struct diagnostics *diag)
{
	_cleanup_(scan_release) struct scan scan = { 0 };
	bool left_out, repeats;
	int r;

	r = scan_policy(name, text, size, &scan, diag);
	if (r < 0)
		return r;
	r = names_check(name, &scan, diag);
	if (r < 0)
		return r;
	left_out = r == NAMES_LEFT_OUT;
	r = read_statements(name, &scan, ret, diag);
	if (r < 0)
		return r;
	repeats = report_repeats(name, ret, diag);
	return left_out || repeats ? PARSE_INCOMPLETE : 0;
}
