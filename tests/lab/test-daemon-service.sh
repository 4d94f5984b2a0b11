#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ballastd as a service on its bad days: broken policies on reload, a full state directory, libvirtd gone, the start limit.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon.sh"

MIB=$((1024 * 1024))
lab_up 1
lab guest web --max 512M --memory 512M >"$TEST_TMP/guest" 2>&1 || tap_say <"$TEST_TMP/guest"
wait_until 30 reported web

write_policy() { # NAME TEXT
	lab in h1 sh -c "mkdir -p /etc/ballast/policy.d; printf '$2' >/etc/ballast/policy.d/$1"
}
setting() { # SECTION KEY: the effective value
	api GET guests/web/policy | python3 -c '
import json, sys
for s in json.load(sys.stdin)["settings"]:
    if [s["section"], s["key"]] == sys.argv[1:]:
        print(s["value"])' "$1" "$2"
}
setting_is() {
	[ "$(setting "$1" "$2")" = "$3" ]
}

status_lacks() {
	[ -n "$(status_line)" ] && ! status_has "$1"
}
at_most() { # GUEST BYTES
	[ "$(actual "$1")" -le "$2" ]
}
answer_has() { # PATH WORD
	case $(api GET "$1") in *"$2"*) ;; *) return 1 ;; esac
}
released_said() {
	lab in h1 journalctl -u ballast-release -o cat --no-pager | grep -q '^web: given .* MiB (had .*, uses [1-9]'
}

tap_ok "the API says which libvirt it is" answer_has version \
	"\"libvirt\":\"$(lab in h1 virsh version --daemon | sed -n 's/^Running against daemon: //p')\""

# --- Reload ---
write_policy 50-web.policy '[Match]\nGuest=web\n[Memory]\nWeight=300\n'
write_policy 60-min.policy '[Match]\nGuest=web\n[Memory]\nMin=200M\n'
tap_ok "good policies are taken over by systemctl reload" lab in h1 systemctl reload ballastd
tap_ok "and in force" wait_until 10 setting_is Memory Weight 300
write_policy 50-web.policy '[Match]\nGuest=web\n[Memory]\nWeigth=500\n'
write_policy 60-min.policy '[Match]\nGuest=web\n[Memory]\nMin=220M\n'
lab in h1 systemctl reload ballastd
tap_ok "the good file of a reload is in force" wait_until 10 setting_is Memory Min 220M
tap_is "the bad one keeps its last good version" "$(setting Memory Weight)" 300
tap_ok "the journal names file, line and the nearest key" journal_has '50-web.policy:4:1: .*Weight'
tap_ok "the status line says so" wait_until 10 status_has 'bad configuration file'
tap_ok "and so does the API" answer_has hosts/self policy-bad
ctl reload >"$TEST_TMP/said" 2>&1
tap_is "ballastctl reload fails with 9" $? 9
tap_ok "and says where" grep -q '50-web.policy:4:1' "$TEST_TMP/said"
lab in h1 rm /etc/ballast/policy.d/50-web.policy
tap_ok "with the bad file gone the next reload is good" ctl reload
tap_fails "and the status line is quiet again" status_has 'bad configuration'
lab in h1 sh -c 'mkdir -p /etc/ballast/ballast.conf.d; printf "[Agent]\nHeartbeatSec=never\n" >/etc/ballast/ballast.conf.d/x.conf'
lab in h1 systemctl reload ballastd
tap_ok "a bad configuration is told the same way" wait_until 10 status_has 'bad configuration file'
tap_is "and does not end the daemon" "$(lab in h1 systemctl is-active ballastd)" active
lab in h1 rm -r /etc/ballast/ballast.conf.d
ctl reload >/dev/null

