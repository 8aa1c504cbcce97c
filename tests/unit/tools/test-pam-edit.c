/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* Text in, text out: what enable inserts, disable takes out byte for byte, and what was tampered with is refused. */

#include "tools/pam_edit.h"
#include "tools/pam_traces.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define GENERATED 20000

static const char *const arguments[] = { "policy=/srv/p", "[exempt=@domain users]", NULL };

static struct pam_text text_of(const char *bytes)
{
	struct pam_text text = { .bytes = strdup(bytes), .length = strlen(bytes) };

	assert_non_null(text.bytes);
	return text;
}

static struct pam_text insert(const struct pam_text *text, unsigned close_line)
{
	const struct pam_edit edit = { "sshd", "pam_nsisolate.so", arguments, close_line };
	struct pam_text out = { 0 };

	assert_int_equal(pam_edit_insert(text, &edit, &out), 0);
	return out;
}

static struct pam_text strip(const struct pam_text *text)
{
	struct pam_edit_problems problems = { 0 };
	struct pam_blocks blocks = { 0 };
	struct pam_text out = { 0 };

	assert_int_equal(pam_edit_find(text, &blocks, &problems), 0);
	assert_true(blocks.present);
	assert_string_equal(blocks.module, "pam_nsisolate.so");
	assert_string_equal(blocks.arguments[0], arguments[0]);
	assert_string_equal(blocks.arguments[1], arguments[1]);
	assert_null(blocks.arguments[2]);
	assert_int_equal(pam_edit_remove(text, &blocks, &out), 0);
	pam_blocks_release(&blocks);
	return out;
}

static void assert_same(const struct pam_text *left, const struct pam_text *right)
{
	assert_int_equal(left->length, right->length);
	assert_memory_equal(left->bytes, right->bytes, left->length);
}

static void inserts_close_before_its_line_and_open_at_the_end(void **state)
{
	struct pam_text text = text_of("#%PAM-1.0\nauth required a.so\nsession required b.so\n");
	struct pam_text out = insert(&text, 3);
	const char expected[] =
		"#%PAM-1.0\nauth required a.so\n"
		"# nsisolate-pam: begin close (managed; \"nsisolate-pam disable sshd\" removes this block)\n"
		"session required pam_nsisolate.so close policy=/srv/p [exempt=@domain users]\n"
		"# nsisolate-pam: end\n"
		"session required b.so\n"
		"# nsisolate-pam: begin open (managed; \"nsisolate-pam disable sshd\" removes this block)\n"
		"session required pam_nsisolate.so open policy=/srv/p [exempt=@domain users]\n"
		"# nsisolate-pam: end\n";

	(void)state;
	assert_int_equal(out.length, strlen(expected));
	assert_memory_equal(out.bytes, expected, out.length);
	pam_text_release(&out);
	pam_text_release(&text);
}

/* A deterministic generator: the same texts in every run (Knuth's MMIX constants). */
static uint32_t draw(uint64_t *seed, uint32_t bound)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33) % bound;
}

static const char *const pieces[] = {
	"session required a.so",
	"@include common-session",
	"# comment",
	"",
	" ",
	"\t",
	"session \\",
	"\\",
	"\r",
	"session optional b.so arg\r",
	"auth required c.so # tail",
	"-session optional d.so [x y]",
	"\xff\xfe",
	"#",
	"# nsisolate-pam",
	"  # nsisolate",
	"session include su",
	"\\ ",
	"last",
};

static struct pam_text generate(uint64_t *seed, unsigned *ret_lines)
{
	struct pam_text text = { 0 };
	unsigned count = 1 + draw(seed, 12);

	text.bytes = malloc(64 * count + 4);
	assert_non_null(text.bytes);
	for (unsigned i = 0; i < count; i++) {
		const char *piece = pieces[draw(seed, ELEMENTS(pieces))];

		memcpy(text.bytes + text.length, piece, strlen(piece));
		text.length += strlen(piece);
		if (draw(seed, 20) == 0)
			text.bytes[text.length++] = '\0';
		if (i + 1 < count || draw(seed, 2))
			text.bytes[text.length++] = '\n';
	}
	if (!text.length)
		text.bytes[text.length++] = '\n';
	*ret_lines = 1;
	for (size_t i = 0; i + 1 < text.length; i++)
		*ret_lines += text.bytes[i] == '\n';
	return text;
}

