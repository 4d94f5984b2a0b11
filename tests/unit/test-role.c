/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/role.h"

#include "tests/test.h"

TEST_STRTAB(api_role, enum api_role, API_ROLE_MAX)

/* Each includes the ones before it: what may be done is compared by number. */
TEST(roles_go_from_less_to_more)
{
	static const char *const in_order[] = {"none", "read", "operate", "admin"};

	CHECK_INT(API_ROLE_MAX, ARRAY_SIZE(in_order));
	for (int i = 0; i < API_ROLE_MAX; i++)
		CHECK_STR(api_role_to_string((enum api_role)i), in_order[i]);
	CHECK(API_ROLE_NONE < API_ROLE_READ && API_ROLE_READ < API_ROLE_OPERATE &&
		API_ROLE_OPERATE < API_ROLE_ADMIN);
}

TEST(a_word_that_is_nearly_one_is_none)
{
	static const char *const words[] = {"", "Admin", "admin ", "adm", "root", "operator"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		CHECK_INT(api_role_from_string(words[i]), API_ROLE_INVALID);
}

TEST_MAIN()
