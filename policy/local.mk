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

# --- Decisions ---
policy_libpolicy_a_SOURCES += \
	policy/balloon.c \
	policy/balloon.h \
	policy/budget.c \
	policy/cpu.c \
	policy/cpu.h \
	policy/decide-state.c \
	policy/decide-state.h \
	policy/decide.c \
	policy/decide.h \
	policy/decision.h \
	policy/demand.c \
	policy/demand.h \
	policy/divide.c \
	policy/divide.h \
	policy/levels.c \
	policy/moves.c \
	policy/plan.c \
	policy/plan.h \
	policy/reason.c \
	policy/reason.h \
	policy/reserve.c \
	policy/snapshot.c \
	policy/snapshot.h \
	$(NULL)
