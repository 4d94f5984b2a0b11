/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/diag.h"
#include "policy/facts.h"

/*
 * Condition=: a typed expression over the facts of facts.h, such as
 *     host.mem_available < 40% and not (guest.age < 5min or guest.refaults / guest.vcpus <= 100)
 *
 *     or-expr    = and-expr { "or" and-expr }
 *     and-expr   = not-expr { "and" not-expr }
 *     not-expr   = "not" not-expr | comparison
 *     comparison = sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
 *     sum        = product { ("+" | "-") product }
 *     product    = operand { ("*" | "/") operand }
 *     operand    = literal | fact | "(" or-expr ")"
 *
 * Literals: sizes 512M 1.5G, ratios 12.5%, spans 90s 1min30s, counts 100; a bare 0 is of any type.
 * Both sides of a comparison, + and - have one type; in addition a fact that is part of a whole may
 * be compared with a ratio ("host.mem_available < 40%" is 40 % of host.mem_total). X * count, X *
 * ratio and X / count are X; X / X of sizes, spans and ratios is a ratio; count / count is a count
 * (rounded down).
 *
 * Checked when parsed; evaluation cannot fail, loop or allocate. + and * stay at the largest value,
 * - at 0. Unknown is a third truth value (Kleene's): a comparison of something unknown is unknown,
 * so is `not` of it; `false and unknown` is false, `true or unknown` is true; what is unknown in
 * the end does not hold. A division by zero is unknown.
 */
struct condition;

#define CONDITION_TEXT_MAX  1024 /* bytes */
#define CONDITION_DEPTH_MAX 32   /* parentheses and `not` within each other */
#define CONDITION_NODES_MAX 128  /* literals, facts and operators */

/* Parses text. Returns 0 and a new condition, -ENOMEM, or fills *d (column counted from the start
 * of text; what was found, what was expected, the nearest known name) and returns -EINVAL, -ERANGE
 * (a literal too large) or -E2BIG (one of the limits above). */
int condition_parse(const char *text, struct condition **ret, struct diag *d)
	_nonnull_args_(1, 2) _must_check_;
struct condition *condition_free(struct condition *c); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct condition *, condition_free)
#define _cleanup_condition_ _cleanup_(condition_freep)

enum condition_truth {
	CONDITION_FALSE,
	CONDITION_TRUE,
	CONDITION_UNKNOWN,
	CONDITION_TRUTH_MAX,
	CONDITION_TRUTH_INVALID = -1,
};
DECLARE_STRTAB(condition_truth, enum condition_truth)

enum condition_truth condition_judge(const struct condition *c, const struct facts *f) _nonnull_;
/* For decisions: does it hold? What is unknown does not. */
static inline bool condition_holds(const struct condition *c, const struct facts *f)
{
	return condition_judge(c, f) == CONDITION_TRUE;
}

/* The facts it reads, wholes among them: bit 1 << fact. */
uint64_t condition_uses(const struct condition *c) _nonnull_ _pure_;
/* Does any of them differ from guest to guest? */
bool condition_is_of_guest(const struct condition *c) _nonnull_ _pure_;
/* Does it divide by a zero that no fact changes, as in "guest.vcpus / (2 - 2)"? Returns where in the
 * text the first such "/" stands, from 1; 0: it does not. What hangs on it never holds. */
unsigned condition_zero_division(const struct condition *c) _nonnull_ _pure_;
/* The text it was parsed from, blanks around it trimmed. Lives as long as c. */
const char *condition_text(const struct condition *c) _nonnull_ _pure_;
/* With the values of now: "host.mem_available 3.1 GiB < 40% of 8 GiB: true". *ret is a new string,
 * which the caller frees. Returns 0 or -ENOMEM. */
int condition_describe(const struct condition *c, const struct facts *f, char **ret)
	_nonnull_ _must_check_;
