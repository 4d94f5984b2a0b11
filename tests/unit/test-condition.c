/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/condition.h"

#include "tests/test.h"

TEST_STRTAB(condition_truth, enum condition_truth, CONDITION_TRUTH_MAX)

/* A host of 8 GiB with 3 GiB to spare and a guest under some pressure; its CPU figures are not
 * known. */
static struct facts some_facts(void)
{
	struct facts f = {0};

	facts_set(&f, FACT_HOST_MEM_TOTAL, 8 * GIB);
	facts_set(&f, FACT_HOST_MEM_AVAILABLE, 3 * GIB);
	facts_set(&f, FACT_HOST_SWAP_USED, 0);
	facts_set(&f, FACT_HOST_SWAP_TOTAL, 0);
	facts_set(&f, FACT_HOST_PSI_MEM_SOME, 150);
	facts_set(&f, FACT_HOST_GUESTS, 12);
	facts_set(&f, FACT_GUEST_MEM_MAX, 4 * GIB);
	facts_set(&f, FACT_GUEST_MEM_ACTUAL, 2 * GIB);
	facts_set(&f, FACT_GUEST_MEM_USED, 1536 * MIB);
	facts_set(&f, FACT_GUEST_PSI_MEM_SOME, 250);
	facts_set(&f, FACT_GUEST_REFAULTS, 12800);
	facts_set(&f, FACT_GUEST_VCPUS, 2);
	facts_set(&f, FACT_GUEST_AGE, 90 * USEC_PER_SEC);
	return f;
}

