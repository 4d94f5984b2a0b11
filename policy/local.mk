# SPDX-License-Identifier: LGPL-2.1-or-later
# libpolicy.a is pure; its objects are listed by who keeps them.
noinst_LIBRARIES += policy/libpolicy.a
policy_libpolicy_a_SOURCES =
policy_libs = policy/libpolicy.a common/libcommon.a

# --- Policy files, settings and the merge ---
policy_libpolicy_a_SOURCES += \
	policy/uuid.c \
	policy/uuid.h \
	$(NULL)

policy_file_tests = \
	tests/unit/test-uuid \
	$(NULL)
check_PROGRAMS += $(policy_file_tests)
TESTS += $(policy_file_tests)
tests_unit_test_uuid_LDADD = $(policy_libs)
