/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/reservations.h"

#include "tests/test.h"

static struct reservation item(uint8_t guest)
{
	return (struct reservation){.guest = {{guest}}, .guest_name = "g", .bytes = GIB};
}

TEST(ids_are_never_used_again)
{
	_cleanup_(reservations_free) struct reservations r = {0};
	struct reservation a = item(1), b = item(2);
	int who;

	CHECK_INT(reservations_add(&r, &a, &who), 0);
	CHECK_INT(reservations_add(&r, &b, NULL), 1);
	CHECK_U64(r.items[0].id, 1);
	CHECK(reservations_remove(&r, 0) == &who);
	CHECK_INT(r.n, 1);
	CHECK_INT(reservations_find(&r, 1), -ENOENT);
	CHECK_INT(reservations_find(&r, 2), 0);
	CHECK_INT(reservations_add(&r, &a, NULL), 1);
	CHECK_U64(r.items[1].id, 3);
	CHECK_INT(reservations_find_guest(&r, &a.guest), 1);
}

TEST(granted_room_that_nobody_takes_up_is_idle_after_its_time)
{
	_cleanup_(reservations_free) struct reservations r = {0};
	struct reservation a = item(1), b = item(2);
	uint64_t next;

	CHECK_INT(reservations_add(&r, &a, NULL), 0);
	CHECK_INT(reservations_add(&r, &b, NULL), 1);
	/* not granted yet: its asker waits */
	CHECK_INT(reservations_idle(&r, USEC_INFINITY - 1, &next), -ENOENT);
	CHECK_U64(next, USEC_INFINITY);
	reservations_grant(&r, 1, 1000);
	CHECK_INT(reservations_idle(&r, 1000, &next), -ENOENT);
	CHECK_U64(next, 1000 + RESERVATION_IDLE_USEC);
	CHECK_INT(reservations_idle(&r, next, &next), 1);
}

TEST(the_deadline_is_the_one_that_holds)
{
	_cleanup_(reservations_free) struct reservations r = {0};
	struct reservation a = item(1), b = item(2);

	a.asked_usec = b.asked_usec = USEC_PER_HOUR;
	a.deadline_usec = b.deadline_usec = USEC_PER_HOUR + 7 * USEC_PER_SEC;
	CHECK_INT(reservations_add(&r, &a, NULL), 0);
	CHECK_INT(reservations_add(&r, &b, NULL), 1);
	CHECK_U64(r.items[0].deadline_usec, a.deadline_usec);
	reservations_grant(&r, 0, USEC_PER_HOUR + USEC_PER_SEC);
	CHECK_U64(r.items[0].deadline_usec,
		USEC_PER_HOUR + USEC_PER_SEC + RESERVATION_IDLE_USEC);
	/* Asked for anew it has as long a wait as before; one that waits goes on waiting. */
	CHECK_INT(reservations_reopen(&r, 2 * USEC_PER_HOUR), 1);
	CHECK(!r.items[0].granted);
	CHECK_U64(r.items[0].deadline_usec, 2 * USEC_PER_HOUR + 7 * USEC_PER_SEC);
	CHECK_U64(r.items[1].deadline_usec, b.deadline_usec);
	CHECK_INT(reservations_reopen(&r, 3 * USEC_PER_HOUR), 0);
}

TEST(there_is_a_bound)
{
	_cleanup_(reservations_free) struct reservations r = {0};
	struct reservation a = item(1);

	for (int i = 0; i < RESERVATIONS_MAX; i++)
		CHECK_INT(reservations_add(&r, &a, NULL), i);
	CHECK_INT(reservations_add(&r, &a, NULL), -ENOBUFS);
}

TEST_MAIN()
