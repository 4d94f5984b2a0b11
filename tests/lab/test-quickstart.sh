#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ./quickstart as somebody sees it who runs it for the first time: the address that it prints is that of the page, and Ctrl-C leaves nothing, whenever it
# is pressed: with BALLAST_TEST_SLOW=1 in each phase, else while the host boots and when all is up.
. "$(dirname "$0")/lib.sh"

log=$TEST_TMP/log pid=
# As a terminal starts it: in a session of its own, with Ctrl-C not ignored.
begin() {
	rm -f "$log"
	python3 -c '
import os, signal, sys
os.setsid()
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' "$TEST_TOP/quickstart" >"$log" 2>&1 </dev/null &
	pid=$!
}
ended() { ! kill -0 "$pid" 2>/dev/null; }
# Ctrl-C, as a terminal sends it: to all that run in it.
ctrl_c() {
	kill -INT -- "-$pid"
	wait_until 90 ended || return 1
	wait "$pid"
	code=$?
}
said() { grep -qF -- "$1" "$log"; }
said_or_ended() { said "$1" || ended; }
left() { # what there is of it still
	local p

	ps -s "$pid" -o pid=,stat=,args= | awk '$2 !~ /^Z/' # one that has ended is for process 1 to notice
	[ -z "$tag" ] || lab_traces "$tag"
	ls -d "$LAB_DIR" /tmp/ballast-quickstart.* 2>/dev/null | grep -vxFf "$TEST_TMP/before"
	for p in /proc/[0-9]*; do
		grep -qs '^State:.Z' "$p/status" && continue
		tr '\0' '\n' <"$p/environ" 2>/dev/null | grep -qxF "LAB=$LAB" && [ "${p#/proc/}" != $$ ] && ! mine "${p#/proc/}" && echo "process ${p#/proc/}"
	done
	return 0
}
mine() { # PID: of this test itself, or over
	local p=$1

	while [ "$p" != 1 ]; do
		[ "$p" != $$ ] || return 0
		p=$(sed -n 's/^PPid:\t//p' "/proc/$p/status" 2>/dev/null)
		[ "$p" ] || return 0
	done
	return 1
}
stopped() { # TEXT: after ctrl_c
	tap_is "$1: it ends as what was interrupted" "$code" 130
	left >"$TEST_TMP/left" 2>/dev/null
	tap_is "$1: no process, mount, control group or file is left" "$(cat "$TEST_TMP/left")" ""
}
ls -d /tmp/ballast-quickstart.* >"$TEST_TMP/before" 2>/dev/null
echo none >>"$TEST_TMP/before"

phase() { # WORDS: Ctrl-C when it has said them
	begin
	wait_until 300 said_or_ended "$1"
	tag=$(cat "$LAB_DIR/tag" 2>/dev/null)
	tap_ok "\"$1\"" said "$1"
	ctrl_c
	stopped "stopped at \"$1\""
}
slow_phases=("installing packages" "building" "host is up" "booting two real guests" "files1 is up")
[ -z "${BALLAST_TEST_SLOW:-}" ] || for words in "${slow_phases[@]}"; do
	phase "$words"
done
phase "booting a host"

# --- All is up ---
begin
wait_until 300 said_or_ended "Open in a browser"
wait_until 10 said_or_ended "leaves nothing behind"
tag=$(cat "$LAB_DIR/tag" 2>/dev/null)
tap_ok "it says where to look" said "Open in a browser"
url=$(grep -o 'http://127\.0\.0\.1:[0-9]*/#token=bst_[A-Za-z0-9_-]*' "$log" | tail -n 1)
page=${url%%#*} token=${url##*#token=}
tap_ok "an address on this machine, with a token" [ -n "$url" ]
curl -s -m 10 -o "$TEST_TMP/page" -w '%{http_code} %{content_type}' "$page" >"$TEST_TMP/how"
tap_ok "it is the page" grep -qi '^200 text/html' "$TEST_TMP/how"
tap_ok "which is Ballast's" grep -q '<title>Ballast' "$TEST_TMP/page"
tap_is "the token opens it" "$(curl -s -m 10 -H "Authorization: Bearer $token" "${page}v1/guests" | jq -r '[.guests[].name] | sort | join(" ")')" "backup1 files1"
tap_is "and commands" "$(curl -s -m 10 -H "Authorization: Bearer $token" "${page}v1/whoami" | jq -r .role)" admin
tap_is "nobody else is let in" "$(curl -s -m 10 -o /dev/null -w '%{http_code}' "${page}v1/guests")" 401
ctrl_c
stopped "stopped when all is up"
tap_fails "the page is gone" curl -s -m 5 "$page"
tap_done
