/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/units.h"

#include "tests/test.h"

static const struct {
	const char *text;
	uint64_t bytes;
} sizes[] = {
	{"0", 0},
	{"4096", 4096},
	{"1B", 1},
	{"512M", 512 * MIB},
	{"1.5G", 1536 * MIB},
	{" 2T\t", 2 * TIB},
	{"1P", 1024 * TIB},
	{"0.5K", 512},
	{"0.1G", 107374182}, /* 107374182.4, rounded down */
	{"0.999999999K", 1023},
	{"infinity", BYTES_UNLIMITED},
	{"18446744073709551614", UINT64_MAX - 1},
	{"16383.999999999P", 18446744073708425716ULL},
};

TEST(sizes_are_read_exactly)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint64_t v = 7;

		CHECK_INT(size_parse(sizes[i].text, &v, NULL), 0);
		CHECK_U64(v, sizes[i].bytes);
	}
}

static const struct {
	const char *text;
	int err;
	unsigned col;
	const char *part;
} bad_sizes[] = {
	{"", -EINVAL, 1, "number missing"},
	{"   ", -EINVAL, 4, "number missing"},
	{"-1", -EINVAL, 1, "not a number"},
	{"+1", -EINVAL, 1, "not a number"},
	{"0x10", -EINVAL, 2, "suffix is none of"},
	{"1e3", -EINVAL, 2, "suffix is none of"},
	{"5X", -EINVAL, 2, "suffix is none of B K M G T P"},
	{"5k", -EINVAL, 2, "suffix"},
	{"5MiB", -EINVAL, 2, "suffix"},
	{"5 M", -EINVAL, 3, "text after"},
	{"1.G", -EINVAL, 3, "digit missing"},
	{".5G", -EINVAL, 1, "not a number"},
	{"1.5", -EINVAL, 1, "bytes have no decimals"},
	{"1.5B", -EINVAL, 1, "bytes have no decimals"},
	{"1.0000000001G", -EINVAL, 12, "too many decimals"},
	{"512M x", -EINVAL, 6, "text after"},
	{"18446744073709551615", -ERANGE, 1, "too large"},
	{"99999999999999999999999", -ERANGE, 1, "too large"},
	{"16384P", -ERANGE, 1, "too large"},
	{"infinityx", -EINVAL, 1, "not a number"},
	{"٣M", -EINVAL, 1, "not a number"},
};

TEST(bad_sizes_say_where_and_what)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_sizes); i++) {
		_cleanup_diag_ struct diag d = {0};
		uint64_t v = 7;

		CHECK_INT(size_parse(bad_sizes[i].text, &v, &d), bad_sizes[i].err);
		CHECK_U64(v, 7);
		CHECK_CONTAINS(d.text, bad_sizes[i].part);
		CHECK_CONTAINS(d.text, "expected a size");
		CHECK_INT(d.col, bad_sizes[i].col);
		CHECK_INT(size_parse(bad_sizes[i].text, &v, NULL), bad_sizes[i].err);
	}
}

static const struct {
	const char *text;
	uint64_t usec;
} spans[] = {
	{"0", 0},
	{"90", 90 * USEC_PER_SEC},
	{"5s", 5 * USEC_PER_SEC},
	{"1min 30s", 90 * USEC_PER_SEC},
	{"1min30s", 90 * USEC_PER_SEC},
	{"2h", 2 * USEC_PER_HOUR},
	{"500ms", 500 * USEC_PER_MSEC},
	{"1.5h", 90 * USEC_PER_MIN},
	{"55s500ms", 55500 * USEC_PER_MSEC},
	{"2 min 200 ms", 120200 * USEC_PER_MSEC},
	{"300ms20s 5day", 5 * USEC_PER_DAY + 20300 * USEC_PER_MSEC},
	{"1y 12month", UINT64_C(63115200) * USEC_PER_SEC},
	{"1M 1m", UINT64_C(2629860) * USEC_PER_SEC},
	{"1w", 7 * USEC_PER_DAY},
	{"5µs", 5},
	{"5μs", 5},
	{"0.5", USEC_PER_SEC / 2},
	{" infinity ", USEC_INFINITY},
};

TEST(spans_are_read_as_systemd_does)
{
	for (size_t i = 0; i < ARRAY_SIZE(spans); i++) {
		uint64_t v = 7;

		CHECK_INT(span_parse(spans[i].text, &v, NULL), 0);
		CHECK_U64(v, spans[i].usec);
	}
}

static const struct {
	const char *text;
	int err;
	unsigned col;
	const char *part;
} bad_spans[] = {
	{"", -EINVAL, 1, "number missing"},
	{"s", -EINVAL, 1, "not a number"},
	{"5x", -EINVAL, 2, "unit is none of"},
	{"5s 3parsec", -EINVAL, 5, "unit is none of"},
	{"5s -1s", -EINVAL, 4, "not a number"},
	{"5s,1s", -EINVAL, 3, "not a number"},
	{"infinity 5s", -EINVAL, 1, "not a number"},
	{"9999999y", -ERANGE, 1, "too large"},
	{"584542y 584542y", -ERANGE, 9, "too large"},
};

TEST(bad_spans_say_where_and_what)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_spans); i++) {
		_cleanup_diag_ struct diag d = {0};
		uint64_t v = 7;

		CHECK_INT(span_parse(bad_spans[i].text, &v, &d), bad_spans[i].err);
		CHECK_U64(v, 7);
		CHECK_CONTAINS(d.text, bad_spans[i].part);
		CHECK_CONTAINS(d.text, "expected a time span");
		CHECK_INT(d.col, bad_spans[i].col);
	}
}

