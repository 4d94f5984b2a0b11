/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/decision.h"

#include "common/units.h"
#include "tests/test.h"

#define NOW (1000 * USEC_PER_SEC)

/* One guest's row, made of what is known of it. */
struct one {
	struct decide_state state;
	struct guest_sample s;
	struct guest_state g;
	struct settings set;
	struct plan_guest p;
	struct division_guest div;
	struct work w;
	struct decision d;
};

static void uses(struct one *o, uint64_t bytes)
{
	struct demand *d = &o->g.demand;

	d->used_bytes = d->average_bytes = d->high_bytes = d->peak_bytes = bytes;
}

/* It has 2 GiB of at most 4, uses 1 and caches 512 MiB; has swap. */
static void begin(struct one *o)
{
	memset(o, 0, sizeof(*o));
	o->set = settings_default;
	o->s = (struct guest_sample){.running = true,
		.balloon_answered = true,
		.max_bytes = 4 * GIB,
		.actual_bytes = 2 * GIB,
		.target_bytes = 2 * GIB,
		.report = {.source = REPORT_AGENT, .swap_free_bytes = GIB}};
	demand_init(&o->g.demand);
	o->g.demand.known = o->g.demand.has_net = true;
	uses(o, GIB);
	o->g.demand.file_bytes = 512 * MIB;
}

static const uint64_t *row(struct one *o)
{
	o->w = (struct work){.s = &o->s, .g = &o->g, .set = &o->set, .p = &o->p,
		.target_bytes = o->s.target_bytes, .held_bytes = o->s.target_bytes};
	memset(&o->div, 0, sizeof(o->div));
	memset(&o->p, 0, sizeof(o->p));
	o->d = (struct decision){.state = &o->state, .divs = &o->div, .work = &o->w, .now = NOW};
	levels_guest(&o->d, &o->w);
	return o->div.level;
}

TEST(a_row_never_falls_and_ends_with_what_the_guest_has)
{
	struct one o;
	const uint64_t *l;

	begin(&o);
	l = row(&o);
	for (int i = 1; i < LEVEL_MAX; i++)
		CHECK(l[i] >= l[i - 1]);
	CHECK_U64(l[LEVEL_SAFE], 512 * MIB);
	CHECK_U64(l[LEVEL_USED], mib_up(GIB + GIB / 20));
	CHECK_U64(l[LEVEL_WANT], mib_up(GIB + GIB / 5));
	CHECK_U64(l[LEVEL_SOFT], mib_up(GIB + GIB / 5 + 512 * MIB));
	CHECK_U64(l[LEVEL_KEEP], 2 * GIB);
	CHECK_U64(l[LEVEL_GROW], 2 * GIB);
}

TEST(policys_min_is_a_floor_and_its_max_bounds_everything)
{
	struct one o;

	begin(&o);
	o.set.mem_min_bytes = 1800 * MIB;
	CHECK_U64(row(&o)[LEVEL_FLOOR], 1800 * MIB);
	o.set.mem_max_bytes = 1500 * MIB;
	CHECK_U64(row(&o)[LEVEL_FLOOR], 1500 * MIB);
	CHECK_U64(row(&o)[LEVEL_GROW], 1500 * MIB);
}

TEST(a_max_that_would_kill_is_kept_as_far_as_is_safe)
{
	struct one o;

	begin(&o);
	o.g.demand.has_net = false; /* no net: what it uses and 512 MiB */
	o.set.mem_max_bytes = GIB;
	CHECK_U64(row(&o)[LEVEL_GROW], GIB + 512 * MIB);
	CHECK_U64(o.p.max_bytes, GIB + 512 * MIB);
	/* What noise makes it use less is no reason for a command; a quarter less is. */
	o.s.target_bytes = GIB + 512 * MIB;
	uses(&o, GIB - 64 * MIB);
	row(&o);
	CHECK_U64(o.p.max_bytes, GIB + 512 * MIB);
	uses(&o, 768 * MIB);
	row(&o);
	CHECK_U64(o.p.max_bytes, GIB + 256 * MIB);
}

