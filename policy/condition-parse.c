/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/condition.h"

#include <stdio.h>

#include "policy/condition-program.h"

/* A recursive descent over the grammar in condition.h; every rule appends its nodes and returns the
 * index of its result. */
struct parse {
	const char *text;
	struct token token; /* the next one, not yet taken */
	unsigned depth;
	size_t n;
	struct node nodes[CONDITION_NODES_MAX];
	uint64_t uses;
	struct diag *d;
};

static const char *const type_names[NODE_TYPE_MAX] = {
	[NODE_SIZE] = "a size",
	[NODE_RATIO] = "a ratio",
	[NODE_SPAN] = "a span",
	[NODE_COUNT] = "a count",
	[NODE_ZERO] = "a count",
	[NODE_TRUTH] = "a comparison",
};

static unsigned column(const struct parse *s, const struct token *t)
{
	return (unsigned)(t->at - s->text) + 1;
}

static int next(struct parse *s)
{
	return condition_token(s->text, s->token.at + s->token.len, &s->token, s->d);
}

static int unexpected(const struct parse *s, const char *expected)
{
	char found[EXCERPT_MAX];

	if (s->token.kind == TOKEN_END)
		return diag_set(s->d, EINVAL, NULL, 0, column(s, &s->token),
			"the condition ends here; expected %s", expected);
	return diag_set(s->d, EINVAL, NULL, 0, column(s, &s->token), "found \"%s\"; expected %s",
		excerpt_n(s->token.at, s->token.len, found), expected);
}

/* Appends a node and returns its index. */
static int append(struct parse *s, const struct token *at, struct node n)
{
	if (s->n == CONDITION_NODES_MAX)
		return diag_set(s->d, E2BIG, NULL, 0, column(s, at),
			"more than %d values, facts and operators; expected a shorter condition",
			CONDITION_NODES_MAX);
	if (n.op == NODE_FACT)
		s->uses |= UINT64_C(1) << n.fact;
	s->nodes[s->n] = n;
	return (int)s->n++;
}

static int enter(struct parse *s)
{
	if (++s->depth > CONDITION_DEPTH_MAX)
		return diag_set(s->d, E2BIG, NULL, 0, column(s, &s->token),
			"more than %d parentheses or \"not\" within each other; expected fewer",
			CONDITION_DEPTH_MAX);
	return 0;
}

static bool token_is(const struct parse *s, enum node_op op)
{
	return s->token.kind == TOKEN_OP && s->token.op == op;
}

static int parse_or(struct parse *s);

static enum node_type type_of_fact(enum fact f)
{
	static const enum node_type types[FACT_TYPE_MAX] = {
		[FACT_TYPE_SIZE] = NODE_SIZE,
		[FACT_TYPE_RATIO] = NODE_RATIO,
		[FACT_TYPE_SPAN] = NODE_SPAN,
		[FACT_TYPE_COUNT] = NODE_COUNT,
	};

	return types[fact_type(f)];
}

static int parse_parentheses(struct parse *s)
{
	int r, result;

	r = enter(s);
	if (r < 0)
		return r;
	r = next(s);
	if (r < 0)
		return r;
	result = parse_or(s);
	if (result < 0)
		return result;
	if (s->token.kind != TOKEN_CLOSE)
		return unexpected(s, "an operator or \")\"");
	s->depth--;
	r = next(s);
	return r < 0 ? r : result;
}

static int parse_operand(struct parse *s)
{
	struct token t = s->token;
	int r, result;

	if (t.kind == TOKEN_OPEN)
		return parse_parentheses(s);
	if (t.kind == TOKEN_LITERAL)
		result = append(
			s, &t, (struct node){.op = NODE_LITERAL, .type = t.type, .value = t.value});
	else if (t.kind == TOKEN_FACT)
		result = append(s, &t,
			(struct node){
				.op = NODE_FACT, .type = type_of_fact(t.fact), .fact = t.fact});
	else if (token_is(s, NODE_SUB))
		return unexpected(s, "a fact or a value: values are never negative");
	else
		return unexpected(s, "a fact like host.mem_available, a value like 512M, or \"(\"");
	if (result < 0)
		return result;
	r = next(s);
	return r < 0 ? r : result;
}

static int type_error(
	const struct parse *s, const struct token *op, int a, int b, const char *expected)
{
	char sign[EXCERPT_MAX];

	return diag_set(s->d, EINVAL, NULL, 0, column(s, op), "found %s %s %s; expected %s",
		type_names[s->nodes[a].type], excerpt_n(op->at, op->len, sign),
		type_names[s->nodes[b].type], expected);
}

