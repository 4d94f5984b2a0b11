/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RFC 3339, both ways. */
#include "common/json.h"

#include "tests/test.h"

TEST(times_are_written_and_read_as_rfc_3339)
{
	char buf[JSON_TIME_MAX];
	uint64_t t = 0;

	CHECK_STR(json_time_format(UINT64_C(1795334400123456), buf), "2026-11-22T08:00:00.123Z");
	CHECK_INT(json_time_parse("2026-11-22T08:00:00.123Z", &t), 0);
	CHECK_U64(t, UINT64_C(1795334400123000));
	CHECK_INT(json_time_parse("2026-11-22T09:30:00+01:30", &t), 0);
	CHECK_U64(t, UINT64_C(1795334400000000));
	CHECK_INT(json_time_parse("2026-11-22t03:00:00-05:00", &t), 0);
	CHECK_U64(t, UINT64_C(1795334400000000));
	CHECK_INT(json_time_parse("2028-02-29T00:00:00Z", &t), 0);
	CHECK_STR(json_time_format(UINT64_MAX, buf), "9999-12-31T23:59:59.551Z");
}

TEST(what_is_no_time_is_refused)
{
	static const char *const bad[] = {"", "2026-11-22", "2026-11-22T08:00:00",
		"2026-11-31T08:00:00Z", "2026-13-01T08:00:00Z", "2026-11-22T24:00:00Z",
		"2026-11-22T08:00:00Zx", "1969-12-31T23:59:59Z", "2026-11-22T08:00:60Z",
		"2026-11-22T08:00:00.Z", "2026-11-22T08:00:00+1:00", "9999-12-31T23:59:59-01:00",
		"2027-02-29T00:00:00Z", "1970-01-01T00:00:00+00:01"};
	uint64_t t = 42;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (json_time_parse(bad[i], &t) != -EINVAL)
			TEST_FAIL("\"%s\" was taken", bad[i]);
	CHECK_U64(t, 42);
}

TEST_MAIN()
