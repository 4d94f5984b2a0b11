/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/reason.h"

#include <stdio.h>

#include "common/units.h"
#include "policy/plan.h"

/*
 * One table of sentences. In a template "%s1".."%s4" is an argument as a size, "%p1" as a ratio,
 * "%q1" as a CPU quota, "%t1" as a span, "%n1" as a number, "%o" the other's name. Min=, Max= and
 * CPU's may stand in a policy or be set by hand: their sentences name neither.
 */
static const char *const reason_templates[REASON_CODE_MAX] = {
	[REASON_NONE] = "nothing to do",
	[REASON_NEED] = "uses %s1 and wants %s2",
	[REASON_STALL] = "stalled %p1 of the last second; released to %s2",
	[REASON_REFAULT] = "%n1 pages a second read back too soon; wants %s2",
	[REASON_LOW] = "only %s1 available; wants %s2",
	[REASON_MIN] = "Min= gives it at least %s1",
	[REASON_SURPLUS] = "policy hands out what nobody needs, up to %s1",
	[REASON_STALE_ROOM] =
		"silent for %t1, and short by its last word or by what it has filled; room from what nobody needs",
	[REASON_RETURN] = "lent memory comes back; wants %s2",
	[REASON_LEND] = "others need %s1 more than there is; it uses %s2",
	[REASON_HOST] = "the host itself needs memory; it uses %s2",
	[REASON_OVER] = "guests hold %s1 more than there is for them; it uses %s2",
	[REASON_DOUBT] = "another guest may take %s1 more than it shows; this one uses %s2",
	[REASON_MAX_POLICY] = "Max= allows at most %s1",
	[REASON_MAX_UNSAFE] = "Max= allows %s2, but it is not taken below %s1: it may die of less",
	[REASON_RESERVE] = "room of %s1 for a guest that starts; it uses %s2",
	[REASON_SETTLE] = "was released further than it needed; it uses %s2",
	[REASON_RELEASE] = "policy gives back what it does not use; it uses %s2",
	[REASON_NOT_CREDIBLE] = "asks for more but does not use what it was given; it uses %s2",
	[REASON_OUT_OF_PUFF] = "the balloon stopped at %s1; target set to that",
	[REASON_RETRY] = "the balloon was stuck; tried again",
	[REASON_TOOK_BACK] = "took memory back by itself, to %s1; targeted again",
	[REASON_BREAKER] = "holds %s1 of the host's memory, charged %s2: soft limit",
	[REASON_RESTORE] = "given back what it had before Ballast",
	[REASON_STOPPING] = "Ballast stops: it uses %s2, and keeps room beside that",
	[REASON_LEFT] = "mode observe: it was on its way down, and is left at %s1",
	[REASON_CPU_POLICY] = "its settings are weight %n1, %q2",
	[REASON_CPU_PRESSED] = "waits for a CPU %p3 of the time; weight %n1",
	[REASON_CPU_BACK] = "does not wait for a CPU any more; weight %n1",
	[REASON_ROOM] = "%s1 are free for it",
	[REASON_NO_ROOM] = "needs %s1, and only %s2 can be made free",
};

DEFINE_STRTAB(reason_code, enum reason_code, REASON_CODE_MAX, [REASON_NONE] = "none",
	[REASON_NEED] = "need", [REASON_STALL] = "stall", [REASON_REFAULT] = "refault",
	[REASON_LOW] = "low", [REASON_MIN] = "min", [REASON_SURPLUS] = "surplus",
	[REASON_STALE_ROOM] = "stale-room", [REASON_RETURN] = "return", [REASON_LEND] = "lend",
	[REASON_HOST] = "host", [REASON_OVER] = "over", [REASON_DOUBT] = "doubt",
	[REASON_MAX_POLICY] = "max", [REASON_MAX_UNSAFE] = "max-unsafe",
	[REASON_RESERVE] = "reserve", [REASON_SETTLE] = "settle", [REASON_RELEASE] = "release",
	[REASON_NOT_CREDIBLE] = "not-credible", [REASON_OUT_OF_PUFF] = "out-of-puff",
	[REASON_RETRY] = "retry", [REASON_TOOK_BACK] = "took-back", [REASON_BREAKER] = "breaker",
	[REASON_RESTORE] = "restore", [REASON_STOPPING] = "stopping", [REASON_LEFT] = "left",
	[REASON_CPU_POLICY] = "cpu-policy", [REASON_CPU_PRESSED] = "cpu-pressed",
	[REASON_CPU_BACK] = "cpu-back", [REASON_ROOM] = "room", [REASON_NO_ROOM] = "no-room")

