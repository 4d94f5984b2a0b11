/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Conditions. What is refused has a place within the text. What is accepted is judged under many
 * values: its text parses to the same again, `not` turns it round, it depends on nothing but the
 * facts it says it uses, and knowing less never turns true into false or false into true.
 */
#include "policy/condition.h"

#include <stdio.h>

#include "tests/wall.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(what)                                             \
	do {                                                      \
		if (!(what)) {                                    \
			fprintf(stderr, "not true: %s\n", #what); \
			abort();                                  \
		}                                                 \
	} while (0)

/* Small, round and extreme values, as they meet in comparisons. */
static uint64_t random_value(uint64_t *seed)
{
	switch (test_below(seed, 6)) {
	case 0:
		return 0;
	case 1:
		return test_below(seed, 20);
	case 2:
		return test_below(seed, 10001);
	case 3:
		return test_below(seed, 64) * GIB;
	case 4:
		return test_below(seed, 5000) * USEC_PER_SEC;
	default:
		return test_random(seed) >> test_below(seed, 64);
	}
}

static void random_facts(uint64_t *seed, struct facts *f)
{
	f->known = test_below(seed, 3) ? UINT64_MAX : test_random(seed);
	for (int i = 0; i < FACT_MAX; i++)
		f->value[i] = random_value(seed);
}

static void check_under(const struct condition *c, const struct condition *again,
	const struct condition *inverse, struct facts *f, uint64_t *seed)
{
	enum condition_truth truth = condition_judge(c, f), less;

	REQUIRE(truth >= 0 && truth < CONDITION_TRUTH_MAX);
	REQUIRE(condition_holds(c, f) == (truth == CONDITION_TRUE));
	REQUIRE(condition_judge(again, f) == truth);
	if (inverse)
		REQUIRE(condition_judge(inverse, f) ==
			(truth == CONDITION_UNKNOWN	  ? CONDITION_UNKNOWN
				: truth == CONDITION_TRUE ? CONDITION_FALSE
							  : CONDITION_TRUE));
	/* What it does not use does not matter. */
	for (int i = 0; i < FACT_MAX; i++)
		if (!(condition_uses(c) >> i & 1)) {
			f->value[i] = random_value(seed);
			f->known ^= test_random(seed) & UINT64_C(1) << i;
		}
	REQUIRE(condition_judge(c, f) == truth);
	/* Knowing less: the same, or unknown. */
	f->known &= test_random(seed);
	less = condition_judge(c, f);
	REQUIRE(less == truth || less == CONDITION_UNKNOWN);
}

static void check_description(
	const struct condition *c, const struct condition *again, const struct facts *f)
{
	_cleanup_free_ char *described = NULL, *described_again = NULL;

	REQUIRE(condition_describe(c, f, &described) == 0);
	REQUIRE(condition_describe(again, f, &described_again) == 0);
	REQUIRE(streq(described, described_again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_condition_ struct condition *c = NULL, *again = NULL, *inverse = NULL;
	struct condition *untouched = (struct condition *)1;
	_cleanup_free_ char *text = strndup((const char *)data, size), *inverse_text = NULL;
	_cleanup_diag_ struct diag d = {0};
	uint64_t seed = size;
	int r;

	if (!text)
		return 0;
	r = condition_parse(text, &c, &d);
	if (r < 0) {
		REQUIRE(r == -EINVAL || r == -ERANGE || r == -E2BIG);
		REQUIRE(d.text && d.col >= 1 && d.col <= strlen(text) + 1);
		REQUIRE(condition_parse(text, &untouched, NULL) == r);
		REQUIRE(untouched == (struct condition *)1);
		return 0;
	}
	REQUIRE(!d.text);
	REQUIRE(condition_uses(c) < UINT64_C(1) << FACT_MAX);
	REQUIRE(condition_parse(condition_text(c), &again, NULL) == 0);
	REQUIRE(condition_uses(again) == condition_uses(c));
	/* Too deep or too long with one more is no mistake. */
	if (asprintf(&inverse_text, "not (%s)", condition_text(c)) < 0)
		return 0;
	r = condition_parse(inverse_text, &inverse, NULL);
	REQUIRE(r == 0 || r == -E2BIG);
	for (int i = 0; i < 20; i++) {
		struct facts f;

		random_facts(&seed, &f);
		if (i == 0)
			check_description(c, again, &f);
		check_under(c, again, inverse, &f, &seed);
	}
	return 0;
}
