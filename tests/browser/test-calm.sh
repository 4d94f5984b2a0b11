#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the page says where nothing is wrong, in a real browser at a real daemon: without guests, and with two that are well.
. "$(dirname "$0")/../api/lib.sh"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/serve.sh"
browser_ready
page_policies() { :; }
heard() { # it answers, and as many as there are have reported
	"$builddir/ballastctl" --socket="$tmp/api.sock" guest list --json >"$tmp/list" 2>/dev/null &&
		[ "$(tr ',' '\n' <"$tmp/list" | grep -c '"source": *"agent"')" = "$guests" ]
}
both() {
	guests=0
	page_up && WORLD=empty page_run calm.mjs && daemon_down || return 1
	kill "$agents_pid" && wait "$agents_pid"
	rm -rf "$tmp/state" "$tmp/tokens"
	guests=2
	page_up && WORLD=well page_run calm.mjs && daemon_down
}
both >"$tmp/tap"
code=$?
# Two plans become one.
awk '/^1\.\./ { next } /^(not )?ok/ { n++; sub(/ok [0-9]+/, "ok " n) } { print } END { print "1.." n }' "$tmp/tap"
exit $code
