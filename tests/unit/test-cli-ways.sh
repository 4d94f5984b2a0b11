#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Ways of showing: --output, --watch, --color, pager, and the questions before what is hard to undo.
set -u
. "${srcdir:?}/tests/fixture/cli.sh"
start_fake || { echo "Bail out! no fake ballastd"; exit 1; }
cd "$scratch" || exit 1

# --- output ---
exits 2 "expected table, wide or json" status --output xml
exits 2 "give either --json or --output=table" status --json -o table
[ "$("$ctl" guest list -o json)" = "$("$ctl" guest list --json)" ]
report $? "--output=json is --json"
[ "$("$ctl" guest list -o table)" = "$("$ctl" guest list)" ]
report $? "--output=table is what is shown anyway"
exits 0 "11110000-0000-0000-0000-000000000001" guest list --output wide
COLUMNS=60 exits 0 "/etc/ballast/policy.d/60-night.policy" policy list --output=wide
! COLUMNS=60 "$ctl" guest list --output=wide | grep -q '…$'
report $? "wide cuts nothing"

# --- colours ---
"$ctl" status --color=always | grep -q $'\033\[1;31m'
report $? "--color=always"
! "$ctl" status --color=auto | grep -q $'\033'
report $? "--color=auto has none in a pipe"
NO_COLOR=1 "$ctl" status --color=always | grep -q $'\033'
report $? "--color=always stands above NO_COLOR"
exits 2 "expected auto, always or never" status --color=red

# --- watching without a terminal ---
exits 2 "--watch: " status --watch=soon
exits 2 "expected 100ms to 1d" status --watch=1ms
exits 2 "does not take --watch" reload --watch
exits 3 'nearest name is "web1"' guest show wbe1 --watch
"$ctl" guest list --watch=100ms >watched 2>watched.err &
pid=$!
pids+=($pid)
for _ in $(seq 600); do
	[ "$(grep -c "^GUEST" watched)" -ge 3 ] && break
	sleep 0.05
done
[ "$(grep -c "^GUEST" watched)" -ge 3 ]
report $? "--watch looks again and again"
stop_fake
wait_for watched.err "going on to look"
report $? "... says that the daemon is away, once"
[ "$(grep -c "going on to look" watched.err)" = 1 ] && looks=$(grep -c "^GUEST" watched)
start_fake
for _ in $(seq 600); do
	[ "$(grep -c "^GUEST" watched)" -gt "${looks:-0}" ] && break
	sleep 0.05
done
[ "$(grep -c "^GUEST" watched)" -gt "${looks:-0}" ]
report $? "... and goes on when it is back"
kill -INT $pid
wait $pid
report $? "... until Ctrl-C, which is no failure"
"$ctl" guest list --watch=100ms --json >watched 2>&1 &
pid=$!
for _ in $(seq 600); do
	[ "$(wc -l <watched)" -ge 2 ] && break
	sleep 0.05
done
kill -INT $pid
wait $pid
[ "$(grep -c '^{"guests":' watched)" -ge 2 ] && [ "$(grep -vc '^{"guests":' watched)" = 0 ]
report $? "with --json each look is a document on a line"

# --- asking ---
exits 2 "would give every guest back the memory, CPU weight and quota that it had before Ballast; nothing was done: nobody can be asked here, so say --yes" mode observe --release
exits 1 "would" mode observe --release --dry-run
exits 1 "2 guests are given back" mode observe --release --yes

if ! has_terminal; then
	skip "what a terminal shows" "no pseudo-terminal"
	echo "1..$n"
	exit $failed
fi

typed() # WHAT-TO-WAIT-FOR KEYS COMMAND...: types keys once that text is there; exit code in r, screen in ./typed
{
	local text=$1 keys=$2
	shift 2
	: >typed
	{ wait_for typed "$text" && printf "$keys"; sleep 0.2; } |
		TERM=xterm timeout 60 script -qefc "stty cols 100 rows 24; env -u COLUMNS $*" typed >/dev/null
	r=$?
}
typed "Go on? [y/N]" 'n\n' "$ctl mode observe --release"
[ $r = 1 ] && grep -aq "nothing was done" typed
report $? "on a terminal it asks, and no is no"
typed "Go on? [y/N]" 'y\n' "$ctl mode observe --release"
[ $r = 1 ] && grep -aq "given back" typed
report $? "... and yes is yes"
typed "every 2s" q "$ctl guest list --watch"
[ $r = 0 ] && grep -aq $'\033\[?1049h' typed && grep -aq $'\033\[?1049l' typed && grep -aq "Stopped watching; ballastd goes on." typed
report $? "--watch takes the screen, gives it back, and says what goes on"
: >typed
{
	wait_for typed "every 100ms" && kill -STOP "$fake_pid"
	wait_for typed "connection lost since" && kill -CONT "$fake_pid"
	sleep 0.3
	printf q
} | TERM=xterm timeout 60 script -qefc "stty cols 100 rows 24; env -u COLUMNS $ctl guest list --timeout=1s --watch=100ms" typed >/dev/null
[ $? = 0 ] && grep -aq "below is what was last seen" typed
report $? "... and says since when the connection is lost"
kill -CONT "$fake_pid" 2>/dev/null
tell_fake crowd
for _ in $(seq 200); do # what is shown may be 50 ms old
	[ "$("$ctl" guest list | wc -l)" -gt 30 ] && break
	sleep 0.05
done
typed "GUEST" "" "PAGER='sed s/^/paged:/' $ctl guest list"
grep -aq "^paged:" typed
report $? "what is longer than the screen goes to the pager"
typed "GUEST" "" "PAGER='sed s/^/paged:/' $ctl guest list --no-pager"
! grep -aq "^paged:" typed
report $? "... not with --no-pager"
typed "POLICY" "" "PAGER='sed s/^/paged:/' $ctl policy list"
! grep -aq "^paged:" typed && grep -aq "60-night" typed
report $? "... nor what fits"
typed "GUEST" "" "PAGER=/no/such/pager $ctl guest list"
grep -aq "web1" typed
report $? "where the pager cannot be run it is shown all the same"
stop_fake
echo "1..$n"
exit $failed
