/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/pam_diff.h"

#include <string.h>

#define BLOCK_LINES 3

/* Walks over one of the two texts, line by line. */
struct side {
	const struct pam_text *text;
	const struct pam_blocks *blocks;
	size_t at;
	unsigned line; /* of the line at `at`, from 1 */
};

static size_t line_end(const struct side *side)
{
	const char *from = side->text->bytes + side->at;
	const char *newline = memchr(from, '\n', side->text->length - side->at);

	return newline ? (size_t)(newline - side->text->bytes) + 1 : side->text->length;
}

static const struct pam_block *block_here(const struct side *side)
{
	for (int i = 0; side->blocks->present && i < PAM_BLOCKS; i++)
		if (side->blocks->block[i].start == side->at)
			return &side->blocks->block[i];
	return NULL;
}

static bool lacks_newline(const struct side *side, size_t end)
{
	return end == side->at || side->text->bytes[end - 1] != '\n';
}

/* Prints one line behind a sign and steps over it. */
static void print_line(FILE *stream, struct side *side, char sign)
{
	size_t end = line_end(side);
	bool cut = lacks_newline(side, end);

	(void)fputc(sign, stream);
	(void)fwrite(side->text->bytes + side->at, 1, end - side->at, stream);
	(void)fputs(cut ? "\n\\ No newline at end of file\n" : "", stream);
	side->at = end;
	side->line++;
}

static void print_block(FILE *stream, struct side *side, char sign)
{
	for (int i = 0; i < BLOCK_LINES; i++)
		print_line(stream, side, sign);
}

/* The same line on both sides; only its newline can have come or gone. */
static void step(FILE *stream, struct side *old, struct side *new)
{
	size_t old_end = line_end(old), new_end = line_end(new);

	if (lacks_newline(old, old_end) != lacks_newline(new, new_end)) {
		fprintf(stream, "@@ -%u +%u @@\n", old->line, new->line);
		print_line(stream, old, '-');
		print_line(stream, new, '+');
		return;
	}
	old->at = old_end;
	new->at = new_end;
	old->line++;
	new->line++;
}

void pam_diff_print(FILE *stream, const char *path, const struct pam_text *before, const struct pam_blocks *old_blocks,
		    const struct pam_text *after, const struct pam_blocks *new_blocks)
{
	struct side old = { before, old_blocks, 0, 1 }, new = { after, new_blocks, 0, 1 };

	fprintf(stream, "--- %s\n+++ %s\n", path, path);
	while (old.at < before->length || new.at < after->length) {
		if (old.at < before->length && block_here(&old)) {
			fprintf(stream, "@@ -%u,%d +%u,0 @@\n", old.line, BLOCK_LINES, new.line - 1);
			print_block(stream, &old, '-');
		} else if (new.at < after->length && block_here(&new)) {
			fprintf(stream, "@@ -%u,0 +%u,%d @@\n", old.line - 1, new.line, BLOCK_LINES);
			print_block(stream, &new, '+');
		} else if (old.at < before->length && new.at < after->length) {
			step(stream, &old, &new);
		} else {
			return;
		}
	}
}
