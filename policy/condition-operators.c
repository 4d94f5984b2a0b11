/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an operator makes of its operands: which types fit, and the nodes that follow. */
#include "policy/condition-parse.h"

static const char *const type_names[NODE_TYPE_MAX] = {
	[NODE_SIZE] = "a size",
	[NODE_RATIO] = "a ratio",
	[NODE_SPAN] = "a span",
	[NODE_COUNT] = "a count",
	[NODE_ZERO] = "a count",
	[NODE_TRUTH] = "a comparison",
};

int condition_append(struct parse *s, const struct token *at, struct node n)
{
	if (s->n == CONDITION_NODES_MAX)
		return diag_set(s->d, E2BIG, NULL, 0, parse_column(s, at),
			"more than %d values, facts and operators; expected a shorter condition",
			CONDITION_NODES_MAX);
	if (n.op == NODE_FACT)
		s->uses |= UINT64_C(1) << n.fact;
	s->nodes[s->n] = n;
	return (int)s->n++;
}

static int type_error(
	const struct parse *s, const struct token *op, int a, int b, const char *expected)
{
	char sign[EXCERPT_MAX];

	return diag_set(s->d, EINVAL, NULL, 0, parse_column(s, op), "found %s %s %s; expected %s",
		type_names[s->nodes[a].type], excerpt_n(op->at, op->len, sign),
		type_names[s->nodes[b].type], expected);
}

static int append_binary(struct parse *s, const struct token *op, enum node_op kind,
	enum node_type type, int a, int b)
{
	return condition_append(s, op,
		(struct node){.op = kind, .type = type, .lhs = (uint8_t)a, .rhs = (uint8_t)b});
}

/* A bare 0 takes the other side's type. */
static void settle_zero(struct parse *s, int a, int b)
{
	struct node *x = &s->nodes[a], *y = &s->nodes[b];

	if (x->type == NODE_ZERO)
		x->type = y->type == NODE_ZERO || y->type == NODE_TRUTH ? NODE_COUNT : y->type;
	if (y->type == NODE_ZERO)
		y->type = x->type == NODE_TRUTH ? NODE_COUNT : x->type;
}

int condition_multiply(struct parse *s, const struct token *op, int a, int b)
{
	enum node_type x, y;

	for (int i = 0; i < 2; i++) {
		struct node *n = &s->nodes[i ? b : a];

		if (n->type == NODE_ZERO)
			n->type = NODE_COUNT;
	}
	x = s->nodes[a].type;
	y = s->nodes[b].type;
	if (x != NODE_TRUTH && y != NODE_TRUTH) {
		if (x == NODE_RATIO && y != NODE_COUNT)
			return append_binary(s, op, NODE_SHARE, y, a, b);
		if (y == NODE_RATIO && x != NODE_COUNT)
			return append_binary(s, op, NODE_SHARE, x, b, a);
		if (x == NODE_COUNT || y == NODE_COUNT)
			return append_binary(s, op, NODE_MUL, x == NODE_COUNT ? y : x, a, b);
	}
	return type_error(s, op, a, b, "a count or a ratio on one side of \"*\"");
}

/* What no fact changes. As deep as the condition, which has its limit. */
static bool is_constant(const struct parse *s, size_t i, uint64_t *ret)
{
	const struct node *n = &s->nodes[i];
	uint64_t a, b;

	if (n->op == NODE_LITERAL) {
		*ret = n->value;
		return true;
	}
	return n->op >= NODE_ADD && n->op <= NODE_PART && is_constant(s, n->lhs, &a) &&
	       is_constant(s, n->rhs, &b) && condition_calculate(n->op, a, b, ret);
}

