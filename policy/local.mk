# SPDX-License-Identifier: LGPL-2.1-or-later
# libpolicy.a is pure; its objects are listed by who keeps them.
noinst_LIBRARIES += policy/libpolicy.a
policy_libpolicy_a_SOURCES =
policy_libs = policy/libpolicy.a common/libcommon.a

# --- Time zones, calendar events, schedules and conditions ---
policy_libpolicy_a_SOURCES += \
	policy/calendar-field.c \
	policy/calendar-fields.h \
	policy/calendar-parse.c \
	policy/calendar-words.c \
	policy/calendar.c \
	policy/calendar.h \
	policy/civil.c \
	policy/civil.h \
	policy/condition-describe.c \
	policy/condition-operators.c \
	policy/condition-parse.c \
	policy/condition-parse.h \
	policy/condition-program.h \
	policy/condition-token.c \
	policy/condition.c \
	policy/condition.h \
	policy/facts.c \
	policy/facts.h \
	policy/schedule.c \
	policy/schedule.h \
	policy/timezone-load.c \
	policy/timezone-rule.c \
	policy/timezone-table.h \
	policy/timezone-tzif.c \
	policy/timezone.c \
	policy/timezone.h \
	$(NULL)

policy_time_tests = \
	tests/fuzz/fuzz-calendar-replay \
	tests/fuzz/fuzz-condition-replay \
	tests/fuzz/fuzz-schedule-replay \
	tests/fuzz/fuzz-timezone-replay \
	tests/property/test-calendar-systemd \
	tests/property/test-clock-step \
	tests/property/test-condition-tree \
	tests/property/test-schedule-steps \
	tests/property/test-timezone-libc \
	tests/unit/test-calendar \
	tests/unit/test-calendar-parse \
	tests/unit/test-civil \
	tests/unit/test-condition \
	tests/unit/test-condition-parse \
	tests/unit/test-facts \
	tests/unit/test-policy-limits \
	tests/unit/test-schedule \
	tests/unit/test-timezone \
	$(NULL)
check_PROGRAMS += $(policy_time_tests)
TESTS += $(policy_time_tests)
tests_property_test_calendar_systemd_LDADD = $(policy_libs)
tests_property_test_clock_step_LDADD = $(policy_libs)
tests_property_test_condition_tree_LDADD = $(policy_libs)
tests_property_test_schedule_steps_LDADD = $(policy_libs)
tests_property_test_timezone_libc_LDADD = $(policy_libs)
tests_unit_test_calendar_LDADD = $(policy_libs)
tests_unit_test_calendar_parse_LDADD = $(policy_libs)
tests_unit_test_civil_LDADD = $(policy_libs)
tests_unit_test_condition_LDADD = $(policy_libs)
tests_unit_test_condition_parse_LDADD = $(policy_libs)
tests_unit_test_facts_LDADD = $(policy_libs)
tests_unit_test_policy_limits_LDADD = $(policy_libs)
tests_unit_test_schedule_LDADD = $(policy_libs)
tests_unit_test_timezone_LDADD = $(policy_libs)
tests_fuzz_fuzz_calendar_replay_SOURCES = tests/fuzz/fuzz-calendar.c tests/fuzz/replay.c
tests_fuzz_fuzz_calendar_replay_LDADD = $(policy_libs)
tests_fuzz_fuzz_condition_replay_SOURCES = tests/fuzz/fuzz-condition.c tests/fuzz/replay.c
tests_fuzz_fuzz_condition_replay_LDADD = $(policy_libs)
tests_fuzz_fuzz_schedule_replay_SOURCES = tests/fuzz/fuzz-schedule.c tests/fuzz/replay.c
tests_fuzz_fuzz_schedule_replay_LDADD = $(policy_libs)
tests_fuzz_fuzz_timezone_replay_SOURCES = tests/fuzz/fuzz-timezone.c tests/fuzz/replay.c
tests_fuzz_fuzz_timezone_replay_LDADD = $(policy_libs)
if FUZZERS
noinst_PROGRAMS += \
	tests/fuzz/fuzz-calendar \
	tests/fuzz/fuzz-condition \
	tests/fuzz/fuzz-schedule \
	tests/fuzz/fuzz-timezone \
	$(NULL)
