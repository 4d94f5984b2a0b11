/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/uuid.h"

#include "tests/test.h"

TEST(text_and_bytes_are_in_the_same_order)
{
	char buf[UUID_TEXT_MAX];
	struct uuid u;

	CHECK_INT(uuid_parse("00112233-4455-6677-8899-aabbccddeeff", &u), 0);
	for (int i = 0; i < 16; i++)
		CHECK_INT(u.bytes[i], i * 0x11);
	CHECK_STR(uuid_format(&u, buf), "00112233-4455-6677-8899-aabbccddeeff");
}

TEST(upper_case_is_the_same_uuid)
{
	struct uuid a, b;

	CHECK_INT(uuid_parse("ABCDEFAB-CDEF-abcd-efab-cdefabcdefab", &a), 0);
	CHECK_INT(uuid_parse("abcdefab-cdef-ABCD-EFAB-CDEFABCDEFAB", &b), 0);
	CHECK(uuid_equal(&a, &b));
	b.bytes[15] ^= 1;
	CHECK(!uuid_equal(&a, &b));
}

static const char *const bad[] = {
	"",
	"0",
	"00112233-4455-6677-8899-aabbccddeef",
	"00112233-4455-6677-8899-aabbccddeeff0",
	"00112233-4455-6677-8899-aabbccddeeff ",
	"001122334455-6677-8899-aabbccddeeff",
	"00112233-4455-6677-8899aabbccddeeff",
	"00112233445566778899aabbccddeeff",
	"{00112233-4455-6677-8899-aabbccddeeff}",
	"0011223g-4455-6677-8899-aabbccddeeff",
	"0011223--4455-6677-8899-aabbccddeeff",
	"00112233-4455-6677-8899-",
};

TEST(other_forms_are_refused_and_leave_the_result_alone)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct uuid u;

		memset(&u, 0x5a, sizeof(u));
		CHECK_INT(uuid_parse(bad[i], &u), -EINVAL);
		CHECK_INT(u.bytes[0], 0x5a);
	}
}

TEST_MAIN()
