/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/condition.h"

#include "policy/condition-program.h"
#include "tests/test.h"

static const char *const op_signs[NODE_OP_MAX] = {
	[NODE_ADD] = "+",
	[NODE_SUB] = "-",
	[NODE_MUL] = "*",
	[NODE_DIV] = "/",
	[NODE_SHARE] = "share",
	[NODE_PART] = "part",
	[NODE_LT] = "<",
	[NODE_LE] = "<=",
	[NODE_GT] = ">",
	[NODE_GE] = ">=",
	[NODE_EQ] = "==",
	[NODE_NE] = "!=",
	[NODE_NOT] = "not",
	[NODE_AND] = "and",
	[NODE_OR] = "or",
};

/* The program as the tree that it is, operators first. */
static char *tree(const struct condition *c, size_t i, char *p)
{
	const struct node *n = &c->nodes[i];

	if (n->op == NODE_LITERAL)
		return p + sprintf(p, "%" PRIu64, n->value);
	if (n->op == NODE_FACT)
		return p + sprintf(p, "%s", fact_to_string(n->fact));
	p += sprintf(p, "(%s ", op_signs[n->op]);
	p = tree(c, n->lhs, p);
	if (n->op != NODE_NOT) {
		*p++ = ' ';
		p = tree(c, n->rhs, p);
	}
	return p + sprintf(p, ")");
}

static const struct {
	const char *text, *tree;
} trees[] = {
	{"host.guests < 3", "(< host.guests 3)"},
	/* What binds tighter is done first, equals from the left. */
	{"host.guests + 2 * 3 > 7", "(> (+ host.guests (* 2 3)) 7)"},
	{"(host.guests + 2) * 3 > 7", "(> (* (+ host.guests 2) 3) 7)"},
	{"host.guests - 2 - 1 > 7", "(> (- (- host.guests 2) 1) 7)"},
	{"host.guests / 2 * 3 > 7", "(> (* (/ host.guests 2) 3) 7)"},
	{"host.guests < 3 or host.guests > 5 and host.guests != 7",
		"(or (< host.guests 3) (and (> host.guests 5) (!= host.guests 7)))"},
	{"(host.guests < 3 or host.guests > 5) and host.guests != 7",
		"(and (or (< host.guests 3) (> host.guests 5)) (!= host.guests 7))"},
	{"not host.guests < 3 and host.guests > 5",
		"(and (not (< host.guests 3)) (> host.guests 5))"},
	{"not not host.guests == 1", "(not (not (== host.guests 1)))"},
	/* A ratio of a whole; what is divided by its like is a ratio. */
	{"host.mem_available < 40%", "(< host.mem_available (share 4000 host.mem_total))"},
	{"40% >= guest.mem_used", "(>= (share 4000 guest.mem_actual) guest.mem_used)"},
	{"guest.mem_used > 50% * guest.mem_max", "(> guest.mem_used (share 5000 guest.mem_max))"},
	{"guest.mem_used > guest.mem_max * 50%", "(> guest.mem_used (share 5000 guest.mem_max))"},
	{"guest.mem_used / guest.mem_max > 50%", "(> (part guest.mem_used guest.mem_max) 5000)"},
	{"guest.refaults / guest.vcpus > 100", "(> (/ guest.refaults guest.vcpus) 100)"},
	/* A bare 0 is of any type. */
	{"host.swap_used == 0", "(== host.swap_used 0)"},
	{"guest.age > 0 + 90s", "(> guest.age (+ 0 90000000))"},
};

TEST(a_text_becomes_a_tree_whose_operands_come_first)
{
	for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
		_cleanup_condition_ struct condition *c = NULL;
		char seen[512];

		if (condition_parse(trees[i].text, &c, NULL) < 0)
			TEST_FAIL("\"%s\" is refused", trees[i].text);
		tree(c, c->n - 1, seen);
		CHECK_STR(seen, trees[i].tree);
		for (size_t k = 0; k < c->n; k++)
			CHECK(c->nodes[k].op <= NODE_FACT ||
				(c->nodes[k].lhs < k &&
					(c->nodes[k].rhs < k || c->nodes[k].op == NODE_NOT)));
	}
}

TEST(what_does_not_fit_is_told_with_its_column)
{
	static const struct {
		const char *text, *says;
		unsigned col;
	} wrong[] = {
		{"", "the condition ends here", 1},
		{"host.guests <", "the condition ends here", 14},
		{"host.guests", "found a count alone; expected a comparison", 1},
		{"host.guests < 3 host.guests", "\"and\", \"or\" or the end", 17},
		{"1 < host.guests < 3", "comparisons do not chain", 17},
		{"(host.guests < 3", "\")\"", 17},
		{"host.guests < -3", "values are never negative", 15},
		{"host.guests < 3 and 4", "found a count alone", 21},
		{"not 4", "found a count alone", 5},
		{"host.mem_total + 3 > 1G", "sizes, ratios, spans or counts of one type", 16},
		{"host.mem_total * host.mem_total > 1G", "a count or a ratio on one side of \"*\"",
			16},
		{"host.guests / host.mem_total > 1",
			"a count, or the same type on both sides of \"/\"", 13},
		{"host.mem_total < 40%", "a ratio beside a fact that is part of a whole", 16},
		{"guest.age < 40%", "both sides of one type", 11},
		{"(host.guests < 3) == (host.guests > 1)", "\"and\" between comparisons", 19},
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_condition_ struct condition *c = NULL;
		_cleanup_diag_ struct diag d = {0};

		if (condition_parse(wrong[i].text, &c, &d) != -EINVAL || c)
			TEST_FAIL("\"%s\" is taken", wrong[i].text);
		if (d.col != wrong[i].col || !strstr(d.text, wrong[i].says))
			TEST_FAIL("\"%s\": %u: %s", wrong[i].text, d.col, d.text);
	}
}

TEST(parentheses_and_not_go_as_deep_as_is_said_and_no_deeper)
{
	char text[CONDITION_TEXT_MAX + 1];

	for (int deep = CONDITION_DEPTH_MAX; deep <= CONDITION_DEPTH_MAX + 1; deep++) {
		_cleanup_condition_ struct condition *c = NULL;
		_cleanup_diag_ struct diag d = {0};
		char *p = text;

		for (int i = 0; i < deep; i++)
			*p++ = '(';
		p += sprintf(p, "host.guests < 3");
		for (int i = 0; i < deep; i++)
			*p++ = ')';
		*p = '\0';
		CHECK_INT(condition_parse(text, &c, &d), deep > CONDITION_DEPTH_MAX ? -E2BIG : 0);
		/* They are not counted when they are closed again. */
		c = condition_free(c);
		CHECK_INT(condition_parse(
				  "(host.guests < 3) and (host.guests < 3) and (host.guests < 3)",
				  &c, NULL),
			0);
	}
}

TEST_MAIN()