tests_fuzz_fuzz_calendar_LDADD = $(policy_libs)
tests_fuzz_fuzz_calendar_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_condition_LDADD = $(policy_libs)
tests_fuzz_fuzz_condition_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_schedule_LDADD = $(policy_libs)
tests_fuzz_fuzz_schedule_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_timezone_LDADD = $(policy_libs)
tests_fuzz_fuzz_timezone_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
endif
EXTRA_DIST += \
	tests/fuzz/corpus/calendar \
	tests/fuzz/corpus/condition \
	tests/fuzz/corpus/schedule \
	tests/fuzz/corpus/timezone \
	tests/tzif.h \
	tests/wall.h \
	$(NULL)

# --- Policy files, settings and the merge ---
policy_libpolicy_a_SOURCES += \
	policy/effective.c \
	policy/effective.h \
	policy/match.c \
	policy/match.h \
	policy/merge.c \
	policy/merge.h \
	policy/override.c \
	policy/override.h \
	policy/policy-compose.c \
	policy/policy-composer.h \
	policy/policy-dir.c \
	policy/policy-dir.h \
	policy/policy-file.c \
	policy/policy-file.h \
	policy/policy-load.c \
	policy/policy-read.c \
	policy/policy-set-parts.h \
	policy/policy-set.c \
	policy/policy-set.h \
	policy/policy-source.c \
	policy/setting-kinds.h \
	policy/setting-list.c \
	policy/setting-list.h \
	policy/setting-numbers.c \
	policy/setting-table.c \
	policy/setting-table.h \
	policy/setting-value.c \
	policy/setting-value.h \
	policy/setting-words.c \
	policy/settings.c \
	policy/settings.h \
	policy/uuid.c \
	policy/uuid.h \
	policy/what-if.c \
	policy/what-if.h \
	policy/windows.c \
	policy/windows.h \
	$(NULL)

policy_file_tests = \
	tests/property/test-effective \
	tests/property/test-reload \
	tests/unit/test-effective \
	tests/unit/test-match \
	tests/unit/test-policy-errors \
	tests/unit/test-policy-page \
	tests/unit/test-policy-set \
	tests/unit/test-setting-list \
	tests/unit/test-setting-table \
	tests/unit/test-settings \
	tests/unit/test-uuid \
	tests/unit/test-what-if \
	tests/fuzz/fuzz-policy-replay \
	$(NULL)
check_PROGRAMS += $(policy_file_tests)
TESTS += $(policy_file_tests)
tests_property_test_effective_LDADD = $(policy_libs)
tests_property_test_reload_LDADD = $(policy_libs)
tests_unit_test_effective_LDADD = $(policy_libs)
tests_unit_test_match_LDADD = $(policy_libs)
tests_unit_test_policy_errors_LDADD = $(policy_libs)
tests_unit_test_policy_page_LDADD = $(policy_libs)
tests_unit_test_policy_set_LDADD = $(policy_libs)
tests_unit_test_setting_list_LDADD = $(policy_libs)
tests_unit_test_setting_table_LDADD = $(policy_libs)
tests_unit_test_settings_LDADD = $(policy_libs)
tests_unit_test_uuid_LDADD = $(policy_libs)
tests_unit_test_what_if_LDADD = $(policy_libs)
tests_fuzz_fuzz_policy_replay_SOURCES = tests/fuzz/fuzz-policy.c tests/fuzz/replay.c
tests_fuzz_fuzz_policy_replay_LDADD = $(policy_libs)
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz-policy
tests_fuzz_fuzz_policy_LDADD = $(policy_libs)
tests_fuzz_fuzz_policy_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
endif
EXTRA_DIST += tests/fuzz/corpus/policy tests/golden/policy-errors.txt tests/policy-dirs.h

# --- Decisions ---
policy_libpolicy_a_SOURCES += \
	policy/balloon.c \
	policy/balloon.h \
	policy/budget.c \
	policy/contest.c \
	policy/contest.h \
	policy/cpu.c \
	policy/cpu.h \
	policy/decide-judge.c \
	policy/decide-look.c \
	policy/decide-overrides.c \
	policy/decide-state.c \
	policy/decide-state.h \
	policy/decide.c \
	policy/decide.h \
	policy/decision.c \
	policy/decision.h \
	policy/demand-parts.h \
	policy/demand-pressure.c \
	policy/demand-report.c \
	policy/demand-sizes.c \
	policy/demand.c \
	policy/demand.h \
	policy/divide.c \
	policy/divide.h \
	policy/levels.c \
	policy/moves-cgroup.c \
	policy/moves-reason.c \
	policy/moves-take.c \
	policy/moves.c \
	policy/plan.c \
	policy/plan.h \
	policy/reason.c \
	policy/reason.h \
	policy/reserve.c \
	policy/snapshot.c \
	policy/snapshot.h \
	$(NULL)