static void disable_gives_back_every_generated_file_byte_for_byte(void **state)
{
	uint64_t seed = 2024;

	(void)state;
	for (int i = 0; i < GENERATED; i++) {
		unsigned lines;
		struct pam_text text = generate(&seed, &lines);
		struct pam_text out = insert(&text, 1 + draw(&seed, lines));
		struct pam_text back = strip(&out);

		assert_same(&back, &text);
		pam_text_release(&back);
		pam_text_release(&out);
		pam_text_release(&text);
	}
}

static void what_was_appended_behind_the_block_keeps_its_newline(void **state)
{
	struct pam_text text = text_of("session required a.so");
	struct pam_text out = insert(&text, 1);
	struct pam_text appended = { 0 }, back;
	const char more[] = "session required late.so\n",
		   expected[] = "session required a.so\nsession required late.so\n";

	(void)state;
	appended.bytes = malloc(out.length + sizeof(more));
	assert_non_null(appended.bytes);
	memcpy(appended.bytes, out.bytes, out.length);
	memcpy(appended.bytes + out.length, more, strlen(more));
	appended.length = out.length + strlen(more);
	back = strip(&appended);
	assert_int_equal(back.length, strlen(expected));
	assert_memory_equal(back.bytes, expected, back.length);
	pam_text_release(&back);
	pam_text_release(&appended);
	pam_text_release(&out);
	pam_text_release(&text);
}

#define CLOSE_MARK "# nsisolate-pam: begin close (managed; \"nsisolate-pam disable sshd\" removes this block)\n"
#define OPEN_MARK  "# nsisolate-pam: begin open (managed; \"nsisolate-pam disable sshd\" removes this block)\n"
#define END_MARK   "# nsisolate-pam: end\n"
#define CLOSE_LINE "session required pam_nsisolate.so close\n"
#define OPEN_LINE  "session required pam_nsisolate.so open\n"
#define CLOSE      CLOSE_MARK CLOSE_LINE END_MARK
#define OPEN       OPEN_MARK OPEN_LINE END_MARK

static const struct tampered {
	const char *name;
	const char *text;
	unsigned line;
} tampered_table[] = {
	{ "close block only", "a\n" CLOSE, 2 },
	{ "open block only", OPEN "a\n", 1 },
	{ "two close blocks", CLOSE CLOSE OPEN, 4 },
	{ "two open blocks", CLOSE OPEN OPEN, 7 },
	{ "no end of close", CLOSE_MARK CLOSE_LINE "x\n" OPEN, 1 },
	{ "end only", CLOSE_LINE END_MARK, 2 },
	{ "begin at the end", CLOSE OPEN_MARK, 4 },
	{ "no end at the end", CLOSE OPEN_MARK OPEN_LINE, 4 },
	{ "line lost", CLOSE_MARK END_MARK OPEN, 1 },
	{ "control changed", CLOSE OPEN_MARK "session optional pam_nsisolate.so open\n" END_MARK, 5 },
	{ "line commented out", CLOSE_MARK "#session required pam_nsisolate.so close\n" END_MARK OPEN, 2 },
	{ "roles swapped", CLOSE_MARK OPEN_LINE END_MARK OPEN_MARK CLOSE_LINE END_MARK, 2 },
	{ "arguments differ", CLOSE OPEN_MARK "session required pam_nsisolate.so open debug\n" END_MARK, 5 },
	{ "module differs", CLOSE OPEN_MARK "session required /x/pam_nsisolate.so open\n" END_MARK, 5 },
	{ "line added within", CLOSE_MARK CLOSE_LINE "session required x.so\n" END_MARK OPEN, 1 },
	{ "marker indented", "  " CLOSE OPEN, 1 },
	{ "marker reworded", "# nsisolate-pam: begin close\n" CLOSE_LINE END_MARK OPEN, 1 },
	{ "carriage returns",
	  "# nsisolate-pam: begin close (managed; \"nsisolate-pam disable sshd\" removes this block)\r\n" CLOSE_LINE
		  END_MARK OPEN,
	  1 },
	{ "a strange service",
	  "# nsisolate-pam: begin close (managed; \"nsisolate-pam disable ../x\" removes this block)\n" CLOSE_LINE
		  END_MARK OPEN,
	  1 },
};

