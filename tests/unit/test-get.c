/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How ballastctl reads answers, and shows what is in them. */
#include "cli/get.h"

#include <time.h>

#include "cli/event-view.h"
#include "common/json.h"
#include "tests/test.h"

static json_t *answer(void)
{
	return json_loads("{\"a\":{\"b\":[1,{\"c\":\"x\"}],\"none\":null,\"less\":-1,\"yes\":true,"
			  "\"time\":\"2026-11-22T08:00:00.5Z\"}}",
		0, NULL);
}

TEST(what_is_not_there_or_of_another_type_reads_as_nothing)
{
	_cleanup_json_ json_t *a = answer();

	CHECK_STR(get_string(a, "/a/b/1/c", "-"), "x");
	CHECK_U64(get_number(a, "/a/b/0", 7), 1);
	CHECK(get_bool(a, "/a/yes"));
	CHECK_STR(get_string(a, "/a/b/2/c", "-"), "-");
	CHECK_STR(get_string(a, "/a/b/0", "-"), "-");
	CHECK_STR(get_string(NULL, "/a", "-"), "-");
	CHECK_U64(get_number(a, "/a/none", 7), 7);
	CHECK_U64(get_number(a, "/a/less", 7), 7);
	CHECK_U64(get_number(a, "/a/b", 7), 7);
	CHECK(!get_bool(a, "/a/b"));
	CHECK_U64(get_time(a, "/a/time"), UINT64_C(1795334400500000));
	CHECK_U64(get_time(a, "/a/b/1/c"), 0);
	CHECK_U64(get_time(a, "/a/none"), 0);
}

TEST(a_number_that_cannot_be_read_costs_no_other)
{
	static const char text[] =
		"{\"a\":18446744073709551614,\"b\":[9223372036854775807,-99999999999999999999],"
		"\"c\":\"18446744073709551614\",\"d\":7}";
	json_t *value = get_json(text, strlen(text));

	CHECK(value);
	CHECK_U64(get_number(value, "/a", 5), 5);
	CHECK_U64(get_number(value, "/b/0", 5), INT64_MAX);
	CHECK(json_is_null(get_at(value, "/b/1")));
	CHECK_STR(get_string(value, "/c", ""), "18446744073709551614");
	CHECK_U64(get_number(value, "/d", 5), 7);
	json_decref(value);
	CHECK(!get_json("<html>", 6));
	CHECK(!get_json("{\"a\":18446744073709551614", 24));
}

TEST(what_is_printed_as_it_is_was_made_printable)
{
	json_t *value = json_pack("{s:s,s:s}", "name", "a\nb\x1b[2J", "other", "\xe2\x80\xaeq");

	CHECK_STR(get_string(value, "/name", ""), "a\nb\x1b[2J");
	CHECK_STR(get_shown(value, "/name", ""), "a\\nb\\x1b[2J");
	CHECK_STR(get_shown(value, "/other", ""), "\\u202eq");
	CHECK_STR(get_shown(value, "/none", "?"), "?");
	CHECK(!get_shown(value, "/none", NULL));
	json_decref(value);
}

TEST(what_is_not_known_is_shown_as_a_dash)
{
	char size[SIZE_TEXT_MAX], ratio[RATIO_TEXT_MAX], time[SHOW_TIME_MAX];

	CHECK_STR(show_size(UINT64_MAX, size), "-");
	CHECK_STR(show_size(0, size), "0 B");
	CHECK_STR(show_permyriad(UINT64_MAX, ratio), "-");
	CHECK_STR(show_permyriad(1234, ratio), "12.3%");
	CHECK_STR(show_time(0, 0, time), "-");
}

TEST(spans_have_two_units)
{
	char text[SPAN_TEXT_MAX];

	CHECK_STR(show_span(0, text), "0s");
	CHECK_STR(show_span(1234567, text), "1s");
	CHECK_STR(show_span(200 * USEC_PER_SEC, text), "3min 20s");
	CHECK_STR(show_span(26 * USEC_PER_HOUR + 59 * USEC_PER_MIN, text), "1d 2h");
}

TEST(times_are_local_and_have_a_date_on_other_days_only)
{
	uint64_t t = UINT64_C(1795334400) * USEC_PER_SEC; /* 2026-11-22 08:00 UTC */
	char text[SHOW_TIME_MAX];

	setenv("TZ", "XYZ-3", 1);
	tzset();
	CHECK_STR(show_time(t, t + USEC_PER_HOUR, text), "11:00:00");
	CHECK_STR(show_time(t, t + USEC_PER_DAY, text), "Sun 2026-11-22 11:00:00");
	CHECK_STR(show_time(t, 0, text), "Sun 2026-11-22 11:00:00");
}

TEST(times_in_a_sentence_become_local_and_nothing_else_does)
{
	static const struct {
		const char *said, *shown;
	} rows[] = {
		{"until 2026-11-22T08:00:00Z: x", "until 11:00:00: x"},
		{"until 2026-11-22T08:00:00.123Z", "until 11:00:00"},
		{"2026-11-23T08:00:00Z, 2026-11-22T08:00:01Z", "Mon 2026-11-23 11:00:00, 11:00:01"},
		{"2026-11-22T08:00:00", "2026-11-22T08:00:00"},
		{"2026-11-22T08:00:00+01:00", "2026-11-22T08:00:00+01:00"},
		{"2026-13-22T08:00:00Z", "2026-13-22T08:00:00Z"},
		{"2026-11-22T08:00:0", "2026-11-22T08:00:0"},
		{"", ""},
	};
	uint64_t now = UINT64_C(1795334400) * USEC_PER_SEC;
	char text[64];

	setenv("TZ", "XYZ-3", 1);
	tzset();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		event_local_times(rows[i].said, now, text, sizeof(text));
		CHECK_STR(text, rows[i].shown);
	}
	for (size_t size = 1; size < 40; size++) {
		memset(text, 'x', sizeof(text));
		event_local_times(rows[0].said, now, text, size);
		CHECK(strlen(text) < size && strncmp(text, rows[0].shown, strlen(text)) == 0);
	}
}

TEST_MAIN()