static const struct {
	const char *text;
	enum condition_truth truth;
} truths[] = {
	/* Each operator, at and around equality. */
	{"host.guests < 13", CONDITION_TRUE},
	{"host.guests < 12", CONDITION_FALSE},
	{"host.guests <= 12", CONDITION_TRUE},
	{"host.guests <= 11", CONDITION_FALSE},
	{"host.guests > 11", CONDITION_TRUE},
	{"host.guests > 12", CONDITION_FALSE},
	{"host.guests >= 12", CONDITION_TRUE},
	{"host.guests >= 13", CONDITION_FALSE},
	{"host.guests == 12", CONDITION_TRUE},
	{"host.guests == 13", CONDITION_FALSE},
	{"host.guests != 13", CONDITION_TRUE},
	{"host.guests != 12", CONDITION_FALSE},
	/* Units. */
	{"host.mem_available == 3G", CONDITION_TRUE},
	{"host.mem_available == 3072M", CONDITION_TRUE},
	{"guest.mem_used == 1.5G", CONDITION_TRUE},
	{"host.mem_total == 8589934592B", CONDITION_TRUE},
	{"guest.age == 90s", CONDITION_TRUE},
	{"guest.age == 1min30s", CONDITION_TRUE},
	{"guest.age == 1.5m", CONDITION_TRUE},
	{"guest.age == 90000ms", CONDITION_TRUE},
	{"guest.age == 90000000µs", CONDITION_TRUE},
	{"guest.psi_mem_some == 2.5%", CONDITION_TRUE},
	{"guest.psi_mem_some == 2.5 %", CONDITION_TRUE},
	{"guest.psi_mem_some < 400%", CONDITION_TRUE},
	{"host.swap_used == 0", CONDITION_TRUE},
	{"0 < guest.age", CONDITION_TRUE},
	{"guest.psi_mem_some > 0", CONDITION_TRUE},
	{"0 == 0", CONDITION_TRUE},
	/* A size beside a ratio is compared with that share of its whole. */
	{"host.mem_available < 40%", CONDITION_TRUE},
	{"host.mem_available < 37.5%", CONDITION_FALSE},
	{"host.mem_available == 37.5%", CONDITION_TRUE},
	{"40% > host.mem_available", CONDITION_TRUE},
	{"(host.mem_available) < (40%)", CONDITION_TRUE},
	{"guest.mem_used >= 75%", CONDITION_TRUE},
	{"guest.mem_actual == 50%", CONDITION_TRUE},
	{"host.mem_available < 2 * 20%", CONDITION_TRUE},
	{"host.swap_used >= 50%", CONDITION_TRUE}, /* of nothing: 0 >= 0 */
	{"host.swap_used > 50%", CONDITION_FALSE},
	/* Arithmetic and its types. */
	{"host.mem_total - host.mem_available == 5G", CONDITION_TRUE},
	{"host.mem_available + 1G == 4G", CONDITION_TRUE},
	{"host.mem_available - host.mem_total == 0", CONDITION_TRUE}, /* never negative */
	{"host.mem_total * 2 == 16G", CONDITION_TRUE},
	{"2 * host.mem_total == 16G", CONDITION_TRUE},
	{"host.mem_total * 25% == 2G", CONDITION_TRUE},
	{"25% * host.mem_total == 2G", CONDITION_TRUE},
	{"host.mem_total / 4 == 2G", CONDITION_TRUE},
	{"host.mem_available / host.mem_total == 37.5%", CONDITION_TRUE},
	{"guest.refaults / guest.vcpus == 6400", CONDITION_TRUE},
	{"host.guests / 5 == 2", CONDITION_TRUE}, /* rounded down */
	{"guest.age / 2 == 45s", CONDITION_TRUE},
	{"guest.age / 1h == 2.5%", CONDITION_TRUE},
	{"50% * 50% == 25%", CONDITION_TRUE},
	{"10% / 40% == 25%", CONDITION_TRUE},
	{"guest.psi_mem_some * 2 == 5%", CONDITION_TRUE},
	{"host.guests - 2 - 3 == 7", CONDITION_TRUE},
	{"host.guests - (2 + 3) == 7", CONDITION_TRUE},
	{"2 + 3 * 4 == 14", CONDITION_TRUE},
	{"(2 + 3) * 4 == 20", CONDITION_TRUE},
	{"24 / 4 / 2 == 3", CONDITION_TRUE},
	{"0 + host.mem_total == 8G", CONDITION_TRUE},
	{"0 * host.mem_total == 0", CONDITION_TRUE},
	/* Too large stays at the largest. */
	{"host.mem_total * 18446744073709551615 == host.mem_total * 18446744073709551614",
		CONDITION_TRUE},
	{"18446744073709551615 + 1 == 18446744073709551615", CONDITION_TRUE},
	{"16383P + 16383P > 16383P", CONDITION_TRUE},
	{"16383P / 1B > 100%", CONDITION_TRUE},
	/* A division by zero is not known. */
	{"host.swap_used / host.swap_total > 50%", CONDITION_UNKNOWN},
	{"not host.swap_used / host.swap_total > 50%", CONDITION_UNKNOWN},
	{"1 / 0 == 1 / 0", CONDITION_UNKNOWN},
	{"0 / 0 == 0", CONDITION_UNKNOWN},
	{"1 / 0 * 0 == 0", CONDITION_UNKNOWN},
	/* What is not known. */
	{"guest.vcpu_delay > 10%", CONDITION_UNKNOWN},
	{"guest.vcpu_delay <= 10%", CONDITION_UNKNOWN},
	{"guest.vcpu_delay == guest.vcpu_delay", CONDITION_UNKNOWN},
	{"guest.vcpu_delay + 5% > 0", CONDITION_UNKNOWN},
	{"not guest.vcpu_delay > 10%", CONDITION_UNKNOWN},
	{"guest.swap_used < 10%", CONDITION_UNKNOWN},
	/* Kleene. T: true, F: false, U: unknown by what follows. */
	{"1 == 1 and 1 == 1", CONDITION_TRUE},
	{"1 == 1 and 1 == 2", CONDITION_FALSE},
	{"1 == 2 and 1 == 2", CONDITION_FALSE},
	{"1 == 1 and guest.vcpu_delay > 0", CONDITION_UNKNOWN},
	{"guest.vcpu_delay > 0 and 1 == 1", CONDITION_UNKNOWN},
	{"1 == 2 and guest.vcpu_delay > 0", CONDITION_FALSE},
	{"guest.vcpu_delay > 0 and 1 == 2", CONDITION_FALSE},
	{"guest.vcpu_delay > 0 and guest.vcpu_delay > 0", CONDITION_UNKNOWN},
	{"1 == 2 or 1 == 2", CONDITION_FALSE},
	{"1 == 2 or 1 == 1", CONDITION_TRUE},
	{"1 == 1 or guest.vcpu_delay > 0", CONDITION_TRUE},
	{"guest.vcpu_delay > 0 or 1 == 1", CONDITION_TRUE},
	{"1 == 2 or guest.vcpu_delay > 0", CONDITION_UNKNOWN},
	{"guest.vcpu_delay > 0 or 1 == 2", CONDITION_UNKNOWN},
	{"not 1 == 2", CONDITION_TRUE},
	{"not 1 == 1", CONDITION_FALSE},
	{"not not 1 == 1", CONDITION_TRUE},
	/* "and" before "or", "not" before both. */
	{"1 == 1 or 1 == 1 and 1 == 2", CONDITION_TRUE},
	{"(1 == 1 or 1 == 1) and 1 == 2", CONDITION_FALSE},
	{"not 1 == 1 or 1 == 1", CONDITION_TRUE},
	{"not (1 == 1 or 1 == 1)", CONDITION_FALSE},
	{"not 1 == 2 and 1 == 1", CONDITION_TRUE},
	/* Blanks only where words would run together. */
	{"host.guests>=12 and(host.guests<13)", CONDITION_TRUE},
	{"\t host.guests\t>=  12 ", CONDITION_TRUE},
	{"host.mem_available < 40% and not (guest.age < 5min or guest.refaults / guest.vcpus <= "
	 "100)",
		CONDITION_FALSE},
	{"host.mem_available < 40% and guest.psi_mem_some > 2%", CONDITION_TRUE},
};

