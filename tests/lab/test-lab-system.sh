#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A guest that is a whole Debian machine with control groups v2 and a clock of its own, and in it libvirtd, ballastd as its unit and a
# guest: CPU weight and quota on v2, MemoryFrom=cgroup:, and a clock that is set by an hour both ways.
# Takes minutes: only with BALLAST_TEST_SLOW=1.
#
# Why here: no lab host has v2's cpu controller, and the kernel has one CLOCK_REALTIME for all of them (a time namespace shifts the
# other clocks only). A clock that is faked in ballastd alone would not show the one thing that is to be seen: that the kernel
# tells it when the clock is set.
. "$(dirname "$0")/lib.sh"
[ "${BALLAST_TEST_SLOW:-}" = 1 ] || tap_skip_all "slow: set BALLAST_TEST_SLOW=1"

lab_up 1
tap_ok "a guest that boots the host's own Debian" lab guest m --system --max 1536M --vcpus 2
tap_is "it booted whole" "$(lab run m systemctl is-system-running --wait)" running
tap_ok "control groups are v2" lab run m test -e /sys/fs/cgroup/cgroup.controllers
tap_ok "with the cpu controller" lab run m grep -qw cpu /sys/fs/cgroup/cgroup.controllers
agent_is() { [ "$(lab run m systemctl is-active ballast-agent)" = "$1" ]; }
tap_ok "the agent runs there as the unit that is shipped" wait_until 60 agent_is active
heard_by_h1() { [ "$(lab in h1 ballastctl guest show m --json | jq -r .report.source)" = agent ]; }
tap_ok "and is heard" wait_until 60 heard_by_h1
fds() { lab run m sh -c 'ls -l /proc/$(systemctl show -p MainPID --value ballast-agent)/fd'; }
tap_ok "its unit lets it have a stall trigger" sh -c 'grep -q /proc/pressure/memory' <<<"$(fds)"
# Debian's own value, with which the kernel asks for CAP_SYS_ADMIN.
tap_is "perf events are for CAP_SYS_ADMIN there" "$(lab run m sysctl -n kernel.perf_event_paranoid)" 3
counts_faults() { fds | grep -q perf_event; }
tap_ok "and the counters of page faults" wait_until 20 counts_faults
tap_is "it keeps none but these capabilities" "$(lab run m sh -c 'grep -e CapEff -e CapPrm /proc/$(systemctl show -p MainPID --value ballast-agent)/status' | tr -s '\t\n' '  ')" \
	"CapPrm: 0000004001000000 CapEff: 0000004001000000 "
agent_said() { lab run m journalctl -u ballast-agent -o cat --no-pager | grep -q "$1"; }
lab run m 'echo 0 >/sys/devices/system/cpu/cpu1/online'
tap_ok "without what it gave up it cannot count anew when a CPU goes: it says so" wait_until 60 agent_said "not counted any more"
tap_is "and goes on" "$(lab run m systemctl show -p NRestarts --value ballast-agent)" 0
lab run m 'echo 1 >/sys/devices/system/cpu/cpu1/online; systemctl restart ballast-agent'
tap_ok "a restart helps" wait_until 20 counts_faults
tap_is "it has its own name" "$(lab run m hostname)" m
lab run m touch /etc/only-here
tap_fails "what it writes is not in the host" lab in h1 test -e /etc/only-here

image=$(lab in h1 sh -c 'ls /srv/lab/image/*.vmlinuz' | head -n 1)
lab run -i m sh -c 'cat >/tmp/inner.xml' <<XML
<domain type='qemu'>
  <name>inner</name>
  <memory unit='MiB'>160</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>$image</kernel>
    <initrd>${image%.vmlinuz}.initrd</initrd>
    <cmdline>console=ttyS0 quiet lab.host=inner lab.agent=0</cmdline>
  </os>
  <features><acpi/><tcg><tb-cache unit='MiB'>32</tb-cache></tcg></features>
  <devices><controller type='usb' model='none'/><memballoon model='virtio'/></devices>
</domain>
XML
tap_ok "a guest starts inside it" lab run m virsh -q create /tmp/inner.xml
weight() { lab run m 'cat /sys/fs/cgroup/machine.slice/*inner*/cpu.weight'; }
tap_is "its weight is v2's default" "$(weight)" 100
tap_ok "libvirt takes 400 shares" lab run m virsh -q schedinfo inner --live cpu_shares=400
tap_is "and they are its weight" "$(weight)" 400
tap_fails "20000 is too much for v2" lab run m virsh -q schedinfo inner --live cpu_shares=20000
tap_is "and changes nothing" "$(weight)" 400
lab run m virsh -q schedinfo inner --live cpu_shares=100 >/dev/null

