#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# daemon/hv/ on a real libvirtd and real QEMUs, driven by hv-probe: what hangs, what vanishes, what comes back.
. "$(dirname "$0")/lib.sh"

PROBE=${builddir:-$TEST_TOP/build}/tests/lab/hv-probe
[ -x "$PROBE" ] || {
	echo "Bail out! $PROBE is not there: make tests/lab/hv-probe"
	exit 1
}

# probe_start NAME [ENV=VALUE...]: one hv-probe in h1; its input is descriptor 8, its output $TEST_TMP/NAME.
probe_start() {
	probe=$TEST_TMP/$1
	shift
	mkfifo "$probe.in"
	: >"$probe"
	"$TEST_TOP/lab/lab" in h1 env "$@" /run/hv-probe <"$probe.in" >"$probe" 2>&1 &
	probe_pid=$!
	exec 8>"$probe.in"
	mark=0
}

probe_end() {
	exec 8>&-
	wait $probe_pid
}

# say CALL...: from here on seen() looks.
say() {
	mark=$(wc -l <"$probe")
	echo "$*" >&8
}

lines() {
	tail -n "+$((mark + 1))" "$probe"
}

seen() { # PATTERN
	lines | grep -Eq -- "$1"
}

expect() { # SECONDS TEXT PATTERN
	if wait_until "$1" seen "$3"; then
		tap_result 0 "$2"
	else
		tap_result 1 "$2"
		echo "# wanted: $3"
		lines | tail -n 30 | tap_say
	fi
}

never() { # TEXT PATTERN
	if seen "$2"; then
		tap_result 1 "$1"
		lines | grep -E -- "$2" | tap_say
	else
		tap_result 0 "$1"
	fi
}

# field PATTERN NAME: what the last line that matches says after NAME=.
field() {
	lines | grep -E -- "$1" | tail -n 1 | sed -n "s/.* $2=\([^ ]*\).*/\1/p"
}

took_msec() { # PATTERN
	local us

	us=$(field "$1" took)
	echo $((${us%us} / 1000))
}

# balloon GUEST MIB: its balloon is there within 30 s.
balloon_is() {
	say read-balloon "$1"
	wait_until 5 seen "figures $1 " || return 1
	[ "$(field "figures $1 " actual)" = "${2}M" ]
}

virsh() {
	lab in h1 virsh -q "$@"
}

# A guest that costs next to nothing: never runs, but has a monitor that can hang.
paused_guest() {
	cat <<XML | virsh create --paused /dev/stdin
<domain type='qemu'><name>$1</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os><cpu mode='custom' match='exact'><model>qemu64</model></cpu>
<devices><controller type='usb' model='none'/><memballoon model='virtio'/></devices></domain>
XML
}

lab_up --no-ballast
lab in h1 sh -c 'cat >/run/hv-probe && chmod 755 /run/hv-probe' <"$PROBE"
lab guest a --max 256M --no-agent >/dev/null
lab guest b --max 256M --no-agent >/dev/null
lab guest n --max 192M --no-channel >/dev/null

# What there is.
probe_start first HV_IGNORE_PROCESS_STATE=1
expect 20 "all guests are told" "synced generation=1"
tap_is "three of them" "$(lines | grep -c ' appeared ')" 3
tap_is "QEMU's process is found" "$(field 'appeared a ' pid)" "$(lab in h1 cat /run/libvirt/qemu/a.pid)"
expect 1 "with its vCPU thread, path, persistence" "appeared a .* tids=1 .*path=/var/lib/libvirt/qemu/channel/target/domain-[0-9]+-a/org.ballast.agent.0 serial=1 persistent=1 autostart=0"
expect 1 "and free page reporting" "appeared a .* fpr=1 period=5"
expect 1 "no channel where there is none" "appeared n .*channel=none path=- serial=1"
say counters
expect 5 "looking changes nothing" "counters mutating=0 "
a_pid=$(field 'appeared a ' pid)
[ "$a_pid" ] || a_pid=$(lab in h1 cat /run/libvirt/qemu/a.pid)
b_pid=$(lab in h1 cat /run/libvirt/qemu/b.pid)

# Calls.
say set-memory a 192M
expect 10 "memory is set" "done set-memory a error=0"
tap_ok "and the balloon moves" wait_until 30 balloon_is a 192
say read-balloons
expect 10 "bulk statistics" "done read-balloons - error=0"
tap_is "of all three" "$(lines | grep -c ' figures ')" 3
say set-cpu a 400:50%
expect 5 "weight and quota are set" "done set-cpu a error=0"
say get-cpu a
expect 5 "and read back" "done get-cpu a error=0 .*weight=400 quota=5000"
tap_is "live only" "$(virsh dumpxml --inactive a | grep -c '<shares>')" 0
say set-cpu a 100:0%
expect 5 "and taken back" "done set-cpu a error=0"
say get-cpu a
expect 5 "to what they were" "done get-cpu a error=0 .*weight=100 quota=0 "
say set-soft-limit a 300M
expect 5 "a soft limit" "done set-soft-limit a error=0"
tap_is "is there" "$(virsh memtune a | awk '/soft_limit/ { print $3 }')" 307200
say set-stats-period b 2
expect 5 "a statistics period" "done set-stats-period b error=0"
expect 5 "is seen in its definition" "changed b .*changed=0x4 .*period=2"

