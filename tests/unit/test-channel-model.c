/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/channel-model.h"

#include "tests/test.h"

TEST(an_honest_agent_is_always_read)
{
	struct channel_model c;

	channel_model_init(&c, 0);
	for (uint64_t t = 0; t < 600000; t += 100)
		CHECK_INT(channel_model_take(&c, t, 430), CHANNEL_READ);
}

/* 200 lines of 430 bytes a second: the burst is gone within a second, five more of that and it is
 * shut. */
static uint64_t flood_until_shut(struct channel_model *c, uint64_t from, int *ret_read)
{
	*ret_read = 0;
	for (uint64_t t = from;; t += 5) {
		enum channel_verdict v = channel_model_take(c, t, 430);

		*ret_read += v == CHANNEL_READ;
		if (v == CHANNEL_SHUT)
			return t;
	}
}

TEST(a_flood_is_shut_out_for_twice_as_long_each_time)
{
	struct channel_model c;
	uint64_t t = 0, length = 60000;
	int read;

	channel_model_init(&c, 0);
	for (int i = 0; i < 8; i++) {
		uint64_t shut = flood_until_shut(&c, t, &read);

		CHECK(shut - t > 5000 && shut - t < 6500);
		CHECK(read > 150 && read < 180); /* the burst, then once a second */
		CHECK(channel_model_is_shut(&c, shut + length - 1));
		CHECK(!channel_model_is_shut(&c, shut + length));
		t = shut + length;
		length = MIN(2 * length, (uint64_t)3600000);
	}
}

TEST(an_hour_without_trouble_forgets)
{
	struct channel_model c;
	uint64_t shut;
	int read;

	channel_model_init(&c, 0);
	shut = flood_until_shut(&c, 0, &read);
	shut = flood_until_shut(&c, shut + 60000 + 3600000, &read);
	CHECK(channel_model_is_shut(&c, shut + 59999));
	CHECK(!channel_model_is_shut(&c, shut + 60000));
}

TEST(a_short_burst_is_forgiven)
{
	struct channel_model c;

	channel_model_init(&c, 0);
	for (uint64_t t = 0; t < 1000; t += 5)
		(void)channel_model_take(&c, t, 430);
	CHECK_INT(channel_model_take(&c, 3000, 430), CHANNEL_READ);
	CHECK_INT(channel_model_take(&c, 3100, 430), CHANNEL_READ);
	CHECK_INT(channel_model_take(&c, 9000, 430), CHANNEL_READ);
}

TEST_MAIN()
