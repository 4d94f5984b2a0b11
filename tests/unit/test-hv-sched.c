/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-sched.h"

#include "tests/test.h"

/* The scheduler alone: time is a number here, calls "hang" by not being returned. */

#define MSEC USEC_PER_MSEC
#define DEADLINE (2500 * MSEC)

static struct {
	unsigned done, quarantined, recovered;
	uint64_t id; /* of the last end */
	int error;
	enum hv_call call;
	uint64_t started_usec;
	struct hv_overdue overdue;
	struct uuid who;
	uint64_t actual_bytes;
} seen;

static void on_done(void *data, const struct sched_task *t, int error, const char *text,
	struct sched_answer *answer)
{
	(void)data;
	(void)text;
	(void)answer;
	if (t->id == 0)
		return; /* hv's own */
	seen.done++;
	seen.id = t->id;
	seen.error = error;
	seen.call = t->req.call;
	seen.started_usec = t->started_usec;
}
static void on_quarantined(void *data, const struct hv_overdue *o)
{
	(void)data;
	seen.quarantined++;
	seen.overdue = *o;
}
static void on_recovered(void *data, const struct sched_guest *g, const struct hv_balloon *b)
{
	(void)data;
	seen.recovered++;
	seen.who = g->uuid;
	seen.actual_bytes = b->actual_bytes;
}
static const struct sched_out out = {on_done, on_quarantined, on_recovered};

static void setup(struct sched *s, unsigned guests)
{
	memset(&seen, 0, sizeof(seen));
	sched_init(s, &out, NULL, 3, DEADLINE);
	for (unsigned i = 1; i <= guests; i++)
		if (!sched_guest_add(s, &(struct uuid){{(uint8_t)i}}, NULL))
			abort();
	sched_connect(s);
}
#define _cleanup_sched_ _cleanup_(sched_clear)

static struct hv_request request(enum hv_call call, unsigned guest, uint64_t bytes)
{
	return (struct hv_request){.call = call, .guest = {{(uint8_t)guest}}, .bytes = bytes};
}

static int submit(struct sched *s, enum hv_call call, unsigned guest, uint64_t bytes)
{
	struct hv_request r = request(call, guest, bytes);

	return sched_submit(s, &r, NULL);
}

static void answer(struct sched *s, struct sched_task *t, uint64_t now, int error)
{
	t->answer.error = error;
	if (error == 0 && t->req.call == HV_CALL_READ_BALLOON) {
		t->answer.balloons = calloc(1, sizeof(struct hv_balloon));
		t->answer.balloons[0].actual_bytes = 77 * MIB;
		t->answer.n_balloons = 1;
	}
	sched_return(s, t, now);
}

static unsigned guest_of(const struct sched_task *t)
{
	return t->req.guest.bytes[0];
}

TEST(one_call_at_a_time_a_guest_many_guests_at_once)
{
	_cleanup_sched_ struct sched s;
	struct sched_task *a, *b, *c;

	setup(&s, 2);
	CHECK_INT(submit(&s, HV_CALL_READ_BALLOON, 1, 0), 0);
	CHECK_INT(submit(&s, HV_CALL_GET_CPU, 1, 0), 0);
	CHECK_INT(submit(&s, HV_CALL_GET_CPU, 2, 0), 0);
	CHECK(sched_has_work(&s));
	a = sched_take(&s, 1);
	b = sched_take(&s, 1);
	CHECK(a && b);
	CHECK_INT(guest_of(a), 1);
	CHECK_INT(guest_of(b), 2);
	CHECK(!sched_take(&s, 1));
	CHECK(!sched_has_work(&s));
	answer(&s, a, 2, 0);
	CHECK_INT(seen.call, HV_CALL_READ_BALLOON);
	c = sched_take(&s, 2);
	CHECK(c && c->req.call == HV_CALL_GET_CPU);
	answer(&s, b, 3, 0);
	answer(&s, c, 3, -EIO);
	CHECK_INT(seen.error, -EIO);
	CHECK_INT(seen.done, 3);
	CHECK_INT(seen.quarantined, 0);
}

