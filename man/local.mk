# SPDX-License-Identifier: LGPL-2.1-or-later

man_MANS += man/ballast.policy.5
EXTRA_DIST += man/ballast.policy.5

# The daemon's pages.
daemon_mans = \
	man/ballast-api.7 \
	man/ballast-metrics.7 \
	man/ballast.7 \
	man/ballast.conf.5 \
	man/ballastd.8 \
	$(NULL)
man_MANS += $(daemon_mans)
EXTRA_DIST += $(daemon_mans)
