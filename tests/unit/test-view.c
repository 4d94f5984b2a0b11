/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/view.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "tests/test.h"

/* A policy set that only counts: that every view holds and drops its reference is what is tested
 * here. */
struct policy_set {
	atomic_int refs;
};

struct policy_set *policy_set_ref(struct policy_set *set)
{
	atomic_fetch_add(&set->refs, 1);
	return set;
}

struct policy_set *policy_set_unref(struct policy_set *set)
{
	if (set)
		atomic_fetch_sub(&set->refs, 1);
	return NULL;
}

size_t policy_set_count(const struct policy_set *set)
{
	return 3;
}

TEST_STRTAB(daemon_mode, enum daemon_mode, MODE_MAX)

/* A host of n guests whose strings all are of this world's own. */
struct world {
	struct policy_set set;
	struct snapshot snapshot;
	struct plan plan;
	struct view_input in;
	struct view_policy policies[3];
	struct view_problem problems[1];
	struct host_node nodes[2];
	struct override overrides[1];
	struct reservation reservations[1];
	struct action actions[2];
	struct view_guest *extra;
	char (*names)[32];
	const char *tags[3];
	char text[8][24];
};

static void world_free(struct world *w)
{
	free(w->snapshot.guests);
	free(w->plan.guests);
	free(w->extra);
	free(w->names);
	free(w);
}

/* A string that is gone once the world is scribbled over. */
static const char *own(struct world *w, int i, const char *text)
{
	snprintf(w->text[i], sizeof(w->text[i]), "%s", text);
	return w->text[i];
}

static struct world *world_new(size_t n)
{
	struct world *w = calloc(1, sizeof(*w));

	w->set.refs = 1;
	w->names = calloc(n + 1, sizeof(*w->names));
	w->extra = calloc(n + 1, sizeof(*w->extra));
	w->plan.guests = calloc(n + 1, sizeof(*w->plan.guests));
	w->snapshot.guests = calloc(n + 1, sizeof(*w->snapshot.guests));
	w->tags[0] = own(w, 0, "db");
	w->tags[1] = own(w, 1, "night");
	for (size_t i = 0; i < n; i++) {
		struct guest_sample *g = &w->snapshot.guests[i];

		snprintf(w->names[i], sizeof(*w->names), "guest%zu", i);
		g->id.name = w->names[i];
		g->id.uuid.bytes[0] = (uint8_t)(i >> 8);
		g->id.uuid.bytes[15] = (uint8_t)i;
		g->id.tags = i % 2 ? w->tags : NULL;
		g->actual_bytes = i * MIB;
		w->plan.guests[i].share_bytes = i * MIB;
		w->extra[i].os = own(w, 2, "Debian");
	}
	w->overrides[0] = (struct override){.section = own(w, 3, "Memory"),
		.key = "Min",
		.value = "1G",
		.by = own(w, 4, "uid 0"),
		.reason = ""};
	w->reservations[0] = (struct reservation){.id = 7, .guest_name = own(w, 5, "coming")};
	w->problems[0] = (struct view_problem){.code = "policy-bad", .text = own(w, 6, "bad")};
	w->policies[1].active = 5;
	w->nodes[1] = (struct host_node){1, 2 * GIB, GIB};
	w->actions[1].to_bytes = 5 * MIB;
	w->plan.actions = w->actions;
	w->plan.n_actions = 2;
	w->plan.n_guests = n;
	w->snapshot.n_guests = n;
	w->snapshot.overrides = w->overrides;
	w->snapshot.n_overrides = 1;
	w->snapshot.reservations = w->reservations;
	w->snapshot.n_reservations = 1;
	w->snapshot.host.name = own(w, 7, "host1");
	w->snapshot.now_boot_usec = 100 * USEC_PER_SEC;
	w->snapshot.now_real_usec = 5000 * USEC_PER_SEC;
	w->in = (struct view_input){.snapshot = &w->snapshot,
		.plan = &w->plan,
		.guests = w->extra,
		.set = &w->set,
		.policies = w->policies,
		.problems = w->problems,
		.n_problems = 1,
		.nodes = w->nodes,
		.n_nodes = 2,
		.mode = MODE_ENFORCE,
		.libvirt_version = "9.0.0",
		.state = (const struct decide_state *)(uintptr_t)1};
	return w;
}

/* Everything a view could still point to by mistake becomes rubbish. */
static void world_scribble(struct world *w)
{
	memset(w->text, '?', sizeof(w->text) - 1);
	memset(w->names, '?', (w->snapshot.n_guests + 1) * sizeof(*w->names));
	memset(w->snapshot.guests, 0xff, w->snapshot.n_guests * sizeof(*w->snapshot.guests));
	memset(w->plan.guests, 0xff, w->snapshot.n_guests * sizeof(*w->plan.guests));
	memset(w->extra, 0xff, w->snapshot.n_guests * sizeof(*w->extra));
	memset(w->overrides, 0xff, sizeof(w->overrides));
	memset(w->actions, 0xff, sizeof(w->actions));
	memset(w->nodes, 0xff, sizeof(w->nodes));
}

