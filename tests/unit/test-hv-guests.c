/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of who runs, told by lists and events in whatever order: no libvirt, no thread. */
#include "daemon/hv/hv-priv.h"

#include "tests/test.h"

static const struct uuid a = {{0xa}};

static struct hv *start(void)
{
	static const struct hv_ops none; /* nothing is dispatched */
	struct hv_config config = {.uri = "test:///default"};
	struct hv *hv = NULL;

	if (hv_new(&config, &none, NULL, &hv) < 0)
		return NULL;
	hv->connected = true;
	sched_connect(&hv->sched);
	return hv;
}

static unsigned told(const struct hv *hv, enum item_kind kind)
{
	unsigned n = 0;

	for (const struct item *i = hv->out; i; i = i->next)
		n += i->kind == kind;
	return n;
}

static pid_t stranger; /* whom a worker passes over in the place of its QEMU */

/* Its definition is read, as a worker does it: false where nobody asked for it. */
static bool is_read(struct hv *hv, int id)
{
	struct sched_task *t = sched_take(&hv->sched, 1);
	struct hv_guest *g;

	if (!t)
		return false;
	g = t->req.call == HV_CALL_GET_XML ? hv_guest_new() : NULL;
	if (g) {
		g->uuid = t->req.guest;
		g->id = id;
		g->stranger_pid = stranger;
	}
	t->answer.guest = g;
	sched_return(&hv->sched, t, 2);
	return g;
}

static void list(struct hv *hv, int id)
{
	struct listed one = {.uuid = a, .id = id};

	hv_guests_listed(hv, &one, 1);
}

/* Told by an event, and read. */
static bool runs(struct hv *hv, int id)
{
	hv_guest_runs(hv, &a, id, false);
	return is_read(hv, id);
}

TEST(one_that_started_while_the_list_was_made_stays_and_is_looked_at)
{
	_cleanup_hv_ struct hv *hv = start();

	CHECK(hv);
	hv_list_begins(hv);
	CHECK(runs(hv, 7));
	CHECK_INT(told(hv, ITEM_APPEARED), 1);
	hv_guests_listed(hv, NULL, 0);
	CHECK(hv_known(hv, &a));
	CHECK_INT(told(hv, ITEM_GONE), 0);
	CHECK_INT(hv->sync_pending, 1);
	CHECK(is_read(hv, 7));
	CHECK_INT(hv->sync_pending, 0);
	CHECK_INT(told(hv, ITEM_SYNCED), 1);
	/* The next list is made after all that. */
	hv_list_begins(hv);
	hv_guests_listed(hv, NULL, 0);
	CHECK(!hv_known(hv, &a));
	CHECK_INT(told(hv, ITEM_GONE), 1);
}

TEST(the_same_where_the_list_has_it_as_one_that_does_not_run)
{
	_cleanup_hv_ struct hv *hv = start();

	CHECK(hv);
	hv_list_begins(hv);
	CHECK(runs(hv, 7));
	list(hv, -1);
	CHECK_INT(told(hv, ITEM_GONE), 0);
	CHECK(is_read(hv, 7));
	hv_list_begins(hv);
	list(hv, -1);
	CHECK_INT(told(hv, ITEM_GONE), 1);
}

TEST(the_run_before_is_not_taken_from_a_list_for_the_one_that_an_event_told_of)
{
	_cleanup_hv_ struct hv *hv = start();

	CHECK(hv);
	hv_list_begins(hv);
	list(hv, 7);
	CHECK(is_read(hv, 7));
	hv_list_begins(hv);
	hv_guest_gone(hv, hv_known(hv, &a), HV_GONE_DESTROYED);
	CHECK(runs(hv, 8));
	CHECK_INT(told(hv, ITEM_GONE), 1);
	CHECK_INT(told(hv, ITEM_APPEARED), 2);
	list(hv, 7);
	CHECK(is_read(hv, 8));
	CHECK_INT(hv_known(hv, &a)->id, 8);
	CHECK_INT(told(hv, ITEM_GONE), 1);
	CHECK_INT(told(hv, ITEM_APPEARED), 2);
	/* One that was not heard of since is what the list says. */
	hv_list_begins(hv);
	list(hv, 9);
	CHECK_INT(told(hv, ITEM_GONE), 2);
	CHECK_INT(hv_known(hv, &a)->id, 9);
}

TEST(one_that_an_event_told_of_since_stays_though_it_was_known_before)
{
	_cleanup_hv_ struct hv *hv = start();

	CHECK(hv);
	hv_list_begins(hv);
	list(hv, 7);
	CHECK(is_read(hv, 7));
	hv_list_begins(hv);
	CHECK(runs(hv, 7)); /* after a restart of libvirtd ids begin anew */
	hv_guests_listed(hv, NULL, 0);
	CHECK_INT(told(hv, ITEM_GONE), 0);
}

TEST(a_stranger_in_the_place_of_its_qemu_is_told_once_a_run)
{
	_cleanup_hv_ struct hv *hv = start();

	CHECK(hv);
	stranger = 4711;
	CHECK(runs(hv, 7));
	CHECK(runs(hv, 7));
	CHECK_INT(told(hv, ITEM_TROUBLE), 1);
	CHECK_INT(hv->out->kind, ITEM_APPEARED);
	CHECK_CONTAINS(hv->out->next->text, "4711");
	hv_guest_gone(hv, hv_known(hv, &a), HV_GONE_DESTROYED);
	CHECK(runs(hv, 8));
	CHECK_INT(told(hv, ITEM_TROUBLE), 2);
	stranger = 0;
}

TEST_MAIN()
