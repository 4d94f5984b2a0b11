# SPDX-License-Identifier: LGPL-2.1-or-later
# The page in real Chromium: here at a daemon over libvirt's test driver, in tests/lab/test-page.sh at one with real guests.
page_tests = \
	tests/browser/test-calm.sh \
	tests/browser/test-crowd.sh \
	tests/browser/test-states.sh \
	tests/browser/test-tls.sh \
	$(NULL)
dist_check_SCRIPTS += $(page_tests)
TESTS += $(page_tests)
EXTRA_DIST += \
	tests/browser/cable.mjs \
	tests/browser/calm.mjs \
	tests/browser/crowd.mjs \
	tests/browser/kit.mjs \
	tests/browser/lib.sh \
	tests/browser/package-lock.json \
	tests/browser/package.json \
	tests/browser/page.mjs \
	tests/browser/serve.sh \
	tests/browser/states.mjs \
	tests/browser/tls.mjs \
	$(NULL)