TEST(a_max_is_not_overstepped_to_make_a_guest_safe)
{
	struct one o;

	begin(&o);
	o.g.demand.has_net = false;
	o.set.mem_max_bytes = GIB;
	o.s.target_bytes = o.s.actual_bytes = GIB;
	CHECK_U64(row(&o)[LEVEL_GROW], GIB);
	CHECK_U64(o.p.max_bytes, GIB);
}

TEST(among_those_who_are_short_or_were_what_is_wanted_is_divided)
{
	struct one o;

	begin(&o);
	o.g.demand.need_bytes = 2 * GIB;
	o.g.demand.need_used_bytes = o.g.demand.need_settled_bytes = GIB;
	o.g.demand.need_usec = NOW - USEC_PER_MIN;
	CHECK_U64(row(&o)[LEVEL_PRESSED], 2 * GIB + 256 * MIB);
	CHECK(o.p.proved && !o.p.pressed);
	o.g.demand.need_doubted = true; /* it has used much less since */
	CHECK(row(&o)[LEVEL_PRESSED] < 2 * GIB);
	/* it may keep that, and does not grow for it */
	CHECK_U64(o.div.level[LEVEL_WANT], 2 * GIB);
}

TEST(what_it_used_of_late_comes_after_what_the_pressed_ask)
{
	struct one o;

	begin(&o);
	o.g.demand.file_bytes = 0;
	o.g.demand.peak_bytes = GIB + 512 * MIB;
	row(&o);
	CHECK_U64(o.div.level[LEVEL_ASK], mib_up(GIB + GIB / 5));
	CHECK(o.div.level[LEVEL_RECENT] > GIB + 512 * MIB);
}

TEST(who_uses_all_it_has_grows_by_its_weight_and_not_as_a_floor)
{
	struct one o;
	const uint64_t *l;

	begin(&o);
	uses(&o, 2 * GIB);
	l = row(&o);
	CHECK_U64(l[LEVEL_FLOOR], 2 * GIB);
	CHECK(l[LEVEL_WANT] > 2 * GIB);
}

TEST(but_without_a_net_what_a_burst_takes_is_a_floor)
{
	struct one o;

	begin(&o);
	o.g.demand.has_net = false;
	uses(&o, 2 * GIB);
	CHECK_U64(row(&o)[LEVEL_SAFE], 2 * GIB + 512 * MIB);
}

TEST(a_pressed_guest_keeps_what_it_has_while_its_word_counts)
{
	struct one o;

	begin(&o);
	o.g.demand.pressed = true;
	CHECK_U64(row(&o)[LEVEL_PRESSED], 2 * GIB);
	o.g.demand.credit_permyriad = 2500;
	CHECK(row(&o)[LEVEL_PRESSED] < 2 * GIB);
	CHECK(!o.p.pressed);
}

TEST(in_its_boot_grace_nothing_is_taken)
{
	struct one o;

	begin(&o);
	o.s.started_usec = NOW - 30 * USEC_PER_SEC;
	CHECK_U64(row(&o)[LEVEL_USED], 2 * GIB);
	o.s.started_usec = NOW - 90 * USEC_PER_SEC;
	CHECK(row(&o)[LEVEL_USED] < 2 * GIB);
}

TEST(a_want_within_the_band_moves_nothing)
{
	struct one o;

	begin(&o);
	o.s.target_bytes = o.s.actual_bytes = GIB + 150 * MIB; /* wants 1229 MiB */
	CHECK_U64(row(&o)[LEVEL_WANT], GIB + 150 * MIB);
	o.s.target_bytes = o.s.actual_bytes = GIB + 80 * MIB;
	CHECK(row(&o)[LEVEL_WANT] > GIB + 80 * MIB);
}

TEST(surplus_is_kept_grown_or_given_back_as_policy_says)
{
	struct one o;

	begin(&o);
	o.set.mem_surplus = SURPLUS_GROW;
	o.state.host_state = HOST_AMPLE;
	CHECK_U64(row(&o)[LEVEL_GROW], 4 * GIB);
	o.state.host_state = HOST_TIGHT;
	CHECK_U64(row(&o)[LEVEL_GROW], 2 * GIB);
	o.set.mem_surplus = SURPLUS_RELEASE;
	o.g.demand.file_bytes = 0;
	CHECK(row(&o)[LEVEL_KEEP] < 2 * GIB);
}

