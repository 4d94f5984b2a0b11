# SPDX-License-Identifier: LGPL-2.1-or-later
# The HTTP side of the daemon: views, the event log, and the API that serves them.
noinst_LIBRARIES += daemon/libview.a daemon/api/libapi.a
daemon_libview_a_SOURCES = \
	daemon/counters.c \
	daemon/counters.h \
	daemon/eventlog-kind.c \
	daemon/eventlog.c \
	daemon/eventlog.h \
	daemon/past.c \
	daemon/past.h \
	daemon/view-copy.c \
	daemon/view-copy.h \
	daemon/view.c \
	daemon/view.h \
	$(NULL)

daemon_api_libapi_a_CFLAGS = $(AM_CFLAGS) $(LIBMICROHTTPD_CFLAGS) $(GNUTLS_CFLAGS) $(JANSSON_CFLAGS) -pthread
daemon_api_libapi_a_SOURCES = \
	daemon/api/answer.c \
	daemon/api/api.c \
	daemon/api/api.h \
	daemon/api/auth.c \
	daemon/api/auth.h \
	daemon/api/browser.c \
	daemon/api/browser.h \
	daemon/api/call.c \
	daemon/api/call.h \
	daemon/api/client.c \
	daemon/api/client.h \
	daemon/api/command.c \
	daemon/api/command-operation.c \
	daemon/api/command-policy.c \
	daemon/api/command.h \
	daemon/api/explain.c \
	daemon/api/explain-sizes.c \
	daemon/api/explain.h \
	daemon/api/framing.c \
	daemon/api/framing.h \
	daemon/api/http.c \
	daemon/api/http-conn.c \
	daemon/api/http-stats.c \
	daemon/api/http-stats.h \
	daemon/api/http.h \
	daemon/api/internal.h \
	daemon/api/limit.c \
	daemon/api/limit.h \
	daemon/api/metric-daemon.c \
	daemon/api/metric-guest.c \
	daemon/api/metric-host.c \
	daemon/api/metric-table.c \
	daemon/api/metric-text.c \
	daemon/api/metric-text.h \
	daemon/api/metric.h \
	daemon/api/names.c \
	daemon/api/names.h \
	daemon/api/openapi.c \
	daemon/api/openapi-example.c \
	daemon/api/openapi-route.c \
	daemon/api/openapi-schema.c \
	daemon/api/openapi.h \
	daemon/api/past.c \
	daemon/api/past.h \
	daemon/api/problem.c \
	daemon/api/problem.h \
	daemon/api/request.c \
	daemon/api/replay.c \
	daemon/api/replay.h \
	daemon/api/request-replay.c \
	daemon/api/request-send.c \
	daemon/api/request-wait.c \
	daemon/api/request.h \
	daemon/api/response.c \
	daemon/api/response.h \
	daemon/api/route.c \
	daemon/api/route-problem.c \
	daemon/api/route.h \
	daemon/api/schema-command.c \
	daemon/api/schema-daemon.c \
	daemon/api/schema-event.c \
	daemon/api/schema-guest.c \
	daemon/api/schema-history.c \
	daemon/api/schema-host.c \
	daemon/api/schema-policy.c \
	daemon/api/schema-problem.c \
	daemon/api/schema.h \
	daemon/api/serve-event.c \
	daemon/api/serve-guest-list.c \
	daemon/api/serve-guest.c \
	daemon/api/serve-history.c \
	daemon/api/serve-host.c \
	daemon/api/serve-metrics.c \
	daemon/api/serve-past.c \
	daemon/api/serve-plan.c \
	daemon/api/serve-policy.c \
	daemon/api/serve.h \
	daemon/api/tag.c \
	daemon/api/tag.h \
	daemon/api/server.c \
	daemon/api/server.h \
	daemon/api/sse.c \
	daemon/api/sse.h \
	daemon/api/stream.c \
	daemon/api/stream.h \
	daemon/api/when.c \
	daemon/api/when.h \
	daemon/api/tls.c \
	daemon/api/tls.h \
	daemon/api/www.c \
	daemon/api/www.h \
	$(NULL)
# The dashboard: the assembler reads these files into www.o.
www_files = \
	daemon/www/app.js \
	daemon/www/commands.js \
	daemon/www/dom.js \
	daemon/www/editor.js \
	daemon/www/feed.js \
	daemon/www/format.js \
	daemon/www/guest.js \
	daemon/www/guests.js \
	daemon/www/history.js \
	daemon/www/icon.svg \
	daemon/www/index.html \
	daemon/www/limits.js \
	daemon/www/plot.js \
	daemon/www/policies.js \
	daemon/www/preview.js \
	daemon/www/style.css \
	daemon/www/theme.js \
	daemon/www/transport.js \
	daemon/www/vessel.js \
	daemon/www/words.js \
	$(NULL)
EXTRA_DIST += $(www_files)
daemon_api_libapi_a_CPPFLAGS = $(AM_CPPFLAGS) -DWWW_DIR='"$(abs_top_srcdir)/daemon/www"'
daemon/api/libapi_a-www.$(OBJEXT): $(www_files)

