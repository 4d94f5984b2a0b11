/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of an agent's words: with a channel that is the test itself. */
#include "tests/test.h"
#include "tests/unit/fake-manager.h"

static struct {
	const struct channel_ops *ops;
	void *userdata;
	char path[64];
	unsigned news, moves, frees, configures, pings, resets;
	struct agent_config config;
	int error;
	const char *refused;
	int boot_error; /* what line_check_boot() says */
} ch;

int channel_new(struct hub *hub, const char *path, const struct channel_ops *ops, void *userdata,
	struct channel **ret)
{
	if (ch.error < 0)
		return ch.error;
	ch.ops = ops;
	ch.userdata = userdata;
	ch.news++;
	snprintf(ch.path, sizeof(ch.path), "%s", path);
	*ret = (struct channel *)&ch;
	return 0;
}
struct channel *channel_free(struct channel *c)
{
	ch.frees += c != NULL;
	return NULL;
}
int channel_set_path(struct channel *c, const char *path)
{
	ch.moves++;
	return ch.error;
}
int channel_configure(struct channel *c, const struct agent_config *config)
{
	ch.configures++;
	ch.config = *config;
	return 0;
}
uint64_t channel_closed_until(const struct channel *c)
{
	return 77 * USEC_PER_SEC;
}

int channel_ping(struct channel *c)
{
	ch.pings++;
	return ch.error;
}
void channel_refuse(struct channel *c, const char *reason)
{
	ch.refused = reason;
}
const char *channel_event_kind_to_string(enum channel_event_kind kind)
{
	return "kind";
}
int line_check_boot(const struct guest_report *prev, const struct guest_report *next,
	uint64_t boot_usec, const char **ret_reason)
{
	if (ch.boot_error < 0)
		*ret_reason = "a boot that cannot be";
	return ch.boot_error;
}

#define _cleanup_manager_ _cleanup_(fake_manager_clear)
#define NOW (1000 * USEC_PER_SEC)

/* A guest of 1024 MiB at 512, its channel open and nothing heard. */
static struct guest *start(struct manager *m)
{
	struct guest *g;

	fake_clear();
	memset(&ch, 0, sizeof(ch));
	*m = (struct manager){.hv = FAKE_HV,
		.hub = FAKE_HUB,
		.store = FAKE_STORE,
		.mode = MODE_ENFORCE,
		.connected = true,
		.synced = true};
	m->conf.heartbeat_usec = 7 * USEC_PER_SEC;
	m->conf.stall_usec = 20 * USEC_PER_MSEC;
	m->conf.change_permyriad = 500;
	g = fake_guest(m, "web", 1024, 512);
	((struct hv_guest *)g->hv)->channel_path = (char *)"/run/web.sock";
	g->read_once = true;
	agent_attach(g);
	return g;
}

static void report(uint64_t boot_id, uint64_t total_mib, enum report_why why, uint64_t at_usec)
{
	const struct guest_report r = {
		.source = REPORT_AGENT,
		.why = why,
		.arrival_usec = at_usec,
		.boot_id = boot_id,
		.total_bytes = total_mib * MIB,
		.available_bytes = 100 * MIB,
	};

	ch.ops->on_report(ch.userdata, &r);
}

TEST(its_channel_is_made_configured_moved_and_dropped_as_libvirt_shows_it)
{
	_cleanup_manager_ struct manager m;
	struct guest *g = start(&m);

	CHECK_STR(ch.path, "/run/web.sock");
	CHECK_INT((int)ch.configures, 1);
	CHECK_U64(ch.config.heartbeat_usec, 7 * USEC_PER_SEC);
	CHECK_INT((int)ch.config.available_pct, 5);
	agent_attach(g);
	CHECK_INT((int)ch.news, 1);
	CHECK_INT((int)ch.moves, 1);
	agent_configure_all(&m);
	CHECK_INT((int)ch.configures, 2);
	((struct hv_guest *)g->hv)->channel_path = NULL;
	guest_sample(g)->channel_open = true;
	agent_attach(g);
	CHECK_INT((int)ch.frees, 1);
	CHECK(!g->channel && !guest_sample(g)->channel_open);
}

TEST(the_first_report_and_an_urgent_one_ask_for_a_decision_a_heartbeat_does_not)
{
	_cleanup_manager_ struct manager m;
	struct guest *g = start(&m);

	report(7, 480, REPORT_WHY_HEARTBEAT, NOW);
	CHECK_INT((int)fake.decides_asked, 1);
	CHECK(guest_sample(g)->channel_open);
	report(7, 480, REPORT_WHY_HEARTBEAT, NOW + USEC_PER_SEC);
	CHECK_INT((int)fake.decides_asked, 1);
	CHECK_U64(guest_sample(g)->report.arrival_usec, NOW + USEC_PER_SEC);
	report(7, 480, REPORT_WHY_PRESSURE, NOW + 2 * USEC_PER_SEC);
	CHECK_INT((int)fake.decides_asked, 2);
}

