/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was set by hand for guests that come and go. */
#include "tests/test.h"
#include "tests/unit/fake-manager.h"

/* The state file: one guest's text. */
static char disk[2048];
int store_put_overrides(struct store *s, const struct uuid *guest, const char *text,
	store_done done, void *userdata)
{
	snprintf(disk, sizeof(disk), "%s", text ? text : "");
	if (done)
		done(userdata, 0, "");
	return 0;
}
int store_load_overrides(struct store *s, store_overrides_fn fn, void *userdata)
{
	return *disk ? fn(&(struct uuid){{1}}, disk, userdata) : 0;
}
json_t *api_overrides_json(const struct override *all, size_t n, const struct uuid *guest,
	uint64_t now_boot_usec, uint64_t now_real_usec)
{
	return json_object();
}

/* What libvirt says. */
static bool runs, listed;
bool hv_runs(struct hv *hv, const struct uuid *guest)
{
	return runs;
}
bool hv_listed(struct hv *hv, const struct uuid *guest)
{
	return runs || listed;
}

static struct manager start(void)
{
	fake_clear();
	runs = listed = false;
	return (struct manager){.hv = FAKE_HV,
		.hub = FAKE_HUB,
		.store = FAKE_STORE,
		.mode = MODE_ENFORCE,
		.connected = true,
		.synced = true};
}
static void end(struct manager *m)
{
	overrides_free(&m->overrides);
	fake_manager_clear(m);
}
#define _cleanup_manager_ _cleanup_(end)

static int set(struct manager *m, const struct uuid *guest)
{
	struct api_override_request req = {
		.guest = *guest,
		.settings = {{"Memory", "Min", "40M"}},
		.n_settings = 1,
		.reason = "",
		.for_usec = USEC_INFINITY,
		.until_real_usec = USEC_INFINITY,
	};
	struct api_call call = {0};

	override_set(m, &call, &req);
	json_decref(call.body);
	return call.status == 200 ? 0 : -(int)call.problem;
}

/* As if it had been seen last so long ago. */
static void seen_before(struct manager *m, uint64_t usec)
{
	for (size_t i = 0; i < m->overrides.n; i++)
		m->overrides.items[i].seen_real_usec = clock_real_usec() - usec;
}

TEST(setting_the_same_again_is_no_event)
{
	_cleanup_manager_ struct manager m = start();
	const struct uuid guest = {{1}};

	CHECK_INT(set(&m, &guest), 0);
	CHECK_INT((int)fake.n_told, 1);
	CHECK_INT(set(&m, &guest), 0);
	CHECK_INT((int)fake.n_told, 1);
	m.overrides.items[0].until_real_usec = 5; /* another end */
	CHECK_INT(set(&m, &guest), 0);
	CHECK_INT((int)fake.n_told, 2);
}

TEST(one_that_is_gone_is_known_by_its_name_over_a_restart_and_its_overrides_can_be_cleared)
{
	_cleanup_manager_ struct manager m = start(), next = start();
	struct guest *g = fake_guest(&m, "guest1", 1024, 512);
	struct uuid uuid = g->uuid;
	struct api_call call = {0};

	CHECK_INT(set(&m, &uuid), 0);
	seen_before(&m, USEC_PER_DAY);
	override_gone(g);
	CHECK_INT(override_load(&next), 0);
	CHECK_INT((int)next.overrides.n, 1);
	CHECK_STR(next.overrides.items[0].guest_name, "guest1");
	CHECK(clock_real_usec() - next.overrides.items[0].seen_real_usec < USEC_PER_HOUR);
	override_clear(&next, &call, &uuid);
	CHECK_INT(call.status, 204);
	CHECK_INT((int)next.overrides.n, 0);
	CHECK_STR(disk, "");
	CHECK_STR(fake.told[fake.n_told - 1], "guest1: its overrides are cleared");
}

TEST(overrides_of_one_that_libvirt_does_not_know_any_more_go_after_a_day)
{
	_cleanup_manager_ struct manager m = start();
	struct uuid uuid = {{9}};

	CHECK_INT(set(&m, &uuid), 0);
	seen_before(&m, USEC_PER_DAY - USEC_PER_HOUR); /* it may be made anew */
	override_prune(&m);
	CHECK_INT((int)m.overrides.n, 1);
	seen_before(&m, USEC_PER_DAY + USEC_PER_HOUR);
	runs = true; /* and cannot be read now */
	override_prune(&m);
	CHECK_INT((int)m.overrides.n, 1);
	runs = false;
	override_prune(&m);
	CHECK_INT((int)m.overrides.n, 0);
	CHECK_STR(disk, "");
	CHECK_CONTAINS(fake.told[1], "libvirt does not know it");
}

TEST(overrides_of_one_that_is_defined_and_does_not_run_go_after_thirty)
{
	_cleanup_manager_ struct manager m = start();
	struct uuid uuid = {{9}};

	listed = true;
	CHECK_INT(set(&m, &uuid), 0);
	seen_before(&m, 29 * USEC_PER_DAY);
	override_prune(&m);
	CHECK_INT((int)m.overrides.n, 1);
	seen_before(&m, 31 * USEC_PER_DAY);
	override_prune(&m);
	CHECK_INT((int)m.overrides.n, 0);
}

TEST(who_runs_is_seen)
{
	_cleanup_manager_ struct manager m = start();
	struct guest *g = fake_guest(&m, "guest1", 1024, 512);

	CHECK_INT(set(&m, &g->uuid), 0);
	seen_before(&m, 60 * USEC_PER_DAY);
	override_prune(&m);
	CHECK_INT((int)m.overrides.n, 1);
	CHECK(clock_real_usec() - m.overrides.items[0].seen_real_usec < USEC_PER_HOUR);
}

TEST(their_number_is_bounded)
{
	_cleanup_manager_ struct manager m = start();
	struct uuid uuid = {{9}}, last = {{8}};
	int r = 0;

	for (unsigned i = 0; i < 5000 && r == 0; i++) {
		uuid.bytes[1] = (uint8_t)i;
		uuid.bytes[2] = (uint8_t)(i >> 8);
		r = set(&m, &uuid);
		if (r == 0)
			last = uuid;
	}
	CHECK_INT(r, -(int)API_PROBLEM_CONFLICT);
	CHECK_INT((int)m.overrides.n, 4096);
	CHECK_INT(set(&m, &last), 0); /* in the place of what it has */
}

TEST_MAIN()
