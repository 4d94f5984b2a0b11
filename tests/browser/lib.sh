# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Chromium, and what drives it: for tests that source tests/lab/lib.sh first. browser_ready sets $browser_run, where scripts and packages are; or the
# whole test is skipped, with the reason.
browser_run=${builddir:-$TEST_TOP/build}/tests/browser/node

browser_ready() {
	local digest

	command -v chromium >/dev/null || tap_skip_all "chromium is not installed: scripts/deps"
	command -v node >/dev/null && command -v npm >/dev/null || tap_skip_all "node and npm are not installed: scripts/deps"
	mkdir -p "$browser_run"
	digest=$(cat "$TEST_TOP/tests/browser/package.json" "$TEST_TOP/tests/browser/package-lock.json" | sha256sum)
	if [ "$(cat "$browser_run/digest" 2>/dev/null)" != "$digest" ]; then
		cp "$TEST_TOP/tests/browser/package.json" "$TEST_TOP/tests/browser/package-lock.json" "$browser_run/"
		(cd "$browser_run" && timeout 300 npm ci --no-audit --no-fund --ignore-scripts --fetch-retries=1) >"$browser_run.log" 2>&1 ||
			tap_skip_all "npm cannot install packages (no registry?): $(grep -m1 -E 'npm (ERR!|error)' "$browser_run.log")"
		echo "$digest" >"$browser_run/digest"
	fi
	cp "$TEST_TOP"/tests/browser/*.mjs "$browser_run/"
}
