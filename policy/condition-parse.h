/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/condition-program.h"

/* Private to condition-parse.c (the grammar) and condition-operators.c (what an operator makes of
 * its operands). */

/* A condition while it is read: every rule and operator appends its nodes and returns the index of
 * its result, or fills *d and returns -errno. */
struct parse {
	const char *text;
	struct token token; /* the next one, not yet taken */
	unsigned depth;
	size_t n;
	struct node nodes[CONDITION_NODES_MAX];
	uint64_t uses;
	unsigned zero_col; /* of the first division by what is always 0; 0: none */
	struct diag *d;
};

static inline unsigned parse_column(const struct parse *s, const struct token *t)
{
	return (unsigned)(t->at - s->text) + 1;
}

/* Appends a node; at: for the place in a message. */
int condition_append(struct parse *s, const struct token *at, struct node n) _nonnull_;
/* "*" and "/"; "+" and "-"; "<", "==" and the like: of nodes a and b. A type that does not fit is
 * an error that says what does. */
int condition_multiply(struct parse *s, const struct token *op, int a, int b) _nonnull_;
int condition_divide(struct parse *s, const struct token *op, int a, int b) _nonnull_;
int condition_add(struct parse *s, const struct token *op, int a, int b) _nonnull_;
int condition_compare(struct parse *s, const struct token *op, int a, int b) _nonnull_;
/* "and", "or", "not": their operands are truths already. */
int condition_join(
	struct parse *s, const struct token *op, enum node_op kind, int a, int b) _nonnull_;
/* What "and", "or", "not" and the whole take: i, if it is a truth. begin: where the operand
 * stands. */
int condition_check_truth(const struct parse *s, const struct token *begin, int i) _nonnull_;