# --- libvirtd gone and back ---
enforce
lab in h1 systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd
tap_ok "a libvirtd that is gone is told" wait_until 10 status_has 'libvirt unreachable'
tap_ok "the agent is listened to all the same" reported web
lab in h1 systemctl start libvirtd.socket libvirtd
tap_ok "it is found again" wait_until 30 status_lacks unreachable
ctl guest set web --min 512M --for 1h >/dev/null
ctl guest set web --max 300M --for 1h >/dev/null
tap_ok "and commanded" wait_until 20 at_most web $((301 * MIB))
ctl guest set web --clear >/dev/null

# --- The start hook ---
rooms_are() {
	[ "$(api GET hosts/self | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["reservations"]))')" = "$1" ]
}
has_no_problem() {
	! answer_has hosts/self "$1"
}
is_known() {
	[ "$(figure "$1" running)" = true ]
}
restart_libvirtd() {
	local before

	before=$(journal 'libvirt is back' | wc -l)
	lab in h1 systemctl restart libvirtd
	wait_until 30 journal_count 'libvirt is back' $((before + 1))
}
journal_count() {
	[ "$(journal "$1" | wc -l)" -ge "$2" ]
}
lab guest late --max 192M --memory 192M --no-start >"$TEST_TMP/guest" 2>&1 || tap_say <"$TEST_TMP/guest"
lab in h1 sh -c 'virsh dumpxml late --inactive >/tmp/late.xml; sed "s,<kernel>.*</kernel>,<kernel>/nonexistent</kernel>," /tmp/late.xml >/tmp/broken.xml'
lab in h1 virsh -q start late
tap_ok "a guest that asked for room is there" wait_until 20 is_known late
tap_ok "and no problem" has_no_problem start-hook
lab in h1 sh -c 'virsh -q destroy late; virsh -q define /tmp/broken.xml'
tap_fails "a guest does not start" lab in h1 virsh -q start late
tap_ok "its room was given back at once" wait_until 5 rooms_are 0
tap_ok "by the hook" journal_has 'the room for late is free again (by'
lab in h1 sh -c 'virsh -q define /tmp/late.xml; mv /etc/libvirt/hooks/qemu.d/ballast /root/ballast-hook'
restart_libvirtd
lab in h1 virsh -q start late
tap_ok "without the hook a start is told" wait_until 20 answer_has hosts/self '"code":"start-hook"'
tap_ok "with the remedy" journal_has 'late: it started without asking .* restart libvirtd'
lab in h1 sh -c 'virsh -q destroy late; mv /root/ballast-hook /etc/libvirt/hooks/qemu.d/ballast'
restart_libvirtd
tap_ok "running guests go on" reported web
lab in h1 virsh -q start late
tap_ok "and the next one asks" wait_until 20 has_no_problem start-hook
lab in h1 virsh -q destroy late

# --- A journal that does not read ---
lab in h1 systemctl kill --signal=STOP systemd-journald
# Each is a line; the journal's socket holds some hundred.
tap_ok "with the journal stopped ballastd does all that is asked" timeout 120 "$TEST_TOP/lab/lab" in h1 sh -c \
	'for i in $(seq 2001 2700); do ballastctl guest set web --weight $i --for 1h >/dev/null || exit 1; done'
lab in h1 systemctl kill --signal=CONT systemd-journald
tap_ok "and what it said is there when it reads again" wait_until 20 journal_has Weight=2700
tap_is "every line of it" "$(journal 'Weight=2[0-9][0-9][0-9]' | wc -l)" 700
ctl guest set web --clear >/dev/null

