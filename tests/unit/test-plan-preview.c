/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/plan-preview.h"

#include "tests/small-host.h"

static struct override min_of(const struct small_host *h, size_t i, const char *value)
{
	return (struct override){.guest = h->guests[i].id.uuid,
		.section = "Memory",
		.key = "Min",
		.value = value,
		.by = "",
		.reason = "",
		.until_boot_usec = USEC_INFINITY,
		.until_real_usec = USEC_INFINITY};
}

TEST(a_floor_that_is_raised_is_given_and_nothing_real_is_touched)
{
	struct small_host h;
	_cleanup_preview_ struct preview p = {0};
	struct guest_sample before[SMALL_GUESTS];
	struct snapshot s;
	struct override o;
	struct decide_state *clone;

	small_begin(&h, 3, 16 * GIB, "");
	memcpy(before, h.guests, sizeof(before));
	clone = decide_state_clone(h.state);
	o = min_of(&h, 1, "3G");
	s = h.snap;
	s.guests = before;
	s.overrides = &o;
	s.n_overrides = 1;
	CHECK_INT(preview_run(&s, h.set, clone, &p), 0);
	CHECK_U64(p.plan->guests[1].target_bytes, 3 * GIB);
	CHECK_U64(before[1].actual_bytes, 3 * GIB); /* the copy obeyed */
	CHECK_U64(h.guests[1].actual_bytes, 2 * GIB);
	CHECK_INT((int)p.reasons[1].code != REASON_NONE, 1);
	CHECK_INT((int)p.reasons[0].code, REASON_NONE);
	CHECK(p.settled);
	CHECK(p.decisions >= 2 && p.decisions <= PREVIEW_DECISIONS_MAX);
	decide_state_free(clone);
	small_clear(&h);
}

TEST(where_there_is_no_room_others_give_way)
{
	struct small_host h;
	_cleanup_preview_ struct preview p = {0};
	struct override o;

	small_begin(&h, 3, 7 * GIB, "");
	o = min_of(&h, 0, "4G");
	h.snap.overrides = &o;
	h.snap.n_overrides = 1;
	CHECK_INT(preview_run(&h.snap, h.set, h.state, &p), 0);
	CHECK(p.plan->guests[0].target_bytes > 2 * GIB);
	CHECK(p.plan->guests[1].target_bytes < 2 * GIB);
	CHECK(p.reasons[1].code != REASON_NONE);
	CHECK(p.plan->charged_bytes <= p.plan->budget_bytes);
	CHECK(p.decisions <= PREVIEW_DECISIONS_MAX);
	small_clear(&h);
}

TEST(what_is_not_carried_out_is_one_decision)
{
	struct small_host h;
	_cleanup_preview_ struct preview p = {0};
	struct override o;

	small_begin(&h, 2, 16 * GIB, "");
	o = min_of(&h, 0, "3G");
	h.snap.overrides = &o;
	h.snap.n_overrides = 1;
	h.snap.enforce = false;
	CHECK_INT(preview_run(&h.snap, h.set, h.state, &p), 0);
	CHECK_INT((int)p.decisions, 1);
	CHECK(!p.settled);
	CHECK_U64(h.guests[0].actual_bytes, 2 * GIB);
	small_clear(&h);
}

TEST(a_host_at_rest_is_seen_to_be)
{
	struct small_host h;
	_cleanup_preview_ struct preview p = {0};

	small_begin(&h, 2, 16 * GIB, "");
	CHECK_INT(preview_run(&h.snap, h.set, h.state, &p), 0);
	CHECK(p.settled);
	CHECK_U64(p.plan->guests[0].target_bytes, 2 * GIB);
	small_clear(&h);
}

TEST_MAIN()