TEST(there_is_no_view_before_the_first_publication)
{
	struct view_store *s = view_store_new();

	CHECK(view_get(s) == NULL);
	view_store_free(s);
}

TEST(a_view_keeps_what_was_published)
{
	struct view_store *s = view_store_new();
	struct world *w = world_new(300);
	const struct view_input *k;
	struct view *v;

	CHECK_INT(view_publish(s, &w->in), 0);
	world_scribble(w);
	v = view_get(s);
	CHECK(v);
	k = &v->known;
	CHECK_U64(v->generation, 1);
	CHECK_U64(k->snapshot->n_guests, 300);
	CHECK_STR(k->snapshot->guests[299].id.name, "guest299");
	CHECK(!k->snapshot->guests[298].id.tags);
	CHECK_STR(k->snapshot->guests[299].id.tags[0], "db");
	CHECK_STR(k->snapshot->guests[299].id.tags[1], "night");
	CHECK(!k->snapshot->guests[299].id.tags[2]);
	CHECK_U64(k->snapshot->guests[299].actual_bytes, 299 * MIB);
	CHECK_U64(k->plan->guests[299].share_bytes, 299 * MIB);
	CHECK_U64(k->plan->actions[1].to_bytes, 5 * MIB);
	CHECK_STR(k->guests[5].os, "Debian");
	CHECK(!k->guests[5].kernel);
	CHECK_STR(k->snapshot->overrides[0].section, "Memory");
	CHECK_STR(k->snapshot->overrides[0].by, "uid 0");
	CHECK_STR(k->snapshot->reservations[0].guest_name, "coming");
	CHECK_STR(k->problems[0].text, "bad");
	CHECK(!k->problems[0].remedy);
	CHECK_U64(k->n_nodes, 2);
	CHECK_U64(k->nodes[1].free_bytes, GIB);
	CHECK_STR(k->snapshot->host.name, "host1");
	CHECK_STR(k->libvirt_version, "9.0.0");
	CHECK_INT(k->policies[1].active, 5);
	CHECK_INT(k->mode, MODE_ENFORCE);
	CHECK(!k->state);
	view_unref(v);
	view_store_free(s);
	CHECK_INT(w->set.refs, 1);
	world_free(w);
}

TEST(what_is_not_known_may_be_left_out)
{
	struct view_store *s = view_store_new();
	struct guest_sample guest = {.running = true};
	struct snapshot empty = {.n_guests = 0}, one = {.n_guests = 1, .guests = &guest};
	struct view *v;

	CHECK_INT(view_publish(s, &(struct view_input){.snapshot = &empty}), 0);
	v = view_get(s);
	CHECK(!v->known.plan && !v->known.set && !v->known.policies);
	CHECK_U64(v->known.snapshot->n_guests, 0);
	view_unref(v);
	CHECK_INT(view_publish(s, &(struct view_input){.snapshot = &one}), 0);
	v = view_get(s);
	CHECK(v->known.guests && !v->known.guests[0].os && !v->known.guests[0].changed_real_usec);
	CHECK_U64(v->generation, 2);
	view_unref(v);
	view_store_free(s);
}

TEST(an_old_view_stays_as_it_was_while_it_is_held)
{
	struct view_store *s = view_store_new();
	struct world *w = world_new(10);
	struct view *old;

	CHECK_INT(view_publish(s, &w->in), 0);
	old = view_get(s);
	for (int i = 0; i < 20; i++) {
		w->snapshot.guests[1].actual_bytes = 77;
		CHECK_INT(view_publish(s, &w->in), 0);
	}
	CHECK_U64(old->generation, 1);
	CHECK_U64(old->known.snapshot->guests[1].actual_bytes, MIB);
	CHECK_STR(old->known.snapshot->guests[1].id.name, "guest1");
	/* the owner, the old view and the current one */
	CHECK_INT(w->set.refs, 3);
	view_store_free(s);
	CHECK_INT(w->set.refs, 2);
	CHECK_STR(old->known.snapshot->host.name, "host1");
	view_unref(old);
	CHECK_INT(w->set.refs, 1);
	world_free(w);
}