TEST(ratios_are_permyriad)
{
	uint64_t v = 7;

	CHECK_INT(ratio_parse("10%", PERMYRIAD, &v, NULL), 0);
	CHECK_U64(v, 1000);
	CHECK_INT(ratio_parse(" 12.5 % ", PERMYRIAD, &v, NULL), 0);
	CHECK_U64(v, 1250);
	CHECK_INT(ratio_parse("0.01%", PERMYRIAD, &v, NULL), 0);
	CHECK_U64(v, 1);
	CHECK_INT(ratio_parse("150%", UINT64_MAX, &v, NULL), 0);
	CHECK_U64(v, 15000);
}

static const struct {
	const char *text;
	int err;
	unsigned col;
	const char *part;
} bad_ratios[] = {
	{"10", -EINVAL, 3, "\"%\" missing"},
	{"", -EINVAL, 1, "number missing"},
	{"10.123%", -EINVAL, 6, "too many decimals"},
	{"100.01%", -ERANGE, 1, "more than 100%"},
	{"10% x", -EINVAL, 5, "text after"},
	{"infinity", -EINVAL, 1, "not a number"},
	{"999999999999999999999%", -ERANGE, 1, "too large"},
};

TEST(bad_ratios_say_where_and_what)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_ratios); i++) {
		_cleanup_diag_ struct diag d = {0};
		uint64_t v = 7;

		CHECK_INT(ratio_parse(bad_ratios[i].text, PERMYRIAD, &v, &d), bad_ratios[i].err);
		CHECK_U64(v, 7);
		CHECK_CONTAINS(d.text, bad_ratios[i].part);
		CHECK_INT(d.col, bad_ratios[i].col);
	}
}

TEST(exact_sizes_are_short)
{
	char buf[SIZE_TEXT_MAX];

	CHECK_STR(size_format_exact(0, buf), "0");
	CHECK_STR(size_format_exact(1000, buf), "1000");
	CHECK_STR(size_format_exact(4096, buf), "4K");
	CHECK_STR(size_format_exact(512 * MIB, buf), "512M");
	CHECK_STR(size_format_exact(1536 * MIB, buf), "1.5G");
	CHECK_STR(size_format_exact(GIB + 1, buf), "1073741825");
	CHECK_STR(size_format_exact(BYTES_UNLIMITED, buf), "infinity");
}

TEST(sizes_for_people_have_three_digits)
{
	char buf[SIZE_TEXT_MAX];

	CHECK_STR(size_format(17, buf), "17 B");
	CHECK_STR(size_format(512 * MIB, buf), "512 MiB");
	CHECK_STR(size_format(1536 * MIB, buf), "1.5 GiB");
	CHECK_STR(size_format(1255 * MIB, buf), "1.23 GiB");
	CHECK_STR(size_format(12340 * MIB, buf), "12.1 GiB");
	CHECK_STR(size_format(GIB - 1, buf), "1 GiB");
	CHECK_STR(size_format(UINT64_MAX - 1, buf), "16384 PiB");
	CHECK_STR(size_format(BYTES_UNLIMITED, buf), "unlimited");
}

TEST(spans_and_ratios_are_short)
{
	char span[SPAN_TEXT_MAX], ratio[RATIO_TEXT_MAX];

	CHECK_STR(span_format(90 * USEC_PER_SEC, span), "1min 30s");
	CHECK_STR(span_format(0, span), "0s");
	CHECK_STR(span_format(USEC_PER_DAY + 1, span), "1d 1us");
	CHECK_STR(ratio_format(1250, ratio), "12.5%");
	CHECK_STR(ratio_format(1205, ratio), "12.05%");
	CHECK_STR(ratio_format(10000, ratio), "100%");
}

/* xorshift: the same numbers on each run. */
static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

TEST(what_is_formatted_reads_back_as_itself)
{
	uint64_t seed = 42;

	for (int i = 0; i < 100000; i++) {
		uint64_t v = next(&seed) >> (next(&seed) % 64), back;
		char size[SIZE_TEXT_MAX], span[SPAN_TEXT_MAX], ratio[RATIO_TEXT_MAX];

		if (i % 2)
			v &= ~UINT64_C(0) << (next(&seed) % 40); /* round ones, with suffix */
		if (v == UINT64_MAX)
			continue;
		CHECK_INT(size_parse(size_format_exact(v, size), &back, NULL), 0);
		CHECK_U64(back, v);
		CHECK_INT(span_parse(span_format(v, span), &back, NULL), 0);
		CHECK_U64(back, v);
		CHECK_INT(ratio_parse(ratio_format(v, ratio), UINT64_MAX, &back, NULL), 0);
		CHECK_U64(back, v);
	}
}

TEST(multiplying_does_not_overflow_in_between)
{
	CHECK_U64(mul_div(UINT64_MAX, 3, 3), UINT64_MAX);
	CHECK_U64(mul_div(UINT64_MAX, 3, 2), UINT64_MAX);
	CHECK_U64(mul_div(10 * TIB, 9999, PERMYRIAD), 10994016766132);
	CHECK_U64(mul_div(7, 1, 2), 3);
	CHECK_U64(sub_sat(1, 2), 0);
	CHECK_U64(add_sat(UINT64_MAX, 2), UINT64_MAX);
}

TEST_MAIN()
