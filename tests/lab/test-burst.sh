#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A guest without swap is squeezed by a greedy neighbour to what it uses and its headroom. Then anonymous memory of half that
# headroom is taken in one go, again and again: at rest, and in close succession. Nothing may be killed.
# How long each burst took is told; bench/burst wants it within 100 ms, which needs a machine that does nothing else.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon.sh"

MIB=$((1024 * 1024))
BURSTS=${BURSTS:-20} MOVING=${MOVING:-5}
BUDGET=420 # MiB for both guests, of 768 that they could have

# look: target, actual, use and want as ballastd knows them now.
look() {
	read -r target actual_now used want < <(api GET guests/web | jq -r '.memory | [.target, .actual, .used, .want] | @tsv')
}

# at_rest: the last burst's memory is known to be gone, ballastd leaves no more than it says that web wants (a difference below a tenth is not worth a
# command), and the balloon is there.
rest_used=$((1 << 40))
at_rest() {
	look && [ "$used" -le $((rest_used + 8 * MIB)) ] && [ "$target" -le $((want + want / 8)) ] &&
		[ "$actual_now" -le $((target + 2 * MIB)) ] && [ "$actual_now" -ge $((target - 2 * MIB)) ]
}

# given KIB: such a burst is known, and most of the headroom of 64 MiB is there again.
given() { look && [ "$used" -ge $((rest_used + $1 * 512)) ] && [ "$target" -ge $((used + 48 * MIB)) ]; }

TERMINATED=143 # a job that lab kill ended
# burst: half of the headroom that it has now, held until ballastd has given more. Sets fill_ms ("died": it did not live to say).
burst() {
	local half job

	half=$(((target - used) / 2 / 1024))
	job=$(lab run -d web load mem ${half}K --fast --huge --hold 60)
	wait_until 20 given "$half" || {
		not_given=$((not_given + 1))
		echo "# not given: half $half KiB, target $target, used $used, at rest $rest_used"
		lab run web free | tap_say
		ctl guest explain web | tap_say
		api GET guests/web | tap_say
		journal | tail -n 20 | tap_say
	}
	lab kill web "$job"
	lab wait web "$job" >"$TEST_TMP/burst" 2>&1
	code=$?
	fill_ms=$(sed -n 's/.*fill_ms=//p' "$TEST_TMP/burst")
	# Right after another one ballastd may know enough before all is filled: then it is we who ended it.
	[ -n "$fill_ms" ] || { [ $code = $TERMINATED ] && fill_ms=ended || fill_ms=died; }
	bursts+=("$((half / 1024)):$fill_ms")
	case $fill_ms in
	died) died=$((died + 1)) ;;
	ended) ;;
	*) [ "$fill_ms" -gt 100 ] || quick=$((quick + 1)) ;;
	esac
}

oom_kills() { lab run web sed -n 's/^oom_kill //p' /proc/vmstat; }

lab_up 1
lab guest web --max 256M --no-wait >"$TEST_TMP/guest" 2>&1 || tap_say <"$TEST_TMP/guest"
lab guest greedy --max 512M --swap disk:160M >"$TEST_TMP/guest" 2>&1 || tap_say <"$TEST_TMP/guest"
tap_ok "the agent of a guest without swap is heard" wait_until 60 reported web
tap_ok "and that of its neighbour" wait_until 60 reported greedy
lab run web 'echo madvise >/sys/kernel/mm/transparent_hugepage/enabled'
overhead=$(ctl status --json | jq -r '[.. | objects | .overhead? // empty] | first // 0')
lab in h1 sh -c 'cat >/etc/ballast/policy.d/00-host.policy' <<P
[Host]
Memory=$((BUDGET + overhead / MIB))M
Reserve=0
[Memory]
BootGraceSec=0
P
lab in h1 sh -c 'cat >/etc/ballast/policy.d/10-greedy.policy' <<'P'
[Match]
Guest=greedy
[Memory]
Min=512M
Weight=1000
P
tap_ok "policies are taken" ctl reload
tap_ok "mode enforce" enforce
tap_ok "web is squeezed to what it uses and its headroom" wait_until 60 at_rest
rest_used=$used
echo "# target $((target / MIB)) MiB, used $((used / MIB)) MiB"
tap_is "it has no net: no swap, no autodeflate" "$(figure web net)" none

bursts=() quick=0 not_given=0 died=0 not_back=0
for _ in $(seq "$BURSTS"); do
	wait_until 30 at_rest || {
		not_back=$((not_back + 1))
		echo "# not back: target $target, actual $actual_now, used $used, want $want"
		ctl guest explain web | tap_say
	}
	burst
done
echo "# MiB:ms of each: ${bursts[*]}"
tap_is "$BURSTS bursts of half its headroom, begun at its target" ${#bursts[@]} "$BURSTS"
[ -z "${BURST_MSEC:-}" ] || tap_is "each within 100 ms" $quick "$BURSTS"
echo "# within 100 ms: $quick"
tap_is "none died" $died 0
tap_is "each was given more" $not_given 0
tap_is "and was back at its target before the next" $not_back 0
tap_is "the guest's kernel has killed nothing" "$(oom_kills)" 0

bursts=()
for _ in $(seq "$MOVING"); do # each right after the end of the one before: ballastd is about to take, or taking, what that had
	look
	burst
done
echo "# MiB:ms of each: ${bursts[*]}"
tap_is "$MOVING more in close succession: none died" "${#bursts[@]} $died" "$MOVING 0"
tap_is "and nothing was killed" "$(oom_kills)" 0
tap_done
