/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/explain.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/units.h"
#include "daemon/api/serve.h"

void explain_say(struct json_out *o, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_out_string(o, text);
}

/* The division counts in whole MiB. */
static bool at_most(uint64_t bytes, uint64_t limit_bytes)
{
	return bytes < limit_bytes + MIB;
}

/* Why a burst may kill it. */
static const char *net_text(const struct plan_guest *p)
{
	return p->net == GUEST_NET_UNKNOWN    ? "with no autodeflate, and no word of swap," :
	       p->net == GUEST_NET_SWAP_SHORT ? "with no autodeflate, and too little swap free," :
						"with neither swap nor autodeflate";
}

/* What makes its want as large as it is. */
static void say_want(struct json_out *o, const struct guest_sample *g, const struct plan_guest *p)
{
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX], c[SIZE_TEXT_MAX];
	uint64_t want = p->want_bytes, usual = add_sat(p->used_bytes, p->headroom_bytes);

	size_format(p->used_bytes, a);
	size_format(want, b);
	size_format(p->headroom_bytes, c);
	if (at_most(want, usual))
		explain_say(o, "it uses %s and wants %s with its headroom", a, b);
	else if (p->no_net_bytes && at_most(want, p->no_net_bytes))
		explain_say(o,
			"it uses %s and wants %s: %s it keeps %s for a burst beside what it used at most of late",
			a, b, net_text(p),
			size_format(MAX(p->headroom_bytes, MIN(512 * MIB, g->max_bytes / 4)), c));
	else if (p->min_bytes && at_most(want, p->min_bytes))
		explain_say(o, "it uses %s and wants %s, which is its Min=", a, b);
	else if (p->in_grace && at_most(want, MAX(g->target_bytes, p->target_bytes)))
		explain_say(o,
			"it uses %s and wants %s: what it has, until it has run for its BootGraceSec=",
			a, b);
	else
		explain_say(o, "it uses %s and wants %s: its headroom of %s, and what it %s", a, b,
			c, p->pressed ? "lacks now" : "was seen to need of late");
}

static void say_floor(struct json_out *o, const struct plan_guest *p)
{
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX];

	size_format(p->floor_bytes, a);
	if (at_most(p->floor_bytes, p->share_bytes))
		explain_say(o, "it is not shrunk below %s", a);
	else if (!at_most(p->min_bytes, p->share_bytes))
		explain_say(o,
			"there is no room for its Min= of %s: what all guests must have does not fit into the host's budget",
			size_format(p->min_bytes, b));
	else
		explain_say(o,
			"there is no room for the %s that it must have: what all guests must have does not fit into the host's budget",
			a);
}

/* A Max= that would kill it does not hold. */
static void say_max(struct json_out *o, const struct plan_guest *p, const struct settings *set)
{
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX];

	if (p->left_out || p->max_bytes <= set->mem_max_bytes)
		return;
	explain_say(o,
		"its Max= of %s does not hold: %s it is not taken below %s, for it may die of less",
		size_format(set->mem_max_bytes, a),
		p->no_net_bytes ? net_text(p) : "with what it uses", size_format(p->max_bytes, b));
}

static void say_share(struct json_out *o, const struct plan_guest *p, const struct settings *set)
{
	bool beyond = p->known && !p->left_out && !at_most(p->share_bytes, p->want_bytes);
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX];

	explain_say(o, "its share of the host is %s%s; it is counted at %s",
		size_format(p->share_bytes, a),
		!beyond				   ? ""
		: set->mem_surplus == SURPLUS_GROW ? ", for Surplus=grow gives it what nobody needs"
		: set->mem_surplus == SURPLUS_RELEASE
			? ", its page cache with it while nobody needs that"
			: ": it keeps what it has beyond its want while nobody needs it",
		size_format(p->charge_bytes, b));
}

void explain_sizes(struct json_out *o, const struct guest_sample *g, const struct plan_guest *p,
	const struct settings *set)
{
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX], text[REASON_TEXT_MAX];

	explain_say(o, "%s has %s of at most %s", g->id.name, size_format(g->actual_bytes, a),
		size_format(g->max_bytes, b));
	if (g->fixed != FIXED_NOT)
		explain_say(o, "its memory cannot be moved (%s): it is counted at its maximum",
			fixed_reason_to_string(g->fixed));
	if (!p)
		return;
	if (p->known) {
		say_want(o, g, p);
		say_floor(o, p);
	}
	say_max(o, p, set);
	say_share(o, p, set);
	if (guest_standing(p) && p->standing.code != REASON_NONE)
		explain_say(o, "why: %s", reason_format(&p->standing, text));
}