TEST(where_its_balloon_stopped_it_is_not_asked_for_less)
{
	struct one o;

	begin(&o);
	o.g.balloon.floor_bytes = 1900 * MIB;
	o.g.balloon.retry_usec = NOW + USEC_PER_SEC;
	CHECK_U64(row(&o)[LEVEL_SAFE], 1900 * MIB);
	o.g.balloon.retry_usec = NOW - 1;
	CHECK(row(&o)[LEVEL_SAFE] < 1900 * MIB);
}

TEST(one_that_fell_silent_under_pressure_gets_a_quarter_once)
{
	struct one o;

	begin(&o);
	o.g.demand.pressed = true;
	o.w.p = &o.p;
	row(&o);
	o.w = (struct work){
		.s = &o.s, .g = &o.g, .set = &o.set, .p = &o.p, .target_bytes = 2 * GIB};
	memset(&o.div, 0, sizeof(o.div));
	o.d.n_divs = 0;
	o.p.stale = true;
	levels_guest(&o.d, &o.w);
	CHECK_U64(o.div.level[LEVEL_GROW], 2 * GIB + 512 * MIB);
	CHECK(!o.p.pressed);
	/* it asked for what it did not use: a quarter of that */
	o.g.demand.credit_permyriad = PERMYRIAD / 4;
	memset(&o.div, 0, sizeof(o.div));
	o.d.n_divs = 0;
	levels_guest(&o.d, &o.w);
	CHECK_U64(o.div.level[LEVEL_GROW], 2 * GIB + 128 * MIB);
	o.g.demand.credit_permyriad = PERMYRIAD;
	o.g.stale_room_given = true;
	memset(&o.div, 0, sizeof(o.div));
	o.d.n_divs = 0;
	levels_guest(&o.d, &o.w);
	CHECK_U64(o.div.level[LEVEL_GROW], 2 * GIB);
}

TEST(a_full_release_is_half_of_what_nobody_asks_for_and_none_on_a_short_host)
{
	struct one o;

	begin(&o);
	row(&o);
	o.w.sizes.full_release = true;
	o.d.n_releases = 1;
	o.d.snap = &(const struct snapshot){.n_guests = 1};
	o.d.division_bytes = o.div.level[LEVEL_ASK] + GIB;
	o.state.host_state = HOST_SHORT;
	levels_release(&o.d);
	CHECK_U64(o.div.level[LEVEL_KEEP], 2 * GIB);
	o.state.host_state = HOST_TIGHT;
	levels_release(&o.d);
	CHECK_U64(o.div.level[LEVEL_KEEP], MAX(2 * GIB, o.div.level[LEVEL_ASK] + 512 * MIB));
}

/* The row of one that is silent, and what its QEMU holds. */
static const uint64_t *row_silent(struct one *o, uint64_t resident_bytes)
{
	o->s.resident_bytes = resident_bytes;
	o->w = (struct work){.s = &o->s, .g = &o->g, .set = &o->set, .p = &o->p,
		.target_bytes = o->s.target_bytes, .held_bytes = o->s.target_bytes};
	memset(&o->div, 0, sizeof(o->div));
	o->p = (struct plan_guest){.stale = true};
	o->d = (struct decision){.state = &o->state, .divs = &o->div, .work = &o->w, .now = NOW};
	levels_guest(&o->d, &o->w);
	return o->div.level;
}

TEST(a_silent_guest_that_has_filled_what_it_has_gets_a_quarter_more)
{
	struct one o;

	begin(&o);
	o.g.demand.heard_resident_bytes = GIB;
	CHECK_U64(row_silent(&o, 2 * GIB - 64 * MIB)[LEVEL_RECENT], 2 * GIB + 512 * MIB);
	CHECK(o.div.level[LEVEL_ASK] <= 2 * GIB); /* after what all others want */
	CHECK_U64(row_silent(&o, 2 * GIB - 65 * MIB)[LEVEL_GROW], 2 * GIB);
	o.g.demand.credit_permyriad = PERMYRIAD / 4;
	CHECK_U64(row_silent(&o, 2 * GIB)[LEVEL_RECENT], 2 * GIB + 128 * MIB);
}

