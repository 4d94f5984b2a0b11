/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/json.h"
#include "policy/plan.h"
#include "policy/snapshot.h"

/* The sentences of an explanation (docs/API.md, Explain.text). */

/* One more of them, without a full stop. */
void explain_say(struct json_out *o, const char *fmt, ...) _nonnull_args_(1, 2) _printf_(2, 3);
/* What a guest has, what it wants and of what parts that is, what it gets, and where what was set
 * for it does not hold. p: NULL before the first decision. set: its settings at the decision. */
void explain_sizes(struct json_out *o, const struct guest_sample *g, const struct plan_guest *p,
	const struct settings *set) _nonnull_args_(1, 2, 4);
