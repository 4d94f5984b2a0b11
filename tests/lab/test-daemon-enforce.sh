#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ballastd on real guests: what observe mode leaves alone, what need and policy move, what a restart and a kill -9 leave.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon.sh"

MIB=$((1024 * 1024))
lab_up 1
wait_until 20 status_has observe
tap_result $? "a fresh installation starts in mode observe"
tap_is "ballastd runs as its own user" "$(lab in h1 ps -o user= -C ballastd)" ballast
tap_is "with no capability" "$(lab in h1 sh -c 'grep CapEff /proc/$(systemctl show -p MainPID --value ballastd)/status' | tr -d '\t ')" \
	CapEff:0000000000000000

lab guest web --max 512M --memory 256M >"$TEST_TMP/guest" 2>&1 || tap_say <"$TEST_TMP/guest"
lab guest idle --max 1G --memory 1G >"$TEST_TMP/guest" 2>&1 || tap_say <"$TEST_TMP/guest"
tap_ok "an agent in a real guest is heard" wait_until 30 reported web
tap_ok "and another" wait_until 30 reported idle
job=$(lab run -d web load mem 150M --hold 600)
uses_at_least() { [ "$(figure "$1" memory.used)" -ge "$2" ]; }
tap_ok "the daemon sees its need" wait_until 60 uses_at_least web $((180 * MIB))
tap_is "observe mode changed nothing about any guest" "$(calls mutating)" 0
tap_is "web still has what it was started with" "$(actual web)" $((256 * MIB))

# --- Need ---
tap_ok "mode enforce" enforce
tap_ok "a guest that uses 150 MiB more than before is given room" wait_until 20 has web $((280 * MIB))
tap_ok "the reason is in the journal" journal_has 'memory .* MiB: '
target_is_real() { [ "$(figure "$1" memory.target)" = "$(actual "$1")" ]; }
tap_ok "the API tells the target that libvirt has" wait_until 20 target_is_real web
tap_ok "explain tells why" ctl guest explain web

# --- By hand ---
tap_ok "an override is accepted" ctl guest set web --min 480M --for 1h --reason test
tap_ok "and followed" wait_until 20 has web $((480 * MIB))

# --- kill -9 under load ---
lab in h1 systemctl set-property --runtime ballastd.service StartLimitBurst=100 2>/dev/null ||
	lab in h1 sh -c 'mkdir -p /run/systemd/system/ballastd.service.d; printf "[Unit]\nStartLimitIntervalSec=0\n" >/run/systemd/system/ballastd.service.d/limit.conf; systemctl daemon-reload'
# One of four movements asks for far less than web uses: it has no net, and keeps what it uses and a burst (a quarter of its maximum), whoever has just
# been started and has not heard it yet.
killed=0
ranges=("--min 300M --max 320M" "--min 350M --max 370M" "--max 96M" "--min 450M --max 470M")
used_mib=512
before=$(journal '^web: memory ' | wc -l)
for i in $(seq 20); do
	# Each time another moment of another movement.
	# shellcheck disable=SC2086
	ctl guest set web ${ranges[i % 4]} --for 1h >/dev/null 2>&1
	sleep 0.$((i * 37 % 90))
	lab in h1 systemctl kill --signal=KILL ballastd && killed=$((killed + 1))
	now_mib=$(lab run web cat /proc/meminfo | awk '/MemTotal/ {t=$2} /MemAvailable/ {a=$2} END {print int((t - a) / 1024)}')
	[ "$now_mib" -ge "$used_mib" ] || used_mib=$now_mib
	wait_until 20 status_has enforce || break
done
least_sent() { journal '^web: memory ' | sed "1,$before d" | sed -n 's/^web: memory [0-9.]* -> \([0-9]*\)[0-9.]* MiB.*/\1/p' | sort -n | head -n 1; }
tap_is "it was killed twenty times" $killed 20
# Its use is read 3 % up and down.
tap_between "web was never sent below what it uses and a burst of 128 MiB (uses at least $used_mib MiB)" "$(least_sent)" $((used_mib * 97 / 100 + 128)) 512
tap_is "its load was never killed" "$(lab run web cat /proc/vmstat | sed -n 's/^oom_kill //p')" 0
tap_ok "the mode is remembered" wait_until 20 status_has enforce
tap_ok "the agent is heard again" wait_until 30 reported web
tap_is "the override is remembered" "$(api GET guests/web/explain | python3 -c 'import json,sys; print(len(json.load(sys.stdin)["overrides"]))')" 2
tap_is "the state file is whole" "$(lab in h1 systemctl stop ballastd; lab in h1 sh -c \
	'sqlite3 /var/lib/ballast/state.db "PRAGMA integrity_check" 2>/dev/null || python3 -c "import sqlite3; print(sqlite3.connect(\"/var/lib/ballast/state.db\").execute(\"PRAGMA integrity_check\").fetchone()[0])"')" ok
lab in h1 systemctl start ballastd
tap_ok "overrides are cleared" ctl guest set web --clear

# --- Back ---
wait_until 20 reported web
lab kill web "$job"
uses_at_most() { [ "$(figure "$1" memory.used)" -le "$2" ]; }
tap_ok "the need is over" wait_until 60 uses_at_most web $((100 * MIB))
ctl guest set web --min 480M --for 1h >/dev/null
tap_ok "it is given more once again" wait_until 20 has web $((480 * MIB))
tap_ok "mode observe lets it be" ctl mode observe
tap_ok "and leaves it as it is" [ "$(actual web)" -ge $((478 * MIB)) ]
tap_ok "mode observe --release" ctl mode observe --release --yes
target_is() { [ "$(figure "$1" memory.target)" = "$2" ]; }
tap_ok "gives web back its original size" wait_until 20 target_is web $((256 * MIB))
tap_ok "and idle" wait_until 20 target_is idle $((1024 * MIB))
before=$(calls mutating)
sleep 5
tap_is "and touches nothing from then on" "$(calls mutating)" "$before"
tap_is "a second release finds nothing" "$(ctl mode observe --release --yes | tail -n 1)" "nothing was held: every guest has what it had before"
tap_done
