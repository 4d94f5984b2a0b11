/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random expressions, built as trees of known types and judged here by a plain walk over the tree,
 * against the parser and the program it makes of their text.
 */
#include "policy/condition.h"

#include <stdarg.h>

#include "tests/test.h"
#include "tests/wall.h"

#define CASES 20000
#define DEPTH 4

__extension__ typedef unsigned __int128 u128;

enum type {
	SIZE,
	RATIO,
	SPAN,
	COUNT,
	TYPES,
};

/* What the tree says: a value that may be unknown, or a truth. */
struct result {
	bool known;
	uint64_t value;
};

struct build {
	uint64_t seed;
	struct facts facts;
	char text[8192];
	size_t n;
	unsigned nodes;
};

static void put(struct build *b, const char *fmt, ...) _printf_(2, 3);
static void put(struct build *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	b->n += (size_t)vsnprintf(b->text + b->n, sizeof(b->text) - b->n, fmt, ap);
	va_end(ap);
	if (b->n >= sizeof(b->text))
		abort();
}

static uint64_t roll(struct build *b, uint64_t n)
{
	return test_below(&b->seed, n);
}

static uint64_t saturated(u128 v)
{
	return v > UINT64_MAX ? UINT64_MAX : (uint64_t)v;
}

static struct result fact(struct build *b, enum fact f)
{
	put(b, "%s", fact_to_string(f));
	b->nodes++;
	return (struct result){b->facts.known >> f & 1, b->facts.value[f]};
}

static struct result literal(struct build *b, enum type type)
{
	uint64_t v = roll(b, 4) ? roll(b, 100) : roll(b, 17) * 1024;

	b->nodes++;
	switch (type) {
	case SIZE:
		put(b, "%" PRIu64 "%s", v, roll(b, 2) ? "M" : "B");
		return (struct result){true, b->text[b->n - 1] == 'M' ? v * MIB : v};
	case RATIO:
		put(b, "%" PRIu64 ".%02" PRIu64 "%%", v / 100, v % 100);
		return (struct result){true, v};
	case SPAN:
		put(b, "%" PRIu64 "%s", v, roll(b, 2) ? "s" : "ms");
		return (struct result){
			true, b->text[b->n - 2] == 'm' ? v * 1000 : v * USEC_PER_SEC};
	default:
		put(b, "%" PRIu64, v);
		return (struct result){true, v};
	}
}

static enum fact random_fact(struct build *b, enum type type)
{
	static const enum fact_type wanted[TYPES] = {
		FACT_TYPE_SIZE, FACT_TYPE_RATIO, FACT_TYPE_SPAN, FACT_TYPE_COUNT};
	enum fact f;

	do {
		f = (enum fact)roll(b, FACT_MAX);
	} while (fact_type(f) != wanted[type]);
	return f;
}

static struct result value(struct build *b, enum type type, int depth);

/* lhs op rhs, each in parentheses: what binds how is the unit test's. */
static void operands(struct build *b, enum type left, char op, enum type right, int depth,
	struct result *x, struct result *y)
{
	put(b, "(");
	*x = value(b, left, depth - 1);
	put(b, ") %c (", op);
	*y = value(b, right, depth - 1);
	put(b, ")");
	b->nodes++;
}

static struct result value(struct build *b, enum type type, int depth)
{
	struct result x, y;
	enum type other;

	if (depth == 0 || roll(b, 3) == 0)
		return roll(b, 2) ? fact(b, random_fact(b, type)) : literal(b, type);
	switch (roll(b, 6)) {
	case 0:
		operands(b, type, '+', type, depth, &x, &y);
		return (struct result){x.known && y.known, saturated((u128)x.value + y.value)};
	case 1:
		operands(b, type, '-', type, depth, &x, &y);
		return (struct result){
			x.known && y.known, x.value > y.value ? x.value - y.value : 0};
	case 2:
		if (roll(b, 2))
			operands(b, type, '*', COUNT, depth, &x, &y);
		else
			operands(b, COUNT, '*', type, depth, &x, &y);
		return (struct result){x.known && y.known, saturated((u128)x.value * y.value)};
	case 3:
		operands(b, type, '/', COUNT, depth, &x, &y);
		return (struct result){
			x.known && y.known && y.value, y.value ? x.value / y.value : 0};
	case 4:
		if (type == COUNT)
			return literal(b, type);
		operands(b, RATIO, '*', type, depth, &x, &y);
		return (struct result){
			x.known && y.known, saturated((u128)x.value * y.value / 10000)};
	default:
		if (type != RATIO)
			return fact(b, random_fact(b, type));
		other = (enum type)roll(b, COUNT); /* count / count is a count */
		operands(b, other, '/', other, depth, &x, &y);
		return (struct result){x.known && y.known && y.value,
			y.value ? saturated((u128)x.value * 10000 / y.value) : 0};
	}
}