TEST(conditions_are_judged)
{
	struct facts f = some_facts();

	for (size_t i = 0; i < ARRAY_SIZE(truths); i++) {
		_cleanup_condition_ struct condition *c = NULL;
		_cleanup_diag_ struct diag d = {0};
		enum condition_truth t;

		if (condition_parse(truths[i].text, &c, &d) < 0)
			TEST_FAIL("%s: column %u: %s", truths[i].text, d.col, d.text);
		t = condition_judge(c, &f);
		if (t != truths[i].truth)
			TEST_FAIL("%s: %s, wanted %s", truths[i].text, condition_truth_to_string(t),
				condition_truth_to_string(truths[i].truth));
		CHECK_INT(condition_holds(c, &f), t == CONDITION_TRUE);
	}
}

TEST(without_any_fact_nothing_holds)
{
	struct facts nothing = {0};

	for (size_t i = 0; i < ARRAY_SIZE(truths); i++) {
		_cleanup_condition_ struct condition *c = NULL;

		CHECK_INT(condition_parse(truths[i].text, &c, NULL), 0);
		/* One comparison that names an unknown fact is unknown. */
		if (condition_uses(c) && !strstr(truths[i].text, "1 == "))
			CHECK_INT(condition_judge(c, &nothing), CONDITION_UNKNOWN);
	}
}

