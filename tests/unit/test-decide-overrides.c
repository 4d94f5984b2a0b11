/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/units.h"
#include "policy/decision.h"
#include "tests/test.h"

#define OVERRIDES_MAX 16

static struct uuid uuid_of(char name)
{
	return (struct uuid){.bytes = {[7] = (uint8_t)name}};
}

/* Whose overrides are given, one letter each in the order given, and where those of each guest are
 * then. */
struct desk {
	struct decide_state *state;
	struct override list[OVERRIDES_MAX];
	struct snapshot snap;
	struct decision d;
	struct guest_state guests[26];
};

static void begin(struct desk *k)
{
	memset(k, 0, sizeof(*k));
	k->state = decide_state_new();
	if (!k->state)
		abort();
	k->snap.overrides = k->list;
	k->d = (struct decision){.snap = &k->snap, .state = k->state};
	for (int i = 0; i < 26; i++)
		k->guests[i].uuid = uuid_of((char)('a' + i));
}

static void end(struct desk *k)
{
	free(k->d.overrides);
	decide_state_free(k->state);
}
#define _cleanup_desk_ _cleanup_(end)

/* Each one's value is its place in the list as it was given. */
static int give(struct desk *k, const char *guests)
{
	static const char *const places[OVERRIDES_MAX] = {"0", "1", "2", "3", "4", "5", "6", "7",
		"8", "9", "10", "11", "12", "13", "14", "15"};

	k->snap.n_overrides = strlen(guests);
	for (size_t i = 0; guests[i]; i++)
		k->list[i] = (struct override){.guest = uuid_of(guests[i]), .section = "Memory",
			.key = "Weight", .value = places[i]};
	free(k->d.overrides);
	k->d.overrides = NULL;
	return overrides_sort(&k->d);
}

/* The places of one guest's, joined. */
static const char *found(struct desk *k, char guest, char buf[static 64])
{
	size_t n = overrides_of(&k->d, &k->guests[guest - 'a']), len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < n; i++)
		len += (size_t)sprintf(buf + len, "%s%s", i ? " " : "", k->d.overrides[i].value);
	return buf;
}

static const struct {
	const char *given;
	char guest;
	const char *found;
} cases[] = {
	{"", 'a', ""},
	{"a", 'a', "0"},
	{"a", 'b', ""},
	{"b", 'a', ""},
	{"cab", 'a', "1"},
	{"cab", 'b', "2"},
	{"cab", 'c', "0"},
	{"cab", 'd', ""},
	/* In the order given, whatever stands between. */
	{"bababa", 'a', "1 3 5"},
	{"bababa", 'b', "0 2 4"},
	{"zzzazzz", 'a', "3"},
	{"zzzazzz", 'z', "0 1 2 4 5 6"},
	{"aaaaaaaaaaaaaaaa", 'a', "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"},
};

TEST(each_guest_finds_its_own_in_the_order_given)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_desk_ struct desk k;
		char buf[64];

		begin(&k);
		CHECK_INT(give(&k, cases[i].given), 0);
		CHECK_STR(found(&k, cases[i].guest, buf), cases[i].found);
		CHECK_STR(found(&k, cases[i].guest, buf), cases[i].found);
	}
}

/* One state over all of the lists: where they began last time is no more than a hint. */
TEST(and_finds_them_again_wherever_they_stand_next_time)
{
	_cleanup_desk_ struct desk k;
	char buf[64];

	begin(&k);
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			CHECK_INT(give(&k, cases[i].given), 0);
			CHECK_STR(found(&k, cases[i].guest, buf), cases[i].found);
		}
}

TEST(an_order_that_still_holds_is_kept)
{
	_cleanup_desk_ struct desk k;
	const size_t *order;

	begin(&k);
	CHECK_INT(give(&k, "bca"), 0);
	order = k.state->override_order;
	CHECK_INT(order[0], 2);
	CHECK_INT(order[1], 0);
	CHECK_INT(order[2], 1);
	CHECK_INT(give(&k, "yzx"), 0); /* others, in the same order */
	CHECK(k.state->override_order == order);
	CHECK_INT(give(&k, "abc"), 0);
	CHECK_INT(k.state->override_order[0], 0);
	CHECK_INT(k.state->override_order[2], 2);
}

TEST_MAIN()