TEST(newer_set_memory_supersedes_the_one_that_waits_not_the_one_that_runs)
{
	_cleanup_sched_ struct sched s;
	struct sched_task *t;

	setup(&s, 1);
	CHECK_INT(submit(&s, HV_CALL_SET_MEMORY, 1, 100 * MIB), 0);
	t = sched_take(&s, 1);
	CHECK(t);
	CHECK_INT(submit(&s, HV_CALL_SET_MEMORY, 1, 200 * MIB), 0);
	CHECK_INT(seen.done, 0);
	CHECK_INT(submit(&s, HV_CALL_SET_MEMORY, 1, 300 * MIB), 0);
	CHECK_INT(seen.done, 1);
	CHECK_INT(seen.error, -ECANCELED);
	CHECK_U64(seen.id, 2);
	answer(&s, t, 2, 0);
	t = sched_take(&s, 2);
	CHECK(t);
	CHECK_U64(t->req.bytes, 300 * MIB);
	answer(&s, t, 3, 0);
	CHECK(!sched_take(&s, 3));
}

TEST(set_cpu_is_superseded_only_by_one_that_sets_as_much)
{
	_cleanup_sched_ struct sched s;
	struct hv_request weight = request(HV_CALL_SET_CPU, 1, 0), quota = weight, both = weight;

	setup(&s, 1);
	weight.set_weight = both.set_weight = true;
	quota.set_quota = both.set_quota = true;
	CHECK_INT(sched_submit(&s, &weight, NULL), 0);
	CHECK_INT(sched_submit(&s, &quota, NULL), 0);
	CHECK_INT(seen.done, 0);
	CHECK_INT(sched_submit(&s, &weight, NULL), 0);
	CHECK_INT(seen.done, 1);
	CHECK_U64(seen.id, 1);
	CHECK_INT(sched_submit(&s, &both, NULL), 0);
	CHECK(seen.done >= 2);
}

TEST(guest_that_misses_the_deadline_is_quarantined_and_believed_after_a_re_read)
{
	_cleanup_sched_ struct sched s;
	struct sched_task *hung, *probe;

	setup(&s, 2);
	CHECK_INT(submit(&s, HV_CALL_SET_MEMORY, 1, 256 * MIB), 0);
	hung = sched_take(&s, 0);
	CHECK_INT(submit(&s, HV_CALL_GET_CPU, 1, 0), 0);
	CHECK_U64(sched_tick(&s, 0), SCHED_SLOW_USEC);
	CHECK_U64(sched_tick(&s, SCHED_SLOW_USEC), DEADLINE);
	CHECK_INT(seen.done, 0);
	sched_tick(&s, DEADLINE);
	/* The call ends, so does the one that waited; the guest is named with what may yet happen
	 * to it. */
	CHECK_INT(seen.done, 2);
	CHECK_INT(seen.error, -ETIMEDOUT);
	CHECK_INT(seen.quarantined, 1);
	CHECK_U64(seen.overdue.bytes, 256 * MIB);
	CHECK_INT(seen.overdue.call, HV_CALL_SET_MEMORY);
	CHECK_INT(s.n_overdue, 1);
	CHECK_INT(submit(&s, HV_CALL_READ_BALLOON, 1, 0), -EBUSY);
	/* Nothing is asked while the late one stands. */
	CHECK_U64(sched_tick(&s, 20 * DEADLINE), USEC_INFINITY);
	CHECK(!sched_take(&s, 20 * DEADLINE));
	/* It comes back: no second end, but a re-read. */
	answer(&s, hung, 30 * DEADLINE, 0);
	CHECK_INT(seen.done, 2);
	CHECK_INT(s.n_overdue, 0);
	sched_tick(&s, 30 * DEADLINE);
	probe = sched_take(&s, 30 * DEADLINE);
	CHECK(probe);
	CHECK_INT(probe->req.call, HV_CALL_READ_BALLOON);
	CHECK_U64(probe->id, 0);
	CHECK_INT(submit(&s, HV_CALL_READ_BALLOON, 1, 0), -EBUSY);
	answer(&s, probe, 30 * DEADLINE + MSEC, 0);
	CHECK_INT(seen.recovered, 1);
	CHECK_INT(seen.who.bytes[0], 1);
	CHECK_U64(seen.actual_bytes, 77 * MIB);
	CHECK_INT(submit(&s, HV_CALL_READ_BALLOON, 1, 0), 0);
	CHECK_INT(s.n_suspects, 0);
	CHECK_INT(s.n_quarantined, 0);
}

