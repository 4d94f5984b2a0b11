# SPDX-License-Identifier: LGPL-2.1-or-later
bin_PROGRAMS += ballastctl
ballastctl_CPPFLAGS = $(AM_CPPFLAGS) $(daemon_paths)
ballastctl_CFLAGS = $(AM_CFLAGS) $(LIBCURL_CFLAGS) $(JANSSON_CFLAGS)
ballastctl_LDADD = $(simulate_libs) $(NETTLE_LIBS) $(LIBCURL_LIBS) $(JANSSON_LIBS)
ballastctl_SOURCES = \
	cli/chart.c \
	cli/chart.h \
	cli/cli.h \
	cli/client-private.h \
	cli/client-say.c \
	cli/client-stream.c \
	cli/client.c \
	cli/client.h \
	cli/complete.c \
	cli/complete.h \
	cli/context.c \
	cli/contexts.c \
	cli/contexts.h \
	cli/daemon-conf.c \
	cli/daemon-conf.h \
	cli/doctor-check.c \
	cli/doctor-gather.c \
	cli/doctor-gather.h \
	cli/doctor-guest.c \
	cli/doctor-probe.c \
	cli/doctor-probe.h \
	cli/doctor.c \
	cli/doctor.h \
	cli/effect.c \
	cli/effect.h \
	cli/end.c \
	cli/end.h \
	cli/endpoint.c \
	cli/endpoint.h \
	cli/event-view.c \
	cli/event-view.h \
	cli/events.c \
	cli/exit-code.c \
	cli/exit-code.h \
	cli/explain.c \
	cli/get.c \
	cli/get.h \
	cli/guest-set.c \
	cli/guest-table.c \
	cli/guest-table.h \
	cli/guest.c \
	cli/help.c \
	cli/help.h \
	cli/history.c \
	cli/host-view.c \
	cli/host.c \
	cli/host-view.h \
	cli/main.c \
	cli/message.c \
	cli/path.c \
	cli/path.h \
	cli/sse.c \
	cli/sse.h \
	cli/mode.c \
	cli/operation.c \
	cli/operation.h \
	cli/option-table.c \
	cli/options.c \
	cli/options.h \
	cli/pause.c \
	cli/plan-import.c \
	cli/plan.c \
	cli/plan.h \
	cli/policy-check.c \
	cli/policy-diff.c \
	cli/policy-files.c \
	cli/policy-hidden.c \
	cli/policy-hidden.h \
	cli/policy-files.h \
	cli/policy-guest.c \
	cli/policy-guest.h \
	cli/policy-test.c \
	cli/policy-write.c \
	cli/policy-next.c \
	cli/policy-next.h \
	cli/policy.c \
	cli/preview.c \
	cli/preview.h \
	cli/reservation.c \
	cli/role.c \
	cli/role.h \
	cli/section.c \
	cli/section.h \
	cli/settings-view.c \
	cli/settings-view.h \
	cli/status.c \
	cli/table.c \
	cli/term.c \
	cli/term.h \
	cli/token.c \
	cli/top.c \
	cli/whoami.c \
	cli/watch-run.c \
	cli/watch.c \
	cli/watch.h \
	$(NULL)

check_PROGRAMS += tests/fixture/fake-ballastd
tests_fixture_fake_ballastd_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) -pthread
tests_fixture_fake_ballastd_LDADD = $(fake_libs)

bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = cli/completion/ballastctl

man_MANS += man/ballastctl.1
EXTRA_DIST += man/ballastctl.1 tests/golden/cli
cli_tests = \
	tests/unit/test-cli-help.sh \
	tests/unit/test-cli-policy.sh \
	tests/unit/test-cli-remote.sh \
	tests/unit/test-cli-ways.sh \
	tests/unit/test-cli.sh \
	tests/unit/test-complete.sh \
	tests/unit/test-man-ballastctl.sh \
	tests/unit/test-plan-import.sh \
	tests/unit/test-token.sh \
	$(NULL)
TESTS += $(cli_tests)
EXTRA_DIST += tests/fixture/ballastd.sh tests/fixture/cli.sh tests/fixture/http-answer.py

check_PROGRAMS += tests/unit/test-doctor tests/unit/test-exit-code
TESTS += tests/unit/test-doctor tests/unit/test-exit-code
tests_unit_test_doctor_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_doctor_SOURCES = tests/unit/test-doctor.c cli/doctor-check.c cli/doctor-guest.c cli/get.c
tests_unit_test_doctor_LDADD = common/libcommon.a $(JANSSON_LIBS)
tests_unit_test_exit_code_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_exit_code_SOURCES = tests/unit/test-exit-code.c cli/exit-code.c daemon/api/problem.c
tests_unit_test_exit_code_LDADD = common/libcommon.a $(JANSSON_LIBS)
dist_check_SCRIPTS += $(cli_tests)

check_PROGRAMS += tests/unit/test-chart tests/unit/test-cli-sse tests/unit/test-get tests/unit/test-policy-next tests/unit/test-table
TESTS += tests/unit/test-chart tests/unit/test-cli-sse tests/unit/test-get tests/unit/test-policy-next tests/unit/test-table
tests_unit_test_policy_next_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_policy_next_SOURCES = tests/unit/test-policy-next.c cli/event-view.c cli/get.c cli/policy-next.c cli/term.c
tests_unit_test_policy_next_LDADD = common/libcommon.a $(JANSSON_LIBS)
tests_unit_test_get_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_get_SOURCES = tests/unit/test-get.c cli/event-view.c cli/get.c cli/term.c
tests_unit_test_get_LDADD = common/libcommon.a $(JANSSON_LIBS)
tests_unit_test_table_SOURCES = tests/unit/test-table.c cli/table.c cli/term.c
tests_unit_test_table_LDADD = common/libcommon.a
tests_unit_test_chart_CPPFLAGS = $(AM_CPPFLAGS)
tests_unit_test_chart_SOURCES = tests/unit/test-chart.c cli/chart.c cli/term.c
tests_unit_test_chart_LDADD = common/libcommon.a
tests_unit_test_cli_sse_SOURCES = tests/unit/test-cli-sse.c cli/sse.c