# --- State that cannot be written ---
fill_state
ctl guest set web --min 310M --for 1h >"$TEST_TMP/said" 2>&1
tap_is "on a full disk an override is refused" $? 1
tap_ok "and the answer says why" grep -q 'could not be saved' "$TEST_TMP/said"
tap_ok "the status line says that state cannot be written" wait_until 20 status_has 'state cannot be written'
lab run -d web load mem 200M --hold 20 >/dev/null
tap_ok "guests are looked after all the same" wait_until 20 has web $((330 * MIB))
ctl mode observe >/dev/null 2>&1
tap_ok "mode observe is taken at once" status_has observe
lab in h1 rm /var/lib/ballast/fill
tap_ok "with room again it heals by itself" wait_until 25 status_lacks 'cannot be written'
lab in h1 systemctl restart ballastd
tap_ok "and what holds now is on disk" wait_until 10 status_has observe
lab in h1 systemctl stop ballastd
lab in h1 mount -o remount,ro /var/lib/ballast
lab in h1 systemctl start ballastd
tap_ok "on a read-only disk the daemon starts" wait_until 20 status_has 'state cannot be written'
lab in h1 systemctl stop ballastd
lab in h1 umount /var/lib/ballast

# --- A newer state file, the start limit, the release service ---
lab in h1 systemctl reset-failed ballastd
lab in h1 systemctl start ballastd
wait_until 20 reported web
enforce
ctl guest set web --max 170M --for 1h >/dev/null
wait_until 20 at_most web $((205 * MIB))
small=$(actual web)
tap_between "the guest is far below what it had" $((small / MIB)) 100 205
lab in h1 sh -c 'mv /usr/sbin/ballastd /usr/sbin/ballastd.good
	printf "#!/bin/sh\ncase \$1 in --release) exec /usr/sbin/ballastd.good \"\$@\" ;; esac\nexit 1\n" >/usr/sbin/ballastd
	chmod +x /usr/sbin/ballastd; systemctl kill --signal=KILL ballastd'
begin=$SECONDS
tap_ok "at the start limit the guest is given what it had" wait_until 20 has web $((512 * MIB - 2 * MIB))
tap_between "within ten seconds (and the five starts before)" $((SECONDS - begin)) 0 13
tap_is "the unit has failed" "$(lab in h1 systemctl is-failed ballastd)" failed
tap_ok "the journal says what was done" released_said

# --- The same with libvirt gone as well: the release waits for it ---
daemon_failed() {
	[ "$(lab in h1 systemctl is-failed ballastd)" = failed ]
}
release_failed() {
	lab in h1 journalctl -u ballast-release -o cat --no-pager | grep -q 'guests could not be released\|ballastd ends'
}
lab in h1 sh -c 'cp /usr/sbin/ballastd /usr/sbin/ballastd.bad; cp -f /usr/sbin/ballastd.good /usr/sbin/ballastd'
lab in h1 systemctl reset-failed ballastd
lab in h1 systemctl start ballastd
wait_until 20 reported web
ctl guest set web --max 170M --for 1h >/dev/null
tap_ok "the guest is made small once more" wait_until 20 at_most web $((205 * MIB))
lab in h1 systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd
lab in h1 sh -c 'cp -f /usr/sbin/ballastd.bad /usr/sbin/ballastd.new; mv /usr/sbin/ballastd.new /usr/sbin/ballastd; systemctl kill --signal=KILL ballastd'
tap_ok "the daemon fails again" wait_until 20 daemon_failed
tap_ok "its release does not reach libvirt" wait_until 20 release_failed
lab in h1 systemctl start libvirtd.socket libvirtd
tap_ok "and is done when it is back" wait_until 30 has web $((512 * MIB - 2 * MIB))
lab in h1 systemctl stop ballast-release

lab in h1 mv -f /usr/sbin/ballastd.good /usr/sbin/ballastd
lab in h1 python3 -c 'import sqlite3; c = sqlite3.connect("/var/lib/ballast/state.db"); c.execute("PRAGMA user_version=99"); c.commit()'
lab in h1 systemctl reset-failed ballastd
lab in h1 systemctl start ballastd
tap_is "a newer state file is refused with status 9" "$(lab in h1 systemctl show -p ExecMainStatus --value ballastd)" 9
tap_ok "with the remedy" journal_has 'install that release again'
tap_done
