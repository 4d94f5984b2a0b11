#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Guests on their bad days: a start without room, a QEMU that is stopped, a reset while ballooned, an agent that dies, a guest without
# one, a balloon that is missing, one that lies, a guest that vanishes, CPU weights by policy and back.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon.sh"

MIB=$((1024 * 1024))
lab_up 1
guest() {
	lab guest "$@" >"$TEST_TMP/guest" 2>&1 || tap_say <"$TEST_TMP/guest"
}
pid_of() {
	lab in h1 sh -c "cat /run/libvirt/qemu/$1.pid"
}
condition() { # GUEST WORD
	case $(api GET "guests/$1") in *"\"$2\""*) ;; *) return 1 ;; esac
}
condition_over() {
	[ "$(figure "$1" name)" = "$1" ] && ! condition "$1" "$2"
}
figure_is() { # GUEST FIELD VALUE
	[ "$(figure "$1" "$2")" = "$3" ]
}
figure_at_most() {
	[ "$(figure "$1" "$2")" -le "$3" ]
}
shares() {
	lab in h1 virsh schedinfo "$1" "${@:2}" | sed -n 's/^cpu_shares *: //p'
}
shares_are() {
	[ "$(shares "$1")" = "$2" ]
}
gone() {
	! ctl guest show "$1" >/dev/null 2>&1
}
lab_hears() {
	lab run "$1" true
}
at_most() { # GUEST BYTES
	[ "$(actual "$1")" -le "$2" ]
}

guest web --max 512M --memory 512M
guest two --max 512M --memory 512M
wait_until 30 reported web
wait_until 30 reported two
enforce

# --- What only guests with a QEMU and an agent can show (tests/unit/test-metrics.sh has the rest) ---
figures_are_there() {
	local m

	lab in h1 curl -sf --unix-socket /run/ballast/api.sock http://localhost/metrics >"$TEST_TMP/scrape" || return 1
	for m in vcpu_time_seconds_total vcpu_delay_seconds_total memory_resident_bytes memory_used_bytes cpu_weight pressure_memory_waiting_seconds_total; do
		grep -q "^ballast_guest_$m{domain=\"web\",uuid=\"[0-9a-f-]*\"} [0-9]" "$TEST_TMP/scrape" || return 1
	done
}
tap_ok "/metrics has what a guest's QEMU and its kernel say" wait_until 30 figures_are_there
tap_ok "promtool takes it" promtool check metrics <"$TEST_TMP/scrape"
http_nice() {
	lab in h1 sh -c 'for t in /proc/$(systemctl show -p MainPID --value ballastd)/task/*; do
		[ "$(cat "$t/comm")" != ballast-http ] || cut -d" " -f19 "$t/stat"; done'
}
tap_is "the API's thread gives way to the main loop, also in the unit's sandbox" "$(http_nice)" 5

# --- CPU by policy and back ---
printf '[Match]\nGuest=web\n[CPU]\nWeight=400\n' | put_policy 50-cpu.policy
tap_ok "a CPU weight by policy is set" wait_until 10 shares_are web 4096
tap_is "in the running guest only" "$(shares web --config)" 0
lab in h1 rm /etc/ballast/policy.d/50-cpu.policy
ctl reload >/dev/null
tap_ok "and goes back with the policy" wait_until 10 shares_are web 1024
printf '[Match]\nGuest=web\n[CPU]\nWeight=400\n' | put_policy 50-cpu.policy
wait_until 10 shares_are web 4096
lab in h1 sh -c 'rm /etc/ballast/policy.d/50-cpu.policy; systemctl kill --signal=KILL ballastd'
tap_ok "it goes back where the policy went while the daemon was dead" wait_until 20 shares_are web 1024

# --- A QEMU that is stopped ---
pid=$(pid_of two)
lab in h1 kill -STOP "$pid"
ctl guest set two --max 300M --for 1h >/dev/null
ctl guest set web --max 300M --for 1h >/dev/null
tap_ok "while one guest hangs the other is served" wait_until 8 at_most web $((301 * MIB))
tap_ok "the one that hangs is in quarantine" wait_until 20 condition two quarantined
lab in h1 kill -CONT "$pid"
tap_ok "and comes back" wait_until 30 condition_over two quarantined
tap_ok "and is commanded again" wait_until 20 at_most two $((301 * MIB))
ctl guest set two --clear >/dev/null
ctl guest set web --clear >/dev/null

# --- Reset while ballooned ---
ctl guest set web --max 250M --for 1h >/dev/null
wait_until 20 at_most web $((251 * MIB))
reboots() { ctl events --kind reboot --guest web --json | grep -o '"kind": *"reboot"' | wc -l; }
before=$(reboots)
lab in h1 virsh reset web >/dev/null
tap_ok "a guest that was reset is charged at its maximum" wait_until 5 figure_is web memory.charge $((512 * MIB))
tap_ok "until it has spoken again" wait_until 60 figure_at_most web memory.charge $((260 * MIB))
wait_until 30 lab_hears web
tap_is "its beginning anew is told once" $(($(reboots) - before)) 1
tap_is "and is not taken for memory that it took back" "$(ctl events --kind took-back --guest web --json | grep -c took-back)" 0
tap_is "nothing was killed in it" "$(lab run web cat /proc/vmstat | sed -n 's/^oom_kill //p')" 0
ctl guest set web --clear >/dev/null

