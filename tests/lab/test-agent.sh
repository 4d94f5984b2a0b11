#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The real agent behind a real virtio port, on kernels 6.1 with and without PSI and 5.10: at rest, killed, without its files, its port
# unplugged, its host away or not reading, under stall. And agents that are none: they flood, send garbage, contradict themselves.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon.sh"

MIB=$((1024 * 1024))
REST_SEC=20
lab_up 1
lab in h1 sh -c 'mkdir -p /etc/systemd/system/ballastd.service.d
	printf "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=\nExecStart=/usr/sbin/ballastd --trace=/run/ballast/trace\n" \
		>/etc/systemd/system/ballastd.service.d/trace.conf
	systemctl daemon-reload && systemctl restart ballastd' 2>&1 | tap_say

# The data disk is slow enough for a cache that is too small to hurt.
guest() { # NAME OPTION...
	lab guest "$@" --data 256M --iotune-bytes-sec 80000000 >"$TEST_TMP/guest-$1" 2>&1 || tap_say <"$TEST_TMP/guest-$1"
}
guest a --max 192M --memory 128M &
guest p --max 192M --memory 128M --cmdline psi=0 &
wait
guest k --max 192M --memory 128M --kernel 5.10 &
guest good --max 384M --memory 160M &
wait

pid() { lab run "$1" pidof ballast-agent; }
told() { # GUEST: the number of the newest report
	figure "$1" report.seq
}
newer() { # GUEST SEQ
	reported "$1" && [ "$(told "$1")" -gt "$2" ]
}
fresh() { # GUEST: it is heard now, whatever was heard before
	local seq

	seq=$(told "$1")
	wait_until "${2:-20}" newer "$1" "${seq/null/0}"
}
is() { # GUEST FIELD VALUE
	[ "$(figure "$1" "$2")" = "$3" ]
}
trace() {
	lab in h1 cat /run/ballast/trace
}
uuid() {
	lab in h1 virsh domuuid "$1" | tr -d '[:space:]'
}
# has_report GUEST WHY: since ballastd was started
has_report() {
	trace | grep -q "^report $(uuid "$1") [0-9]* $2 "
}

# --- Heard ---
for g in a p k good; do
	tap_ok "the agent in $g is heard" wait_until 60 reported $g
done
tap_ok "it tells its kernel" sh -c "case '$(figure k agent.kernel)' in 5.10.*) ;; *) exit 1 ;; esac"
tap_ok "with stall figures on 6.1" [ "$(figure a report.psi.memory_some_usec)" -ge 0 ]
tap_ok "and on 5.10" [ "$(figure k report.psi.memory_some_usec)" -ge 0 ]
tap_is "without them where the kernel has none" "$(figure p report.psi)" null

# --- Small ---
limit=1024
command -v musl-gcc >/dev/null && limit=128
for g in a p k; do
	tap_between "the agent in $g is small: resident kB" \
		"$(lab run $g sh -c 'sed -n "s/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p" /proc/$(pidof ballast-agent)/status')" 1 $limit
done

# --- At rest ---
# Each sleep of the agent ends with one wake-up, and is one voluntary switch. Who counts starts no program meanwhile, and has touched
# what it needs before: the agent looks closely when somebody takes memory.
counting='p=$(pidof ballast-agent); mkfifo /tmp/never; exec 9<>/tmp/never
	wait_for() { read -r -t $1 _ <&9; }
	switches() { while read -r k v; do [ "$k" = voluntary_ctxt_switches: ] && n=$v; done </proc/$p/status; }
	ticks() { read -r _ _ _ _ _ _ _ _ _ _ _ _ _ u s _ </proc/$p/stat; t=$((u + s)); }
	switches; ticks; wait_for 4; switches; ticks; n0=$n t0=$t; '
counted() { # GUEST SECONDS: wake-ups and hundredths of a second of CPU time
	lab run "$1" sh -c "$counting wait_for $2; switches; ticks; echo \$((n - n0)) \$((t - t0)); rm /tmp/never"
}
calm_of() { # GUEST: reports for another reason than the heartbeat since the mark
	trace | sed "1,$mark d" | grep "^report $(uuid "$1") " | grep -vc ' heartbeat '
}
# What its boot and the looks above left behind settles within a look or two.
quiet() {
	mark=$(trace | wc -l)
	sleep 3
	[ "$(trace | sed "1,$mark d" | grep '^report ' | grep -vc ' heartbeat ')" = 0 ]
}
woken() { cut -d' ' -f1 "$TEST_TMP/rest-$1"; }
rested() { # a window in which nothing of this test was still settling
	wait_until 60 quiet
	mark=$(trace | wc -l)
	for g in a p k; do
		counted $g $REST_SEC >"$TEST_TMP/rest-$g" 2>&1 &
	done
	wait
	[ "$(woken a)" -le $once ] && [ "$(woken k)" -le $once ] &&
		[ "$(woken p)" -le $((REST_SEC * 44 / 10 + 1)) ] && [ "$(calm_of a)$(calm_of p)$(calm_of k)" = 000 ]
}
once=$((REST_SEC * 11 / 10 + 1)) # 1.1 a second, and one for the ends of the window
for _ in 1 2 3 4 5 6 7 8; do # what else runs in the guest may take memory, and then it looks closely
	rested && break