# What a program that serves the API links, but for libpolicy.
api_libs = daemon/api/libapi.a daemon/history/libhistory.a daemon/libview.a daemon/sys/libsys.a
api_system_libs = $(LIBMICROHTTPD_LIBS) $(GNUTLS_LIBS) $(NETTLE_LIBS) $(JANSSON_LIBS) $(LIBSYSTEMD_LIBS) -lpthread

# The real API over a canned host, for tests of it and of its clients.
check_LIBRARIES += tests/fixture/libfake.a
tests_fixture_libfake_a_CFLAGS = $(AM_CFLAGS) $(LIBCURL_CFLAGS) $(JANSSON_CFLAGS) -pthread
tests_fixture_libfake_a_SOURCES = \
	tests/fixture/api-test.h \
	tests/fixture/client.c \
	tests/fixture/client.h \
	tests/fixture/fake-daemon.c \
	tests/fixture/fake-daemon.h \
	tests/fixture/fake-world.c \
	tests/fixture/fake-world.h \
	$(NULL)
fake_libs = tests/fixture/libfake.a $(api_libs) $(policy_libs) $(api_system_libs)

api_tests = \
	tests/unit/test-api \
	tests/unit/test-api-bodies \
	tests/unit/test-api-clients \
	tests/unit/test-api-framing \
	tests/unit/test-api-network \
	tests/unit/test-browser \
	tests/unit/test-limit \
	tests/unit/test-api-stream \
	tests/unit/test-eventlog \
	tests/unit/test-explain-sizes \
	tests/unit/test-metrics \
	tests/unit/test-openapi \
	tests/unit/test-replay \
	tests/unit/test-routes \
	tests/unit/test-sse \
	tests/unit/test-view \
	$(NULL)
check_PROGRAMS += $(api_tests)
TESTS += $(api_tests)
tests_unit_test_api_CPPFLAGS = $(AM_CPPFLAGS) $(LIBCURL_CFLAGS)
tests_unit_test_api_LDADD = $(fake_libs) $(LIBCURL_LIBS)
tests_unit_test_api_network_CPPFLAGS = $(AM_CPPFLAGS) $(LIBCURL_CFLAGS)
tests_unit_test_api_network_LDADD = $(fake_libs) $(LIBCURL_LIBS)
tests_unit_test_browser_LDADD = $(api_libs) $(policy_libs) $(api_system_libs)
tests_unit_test_limit_LDADD = $(api_libs) $(policy_libs) $(api_system_libs)
tests_unit_test_api_bodies_CPPFLAGS = $(AM_CPPFLAGS) $(LIBCURL_CFLAGS)
tests_unit_test_api_bodies_LDADD = $(fake_libs) $(LIBCURL_LIBS)
tests_unit_test_api_clients_CPPFLAGS = $(AM_CPPFLAGS) $(LIBCURL_CFLAGS)
tests_unit_test_api_clients_LDADD = $(fake_libs) $(LIBCURL_LIBS)
tests_unit_test_api_framing_CPPFLAGS = $(AM_CPPFLAGS) $(LIBCURL_CFLAGS)
tests_unit_test_api_framing_LDADD = $(fake_libs) $(LIBCURL_LIBS)
tests_unit_test_api_stream_CPPFLAGS = $(AM_CPPFLAGS) $(LIBCURL_CFLAGS)
tests_unit_test_api_stream_LDADD = $(fake_libs) $(LIBCURL_LIBS)
tests_unit_test_eventlog_LDADD = daemon/libview.a $(policy_libs) $(JANSSON_LIBS)
tests_unit_test_explain_sizes_LDADD = $(api_libs) $(policy_libs) $(api_system_libs)
tests_unit_test_openapi_LDADD = $(api_libs) $(policy_libs) $(api_system_libs)
tests_unit_test_metrics_CPPFLAGS = $(AM_CPPFLAGS) $(LIBCURL_CFLAGS)
tests_unit_test_metrics_LDADD = $(fake_libs) $(LIBCURL_LIBS)
tests_unit_test_replay_LDADD = $(api_libs) $(policy_libs) $(api_system_libs)
tests_unit_test_routes_LDADD = $(api_libs) $(policy_libs) $(api_system_libs)
tests_unit_test_sse_LDADD = $(api_libs) $(policy_libs) $(api_system_libs)
tests_unit_test_view_LDADD = daemon/libview.a $(policy_libs)

check_PROGRAMS += tests/fuzz/fuzz-api-body-replay
TESTS += tests/fuzz/fuzz-api-body-replay
tests_fuzz_fuzz_api_body_replay_SOURCES = tests/fuzz/fuzz-api-body.c tests/fuzz/replay.c
tests_fuzz_fuzz_api_body_replay_LDADD = $(api_libs) $(policy_libs) $(api_system_libs)
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz-api-body
tests_fuzz_fuzz_api_body_LDADD = $(api_libs) $(policy_libs) $(api_system_libs)
tests_fuzz_fuzz_api_body_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
endif
EXTRA_DIST += tests/fuzz/corpus/api-body
