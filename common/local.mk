# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LIBRARIES += common/libcommon.a
common_libcommon_a_SOURCES = \
	common/diag.c \
	common/diag.h \
	common/ini.c \
	common/ini.h \
	common/json-in.c \
	common/json-out.c \
	common/json-time.c \
	common/json.h \
	common/macros.h \
	common/strtab.h \
	common/units.c \
	common/units.h \
	common/utf8.h \
	$(NULL)
common_libcommon_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)

common_tests = \
	tests/unit/test-diag \
	tests/unit/test-ini \
	tests/unit/test-json \
	tests/unit/test-units \
	$(NULL)
check_PROGRAMS += $(common_tests)
TESTS += $(common_tests)
tests_unit_test_diag_LDADD = common/libcommon.a
tests_unit_test_ini_LDADD = common/libcommon.a
tests_unit_test_units_LDADD = common/libcommon.a
tests_unit_test_json_LDADD = common/libcommon.a $(JANSSON_LIBS)
