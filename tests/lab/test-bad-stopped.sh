#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The QEMUs of ten guests stop at once, in the middle of being commanded, and go on: the others are served meanwhile. They stop for fifteen
# seconds, six times as long as a call may take, with BALLAST_TEST_SLOW=1 for a minute.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon.sh"

MIB=$((1024 * 1024))
STOPPED_SECONDS=$([ -n "${BALLAST_TEST_SLOW:-}" ] && echo 60 || echo 15)
names=$(seq -f 's%g' 10)
lab_up 1
how_many() { # CONDITION: of the ten
	ctl guest list --json | python3 -c '
import json, sys
print(sum(g["name"].startswith("s") and sys.argv[1] in g["conditions"] for g in json.load(sys.stdin)["guests"]))' "$1"
}
how_many_is() {
	[ "$(how_many "$1")" = "$2" ]
}
all_at_most() { # MIB
	ctl guest list --json | python3 -c '
import json, sys
sys.exit(any(g["name"].startswith("s") and g["memory"]["actual"] > int(sys.argv[1]) << 20 for g in json.load(sys.stdin)["guests"]))' "$1"
}
web_is() { # MIB
	local n=$(($(actual web) / MIB))

	[ $n -ge $(($1 - 2)) ] && [ $n -le $(($1 + 2)) ]
}
signal_all() {
	lab in h1 sh -c "for g in $(echo $names); do kill -$1 \$(cat /run/libvirt/qemu/\$g.pid); done"
}

lab guest web --max 512M --memory 512M --no-wait >"$TEST_TMP/guest" 2>&1 || tap_say <"$TEST_TMP/guest"
for g in $names; do
	lab guest "$g" --max 96M --memory 96M --no-wait >"$TEST_TMP/guest" 2>&1 || tap_say <"$TEST_TMP/guest"
done
heard=0
for g in web $names; do
	wait_until 240 reported "$g" && heard=$((heard + 1))
done
tap_is "eleven guests are up and heard" $heard 11
printf '[Memory]\nBootGraceSec=0\n' | put_policy 00-grace.policy
enforce
ctl guest set web --min 400M --max 400M --for 1h >/dev/null
tap_ok "guests are commanded" wait_until 30 web_is 400

printf '[Match]\nGuest=s*\n[Memory]\nMax=88M\n' | put_policy 50-all.policy
signal_all STOP
begin=$SECONDS
served=0 slowest=0 answer=0 quarantined=0
while [ $((SECONDS - begin)) -lt $STOPPED_SECONDS ]; do
	size=$((300 + served % 2 * 100))
	from=${EPOCHREALTIME/./}
	ctl guest set web --min ${size}M --max ${size}M --for 1h >/dev/null
	took=$((${EPOCHREALTIME/./} - from))
	[ $took -le $answer ] || answer=$took
	wait_until 20 web_is $size || break
	took=$((${EPOCHREALTIME/./} - from))
	[ $took -le $slowest ] || slowest=$took
	served=$((served + 1))
	n=$(how_many quarantined)
	[ "$n" -le $quarantined ] || quarantined=$n
done
tap_between "while ten hang the other one is served again and again" $served $((STOPPED_SECONDS / 7)) 1000
tap_between "each time within seconds, ms" $((slowest / 1000)) 0 8000
tap_between "and the API answers at once, ms" $((answer / 1000)) 0 2000
# Those that had been carried out before the stop have nothing to be asked.
tap_between "those that were asked something are in quarantine" $quarantined 1 10
tap_ok "status names them" sh -c "'$TEST_TOP/lab/lab' in h1 ballastctl status | grep -q 'it does not answer libvirt'"
tap_ok "libvirtd answers others" lab in h1 timeout 10 virsh -q domstate web
signal_all CONT
tap_ok "when they go on none stays in quarantine" wait_until 90 how_many_is quarantined 0
tap_ok "and all are what policy says" wait_until 60 all_at_most 89
killed=0
for g in web $names; do
	killed=$((killed + $(lab run "$g" sed -n 's/^oom_kill //p' /proc/vmstat)))
done
tap_is "nothing was killed in any" $killed 0
tap_is "the daemon never restarted" "$(lab in h1 systemctl show -p NRestarts --value ballastd)" 0
[ $tap_failed = 0 ] || journal | tail -n 80 | tap_say
tap_done
