# SPDX-License-Identifier: LGPL-2.1-or-later
EXTRA_DIST += \
	bench/burst \
	bench/gain \
	bench/reaction \
	bench/reaction-figures.py \
	bench/reaction-probe.c \
	$(NULL)
