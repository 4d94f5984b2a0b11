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

TEST_MAIN()
