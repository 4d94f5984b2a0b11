#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ballastd on a libvirt that is slow: a setMemory that hangs and lands late, and mode observe while commands wait. The test driver, with
# tests/unit/driver-shim.c before it.
set -u
srcdir=${srcdir:-.} builddir=${builddir:-build}
d=$builddir/daemon/ballastd
ctl=$builddir/ballastctl
MIB=$((1024 * 1024))
n=0 failed=0
result() { # CODE TEXT
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n - $2" || { echo "not ok $n - $2"; failed=1; tail -n 20 "$tmp/err" 2>/dev/null | sed 's/^/# /'; }
}
tmp=$(mktemp -d) || exit 1
pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$tmp"' EXIT
until_true() { # COMMAND...: 20 s at most
	for _ in $(seq 200); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}
export DRIVER_SHIM=$tmp/shim BALLAST_SOCKET=$tmp/s
mkdir "$tmp/policy" "$DRIVER_SHIM"
printf '[Daemon]\nUri=test://%s/node.xml\nStateDirectory=%s/state\nPolicyPath=%s/policy\n[API]\nSocket=%s/s\n' \
	"$tmp" "$tmp" "$tmp" "$tmp" >"$tmp/b.conf"
guests() { # N MAX-MIB NOW-MIB
	local i
	{
		echo '<node>'
		for i in $(seq "$1"); do
			printf "<domain type='test'><name>g%d</name><uuid>aaaaaaaa-0000-4000-8000-%012d</uuid>" "$i" "$i"
			printf "<memory unit='MiB'>%d</memory><currentMemory unit='MiB'>%d</currentMemory>" "$2" "$3"
			echo "<vcpu>1</vcpu><os><type>hvm</type></os><devices><memballoon model='virtio'/></devices></domain>"
		done
		echo '</node>'
	} >"$tmp/node.xml"
}
listening() { "$ctl" mode >"$tmp/out" 2>&1; }
start() {
	# The sanitizer wants to be first, and is: the shim has none.
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0 LD_PRELOAD=$builddir/tests/unit/driver-shim.so \
		"$d" --foreground --config="$tmp/b.conf" 2>"$tmp/err" &
	pid=$!
	until_true listening && "$ctl" mode enforce >"$tmp/out" 2>&1
}
stop() {
	kill "$pid"
	wait "$pid"
	pid=
}
calls() { grep -c "^$1" "$DRIVER_SHIM/log" 2>/dev/null; }
calls_are() { [ "$(calls "$1")" -ge "$2" ]; }
figure() { "$ctl" --json guest show g1 | tr ',{' '\n\n' | sed -n "s/^\"$1\"://p" | head -n 1; }
charged() { [ "$(figure charge)" -ge $(($1 * MIB)) ]; }
says() { grep -q "$1" "$tmp/err"; }

# --- A call that hangs, another behind it ---
guests 1 4096 512
printf '[Host]\nMemory=16G\n' >"$tmp/policy/10-host.policy"
start
result $? "a daemon in mode enforce"
until_true charged 512
touch "$DRIVER_SHIM/hold" "$DRIVER_SHIM/late"
"$ctl" guest set g1 --min 2G >"$tmp/out" && until_true calls_are 'memory g1 2097152' 1
result $? "g1 is sent to 2 GiB, and that hangs"
"$ctl" guest set g1 --min 3G >"$tmp/out"
until_true charged 3072
result $? "and to 3 GiB behind it"
until_true says 'left alone'
result $? "libvirt's silence is noticed"
"$ctl" guest set g1 --clear >"$tmp/out"
low=0
watch() { # COMMAND...: until that is true; is it ever charged less than what may land?
	for _ in $(seq 400); do
		charged 2048 || low=$((low + 1))
		"$@" && return 0
	done
	return 1
}
after() { [ "$(date +%s%N)" -ge $(($1 * 1000000)) ]; }
from_now() { echo $(($(date +%s%N) / 1000000 + $1)); }
watch after "$(from_now 1000)"
rm "$DRIVER_SHIM/hold"
watch says 'answers again'
result $? "it answers again, and has 512 MiB still"
watch after "$(from_now 1500)"
rm "$DRIVER_SHIM/late"
landed() { [ "$(figure actual)" = $((2048 * MIB)) ]; }
watch landed
result $? "what hung takes effect late"
[ $low = 0 ]
result $? "what could land was counted all the time ($low times it was not)"
stop

# --- Observe while commands wait ---
: >"$DRIVER_SHIM/log"
guests 40 128 64
printf '[Memory]\nMin=112M\n' >"$tmp/policy/20-min.policy"
touch "$DRIVER_SHIM/hold"
start
until_true calls_are memory 3
result $? "libvirt is slow with the first of forty commands"
"$ctl" mode observe >"$tmp/observe" 2>&1 &
asked=$!
mode_is_observe() { "$ctl" mode | grep -q observe; }
until_true mode_is_observe
begun=$(calls memory)
kill -0 $asked 2>/dev/null
result $? "mode observe is not answered while libvirt has commands"
rm "$DRIVER_SHIM/hold"
wait $asked
result $? "it is answered when they have ended"
answered=$(calls memory)
[ "$answered" -lt 40 ]
result $? "others had not gone out ($answered of 40 had)"
for _ in $(seq 10); do
	listening
	sleep 0.1
done
[ "$(calls memory)" = "$answered" ] && [ "$begun" = "$answered" ]
result $? "and none goes out any more (begun $begun, answered $answered, now $(calls memory))"
stop
echo "1..$n"
exit $failed