TEST(re_read_that_fails_is_tried_again_with_growing_pauses)
{
	_cleanup_sched_ struct sched s;
	struct sched_task *t;
	uint64_t now = DEADLINE, next, pause = SCHED_RETRY_MIN_USEC;

	setup(&s, 1);
	CHECK_INT(submit(&s, HV_CALL_READ_BALLOON, 1, 0), 0);
	t = sched_take(&s, 0);
	sched_tick(&s, now);
	answer(&s, t, now, 0);
	for (int i = 0; i < 7; i++) {
		sched_tick(&s, now);
		t = sched_take(&s, now);
		CHECK(t);
		answer(&s, t, now, -EIO);
		next = sched_tick(&s, now);
		CHECK_U64(next - now, pause);
		CHECK(!sched_take(&s, now));
		now = next;
		pause = MIN(2 * pause, SCHED_RETRY_MAX_USEC);
	}
	CHECK_INT(seen.quarantined, 1);
	CHECK_INT(seen.recovered, 0);
}

TEST(slow_call_gets_a_substitute_so_that_others_do_not_wait_for_its_deadline)
{
	_cleanup_sched_ struct sched s;
	struct sched_task *t[3];

	setup(&s, 5);
	for (unsigned i = 1; i <= 5; i++)
		CHECK_INT(submit(&s, HV_CALL_READ_BALLOON, i, 0), 0);
	for (int i = 0; i < 3; i++)
		t[i] = sched_take(&s, 0);
	CHECK_INT(sched_concurrency(&s), 3);
	sched_tick(&s, SCHED_SLOW_USEC);
	CHECK_INT(sched_concurrency(&s), 6);
	CHECK_INT(seen.quarantined, 0);
	/* It was only slow: it comes back in time and nothing is held against it. */
	for (int i = 0; i < 3; i++)
		answer(&s, t[i], SCHED_SLOW_USEC + MSEC, 0);
	CHECK_INT(sched_concurrency(&s), 3);
	CHECK_INT(seen.done, 3);
	CHECK_INT(seen.quarantined, 0);
}

TEST(ten_that_hang_leave_a_worker_for_the_others_and_no_more_than_eight_substitutes)
{
	_cleanup_sched_ struct sched s;
	struct sched_task *t[16];
	unsigned n = 0;
	uint64_t now = 0;

	setup(&s, 12);
	for (unsigned i = 1; i <= 10; i++)
		CHECK_INT(submit(&s, HV_CALL_SET_MEMORY, i, GIB), 0);
	/* As a pool of workers would: take while allowed, let time pass. */
	for (; now < 10 * DEADLINE; now += 50 * MSEC) {
		while (s.n_under_way < sched_concurrency(&s) && n < ARRAY_SIZE(t) &&
			(t[n] = sched_take(&s, now)))
			n++;
		sched_tick(&s, now);
	}
	CHECK_INT(n, 10);
	CHECK_INT(seen.quarantined, 10);
	CHECK_INT(s.n_substituted, SCHED_OVERDUE_MAX);
	CHECK_INT(submit(&s, HV_CALL_SET_MEMORY, 11, GIB), 0);
	CHECK(s.n_under_way < sched_concurrency(&s));
	t[10] = sched_take(&s, now);
	CHECK(t[10] && guest_of(t[10]) == 11);
	answer(&s, t[10], now, 0);
	/* They wake one after the other: no more are re-read at once than may hang. */
	for (unsigned i = 0; i < 10; i++)
		answer(&s, t[i], now, 0);
	sched_tick(&s, now);
	CHECK_INT(s.n_probing, SCHED_OVERDUE_MAX);
	for (n = 0; n < 10; n++) {
		t[0] = sched_take(&s, now);
		CHECK(t[0]);
		answer(&s, t[0], now, 0);
		sched_tick(&s, now);
	}
	CHECK_INT(seen.recovered, 10);
	CHECK_INT(s.n_suspects, 0);
}

