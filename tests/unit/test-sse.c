/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/sse.h"

#include "tests/test.h"

TEST(an_event_has_its_id_its_kind_and_its_data)
{
	_cleanup_json_out_ struct json_out o = {0};

	sse_event(&o, "host1:0badcafe:7", "command", "{\"seq\":7}", 9);
	sse_event(&o, NULL, "state", "{}", 2);
	CHECK_STR(o.buf,
		"id: host1:0badcafe:7\nevent: command\ndata: {\"seq\":7}\n\nevent: state\ndata: {}\n\n");
}

TEST(a_line_break_in_what_is_sent_begins_no_field_of_its_own)
{
	_cleanup_json_out_ struct json_out o = {0};

	sse_event(&o, "a\nevent: b", "c\rdata: d", "one\nid: two\rthree", 17);
	CHECK_STR(o.buf, "id: a\nevent: c\ndata: one\ndata: id: two\ndata: three\n\n");
}

TEST(data_may_be_empty_and_is_not_read_beyond_its_end)
{
	_cleanup_json_out_ struct json_out o = {0};

	sse_event(&o, NULL, "x", "abc", 0);
	sse_event(&o, NULL, "y", "abc", 2);
	CHECK_STR(o.buf, "event: x\ndata: \n\nevent: y\ndata: ab\n\n");
}

TEST(comments_and_the_time_to_wait)
{
	_cleanup_json_out_ struct json_out o = {0};

	sse_retry(&o, 2000);
	sse_comment(&o, "still here");
	CHECK_STR(o.buf, "retry: 2000\n\n: still here\n\n");
}

TEST_MAIN()