# One hangs, the others are served.
lab in h1 kill -STOP "$a_pid"
say set-memory a 160M
echo read-balloon b >&8
expect 5 "another guest answers while one hangs" "done read-balloon b error=0"
tap_between "at once, ms" "$(took_msec 'done read-balloon b')" 0 500
expect 5 "the one that hangs is quarantined" "quarantined a call=set-memory bytes=160M overdue=1"
expect 5 "its call ends" "done set-memory a error=ETIMEDOUT"
tap_between "at the deadline, ms" "$(took_msec 'done set-memory a')" 2400 3500
say read-balloon a
expect 5 "it takes no calls" "refused read-balloon a error=EBUSY"
say read-balloons
expect 5 "bulk statistics leave it out" "done read-balloons - error=0"
tap_is "and have the other two" "$(lines | grep -c ' figures ')" 2
say counters
expect 5 "one connection was replaced" "counters .*overdue=1 quarantined=1"
mark=$(wc -l <"$probe")
lab in h1 kill -CONT "$a_pid"
expect 20 "it is read again when it answers" "recovered a .*actual="
tap_ok "the late command has taken effect" wait_until 30 balloon_is a 160
say set-memory a 256M
expect 5 "and is overruled" "done set-memory a error=0"
tap_ok "for good" wait_until 30 balloon_is a 256

# Ten at once.
for i in 0 1 2 3 4 5 6 7 8 9; do paused_guest "t$i" >/dev/null; done
expect 30 "ten more guests" "appeared t9 .*running=0"
pids=$(lab in h1 sh -c 'for f in /run/libvirt/qemu/t?.pid; do cat $f; echo; done' | tr '\n' ' ')
# shellcheck disable=SC2086
lab in h1 kill -STOP $pids
say "set-memory * 24M"
for i in 0 1 2 3 4 5 6 7 8 9; do echo "read-balloon t$i"; done >&8
expect 5 "others are served while ten hang" "done set-memory b error=0"
sent=$(field 'done set-memory b' took)
tap_between "in time, ms" $((${sent%us} / 1000)) 0 2000
wait_until 20 sh -c "[ \$(tail -n +$mark '$probe' | grep -c ' quarantined t') = 10 ]"
tap_is "all ten are quarantined" "$(lines | grep -c ' quarantined t')" 10
say set-memory b 256M
expect 5 "and still are served" "done set-memory b error=0"
tap_between "in time, ms" "$(took_msec 'done set-memory b')" 0 500
say counters
expect 5 "threads are bounded" "counters .*threads=([0-9]|1[0-4])$"
virsh list >"$TEST_TMP/list"
tap_is "libvirtd serves others" "$(grep -c ' t[0-9] ' "$TEST_TMP/list")" 10
mark=$(wc -l <"$probe")
# shellcheck disable=SC2086
lab in h1 kill -CONT $pids
wait_until 40 sh -c "[ \$(tail -n +$mark '$probe' | grep -c ' recovered t') = 10 ]"
tap_is "all ten come back" "$(lines | grep -c ' recovered t')" 10
say counters
expect 5 "nothing is overdue any more" "counters .*overdue=0 quarantined=0"
say set-memory a 256M
for i in 0 1 2 3 4 5 6 7 8 9; do virsh destroy "t$i"; done
expect 20 "they go" "gone t9 why=destroyed"

# libvirtd goes and comes.
mark=$(wc -l <"$probe")
lab exec h1 systemctl restart libvirtd
expect 30 "a restart of libvirtd is noticed" "disconnected lost=1"
expect 60 "and survived" "synced generation=2"
never "guests stay known" " (gone|appeared) "
say read-balloon b
expect 10 "and answer" "done read-balloon b error=0"

libvirtd=$(lab in h1 pidof libvirtd)
lab in h1 kill -STOP "$libvirtd"
say read-balloon a
expect 10 "a frozen libvirtd does not freeze us" "done read-balloon a error=ETIMEDOUT"
expect 60 "it is said to be away" "disconnected lost=1 .*keep-alive"
lab in h1 kill -CONT "$libvirtd"
expect 60 "and comes back" "synced generation=3"
wait_until 20 seen "recovered a "
say set-memory a 256M
expect 20 "with everything" "done set-memory a error=0"