static void tampered_blocks_are_refused_with_their_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(tampered_table); i++) {
		struct pam_text text = text_of(tampered_table[i].text);
		struct pam_edit_problems problems = { 0 };
		struct pam_blocks blocks = { 0 };

		print_message("%s\n", tampered_table[i].name);
		assert_int_equal(pam_edit_find(&text, &blocks, &problems), -EBADMSG);
		assert_non_null(problems.items[0].text);
		assert_int_equal(problems.items[0].line, tampered_table[i].line);
		assert_false(blocks.present);
		pam_edit_problems_release(&problems);
		pam_text_release(&text);
	}
}

/* Lines of the problems as "1 4", then the traces. */
static const struct damage {
	const char *name, *text, *problems, *traces;
} damage_table[] = {
	{ "both lines changed",
	  CLOSE_MARK "session optional pam_nsisolate.so close\n" END_MARK "session required a.so\n" OPEN_MARK
		     "session optional pam_nsisolate.so open\n" END_MARK,
	  "2 6", "1, 2, 3, 5, 6, 7" },
	{ "a begin and an end lost", CLOSE_LINE END_MARK OPEN_MARK OPEN_LINE, "2 3", "1, 2, 3, 4" },
	{ "both lines lost", CLOSE_MARK END_MARK OPEN_MARK END_MARK, "1 3", "1, 2, 3, 4" },
	{ "a begin lost its block", CLOSE_MARK OPEN_MARK OPEN_LINE END_MARK, "1", "1, 2, 3, 4" },
	{ "a reworded begin is one problem, not two", "# nsisolate-pam: begin close\n" CLOSE_LINE END_MARK OPEN, "1",
	  "1, 2, 3, 4, 5, 6" },
	{ "a comment in a block goes with it",
	  CLOSE_MARK "#session required pam_nsisolate.so close\n" END_MARK "# of pam_nsisolate.so\n" OPEN, "2",
	  "1, 2, 3, 5, 6, 7" },
	{ "the line of a block is misspelt",
	  CLOSE "session required a.so\n" OPEN_MARK "session required pam_nsisolat.so open\n" END_MARK, "6",
	  "1, 2, 3, 5, 6, 7" },
	{ "the line of a block names any other module",
	  CLOSE "session required a.so\n" OPEN_MARK "session required b.so open\n" END_MARK, "6", "1, 2, 3, 5, 6, 7" },
	{ "a line more in a block", CLOSE OPEN_MARK OPEN_LINE "session required a.so\n" END_MARK, "4",
	  "1, 2, 3, 4, 5, 6, 7" },
	{ "between two blocks that lost the markers there are lines of the service's",
	  CLOSE_MARK CLOSE_LINE "session required a.so\n" OPEN_LINE END_MARK, "1", "1, 2, 4, 5" },
	{ "outside any block it is misspelt, in whatever type of line",
	  CLOSE_MARK END_MARK OPEN "auth required /lib/security/pam_nsisolated.so\n"
				   "session required pam_isolate.so\n"
				   "session optional pam_exec.so /etc/nsisolate/pam # pam_nsisolat.so\n",
	  "1", "1, 2, 3, 4, 5, 6" },
};

