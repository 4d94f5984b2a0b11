/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/decide-state.h"

#include "policy/decision.h"
#include "tests/small-host.h"

static struct uuid uuid(uint8_t n)
{
	return (struct uuid){.bytes = {[3] = n}};
}

/* A decision that sees these guests, in this order. */
static int see(struct decide_state *s, const char *guests)
{
	struct work *work;
	struct division_guest *divs;
	size_t n = strlen(guests);

	if (decide_state_begin(s, n, &work, &divs) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct uuid u = uuid((uint8_t)guests[i]);
		struct guest_state *g = decide_state_guest(s, &u, i);

		if (!g || !uuid_equal(&g->uuid, &u))
			return -EINVAL;
		g->seen = s->decisions;
	}
	decide_state_forget_unseen(s, n);
	return 0;
}

static bool knows(const struct decide_state *s, char guest)
{
	struct uuid u = uuid((uint8_t)guest);

	return decide_state_find(s, &u) != NULL;
}

TEST(a_guest_keeps_its_state_wherever_it_stands)
{
	_cleanup_(decide_state_freep) struct decide_state *s = decide_state_new();
	struct uuid b = uuid('b');
	struct guest_state *g;

	CHECK_INT(see(s, "abc"), 0);
	g = decide_state_find(s, &b);
	CHECK(g);
	CHECK_INT(see(s, "cba"), 0);
	CHECK_INT(see(s, "b"), 0);
	CHECK(decide_state_find(s, &b) == g);
}

TEST(who_is_not_seen_is_forgotten_and_nobody_takes_its_state)
{
	_cleanup_(decide_state_freep) struct decide_state *s = decide_state_new();

	CHECK_INT(see(s, "abcd"), 0);
	CHECK_INT(see(s, "acd"), 0);
	CHECK(!knows(s, 'b'));
	CHECK(knows(s, 'd'));
	CHECK_INT(see(s, "xcd"), 0);
	CHECK(!knows(s, 'a'));
	CHECK_INT(see(s, ""), 0);
	CHECK(!knows(s, 'c'));
	CHECK_INT(see(s, "abcdefghijklmnopqrstuvwxyz"), 0);
	CHECK(knows(s, 'z'));
}

TEST(the_room_to_work_in_is_clean_each_time)
{
	_cleanup_(decide_state_freep) struct decide_state *s = decide_state_new();
	struct division_guest *divs;
	struct work *work;

	for (size_t n = 1; n < 100; n = 2 * n + 1) {
		CHECK_INT(decide_state_begin(s, n, &work, &divs), 0);
		for (size_t i = 0; i < n; i++) {
			CHECK(!work[i].out && !work[i].growth_bytes && !divs[i].share_bytes);
			work[i].out = true;
			work[i].growth_bytes = divs[i].share_bytes = 1;
		}
	}
	CHECK_U64(s->decisions, 6);
}

TEST(a_copy_has_nothing_in_common_with_its_original)
{
	_cleanup_(decide_state_freep) struct decide_state *s = decide_state_new();
	_cleanup_(decide_state_freep) struct decide_state *copy = NULL;
	struct uuid a = uuid('a');

	CHECK_INT(see(s, "ab"), 0);
	copy = decide_state_clone(s);
	CHECK(copy);
	CHECK(decide_state_find(copy, &a) != decide_state_find(s, &a));
	CHECK_INT(see(s, "b"), 0);
	CHECK(knows(copy, 'a'));
	CHECK_INT(see(copy, "ba"), 0);
	CHECK(!knows(s, 'a'));
	CHECK_U64(copy->decisions, 2);
}

TEST(two_guests_with_one_uuid_are_refused_and_the_state_lives_on)
{
	_cleanup_small_host_ struct small_host h;
	struct plan *plan = NULL;

	small_begin(&h, 3, 16 * GIB, "");
	small_decide(&h);
	h.guests[2].id.uuid = h.guests[0].id.uuid;
	CHECK_INT(decide(&h.snap, h.set, h.state, &plan), -EINVAL);
	CHECK(!plan);
	h.guests[2].id.uuid.bytes[15] = 9;
	small_decide(&h);
	CHECK_INT(h.plan->n_guests, 3);
}

/* Overrides are found by place from one decision to the next. */
static struct override weight_of(const struct guest_sample *s, const char *value)
{
	return (struct override){.guest = s->id.uuid, .section = "Memory", .key = "Weight",
		.value = value, .by = "", .reason = "", .until_boot_usec = USEC_INFINITY,
		.until_real_usec = USEC_INFINITY};
}

static uint64_t weight_in_force(struct small_host *h, size_t i)
{
	return guest_policy_settings(decide_state_guest_policy(h->state, &h->guests[i].id.uuid))
		->mem_weight;
}

TEST(overrides_find_their_guest_and_the_later_one_wins)
{
	_cleanup_small_host_ struct small_host h;
	struct override o[4];

	small_begin(&h, 3, 16 * GIB, "");
	o[0] = weight_of(&h.guests[2], "30");
	o[1] = weight_of(&h.guests[0], "10");
	o[2] = weight_of(&h.guests[2], "31");
	o[3] = weight_of(&h.guests[0], "11");
	h.snap.overrides = o;
	h.snap.n_overrides = 4;
	for (int again = 0; again < 2; again++) {
		small_decide(&h);
		CHECK_U64(weight_in_force(&h, 0), 11);
		CHECK_U64(weight_in_force(&h, 1), 100);
		CHECK_U64(weight_in_force(&h, 2), 31);
		small_pass(&h, USEC_PER_SEC);
	}
	/* As many as before, of others, and in another order. */
	o[0] = weight_of(&h.guests[1], "21");
	o[3] = weight_of(&h.guests[1], "22");
	small_decide(&h);
	CHECK_U64(weight_in_force(&h, 0), 10);
	CHECK_U64(weight_in_force(&h, 1), 22);
	CHECK_U64(weight_in_force(&h, 2), 31);
	small_pass(&h, USEC_PER_SEC);
	h.snap.n_overrides = 0;
	small_decide(&h);
	for (size_t i = 0; i < 3; i++)
		CHECK_U64(weight_in_force(&h, i), 100);
}

TEST_MAIN()
