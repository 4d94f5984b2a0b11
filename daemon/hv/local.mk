# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_HEADERS += \
	daemon/hv/hv.h \
	daemon/hv/hv-call.h \
	daemon/hv/hv-guest.h \
	$(NULL)
