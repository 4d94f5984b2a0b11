/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/hostline.h"

#include "tests/test.h"

static struct orders orders;
static struct hostline h;

static void begin(void)
{
	orders = (struct orders){.config = CONFIG_DEFAULT};
	hostline_reset(&h);
}

static void take(const char *text)
{
	hostline_take(&h, text, strlen(text), &orders);
}

static int parse(const char *text)
{
	begin();
	return hostline_parse(text, strlen(text), &orders);
}

TEST(a_config_is_taken)
{
	CHECK_INT(parse("{\"type\":\"config\",\"heartbeat_ms\":7000,\"available_pct\":5,\"psi_"
	                "stall_us\":1,"
			"\"psi_window_us\":500000}"),
		0);
	CHECK(orders.has_config && !orders.has_ping);
	CHECK_U64(orders.config.heartbeat_usec, 7 * USEC_PER_SEC);
	CHECK_U64(orders.config.available_pct, 5);
	CHECK_U64(orders.config.psi_stall_usec, 1);
	CHECK_U64(orders.config.psi_window_usec, 500000);
}

TEST(what_a_config_leaves_out_stays)
{
	CHECK_INT(parse("{\"later\":{\"x\":[]},\"available_pct\":50,\"type\":\"config\"}"), 0);
	CHECK_U64(orders.config.available_pct, 50);
	CHECK_U64(orders.config.heartbeat_usec, 5 * USEC_PER_SEC);
}

TEST(a_ping_is_taken)
{
	CHECK_INT(parse("{\"type\":\"ping\",\"id\":9007199254740991}"), 0);
	CHECK(orders.has_ping && !orders.hello && !orders.has_config);
	CHECK_U64(orders.ping_id, (UINT64_C(1) << 53) - 1);
	CHECK_INT(parse("{\"type\":\"ping\",\"id\":1,\"hello\":true}"), 0);
	CHECK(orders.hello);
	CHECK_INT(parse("{\"type\":\"ping\",\"id\":1,\"hello\":false}"), 0);
	CHECK(!orders.hello);
}

TEST(what_is_wrong_changes_nothing)
{
	static const char *const texts[] = {"", "x", "{}", "{\"type\":1}", "{\"type\":\"ping\"}",
		"{\"type\":\"ping\",\"id\":-1}", "{\"type\":\"ping\",\"id\":\"1\"}",
		"{\"type\":\"ping\",\"id\":1,\"id\":2}", "{\"type\":\"ping\",\"id\":1,\"hello\":1}",
		"{\"type\":\"ping\",\"id\":1", "{\"type\":\"config\",\"heartbeat_ms\":999}",
		"{\"type\":\"config\",\"heartbeat_ms\":3600001}",
		"{\"type\":\"config\",\"available_pct\":0}",
		"{\"type\":\"config\",\"available_pct\":51}",
		"{\"type\":\"config\",\"available_pct\":3.0}",
		"{\"type\":\"config\",\"psi_stall_us\":0}",
		"{\"type\":\"config\",\"psi_stall_us\":1000001}",
		"{\"type\":\"config\",\"psi_window_us\":499999}",
		"{\"type\":\"config\",\"psi_window_us\":10000001}",
		"{\"type\":\"config\",\"available_pct\":5,\"psi_window_us\":1}",
		"{\"type\":\"ping\",\"id\":1,\"\xff\":1}"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const struct config defaults = CONFIG_DEFAULT;

		if (parse(texts[i]) != -EBADMSG)
			TEST_FAIL("accepted: %s", texts[i]);
		CHECK(!orders.has_ping && !orders.has_config && !orders.hello);
		CHECK(memcmp(&orders.config, &defaults, sizeof(defaults)) == 0);
	}
}

TEST(types_of_a_later_protocol_are_passed_over)
{
	CHECK_INT(parse("{\"type\":\"grow-fs\",\"mount\":\"/\"}"), -ENOMSG);
}

TEST(of_many_old_pings_the_last_is_answered)
{
	begin();
	take("{\"type\":\"ping\",\"id\":1,\"hello\":true}\n{\"type\":\"ping\",\"id\":2}\n{\"type\":"
	     "\"pi");
	CHECK_U64(orders.ping_id, 2);
	CHECK(orders.hello);
	take("ng\",\"id\":3}\n");
	CHECK_U64(orders.ping_id, 3);
}

TEST(a_0xff_and_a_line_that_is_too_long_are_survived)
{
	char text[3001];

	begin();
	take("{\"type\":\"ping\",\xff{\"type\":\"ping\",\"id\":4}\n");
	CHECK_U64(orders.ping_id, 4);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	take(text);
	take("{\"type\":\"ping\",\"id\":5}\n");
	CHECK_U64(orders.ping_id, 4);
	take("{\"type\":\"ping\",\"id\":6}\n");
	CHECK_U64(orders.ping_id, 6);
}

TEST_MAIN()
