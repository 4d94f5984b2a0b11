# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Chromium, and what drives it: for tests that source tests/lab/lib.sh or tests/api/lib.sh first. browser_ready sets $browser_run, where scripts and
# packages are; or the whole test is skipped, with the reason.
browser_top=${TEST_TOP:-${srcdir:-}}
# shellcheck source=tests/fixture/npm.sh
. "$browser_top/tests/fixture/npm.sh"
browser_run=${builddir:-$browser_top/build}/tests/browser/node

browser_skip() {
	if declare -F tap_skip_all >/dev/null; then
		tap_skip_all "$@"
	else
		skip_all "$@"
	fi
}

browser_ready() {
	local f

	command -v chromium >/dev/null || browser_skip "chromium is not installed: scripts/deps"
	npm_ready "$browser_top/tests/browser" "$browser_run" || browser_skip "$npm_reason"
	# Tests run side by side: nobody reads half a script.
	for f in "$browser_top"/tests/browser/*.mjs; do
		cp "$f" "$browser_run/.new-$$" && mv "$browser_run/.new-$$" "$browser_run/${f##*/}"
	done
}
