# SPDX-License-Identifier: LGPL-2.1-or-later
# /run is the service manager's, whatever the prefix.
daemon_paths = \
	-DPREFIX='"$(prefix)"' \
	-DSYSCONFDIR='"$(sysconfdir)"' \
	-DLOCALSTATEDIR='"$(localstatedir)"' \
	-DRUNSTATEDIR='"/run"' \
	$(NULL)

noinst_LIBRARIES += common/libcommon.a
common_libcommon_a_SOURCES = \
	common/address.c \
	common/address.h \
	common/conf-key.c \
	common/conf-key.h \
	common/conf.c \
	common/conf.h \
	common/diag.c \
	common/diag.h \
	common/histogram.h \
	common/ini.c \
	common/ini.h \
	common/json-in.c \
	common/json-out.c \
	common/json-time.c \
	common/json.h \
	common/macros.h \
	common/printable.c \
	common/printable.h \
	common/role.c \
	common/role.h \
	common/shell-word.c \
	common/shell-word.h \
	common/token-file.c \
	common/token-file.h \
	common/token-secret.c \
	common/token-secret.h \
	common/strtab.h \
	common/units.c \
	common/units.h \
	common/utf8.h \
	$(NULL)
common_libcommon_a_CPPFLAGS = $(AM_CPPFLAGS) $(daemon_paths)
common_libcommon_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(NETTLE_CFLAGS)

common_tests = \
	tests/unit/test-conf \
	tests/unit/test-conf-key \
	tests/unit/test-diag \
	tests/unit/test-ini \
	tests/unit/test-json-in \
	tests/unit/test-json-out \
	tests/unit/test-json-time \
	tests/unit/test-printable \
	tests/unit/test-address \
	tests/unit/test-role \
	tests/unit/test-shell-word \
	tests/unit/test-token-file \
	tests/unit/test-token-secret \
	tests/unit/test-units \
	$(NULL)
check_PROGRAMS += $(common_tests)
TESTS += $(common_tests)
tests_unit_test_conf_LDADD = common/libcommon.a
tests_unit_test_conf_key_LDADD = common/libcommon.a
tests_unit_test_role_LDADD = common/libcommon.a
tests_unit_test_shell_word_LDADD = common/libcommon.a
tests_unit_test_token_secret_LDADD = common/libcommon.a $(NETTLE_LIBS)
tests_unit_test_diag_LDADD = common/libcommon.a
tests_unit_test_ini_LDADD = common/libcommon.a
tests_unit_test_units_LDADD = common/libcommon.a
tests_unit_test_printable_LDADD = common/libcommon.a
tests_unit_test_address_LDADD = common/libcommon.a
tests_unit_test_token_file_LDADD = common/libcommon.a $(NETTLE_LIBS)
tests_unit_test_json_in_LDADD = common/libcommon.a $(JANSSON_LIBS)
tests_unit_test_json_out_LDADD = common/libcommon.a $(JANSSON_LIBS)
tests_unit_test_json_time_LDADD = common/libcommon.a $(JANSSON_LIBS)

# Every parser of foreign text: replayed over its corpus by `make check`, a libFuzzer target with --enable-fuzzers.
common_replays = \
	tests/fuzz/fuzz-ini-replay \
	tests/fuzz/fuzz-token-file-replay \
	tests/fuzz/fuzz-units-replay \
	$(NULL)
check_PROGRAMS += $(common_replays)
TESTS += $(common_replays)
tests_fuzz_fuzz_ini_replay_SOURCES = tests/fuzz/fuzz-ini.c tests/fuzz/replay.c
tests_fuzz_fuzz_ini_replay_LDADD = common/libcommon.a
tests_fuzz_fuzz_token_file_replay_SOURCES = tests/fuzz/fuzz-token-file.c tests/fuzz/replay.c
tests_fuzz_fuzz_token_file_replay_LDADD = common/libcommon.a
tests_fuzz_fuzz_units_replay_SOURCES = tests/fuzz/fuzz-units.c tests/fuzz/replay.c
tests_fuzz_fuzz_units_replay_LDADD = common/libcommon.a
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz-ini tests/fuzz/fuzz-token-file tests/fuzz/fuzz-units
tests_fuzz_fuzz_token_file_LDADD = common/libcommon.a
tests_fuzz_fuzz_token_file_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_ini_LDADD = common/libcommon.a
tests_fuzz_fuzz_ini_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_units_LDADD = common/libcommon.a
tests_fuzz_fuzz_units_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
endif
EXTRA_DIST += tests/fuzz/corpus/ini tests/fuzz/corpus/token-file tests/fuzz/corpus/units