TEST(but_not_one_that_had_filled_it_when_it_was_heard_last)
{
	struct one o;

	begin(&o);
	o.g.demand.heard_resident_bytes = 2 * GIB - 32 * MIB;
	CHECK_U64(row_silent(&o, 2 * GIB)[LEVEL_GROW], 2 * GIB);
	o.g.demand.heard_resident_bytes = 0; /* nobody knows */
	CHECK_U64(row_silent(&o, 2 * GIB)[LEVEL_GROW], 2 * GIB);
}

TEST(and_none_that_is_shut_out)
{
	struct one o;

	begin(&o);
	o.g.demand.heard_resident_bytes = GIB;
	o.s.shut_out_usec = NOW - USEC_PER_SEC;
	CHECK_U64(row_silent(&o, 2 * GIB)[LEVEL_GROW], 2 * GIB);
	o.g.demand.pressed = true;
	CHECK_U64(row_silent(&o, 2 * GIB)[LEVEL_GROW], 2 * GIB);
}

TEST(for_each_room_that_it_fills_as_well_it_waits_twice_as_long)
{
	for (unsigned rooms = 1; rooms < 12; rooms++) {
		uint64_t pause = (10 * USEC_PER_SEC) << MIN(rooms - 1, 7u);
		struct one o;

		begin(&o);
		o.s.target_bytes = 3 * GIB;
		o.g.demand.heard_resident_bytes = GIB;
		o.g.stale_rooms = rooms;
		o.g.stale_resident_bytes = 2 * GIB;
		o.g.stale_room_usec = NOW >= pause ? NOW - pause + 1 : 1;
		CHECK_U64(row_silent(&o, 3 * GIB)[LEVEL_GROW], 3 * GIB);
		if (NOW < pause)
			continue;
		o.g.stale_room_usec = NOW - pause;
		CHECK_U64(row_silent(&o, 3 * GIB)[LEVEL_GROW], 3 * GIB + 768 * MIB);
		CHECK_U64(row_silent(&o, 2 * GIB)[LEVEL_GROW], 3 * GIB); /* not filled since */
	}
}

TEST(what_a_silent_guest_took_since_its_last_word_it_uses)
{
	struct one o;

	begin(&o);
	o.g.demand.heard_resident_bytes = GIB + 256 * MIB;
	CHECK_U64(row_silent(&o, GIB + 256 * MIB)[LEVEL_USED], mib_up(GIB + GIB / 5));
	CHECK_U64(row_silent(&o, GIB + 512 * MIB)[LEVEL_USED], mib_up(GIB + GIB / 5 + 256 * MIB));
	CHECK_U64(row_silent(&o, 3 * GIB)[LEVEL_USED], 2 * GIB);
}

TEST(what_it_used_of_late_is_kept_and_not_grown_for)
{
	struct one o;

	begin(&o);
	o.g.demand.file_bytes = 0;
	o.g.demand.peak_bytes = 3 * GIB;
	CHECK_U64(row(&o)[LEVEL_RECENT], 2 * GIB);
	o.g.demand.peak_bytes = GIB + 512 * MIB;
	CHECK_U64(row(&o)[LEVEL_RECENT], mib_up(GIB + 512 * MIB + GIB / 5));
	CHECK_U64(o.div.level[LEVEL_SOFT], mib_up(GIB + GIB / 5));
}

TEST(what_a_pressed_guest_wants_comes_before_what_others_do)
{
	struct one o;

	begin(&o);
	uses(&o, 2 * GIB - 64 * MIB);
	o.g.demand.pressed = true;
	CHECK_U64(row(&o)[LEVEL_PRESSED], o.div.level[LEVEL_WANT]);
	CHECK(o.div.level[LEVEL_PRESSED] > 2 * GIB);
	o.g.demand.pressed = false;
	CHECK(row(&o)[LEVEL_PRESSED] < o.div.level[LEVEL_WANT]);
}

TEST_MAIN()
