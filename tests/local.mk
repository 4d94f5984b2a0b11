# SPDX-License-Identifier: LGPL-2.1-or-later

# What of the house style a program can look at.
TESTS += tests/unit/test-style.sh
dist_check_SCRIPTS += tests/unit/test-style.sh

# What tests share, whatever they are of.
EXTRA_DIST += \
	tests/distcheck \
	tests/fixture/certificates.sh \
	tests/fixture/npm.sh \
	tests/test.h \
	$(NULL)
