# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LIBRARIES += simulate/libsimulate.a
simulate_libsimulate_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
simulate_libsimulate_a_SOURCES = \
	simulate/agent-model.c \
	simulate/agent-model.h \
	simulate/balloon.c \
	simulate/channel-model.c \
	simulate/channel-model.h \
	simulate/cmd.c \
	simulate/cpu.c \
	simulate/driver.c \
	simulate/driver.h \
	simulate/fields.c \
	simulate/fields.h \
	simulate/guest.c \
	simulate/judge-expect.c \
	simulate/judge-flips.c \
	simulate/judge-parts.h \
	simulate/judge-promise.c \
	simulate/judge-rules.c \
	simulate/judge.c \
	simulate/judge.h \
	simulate/output-json.c \
	simulate/output-table.c \
	simulate/output.c \
	simulate/output.h \
	simulate/rng.c \
	simulate/rng.h \
	simulate/scenario-read.c \
	simulate/scenario.c \
	simulate/scenario.h \
	simulate/simulate.h \
	simulate/view-watch.c \
	simulate/view.c \
	simulate/view.h \
	simulate/world-parts.h \
	simulate/world.c \
	simulate/world.h \
	$(NULL)
simulate_libs = simulate/libsimulate.a policy/libpolicy.a common/libcommon.a $(JANSSON_LIBS)


# The same as `ballastctl simulate`, for tests and for trying things out.
noinst_PROGRAMS += simulate/ballast-simulate
simulate_ballast_simulate_SOURCES = simulate/ballast-simulate.c
simulate_ballast_simulate_LDADD = $(simulate_libs)

simulate_tests = \
	tests/unit/test-agent-model \
	tests/unit/test-channel-model \
	tests/unit/test-judge \
	tests/unit/test-rng \
	tests/unit/test-scenario \
	tests/unit/test-world \
	$(NULL)
check_PROGRAMS += $(simulate_tests)
TESTS += $(simulate_tests)
tests_unit_test_agent_model_LDADD = $(simulate_libs)
tests_unit_test_channel_model_LDADD = $(simulate_libs)
tests_unit_test_judge_LDADD = $(simulate_libs)
tests_unit_test_rng_LDADD = $(simulate_libs)
tests_unit_test_scenario_LDADD = $(simulate_libs)
tests_unit_test_world_LDADD = $(simulate_libs)

check_PROGRAMS += tests/fuzz/fuzz-scenario-replay
TESTS += tests/fuzz/fuzz-scenario-replay
tests_fuzz_fuzz_scenario_replay_SOURCES = tests/fuzz/fuzz-scenario.c tests/fuzz/replay.c
tests_fuzz_fuzz_scenario_replay_LDADD = $(simulate_libs)
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz-scenario
tests_fuzz_fuzz_scenario_LDADD = $(simulate_libs)
tests_fuzz_fuzz_scenario_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
endif
EXTRA_DIST += tests/fuzz/corpus/scenario

# The baseline: the same simulator over a plain reactive loop; and the judge that knows nothing of it.
check_PROGRAMS += tests/unit/simulate-baseline tests/unit/judge-lines
tests_unit_simulate_baseline_SOURCES = tests/unit/fake-decide.c simulate/ballast-simulate.c
tests_unit_simulate_baseline_LDADD = $(simulate_libs)
tests_unit_judge_lines_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_judge_lines_LDADD = $(JANSSON_LIBS)

dist_check_SCRIPTS += tests/unit/test-simulate.sh
TESTS += tests/unit/test-simulate.sh
EXTRA_DIST += simulate/scenarios simulate/MODEL.md tests/golden/simulate.json \
	tests/golden/simulate.jsonl tests/golden/simulate.table tests/golden/simulate-unmet
