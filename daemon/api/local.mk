# SPDX-License-Identifier: LGPL-2.1-or-later
# The HTTP side of the daemon: views, the event log, and the API that serves them.
noinst_LIBRARIES += daemon/libview.a
daemon_libview_a_SOURCES = \
	daemon/eventlog.c \
	daemon/eventlog.h \
	daemon/view.c \
	daemon/view.h \
	$(NULL)

api_tests = \
	tests/unit/test-eventlog \
	tests/unit/test-view \
	$(NULL)
check_PROGRAMS += $(api_tests)
TESTS += $(api_tests)
tests_unit_test_eventlog_LDADD = daemon/libview.a $(policy_libs) $(JANSSON_LIBS)
tests_unit_test_view_LDADD = daemon/libview.a $(policy_libs)
