#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Guests with a running job, beside the live dump of test-bad-guests-slow.sh: `virsh save`, ended and aborted, is waited for and what
# was due is done then; a copy of a disk holds up nothing.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon.sh"

MIB=$((1024 * 1024))
helper=/usr/lib/libvirt/libvirt_iohelper
lab_up 1
for g in web two; do
	lab guest $g --max 512M --memory 512M --data 64M >"$TEST_TMP/guest" 2>&1 || tap_say <"$TEST_TMP/guest"
done
wait_until 30 reported web
wait_until 30 reported two
enforce

at_most() { # GUEST MIB
	[ "$(actual "$1")" -le $(($2 * MIB)) ]
}
condition() { # GUEST WORD
	case $(api GET "guests/$1") in *"\"conditions\":["*"\"$2\""*"]"*) ;; *) return 1 ;; esac
}
condition_over() {
	[ "$(figure "$1" name)" = "$1" ] && ! condition "$1" "$2"
}
wrong() { # GUEST TEXT: in what status says is wrong
	ctl status | sed -n '/^Wrong/,/^$/p' | grep -q -e "^  $1 .*$2"
}
commands() { # GUEST: how many memory commands it was given
	ctl events --limit 1000 --kind command --guest "$1" --json | grep -o '"kind": *"command"' | wc -l
}
quarantines() {
	ctl events --limit 1000 --kind quarantine --json | grep -c '"kind": *"quarantine"'
}
gone() {
	! ctl guest show "$1" >/dev/null 2>&1
}
state() {
	lab in h1 virsh domstate "$1" | head -n 1
}
state_is() {
	[ "$(state "$1")" = "$2" ]
}

# --- Save ---
# What writes the file waits until it is told to go on: a save that takes as long as the test wants.
lab in h1 sh -c "cp $helper /run/iohelper.real
	printf '#!/bin/sh\nwhile [ ! -e /run/go ]; do sleep 0.1; done\nexec /run/iohelper.real \"\$@\"\n' >/run/iohelper
	chmod 755 /run/iohelper && mount --bind /run/iohelper $helper"
save() {
	lab in h1 sh -c 'rm -f /run/go; virsh save web /var/tmp/web.saved >/run/save.log 2>&1 </dev/null &'
}
save
tap_ok "a save is under way" wait_until 20 state_is web paused
tap_ok "status says that a job has paused the guest, and what is done" wait_until 20 wrong web 'job.*has paused it -> no command until it ends'
before=$(commands web)
tap_ok "what is asked for it meanwhile is taken" ctl guest set web --max 300M --for 1h
tap_ok "another guest is served meanwhile" ctl guest set two --max 300M --for 1h
tap_ok "in time" wait_until 15 at_most two 301
tap_is "the one that is saved is given no command" "$(commands web)" "$before"
lab in h1 virsh domjobabort web >"$TEST_TMP/abort" 2>&1
lab in h1 touch /run/go
tap_ok "a save that is aborted leaves it running" wait_until 30 state_is web running
tap_ok "that is told" wait_until 20 condition_over web job
tap_ok "and it gets what was due" wait_until 20 at_most web 301
ctl guest set web --clear >/dev/null
ctl guest set web --min 500M --for 1h >/dev/null
wait_until 20 has web $((499 * MIB))

job=$(lab run -d web load mem 100M --hold 600)
save
wait_until 20 state_is web paused
tap_ok "a save again" wait_until 20 condition web job
ctl guest set web --clear >/dev/null
ctl guest set web --max 350M --for 1h >/dev/null
lab in h1 touch /run/go
tap_ok "a guest that was saved is gone" wait_until 60 gone web
tap_ok "it is restored" lab in h1 virsh restore /var/tmp/web.saved
tap_ok "and its agent is heard again" wait_until 40 reported web
tap_ok "what was asked for it while it was saved is done" wait_until 30 at_most web 351
tap_is "its load runs on" "$(lab jobs web | grep -c 'load mem')" 1
tap_is "nothing was killed in it" "$(lab run web sed -n 's/^oom_kill //p' /proc/vmstat)" 0
tap_is "nothing hung: nobody was in quarantine" "$(quarantines)" 0
lab kill web "$job"
lab in h1 umount "$helper"
ctl guest set web --clear >/dev/null
ctl guest set two --clear >/dev/null

# --- A copy of a disk ---
target=$(lab in h1 virsh -q domblklist web | awk 'NR == 1 { print $1 }')
copying() {
	lab in h1 virsh blockjob web "$target" --info 2>&1 | grep -q "Block Copy"
}
tap_ok "a disk is being copied, one MiB a second" lab in h1 virsh blockcopy web "$target" --dest /var/tmp/copy.img --format raw \
	--bandwidth 1 --transient-job
ctl guest set web --max 300M --for 1h >/dev/null
tap_ok "memory is moved all the same" wait_until 20 at_most web 301
tap_ok "while the copy goes on" copying
tap_fails "and nothing is wrong" wrong web job
lab in h1 virsh blockjob web "$target" --abort
tap_ok "nor after it" condition_over web job
tap_is "nobody was in quarantine" "$(quarantines)" 0
tap_done
