# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_HEADERS += \
	daemon/host/host.h \
	daemon/host/cgroup.h \
	daemon/host/process.h \
	$(NULL)
