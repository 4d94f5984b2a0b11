/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/condition-program.h"

#include "common/units.h"

static const char expected_literal[] =
	"a size like 512M, a ratio like 40%, a span like 30s, or a count like 100";

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static unsigned column(const char *text, const char *at)
{
	return (unsigned)(at - text) + 1;
}

static const struct {
	const char *sign;
	enum node_op op;
} signs[] = {
	/* A longer one before those it begins with. */
	{"<=", NODE_LE},
	{"<", NODE_LT},
	{">=", NODE_GE},
	{">", NODE_GT},
	{"==", NODE_EQ},
	{"!=", NODE_NE},
	{"+", NODE_ADD},
	{"-", NODE_SUB},
	{"*", NODE_MUL},
	{"/", NODE_DIV},
};

/* What people write who come from another language. */
static const struct {
	const char *sign, *ours;
} foreign[] = {
	{"&&", "and"},
	{"&", "and"},
	{"||", "or"},
	{"|", "or"},
	{"=", "=="},
	{"!", "not"},
	{"<>", "!="},
};

static int token_sign(const char *text, const char *p, struct token *ret, struct diag *d)
{
	char found[EXCERPT_MAX];
	size_t len = 1;

	if (*p == '(' || *p == ')') {
		*ret = (struct token){
			.kind = *p == '(' ? TOKEN_OPEN : TOKEN_CLOSE, .at = p, .len = 1};
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
		if (strncmp(p, signs[i].sign, strlen(signs[i].sign)) == 0 &&
			strncmp(p, "<>", 2) != 0) {
			*ret = (struct token){.kind = TOKEN_OP,
				.at = p,
				.len = strlen(signs[i].sign),
				.op = signs[i].op};
			return 0;
		}
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
		if (strncmp(p, foreign[i].sign, strlen(foreign[i].sign)) == 0)
			return diag_set(d, EINVAL, NULL, 0, column(text, p),
				"found \"%s\"; expected \"%s\"", foreign[i].sign, foreign[i].ours);
	/* All bytes of a UTF-8 character. */
	while (((unsigned char)p[len] & 0xc0) == 0x80)
		len++;
	return diag_set(d, EINVAL, NULL, 0, column(text, p),
		"found \"%s\"; expected a fact like host.mem_available, a value or an operator",
		excerpt_n(p, len, found));
}

static int unknown_name(const char *text, const char *p, const char *name, struct diag *d)
{
	const char *known[FACT_MAX + 4] = {"and", "or", "not"};
	char found[EXCERPT_MAX];
	const char *nearest;

	memcpy(known + 3, fact_names, FACT_MAX * sizeof(*known));
	nearest = nearest_word(name, known);
	return diag_set(d, EINVAL, NULL, 0, column(text, p),
		"found \"%s\"; expected a fact like host.mem_available%s%s%s", excerpt(name, found),
		nearest ? "; did you mean \"" : ", and, or, not", nearest ? nearest : "",
		nearest ? "\"?" : "");
}

static int token_name(const char *text, const char *p, struct token *ret, struct diag *d)
{
	_cleanup_free_ char *name = NULL;
	size_t len = 0;

	while (letter(p[len]) || digit(p[len]) || p[len] == '.')
		len++;
	name = strndup(p, len);
	if (!name)
		return -ENOMEM;
	*ret = (struct token){.kind = TOKEN_OP, .at = p, .len = len};
	if (streq(name, "and")) {
		ret->op = NODE_AND;
	} else if (streq(name, "or")) {
		ret->op = NODE_OR;
	} else if (streq(name, "not")) {
		ret->op = NODE_NOT;
	} else {
		ret->kind = TOKEN_FACT;
		ret->fact = fact_from_string(name);
		if (ret->fact == FACT_INVALID)
			return unknown_name(text, p, name, d);
	}
	return 0;
}

static int parse_count(const char *s, uint64_t *ret)
{
	uint64_t v = 0;

	for (; digit(*s); s++)
		if (__builtin_mul_overflow(v, 10, &v) ||
			__builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return -ERANGE;
	*ret = v;
	return 0;
}

/* The suffix says which type it is. "M" is a size (512M) as everywhere in a policy; months are
 * "month". */
static int parse_literal(const char *s, enum node_type *ret_type, uint64_t *ret)
{
	const char *suffix = s + strspn(s, "0123456789");
	int r;

	if (!*suffix) {
		r = parse_count(s, ret);
		*ret_type = r == 0 && *ret == 0 ? NODE_ZERO : NODE_COUNT;
		return r;
	}
	if (s[strlen(s) - 1] == '%') {
		*ret_type = NODE_RATIO;
		return ratio_parse(s, UINT64_MAX, ret, NULL);
	}
	suffix += strspn(suffix, ".0123456789");
	if (!*suffix)
		return -EINVAL; /* a count with decimals */
	*ret_type = NODE_SIZE;
	r = size_parse(s, ret, NULL);
	if (r != -EINVAL)
		return r;
	*ret_type = NODE_SPAN;
	return span_parse(s, ret, NULL);
}

static int token_literal(const char *text, const char *p, struct token *ret, struct diag *d)
{
	_cleanup_free_ char *s = NULL;
	char found[EXCERPT_MAX];
	size_t len = 0, blanks;
	int r;

	/* Bytes from 0x80: the "µ" of microseconds. */
	while (digit(p[len]) || letter(p[len]) || p[len] == '.' || (unsigned char)p[len] >= 0x80)
		len++;
	blanks = strspn(p + len, " \t");
	if (p[len + blanks] == '%')
		len += blanks + 1;
	s = strndup(p, len);
	if (!s)
		return -ENOMEM;
	*ret = (struct token){.kind = TOKEN_LITERAL, .at = p, .len = len};
	r = parse_literal(s, &ret->type, &ret->value);
	if (r == -ERANGE)
		return diag_set(d, ERANGE, NULL, 0, column(text, p),
			"found \"%s\", which is too large; expected %s", excerpt(s, found),
			expected_literal);
	if (r < 0)
		return diag_set(d, EINVAL, NULL, 0, column(text, p), "found \"%s\"; expected %s",
			excerpt(s, found), expected_literal);
	return 0;
}

int condition_token(const char *text, const char *p, struct token *ret, struct diag *d)
{
	while (*p == ' ' || *p == '\t')
		p++;
	if (!*p) {
		*ret = (struct token){.kind = TOKEN_END, .at = p};
		return 0;
	}
	if (digit(*p) || (*p == '.' && digit(p[1])))
		return token_literal(text, p, ret, d);
	if (letter(*p))
		return token_name(text, p, ret, d);
	return token_sign(text, p, ret, d);
}
