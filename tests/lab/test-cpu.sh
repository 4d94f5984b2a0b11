#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# CPU weights on real guests: two that spin on one core share it as policy weights say, one beside an idle guest has it
# to itself, and the weights of before come back. Only the two guests' own vCPU time in the same window is compared, so
# whatever else this machine does takes from both alike.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon.sh"

CORE=$(nproc) CORE=$((CORE - 1))

# vcpu_msec GUEST...: what the vCPUs of each have run so far, one line a guest; read in one go.
vcpu_msec() {
	lab in h1 sh -c 'for g; do pid=$(cat /run/libvirt/qemu/$g.pid)
		for t in /proc/$pid/task/*; do
			read -r name <$t/comm
			case $name in CPU*) read -r ran rest <$t/schedstat; echo $((ran / 1000000)) ;; esac
		done
	done' sh "$@"
}

# shares_of GUEST: its cpu_shares, asked of libvirt.
shares_of() {
	lab in h1 virsh schedinfo "$1" --live | awk '$1 == "cpu_shares" { print $3 }'
}

# weights_are A B: light and heavy have these shares.
weights_are() {
	[ "$(shares_of light) $(shares_of heavy)" = "$1 $2" ]
}

# window SECONDS: sets light_ms, heavy_ms and permille (light's part of both) of a window that begins now.
window() {
	local a b

	a=($(vcpu_msec light heavy))
	sleep "$1"
	b=($(vcpu_msec light heavy))
	light_ms=$((b[0] - a[0])) heavy_ms=$((b[1] - a[1]))
	permille=$((1000 * light_ms / (light_ms + heavy_ms > 0 ? light_ms + heavy_ms : 1)))
	echo "# in ${1} s: light ran $light_ms ms, heavy $heavy_ms ms"
}

spins() { # GUEST...: each has run since it was asked last
	local g a

	for g; do
		a=$(vcpu_msec "$g")
		wait_until 20 ran_more "$g" $((a + 50)) || return 1
	done
}
ran_more() { [ "$(vcpu_msec "$1")" -ge "$2" ]; }

policies() {
	lab in h1 sh -c 'cat >/etc/ballast/policy.d/10-light.policy' <<-'P'
		[Match]
		Guest=light
		[CPU]
		Weight=100
	P
	lab in h1 sh -c 'cat >/etc/ballast/policy.d/10-heavy.policy' <<-'P'
		[Match]
		Guest=heavy
		[CPU]
		Weight=400
	P
	ctl reload
}

lab_up 1
for g in light heavy; do
	lab guest $g --max 192M --pin "$CORE" --no-wait >"$TEST_TMP/guest" 2>&1 || tap_say <"$TEST_TMP/guest"
done
tap_ok "the agent of one is heard" wait_until 60 reported light
tap_ok "and of the other" wait_until 60 reported heavy
# An administrator's own figures, which no weight says to the letter (a weight of 98 makes 1003 shares), in the heavy one before ballastd comes.
default=$(shares_of light)
odd=$((default > 1000 ? 1000 : 99))
period_of() {
	lab in h1 virsh schedinfo "$1" --live | awk '$1 == "global_period" { print $3 }'
}
lab in h1 systemctl stop ballastd
lab in h1 virsh schedinfo heavy --live --set cpu_shares=$odd --set global_period=50000 >"$TEST_TMP/set" 2>&1 || tap_say <"$TEST_TMP/set"
lab in h1 systemctl start ballastd
tap_ok "figures set by hand are there before it comes" wait_until 60 reported heavy
wait_until 60 reported light
before="$(shares_of light) $(shares_of heavy)"
tap_is "and are what they were set to" "$before" "$default $odd"
tap_ok "mode enforce" enforce
lab run -d light load spin --seconds 600 >/dev/null
lab run -d heavy load spin --seconds 600 >/dev/null
tap_ok "both spin" spins light heavy
window 2
tap_between "without a policy they share core $CORE in halves, roughly, permille" $permille 400 600

# --- Weights by policy ---
from=${EPOCHREALTIME/./}
policies >"$TEST_TMP/reload" 2>&1 || tap_say <"$TEST_TMP/reload"
tap_ok "weights 100 and 400 are set" wait_until 3 weights_are "$default" $((4 * default))
tap_is "the period stays the administrator's" "$(period_of heavy)" 50000
tap_between "within 3 s of the policy, ms" $(((${EPOCHREALTIME/./} - from) / 1000)) 0 3000
window 4
tap_between "then vCPU time is 20:80, permille of light" $permille 150 250
window 4
tap_between "and it stays so, permille of light" $permille 150 250
tap_ok "neither weight was raised beyond its policy" weights_are "$default" $((4 * default))

# --- Beside an idle guest ---
lab run heavy killall load
stat() { awk -v c="cpu$CORE" '$1 == c { print $5 + $6 }' /proc/stat; }
idle=$(stat)
window 3
tap_between "alone, the lighter one has the core, permille" $permille 900 1000
tap_between "nothing of the core is left idle, ticks of 10 ms in 3 s" $(($(stat) - idle)) 0 30

# --- Back ---
lab in h1 systemctl kill --signal=KILL ballastd
knows() { [ "$(figure "$1" cpu.weight) $(figure "$1" report.source)" = "$2 agent" ]; }
tap_ok "killed in between, it finds the weights that it left" wait_until 20 knows heavy 400
lab in h1 rm /etc/ballast/policy.d/10-heavy.policy /etc/ballast/policy.d/10-light.policy
tap_ok "policies are taken away" ctl reload
tap_ok "and the weights of before are back" wait_until 10 weights_are $before
policies >"$TEST_TMP/reload" 2>&1
tap_ok "set once more" wait_until 10 weights_are "$default" $((4 * default))
lab in h1 systemctl stop ballastd
tap_is "a daemon that stops leaves the weights of before" "$(shares_of light) $(shares_of heavy)" "$before"
tap_is "and the period" "$(period_of heavy)" 50000
tap_done