done
tap_between "at rest it wakes once a second: wake-ups in $REST_SEC s" "$(woken a)" 1 $once
tap_between "on 5.10 as well" "$(woken k)" 1 $once
tap_between "four times a second where no trigger tells of stall" "$(woken p)" 1 $((REST_SEC * 44 / 10 + 1))
for g in a p k; do
	tap_is "nothing alarms it in $g, idle with 128 MiB" "$(calm_of $g)" 0
done

# So does ballastd towards libvirt, which probes each connection: one brings events, one worker stays ready.
connections() { lab in h1 virt-admin -q client-list libvirtd | grep -c unix; }
two_connections() { [ "$(connections)" = 2 ]; }
tap_ok "at rest ballastd holds two connections to libvirt" wait_until 120 two_connections

# What comes now waits for reports.
lab in h1 sh -c 'printf "[Agent]\nHeartbeatSec=2\n" >>/etc/ballast/ballast.conf && ballastctl reload >/dev/null' 2>&1 | tap_say

# --- Killed; without its files; its port pulled out while it is open ---
before=$(pid a)
of_p=$(pid p)
seq=$(told p)
lab run a kill -9 "$before"
lab run k sh -c 'for f in vmstat stat pressure/memory; do mount --bind /dev/null /proc/$f; done; kill -9 $(pidof ballast-agent)'
lab in h1 sh -c 'virsh dumpxml p | awk "/<channel/ { c = \"\" } { c = c \$0 \"\n\" } /<\/channel>/ && c ~ /org.ballast.agent.0/ { printf \"%s\", c; c = \"\" }" \
	>/tmp/live.xml; virsh -q detach-device p /tmp/live.xml --live
	echo "<channel type=\"unix\"><target type=\"virtio\" name=\"org.ballast.agent.0\"/></channel>" >/tmp/channel.xml' 2>&1 | tap_say
port_gone() { ! lab run p 'grep -qx org.ballast.agent.0 /sys/class/virtio-ports/*/name'; }
tap_ok "its port is pulled out while it is open" wait_until 20 port_gone
started_anew() { local now; now=$(pid a) && [ "$now" != "$before" ]; }
tap_ok "killed, it is started again" wait_until 30 started_anew
tap_ok "and heard again" fresh a
tap_ok "without vmstat and PSI it tells what is left" wait_until 20 is k report.counters null
tap_ok "and goes on doing so" fresh k
lab in h1 virsh -q attach-device p /tmp/channel.xml --live 2>&1 | tap_say
lab run k sh -c 'for f in vmstat stat pressure/memory; do umount -l /proc/$f; done; kill -9 $(pidof ballast-agent)'
counts() { ! is k report.counters null; }
tap_ok "and all again when they are back" wait_until 20 counts
tap_ok "the port plugged in again, it is heard" wait_until 30 newer p "$((${seq/null/0} + 1))"
tap_is "by the same agent" "$(pid p)" "$of_p"

# --- The host's end goes; nobody reads; it comes back ---
before="$(pid a) $(pid p) $(pid k)"
socket=$(lab in h1 virsh dumpxml k | sed -n "s/.*path='\(.*org.ballast.agent.0\)'.*/\1/p")
lab in h1 systemctl stop ballastd
counted a 5 >"$TEST_TMP/away" 2>&1 &
cat >"$TEST_TMP/full.py" <<'E2'
import json, socket, sys, time

# Asks far more than is read, until lines were lost: their numbers leave gaps. What is read then is whole lines.
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
rest, last, lost, whole, bad, n = b"", None, 0, 0, 0, 0


def ping():
    global n
    n += 1
    s.sendall(b'\xff{"type":"ping","id":%d}\n' % n)


def drain(until):
    """Reads until nothing came for a second, or the ping with that number is answered."""
    global rest, last, lost, whole, bad
    s.settimeout(1 if until is None else 20)
    while True:
        try:
            data = s.recv(65536)
        except TimeoutError:
            return False
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            try:
                v = json.loads(line.rpartition(b"\xff")[2])
            except ValueError:
                bad += 1
                continue
            whole += 1
            if v["type"] != "report":
                continue
            lost += last is not None and v["seq"] != last + 1
            last = v["seq"]
            if until is not None and v.get("ping") == until:
                return True


for attempt in range(4):
    end = time.monotonic() + 6 * (attempt + 1)
    while time.monotonic() < end:
        ping()
        time.sleep(0.002)
    drain(None)
    if lost:
        break
