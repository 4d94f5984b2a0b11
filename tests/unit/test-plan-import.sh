#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ballastctl plan --import: what it prints of a described cluster, its exit codes, and what it says of a file that is wrong.
set -u
ctl=$builddir/ballastctl
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
n=0 failed=0

ok() { # name: the difference, on stdin
	local difference
	difference=$(cat)
	n=$((n + 1))
	[ "$difference" ] || { echo "ok $n - $1"; return; }
	echo "$difference" | sed 's/^/# /'
	echo "not ok $n - $1"
	failed=$((failed + 1))
}
run() { # wanted exit code, arguments...: its output and errors, the time that it took left out
	local want=$1 got
	shift
	"$ctl" plan "$@" > "$dir/out" 2>&1
	got=$?
	[ "$got" = "$want" ] || echo "exit code $got, wanted $want"
	sed -E "s/in [0-9.]+ ms/in T ms/; s/\"took_usec\": [0-9]+/\"took_usec\": T/; s,$dir/,," "$dir/out"
}

printf '%s\n' 'default|uuid-1' '' \
	'n1|8192|0|0|0|0|8|N|uuid-1' 'n2|8192|0|8192|0|0|8|N|uuid-1' 'n3|8192|0|4096|0|0|8|M|uuid-1' '' \
	'a|4096|0|4|running|Y|n1||ext' 'b|2048|0|2|running|Y|n1||rbd' 'c|2048|0|2|running|Y|n1||ext' \
	'd|4096|0|4|running|Y|n3||plain' > "$dir/three"

ok "the moves are shown, each with the score after it" < <(diff <(run 0 --import "$dir/three") - <<'END'
MOVE  GUEST  MEMORY  FROM  TO  SCORE
   1  a       4 GiB  n1    n2  0.00000000

3 hosts, 4 guests: score 0.81649658 -> 0.00000000 by 1 move; found in T ms
END
)
ok "a host is emptied, and who cannot go is named" < <(diff <(run 4 --import "$dir/three" --drain n3) - <<'END'
Stays: d (4 GiB) on n3: it cannot travel

3 hosts, 4 guests: score 1.00000000 -> 1.00000000 by 0 moves; found in T ms
END
)
ok "as JSON" < <(diff <(run 0 --import "$dir/three" --json | python3 -c '
import json, re, sys
d = json.loads(re.sub(r": T\b", ": 0", sys.stdin.read()))
print(d["hosts"], d["guests"], round(d["score_before"], 8), d["score_after"], d["left"], d["moves"])') - <<'END'
3 4 0.81649658 0.0 [] [{'guest': 'a', 'from': 'n1', 'to': 'n2', 'score': 0.0}]
END
)
ok "a host that is not there is named" < <(diff <(run 3 --import "$dir/three" --drain n9) <(echo 'ballastctl: there is no host "n9" in three'))
sed 's/rbd/drbd/' "$dir/three" > "$dir/pairs"
ok "what is refused has its place" < <(diff <(run 9 --import "$dir/pairs") - <<'END'
ballastctl: pairs:8:26: its disks are a local pair (drbd) on "n1" and "": to move it means to copy disks, which is not done here
END
)
ok "a file that is not there has a remedy" < <(diff <(run 1 --import "$dir/none") <(echo 'ballastctl: none: cannot be read: No such file or directory; check the path'))
ok "--drain alone is wrong usage" < <(diff <(run 2 --drain n1 | head -1) <(echo 'ballastctl: --drain goes with --import FILE'))
echo "1..$n"
[ $failed = 0 ]
