# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LIBRARIES += daemon/hv/libhv.a
daemon_hv_libhv_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBVIRT_CFLAGS) $(LIBXML_CFLAGS)
daemon_hv_libhv_a_SOURCES = \
	daemon/hv/hv-call.c \
	daemon/hv/hv-call.h \
	daemon/hv/hv-control.c \
	daemon/hv/hv-event.c \
	daemon/hv/hv-exec-channel.c \
	daemon/hv/hv-exec-cpu.c \
	daemon/hv/hv-exec-memory.c \
	daemon/hv/hv-exec-process.c \
	daemon/hv/hv-exec-xml.c \
	daemon/hv/hv-exec.c \
	daemon/hv/hv-exec.h \
	daemon/hv/hv-guest-priv.h \
	daemon/hv/hv-guest.c \
	daemon/hv/hv-guest.h \
	daemon/hv/hv-guests.c \
	daemon/hv/hv-loop.c \
	daemon/hv/hv-node.c \
	daemon/hv/hv-node.h \
	daemon/hv/hv-out.c \
	daemon/hv/hv-priv.h \
	daemon/hv/hv-sched-end.c \
	daemon/hv/hv-sched-priv.h \
	daemon/hv/hv-sched.c \
	daemon/hv/hv-sched.h \
	daemon/hv/hv-worker.c \
	daemon/hv/hv-xml.c \
	daemon/hv/hv.c \
	daemon/hv/hv.h \
	$(NULL)
# What a program that links libhv.a needs after it.
hv_libs = daemon/hv/libhv.a daemon/host/libhost.a $(policy_libs) $(LIBVIRT_LIBS) $(LIBXML_LIBS) -lpthread

hv_tests = \
	tests/unit/test-hv \
	tests/unit/test-hv-guests \
	tests/unit/test-hv-process \
	tests/unit/test-hv-sched \
	tests/unit/test-hv-xml \
	$(NULL)
check_PROGRAMS += $(hv_tests)
TESTS += $(hv_tests)
tests_unit_test_hv_CPPFLAGS = $(AM_CPPFLAGS) $(LIBVIRT_CFLAGS)
tests_unit_test_hv_LDADD = $(hv_libs)
tests_unit_test_hv_guests_CPPFLAGS = $(AM_CPPFLAGS) $(LIBVIRT_CFLAGS)
tests_unit_test_hv_guests_LDADD = $(hv_libs)
tests_unit_test_hv_process_CPPFLAGS = $(AM_CPPFLAGS) $(LIBVIRT_CFLAGS)
tests_unit_test_hv_process_LDADD = $(hv_libs)
tests_unit_test_hv_sched_LDADD = $(hv_libs)
tests_unit_test_hv_xml_LDADD = $(hv_libs)
EXTRA_DIST += tests/golden/hv

# A definition comes from whoever may define guests, by way of libvirt.
check_PROGRAMS += tests/fuzz/fuzz-domain-xml-replay
TESTS += tests/fuzz/fuzz-domain-xml-replay
tests_fuzz_fuzz_domain_xml_replay_SOURCES = tests/fuzz/fuzz-domain-xml.c tests/fuzz/replay.c
tests_fuzz_fuzz_domain_xml_replay_LDADD = $(hv_libs)
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz-domain-xml
tests_fuzz_fuzz_domain_xml_LDADD = $(hv_libs)
tests_fuzz_fuzz_domain_xml_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
endif
EXTRA_DIST += tests/fuzz/corpus/domain-xml

# Prints what libvirt says and makes calls by hand; tests/lab/test-hv.sh drives it.
check_PROGRAMS += tests/lab/hv-probe
tests_lab_hv_probe_CPPFLAGS = $(AM_CPPFLAGS) $(LIBVIRT_CFLAGS)
tests_lab_hv_probe_LDADD = $(hv_libs)
dist_check_SCRIPTS += tests/lab/test-hv.sh