TEST(blocks_are_used_again)
{
	struct view_store *s = view_store_new();
	struct world *w = world_new(100);
	const void *seen[4] = {NULL};
	int known = 0;

	for (int i = 0; i < 50; i++) {
		struct view *v;
		bool new = true;

		CHECK_INT(view_publish(s, &w->in), 0);
		v = view_get(s);
		for (int k = 0; k < known; k++)
			new = new &&seen[k] != v;
		if (new) {
			CHECK(known < 2);
			seen[known++] = v;
		}
		view_unref(v);
	}
	view_store_free(s);
	world_free(w);
}

TEST(guests_are_found_by_uuid_and_name)
{
	struct world *w = world_new(3);

	CHECK_INT(snapshot_find_guest(&w->snapshot, "guest2"), 2);
	CHECK_INT(snapshot_find_guest(&w->snapshot, "00000000-0000-0000-0000-000000000001"), 1);
	CHECK_INT(snapshot_find_guest(&w->snapshot, "guest"), -ENOENT);
	CHECK_INT(snapshot_find_guest(&w->snapshot, ""), -ENOENT);
	CHECK_STR(snapshot_nearest_guest(&w->snapshot, "geust2"), "guest2");
	CHECK(!snapshot_nearest_guest(&w->snapshot, "something else"));
	/* a name that looks like the UUID of another */
	w->snapshot.guests[0].id.name = "00000000-0000-0000-0000-000000000002";
	CHECK_INT(snapshot_find_guest(&w->snapshot, w->snapshot.guests[0].id.name), 2);
	world_free(w);
}

TEST(boot_time_becomes_wall_time_by_the_snapshots_clocks)
{
	struct snapshot s = {.now_boot_usec = 100, .now_real_usec = 1000};

	CHECK_U64(snapshot_real_usec(&s, 0), 0);
	CHECK_U64(snapshot_real_usec(&s, 90), 990);
	CHECK_U64(snapshot_real_usec(&s, 150), 1050);
	CHECK_U64(snapshot_real_usec(&s, USEC_INFINITY), USEC_INFINITY);
}

struct readers {
	struct view_store *store;
	atomic_bool stop;
	atomic_int bad;
	atomic_ulong reads;
};

/* Generations never go back, and each view is consistent in itself. */
static void *read_views(void *arg)
{
	struct readers *r = arg;
	uint64_t last = 0;

	while (!atomic_load(&r->stop)) {
		_cleanup_view_ struct view *v = view_get(r->store);
		uint64_t mark;

		if (!v)
			continue;
		mark = v->known.snapshot->guests[0].actual_bytes;
		if (v->generation < last)
			atomic_fetch_add(&r->bad, 1);
		for (size_t i = 0; i < v->known.snapshot->n_guests; i++)
			if (v->known.snapshot->guests[i].actual_bytes != mark ||
				!streq(v->known.snapshot->guests[i].id.name, v->known.guests[i].os))
				atomic_fetch_add(&r->bad, 1);
		last = v->generation;
		atomic_fetch_add(&r->reads, 1);
	}
	return NULL;
}

TEST(readers_and_the_publisher_do_not_disturb_each_other)
{
	struct world *w = world_new(20);
	struct readers r = {.store = view_store_new()};
	pthread_t threads[3];

	for (size_t t = 0; t < ARRAY_SIZE(threads); t++)
		CHECK_INT(pthread_create(&threads[t], NULL, read_views, &r), 0);
	for (uint64_t round = 0; round < 3000 || atomic_load(&r.reads) < 100; round++) {
		for (size_t i = 0; i < 20; i++) {
			w->snapshot.guests[i].actual_bytes = round;
			w->extra[i].os = w->names[i];
		}
		if (view_publish(r.store, &w->in) < 0)
			break;
	}
	atomic_store(&r.stop, true);
	for (size_t t = 0; t < ARRAY_SIZE(threads); t++)
		pthread_join(threads[t], NULL);
	CHECK_INT(r.bad, 0);
	view_store_free(r.store);
	CHECK_INT(w->set.refs, 1);
	world_free(w);
}

static uint64_t now_nsec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Processor time of the best of many, so that a busy machine does not fail it; sanitizers are
 * several times slower. */
TEST(publishing_a_thousand_guests_is_cheap)
{
	struct view_store *s = view_store_new();
	struct world *w = world_new(1000);
	uint64_t best = UINT64_MAX, limit_nsec = 100000;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	limit_nsec *= 50;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
	limit_nsec *= 50;
#endif
#endif
	for (int i = 0; i < 200; i++) {
		uint64_t t = now_nsec();

		CHECK_INT(view_publish(s, &w->in), 0);
		best = MIN(best, now_nsec() - t);
	}
	printf("# 1000 guests: %" PRIu64 " us\n", best / 1000);
	view_store_free(s);
	world_free(w);
	CHECK(best < limit_nsec);
}

TEST_MAIN()
