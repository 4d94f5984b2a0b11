/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/condition.h"

/*
 * The inside of a condition, shared by the files condition*.c alone: an array of nodes, operands
 * before operators, so that one pass from first to last evaluates it. Every node is an operand of
 * exactly one later node, but the last, which is the result.
 */
enum node_op {
	NODE_LITERAL,
	NODE_FACT,
	NODE_ADD,   /* saturating */
	NODE_SUB,   /* 0 where it would be negative */
	NODE_MUL,   /* saturating */
	NODE_DIV,   /* rounded down */
	NODE_SHARE, /* lhs is a ratio: lhs * rhs / 10000 */
	NODE_PART,  /* lhs * 10000 / rhs: a ratio */
	NODE_LT,
	NODE_LE,
	NODE_GT,
	NODE_GE,
	NODE_EQ,
	NODE_NE,
	NODE_NOT, /* of lhs */
	NODE_AND,
	NODE_OR,
	NODE_OP_MAX,
};

enum node_type {
	NODE_SIZE,
	NODE_RATIO,
	NODE_SPAN,
	NODE_COUNT,
	NODE_ZERO,  /* the literal 0: of whatever type is wanted */
	NODE_TRUTH, /* an enum condition_truth */
	NODE_TYPE_MAX,
};

struct node {
	uint8_t op;	  /* enum node_op */
	uint8_t type;	  /* enum node_type, of the result */
	bool implied;	  /* NODE_SHARE that a comparison with a ratio brought in: "40% of 8 GiB" */
	uint8_t lhs, rhs; /* indexes of operands */
	enum fact fact;	  /* NODE_FACT */
	uint64_t value;	  /* NODE_LITERAL */
};
_Static_assert(CONDITION_NODES_MAX <= UINT8_MAX, "indexes of nodes are bytes");

struct condition {
	char *text;
	uint64_t uses;
	unsigned zero_col; /* of the first division by what is always 0; 0: none */
	size_t n;
	struct node nodes[];
};

/* What a program leaves for every node: a value in units of its type, or a truth. */
struct node_values {
	uint64_t value[CONDITION_NODES_MAX];
	bool known[CONDITION_NODES_MAX]; /* for values; a truth says so itself */
};
/* Runs the program. The result is the last node's. */
void condition_run(
	const struct condition *c, const struct facts *f, struct node_values *ret) _nonnull_;

/* a op b, for NODE_ADD to NODE_PART. False: a division by zero, whose result is not known. */
bool condition_calculate(enum node_op op, uint64_t a, uint64_t b, uint64_t *ret) _nonnull_;

/* Words and signs. */
enum token_kind {
	TOKEN_END,
	TOKEN_LITERAL,
	TOKEN_FACT,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_OP,
};
struct token {
	enum token_kind kind;
	const char *at; /* in the text */
	size_t len;
	enum node_op op;     /* TOKEN_OP */
	enum node_type type; /* TOKEN_LITERAL */
	uint64_t value;	     /* TOKEN_LITERAL */
	enum fact fact;	     /* TOKEN_FACT */
};
/* Reads the token at p (blanks before it skipped). text is the whole, for columns. Returns 0, or
 * fills *d and returns -EINVAL or -ERANGE. */
int condition_token(const char *text, const char *p, struct token *ret, struct diag *d)
	_nonnull_args_(1, 2, 3) _must_check_;
