#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A guest that is a whole Debian machine with control groups v2, and guests inside it: where v2's CPU weights are real.
# Takes minutes: only with BALLAST_TEST_SLOW=1.
. "$(dirname "$0")/lib.sh"
[ "${BALLAST_TEST_SLOW:-}" = 1 ] || tap_skip_all "slow: set BALLAST_TEST_SLOW=1"

lab_up --no-ballast
tap_ok "a guest that boots the host's own Debian" lab guest m --system --max 1536M --vcpus 2
tap_is "it booted whole" "$(lab run m systemctl is-system-running --wait)" running
tap_ok "control groups are v2" lab run m test -e /sys/fs/cgroup/cgroup.controllers
tap_ok "with the cpu controller" lab run m grep -qw cpu /sys/fs/cgroup/cgroup.controllers
tap_is "it has its own name" "$(lab run m hostname)" m
lab run m touch /etc/only-here
tap_fails "what it writes is not in the host" lab in h1 test -e /etc/only-here

image=$(lab in h1 sh -c 'ls /srv/lab/image/*.vmlinuz' | head -n 1)
lab run -i m sh -c 'cat >/tmp/inner.xml' <<EOF
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
EOF
tap_ok "a guest starts inside it" lab run m virsh -q create /tmp/inner.xml
weight() { lab run m 'cat /sys/fs/cgroup/machine.slice/*inner*/cpu.weight'; }
tap_is "its weight is v2's default" "$(weight)" 100
tap_ok "libvirt takes 400 shares" lab run m virsh -q schedinfo inner --live cpu_shares=400
tap_is "and they are its weight" "$(weight)" 400
tap_fails "20000 is too much for v2" lab run m virsh -q schedinfo inner --live cpu_shares=20000
tap_is "and changes nothing" "$(weight)" 400
tap_ok "stop" lab stop m
tap_done