static const struct {
	const char *text;
	int err;
	unsigned col;
	const char *part; /* of the message */
} bad[] = {
	{"", EINVAL, 1,
		"the condition ends here; expected a fact like host.mem_available, a value like "
		"512M, or \"(\""},
	{"  ", EINVAL, 3, "the condition ends here"},
	{"host.mem_available", EINVAL, 1, "found a size alone; expected a comparison"},
	{"(host.mem_available)", EINVAL, 1, "found a size alone"},
	{"host.mem_avialable < 40%", EINVAL, 1,
		"found \"host.mem_avialable\"; expected a fact like host.mem_available; did you "
		"mean \"host.mem_available\"?"},
	{"mem_available < 40%", EINVAL, 1, "found \"mem_available\"; expected a fact"},
	{"guest.mem_used > 1G adn guest.age > 1h", EINVAL, 21,
		"found \"adn\"; expected a fact like host.mem_available; did you mean \"and\"?"},
	{"zzz.yyy > 1", EINVAL, 1, "expected a fact like host.mem_available, and, or, not"},
	{"HOST.GUESTS > 1", EINVAL, 1, "did you mean \"host.guests\"?"},
	{"host.guests = 1", EINVAL, 13, "found \"=\"; expected \"==\""},
	{"host.guests <> 1", EINVAL, 13, "found \"<>\"; expected \"!=\""},
	{"host.guests > 1 && host.guests < 5", EINVAL, 17, "found \"&&\"; expected \"and\""},
	{"host.guests > 1 || host.guests < 5", EINVAL, 17, "found \"||\"; expected \"or\""},
	{"!(host.guests > 1)", EINVAL, 1, "found \"!\"; expected \"not\""},
	{"host.guests > -1", EINVAL, 15, "values are never negative"},
	{"host.guests >", EINVAL, 14, "the condition ends here"},
	{"host.guests > )", EINVAL, 15, "found \")\""},
	{"host.guests > 1)", EINVAL, 16, "found \")\"; expected \"and\", \"or\" or the end"},
	{"(host.guests > 1", EINVAL, 17, "the condition ends here; expected an operator or \")\""},
	{"host.guests 1", EINVAL, 13, "found \"1\"; expected an operator like \"<\""},
	{"host.guests > 1 host.guests", EINVAL, 17,
		"found \"host.guests\"; expected \"and\", \"or\" or the end"},
	{"1 < host.guests < 5", EINVAL, 17,
		"found \"<\"; expected \"and\": comparisons do not chain"},
	{"(1 < 2) < 3", EINVAL, 9,
		"found a comparison < a count; expected \"and\" between comparisons"},
	{"(1 < 2) == (2 < 3)", EINVAL, 9, "found a comparison == a comparison"},
	{"not host.guests", EINVAL, 5, "found a count alone; expected a comparison"},
	{"host.guests > 1 and host.mem_total", EINVAL, 21, "found a size alone"},
	{"host.mem_total and host.guests > 1", EINVAL, 1, "found a size alone"},
	{"not", EINVAL, 4, "the condition ends here"},
	{"and", EINVAL, 1, "found \"and\"; expected a fact"},
	{"host.guests and not", EINVAL, 1, "found a count alone"},
	/* Types. */
	{"host.mem_total < 4096", EINVAL, 16,
		"found a size < a count; expected both sides of one type: sizes like 512M"},
	{"host.mem_total < 40%", EINVAL, 16,
		"found a size < a ratio; expected a ratio beside a fact that is part of a whole"},
	{"host.mem_available + 1G < 40%", EINVAL, 25, "found a size < a ratio"},
	{"host.mem_available < 30s", EINVAL, 20,
		"found a size < a span; expected both sides of one type"},
	{"guest.age < 30", EINVAL, 11, "found a span < a count"},
	{"guest.psi_mem_some > 2", EINVAL, 20, "found a ratio > a count"},
	{"host.mem_total + 40% > 1G", EINVAL, 16,
		"found a size + a ratio; expected sizes, ratios, spans or counts of one type"},
	{"host.mem_total * host.mem_total > 1G", EINVAL, 16,
		"found a size * a size; expected a count or a ratio on one side"},
	{"host.mem_total * 30s > 1G", EINVAL, 16, "found a size * a span"},
	{"host.mem_total / 30s > 1G", EINVAL, 16,
		"found a size / a span; expected a count, or the same type"},
	{"host.guests / 50% > 1", EINVAL, 13, "found a count / a ratio"},
	{"(1 < 2) + 1 > 1", EINVAL, 9, "found a comparison + a count"},
	{"(1 < 2) + 0 > 1", EINVAL, 9, "found a comparison + a count"},
	{"(1 < 2) * 2 > 1", EINVAL, 9, "found a comparison * a count"},
	{"2 / (1 < 2) > 1", EINVAL, 3, "found a count / a comparison"},
	/* Literals. */
	{"host.mem_total > 5X", EINVAL, 18,
		"found \"5X\"; expected a size like 512M, a ratio like 40%"},
	{"host.mem_total > 5MiB", EINVAL, 18, "found \"5MiB\"; expected a size like 512M"},
	{"host.guests > 1.5", EINVAL, 15, "found \"1.5\"; expected a size"},
	{"host.guests > 1..5%", EINVAL, 15, "found \"1..5%\""},
	{"guest.psi_mem_some > 2.125%", EINVAL, 22, "found \"2.125%\""},
	{"host.guests > 18446744073709551616", ERANGE, 15, "which is too large"},
	{"host.mem_total > 99999P", ERANGE, 18, "found \"99999P\", which is too large"},
	{"guest.age > 999999999y", ERANGE, 13, "which is too large"},
	{"host.guests > 1 ; rm", EINVAL, 17,
		"found \";\"; expected a fact like host.mem_available, a value or an operator"},
	{"host.guests > 1 \xc3\xa4", EINVAL, 17, "found \"\xc3\xa4\""},
	{"host.guests > \"1\"", EINVAL, 15, "found \"\"\""},
};

