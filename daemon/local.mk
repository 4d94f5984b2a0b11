# SPDX-License-Identifier: LGPL-2.1-or-later
daemon_paths = \
	-DPREFIX='"$(prefix)"' \
	-DSYSCONFDIR='"$(sysconfdir)"' \
	-DLOCALSTATEDIR='"$(localstatedir)"' \
	-DRUNSTATEDIR='"$(runstatedir)"' \
	$(NULL)

noinst_LIBRARIES += daemon/libcore.a
daemon_libcore_a_SOURCES = \
	daemon/conf.c \
	daemon/conf.h \
	$(NULL)
daemon_libcore_a_CPPFLAGS = $(AM_CPPFLAGS) $(daemon_paths)
daemon_libcore_a_CFLAGS = $(AM_CFLAGS) $(LIBSYSTEMD_CFLAGS) $(LIBVIRT_CFLAGS) $(JANSSON_CFLAGS) -pthread

check_PROGRAMS += tests/unit/test-conf
TESTS += tests/unit/test-conf
tests_unit_test_conf_LDADD = daemon/libcore.a common/libcommon.a