int condition_divide(struct parse *s, const struct token *op, int a, int b)
{
	enum node_type x, y;
	uint64_t by;

	if (!s->zero_col && is_constant(s, (size_t)b, &by) && !by)
		s->zero_col = parse_column(s, op);
	if (s->nodes[b].type == NODE_ZERO)
		s->nodes[b].type = NODE_COUNT;
	settle_zero(s, a, b);
	x = s->nodes[a].type;
	y = s->nodes[b].type;
	if (x != NODE_TRUTH && y == NODE_COUNT)
		return append_binary(s, op, NODE_DIV, x, a, b);
	if (x != NODE_TRUTH && x == y)
		return append_binary(s, op, NODE_PART, NODE_RATIO, a, b);
	return type_error(s, op, a, b, "a count, or the same type on both sides of \"/\"");
}

int condition_add(struct parse *s, const struct token *op, int a, int b)
{
	settle_zero(s, a, b);
	if (s->nodes[a].type != s->nodes[b].type || s->nodes[a].type == NODE_TRUTH)
		return type_error(s, op, a, b, "sizes, ratios, spans or counts of one type");
	return append_binary(s, op, op->op, s->nodes[a].type, a, b);
}

/* A fact beside a ratio: the ratio becomes that share of the fact's whole. Returns the index of the
 * share; -EINVAL (and no message) where there is no whole. */
static int share_of_whole(struct parse *s, const struct token *op, int fact, int ratio)
{
	enum fact whole;
	int w, r;

	if (s->nodes[fact].op != NODE_FACT || s->nodes[fact].type != NODE_SIZE ||
		s->nodes[ratio].type != NODE_RATIO)
		return -EINVAL;
	whole = fact_whole(s->nodes[fact].fact);
	if (whole == FACT_INVALID)
		return -EINVAL;
	w = condition_append(
		s, op, (struct node){.op = NODE_FACT, .type = NODE_SIZE, .fact = whole});
	if (w < 0)
		return w;
	r = append_binary(s, op, NODE_SHARE, NODE_SIZE, ratio, w);
	if (r >= 0)
		s->nodes[r].implied = true;
	return r;
}

static const char *comparison_expected(enum node_type a, enum node_type b)
{
	if (a == NODE_TRUTH || b == NODE_TRUTH)
		return "\"and\" between comparisons";
	if ((a == NODE_SIZE && b == NODE_RATIO) || (a == NODE_RATIO && b == NODE_SIZE))
		return "a ratio beside a fact that is part of a whole, like host.mem_available";
	if (a == NODE_COUNT || b == NODE_COUNT)
		return "both sides of one type: sizes like 512M, ratios like 40%, spans like 30s";
	return "both sides of one type";
}

int condition_compare(struct parse *s, const struct token *op, int a, int b)
{
	int share;

	settle_zero(s, a, b);
	if (s->nodes[a].type != s->nodes[b].type) {
		share = share_of_whole(s, op, a, b);
		if (share >= 0)
			return append_binary(s, op, op->op, NODE_TRUTH, a, share);
		if (share == -EINVAL)
			share = share_of_whole(s, op, b, a);
		if (share >= 0)
			return append_binary(s, op, op->op, NODE_TRUTH, share, b);
		if (share != -EINVAL)
			return share;
	}
	if (s->nodes[a].type != s->nodes[b].type || s->nodes[a].type == NODE_TRUTH)
		return type_error(
			s, op, a, b, comparison_expected(s->nodes[a].type, s->nodes[b].type));
	return append_binary(s, op, op->op, NODE_TRUTH, a, b);
}

int condition_join(struct parse *s, const struct token *op, enum node_op kind, int a, int b)
{
	return append_binary(s, op, kind, NODE_TRUTH, a, b);
}

int condition_check_truth(const struct parse *s, const struct token *begin, int i)
{
	if (s->nodes[i].type == NODE_TRUTH)
		return i;
	return diag_set(s->d, EINVAL, NULL, 0, parse_column(s, begin),
		"found %s alone; expected a comparison, like host.mem_available < 40%%",
		type_names[s->nodes[i].type]);
}
