# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Chromium, and what drives it: for tests that source tests/lab/lib.sh first. browser_ready sets $browser_run, where scripts and packages are; or the
# whole test is skipped, with the reason.
# shellcheck source=tests/fixture/npm.sh
. "$TEST_TOP/tests/fixture/npm.sh"
browser_run=${builddir:-$TEST_TOP/build}/tests/browser/node

browser_ready() {
	command -v chromium >/dev/null || tap_skip_all "chromium is not installed: scripts/deps"
	npm_ready "$TEST_TOP/tests/browser" "$browser_run" || tap_skip_all "$npm_reason"
	cp "$TEST_TOP"/tests/browser/*.mjs "$browser_run/"
}
