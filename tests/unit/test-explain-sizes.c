/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is said of a guest's sizes names the part that made each, and promises nothing that does not
 * hold. Each guest went through a real decision. */
#include "daemon/api/explain.h"
#include "tests/small-host.h"

#define NO_SWAP(h, i) \
	((h)->guests[i].report.swap_total_bytes = (h)->guests[i].report.swap_free_bytes = 0)

/* The sentences of guest 0, joined. */
static char *sentences(struct small_host *h)
{
	const struct guest_policy *gp = decide_state_guest_policy(h->state, &h->guests[0].id.uuid);
	struct json_out o = {0};
	char *text;

	json_out_open(&o, '[');
	explain_sizes(
		&o, &h->guests[0], h->plan ? &h->plan->guests[0] : NULL, guest_policy_settings(gp));
	json_out_close(&o, ']');
	text = strndup(o.buf, o.len);
	json_out_clear(&o);
	return text;
}

static void decide_twice(struct small_host *h)
{
	small_decide(h);
	small_pass(h, USEC_PER_SEC);
	small_decide(h);
}

TEST(a_want_of_headroom_is_said_to_be_that_and_the_rest_to_be_kept)
{
	_cleanup_small_host_ struct small_host h;
	_cleanup_free_ char *text = NULL;

	small_begin(&h, 1, 16 * GIB, "[Memory]\nHeadroom=20%\n");
	decide_twice(&h);
	text = sentences(&h);
	CHECK_CONTAINS(text, "\"it uses 512 MiB and wants 615 MiB with its headroom\"");
	CHECK_CONTAINS(text, "\"it is not shrunk below ");
	CHECK_CONTAINS(text,
		"\"its share of the host is 2 GiB: it keeps what it has beyond its want while nobody needs it; it is counted at ");
}

TEST(room_for_a_burst_is_not_called_headroom)
{
	_cleanup_small_host_ struct small_host h;
	_cleanup_free_ char *none = NULL, *untold = NULL;

	small_begin(&h, 1, 16 * GIB, "[Memory]\nHeadroom=20%\n");
	h.guests[0].report.has_swap = true;
	NO_SWAP(&h, 0);
	decide_twice(&h);
	none = sentences(&h);
	CHECK_CONTAINS(none,
		"wants 1.03 GiB: with neither swap nor autodeflate it keeps 512 MiB for a burst beside what it used at most of late");
	h.guests[0].report.has_swap = false;
	h.guests[0].report.seq++;
	small_decide(&h);
	untold = sentences(&h);
	CHECK_CONTAINS(untold, "with no autodeflate, and no word of swap, it keeps 512 MiB");
}

TEST(a_net_is_named_as_the_decision_counts_it)
{
	_cleanup_small_host_ struct small_host h;
	_cleanup_free_ char *text = NULL;

	small_begin(&h, 1, 16 * GIB, "");
	h.guests[0].report.has_swap = true;
	h.guests[0].report.swap_total_bytes = h.guests[0].report.swap_free_bytes = 600 * MIB;
	decide_twice(&h);
	CHECK_INT(h.plan->guests[0].net, GUEST_NET_SWAP);
	h.guests[0].report.swap_free_bytes = 500 * MIB;
	h.guests[0].report.seq++;
	small_decide(&h);
	CHECK_INT(h.plan->guests[0].net, GUEST_NET_SWAP_SHORT);
	CHECK(h.plan->guests[0].no_net_bytes);
	text = sentences(&h);
	CHECK_CONTAINS(text, "with no autodeflate, and too little swap free, it keeps 512 MiB");
}

TEST(boot_grace_is_not_called_headroom)
{
	_cleanup_small_host_ struct small_host h;
	_cleanup_free_ char *text = NULL;

	small_begin(&h, 1, 16 * GIB, "[Memory]\nBootGraceSec=5min\n");
	h.guests[0].started_usec = SMALL_START - USEC_PER_SEC;
	decide_twice(&h);
	text = sentences(&h);
	CHECK_CONTAINS(text, "wants 2 GiB: what it has, until it has run for its BootGraceSec=");
}

TEST(a_want_that_is_min_is_said_to_be_that)
{
	_cleanup_small_host_ struct small_host h;
	_cleanup_free_ char *text = NULL;

	small_begin(&h, 1, 16 * GIB, "[Memory]\nMin=1G\n");
	decide_twice(&h);
	text = sentences(&h);
	CHECK_CONTAINS(text, "wants 1 GiB, which is its Min=");
}

TEST(a_min_for_which_there_is_no_room_is_no_promise)
{
	_cleanup_small_host_ struct small_host h;
	_cleanup_free_ char *text = NULL;

	small_begin(&h, 3, 4 * GIB, "[Memory]\nMin=3G\n");
	decide_twice(&h);
	CHECK(h.plan->guests[0].share_bytes < 3 * GIB);
	text = sentences(&h);
	CHECK_CONTAINS(text,
		"there is no room for its Min= of 3 GiB: what all guests must have does not fit");
	CHECK(!strstr(text, "it is not shrunk below"));
}

TEST(a_max_that_does_not_hold_is_said_not_to)
{
	_cleanup_small_host_ struct small_host h;
	_cleanup_free_ char *none = NULL, *swap = NULL;

	small_begin(&h, 1, 16 * GIB, "[Memory]\nMax=10M\n");
	decide_twice(&h);
	swap = sentences(&h);
	CHECK_CONTAINS(swap,
		"its Max= of 10 MiB does not hold: with what it uses it is not taken below 256 MiB, for it may die of less");
	h.guests[0].report.has_swap = true;
	NO_SWAP(&h, 0);
	h.guests[0].report.seq++;
	small_decide(&h);
	none = sentences(&h);
	CHECK_CONTAINS(none,
		"its Max= of 10 MiB does not hold: with neither swap nor autodeflate it is not taken below ");
}

TEST(what_is_not_decided_yet_is_not_explained)
{
	_cleanup_small_host_ struct small_host h;
	_cleanup_free_ char *text = NULL;

	small_begin(&h, 1, 16 * GIB, "");
	small_decide(&h);
	h.plan = plan_free(h.plan);
	text = sentences(&h);
	CHECK_STR(text, "[\"g0 has 2 GiB of at most 4 GiB\"]");
}

TEST_MAIN()