TEST(bulk_that_hangs_is_traced_to_the_one_that_hangs)
{
	_cleanup_sched_ struct sched s;
	struct uuid three[3] = {{{1}}, {{2}}, {{3}}};
	struct hv_request req = {.call = HV_CALL_READ_BALLOONS, .guests = three, .n_guests = 3};
	struct sched_task *bulk, *t, *guilty = NULL;

	setup(&s, 3);
	CHECK_INT(sched_submit(&s, &req, NULL), 0);
	CHECK_INT(sched_submit(&s, &req, NULL), 0);
	bulk = sched_take(&s, 0);
	CHECK(bulk);
	CHECK_INT(bulk->req.n_guests, 3);
	CHECK(!sched_take(&s, 0)); /* one bulk at a time */
	CHECK_INT(submit(&s, HV_CALL_GET_CPU, 1, 0), 0);
	CHECK(!sched_take(&s, 0)); /* and one call a guest */
	sched_tick(&s, DEADLINE);
	CHECK_INT(seen.error, -ETIMEDOUT);
	CHECK_INT(seen.quarantined, 0);
	/* Each is read by itself; the second bulk finds nobody that may be asked. */
	for (int i = 0; i < 3; i++) {
		t = sched_take(&s, DEADLINE);
		CHECK(t);
		CHECK_INT(t->req.call, HV_CALL_READ_BALLOON);
		if (guest_of(t) == 2)
			guilty = t;
		else
			answer(&s, t, DEADLINE + MSEC, 0);
	}
	CHECK(guilty);
	sched_tick(&s, 2 * DEADLINE);
	CHECK_INT(seen.quarantined, 1);
	CHECK_INT(seen.overdue.guest.bytes[0], 2);
	CHECK_INT(seen.recovered, 0); /* nobody was told that the others were doubted */
	t = sched_take(&s, 2 * DEADLINE);
	CHECK(t && t->req.call == HV_CALL_GET_CPU);
	answer(&s, t, 2 * DEADLINE, 0);
	answer(&s, guilty, 3 * DEADLINE, 0);
	answer(&s, bulk, 3 * DEADLINE, 0);
	sched_tick(&s, 3 * DEADLINE);
	t = sched_take(&s, 3 * DEADLINE);
	CHECK(t && guest_of(t) == 2);
	answer(&s, t, 3 * DEADLINE, 0);
	CHECK_INT(seen.recovered, 1);
}

TEST(bulk_leaves_out_the_quarantined_the_busy_and_the_unknown)
{
	_cleanup_sched_ struct sched s;
	struct uuid four[4] = {{{1}}, {{2}}, {{3}}, {{99}}};
	struct hv_request req = {.call = HV_CALL_READ_BALLOONS, .guests = four, .n_guests = 4};
	struct sched_task *hung, *busy, *bulk;

	setup(&s, 3);
	CHECK_INT(submit(&s, HV_CALL_READ_BALLOON, 1, 0), 0);
	hung = sched_take(&s, 0);
	sched_tick(&s, DEADLINE);
	CHECK_INT(submit(&s, HV_CALL_READ_BALLOON, 2, 0), 0);
	busy = sched_take(&s, DEADLINE);
	CHECK_INT(sched_submit(&s, &req, NULL), 0);
	bulk = sched_take(&s, DEADLINE);
	CHECK(bulk);
	CHECK_INT(bulk->req.n_guests, 1);
	CHECK_INT(bulk->req.guests[0].bytes[0], 3);
	answer(&s, bulk, DEADLINE, 0);
	answer(&s, busy, DEADLINE, 0);
	answer(&s, hung, DEADLINE, 0);
}

TEST(stopped_process_is_quarantined_with_nothing_left_hanging)
{
	_cleanup_sched_ struct sched s;
	struct sched_task *t;

	setup(&s, 1);
	CHECK_INT(submit(&s, HV_CALL_SET_MEMORY, 1, GIB), 0);
	t = sched_take(&s, 1);
	t->answer.stopped = true;
	answer(&s, t, MSEC, -ETIMEDOUT);
	CHECK_INT(seen.done, 1);
	CHECK_INT(seen.error, -ETIMEDOUT);
	CHECK_INT(seen.quarantined, 1);
	CHECK_U64(seen.overdue.bytes, 0); /* it was never asked: nothing comes late */
	CHECK_U64(seen.started_usec, 0);
	CHECK_INT(s.n_overdue, 0);
	CHECK_U64(sched_tick(&s, MSEC), MSEC + SCHED_RETRY_MIN_USEC);
	sched_tick(&s, 2 * USEC_PER_SEC);
	t = sched_take(&s, 2 * USEC_PER_SEC);
	CHECK(t);
	answer(&s, t, 2 * USEC_PER_SEC, 0);
	CHECK_INT(seen.recovered, 1);
}