decide_tests = \
	tests/unit/test-balloon \
	tests/unit/test-cpu-policy \
	tests/unit/test-decide-soft-limit \
	tests/unit/test-decide-judge \
	tests/unit/test-decide-liar \
	tests/unit/test-decide-look \
	tests/unit/test-decide-overrides \
	tests/unit/test-decide-rules \
	tests/unit/test-contest \
	tests/unit/test-cpu \
	tests/unit/test-budget \
	tests/unit/test-decide-state \
	tests/unit/test-demand \
	tests/unit/test-divide \
	tests/unit/test-levels \
	tests/unit/test-moves \
	tests/unit/test-reason \
	$(NULL)
check_PROGRAMS += $(decide_tests)
TESTS += $(decide_tests)
tests_unit_test_balloon_LDADD = $(policy_libs)
tests_unit_test_cpu_policy_LDADD = $(policy_libs)
tests_unit_test_decide_soft_limit_LDADD = $(policy_libs)
tests_unit_test_decide_judge_LDADD = $(policy_libs)
tests_unit_test_decide_liar_LDADD = $(policy_libs)
tests_unit_test_decide_look_LDADD = $(policy_libs)
tests_unit_test_decide_overrides_LDADD = $(policy_libs)
tests_unit_test_decide_rules_LDADD = $(policy_libs)
tests_unit_test_contest_LDADD = $(policy_libs)
tests_unit_test_cpu_LDADD = $(policy_libs)
tests_unit_test_budget_LDADD = $(policy_libs)
tests_unit_test_decide_state_LDADD = $(policy_libs)
tests_unit_test_demand_LDADD = $(policy_libs)
tests_unit_test_divide_LDADD = $(policy_libs)
tests_unit_test_levels_LDADD = $(policy_libs)
tests_unit_test_moves_SOURCES = tests/unit/test-moves.c bench/decide-hosts.c bench/decide-hosts.h
tests_unit_test_moves_LDADD = $(policy_libs)
tests_unit_test_reason_LDADD = $(policy_libs)
EXTRA_DIST += tests/small-host.h

# --- Placement of guests on hosts ---
policy_libpolicy_a_SOURCES += \
	policy/ganeti-names.c \
	policy/ganeti-names.h \
	policy/ganeti.c \
	policy/ganeti.h \
	policy/placement-board.c \
	policy/placement-board.h \
	policy/placement-search.c \
	policy/placement-search.h \
	policy/placement.c \
	policy/placement.h \
	$(NULL)

placement_tests = \
	tests/fuzz/fuzz-ganeti-replay \
	tests/property/test-placement \
	tests/unit/test-ganeti \
	tests/unit/test-placement \
	tests/unit/test-placement-board \
	$(NULL)
check_PROGRAMS += $(placement_tests)
TESTS += $(placement_tests)
tests_property_test_placement_LDADD = $(policy_libs) -lm
tests_unit_test_ganeti_LDADD = $(policy_libs)
tests_unit_test_placement_LDADD = $(policy_libs)
tests_unit_test_placement_board_LDADD = $(policy_libs)
tests_fuzz_fuzz_ganeti_replay_SOURCES = tests/fuzz/fuzz-ganeti.c tests/fuzz/replay.c
tests_fuzz_fuzz_ganeti_replay_LDADD = $(policy_libs)
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz-ganeti
tests_fuzz_fuzz_ganeti_LDADD = $(policy_libs)
tests_fuzz_fuzz_ganeti_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
endif
EXTRA_DIST += tests/fuzz/corpus/ganeti

# The invariants of decide(); CASES and SEED choose how many and where from.
check_PROGRAMS += tests/property/test-decide
TESTS += tests/property/test-decide
tests_property_test_decide_SOURCES = \
	tests/property/test-decide.c \
	tests/property/host-model.c \
	tests/property/host-model.h \
	tests/property/invariants.c \
	tests/property/invariants.h \
	$(NULL)
tests_property_test_decide_LDADD = $(policy_libs)

# How long a decision takes: bench/decide runs it.
noinst_PROGRAMS += bench/decide-time
bench_decide_time_SOURCES = bench/decide-time.c bench/decide-hosts.c bench/decide-hosts.h
bench_decide_time_LDADD = $(policy_libs)
EXTRA_DIST += bench/decide

# Bugs that the tests above must find: planted by tests/mutants/run after everything else; here only whether they can be.
TESTS += tests/unit/test-mutants.sh
dist_check_SCRIPTS += tests/unit/test-mutants.sh tests/mutants/run
EXTRA_DIST += tests/mutants/planted