# --- ballastd on control groups v2 ---
ctl() { lab run m ballastctl "$@"; }
weight_of() { # what policy says, or that raised by doubling: the guest is emulated twice, and may wait for a CPU
	local w

	for w in $1 $(($1 * 2)) $(($1 * 4)) $(($1 * 8)) $(($1 * 16)); do
		[ "$(weight)" != "$w" ] || return 0
	done
	return 1
}
weight_is() { [ "$(weight)" = "$1" ]; }
quota() { lab run m 'cat $(find /sys/fs/cgroup/machine.slice/*inner* -name cpu.max)' | grep -v '^max' | head -n 1; }
quota_is() { [ "$(quota)" = "$1" ]; }
host() { # a figure of the host's memory, in MiB
	ctl status --json 2>/dev/null | python3 -c '
import json, sys
def find(v, key):
    if isinstance(v, dict):
        m = v.get("memory")
        if isinstance(m, dict) and "managed" in m:
            return m[key]
        v = list(v.values())
    if isinstance(v, list):
        for x in v:
            r = find(x, key)
            if r is not None:
                return r
print(find(json.load(sys.stdin), sys.argv[1]) >> 20)' "$1"
}
host_at_least() { [ "$(host "$1")" -ge "$2" ]; }
host_is() { [ "$(host "$1")" = "$2" ]; }
put_policy() { # NAME <TEXT
	lab run -i m sh -c "mkdir -p /etc/ballast/policy.d && cat >/etc/ballast/policy.d/$1" && ctl reload >/dev/null
}
drop_policy() {
	lab run m rm "/etc/ballast/policy.d/$1" && ctl reload >/dev/null
}
told() { # KIND: how many such events
	ctl events --limit 1000 --kind "$1" --json | grep -o '"kind": *"' | wc -l
}
told_more() { [ "$(told "$1")" -gt "$2" ]; }

tap_is "ballastd runs there as its unit" "$(lab run m systemctl is-active ballastd)" active
tap_is "as its own user" "$(lab run m ps -o user= -C ballastd)" ballast
tap_ok "mode enforce" ctl mode enforce
printf '[Match]\nGuest=inner\n[CPU]\nWeight=300\nQuota=50%%\n' | put_policy 50-cpu.policy
tap_ok "a weight by policy is the scope's cpu.weight" wait_until 20 weight_of 300
tap_ok "a quota by policy is in cpu.max" wait_until 20 quota_is '50000 100000'
printf '[Match]\nGuest=inner\n[CPU]\nWeight=10000\nQuota=50%%\n' | put_policy 50-cpu.policy
tap_ok "the largest weight is v2's largest" wait_until 20 weight_is 10000
drop_policy 50-cpu.policy
tap_ok "the quota goes back with the policy" wait_until 20 quota_is ''
tap_ok "and the weight" wait_until 20 weight_of 100

# --- [Host] MemoryFrom=cgroup ---
lab run m systemctl set-property --runtime machine.slice MemoryMax=900M
printf '[Host]\nMemoryFrom=cgroup:/machine.slice\nReserve=64M\n' | put_policy 90-host.policy
tap_ok "with MemoryFrom=cgroup the host is as large as the group" wait_until 20 host_is total 900
before=$(host other)
job=$(lab run -d m systemd-run -q --pipe --slice=machine.slice load mem 300M --hold 600)
tap_ok "what else is in the group counts as used" wait_until 60 host_at_least other $((before + 200))
[ "$(host other)" -ge $((before + 200)) ] || {
	echo "# it was $before MiB, and is $(host other)"
	lab run m sh -c 'grep . /sys/fs/cgroup/machine.slice/memory.{current,max}; ps axo pid,rss,cgroup,args | grep -e load -e qemu' | cut -c1-200 | tap_say
}
lab kill m "$job" >/dev/null
lab run m sh -c 'systemctl stop "run-u*.service"'
drop_policy 90-host.policy
tap_ok "without it the host is the machine again" wait_until 20 host_at_least total 1000

# --- The clock is set by an hour, both ways ---
lab run m sh -c 'systemctl stop "*.timer"' # what else waits for a time of day
lab run m date -s '2026-11-23 12:30:00' >/dev/null
printf '[Match]\nGuest=inner\n[Schedule]\nOnCalendar=13:00\nUntil=18:00\n[CPU]\nQuota=80%%\n' | put_policy 60-late.policy
printf '[Match]\nGuest=inner\n[Schedule]\nOnCalendar=09:00\nUntil=13:00\n[CPU]\nQuota=70%%\n' | put_policy 60-early.policy
tap_ok "before one o'clock the early policy holds" wait_until 20 quota_is '70000 100000'
tap_ok "an override for half an hour" ctl guest set inner --min 100M --for 30m
override() { lab run m ballastctl guest explain inner --json | grep -c '"key": *"Min"'; }
tap_is "is in force" "$(override)" 1
commands=$(told command) set=$(told clock-set) pid=$(lab run m systemctl show -p MainPID --value ballastd)
lab run m date -s '2026-11-23 13:31:00' >/dev/null
begin=$SECONDS
tap_ok "an hour forward: the late policy holds" wait_until 20 quota_is '80000 100000'
echo "# after $((SECONDS - begin)) s"
tap_ok "and that the clock was set is told" wait_until 10 told_more clock-set "$set"
tap_is "a span of half an hour is not over" "$(override)" 1
set=$(told clock-set)
lab run m date -s '2026-11-23 12:31:30' >/dev/null
begin=$SECONDS
tap_ok "an hour back: the early policy holds again" wait_until 20 quota_is '70000 100000'
echo "# after $((SECONDS - begin)) s"
tap_ok "and is told too" wait_until 10 told_more clock-set "$set"
tap_is "the override is still there" "$(override)" 1
policies=$(told policy)
looks=$(ctl status --json | grep -o '"decided": *"[^"]*"' | head -n 1)
looked() { [ "$(ctl status --json | grep -o '"decided": *"[^"]*"' | head -n 1)" != "$looks" ]; }
wait_until 30 looked
tap_is "nothing flaps: after the next decision the same policies hold" "$(told policy)" "$policies"
tap_is "no memory command was given for it" "$(told command)" "$commands"
tap_is "and it is the same daemon" "$(lab run m systemctl show -p MainPID --value ballastd)" "$pid"
[ $tap_failed = 0 ] || lab run m journalctl -u ballastd -o short-monotonic --no-pager | tail -n 60 | tap_say
tap_ok "stop" lab stop m
tap_done