# Guests come and go.
lab in h1 sh -c 'kill -STOP $(cat /run/libvirt/qemu/n.pid)'
say read-balloon n
echo get-cpu n >&8
virsh destroy n
expect 10 "a call on a guest that goes meanwhile ends" "done read-balloon [-0-9a-fn]+ error=(ETIMEDOUT|ENOENT|EIO)"
expect 10 "so does the one behind it" "done get-cpu [-0-9a-fn]+ error=(EBUSY|ENOENT)"
expect 10 "the end of the guest is told" "gone n why=destroyed"
say read-balloon a
expect 10 "others are not touched by it" "done read-balloon a error=0"
mark=$(wc -l <"$probe")
virsh start n
expect 30 "its start is told" "appeared n .*id=[0-9]+"
virsh reset b
expect 30 "a reset is told" "reset b"
virsh suspend b
expect 10 "a pause is told" "changed b .*changed=0x1 running=0"
virsh resume b
expect 10 "and its end" "changed b .*changed=0x1 running=1"
virsh metadata b urn:ballast:tags:1 --key ballast --set '<tags>web</tags>' --live
expect 10 "tags are told" "changed b .*tags=web"

# Enrolling.
say attach-channel n
expect 10 "the channel is plugged in" "done attach-channel n error=0 .*next=0"
expect 10 "and its path told" "changed n .*channel=(unknown|connected|disconnected) path=/.*/org.ballast.agent.0"
tap_is "and written into the definition" "$(virsh dumpxml --inactive n | grep -c org.ballast.agent.0)" 1
say attach-channel n
expect 10 "once more changes nothing" "done attach-channel n error=0"
tap_is "it is there once" "$(virsh dumpxml n | grep -c "name='org.ballast.agent.0'")" 1
say detach-channel n
expect 10 "it is unplugged" "done detach-channel n error=0"
expect 10 "which is told" "changed n .*channel=none path=-"
tap_is "and taken out of the definition" "$(virsh dumpxml --inactive n | grep -c org.ballast.agent.0)" 0
lab guest bare --max 128M --no-serial >/dev/null
expect 30 "a guest without a controller" "appeared bare .*serial=0"
say attach-channel bare
expect 10 "gets the channel with its next start" "done attach-channel bare error=0 .*next=1"
virsh destroy bare
mark=$(wc -l <"$probe")
virsh start bare
expect 30 "and has it then" "appeared bare .*channel=disconnected path=/.*serial=1"
virsh destroy bare

# A job: setMemory would wait 30 s.
lab in h1 mkfifo -m 666 /run/core
lab in h1 sh -c 'sleep 300 </run/core >/dev/null 2>&1 & echo $! >/run/core.pid'
mark=$(wc -l <"$probe")
"$TEST_TOP/lab/lab" in h1 virsh -q dump --live b /run/core >/dev/null 2>&1 &
dump=$!
wait_until 20 sh -c "'$TEST_TOP/lab/lab' in h1 virsh domjobinfo b | grep -q Unbounded"
echo set-memory b 200M >&8
expect 5 "no memory is set while a job runs" "done set-memory b error=EBUSY .*job=1"
tap_between "which is said at once, ms" "$(took_msec 'done set-memory b')" 0 1000
expect 5 "the job is told" "job-started b"
say read-balloon b
expect 5 "statistics are read all the same" "done read-balloon b error=0"
virsh domjobabort b
lab in h1 sh -c 'kill $(cat /run/core.pid)'
expect 30 "its end too" "job-ended b"
wait $dump
say set-memory b 200M
expect 5 "then memory is set again" "done set-memory b error=0"
probe_end
tap_is "the probe ends well" $? 0

# Without the test's switch a stopped QEMU is seen before libvirt is asked; libvirt is not there at the start.
lab exec h1 systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service
probe_start second
expect 20 "without libvirtd it is tried again" "disconnected lost=0 retry=400ms"
lab exec h1 systemctl start libvirtd.socket libvirtd.service
expect 60 "until it is there" "synced generation=1"
lab in h1 kill -STOP "$b_pid"
wait_until 10 lab in h1 grep -q "^State:.T" "/proc/$b_pid/status"
say set-memory b 160M
expect 5 "a stopped QEMU is seen at once" "quarantined b call=set-memory bytes=0M overdue=0 why=its QEMU process is stopped"
tap_between "without asking libvirt, ms" "$(took_msec 'done set-memory b')" 0 200
say counters
expect 5 "so nothing hangs" "counters .*overdue=0 quarantined=1"
mark=$(wc -l <"$probe")
lab in h1 kill -CONT "$b_pid"
expect 30 "and it is back when it runs" "recovered b "
probe_end
tap_done
