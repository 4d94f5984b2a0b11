/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/condition.h"

#include "common/units.h"
#include "policy/condition-program.h"

DEFINE_STRTAB(condition_truth, enum condition_truth, CONDITION_TRUTH_MAX,
	[CONDITION_FALSE] = "false", [CONDITION_TRUE] = "true", [CONDITION_UNKNOWN] = "unknown")

struct condition *condition_free(struct condition *c)
{
	if (!c)
		return NULL;
	free(c->text);
	free(c);
	return NULL;
}

uint64_t condition_uses(const struct condition *c)
{
	return c->uses;
}

bool condition_is_of_guest(const struct condition *c)
{
	for (int f = 0; f < FACT_MAX; f++)
		if (c->uses >> f & 1 && fact_is_of_guest((enum fact)f))
			return true;
	return false;
}

unsigned condition_zero_division(const struct condition *c)
{
	return c->zero_col;
}

const char *condition_text(const struct condition *c)
{
	return c->text;
}

static uint64_t mul_sat(uint64_t a, uint64_t b)
{
	uint64_t r;

	return __builtin_mul_overflow(a, b, &r) ? UINT64_MAX : r;
}

bool condition_calculate(enum node_op op, uint64_t a, uint64_t b, uint64_t *ret)
{
	switch (op) {
	case NODE_ADD:
		*ret = add_sat(a, b);
		return true;
	case NODE_SUB:
		*ret = sub_sat(a, b);
		return true;
	case NODE_MUL:
		*ret = mul_sat(a, b);
		return true;
	case NODE_SHARE:
		*ret = mul_div(a, b, PERMYRIAD);
		return true;
	case NODE_DIV:
		*ret = b ? a / b : 0;
		return b != 0;
	default:
		*ret = b ? mul_div(a, PERMYRIAD, b) : 0;
		return b != 0;
	}
}

static bool compare(enum node_op op, uint64_t a, uint64_t b)
{
	switch (op) {
	case NODE_LT:
		return a < b;
	case NODE_LE:
		return a <= b;
	case NODE_GT:
		return a > b;
	case NODE_GE:
		return a >= b;
	case NODE_EQ:
		return a == b;
	default:
		return a != b;
	}
}

/* Kleene's logic: what the unknown could be either way does not matter where the other side
 * decides. */
static enum condition_truth join(enum node_op op, uint64_t a, uint64_t b)
{
	uint64_t decides = op == NODE_AND ? CONDITION_FALSE : CONDITION_TRUE;

	if (a == decides || b == decides)
		return (enum condition_truth)decides;
	if (a == CONDITION_UNKNOWN || b == CONDITION_UNKNOWN)
		return CONDITION_UNKNOWN;
	return (enum condition_truth)a;
}

static enum condition_truth invert(uint64_t a)
{
	return a == CONDITION_UNKNOWN ? CONDITION_UNKNOWN
	       : a == CONDITION_TRUE  ? CONDITION_FALSE
				      : CONDITION_TRUE;
}

void condition_run(const struct condition *c, const struct facts *f, struct node_values *v)
{
	/* Leaves name node 0 as their operands without using it. */
	v->value[0] = 0;
	v->known[0] = false;
	for (size_t i = 0; i < c->n; i++) {
		const struct node *n = &c->nodes[i];
		uint64_t a = v->value[n->lhs], b = v->value[n->rhs], value = 0;
		bool known = v->known[n->lhs] && v->known[n->rhs];

		switch ((enum node_op)n->op) {
		case NODE_LITERAL:
			value = n->value;
			known = true;
			break;
		case NODE_FACT:
			value = f->value[n->fact];
			known = f->known >> n->fact & 1;
			break;
		case NODE_ADD:
		case NODE_SUB:
		case NODE_MUL:
		case NODE_DIV:
		case NODE_SHARE:
		case NODE_PART:
			known = condition_calculate(n->op, a, b, &value) && known;
			break;
		case NODE_NOT:
			value = invert(a);
			break;
		case NODE_AND:
		case NODE_OR:
			value = join(n->op, a, b);
			break;
		default:
			value = !known		       ? CONDITION_UNKNOWN
				: compare(n->op, a, b) ? CONDITION_TRUE
						       : CONDITION_FALSE;
		}
		v->value[i] = value;
		v->known[i] = known;
	}
}

enum condition_truth condition_judge(const struct condition *c, const struct facts *f)
{
	struct node_values v;

	condition_run(c, f, &v);
	return (enum condition_truth)v.value[c->n - 1];
}