TEST(mistakes_are_named_with_their_column)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct condition *c = (struct condition *)1;
		_cleanup_diag_ struct diag d = {0};
		int r = condition_parse(bad[i].text, &c, &d);

		if (r != -bad[i].err || d.col != bad[i].col || !strstr(d.text, bad[i].part))
			TEST_FAIL("\"%s\": %d, column %u: %s\n# wanted column %u: %s", bad[i].text,
				r, d.col, d.text ? d.text : "-", bad[i].col, bad[i].part);
		CHECK(c == (struct condition *)1);
		CHECK_INT(condition_parse(bad[i].text, &c, NULL), r);
	}
}

/* text repeated n times before, between and after */
static char *nested(const char *before, size_t n, const char *inner, const char *after)
{
	char *s = calloc(1, n * (strlen(before) + strlen(after)) + strlen(inner) + 1);

	for (size_t i = 0; i < n; i++)
		strcat(s, before);
	strcat(s, inner);
	for (size_t i = 0; i < n; i++)
		strcat(s, after);
	return s;
}

static int parse_nested(
	const char *before, size_t n, const char *inner, const char *after, struct diag *d)
{
	_cleanup_condition_ struct condition *c = NULL;
	_cleanup_free_ char *s = nested(before, n, inner, after);

	return condition_parse(s, &c, d);
}

TEST(limits_are_kept_and_said)
{
	_cleanup_diag_ struct diag d = {0};

	CHECK_INT(parse_nested("(", CONDITION_DEPTH_MAX, "1 == 1", ")", &d), 0);
	CHECK_INT(parse_nested("(", CONDITION_DEPTH_MAX + 1, "1 == 1", ")", &d), -E2BIG);
	CHECK_CONTAINS(d.text, "more than 32 parentheses");
	CHECK_INT(d.col, CONDITION_DEPTH_MAX + 1);
	CHECK_INT(parse_nested("not ", CONDITION_DEPTH_MAX, "1 == 1", "", &d), 0);
	CHECK_INT(parse_nested("not ", CONDITION_DEPTH_MAX + 1, "1 == 1", "", &d), -E2BIG);
	/* 3 nodes a comparison, 1 for each "and": 127 nodes with 32 comparisons. */
	CHECK_INT(parse_nested("1 == 1 and ", 31, "1 == 1", "", &d), 0);
	CHECK_INT(parse_nested("1 == 1 and ", 32, "1 == 1", "", &d), -E2BIG);
	CHECK_CONTAINS(d.text, "more than 128 values");
	CHECK_INT(parse_nested(" ", CONDITION_TEXT_MAX - 6, "1 == 1", "", &d), 0);
	CHECK_INT(parse_nested(" ", CONDITION_TEXT_MAX - 5, "1 == 1", "", &d), -E2BIG);
	CHECK_CONTAINS(d.text, "longer than 1024 bytes");
	/* A depth that was left again does not count. */
	CHECK_INT(parse_nested("(1) + ", CONDITION_DEPTH_MAX + 8, "1 == 1", "", &d), 0);
	CHECK_INT(parse_nested("not 1 == 1 and ", 24, "1 == 1", "", &d), 0);
}

