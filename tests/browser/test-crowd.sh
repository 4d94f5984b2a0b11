#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The page with 1000 guests of libvirt's test driver, in a real browser at a real daemon.
. "$(dirname "$0")/../api/lib.sh"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/serve.sh"
browser_ready
guests=1000
world() {
	local i

	echo "<node>"
	for ((i = 0; i < guests; i++)); do
		printf '<domain type="test"><name>guest%d</name><uuid>00000000-0000-4000-8000-%012d</uuid>' "$i" "$i"
		printf '<memory unit="MiB">256</memory><currentMemory unit="MiB">%d</currentMemory>' $((2 + i % 4))
		printf '<vcpu>1</vcpu><os><type>hvm</type></os><devices><memballoon model="virtio" autodeflate="on"/>'
		[ $i -ge 2 ] ||
			printf '<channel type="unix"><source mode="bind" path="%s"/><target type="virtio" name="org.ballast.agent.0"/></channel>' "$tmp/agent-$i"
		printf '</devices></domain>\n'
	done
	echo "</node>"
}
page_policies() {
	for i in $(seq -w 0 19); do
		printf '[Match]\nGuest=nobody\n[Schedule]\nOnCalendar=*-*-* 03:00\nDuration=1min\n[Memory]\nMin=1M\n' >"$tmp/policy.d/50-somebody-chose-a-rather-long-name-for-this-one-$i.policy"
	done
}
page_up
page_run crowd.mjs || exit 1
daemon_down || exit 1
