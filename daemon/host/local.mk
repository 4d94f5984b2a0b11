# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LIBRARIES += daemon/host/libhost.a
daemon_host_libhost_a_SOURCES = \
	daemon/host/cgroup.c \
	daemon/host/cgroup.h \
	daemon/host/host.c \
	daemon/host/host.h \
	daemon/host/look.c \
	daemon/host/look.h \
	daemon/host/process.c \
	daemon/host/process.h \
	daemon/host/reader.c \
	daemon/host/reader.h \
	$(NULL)

host_libs = daemon/host/libhost.a $(policy_libs)
host_tests = \
	tests/unit/test-host \
	tests/unit/test-host-cgroup \
	tests/unit/test-host-process \
	tests/unit/test-look \
	$(NULL)
check_PROGRAMS += $(host_tests)
TESTS += $(host_tests)
noinst_HEADERS += tests/unit/tree.h
tests_unit_test_host_LDADD = $(host_libs)
tests_unit_test_host_cgroup_LDADD = $(host_libs)
tests_unit_test_host_process_LDADD = $(host_libs)
tests_unit_test_look_LDADD = $(host_libs)
