# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_HEADERS += \
	daemon/channel/channel.h \
	daemon/channel/line.h
