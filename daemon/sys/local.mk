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
	daemon/sys/outbox.c \
	daemon/sys/outbox.h \
	$(NULL)
daemon_sys_libsys_a_CFLAGS = $(AM_CFLAGS) $(LIBSYSTEMD_CFLAGS)

sys_tests = tests/unit/test-journal tests/unit/test-outbox tests/unit/test-sys
check_PROGRAMS += $(sys_tests)
TESTS += $(sys_tests)
tests_unit_test_journal_LDADD = daemon/sys/libsys.a $(policy_libs) $(LIBSYSTEMD_LIBS) -lpthread
tests_unit_test_outbox_LDADD = daemon/sys/libsys.a -lpthread
tests_unit_test_sys_CFLAGS = $(AM_CFLAGS) $(LIBSYSTEMD_CFLAGS)
tests_unit_test_sys_LDADD = daemon/sys/libsys.a $(policy_libs) $(LIBSYSTEMD_LIBS)
