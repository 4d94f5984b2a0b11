/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/sse.h"

#include <stdio.h>

#include "tests/test.h"

static char seen[4096];

static void see(const char *event, const char *id, const char *data, void *userdata)
{
	size_t n = strlen(seen);

	snprintf(seen + n, sizeof(seen) - n, "[%s|%s|%s]", event, id, data);
}

static const char stream[] =
	"retry: 2000\n\nid: h:b:1\nevent: command\ndata: {\"a\":1}\n\n: still here\n\nevent: state\r\ndata: {}\n\n"
	"data: one\nid: 7\ndata: two and more\ndata:three\n\nid: 8\nevent: nothing\n\nevent: end\ndata: ";

TEST(events_are_whole_however_they_come)
{
	for (size_t piece = 1; piece < sizeof(stream); piece++) {
		struct sse s = {0};

		seen[0] = '\0';
		for (size_t at = 0; at < sizeof(stream) - 1; at += piece)
			CHECK_INT(sse_feed(&s, stream + at, MIN(piece, sizeof(stream) - 1 - at),
					  see, NULL),
				0);
		CHECK_STR(seen,
			"[command|h:b:1|{\"a\":1}][state||{}][message|7|one\ntwo and more\nthree]");
		sse_clear(&s);
	}
}

TEST(an_endless_event_is_refused)
{
	char line[1024];
	struct sse s = {0};
	int r = 0;

	memset(line, 'x', sizeof(line));
	for (int i = 0; i < 100 && r == 0; i++)
		r = sse_feed(&s, line, sizeof(line), see, NULL);
	CHECK_INT(r, -EMSGSIZE);
	sse_clear(&s);
}

TEST(a_nul_hides_nothing)
{
	struct sse s = {0};

	seen[0] = '\0';
	CHECK_INT(sse_feed(&s, "data: a\0b\n\n", 11, see, NULL), 0);
	CHECK_STR(seen, "[message||a?b]");
	sse_clear(&s);
}

TEST_MAIN()