TEST(lost_connection_ends_everything_and_doubts_whom_it_was_changing)
{
	_cleanup_sched_ struct sched s;
	struct sched_task *change, *look, *t;

	setup(&s, 3);
	CHECK_INT(submit(&s, HV_CALL_SET_MEMORY, 1, GIB), 0);
	CHECK_INT(submit(&s, HV_CALL_READ_BALLOON, 2, 0), 0);
	CHECK_INT(submit(&s, HV_CALL_READ_BALLOON, 3, 0), 0);
	change = sched_take(&s, 0);
	look = sched_take(&s, 0);
	sched_disconnect(&s, MSEC, -ENOTCONN);
	CHECK_INT(seen.done, 3);
	CHECK_INT(seen.error, -ENOTCONN);
	CHECK_INT(submit(&s, HV_CALL_READ_BALLOON, 2, 0), -ENOTCONN);
	CHECK(!sched_take(&s, MSEC));
	/* Longer than the deadline: libvirt is away, no guest is to blame. */
	sched_tick(&s, 2 * DEADLINE);
	CHECK_INT(seen.quarantined, 0);
	answer(&s, change, 2 * DEADLINE, -ENOTCONN);
	answer(&s, look, 2 * DEADLINE, -ENOTCONN);
	CHECK_INT(seen.done, 3);
	sched_connect(&s);
	sched_tick(&s, 3 * DEADLINE);
	t = sched_take(&s, 3 * DEADLINE);
	CHECK(t);
	CHECK_INT(guest_of(t), 1);
	CHECK_INT(t->req.call, HV_CALL_READ_BALLOON);
	answer(&s, t, 3 * DEADLINE, 0);
	CHECK(!sched_take(&s, 3 * DEADLINE));
	CHECK_INT(s.n_suspects, 0);
}

TEST(guest_that_goes_takes_its_calls_along)
{
	_cleanup_sched_ struct sched s;
	struct sched_task *t;

	setup(&s, 2);
	CHECK_INT(submit(&s, HV_CALL_SET_MEMORY, 1, GIB), 0);
	CHECK_INT(submit(&s, HV_CALL_READ_BALLOON, 1, 0), 0);
	t = sched_take(&s, 0);
	sched_guest_remove(&s, sched_find(&s, &t->req.guest));
	CHECK_INT(seen.done, 1);
	CHECK_INT(seen.error, -ENOENT);
	/* The same UUID starts again: the old call has nothing to say about it. */
	CHECK(sched_guest_add(&s, &(struct uuid){{1}}, NULL));
	sched_tick(&s, DEADLINE);
	CHECK_INT(seen.done, 2);
	CHECK_INT(seen.quarantined, 0);
	answer(&s, t, 2 * DEADLINE, 0);
	CHECK_INT(s.n_suspects, 0);
	CHECK_INT(submit(&s, HV_CALL_READ_BALLOON, 1, 0), 0);
	sched_guest_remove(&s, sched_find(&s, &(struct uuid){{1}}));
	CHECK_INT(seen.done, 3);
	CHECK(!sched_take(&s, 2 * DEADLINE));
}

TEST(queues_are_bounded)
{
	_cleanup_sched_ struct sched s;
	int r = 0;

	setup(&s, 200);
	for (unsigned i = 0; i < SCHED_GUEST_QUEUE_MAX; i++)
		CHECK_INT(submit(&s, HV_CALL_READ_BALLOON, 1, 0), 0);
	CHECK_INT(submit(&s, HV_CALL_READ_BALLOON, 1, 0), -ENOBUFS);
	for (unsigned g = 2; g <= 200 && r == 0; g++)
		for (unsigned i = 0; i < SCHED_GUEST_QUEUE_MAX && r == 0; i++)
			r = submit(&s, HV_CALL_READ_BALLOON, g, 0);
	CHECK_INT(r, -ENOBUFS);
	CHECK_INT(s.n_queued, HV_QUEUE_MAX);
}

