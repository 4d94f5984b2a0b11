# SPDX-License-Identifier: LGPL-2.1-or-later
# The in-guest half: static, libc only, without sanitizers, and by its own compiler (musl where there is one), hence by hand.
agent_parts = \
	agent/agent.c \
	agent/calm.c \
	agent/fs.c \
	agent/hostline.c \
	agent/line.c \
	agent/look.c \
	agent/port.c \
	agent/proc.c \
	agent/psi.c \
	agent/rights.c \
	agent/text.c \
	$(NULL)
agent_headers = \
	agent/agent.h \
	agent/calm.h \
	agent/figures.h \
	agent/fs.h \
	agent/hostline.h \
	agent/line.h \
	agent/look.h \
	agent/port.h \
	agent/proc.h \
	agent/psi.h \
	agent/rights.h \
	agent/text.h \
	common/json-scan.h \
	common/macros.h \
	$(NULL)
EXTRA_DIST += agent/main.c $(agent_parts) $(agent_headers) tests/lab/test-agent.sh

sbin_SCRIPTS += agent/ballast-agent
CLEANFILES += agent/ballast-agent
agent_compile_flags = -std=gnu17 -Os -static -fstack-protector-strong -ffunction-sections -fdata-sections
agent_link_flags = -Wl,--gc-sections
agent/ballast-agent: agent/main.c $(agent_parts) $(agent_headers) config.h
	$(AM_V_CC)$(MKDIR_P) agent && cd $(srcdir) && $(AGENT_CC) $(WARN_CFLAGS) $(agent_compile_flags) \
		-D_GNU_SOURCE -I. -I$(abs_builddir) $(agent_link_flags) -o $(abs_builddir)/$@ \
		agent/main.c $(agent_parts)

# Where it is started, and told.
systemdsystemunit_DATA += systemd/ballast-agent.service
CLEANFILES += systemd/ballast-agent.service
EXTRA_DIST += systemd/ballast-agent.service.in
systemd/ballast-agent.service: systemd/ballast-agent.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && $(SED) 's|@sbindir[@]|$(sbindir)|g' \
		$(srcdir)/systemd/ballast-agent.service.in >$@.tmp && mv $@.tmp $@
man_MANS += man/ballast-agent.8
EXTRA_DIST += man/ballast-agent.8

# Its parts once more, by the compiler and with the sanitizers of everything else.
noinst_LIBRARIES += agent/libagent.a
agent_libagent_a_SOURCES = $(agent_parts) $(agent_headers)

agent_tests = \
	tests/unit/test-agent-calm \
	tests/unit/test-agent-calm-cpus \
	tests/unit/test-agent-fs \
	tests/unit/test-agent-hostline \
	tests/unit/test-agent-line \
	tests/unit/test-agent-look \
	tests/unit/test-agent-port \
	tests/unit/test-agent-proc \
	tests/unit/test-agent-run \
	$(NULL)
check_PROGRAMS += $(agent_tests) tests/fuzz/fuzz-host-line-replay
TESTS += $(agent_tests) tests/fuzz/fuzz-host-line-replay
tests_unit_test_agent_calm_LDADD = agent/libagent.a
tests_unit_test_agent_calm_cpus_LDADD = agent/libagent.a
tests_unit_test_agent_fs_LDADD = agent/libagent.a
tests_unit_test_agent_hostline_LDADD = agent/libagent.a
tests_unit_test_agent_line_LDADD = agent/libagent.a daemon/channel/libchannel.a
tests_unit_test_agent_look_LDADD = agent/libagent.a
tests_unit_test_agent_port_LDADD = agent/libagent.a
tests_unit_test_agent_proc_LDADD = agent/libagent.a
tests_unit_test_agent_run_LDADD = daemon/channel/libchannel.a
tests_unit_test_agent_run_CPPFLAGS = $(AM_CPPFLAGS) -DAGENT_CC_NAME='"$(AGENT_CC)"'

tests_fuzz_fuzz_host_line_replay_SOURCES = tests/fuzz/fuzz-host-line.c tests/fuzz/replay.c
tests_fuzz_fuzz_host_line_replay_LDADD = agent/libagent.a
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz-host-line
tests_fuzz_fuzz_host_line_LDADD = agent/libagent.a
tests_fuzz_fuzz_host_line_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
endif
EXTRA_DIST += tests/fuzz/corpus/host-line

# Many guests at once, for benchmarks.
noinst_PROGRAMS += bench/fake-agents
bench_fake_agents_LDADD = agent/libagent.a
