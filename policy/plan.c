/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/plan.h"

DEFINE_STRTAB(host_state, enum host_state, HOST_STATE_MAX, [HOST_AMPLE] = "ample",
	[HOST_TIGHT] = "tight", [HOST_SHORT] = "short", [HOST_CRITICAL] = "critical")

DEFINE_STRTAB(guest_net, enum guest_net, GUEST_NET_MAX, [GUEST_NET_UNKNOWN] = "unknown",
	[GUEST_NET_AUTODEFLATE] = "autodeflate", [GUEST_NET_SWAP] = "swap",
	[GUEST_NET_SWAP_SHORT] = "swap-short", [GUEST_NET_NONE] = "none")

DEFINE_STRTAB(action_kind, enum action_kind, ACTION_KIND_MAX, [ACTION_MEMORY] = "memory",
	[ACTION_CPU] = "cpu", [ACTION_SOFT_LIMIT] = "soft-limit", [ACTION_GRANT] = "grant",
	[ACTION_REFUSE] = "refuse")

DEFINE_STRTAB(event_kind, enum event_kind, EVENT_KIND_MAX, [EVENT_STUCK] = "stuck",
	[EVENT_UNSTUCK] = "unstuck", [EVENT_STALE] = "stale", [EVENT_FRESH] = "fresh",
	[EVENT_BREAKER] = "breaker", [EVENT_BREAKER_GONE] = "breaker-gone",
	[EVENT_NOT_CREDIBLE] = "not-credible", [EVENT_CREDIBLE] = "credible",
	[EVENT_TOOK_BACK] = "took-back", [EVENT_OOM] = "oom-kill", [EVENT_PRESSED] = "pressed",
	[EVENT_RELIEVED] = "relieved", [EVENT_HOST_STATE] = "host-state",
	[EVENT_POLICY] = "policy", [EVENT_REBOOT] = "reboot", [EVENT_FLOOR_CUT] = "floor-cut")

struct plan *plan_free(struct plan *p)
{
	if (!p)
		return NULL;
	free(p->actions);
	free(p->events);
	free(p->guests);
	free(p);
	return NULL;
}
