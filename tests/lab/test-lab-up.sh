#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Hosts: they boot, are machines of their own, and nothing of them is left afterwards.
. "$(dirname "$0")/lib.sh"

tap_fails "a command without a lab says so" lab exec h1 true
tap_ok "down without a lab is no error" lab down
tap_fails "an unknown verb is refused" lab nonsense
tap_fails "a bad number of hosts is refused" lab up many

lab_up 2 --no-ballast
tag=$(cat "$LAB_DIR/tag")
tap_is "host 1 booted whole" "$(lab in h1 systemctl is-system-running)" running
tap_is "host 2 booted whole" "$(lab in 2 systemctl is-system-running)" running
tap_is "libvirtd runs as a unit" "$(lab in h1 systemctl is-active libvirtd)" active
tap_is "libvirt answers" "$(lab exec h1 virsh -q list --all)" ""
tap_is "each has its name" "$(lab in h1 hostname) $(lab in h2 hostname)" "h1 h2"
tap_fails "each has its machine-id" [ "$(lab in h1 cat /etc/machine-id)" = "$(lab in h2 cat /etc/machine-id)" ]
tap_ok "up again is no error" lab up 2 --no-ballast
tap_is "status shows both" "$(lab status | grep -c ' running ')" 2

lab exec h1 sh -c 'echo out; echo err >&2; exit 7' >"$TEST_TMP/o" 2>"$TEST_TMP/e"
tap_is "exec passes the exit code" $? 7
tap_is "exec passes both outputs" "$(cat "$TEST_TMP/o" "$TEST_TMP/e")" "out
err"
tap_is "exec passes the input" "$(echo hello | lab exec h1 cat)" hello
tap_ok "exec runs a unit" lab exec h1 grep -q 'lab-exec-.*\.service' /proc/self/cgroup
tap_fails "an unknown host is refused" lab exec h3 true

# A killed exec takes its command along.
"$TEST_TOP/lab/lab" exec h1 sleep 987 &
exec_pid=$!
tap_ok "exec's command runs" wait_until 20 lab in h1 pgrep -f 'sleep 987$'
kill $exec_pid
wait $exec_pid 2>/dev/null
tap_fails "and ends with exec" lab in h1 pgrep -f 'sleep 987$'

# The hosts must not reach through to the machine.
before=$(cat /proc/sys/kernel/pid_max)
tap_fails "kernel settings are read-only" lab in h1 sh -c "echo $before >/proc/sys/kernel/pid_max"
tap_ok "network settings are the host's own" lab in h1 sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
lab in h1 touch /etc/only-in-h1
tap_fails "what one host writes is not on the machine" [ -e /etc/only-in-h1 ]
tap_fails "nor on the other host" lab in h2 test -e /etc/only-in-h1
reach() { lab in h1 ip neigh flush all && lab in h1 bash -c 'echo >/dev/udp/h2/9' && lab in h1 ip neigh show 10.79.0.2 | grep -q lladdr; }
tap_ok "the hosts reach each other" wait_until 20 reach

# Power.
tap_ok "the power of a host can be cut" lab crash h2
tap_is "then it is off" "$(lab status | awk '$1 == "h2" { print $2 }')" off
tap_fails "and takes no command" lab exec h2 true
tap_ok "it boots again" lab start h2
tap_ok "it powers off in order" lab off h2
tap_ok "and boots once more" lab start h2
boot=$(lab in h2 cat /proc/sys/kernel/random/boot_id)
lab in h2 systemctl reboot
rebooted() {
	local now

	now=$(lab in h2 cat /proc/sys/kernel/random/boot_id) && [ "$now" != "$boot" ] &&
		[ "$(lab in h2 systemctl is-system-running)" = running ]
}
tap_ok "a reboot brings it back" wait_until 60 rebooted

# A second lab beside this one.
first_dir=$LAB_DIR
LAB=$LAB-b tap_ok "a second lab comes up beside it" lab up --no-ballast
tap_is "with the same addresses" "$(LAB=$LAB-b lab in h1 ip -o -4 addr show eth0 | awk '{ print $4 }')" 10.79.0.1/24
LAB=$LAB-b tap_ok "and goes" lab down
tap_ok "the first is still there" lab exec h1 true
LAB_DIR=$first_dir

tap_ok "down" lab down
tap_is "nothing is left" "$(lab_traces "$tag")" ""
tap_ok "a directory with something else in it is not touched" bash -c '
	mkdir -p "$1/d/precious"; ! LAB_DIR=$1/d "$2/lab/lab" up && ! LAB_DIR=$1/d "$2/lab/lab" down && [ -d "$1/d/precious" ]
' - "$TEST_TMP" "$TEST_TOP"
tap_done