TEST(a_condition_knows_what_it_reads)
{
	_cleanup_condition_ struct condition *c = NULL, *g = NULL;

	CHECK_INT(condition_parse("  host.mem_available < 40%\t", &c, NULL), 0);
	CHECK_U64(condition_uses(c),
		UINT64_C(1) << FACT_HOST_MEM_AVAILABLE | UINT64_C(1) << FACT_HOST_MEM_TOTAL);
	CHECK(!condition_is_of_guest(c));
	CHECK_STR(condition_text(c), "host.mem_available < 40%");
	CHECK_INT(condition_parse("host.guests > 3 or guest.age > 0", &g, NULL), 0);
	CHECK_U64(
		condition_uses(g), UINT64_C(1) << FACT_HOST_GUESTS | UINT64_C(1) << FACT_GUEST_AGE);
	CHECK(condition_is_of_guest(g));
}

static const struct {
	const char *text, *described;
} descriptions[] = {
	{"host.mem_available < 40%", "host.mem_available 3 GiB < 40% of 8 GiB: true"},
	{"40%<host.mem_available", "40% of 8 GiB < host.mem_available 3 GiB: false"},
	{"host.mem_available < 40% and guest.psi_mem_some > 2%",
		"host.mem_available 3 GiB < 40% of 8 GiB and guest.psi_mem_some 2.5% > 2%: true"},
	{"guest.vcpu_delay > 10%", "guest.vcpu_delay unknown > 10%: unknown"},
	{"guest.swap_used < 10%",
		"guest.swap_used unknown < 10% of guest.swap_total unknown: unknown"},
	{"not (guest.age < 5min or guest.refaults / guest.vcpus <= 100)",
		"not (guest.age 1min 30s < 5min or guest.refaults 12800 / guest.vcpus 2 <= 100): "
		"false"},
	{"not not host.guests > (5)", "not not host.guests 12 > 5: true"},
	{"(host.guests > 5 or 1 == 2) and (1 == 1 and 2 == 2)",
		"(host.guests 12 > 5 or 1 == 2) and (1 == 1 and 2 == 2): true"},
	{"host.guests - (2 - 1) > (2 + 3) * 2 - 1",
		"host.guests 12 - (2 - 1) > (2 + 3) * 2 - 1: true"},
	{"host.mem_total * 25% - 0 == 2G", "25% * host.mem_total 8 GiB - 0 B == 2 GiB: true"},
	{"host.mem_available / host.mem_total > 0",
		"host.mem_available 3 GiB / host.mem_total 8 GiB > 0%: true"},
	{"host.mem_available > 2 * 10% + 1%",
		"host.mem_available 3 GiB > (2 * 10% + 1%) of 8 GiB: true"},
};

TEST(conditions_are_described_with_their_values)
{
	struct facts f = some_facts();

	for (size_t i = 0; i < ARRAY_SIZE(descriptions); i++) {
		_cleanup_condition_ struct condition *c = NULL;
		_cleanup_free_ char *s = NULL;

		CHECK_INT(condition_parse(descriptions[i].text, &c, NULL), 0);
		CHECK_INT(condition_describe(c, &f, &s), 0);
		CHECK_STR(s, descriptions[i].described);
	}
}

TEST(destructors_take_null)
{
	CHECK(condition_free(NULL) == NULL);
}

TEST_MAIN()
