/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/channel/intake.h"

#include "tests/test.h"

/* Feeds text and appends each line that comes out, in brackets, to out. */
static void feed(struct intake *in, const char *text, size_t len, char *out)
{
	struct intake_line line;

	while (intake_next(in, &text, &len, &line)) {
		strcat(out, "[");
		if (line.text)
			strncat(out, line.text, line.len);
		else
			strcat(out, "too long");
		strcat(out, "]");
	}
}

static struct intake in;

TEST(lines_come_out_whole_however_they_are_cut)
{
	static const char text[] = "one\ntwo\n\nthree\nfo";

	for (size_t piece = 1; piece < sizeof(text); piece++) {
		char out[256] = "";

		intake_reset(&in);
		for (size_t at = 0; at < sizeof(text) - 1; at += piece)
			feed(&in, text + at, MIN(piece, sizeof(text) - 1 - at), out);
		CHECK_STR(out, "[one][two][][three]");
		feed(&in, "ur\n", 3, out);
		CHECK_STR(out, "[one][two][][three][four]");
	}
}

TEST(a_0xff_drops_what_was_there_of_its_line)
{
	static const char text[] = "half a li\xff"
				   "good\nx\xffy\xffz\nlast\xff\n\xff\xff"
				   "end\n";

	for (size_t piece = 1; piece < sizeof(text); piece++) {
		char out[256] = "";

		intake_reset(&in);
		for (size_t at = 0; at < sizeof(text) - 1; at += piece)
			feed(&in, text + at, MIN(piece, sizeof(text) - 1 - at), out);
		CHECK_STR(out, "[good][z][][end]");
	}
}

TEST(a_line_of_4096_bytes_fits_and_one_more_does_not)
{
	static char text[LINE_BYTES_MAX + 1];

	for (size_t piece = 1; piece <= sizeof(text); piece += 1365) {
		for (size_t len = LINE_BYTES_MAX - 1; len <= LINE_BYTES_MAX; len++) {
			static char out[2 * LINE_BYTES_MAX];

			memset(text, 'a', len);
			text[len] = '\n';
			out[0] = '\0';
			intake_reset(&in);
			for (size_t at = 0; at < len + 1; at += piece)
				feed(&in, text + at, MIN(piece, len + 1 - at), out);
			feed(&in, "next\n", 5, out);
			if (len < LINE_BYTES_MAX)
				CHECK_INT(strlen(out), len + 2 + 6);
			else
				CHECK_STR(out, "[too long][next]");
		}
	}
}

TEST(only_a_line_that_spans_reads_has_a_buffer)
{
	char out[64] = "";

	intake_reset(&in);
	feed(&in, "one\ntwo\n", 8, out);
	CHECK(!in.partial);
	feed(&in, "thr", 3, out);
	CHECK(in.partial != NULL);
	feed(&in, "ee\n", 3, out);
	CHECK(!in.partial);
	CHECK_STR(out, "[one][two][three]");
}

TEST(an_endless_line_costs_no_more_than_a_line)
{
	static char text[4096];
	char out[64] = "";

	memset(text, 'a', sizeof(text));
	intake_reset(&in);
	for (int i = 0; i < 1000; i++)
		feed(&in, text, sizeof(text), out);
	CHECK_STR(out, "");
	CHECK(!in.partial);
	feed(&in, "\nnext\n", 6, out);
	CHECK_STR(out, "[too long][next]");
}

TEST(a_0xff_ends_an_endless_line_without_a_bad_one)
{
	static char text[8192];
	char out[64] = "";

	memset(text, 'a', sizeof(text));
	intake_reset(&in);
	feed(&in, text, sizeof(text), out);
	feed(&in, "\xffnext\n", 6, out);
	CHECK_STR(out, "[next]");
}

TEST_MAIN()
