/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/facts.h"

#include "tests/test.h"

TEST_STRTAB(fact, enum fact, FACT_MAX)
TEST_STRTAB(fact_type, enum fact_type, FACT_TYPE_MAX)

TEST(every_fact_fits_the_set_of_known_ones)
{
	CHECK(FACT_MAX <= 64);
}

TEST(every_fact_has_a_type_and_a_whole_is_a_size_without_one)
{
	for (int i = 0; i < FACT_MAX; i++) {
		enum fact f = (enum fact)i, whole = fact_whole(f);

		CHECK(fact_type(f) != FACT_TYPE_INVALID);
		if (whole == FACT_INVALID)
			continue;
		CHECK_INT(fact_type(f), FACT_TYPE_SIZE);
		CHECK_INT(fact_type(whole), FACT_TYPE_SIZE);
		CHECK_INT(fact_is_of_guest(whole), fact_is_of_guest(f));
		CHECK(whole != f);
	}
	CHECK_INT(fact_type(FACT_MAX), FACT_TYPE_INVALID);
	CHECK_INT(fact_type(FACT_INVALID), FACT_TYPE_INVALID);
	CHECK_INT(fact_whole(FACT_MAX), FACT_INVALID);
	CHECK(!fact_is_of_guest(FACT_MAX));
}

TEST(names_say_whose_fact_it_is)
{
	CHECK(fact_is_of_guest(FACT_GUEST_AGE));
	CHECK(!fact_is_of_guest(FACT_HOST_GUESTS));
	CHECK_STR(fact_to_string(FACT_HOST_MEM_AVAILABLE), "host.mem_available");
	CHECK_INT(fact_whole(FACT_HOST_MEM_AVAILABLE), FACT_HOST_MEM_TOTAL);
	CHECK_INT(fact_whole(FACT_GUEST_MEM_USED), FACT_GUEST_MEM_ACTUAL);
	CHECK_INT(fact_whole(FACT_GUEST_SWAP_USED), FACT_GUEST_SWAP_TOTAL);
}

TEST(a_fact_that_is_set_is_known)
{
	struct facts f = {0};

	facts_set(&f, FACT_GUEST_AGE, 5);
	CHECK_U64(f.known, UINT64_C(1) << FACT_GUEST_AGE);
	CHECK_U64(f.value[FACT_GUEST_AGE], 5);
}

TEST_MAIN()
