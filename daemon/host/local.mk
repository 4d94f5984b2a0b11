# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LIBRARIES += daemon/host/libhost.a
daemon_host_libhost_a_SOURCES = \
	daemon/host/cgroup.c \
	daemon/host/cgroup.h \
	daemon/host/host.c \
	daemon/host/host.h \
	daemon/host/process.c \
	daemon/host/process.h \
	daemon/host/reader.c \
	daemon/host/reader.h \
	$(NULL)