static enum condition_truth compared(int op, struct result x, struct result y)
{
	bool holds = op == 0   ? x.value < y.value
		     : op == 1 ? x.value <= y.value
		     : op == 2 ? x.value > y.value
		     : op == 3 ? x.value >= y.value
		     : op == 4 ? x.value == y.value
			       : x.value != y.value;

	return !x.known || !y.known ? CONDITION_UNKNOWN : holds ? CONDITION_TRUE : CONDITION_FALSE;
}

static const char *const signs[] = {"<", "<=", ">", ">=", "==", "!="};

/* A fact beside a ratio: that share of its whole. */
static enum condition_truth compare_with_whole(struct build *b, int op)
{
	struct result x, y;
	enum fact f;

	do {
		f = (enum fact)roll(b, FACT_MAX);
	} while (fact_whole(f) == FACT_INVALID);
	x = fact(b, f);
	put(b, " %s ", signs[op]);
	y = literal(b, RATIO);
	y.known = b->facts.known >> fact_whole(f) & 1;
	y.value = saturated((u128)b->facts.value[fact_whole(f)] * y.value / 10000);
	b->nodes += 3;
	return compared(op, x, y);
}

static enum condition_truth truth(struct build *b, int depth)
{
	int op = (int)roll(b, ARRAY_SIZE(signs));
	enum condition_truth x, y;
	struct result a, c;
	enum type type;

	switch (depth ? roll(b, 6) : 3 + roll(b, 3)) {
	case 0:
		put(b, "not (");
		x = truth(b, depth - 1);
		put(b, ")");
		b->nodes++;
		return x == CONDITION_UNKNOWN ? x
		       : x == CONDITION_TRUE  ? CONDITION_FALSE
					      : CONDITION_TRUE;
	case 1:
	case 2:
		type = (enum type)roll(b, 2);
		put(b, "(");
		x = truth(b, depth - 1);
		put(b, ") %s (", type ? "and" : "or");
		y = truth(b, depth - 1);
		put(b, ")");
		b->nodes++;
		/* Both ways of filling in the unknown: the same answer, or none. */
		for (int i = 0; i < 4; i++) {
			enum condition_truth p =
				x == CONDITION_UNKNOWN ? (i & 1 ? CONDITION_TRUE : CONDITION_FALSE)
						       : x;
			enum condition_truth q =
				y == CONDITION_UNKNOWN ? (i & 2 ? CONDITION_TRUE : CONDITION_FALSE)
						       : y;
			bool joined = type ? p == CONDITION_TRUE && q == CONDITION_TRUE
					   : p == CONDITION_TRUE || q == CONDITION_TRUE;

			if (i == 0)
				op = joined;
			else if (op != joined)
				return CONDITION_UNKNOWN;
		}
		return op ? CONDITION_TRUE : CONDITION_FALSE;
	case 3:
		return compare_with_whole(b, op);
	default:
		type = (enum type)roll(b, TYPES);
		a = value(b, type, DEPTH - 2);
		put(b, " %s ", signs[op]);
		c = value(b, type, DEPTH - 2);
		b->nodes++;
		return compared(op, a, c);
	}
}

static void random_facts(struct build *b)
{
	for (int i = 0; i < FACT_MAX; i++) {
		uint64_t v = roll(b, 3)	  ? roll(b, 100)
			     : roll(b, 2) ? test_random(&b->seed) >> roll(b, 64)
					  : roll(b, 64) * GIB;

		b->facts.value[i] = v;
	}
	b->facts.known = roll(b, 2) ? UINT64_MAX : test_random(&b->seed) | test_random(&b->seed);
}

TEST(expressions_mean_what_their_tree_says)
{
	unsigned seen[CONDITION_TRUTH_MAX] = {0}, too_large = 0;

	for (uint64_t i = 0; i < CASES; i++) {
		_cleanup_condition_ struct condition *c = NULL;
		_cleanup_diag_ struct diag d = {0};
		struct build b = {.seed = i};
		enum condition_truth wanted;
		int r;

		random_facts(&b);
		wanted = truth(&b, DEPTH);
		r = condition_parse(b.text, &c, &d);
		if (r == -E2BIG && (b.n > CONDITION_TEXT_MAX || b.nodes > CONDITION_NODES_MAX)) {
			too_large++;
			continue;
		}
		if (r < 0)
			TEST_FAIL("%s\n# column %u: %s", b.text, d.col, d.text);
		if (condition_judge(c, &b.facts) != wanted)
			TEST_FAIL("%s\n# is %s, wanted %s", b.text,
				condition_truth_to_string(condition_judge(c, &b.facts)),
				condition_truth_to_string(wanted));
		seen[wanted]++;
	}
	printf("# %u true, %u false, %u unknown, %u too large\n", seen[CONDITION_TRUE],
		seen[CONDITION_FALSE], seen[CONDITION_UNKNOWN], too_large);
	/* The generator is not one-sided. */
	for (int i = 0; i < CONDITION_TRUTH_MAX; i++)
		CHECK(seen[i] > CASES / 20);
}

TEST_MAIN()
