#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The lab's own commands are killed with -9 at many moments: afterwards `down` leaves nothing, and `up` works.
. "$(dirname "$0")/lib.sh"

lab_up --no-ballast # once, so that the kernel is there and the moments below fall into the interesting parts
lab guest warm --max 256M >/dev/null
tag=$(cat "$LAB_DIR/tag")

# kill_after MSEC ARGS...: starts lab/lab ARGS and kills it (it alone) that much later.
kill_after() {
	local msec=$1 pid

	shift
	"$TEST_TOP/lab/lab" "$@" >/dev/null 2>&1 &
	pid=$!
	sleep "$((msec / 1000)).$(printf %03d $((msec % 1000)))"
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
}

for msec in 50 300 900 2000 4000; do
	kill_after $msec guest "g$msec" --max 256M
done
failed=
for g in g50 g300 g900; do
	# Where the kill came late the guest is whole: then it is in the way, and stop takes it away.
	lab guest $g --max 256M >"$TEST_TMP/out" 2>&1 ||
		{ grep -q 'already: lab/lab stop' "$TEST_TMP/out" && lab stop $g >/dev/null &&
			lab guest $g --max 256M >"$TEST_TMP/out" 2>&1; } || failed+="$g: $(cat "$TEST_TMP/out") "
	lab run $g true || failed+="$g does not run "
done
tap_is "guests killed half-way can be made again and run" "$failed" ""
kill -9 "$(cut -d' ' -f1 "$LAB_DIR/proc/super-h1")"
tap_ok "down, with guests half-made and the supervisor killed" lab down
tap_is "nothing is left" "$(lab_traces "$tag")" ""

left=
for msec in 20 60 100 150 200 300 400 500 600 700 850 1000 1200 1500; do
	kill_after $msec up 2 --no-ballast
	tag=$(cat "$LAB_DIR/tag" 2>/dev/null || echo none)
	lab down >"$TEST_TMP/out" 2>&1 || left+="down fails after $msec ms: $(cat "$TEST_TMP/out") "
	left+=$(lab_traces "$tag")
done
tap_is "up killed at 14 moments: down leaves nothing" "$left" ""

failed=
for msec in 100 400 700 1000; do
	kill_after $msec up --no-ballast
	tag=$(cat "$LAB_DIR/tag" 2>/dev/null || echo none)
	lab up --no-ballast >"$TEST_TMP/out" 2>&1 || failed+="up fails after $msec ms: $(cat "$TEST_TMP/out") "
	[ "$(lab in h1 systemctl is-system-running)" = running ] || failed+="not running after $msec ms "
	[ "$(cat "$LAB_DIR/tag")" = "$tag" ] || failed+=$(lab_traces "$tag" | grep -v "$LAB_DIR")
done
tap_is "up killed, then up again: it runs, and of the first nothing is left" "$failed" ""

tag=$(cat "$LAB_DIR/tag")
for msec in 10 50 100; do
	kill_after $msec down
done
tap_ok "down killed, then down" lab down
tap_is "nothing is left" "$(lab_traces "$tag")" ""

# Two at once: one wins, the other says so, none breaks.
"$TEST_TOP/lab/lab" up --no-ballast >"$TEST_TMP/one" 2>&1 &
one=$!
"$TEST_TOP/lab/lab" up --no-ballast >"$TEST_TMP/two" 2>&1
two=$?
wait $one
tap_is "of two ups at once one comes up" "$(($? + two))" 1
tap_is "the other says why not" "$(cat "$TEST_TMP/one" "$TEST_TMP/two" | grep -c 'another lab/lab up is at work')" 1
tap_is "and the host runs" "$(lab in h1 systemctl is-system-running)" running
tap_done
