# SPDX-License-Identifier: LGPL-2.1-or-later

man_MANS += man/ballast.policy.5
EXTRA_DIST += man/ballast.policy.5
