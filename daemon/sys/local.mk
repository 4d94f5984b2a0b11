# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LIBRARIES += daemon/sys/libsys.a
daemon_sys_libsys_a_SOURCES = \
	daemon/sys/clock.h \
	daemon/sys/credentials.c \
	daemon/sys/credentials.h \
	daemon/sys/journal.c \
	daemon/sys/journal.h \
	daemon/sys/listen.c \
	daemon/sys/listen.h \
	daemon/sys/notify.c \
	daemon/sys/notify.h \
	$(NULL)
daemon_sys_libsys_a_CFLAGS = $(AM_CFLAGS) $(LIBSYSTEMD_CFLAGS)

check_PROGRAMS += tests/unit/test-sys
TESTS += tests/unit/test-sys
tests_unit_test_sys_CFLAGS = $(AM_CFLAGS) $(LIBSYSTEMD_CFLAGS)
tests_unit_test_sys_LDADD = daemon/sys/libsys.a $(policy_libs) $(LIBSYSTEMD_LIBS)