/* No damage: nothing that is ours by its markers. */
static const struct damage trace_table[] = {
	{ "nothing", "session required a.so\n", NULL, "" },
	{ "the last line", "session required a.so\nsession required pam_nsisolat.so open", NULL, "2" },
	{ "another module", "session required pam_isolate.so\nauth required pam_isolat.so\n", NULL, "" },
	{ "without an end", "session\tpam_nsisolate\n\n\nauth required amnsisolate.so", NULL, "1, 4" },
};

static void all_damage_of_a_text_is_named_at_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(damage_table); i++) {
		struct pam_text text = text_of(damage_table[i].text);
		struct pam_edit_problems problems = { 0 };
		struct pam_blocks blocks = { 0 };
		char lines[64] = "";
		char *traces;

		print_message("%s\n", damage_table[i].name);
		assert_int_equal(pam_edit_find(&text, &blocks, &problems), -EBADMSG);
		for (size_t j = 0; j < problems.count; j++)
			sprintf(lines + strlen(lines), "%s%u", j ? " " : "", problems.items[j].line);
		assert_string_equal(lines, damage_table[i].problems);
		traces = pam_traces(&text);
		assert_string_equal(traces, damage_table[i].traces);
		free(traces);
		pam_edit_problems_release(&problems);
		pam_text_release(&text);
	}
}

static void what_names_the_module_or_means_it_is_a_trace(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(trace_table); i++) {
		struct pam_text text = text_of(trace_table[i].text);
		char *traces = pam_traces(&text);

		print_message("%s\n", trace_table[i].name);
		assert_string_equal(traces, trace_table[i].traces);
		free(traces);
		pam_text_release(&text);
	}
}

static void text_without_markers_has_no_blocks(void **state)
{
	static const char *const texts[] = { "", "\n", "session required a.so", "# nsisolate-pam is nice\n",
					     OPEN_LINE };

	(void)state;
	for (size_t i = 0; i < ELEMENTS(texts); i++) {
		struct pam_text text = text_of(texts[i]);
		struct pam_edit_problems problems = { 0 };
		struct pam_blocks blocks = { 0 };

		assert_int_equal(pam_edit_find(&text, &blocks, &problems), 0);
		assert_false(blocks.present);
		pam_text_release(&text);
	}
}

static void a_line_that_is_not_there_is_an_error(void **state)
{
	const struct pam_edit edit = { "sshd", "pam_nsisolate.so", NULL, 3 };
	struct pam_text text = text_of("a\nb\n"), out = { 0 };

	(void)state;
	assert_int_equal(pam_edit_insert(&text, &edit, &out), -ERANGE);
	assert_null(out.bytes);
	pam_text_release(&text);
}

static void arguments_are_quoted_as_pam_reads_them(void **state)
{
	static const struct {
		const char *argument, *quoted;
	} cases[] = {
		{ "debug", "debug" },
		{ "exempt=@domain users", "[exempt=@domain users]" },
		{ "exempt=a]b c", "[exempt=a\\]b c]" },
		{ "[x", "[[x]" },
		{ "exempt=DOM\\alice", "exempt=DOM\\alice" },
		{ "", NULL },
		{ "a#b", NULL },
		{ "a\nb", NULL },
		{ "a\\", NULL },
		{ "a\\]", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_free_ char *quoted = NULL;
		int r = pam_argument_quote(cases[i].argument, &quoted);

		assert_int_equal(r, cases[i].quoted ? 0 : -EINVAL);
		if (cases[i].quoted)
			assert_string_equal(quoted, cases[i].quoted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inserts_close_before_its_line_and_open_at_the_end),
		cmocka_unit_test(disable_gives_back_every_generated_file_byte_for_byte),
		cmocka_unit_test(what_was_appended_behind_the_block_keeps_its_newline),
		cmocka_unit_test(tampered_blocks_are_refused_with_their_line),
		cmocka_unit_test(all_damage_of_a_text_is_named_at_once),
		cmocka_unit_test(what_names_the_module_or_means_it_is_a_trace),
		cmocka_unit_test(text_without_markers_has_no_blocks),
		cmocka_unit_test(a_line_that_is_not_there_is_an_error),
		cmocka_unit_test(arguments_are_quoted_as_pam_reads_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
