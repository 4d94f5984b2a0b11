/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

/* `guest enroll`: gives a guest the agent's channel, and makes its balloon driver send statistics. One at a time for each guest. */

#define ENROLL_PERIOD_SEC 5

/* Proposed where a guest has no net, or none that is known: between fine and dead it has no warning. */
static const char autodeflate_advice[] =
	"it has neither swap nor autodeflate='on' on its memballoon: virsh edit it, or give it swap, so that a sudden need does not kill processes";
static const char autodeflate_unknown[] =
	"it has no autodeflate='on' on its memballoon, and whether it has swap is not known yet: without both a sudden need kills processes";

static void finish(struct guest *g, bool at_next_start, bool attached)
{
	json_t *changes = json_array(), *body;

	if (attached)
		json_array_append_new(changes,
			json_string(at_next_start ? "channel org.ballast.agent.0 written into the definition: it takes effect at the guest's next start" :
						    "channel org.ballast.agent.0 attached"));
	if (g->enroll_period)
		json_array_append_new(changes, json_string("statistics period set to 5 s"));
	if (!guest_sample(g)->autodeflate && !guest_sample(g)->report.swap_total_bytes)
		json_array_append_new(changes, json_string(guest_sample(g)->report.has_swap ? autodeflate_advice :
											      autodeflate_unknown));
	body = json_pack("{s:b, s:o, s:b}", "enrolled", 1, "changes", changes, "restart_needed",
		(int)at_next_start);
	api_call_reply(g->enroll_call, 200, body);
	g->enroll_call = NULL;
}

static void refuse(struct guest *g, int error, const char *text)
{
	enum api_problem p = error == -ENOTCONN ? API_PROBLEM_LIBVIRT : API_PROBLEM_CANNOT_ENROLL;

	api_call_problem(g->enroll_call, p, "%s cannot be enrolled: %s.", g->hv->name, text);
	g->enroll_call = NULL;
}

void enroll_done(struct guest *g, const struct hv_result *r)
{
	if (!g->enroll_call)
		return;
	if (r->error < 0) {
		refuse(g, r->error, *r->text ? r->text : strerror(-r->error));
		return;
	}
	tell(g->m,
		&(struct tale){.kind = DAEMON_EVENT_ENROLLED,
			.severity = SEVERITY_NOTICE,
			.guest = g,
			.by = api_call_by(g->enroll_call)},
		"%s", r->at_next_start ? "it has its agent's channel from its next start on" : "it has its agent's channel");
	finish(g, r->at_next_start, true);
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
		json_array_append_new(changes, json_string("channel org.ballast.agent.0 would be attached"));
	if (!g->hv->stats_period_sec)
		json_array_append_new(changes, json_string("statistics period would be set to 5 s"));
	api_call_reply(call, 200,
		json_pack("{s:b, s:o, s:b}", "enrolled", g->hv->channel != HV_CHANNEL_NONE, "changes", changes,
			"restart_needed", !g->hv->has_virtio_serial && g->hv->channel == HV_CHANNEL_NONE));
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
		api_call_problem(call, API_PROBLEM_GUEST_UNKNOWN, "This guest does not run here any more.");
		return;
	}
	if (m->mode == MODE_OBSERVE) {
		api_call_problem(call, API_PROBLEM_CONFLICT,
			"The mode is observe: nothing is touched. `ballastctl mode enforce` comes first.");
		return;
	}
	if (g->enroll_call) {
		api_call_problem(call, API_PROBLEM_CONFLICT, "%s is being enrolled already.", g->hv->name);
		return;
	}
	if (api_call_dry_run(call)) {
		dry_run(g, call);
		return;
	}
	g->enroll_call = call;
	g->enroll_period = !g->hv->stats_period_sec && manager_submit(g, &period, NULL) >= 0;
	if (g->enroll_period)
		g->period_ours = false; /* the operator's now */
	if (g->hv->channel != HV_CHANNEL_NONE) {
		finish(g, false, false);
		return;
	}
	r = manager_submit(g, &attach, NULL);
	if (r < 0)
		refuse(g, r, r == -ENOTCONN ? "libvirt cannot be reached" :
			     r == -EBUSY    ? "it does not answer libvirt now" :
					      strerror(-r));
}
