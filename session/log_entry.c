/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/log_entry.h"

#include "common/format_list.h"
#include "session/log_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define KEY_MAX 32

/* Once there was no memory nothing is appended any more: a line with a word missing would be taken for a whole one. */
static void append(char **text, const char *format, ...) _printf_(2, 3);

static void append(char **text, const char *format, ...)
{
	_cleanup_free_ char *before = TAKE_PTR(*text);
	_cleanup_free_ char *more = NULL;
	va_list arguments;

	if (!before)
		return;
	va_start(arguments, format);
	more = format_list(format, arguments);
	va_end(arguments);
	if (more && asprintf(text, "%s%s", before, more) < 0)
		*text = NULL;
}

/* Whatever the locale of the program around us says of letters. */
void log_entry_field(struct log_entry *entry, const char *key, const char *value)
{
	char name[KEY_MAX];

	(void)snprintf(name, sizeof(name), "%s", key);
	for (char *byte = name; *byte; byte++)
		if (*byte >= 'a' && *byte <= 'z')
			*byte = (char)(*byte - 'a' + 'A');
	append(&entry->fields, "NSISOLATE_%s=%s\n", name, value);
}

/* `text` is fit for a log, "-" when there is nothing to say, and NULL when there was no memory for it. */
static void put_word(struct log_entry *entry, const char *key, const char *text)
{
	if (!text)
		text = "out-of-memory";
	append(&entry->line, " %s=%s", key, text);
	if (strcmp(text, "-") != 0)
		log_entry_field(entry, key, text);
}

void log_entry_begin(struct log_entry *entry, enum log_message message)
{
	const struct log_message_kind *kind = &log_messages[message];
	char id[LOG_ID_LENGTH + 1];

	*entry = (struct log_entry){ .kind = kind, .priority = kind->priority, .fields = strdup("") };
	if (asprintf(&entry->line, "%s:", kind->start) < 0)
		entry->line = NULL;
	(void)snprintf(id, sizeof(id), "%s", kind->start);
	log_entry_field(entry, "msgid", id);
}

void log_entry_word(struct log_entry *entry, const char *key, const char *value)
{
	const struct log_word word = log_word(value);

	put_word(entry, key, word.text);
}

void log_entry_value(struct log_entry *entry, const char *key, const char *value)
{
	_cleanup_free_ char *text = log_value(value);

	put_word(entry, key, text);
}

void log_entry_plain(struct log_entry *entry, const char *key, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = format_list(format, arguments);
	va_end(arguments);
	put_word(entry, key, text);
}

void log_entry_namespace(struct log_entry *entry, const char *name, uint64_t inode)
{
	char key[KEY_MAX], number[24];

	(void)snprintf(key, sizeof(key), "ns_%s", name);
	(void)snprintf(number, sizeof(number), "%" PRIu64, inode);
	append(&entry->line, " %s=%s", name, number);
	log_entry_field(entry, key, number);
}

void log_entry_reason(struct log_entry *entry, const char *text)
{
	_cleanup_free_ char *sentence = text ? log_sentence(text) : NULL;
	const char *reason = sentence ? sentence : "out of memory";

	append(&entry->line, ": %s", reason);
	log_entry_field(entry, "reason", reason);
}

const char *log_entry_line(const struct log_entry *entry)
{
	return entry->line ? entry->line : entry->kind->start;
}

void log_entry_release(struct log_entry *entry)
{
	free(entry->line);
	free(entry->fields);
	*entry = (struct log_entry){ 0 };
}