static int append_binary(struct parse *s, const struct token *op, enum node_op kind,
	enum node_type type, int a, int b)
{
	return append(s, op,
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

static int multiply(struct parse *s, const struct token *op, int a, int b)
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

static int divide(struct parse *s, const struct token *op, int a, int b)
{
	enum node_type x, y;

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

static int parse_product(struct parse *s)
{
	int a = parse_operand(s);

	while (a >= 0 && (token_is(s, NODE_MUL) || token_is(s, NODE_DIV))) {
		struct token op = s->token;
		int b, r = next(s);

		if (r < 0)
			return r;
		b = parse_operand(s);
		if (b < 0)
			return b;
		a = op.op == NODE_MUL ? multiply(s, &op, a, b) : divide(s, &op, a, b);
	}
	return a;
}

static int parse_sum(struct parse *s)
{
	int a = parse_product(s);

	while (a >= 0 && (token_is(s, NODE_ADD) || token_is(s, NODE_SUB))) {
		struct token op = s->token;
		int b, r = next(s);

		if (r < 0)
			return r;
		b = parse_product(s);
		if (b < 0)
			return b;
		settle_zero(s, a, b);
		if (s->nodes[a].type != s->nodes[b].type || s->nodes[a].type == NODE_TRUTH)
			return type_error(
				s, &op, a, b, "sizes, ratios, spans or counts of one type");
		a = append_binary(s, &op, op.op, s->nodes[a].type, a, b);
	}
	return a;
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
	w = append(s, op, (struct node){.op = NODE_FACT, .type = NODE_SIZE, .fact = whole});
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

static int append_comparison(struct parse *s, const struct token *op, int a, int b)
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

static int parse_comparison(struct parse *s)
{
	struct token op;
	int a, b, r;

	a = parse_sum(s);
	if (a < 0 || s->token.kind != TOKEN_OP || s->token.op < NODE_LT || s->token.op > NODE_NE)
		return a;
	op = s->token;
	r = next(s);
	if (r < 0)
		return r;
	b = parse_sum(s);
	if (b < 0)
		return b;
	a = append_comparison(s, &op, a, b);
	if (a >= 0 && s->token.kind == TOKEN_OP && s->token.op >= NODE_LT && s->token.op <= NODE_NE)
		return unexpected(s, "\"and\": comparisons do not chain");
	return a;
}

/* What "and", "or", "not" and the whole take: a truth. begin: where the operand stands. */
static int check_truth(const struct parse *s, const struct token *begin, int i)
{
	if (s->nodes[i].type == NODE_TRUTH)
		return i;
	return diag_set(s->d, EINVAL, NULL, 0, column(s, begin),
		"found %s alone; expected a comparison, like host.mem_available < 40%%",
		type_names[s->nodes[i].type]);
}

static int parse_not(struct parse *s)
{
	struct token begin;
	int a, r;

	if (!token_is(s, NODE_NOT))
		return parse_comparison(s);
	r = enter(s);
	if (r < 0)
		return r;
	r = next(s);
	if (r < 0)
		return r;
	begin = s->token;
	a = parse_not(s);
	if (a >= 0)
		a = check_truth(s, &begin, a);
	if (a < 0)
		return a;
	s->depth--;
	return append_binary(s, &begin, NODE_NOT, NODE_TRUTH, a, a);
}

/* One level of "and" or "or": operand { op operand }. */
static int parse_joined(struct parse *s, enum node_op kind, int (*operand)(struct parse *))
{
	struct token begin = s->token;
	int a = operand(s);

	while (a >= 0 && token_is(s, kind)) {
		struct token op = s->token;
		int b, r;

		a = check_truth(s, &begin, a);
		if (a < 0)
			return a;
		r = next(s);
		if (r < 0)
			return r;
		begin = s->token;
		b = operand(s);
		if (b >= 0)
			b = check_truth(s, &begin, b);
		if (b < 0)
			return b;
		a = append_binary(s, &op, kind, NODE_TRUTH, a, b);
	}
	return a;
}

static int parse_and(struct parse *s)
{
	return parse_joined(s, NODE_AND, parse_not);
}

static int parse_or(struct parse *s)
{
	return parse_joined(s, NODE_OR, parse_and);
}

static int parse_whole(struct parse *s)
{
	struct token begin;
	int r;

	s->token = (struct token){.at = s->text};
	r = next(s);
	if (r < 0)
		return r;
	begin = s->token;
	r = parse_or(s);
	if (r < 0)
		return r;
	if (s->token.kind != TOKEN_END)
		return unexpected(s, s->nodes[r].type == NODE_TRUTH ? "\"and\", \"or\" or the end"
								    : "an operator like \"<\"");
	return check_truth(s, &begin, r);
}

static char *trimmed(const char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	return strndup(text, len);
}

int condition_parse(const char *text, struct condition **ret, struct diag *d)
{
	struct parse s = {.text = text, .d = d};
	_cleanup_condition_ struct condition *c = NULL;
	int r;

	if (strlen(text) > CONDITION_TEXT_MAX)
		return diag_set(d, E2BIG, NULL, 0, CONDITION_TEXT_MAX + 1,
			"the condition is longer than %d bytes; expected a shorter one",
			CONDITION_TEXT_MAX);
	r = parse_whole(&s);
	if (r < 0)
		return r;
	c = calloc(1, sizeof(*c) + s.n * sizeof(s.nodes[0]));
	if (!c)
		return -ENOMEM;
	c->text = trimmed(text);
	if (!c->text)
		return -ENOMEM;
	c->uses = s.uses;
	c->n = s.n;
	memcpy(c->nodes, s.nodes, s.n * sizeof(s.nodes[0]));
	*ret = TAKE_PTR(c);
	return 0;
}
