# SPDX-License-Identifier: LGPL-2.1-or-later
# Figures over time: how they become fewer, and how they lie on the disk.
noinst_LIBRARIES += daemon/history/libhistory.a
daemon_history_libhistory_a_SOURCES = \
	daemon/history/pack.c \
	daemon/history/pack.h \
	daemon/history/series.c \
	daemon/history/series.h \
	daemon/history/tick.c \
	daemon/history/tick.h \
	$(NULL)
check_PROGRAMS += tests/unit/test-series
TESTS += tests/unit/test-series
tests_unit_test_series_LDADD = $(api_libs) $(policy_libs) $(api_system_libs)