# --- The agent dies ---
lab run two pkill -STOP ballast-agent 2>/dev/null || lab run two sh -c 'kill -STOP $(pidof ballast-agent)'
tap_ok "an agent that falls silent makes its guest stale" wait_until 30 condition two stale
before=$(actual two)
tap_ok "it is not shrunk then" [ "$(figure two memory.target)" -ge "$before" ]
lab run two sh -c 'kill -CONT $(pidof ballast-agent)'
tap_ok "and fresh when it speaks again" wait_until 20 condition_over two stale

# --- Without an agent, without a balloon ---
guest mute --max 512M --memory 512M --no-agent
guest rigid --max 256M --memory 256M --no-balloon
tap_ok "a guest without an agent is seen by its balloon statistics" wait_until 60 figure_is mute report.source balloon
tap_is "one without a balloon is fixed, and says why" "$(figure rigid fixed)" no-balloon

# --- A balloon that lies ---
tap_ok "no guest is charged below what it really holds" sh -c "\"$TEST_TOP\"/lab/lab in h1 ballastctl guest list --json | python3 -c '
import json, sys
for g in json.load(sys.stdin)[\"guests\"]:
    m = g[\"memory\"]
    assert m[\"charge\"] + 2**20 >= (m[\"resident\"] or 0) - m[\"qemu\"], g
'"

# --- A start without room ---
# A start that fits once the others are squeezed: 322 MiB with QEMU's own, where 250 MiB are not promised yet.
derive() { # NAME MIB: a guest like rigid, defined only
	lab in h1 sh -c "virsh dumpxml rigid --inactive | sed 's/<name>rigid/<name>$1/; /<uuid>/d; /<channel/,/<.channel>/d; /<log /d
		s/<memory unit=.KiB.>[0-9]*/<memory unit=\"KiB\">$(($2 * 1024))/; s/<currentMemory unit=.KiB.>[0-9]*/<currentMemory unit=\"KiB\">$(($2 * 1024))/' >/tmp/$1.xml
		virsh define /tmp/$1.xml" >/dev/null
}
share() { # MIB: what is promised now and so much more is all there is
	local memory

	memory=$(api GET hosts/self | python3 -c '
import json, sys
m = json.load(sys.stdin)["memory"]
print((m["charged"] + m["overhead"] + (256 + int(sys.argv[1])) * 2**20) // 2**20)' "$1")
	printf '[Host]\nReserve=256M\nMemory=%sM\n' "$memory" | put_policy 90-host.policy
}
derive fits 256
share 250
begin=$SECONDS
tap_ok "a start waits while others are squeezed" lab in h1 virsh start fits
tap_between "ten seconds at most" $((SECONDS - begin)) 0 12
tap_ok "nobody was killed for it" [ "$(lab run web cat /proc/vmstat | sed -n 's/^oom_kill //p')" = 0 ]
lab in h1 virsh destroy fits >/dev/null
lab in h1 virsh undefine fits >/dev/null
lab in h1 rm /etc/ballast/policy.d/90-host.policy
ctl reload >/dev/null

derive big 16384
share 300
begin=$SECONDS
lab in h1 virsh start big >"$TEST_TMP/said" 2>&1
tap_is "a start that cannot fit is refused" $? 1
tap_between "after ten seconds at most" $((SECONDS - begin)) 0 13
tap_ok "and libvirt shows why" grep -q 'ballast.*needs' "$TEST_TMP/said"
lab in h1 virsh undefine big >/dev/null
lab in h1 rm /etc/ballast/policy.d/90-host.policy
ctl reload >/dev/null

# --- libvirt keeps the connection that it has, and lets no other in ---
refusals() { ctl events --kind command-failed --guest web --limit 1000 --json | grep -o '"kind": *"command-failed"' | wc -l; }
refused_twice() { [ "$(refusals)" -ge $((before + 2)) ]; }
before=$(refusals)
lab in h1 sh -c 'systemctl mask -q --now --runtime polkit
	for c in $(virt-admin -q client-list libvirtd | awk "NR > 1 { print \$1 }"); do virt-admin -q client-disconnect libvirtd $c; done' >/dev/null 2>&1
ctl guest set web --max $(($(actual web) / 1048576 - 16))M >/dev/null
tap_ok "a command that libvirt does not let in is tried again" wait_until 30 refused_twice
tap_between "after growing pauses, not in a loop" "$(refusals)" $((before + 2)) $((before + 6))
tap_ok "its condition says so" wait_until 20 condition web refused
lab in h1 systemctl unmask -q --runtime polkit
tap_ok "and it is carried out when libvirt lets it" wait_until 90 condition_over web refused
ctl guest set web --clear >/dev/null

# --- A guest that vanishes ---
lab in h1 kill -9 "$(pid_of two)"
tap_ok "a guest that vanishes is gone from the list" wait_until 10 gone two
tap_ok "and told" journal_has 'it is gone'
tap_is "the daemon restarted only when it was killed" "$(lab in h1 systemctl show -p NRestarts --value ballastd)" 1
tap_done