ping()
answered = drain(n)
print(f"lost={lost > 0} bad={bad} answered={answered}")
E2
lab in h1 python3 - "$socket" <"$TEST_TMP/full.py" >"$TEST_TMP/full" 2>&1
wait
tap_is "a channel that nobody reads loses lines, breaks none, and goes on when it is read" "$(tail -n 1 "$TEST_TMP/full")" \
	"lost=True bad=0 answered=True"
read -r switches ticks <"$TEST_TMP/away"
tap_between "with its host away it sleeps: wake-ups in 5 s" "$switches" 0 6
tap_between "and takes no CPU time: hundredths of a second" "$ticks" 0 5
lab in h1 systemctl start ballastd
for g in a p k; do
	tap_ok "with its host back $g is heard" wait_until 30 reported $g
done
tap_is "by the same agents" "$(pid a) $(pid p) $(pid k)" "$before"

# --- Stall ---
# Its cache does not hold what it re-reads, while MemAvailable says that all is well.
for g in a p k; do
	lab run -d $g load reread /dev/data --size 110M --seconds 120 >"$TEST_TMP/job-$g"
done
for g in a p k; do
	tap_ok "a stall in $g is told at once, not with the heartbeat" wait_until 60 has_report $g pressure
done
for g in a p k; do
	lab kill $g "$(cat "$TEST_TMP/job-$g")" >/dev/null 2>&1
done

# --- Agents that are none, beside one that needs memory ---
become() { # GUEST <SCRIPT: runs as its agent, with the port as descriptor 3
	{
		printf '#!/bin/sh\nfor p in /sys/class/virtio-ports/*; do\n\t[ "$(cat $p/name)" = org.ballast.agent.0 ] && port=/dev/${p##*/}\ndone\n'
		printf 'exec 3<>$port || exit 1\n'
		cat
	} | lab run -i "$1" 'mv /bin/ballast-agent /bin/agent.real; cat >/bin/ballast-agent; chmod 755 /bin/ballast-agent; kill -9 $(pidof ballast-agent)'
}
be_real() {
	lab run "$1" 'mv /bin/agent.real /bin/ballast-agent; kill -9 $(pidof ballast-agent)'
}
event_of() { # GUEST KIND WORDS
	ctl events --kind="$2" --guest="$1" --limit=1000 | grep -q -e "$3"
}
wait_until 60 quiet
lab in h1 systemctl restart ballastd # what it learned of their stall would give them memory
for g in a p k good; do
	wait_until 30 reported $g
done
enforce
for g in a p k; do
	eval "had_$g=$(actual $g)"
done
become a <<'E2'
while :; do printf '{"type":"hello","version":"1","proto":1,"kernel":"x","page":4096,"boot":"4a5ef2d09c1b7e33","caps":[]}\n' >&3; done
E2
become p <<'E2'
while :; do head -c 300 /dev/urandom | tr '\n' ' ' >&3; echo >&3; sleep 0.1; done
E2
become k <<'E2'
n=1
while :; do
	n=$((n + 1))
	printf '{"type":"report","seq":%d,"mono_us":%d,"boot":"4a5ef2d09c1b7e33","why":"pressure","total":134217728,"available":1048576,"free":999999999999}\n' \
		$n $((n * 1000000)) >&3
	sleep 0.1
done
E2
before=$(actual good)
lab run -d good load reread /dev/data --size 190M --seconds 120 >"$TEST_TMP/job-good"
tap_ok "beside three hostile agents an honest one is served" wait_until 40 has good $((before + 32 * MIB))
tap_ok "and stays heard" fresh good
tap_ok "what it was given under pressure is asked after" wait_until 30 sh -c \
	"'$TEST_TOP/lab/lab' in h1 grep -q '^ping $(uuid good) ' /run/ballast/trace"
tap_ok "the one that floods is named, and not listened to" wait_until 40 event_of a channel-shut 'more than 8 KiB/s'
tap_ok "the one that sends garbage as well" wait_until 40 event_of p channel-shut 'ten refused lines'
tap_ok "and the one whose numbers contradict each other" wait_until 40 event_of k channel-shut 'ten refused lines'
for g in a p k; do
	before=had_$g
	tap_between "the agent of $g got nothing: MiB" $(($(actual $g) / MIB)) $((${!before} / MIB)) $((${!before} / MIB))
done
tap_is "and the daemon never ended" "$(lab in h1 systemctl show -p NRestarts --value ballastd)" 0
tap_ok "nothing was killed in good" [ "$(lab run good cat /proc/vmstat | sed -n 's/^oom_kill //p')" = 0 ]

# --- The long way back: minutes ---
[ -n "${BALLAST_TEST_SLOW:-}" ] || tap_done
heard_again() { reported "$1" && lab in h1 ballastctl events --kind=agent-connected --guest="$1" | grep -q 'listened to again'; }
for g in a p k; do
	be_real $g
done
for g in a p k; do
	tap_ok "the honest agent of $g is listened to after a minute" wait_until 120 heard_again $g
done
tap_done
