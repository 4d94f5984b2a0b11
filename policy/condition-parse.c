/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A recursive descent over the grammar in condition.h. */
#include "policy/condition.h"

#include "policy/condition-parse.h"

static int next(struct parse *s)
{
	return condition_token(s->text, s->token.at + s->token.len, &s->token, s->d);
}

static int unexpected(const struct parse *s, const char *expected)
{
	char found[EXCERPT_MAX];

	if (s->token.kind == TOKEN_END)
		return diag_set(s->d, EINVAL, NULL, 0, parse_column(s, &s->token),
			"the condition ends here; expected %s", expected);
	return diag_set(s->d, EINVAL, NULL, 0, parse_column(s, &s->token),
		"found \"%s\"; expected %s", excerpt_n(s->token.at, s->token.len, found), expected);
}

static int enter(struct parse *s)
{
	if (++s->depth > CONDITION_DEPTH_MAX)
		return diag_set(s->d, E2BIG, NULL, 0, parse_column(s, &s->token),
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
		result = condition_append(
			s, &t, (struct node){.op = NODE_LITERAL, .type = t.type, .value = t.value});
	else if (t.kind == TOKEN_FACT)
		result = condition_append(s, &t,
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
		a = op.op == NODE_MUL ? condition_multiply(s, &op, a, b)
				      : condition_divide(s, &op, a, b);
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
		a = condition_add(s, &op, a, b);
	}
	return a;
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
	a = condition_compare(s, &op, a, b);
	if (a >= 0 && s->token.kind == TOKEN_OP && s->token.op >= NODE_LT && s->token.op <= NODE_NE)
		return unexpected(s, "\"and\": comparisons do not chain");
	return a;
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
		a = condition_check_truth(s, &begin, a);
	if (a < 0)
		return a;
	s->depth--;
	return condition_join(s, &begin, NODE_NOT, a, a);
}

/* One level of "and" or "or": operand { op operand }. */
static int parse_joined(struct parse *s, enum node_op kind, int (*operand)(struct parse *))
{
	struct token begin = s->token;
	int a = operand(s);

	while (a >= 0 && token_is(s, kind)) {
		struct token op = s->token;
		int b, r;

		a = condition_check_truth(s, &begin, a);
		if (a < 0)
			return a;
		r = next(s);
		if (r < 0)
			return r;
		begin = s->token;
		b = operand(s);
		if (b >= 0)
			b = condition_check_truth(s, &begin, b);
		if (b < 0)
			return b;
		a = condition_join(s, &op, kind, a, b);
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
	return condition_check_truth(s, &begin, r);
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
	c->zero_col = s.zero_col;
	c->n = s.n;
	memcpy(c->nodes, s.nodes, s.n * sizeof(s.nodes[0]));
	*ret = TAKE_PTR(c);
	return 0;
}
