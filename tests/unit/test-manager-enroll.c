/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What enrolling says: of what was done, what waits for the guest's next start, and why it cannot
 * be. */
#include "tests/test.h"
#include "tests/unit/fake-manager.h"

#define _cleanup_manager_ _cleanup_(fake_manager_clear)
static void call_end(struct api_call *call)
{
	json_decref(call->body);
}
#define _cleanup_call_ _cleanup_(call_end)

static struct guest *start(struct manager *m)
{
	fake_clear();
	*m = (struct manager){.hv = FAKE_HV,
		.hub = FAKE_HUB,
		.store = FAKE_STORE,
		.mode = MODE_ENFORCE,
		.connected = true,
		.synced = true};
	return fake_guest(m, "web", 1024, 512);
}

static struct hv_guest *picture(struct guest *g)
{
	return (struct hv_guest *)g->hv; /* the fake's own */
}

static const char *change(const struct api_call *call, size_t i)
{
	const char *text =
		json_string_value(json_array_get(json_object_get(call->body, "changes"), i));

	return text ? text : "";
}

static bool restart_needed(const struct api_call *call)
{
	return json_is_true(json_object_get(call->body, "restart_needed"));
}

TEST(a_guest_without_the_bus_has_its_channel_at_its_next_start)
{
	_cleanup_manager_ struct manager m;
	_cleanup_call_ struct api_call call = {0};
	struct guest *g = start(&m);

	picture(g)->stats_period_sec = 5;
	guest_sample(g)->autodeflate = true; /* no decision yet */
	enroll(&m, &call, &g->uuid);
	CHECK_INT((int)fake.n_submits, 1);
	enroll_done(g, &(struct hv_result){.at_next_start = true, .plugged = true, .text = ""});
	CHECK_INT(call.status, 200);
	CHECK_CONTAINS(change(&call, 0), "takes effect at the guest's next start");
	CHECK_STR(change(&call, 1), ""); /* it has a net */
	CHECK(restart_needed(&call));
	CHECK_STR(fake.told[0], "it has its agent's channel from its next start on");
}

TEST(one_that_has_all_is_only_told_what_net_it_lacks)
{
	_cleanup_manager_ struct manager m;
	_cleanup_call_ struct api_call unknown = {0}, none = {0}, few = {0}, net = {0};
	struct plan_guest counted = {.net = GUEST_NET_NONE};
	struct plan plan = {.guests = &counted, .n_guests = 1};
	struct guest *g = start(&m);

	picture(g)->stats_period_sec = 5;
	picture(g)->channel = HV_CHANNEL_CONNECTED;
	guest_sample(g)->report = (struct guest_report){.source = REPORT_AGENT,
		.has_swap = true,
		.swap_total_bytes = GIB,
		.swap_free_bytes = GIB};
	enroll(&m, &unknown, &g->uuid); /* no decision counted it yet */
	CHECK_INT((int)fake.n_submits, 0);
	CHECK_CONTAINS(change(&unknown, 0), "whether it has swap is not known yet");
	m.plan = &plan;
	m.plan_fits = true;
	enroll(&m, &none, &g->uuid);
	CHECK_CONTAINS(change(&none, 0), "it has neither swap nor autodeflate='on'");
	counted.net = GUEST_NET_SWAP_SHORT;
	enroll(&m, &few, &g->uuid);
	CHECK_CONTAINS(
		change(&few, 0), "too little of its swap is free, and it has no autodeflate='on'");
	counted.net = GUEST_NET_SWAP;
	enroll(&m, &net, &g->uuid);
	CHECK_STR(change(&net, 0), "");
	CHECK(!restart_needed(&net));
	m.plan = NULL;
}

TEST(a_dry_run_says_what_would_be_done)
{
	_cleanup_manager_ struct manager m;
	_cleanup_call_ struct api_call bare = {.dry_run = true}, bus = {.dry_run = true};
	struct guest *g = start(&m);

	enroll(&m, &bare, &g->uuid);
	CHECK_STR(change(&bare, 0), "channel org.ballast.agent.0 would be attached");
	CHECK_STR(change(&bare, 1), "statistics period would be set to 5 s");
	CHECK(restart_needed(&bare));
	picture(g)->has_virtio_serial = true;
	enroll(&m, &bus, &g->uuid);
	CHECK(!restart_needed(&bus));
	CHECK_INT((int)fake.n_submits, 0);
}

TEST(a_guest_that_goes_and_a_libvirt_that_does_not_answer_are_named)
{
	_cleanup_manager_ struct manager m;
	_cleanup_call_ struct api_call gone = {0}, busy = {0}, away = {0}, nobody = {0};
	static const struct uuid other = {{99}};
	struct guest *g = start(&m);

	enroll(&m, &nobody, &other);
	CHECK_INT(nobody.problem, API_PROBLEM_GUEST_UNKNOWN);
	fake.submit_error = -EBUSY;
	enroll(&m, &busy, &g->uuid);
	CHECK_STR(busy.text, "web cannot be enrolled: it does not answer libvirt now.");
	fake.submit_error = -ENOTCONN;
	enroll(&m, &away, &g->uuid);
	CHECK_INT(away.problem, API_PROBLEM_LIBVIRT);
	fake.submit_error = 0;
	enroll(&m, &gone, &g->uuid);
	enroll_gone(g);
	CHECK_STR(gone.text, "web cannot be enrolled: it is gone.");
	CHECK(!g->enroll_call);
}

TEST_MAIN()