TEST(a_report_that_comes_before_the_balloon_was_read_is_not_judged)
{
	_cleanup_manager_ struct manager m;
	struct guest *g = start(&m);

	g->read_once = false;
	g->reading = true;
	guest_sample(g)->balloon_answered = false;
	report(7, 480, REPORT_WHY_HEARTBEAT, NOW);
	CHECK(g->spoke_early);
	CHECK_INT(guest_sample(g)->report.source, REPORT_NONE);
	CHECK(!guest_sample(g)->balloon_answered);
	CHECK_INT((int)fake.decides_asked, 0);
	g->read_once = true;
	g->reading = false;
	report(7, 480, REPORT_WHY_REQUEST, NOW + 1);
	CHECK(guest_sample(g)->balloon_answered);
	CHECK(!g->spoke_early);
	CHECK_INT((int)fake.decides_asked, 1);
}

TEST(a_kernel_that_sees_more_than_its_balloon_leaves_has_not_answered)
{
	_cleanup_manager_ struct manager m;
	struct guest *g = start(&m);
	struct guest_sample *s = guest_sample(g);

	s->balloon_answered = false;
	g->boot_usec = NOW;
	report(7, 1000, REPORT_WHY_HEARTBEAT, NOW + USEC_PER_SEC);
	CHECK(!s->balloon_answered);
	report(7, 1000, REPORT_WHY_HEARTBEAT, NOW + DRIVER_USEC - 1);
	CHECK(!s->balloon_answered);
	report(7, 1000, REPORT_WHY_HEARTBEAT, NOW + DRIVER_USEC);
	CHECK(s->balloon_answered); /* by now any driver would have */
	s->balloon_answered = false;
	g->boot_usec = NOW + DRIVER_USEC;
	s->autodeflate = true; /* its total is the maximum whatever the balloon holds */
	report(7, 480, REPORT_WHY_HEARTBEAT, NOW + DRIVER_USEC + 1);
	CHECK(!s->balloon_answered);
}

TEST(a_boot_that_nobody_announced_counts_and_one_that_cannot_be_is_refused)
{
	_cleanup_manager_ struct manager m;
	struct guest *g = start(&m);
	struct guest_sample *s = guest_sample(g);
	uint64_t incarnation = s->incarnation;

	report(7, 480, REPORT_WHY_HEARTBEAT, NOW);
	report(8, 1000, REPORT_WHY_REQUEST, NOW + USEC_PER_SEC);
	CHECK(s->incarnation != incarnation);
	CHECK(g->was_reset && !s->balloon_answered);
	CHECK(!ch.refused);
	incarnation = s->incarnation;
	ch.boot_error = -ERANGE;
	report(9, 1000, REPORT_WHY_REQUEST, NOW + 2 * USEC_PER_SEC);
	CHECK_U64(s->incarnation, incarnation);
	CHECK_STR(ch.refused, "a boot that cannot be");
	ch.refused = NULL;
	g->boot_expected = true; /* libvirt told of it */
	report(10, 1000, REPORT_WHY_REQUEST, NOW + 3 * USEC_PER_SEC);
	CHECK(!ch.refused && !g->boot_expected);
	/* What was sent before a reset and comes after it is not the new kernel's. */
	g->boot_expected = true;
	g->boot_gone = 10;
	report(10, 480, REPORT_WHY_HEARTBEAT, NOW + 4 * USEC_PER_SEC);
	CHECK(g->boot_expected);
	CHECK_U64(s->report.total_bytes, 1000 * MIB);
	report(11, 480, REPORT_WHY_REQUEST, NOW + 5 * USEC_PER_SEC);
	CHECK(!g->boot_expected);
}

TEST(it_is_asked_once_a_second_at_most)
{
	_cleanup_manager_ struct manager m;
	struct guest *g = start(&m);

	agent_ask(g);
	agent_ask(g);
	CHECK_INT((int)ch.pings, 1);
	g->asked_usec = 0;
	ch.error = -ENOTCONN;
	agent_ask(g);
	CHECK_INT((int)ch.pings, 2);
	CHECK_U64(g->asked_usec, 0); /* nobody was there: the next may ask at once */
}

TEST(what_its_channel_does_is_told_in_words)
{
	static const struct {
		enum channel_event_kind kind;
		const char *text;
		bool open;
	} all[] = {
		{CHANNEL_EVENT_UP, "its agent is connected", true},
		{CHANNEL_EVENT_DOWN, "its agent's channel is closed: detail", false},
		{CHANNEL_EVENT_UNREACHABLE, "its agent's channel cannot be used: detail", false},
		{CHANNEL_EVENT_UNANSWERED, "no agent answers: detail", false},
		{CHANNEL_EVENT_CLOSED, "its agent is not listened to: detail", false},
		{CHANNEL_EVENT_REOPENED, "its agent is listened to again", false},
	};
	_cleanup_manager_ struct manager m;
	struct guest *g = start(&m);

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		ch.ops->on_event(ch.userdata, all[i].kind, "detail");
		CHECK_STR(fake.told[i], all[i].text);
		CHECK_INT(guest_sample(g)->channel_open, all[i].open);
		CHECK_U64(guest_sample(g)->shut_out_usec,
			all[i].kind == CHANNEL_EVENT_CLOSED ? 77 * USEC_PER_SEC : 0);
	}
	/* for who looks closely only */
	ch.ops->on_event(ch.userdata, CHANNEL_EVENT_BAD_LINE, "detail");
	CHECK_INT((int)fake.n_told, (int)ARRAY_SIZE(all));
}

TEST_MAIN()
