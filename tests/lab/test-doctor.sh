#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ballastctl doctor on a real host: what is broken is named with what mends it, and what was mended is not named any more.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon.sh"

lab_up 1
guest() {
	lab guest "$@" >"$TEST_TMP/guest" 2>&1 || tap_say <"$TEST_TMP/guest"
}
state() { # CHECK
	lab in h1 ballastctl doctor --json | python3 -c '
import json, sys
for c in json.load(sys.stdin)["checks"]:
    if c["name"] == sys.argv[1]:
        print(c["state"], *("%s: %s -> %s" % (f["subject"], f["text"], f["remedy"]) for f in c["findings"]))' "$1"
}
is() { # CHECK STATE [WORDS]
	local said

	said=$(state "$1")
	case $said in "$2"*"${3:-}"*) ;; *) echo "$said"; return 1 ;; esac
}
exit_code() {
	lab in h1 ballastctl doctor >/dev/null 2>&1
	echo $?
}

for check in daemon-unit release-unit access daemon daemon-problems libvirt start-hook pressure cgroup configuration policy-files policy-use state network sizes; do
	tap_ok "$check is well on a fresh host" wait_until 10 is $check ok
done
tap_is "nothing is wrong: exit 0" "$(exit_code)" 0
tap_ok "mode observe is only noted" is mode note "ballastctl mode enforce"

guest good --max 512M --swap zram:512M
tap_ok "a good guest: balloon" wait_until 20 is guest-balloon ok
tap_ok "... agent" wait_until 20 is guest-agent ok
tap_ok "... net" wait_until 20 is guest-net ok
tap_ok "... free page reporting" is guest-reporting ok
guest quiet --max 256M --no-agent --no-reporting
tap_ok "no agent speaks" wait_until 20 is guest-agent bad "quiet: it has the channel, and no agent speaks -> in the guest: install ballast-agent"
tap_ok "no free page reporting" is guest-reporting note "virsh edit quiet"
tap_is "that is wrong: exit 1" "$(exit_code)" 1
lab stop quiet >/dev/null
guest fixed --max 256M --no-balloon --no-channel
tap_ok "no balloon" wait_until 20 is guest-balloon note "fixed: its memory cannot be moved: no-balloon -> give it one: virsh edit fixed"
lab stop fixed >/dev/null
tap_ok "they are gone" wait_until 20 is guest-agent ok

lab in h1 mv /etc/libvirt/hooks/qemu.d/ballast /root/hook
tap_ok "no start hook" is start-hook bad "it is not there"
lab in h1 sh -c 'cp /root/hook /etc/libvirt/hooks/qemu.d/ballast && chmod 755 /etc/libvirt/hooks/qemu.d/ballast'
tap_ok "a hook that came after libvirt" wait_until 5 is start-hook bad "does not know of it -> systemctl restart libvirtd"
lab in h1 sh -c 'sleep 3; systemctl restart libvirtd'
tap_ok "a restart mends it" wait_until 10 is start-hook ok
lab in h1 chmod 644 /etc/libvirt/hooks/qemu.d/ballast
tap_ok "one that cannot be run" is start-hook bad "chmod 755"
lab in h1 chmod 755 /etc/libvirt/hooks/qemu.d/ballast

lab in h1 sh -c 'mkdir -p /etc/ballast/policy.d; printf "[Memory]\nWieght=3\n" >/etc/ballast/policy.d/50-bad.policy; ballastctl reload >/dev/null 2>&1'
tap_ok "a bad policy" is policy-files bad "50-bad.policy:2:1: unknown key \"Wieght\""
tap_ok "... nothing of it is in force" is policy-use bad "nothing of it is in force"
lab in h1 sh -c 'printf "[Match]\nGuest=nobody*\n[Memory]\nMin=64M\n" >/etc/ballast/policy.d/50-bad.policy; ballastctl reload >/dev/null'
tap_ok "one that is for nobody" wait_until 10 is policy-use note "50-bad.policy: it is for no guest"
lab in h1 sh -c 'mkdir -p /usr/lib/ballast/policy.d; cp /etc/ballast/policy.d/50-bad.policy /usr/lib/ballast/policy.d/'
tap_ok "one that is shadowed" is policy-use note "/usr/lib/ballast/policy.d/50-bad.policy: /etc/ballast/policy.d/50-bad.policy stands for it"
lab in h1 sh -c 'rm /etc/ballast/policy.d/50-bad.policy /usr/lib/ballast/policy.d/50-bad.policy; ballastctl reload >/dev/null'
tap_ok "mended" wait_until 10 is policy-use ok

lab in h1 sh -c 'mkdir -p /etc/ballast/ballast.conf.d; printf "[Daemon]\nUry=x\n" >/etc/ballast/ballast.conf.d/x.conf'
tap_ok "a mistake in the configuration" is configuration bad 'x.conf:2:1: unknown key "Ury"'
lab in h1 rm /etc/ballast/ballast.conf.d/x.conf

lab in h1 systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd
tap_ok "libvirt is away" wait_until 30 is libvirt bad "ballastd does not reach it"
lab in h1 systemctl start libvirtd
tap_ok "... and back" wait_until 60 is libvirt ok

lab in h1 systemctl -q disable ballastd
tap_ok "not enabled" is daemon-unit bad "will not start when the host does (disabled) -> systemctl enable ballastd"
lab in h1 systemctl -q enable ballastd
lab in h1 systemctl stop ballastd
tap_ok "the daemon is down" is daemon-unit bad "it is inactive -> systemctl start ballastd"
tap_ok "... its socket is said" is access bad "/run/ballast/api.sock"
tap_ok "... the rest is looked at all the same: policy files" is policy-files ok
tap_ok "... libvirt" is libvirt ok
tap_ok "... the hook" is start-hook ok
tap_ok "... guests are not known" is guest-agent unknown
tap_is "... and that is wrong: exit 1" "$(exit_code)" 1
lab in h1 systemctl start ballastd
tap_ok "it is up again" wait_until 30 is daemon ok
tap_is "nobody else may ask" "$(lab in h1 setpriv --reuid=65534 --regid=65534 --clear-groups ballastctl doctor --json | grep -o 'the daemon lets you do nothing' | head -n 1)" \
	"the daemon lets you do nothing"
tap_done
