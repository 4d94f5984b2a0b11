# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_PROGRAMS += bench/api-load
EXTRA_DIST += \
	bench/api \
	bench/build.sh \
	bench/burst \
	bench/gain \
	bench/plan \
	bench/reaction \
	bench/reaction-figures.py \
	bench/reaction-probe.c \
	$(NULL)
