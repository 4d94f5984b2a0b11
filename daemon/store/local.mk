# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LIBRARIES += daemon/store/libstore.a
daemon_store_libstore_a_SOURCES = \
	daemon/store/bound.c \
	daemon/store/history.c \
	daemon/store/load.c \
	daemon/store/open.c \
	daemon/store/past-events.c \
	daemon/store/past-history.c \
	daemon/store/reader.c \
	daemon/store/reader.h \
	daemon/store/schema.c \
	daemon/store/schema.h \
	daemon/store/statements.c \
	daemon/store/store.c \
	daemon/store/store.h \
	daemon/store/store-internal.h \
	daemon/store/whole.c \
	$(NULL)
daemon_store_libstore_a_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS) $(LIBSYSTEMD_CFLAGS) -pthread

check_PROGRAMS += tests/unit/test-history tests/unit/test-store tests/unit/test-store-disk tests/unit/test-store-whole
TESTS += tests/unit/test-history tests/unit/test-store tests/unit/test-store-disk tests/unit/test-store-whole
tests_unit_test_history_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS) $(LIBSYSTEMD_CFLAGS) -pthread
tests_unit_test_history_LDADD = daemon/store/libstore.a daemon/libview.a daemon/history/libhistory.a $(policy_libs) $(SQLITE_LIBS) $(LIBSYSTEMD_LIBS) $(JANSSON_LIBS) -lpthread
tests_unit_test_store_disk_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS) $(LIBSYSTEMD_CFLAGS) -pthread
tests_unit_test_store_disk_LDADD = $(tests_unit_test_store_LDADD)
tests_unit_test_store_whole_CFLAGS = $(tests_unit_test_store_CFLAGS)
tests_unit_test_store_whole_LDADD = $(tests_unit_test_store_LDADD)
tests_unit_test_store_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS) $(LIBSYSTEMD_CFLAGS) -pthread
tests_unit_test_store_LDADD = daemon/store/libstore.a daemon/history/libhistory.a common/libcommon.a $(SQLITE_LIBS) $(LIBSYSTEMD_LIBS) -lpthread
EXTRA_DIST += tests/fixture/store-test.h
