/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/settings.h"

#include "tests/test.h"

TEST_STRTAB(surplus, enum surplus, SURPLUS_MAX)
TEST_STRTAB(enforce, enum enforce, ENFORCE_MAX)
TEST_STRTAB(start_policy, enum start_policy, START_POLICY_MAX)

TEST_MAIN()