TEST(own_calls_come_first_and_once)
{
	_cleanup_sched_ struct sched s;
	struct sched_guest *g;
	struct sched_task *t;

	setup(&s, 1);
	g = sched_find(&s, &(struct uuid){{1}});
	CHECK_INT(submit(&s, HV_CALL_GET_CPU, 1, 0), 0);
	CHECK_INT(sched_submit_own(&s, g, HV_CALL_GET_XML), 0);
	CHECK_INT(sched_submit_own(&s, g, HV_CALL_GET_XML), 0);
	t = sched_take(&s, 0);
	CHECK(t && t->req.call == HV_CALL_GET_XML);
	/* One that is asked for while it runs is made once more: it may have changed since. */
	CHECK_INT(sched_submit_own(&s, g, HV_CALL_GET_XML), 0);
	answer(&s, t, 1, 0);
	t = sched_take(&s, 1);
	CHECK(t && t->req.call == HV_CALL_GET_XML);
	answer(&s, t, 1, 0);
	t = sched_take(&s, 1);
	CHECK(t && t->req.call == HV_CALL_GET_CPU);
	answer(&s, t, 1, 0);
	CHECK(!sched_take(&s, 1));
}

TEST(what_is_withdrawn_never_goes_out_and_what_libvirt_has_is_waited_for)
{
	_cleanup_sched_ struct sched s;
	struct sched_task *has, *taken, *look, *t;
	uint64_t until = 0;

	setup(&s, 4);
	CHECK_INT(submit(&s, HV_CALL_SET_MEMORY, 1, GIB), 0);
	CHECK_INT(submit(&s, HV_CALL_SET_MEMORY, 2, GIB), 0);
	CHECK_INT(submit(&s, HV_CALL_READ_BALLOON, 3, 0), 0);
	has = sched_take(&s, 1);
	taken = sched_take(&s, 1);
	look = sched_take(&s, 1);
	CHECK(sched_may_change(has)); /* right before it calls */
	CHECK_INT(submit(&s, HV_CALL_SET_CPU, 1, 0), 0);
	CHECK_INT(submit(&s, HV_CALL_READ_BALLOON, 1, 0), 0);
	CHECK_INT(submit(&s, HV_CALL_SET_SOFT_LIMIT, 3, GIB), 0);
	CHECK_INT(submit(&s, HV_CALL_SET_MEMORY, 4, GIB), 0);
	CHECK_INT(sched_withdraw(&s, &until), 1);
	/* the three that waited, and the one that a worker was about to make */
	CHECK_INT(seen.done, 4);
	CHECK_INT(seen.error, -ECANCELED);
	CHECK(!sched_may_change(taken));
	CHECK_INT(taken->answer.error, -ECANCELED);
	CHECK(!sched_take(&s, 2)); /* nobody has anything left that may run */
	/* What comes after it is not part of it. */
	CHECK_INT(submit(&s, HV_CALL_SET_MEMORY, 4, GIB), 0);
	t = sched_take(&s, 2);
	CHECK(t && guest_of(t) == 4 && sched_may_change(t));
	CHECK_INT(sched_changing(&s, until), 1);
	answer(&s, has, 3, 0);
	CHECK_INT(seen.done, 5);
	CHECK_INT(sched_changing(&s, until), 0);
	answer(&s, taken, 3, -ECANCELED);
	CHECK_INT(seen.done, 5); /* told already */
	answer(&s, look, 3, 0);
	answer(&s, t, 3, 0);
	t = sched_take(&s, 3);
	CHECK(t && guest_of(t) == 1 && t->req.call == HV_CALL_READ_BALLOON);
	answer(&s, t, 3, 0);
	CHECK_INT(s.n_queued, 0);
	CHECK_INT(s.n_suspects, 0);
}

