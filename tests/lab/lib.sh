# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For tests that run in the lab: source this first. Each test file has a lab of its own, named after it, taken down at its
# end however it ends; so several can run side by side, and beside a lab that somebody is working with. Prints TAP.
#
#   lab ARGS...                  lab/lab
#   lab_up ARGS...               lab up, or the end of the test
#   wait_until SECONDS CMD...    until CMD succeeds; fails at the deadline
#   tap_ok TEXT CMD...           one test: CMD succeeds
#   tap_fails TEXT CMD...        one test: CMD fails
#   tap_is TEXT GOT WANTED       one test: the same text
#   tap_between TEXT N LOW HIGH  one test: LOW <= N <= HIGH
#   tap_skip TEXT REASON         a test that cannot be made here
#   tap_done                     last line of the file
set -u

TEST_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
TEST_NAME=$(basename "$0" .sh)
TEST_TMP=$(mktemp -d "/tmp/$TEST_NAME.XXXXXX")
lab_name=${TEST_NAME#test-} lab_name=${lab_name#lab-}
export LAB=${LAB_TEST:-${lab_name:0:12}-$$}
unset LAB_DIR
LAB_DIR=/var/tmp/ballast-lab/$LAB # as lab/lab has it, for looking in
tap_count=0 tap_failed=0

lab() {
	"$TEST_TOP/lab/lab" "$@"
}

test_cleanup() {
	local code=$?

	trap - EXIT
	lab down >/dev/null || code=1
	rm -rf "$TEST_TMP"
	exit "$code"
}
trap test_cleanup EXIT
trap 'exit 130' INT TERM HUP

tap_skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

[ "$(id -u)" = 0 ] || {
	trap - EXIT
	rm -rf "$TEST_TMP"
	tap_skip_all "needs root"
}

tap_result() { # CODE TEXT
	tap_count=$((tap_count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_count - $2"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_count - $2"
	fi
	return 0
}

tap_say() { # what a failed test saw
	sed 's/^/# /'
}

tap_ok() {
	local text=$1 code=0

	shift
	"$@" >"$TEST_TMP/out" 2>&1 || code=$?
	tap_result $code "$text"
	[ $code = 0 ] || {
		echo "# exit code $code: $*"
		tap_say <"$TEST_TMP/out"
	}
}

tap_fails() {
	local text=$1 code=0

	shift
	"$@" >"$TEST_TMP/out" 2>&1 || code=$?
	if [ $code = 0 ]; then
		tap_result 1 "$text"
		echo "# wanted a failure: $*"
		tap_say <"$TEST_TMP/out"
	else
		tap_result 0 "$text"
	fi
}

tap_is() {
	if [ "$2" = "$3" ]; then
		tap_result 0 "$1"
	else
		tap_result 1 "$1"
		printf 'got:    %s\nwanted: %s\n' "$2" "$3" | tap_say
	fi
}

tap_between() {
	if [[ $2 =~ ^-?[0-9]+$ ]] && [ "$2" -ge "$3" ] && [ "$2" -le "$4" ]; then
		tap_result 0 "$1 ($2)"
	else
		tap_result 1 "$1"
		echo "# got '$2', wanted $3..$4"
	fi
}

tap_skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

tap_done() {
	echo "1..$tap_count"
	[ $tap_failed = 0 ] || exit 1
	exit 0
}

lab_up() {
	lab up "$@" >"$TEST_TMP/up" 2>&1 || {
		tap_say <"$TEST_TMP/up"
		echo "Bail out! the lab does not come up"
		exit 1
	}
}

wait_until() {
	local end=$((SECONDS + $1 + 1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# lab_traces TAG: whatever is left on this machine of a lab with that tag (from $LAB_DIR/tag while it was up).
lab_traces() {
	local pid

	grep -F "$LAB_DIR" /proc/self/mountinfo
	find /sys/fs/cgroup -name "ballast-lab-$1*" 2>/dev/null
	ls -d "$LAB_DIR" "/run/systemd/nspawn/propagate/lab-$1"* 2>/dev/null
	for pid in /proc/[0-9]*; do
		grep -qs '^State:.Z' "$pid/status" && continue # ended; whoever is process 1 here has yet to notice
		if grep -qs "ballast-lab-$1" "$pid/cgroup" ||
			tr '\0' ' ' 2>/dev/null <"$pid/cmdline" | grep -qsF -e "$LAB_DIR/" -e "lab-$1"; then
			echo "process ${pid#/proc/}: $(tr '\0' ' ' 2>/dev/null <"$pid/cmdline")"
		fi
	done
	ip -o link show 2>/dev/null | grep -F "lab-$1"
	return 0
}