static const char *const event_templates[EVENT_KIND_MAX] = {
	[EVENT_STUCK] =
		"the balloon does not move from %s1 (asked for %s2); left out of the division",
	[EVENT_UNSTUCK] = "the balloon moves again, at %s1",
	[EVENT_STALE] =
		"no report for %t1; not shrunk below the %s2 that it used last, and its headroom",
	[EVENT_FRESH] = "reports again",
	[EVENT_BREAKER] = "resident %s1, but charged only %s2: counted at its maximum",
	[EVENT_BREAKER_GONE] = "resident %s1, within its charge again",
	[EVENT_NOT_CREDIBLE] =
		"claims pressure but did not use the %s1 it was given; its claim now counts %p2",
	[EVENT_CREDIBLE] = "its claims count again",
	[EVENT_TOOK_BACK] = "took memory back by itself: %s1, target was %s2",
	[EVENT_OOM] = "its kernel killed %n1 process(es) for want of memory",
	[EVENT_PRESSED] = "stalls on memory %p1, above the policy's limit of %p2",
	[EVENT_RELIEVED] = "its memory stall is below the policy's limit again",
	[EVENT_HOST_STATE] = "host is %o: %s1 free of a budget of %s2%r3",
	[EVENT_POLICY] = "policies in force changed: %o",
	[EVENT_REBOOT] = "started anew: counted at its maximum until it answers",
	[EVENT_FLOOR_CUT] = "floors do not fit: it gets %s1 of %s2",
};

struct text {
	char *buf;
	size_t len, size;
};

static void text_put(struct text *t, const char *s)
{
	while (*s && t->len + 1 < t->size)
		t->buf[t->len++] = *s++;
	t->buf[t->len] = '\0';
}

static void text_put_arg(struct text *t, char kind, uint64_t v)
{
	char buf[SPAN_TEXT_MAX]; /* the longest of the three */

	switch (kind) {
	case 's':
		text_put(t, size_format(v, buf));
		break;
	case 'p':
		text_put(t, ratio_format(v, buf));
		break;
	case 'q':
		text_put(t, v ? "quota " : "no quota");
		text_put(t, v ? ratio_format(v, buf) : "");
		text_put(t, v ? " of a CPU" : "");
		break;
	case 'r': /* mostly there is none */
		text_put(t, v ? ", " : "");
		text_put(t, v ? size_format(v, buf) : "");
		text_put(t, v ? " reserved for guests that start" : "");
		break;
	case 't': /* people do not read microseconds */
		text_put(t, span_format(v - v % (USEC_PER_SEC / 10), buf));
		break;
	default:
		snprintf(buf, sizeof(buf), "%llu", (unsigned long long)v);
		text_put(t, buf);
	}
}

static char *template_fill(const char *template, const uint64_t *arg, const char *other, char *buf)
{
	struct text t = {buf, 0, REASON_TEXT_MAX};
	char one[2] = "";

	buf[0] = '\0';
	for (const char *p = template; *p; p++) {
		if (*p == '%' && p[1] == 'o') {
			text_put(&t, other);
			p++;
		} else if (*p == '%' && p[1] && p[2] >= '1' && p[2] <= '0' + REASON_ARGS_MAX) {
			text_put_arg(&t, p[1], arg[p[2] - '1']);
			p += 2;
		} else {
			one[0] = *p;
			text_put(&t, one);
		}
	}
	return buf;
}

char *reason_format(const struct reason *r, char buf[static REASON_TEXT_MAX])
{
	enum reason_code code = r->code >= 0 && r->code < REASON_CODE_MAX ? r->code : REASON_NONE;

	template_fill(reason_templates[code], r->arg, r->other, buf);
	if (r->other[0] && !strstr(reason_templates[code], "%o") &&
		strlen(buf) + strlen(r->other) + 4 < REASON_TEXT_MAX) {
		strcat(buf, " (");
		strcat(buf, r->other);
		strcat(buf, ")");
	}
	return buf;
}

char *event_format(const struct plan_event *e, char buf[static REASON_TEXT_MAX])
{
	if (e->kind < 0 || e->kind >= EVENT_KIND_MAX) {
		buf[0] = '\0';
		return buf;
	}
	return template_fill(event_templates[e->kind], e->arg, e->detail, buf);
}