TEST(a_withdrawn_call_that_hangs_quarantines_its_guest_and_what_is_overdue_is_not_waited_for)
{
	_cleanup_sched_ struct sched s;
	struct sched_task *has, *taken;
	uint64_t until = 0;

	setup(&s, 2);
	CHECK_INT(submit(&s, HV_CALL_SET_MEMORY, 1, GIB), 0);
	CHECK_INT(submit(&s, HV_CALL_SET_MEMORY, 2, GIB), 0);
	has = sched_take(&s, 0);
	taken = sched_take(&s, 0);
	CHECK(sched_may_change(has));
	CHECK_INT(sched_withdraw(&s, &until), 1);
	sched_tick(&s, DEADLINE);
	CHECK_INT(sched_changing(&s, until), 0);
	CHECK_INT(seen.quarantined, 2);
	CHECK_INT(seen.done, 2);
	CHECK_INT(s.n_overdue, 2);
	/* Much later, and over a new connection: the same answer. */
	CHECK(!sched_may_change(taken));
	CHECK(!sched_may_change(has));
	CHECK_INT(has->answer.error, -ENOTCONN); /* it was made before */
	answer(&s, has, 2 * DEADLINE, -ENOTCONN);
	answer(&s, taken, 2 * DEADLINE, -ECANCELED);
}

/* Any order of events at all: every accepted call ends once, counts return to zero, nobody has two
 * calls under way. */
TEST(random_histories_keep_the_books)
{
	for (unsigned seed = 1; seed <= 300; seed++) {
		_cleanup_sched_ struct sched s;
		struct sched_task *t[32];
		unsigned n = 0, accepted = 0, rng = seed;
		uint64_t now = 1;

#define RANDOM(m) ((rng = rng * 1103515245 + 12345) / 65536 % (m))
		setup(&s, 8);
		for (int step = 0; step < 400; step++) {
			struct uuid some[4] = {{{1}}, {{2}}, {{3}}, {{4}}};
			struct hv_request bulk = {
				.call = HV_CALL_READ_BALLOONS, .guests = some, .n_guests = 4};
			unsigned i;

			switch (RANDOM(8)) {
			case 0:
			case 1:
				accepted += submit(&s, HV_CALL_SET_MEMORY, 1 + RANDOM(8), GIB) == 0;
				break;
			case 2:
				accepted += submit(&s, HV_CALL_READ_BALLOON, 1 + RANDOM(8), 0) == 0;
				break;
			case 3:
				accepted += sched_submit(&s, &bulk, NULL) == 0;
				break;
			case 4:
				if (n < ARRAY_SIZE(t) && s.n_under_way < sched_concurrency(&s) &&
					(t[n] = sched_take(&s, now)))
					n++;
				break;
			case 5:
				if (n == 0)
					break;
				i = RANDOM(n);
				t[i]->answer.stopped = RANDOM(10) == 0;
				answer(&s, t[i], now,
					t[i]->answer.stopped ? -ETIMEDOUT
					: RANDOM(4)	     ? 0
							     : -EIO);
				t[i] = t[--n];
				break;
			case 6:
				now += RANDOM(2000) * MSEC;
				sched_tick(&s, now);
				break;
			default:
				if (RANDOM(20) == 0) {
					uint64_t until;

					(void)!sched_withdraw(&s, &until);
				}
				if (RANDOM(20) == 0) {
					sched_disconnect(&s, now, -ENOTCONN);
					sched_connect(&s);
				}
				break;
			}
			CHECK_INT(s.n_under_way, n);
			CHECK(s.n_substituted <= SCHED_OVERDUE_MAX);
			CHECK(s.n_overdue <= n);
		}
		/* Let everything end well. */
		for (int i = 0; i < 2000; i++) {
			while (n > 0)
				answer(&s, t[--n], now, 0);
			now += USEC_PER_SEC;
			sched_tick(&s, now);
			while (n < 3 && (t[n] = sched_take(&s, now)))
				n++;
		}
		CHECK_INT(n, 0);
		CHECK_INT(s.n_suspects, 0);
		CHECK_INT(s.n_quarantined, 0);
		CHECK_INT(s.n_overdue, 0);
		CHECK_INT(s.n_substituted, 0);
		CHECK_INT(s.n_probing, 0);
		CHECK_INT(s.n_queued, 0);
		CHECK_INT(seen.done, accepted);
	}
}

TEST_STRTAB(sched_trust, enum sched_trust, SCHED_TRUST_MAX)

TEST_MAIN()
