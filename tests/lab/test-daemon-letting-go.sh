#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What mode observe leaves of a guest that is on its way down, and what a guest had where the disk was full and ballastd was killed: on real guests.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon.sh"

MIB=$((1024 * 1024))
lab_up 1
wait_until 20 status_has observe

# --- On its way down ---
lab guest big --max 1536M --memory 1536M >"$TEST_TMP/guest" 2>&1 || tap_say <"$TEST_TMP/guest"
tap_ok "an agent in a real guest is heard" wait_until 30 reported big
printf '[Memory]\nBootGraceSec=0\n' | put_policy 00-grace.policy
tap_ok "mode enforce" enforce
on_its_way() {
	local target

	target=$(figure big memory.target)
	[ "$target" != null ] && [ $((target + 64 * MIB)) -lt "$(actual big)" ]
}
# A new maximum each time, until one is caught in the middle: a balloon is there within a second or two.
caught=1
for max in 1300 1000 700 400 250; do
	ctl guest set big --max ${max}M --for 1h >/dev/null
	wait_until 3 on_its_way || continue
	ctl mode observe >/dev/null
	caught=0
	break
done
tap_result $caught "mode observe comes while it is on its way down"
sleep 1
left=$(actual big)
sleep 4
tap_between "it stays as it is" $(($(actual big) / MIB)) $((left / MIB - 2)) $((left / MIB + 2))
tap_ok "and the journal says so" journal_has 'it was on its way down, and is left at'
tap_between "the API tells the target that it has" $(($(figure big memory.target) / MIB)) $((left / MIB - 2)) $((left / MIB + 2))
before=$(calls mutating)
sleep 3
tap_is "and nothing is touched from then on" "$(calls mutating)" "$before"

# --- One that does not answer ---
ctl guest set big --clear >/dev/null
ctl guest set big --min 1400M --for 1h >/dev/null
enforce
has_most() { has big $((1398 * MIB)); }
tap_ok "it is given memory again" wait_until 30 has_most
ctl guest set big --clear >/dev/null
pid=$(lab in h1 cat /run/libvirt/qemu/big.pid)
ctl guest set big --max 250M --for 1h >/dev/null
wait_until 3 on_its_way
lab in h1 kill -STOP "$pid"
tap_ok "a guest that hangs does not hold up mode observe" timeout 15 "$TEST_TOP/lab/lab" in h1 ballastctl mode observe
tap_ok "and is named" wait_until 5 journal_has 'could not be stopped at the'
lab in h1 kill -CONT "$pid"

# --- A full disk and a kill -9 ---
ctl guest set big --clear >/dev/null
tap_ok "mode enforce again" enforce
fill_state
lab guest small --max 512M --memory 512M >"$TEST_TMP/guest" 2>&1 || tap_say <"$TEST_TMP/guest"
uuid=$(lab in h1 virsh domuuid small | head -n 1)
tap_ok "on a full disk what a guest had is kept in /run" wait_until 20 lab in h1 test -f "/run/ballast/originals/$uuid"
tap_is "for ballastd alone" "$(lab in h1 stat -c '%U %a' "/run/ballast/originals/$uuid")" "ballast 600"
wait_until 30 reported small
printf '[Match]\nGuest=small\n[Memory]\nMax=300M\n' | put_policy 10-small.policy
at_most() { [ "$(actual "$1")" -le "$2" ]; }
tap_ok "it is looked after all the same" wait_until 30 at_most small $((302 * MIB))
lab in h1 systemctl kill --signal=KILL ballastd
wait_until 20 status_has enforce
tap_ok "after a kill -9 it is heard again" wait_until 30 reported small
lab in h1 rm /var/lib/ballast/fill
gone() { ! lab in h1 test -e "/run/ballast/originals/$uuid"; }
tap_ok "with room again the disk has it" wait_until 40 gone
target_is() { [ "$(figure "$1" memory.target)" = "$2" ]; }
tap_ok "mode observe --release" ctl mode observe --release --yes
tap_ok "gives back what it had before the kill" wait_until 20 target_is small $((512 * MIB))
lab in h1 systemctl stop ballastd
lab in h1 umount /var/lib/ballast
tap_done
