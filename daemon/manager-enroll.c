/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include <stdarg.h>

/* `guest enroll`: gives a guest the agent's channel, and makes its balloon driver send statistics.
 * One at a time for each guest. */

#define ENROLL_PERIOD_SEC 5

/* Proposed where a guest has no net, or none that is known: between fine and dead it has no
 * warning. */
static const char *const net_advice[GUEST_NET_MAX] = {
	[GUEST_NET_UNKNOWN] =
		"it has no autodeflate='on' on its memballoon, and whether it has swap is not known yet: without both a sudden need kills processes",
	[GUEST_NET_SWAP_SHORT] =
		"too little of its swap is free, and it has no autodeflate='on' on its memballoon: virsh edit it, or give it more swap, so that a sudden need does not kill processes",
	[GUEST_NET_NONE] =
		"it has neither swap nor autodeflate='on' on its memballoon: virsh edit it, or give it swap, so that a sudden need does not kill processes",
};

/* As the last decision counts it; before that only its definition tells. */
static enum guest_net net_of(const struct guest *g)
{
	const struct manager *m = g->m;

	if (m->plan && m->plan_fits && g->index < m->plan->n_guests)
		return m->plan->guests[g->index].net;
	return guest_sample(g)->autodeflate ? GUEST_NET_AUTODEFLATE : GUEST_NET_UNKNOWN;
}

static void note(struct guest *g, const char *fmt, ...) _printf_(2, 3);
static void note(struct guest *g, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_array_append_new(g->enroll_changes, json_string(text));
}

static void refuse(struct guest *g, int error, const char *text)
{
	enum api_problem p = error == -ENOTCONN ? API_PROBLEM_LIBVIRT : API_PROBLEM_CANNOT_ENROLL;

	api_call_problem(g->enroll_call, p, "%s cannot be enrolled: %s.", g->hv->name, text);
	g->enroll_call = NULL;
	json_decref(g->enroll_changes);
	g->enroll_changes = NULL;
}

/* Answers when both calls have ended: what was done, not what was asked for. */
static void finish(struct guest *g)
{
	const char *advice = net_advice[net_of(g)];

	if (!g->enroll_call || g->enroll_attaching || g->enroll_period_id)
		return;
	if (advice)
		note(g, "%s", advice);
	api_call_reply(g->enroll_call, 200,
		json_pack("{s:b, s:o, s:b}", "enrolled", 1, "changes", g->enroll_changes,
			"restart_needed", (int)g->enroll_restart));
	g->enroll_call = NULL;
	g->enroll_changes = NULL;
}

static void note_attached(struct guest *g, const struct hv_result *r)
{
	g->enroll_restart = r->at_next_start;
	if (r->at_next_start)
		note(g, "channel org.ballast.agent.0 written into the definition: it takes effect at the guest's next start");
	else
		note(g, "channel org.ballast.agent.0 attached");
	if (r->error < 0)
		note(g, "it could not be written into the definition (%s): it will be gone at the guest's next start; enroll it again then",
			*r->text ? r->text : strerror(-r->error));
	tell(g->m,
		&(struct tale){.kind = DAEMON_EVENT_ENROLLED,
			.severity = SEVERITY_NOTICE,
			.guest = g,
			.by = api_call_by(g->enroll_call)},
		"%s", r->at_next_start ? "it has its agent's channel from its next start on" :
		      r->error < 0     ? "it has its agent's channel until its next start" :
					 "it has its agent's channel");
}

void enroll_done(struct guest *g, const struct hv_result *r)
{
	g->enroll_attaching = false;
	if (!g->enroll_call)
		return;
	if (r->error < 0 && !r->plugged) {
		refuse(g, r->error, *r->text ? r->text : strerror(-r->error));
		return;
	}
	note_attached(g, r);
	finish(g);
}

void enroll_period_done(struct guest *g, const struct hv_result *r)
{
	if (r->id != g->enroll_period_id)
		return;
	g->enroll_period_id = 0;
	if (!g->enroll_call)
		return;
	if (r->error < 0)
		note(g, "the statistics period could not be set: %s",
			*r->text ? r->text : strerror(-r->error));
	else
		note(g, "statistics period set to 5 s");
	finish(g);
}

void enroll_gone(struct guest *g)
{
	if (g->enroll_call)
		refuse(g, -ENOENT, "it is gone");
}

static void dry_run(struct guest *g, struct api_call *call)
{
	json_t *changes = json_array();

	if (g->hv->channel == HV_CHANNEL_NONE)
		json_array_append_new(
			changes, json_string("channel org.ballast.agent.0 would be attached"));
	if (!g->hv->stats_period_sec)
		json_array_append_new(
			changes, json_string("statistics period would be set to 5 s"));
	api_call_reply(call, 200,
		json_pack("{s:b, s:o, s:b}", "enrolled", g->hv->channel != HV_CHANNEL_NONE,
			"changes", changes, "restart_needed",
			!g->hv->has_virtio_serial && g->hv->channel == HV_CHANNEL_NONE));
}

void enroll(void *userdata, struct api_call *call, const struct uuid *guest)
{
	struct manager *m = userdata;
	struct guest *g = manager_find(m, guest);
	struct hv_request period = {
		.call = HV_CALL_SET_STATS_PERIOD, .guest = *guest, .period_sec = ENROLL_PERIOD_SEC};
	struct hv_request attach = {.call = HV_CALL_ATTACH_CHANNEL, .guest = *guest};
	int r;

	if (!g) {
		api_call_problem(
			call, API_PROBLEM_GUEST_UNKNOWN, "This guest does not run here any more.");
		return;
	}
	/* What is needed can be asked in either mode. */
	if (api_call_dry_run(call) && !g->enroll_call) {
		dry_run(g, call);
		return;
	}
	if (m->mode == MODE_OBSERVE) {
		api_call_problem(call, API_PROBLEM_CONFLICT,
			"The mode is observe: nothing is touched. `ballastctl mode enforce` comes first.");
		return;
	}
	if (m->pause.on) {
		api_call_problem(call, API_PROBLEM_CONFLICT,
			"Ballast is paused by %s: no guest is touched. `ballastctl pause --clear` ends that.",
			m->pause.by);
		return;
	}
	if (g->enroll_call) {
		api_call_problem(
			call, API_PROBLEM_CONFLICT, "%s is being enrolled already.", g->hv->name);
		return;
	}
	if (g->enroll_attaching || g->enroll_period_id) {
		api_call_problem(call, API_PROBLEM_CONFLICT,
			"An earlier attempt to enroll %s has not ended yet. Try again.",
			g->hv->name);
		return;
	}
	g->enroll_call = call;
	g->enroll_changes = json_array();
	g->enroll_restart = false;
	g->enroll_attaching = g->hv->channel == HV_CHANNEL_NONE;
	r = g->enroll_attaching ? manager_submit(g, &attach, NULL) : 0;
	if (r < 0) {
		g->enroll_attaching = false;
		refuse(g, r, r == -ENOTCONN ? "libvirt cannot be reached" :
			     r == -EBUSY    ? "it does not answer libvirt now" :
					      strerror(-r));
		return;
	}
	if (!g->hv->stats_period_sec && manager_submit(g, &period, &g->enroll_period_id) >= 0)
		original_period_set(g, false); /* the operator's now */
	finish(g);
}
