/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/demand.h"

#include "tests/test.h"

TEST(a_guest_that_was_never_heard_asks_for_no_more_than_it_has)
{
	struct demand d;
	struct demand_sizes sizes;
	struct guest_sample s = {
		.running = true,
		.max_bytes = 8 * GIB,
		.actual_bytes = 2 * GIB,
		.target_bytes = 2 * GIB,
	};

	demand_init(&d);
	/* Its resident size is not known, then all that it has, then more: a grant that is touched must not call for the next. */
	for (uint64_t resident = 0; resident <= 3 * GIB; resident += GIB) {
		s.resident_bytes = resident;
		demand_sizes(&d, &s, &settings_default, false, USEC_PER_SEC, &sizes);
		CHECK(sizes.want_bytes <= s.target_bytes);
		CHECK(sizes.soft_bytes <= s.target_bytes);
		CHECK(sizes.used_bytes <= s.target_bytes);
		CHECK(sizes.safe_bytes <= s.target_bytes);
		CHECK(sizes.boost_bytes <= s.target_bytes);
	}
}

TEST(a_reset_is_no_minute_of_calm)
{
	struct demand d;
	struct guest_sample s = {.running = true, .max_bytes = GIB, .actual_bytes = GIB, .target_bytes = GIB};

	demand_init(&d);
	d.credit_permyriad = 1250;
	d.not_credible = d.pressed = true;
	d.pressed_usec = 1000 * USEC_PER_SEC;
	demand_reset(&d);
	demand_update(&d, &s, 1001 * USEC_PER_SEC); /* nothing was heard of the new boot yet */
	CHECK(d.not_credible);
	CHECK_U64(d.credit_permyriad, 1250);
	demand_update(&d, &s, 1060 * USEC_PER_SEC); /* a minute since it last cried is one */
	CHECK(!d.not_credible);
}

/* One line of a guest that has so much, uses that much of it and reads pages back. */
static void refaults(struct demand *d, uint64_t size_bytes, uint64_t used_bytes, uint64_t pages, uint64_t now_usec)
{
	static uint64_t total;
	struct guest_sample s = {.running = true, .max_bytes = 4 * GIB, .actual_bytes = size_bytes,
		.target_bytes = size_bytes, .autodeflate = true};
	struct guest_report *r = &s.report;

	total += pages;
	*r = (struct guest_report){.source = REPORT_AGENT, .arrival_usec = now_usec, .guest_usec = now_usec,
		.boot_id = 1, .seq = now_usec / USEC_PER_SEC, .total_bytes = size_bytes,
		.available_bytes = size_bytes - used_bytes, .has_counters = true, .has_psi = true,
		.refaults_file = total};
	demand_update(d, &s, now_usec);
}

TEST(where_it_is_seen_short_again_it_needs_more_than_that)
{
	uint64_t t = 1000 * USEC_PER_SEC;
	struct demand d;

	demand_init(&d);
	for (int i = 0; i < 5; i++)
		refaults(&d, GIB, 400 * MIB, 5000, t += USEC_PER_SEC);
	CHECK_U64(d.need_bytes, GIB);
	for (int i = 0; i < 30; i++)
		refaults(&d, 1200 * MIB, 400 * MIB, 0, t += 5 * USEC_PER_SEC);
	CHECK(!d.pressed);
	/* Its programs use 300 MiB more, and what is left for its files is too little again. */
	for (int i = 0; i < 30; i++)
		refaults(&d, 1200 * MIB, 700 * MIB, 0, t += 5 * USEC_PER_SEC);
	refaults(&d, 1200 * MIB, 700 * MIB, 5000, t += USEC_PER_SEC);
	CHECK(d.pressed);
	CHECK_U64(d.need_bytes, 1200 * MIB);
}

TEST(who_has_what_it_wants_is_not_short_for_having_little_left)
{
	const uint64_t used_mib[] = {20, 72, 200, 900, 3000, 60000};
	struct settings set = settings_default;

	for (size_t i = 0; i < sizeof(used_mib) / sizeof(used_mib[0]) * 2; i++) {
		uint64_t used = used_mib[i / 2] * MIB, now = 100 * USEC_PER_SEC;
		struct guest_sample s = {.running = true, .max_bytes = 8 * used, .actual_bytes = 4 * used};
		struct demand_sizes sizes;
		struct demand d;

		set.mem_headroom.value = i % 2 ? 0 : settings_default.mem_headroom.value;
		demand_init(&d);
		for (unsigned look = 0; look < 20; look++, now += 5 * USEC_PER_SEC) {
			s.target_bytes = s.actual_bytes;
			s.report = (struct guest_report){.source = REPORT_AGENT, .arrival_usec = now, .guest_usec = now,
				.seq = look, .total_bytes = s.actual_bytes, .available_bytes = s.actual_bytes - used,
				.swap_free_bytes = 8 * used, .has_swap = true};
			demand_update(&d, &s, now);
			demand_sizes(&d, &s, &set, false, now, &sizes);
			CHECK(!d.pressed);
			s.actual_bytes = sizes.want_bytes;
		}
		CHECK(sizes.want_bytes >= used && sizes.want_bytes <= used + used / 4 + 32 * MIB);
	}
}

TEST_MAIN()
