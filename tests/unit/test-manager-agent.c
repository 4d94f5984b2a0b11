/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What agents are told: when to speak at once. */
#include "tests/test.h"
#include "tests/unit/fake-manager.h"

#define _cleanup_manager_ _cleanup_(manager_clear)

/* A channel that keeps what it was configured with, and how often. */
struct channel {
	struct agent_config config;
	int told;
};
static struct channel channels[2];

int channel_configure(struct channel *c, const struct agent_config *config)
{
	c->config = *config;
	c->told++;
	return 0;
}
int channel_new(struct hub *hub, const char *path, const struct channel_ops *ops, void *userdata,
	struct channel **ret)
{
	return -ENOMEM;
}
struct channel *channel_free(struct channel *c)
{
	return NULL;
}
int channel_set_path(struct channel *c, const char *path)
{
	return 0;
}
uint64_t channel_closed_until(const struct channel *c)
{
	return 77 * USEC_PER_SEC;
}

int channel_ping(struct channel *c)
{
	return 0;
}
void channel_refuse(struct channel *c, const char *why)
{
}
const char *channel_event_kind_to_string(enum channel_event_kind kind)
{
	return "";
}

static struct plan_guest rows[2];
static struct plan plan = {.guests = rows, .n_guests = 2};

static void start(struct manager *m)
{
	fake_clear();
	memset(channels, 0, sizeof(channels));
	*m = (struct manager){.hv = FAKE_HV,
		.hub = FAKE_HUB,
		.store = FAKE_STORE,
		.plan = &plan,
		.plan_fits = true,
		.conf = {.heartbeat_usec = 5 * USEC_PER_SEC,
			.stall_usec = 50 * USEC_PER_MSEC,
			.change_permyriad = 300}};
	fake_guest(m, "web", 1024, 512)->channel = &channels[0];
	fake_guest(m, "db", 1024, 512)->channel = &channels[1];
	rows[0].stall_on_permyriad = rows[1].stall_on_permyriad = 500;
}

static void manager_clear(struct manager *m)
{
	m->plan = NULL;
	fake_manager_clear(m);
}

TEST(a_policy_that_calls_less_pressure_is_told_to_its_guests_agent)
{
	static const struct {
		uint64_t stall_on_permyriad, trigger_usec;
	} rows_of[] = {
		{500, 50 * USEC_PER_MSEC}, /* MaxStall=10%: the default's */
		{100, 10 * USEC_PER_MSEC},
		{2500, 50 * USEC_PER_MSEC}, /* it may speak sooner than it has to */
		{1, USEC_PER_MSEC},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows_of); i++) {
		_cleanup_manager_ struct manager m;

		start(&m);
		rows[1].stall_on_permyriad = rows_of[i].stall_on_permyriad;
		agent_follow_policies(&m);
		CHECK_U64(channels[0].config.psi_stall_usec, 50 * USEC_PER_MSEC);
		CHECK_U64(channels[1].config.psi_stall_usec, rows_of[i].trigger_usec);
		CHECK_U64(channels[1].config.psi_window_usec, USEC_PER_SEC);
		CHECK_U64(channels[1].config.heartbeat_usec, 5 * USEC_PER_SEC);
	}
}

TEST(what_it_knows_is_not_told_again)
{
	_cleanup_manager_ struct manager m;

	start(&m);
	for (int i = 0; i < 3; i++)
		agent_follow_policies(&m);
	CHECK_INT(channels[0].told, 1);
	rows[0].stall_on_permyriad = 200;
	for (int i = 0; i < 3; i++)
		agent_follow_policies(&m);
	CHECK_INT(channels[0].told, 2);
	CHECK_INT(channels[1].told, 1);
	rows[0].stall_on_permyriad = 500; /* the policy's time is over */
	agent_follow_policies(&m);
	CHECK_INT(channels[0].told, 3);
	CHECK_U64(channels[0].config.psi_stall_usec, 50 * USEC_PER_MSEC);
}

TEST(a_reload_keeps_what_policies_want_while_no_plan_fits)
{
	_cleanup_manager_ struct manager m;

	start(&m);
	rows[0].stall_on_permyriad = 200;
	agent_follow_policies(&m);
	m.plan_fits = false; /* a guest came: places are others' */
	m.conf.stall_usec = 40 * USEC_PER_MSEC;
	agent_configure_all(&m);
	CHECK_U64(channels[0].config.psi_stall_usec, 20 * USEC_PER_MSEC);
	CHECK_U64(channels[1].config.psi_stall_usec, 40 * USEC_PER_MSEC);
}

TEST_MAIN()
