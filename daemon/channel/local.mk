# SPDX-License-Identifier: LGPL-2.1-or-later
# The host's end of the agent channel. line, intake, bucket, freshness and penalty are pure.
noinst_LIBRARIES += daemon/channel/libchannel.a
daemon_channel_libchannel_a_SOURCES = \
	common/json-scan.h \
	daemon/channel/bucket.c \
	daemon/channel/bucket.h \
	daemon/channel/channel-private.h \
	daemon/channel/channel.c \
	daemon/channel/channel.h \
	daemon/channel/freshness.c \
	daemon/channel/freshness.h \
	daemon/channel/hub.c \
	daemon/channel/hub.h \
	daemon/channel/intake.c \
	daemon/channel/intake.h \
	daemon/channel/line-check.c \
	daemon/channel/line.c \
	daemon/channel/line.h \
	daemon/channel/penalty.c \
	daemon/channel/penalty.h \
	daemon/channel/receive.c \
	daemon/channel/send.c \
	$(NULL)
daemon_channel_libchannel_a_CFLAGS = $(AM_CFLAGS) $(LIBSYSTEMD_CFLAGS)

channel_tests = \
	tests/unit/test-bucket \
	tests/unit/test-channel \
	tests/unit/test-freshness \
	tests/unit/test-hub \
	tests/unit/test-intake \
	tests/unit/test-json-scan \
	tests/unit/test-line \
	tests/unit/test-penalty \
	$(NULL)
check_PROGRAMS += $(channel_tests)
TESTS += $(channel_tests)
tests_unit_test_bucket_LDADD = daemon/channel/libchannel.a
tests_unit_test_channel_LDADD = daemon/channel/libchannel.a $(LIBSYSTEMD_LIBS)
# Counts allocations.
tests_unit_test_channel_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
tests_unit_test_freshness_LDADD = daemon/channel/libchannel.a
tests_unit_test_hub_LDADD = daemon/channel/libchannel.a $(LIBSYSTEMD_LIBS)
tests_unit_test_intake_LDADD = daemon/channel/libchannel.a
tests_unit_test_json_scan_LDADD = $(JANSSON_LIBS)
tests_unit_test_line_LDADD = daemon/channel/libchannel.a
tests_unit_test_penalty_LDADD = daemon/channel/libchannel.a

# What a guest may write.
check_PROGRAMS += tests/fuzz/fuzz-agent-line-replay
TESTS += tests/fuzz/fuzz-agent-line-replay
tests_fuzz_fuzz_agent_line_replay_SOURCES = tests/fuzz/fuzz-agent-line.c tests/fuzz/replay.c
tests_fuzz_fuzz_agent_line_replay_LDADD = daemon/channel/libchannel.a
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz-agent-line
tests_fuzz_fuzz_agent_line_LDADD = daemon/channel/libchannel.a
tests_fuzz_fuzz_agent_line_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
endif
EXTRA_DIST += tests/fuzz/corpus/agent-line

# What all this costs.
noinst_PROGRAMS += bench/channel-probe
bench_channel_probe_LDADD = daemon/channel/libchannel.a $(LIBSYSTEMD_LIBS)

# What the whole daemon costs.
noinst_PROGRAMS += bench/cost-floor bench/cost-watch
EXTRA_DIST += bench/cost tests/fixture/channel-test.h
