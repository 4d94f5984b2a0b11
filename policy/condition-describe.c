/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/condition.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/units.h"
#include "policy/condition-program.h"

/* Strength of binding: an operand that binds weaker than its operator needs parentheses. */
static int binding(enum node_op op)
{
	switch (op) {
	case NODE_OR:
		return 1;
	case NODE_AND:
		return 2;
	case NODE_NOT:
		return 3;
	case NODE_LT:
	case NODE_LE:
	case NODE_GT:
	case NODE_GE:
	case NODE_EQ:
	case NODE_NE:
		return 4;
	case NODE_ADD:
	case NODE_SUB:
		return 5;
	case NODE_MUL:
	case NODE_DIV:
	case NODE_SHARE:
	case NODE_PART:
		return 6;
	default:
		return 7;
	}
}

static const char *const op_signs[NODE_OP_MAX] = {
	[NODE_ADD] = "+",
	[NODE_SUB] = "-",
	[NODE_MUL] = "*",
	[NODE_DIV] = "/",
	[NODE_SHARE] = "*",
	[NODE_PART] = "/",
	[NODE_LT] = "<",
	[NODE_LE] = "<=",
	[NODE_GT] = ">",
	[NODE_GE] = ">=",
	[NODE_EQ] = "==",
	[NODE_NE] = "!=",
	[NODE_AND] = "and",
	[NODE_OR] = "or",
};

static void print_value(FILE *out, enum node_type type, uint64_t value)
{
	char size[SIZE_TEXT_MAX], ratio[RATIO_TEXT_MAX], span[SPAN_TEXT_MAX];

	if (type == NODE_SIZE)
		fputs(size_format(value, size), out);
	else if (type == NODE_RATIO)
		fputs(ratio_format(value, ratio), out);
	else if (type == NODE_SPAN)
		fputs(span_format(value, span), out);
	else
		fprintf(out, "%" PRIu64, value);
}

static void print_fact(FILE *out, const struct node *n, const struct facts *f, bool with_name)
{
	bool known = f->known >> n->fact & 1;

	if (with_name || !known)
		fprintf(out, "%s ", fact_to_string(n->fact));
	if (known)
		print_value(out, n->type, f->value[n->fact]);
	else
		fputs("unknown", out);
}

/* Depth is bounded by the number of nodes. */
static void print_node(
	FILE *out, const struct condition *c, const struct facts *f, size_t i, int weakest)
{
	const struct node *n = &c->nodes[i];
	int own = binding(n->op);
	bool parentheses = own < weakest;

	if (parentheses)
		fputc('(', out);
	switch ((enum node_op)n->op) {
	case NODE_LITERAL:
		print_value(out, n->type, n->value);
		break;
	case NODE_FACT:
		print_fact(out, n, f, true);
		break;
	case NODE_NOT:
		fputs("not ", out);
		print_node(out, c, f, n->lhs, own);
		break;
	default:
		print_node(out, c, f, n->lhs, own);
		if (n->implied) {
			fputs(" of ", out);
			print_fact(out, &c->nodes[n->rhs], f, false);
			break;
		}
		fprintf(out, " %s ", op_signs[n->op]);
		/* Left-associative: a - (b - c) keeps its parentheses. */
		print_node(out, c, f, n->rhs, own + 1);
	}
	if (parentheses)
		fputc(')', out);
}

int condition_describe(const struct condition *c, const struct facts *f, char **ret)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *out;
	bool failed;

	out = open_memstream(&text, &len);
	if (!out)
		return -ENOMEM;
	print_node(out, c, f, c->n - 1, 0);
	fprintf(out, ": %s", condition_truth_to_string(condition_judge(c, f)));
	failed = ferror(out) != 0;
	if (fclose(out) != 0 || failed)
		return -ENOMEM;
	*ret = TAKE_PTR(text);
	return 0;
}
