#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The simulator as a whole: every shipped scenario over decide() and over the baseline. Two runs print the same bytes, the second judge agrees with
# the first, the exit code says what the summary says, what is expected is met, and decide() is not worse than the plain loop.
set -u
ours=$builddir/simulate/ballast-simulate
baseline=$builddir/tests/unit/simulate-baseline
judge=$builddir/tests/unit/judge-lines
scenarios=$srcdir/simulate/scenarios
golden=$srcdir/tests/golden
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
n=0
failed=0

ok() { # result name [file with what was seen]
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
		return
	fi
	failed=1
	[ $# -gt 2 ] && head -n 20 "$3" | sed 's/^#* */# /'
	echo "not ok $n - $2"
}

# Runs a command whose exit code must be the first argument; its output is kept for the next check.
exits() {
	want=$1 name=$2
	shift 2
	"$@" >"$dir/stdout" 2>"$dir/stderr"
	[ $? -eq "$want" ]
	ok $? "$name" "$dir/stderr"
}

# ---- every scenario, both programs ----
for file in "$scenarios"/*.json; do
	name=$(basename "$file" .json)
	for program in ours baseline; do
		eval "binary=\$$program"
		"$binary" --json "$file" >"$dir/$program-$name" 2>"$dir/stderr"
		code=$?
		"$binary" --json "$file" >"$dir/again" 2>>"$dir/stderr"
		cmp "$dir/$program-$name" "$dir/again" >>"$dir/stderr" 2>&1
		ok $? "$name, $program: two runs print the same bytes" "$dir/stderr"
		"$judge" "$file" "$dir/$program-$name" >"$dir/judged-$program-$name" 2>&1
		ok $? "$name, $program: the second judge agrees" "$dir/judged-$program-$name"
		tail -n 1 "$dir/$program-$name" |
			grep -Eq '"rule": "(promise|oom)"|"met": false' && want=1 || want=0
		[ "$code" -eq "$want" ]
		ok $? "$name, $program: the exit code is what the summary says"
	done
	"$ours" "$file" >"$dir/table" 2>&1
	grep -q '^FAIL' "$dir/table" && grep '^FAIL' "$dir/table" >"$dir/unmet"
	if grep -qx "$name" "$golden/simulate-unmet"; then
		continue # known, and said there
	fi
	! tail -n 1 "$dir/ours-$name" | grep -Eq '"rule": |"met": false'
	ok $? "$name: everything that is expected is met" "$dir/unmet"
	# The phases of heartbeats and looks are luck: they come from the seed.
	grep -qx "$name@seeds" "$golden/simulate-unmet" && continue
	: >"$dir/unlucky"
	for seed in 1 2 3 4 5 6 7 8 9 10; do
		"$ours" --seed $seed "$file" >"$dir/table" 2>&1 ||
			sed -n "s/^FAIL/seed $seed:/p" "$dir/table" >>"$dir/unlucky"
	done
	[ ! -s "$dir/unlucky" ]
	ok $? "$name: and with ten seeds" "$dir/unlucky"
done

# ---- not worse than the plain loop where that one is good ----
reached() { sed -n "s/^expect $2 reached //p" "$dir/judged-$1"; }
for name in a1-16x2 a2-2x16 a3-40x1 b-fast b-slow c-fast c-slow; do
	us=$(reached "ours-$name" 0) loop=$(reached "baseline-$name" 0)
	echo "# $name: after ${us:-never} ms, the loop after ${loop:-never} ms"
	[ -n "$us" ] && [ "$us" -le "${loop:-999999999}" ]
	ok $? "$name: not later than a plain loop"
done

# ---- what must be told in the daemon's words ----
told() { # scenario pattern
	grep -qx "$1" "$golden/simulate-unmet" && return
	grep -q "$2" "$dir/ours-$1"
	ok $? "$1: tells $2"
}
told stuck '"type": "stuck", "guest": "stuck"'
told breaker '"type": "breaker", "guest": "breaker"'
told flood '"type": "channel-shut", "guest": "flood"'
told starts '"type": "reserved", "guest": "new-6"'
told reset '"type": "reboot", "guest": "r"'
told silent '"type": "stale", "guest": "mute"'
told liar '"type": "not-credible", "guest": "liar"'
told back '"type": "took-back", "guest": "back"'
told cpu '"type": "cpu", "guest": "favoured", "weight": 400,'
told dst '"t": 6000.[0-9]*, "type": "policy", "guest": "backup"'
told condition '"t": 1[34][0-9].[0-9]*, "type": "policy", "guest": "db"'

# ---- golden: the baseline does not change when decide() does ----
# Sentences may be reworded; everything else is compared byte for byte, with every compiler.
"$baseline" --json "$golden/simulate.json" 2>&1 |
	sed 's/"text": "[^"]*"/"text": ""/' >"$dir/lines"
"$baseline" "$golden/simulate.json" 2>&1 | cut -c1-64 | sed 's/ *$//' >"$dir/table"
if [ -n "${BALLAST_REGENERATE:-}" ]; then
	cp "$dir/lines" "$golden/simulate.jsonl"
	cp "$dir/table" "$golden/simulate.table"
fi
diff "$golden/simulate.jsonl" "$dir/lines" >"$dir/diff"
ok $? "the lines are those of the golden file" "$dir/diff"
diff "$golden/simulate.table" "$dir/table" >"$dir/diff"
ok $? "the table is that of the golden file" "$dir/diff"
"$baseline" --json "$golden/simulate.json" >"$dir/lines" 2>&1
"$judge" "$golden/simulate.json" "$dir/lines" >"$dir/judged" 2>&1
ok $? "the second judge agrees about the golden run" "$dir/judged"

# ---- both judges call unmet what is never looked at ----
echo '{"duration_s": 2, "host": {"memory": "8G"}, "guests": [{"name": "a", "max": "2G", "demand": [[0, "1G"]]}],
	"expect": [{"guest": "a", "never_below": "1G", "after_s": 2}, {"guest": "a", "never_below": "1G", "after_s": 3}]}' >"$dir/late.json"
"$ours" --json "$dir/late.json" >"$dir/late" 2>&1
tail -n 1 "$dir/late" | grep -q '"expect": \[{"met": true}, {"met": false}\]'
ok $? "a floor that is expected from after the end on is unmet" "$dir/late"
"$judge" "$dir/late.json" "$dir/late" >"$dir/judged" 2>&1
ok $? "the second judge agrees about it" "$dir/judged"

# ---- the second judge sees what is wrong with lines ----
blind() { # name sed-expression
	sed "$2" "$dir/lines" >"$dir/wrong"
	! cmp -s "$dir/lines" "$dir/wrong"
	ok $? "changed: $1"
	! "$judge" "$golden/simulate.json" "$dir/wrong" >/dev/null 2>&1
	ok $? "seen: $1"
}
blind 'a command less' '0,/"type": "command"/{/"type": "command"/d}'
blind 'another size' '0,/"t": 5.*"type": "actual"/s/\("t": 5.*"type": "actual".*"bytes": \)[0-9]*/\11048576/'
blind 'a free figure that is off by one' '0,/"free": 1/s/"free": 1/"free": 2/'
blind 'a flip less' '$s/"flips": [0-9]*/"flips": 77/'
blind 'another shortage' '$s/"short_byte_s": /"short_byte_s": 1/'
blind 'an expectation turned round' '$s/"met": false/"met": true/'
blind 'a size that is no multiple of a MiB' '0,/"to": /s/\("to": [0-9]*\),/\11,/'
blind 'lines after the summary' '1p;1{h;d};${p;x}'

# ---- the command ----
head -n 1 "$dir/lines" | grep -q '^{"t": 0.0, "type": "actual", "guest": "need", "bytes": 1073741824, "demand": 943718400}$'
ok $? "a line has the contract's form"
exits 2 "without a file: usage" "$ours"
exits 2 "two files: usage" "$ours" a b
exits 2 "an unknown option: usage" "$ours" --jsn "$golden/simulate.json"
exits 2 "a seed that is no number: usage" "$ours" --seed 1x "$golden/simulate.json"
exits 0 "--help" "$ours" --help
exits 3 "a file that is not there" "$ours" "$dir/none.json"
grep -q "none.json" "$dir/stderr"
ok $? "and it is named"
echo '{"duration_s": 1, "host": {"memory": "1G"}, "guests": [{"nme": "a"}]}' >"$dir/bad.json"
exits 9 "a bad scenario" "$ours" "$dir/bad.json"
grep -q 'bad.json: /guests/0/nme: unknown key; the nearest one is "name"' "$dir/stderr"
ok $? "says where and what is near" "$dir/stderr"
printf '{"duration_s": 1, "host": {"memory": "1G"},\n "guests": [}' >"$dir/bad.json"
exits 9 "broken JSON" "$ours" "$dir/bad.json"
grep -q 'bad.json:2:' "$dir/stderr"
ok $? "says the line" "$dir/stderr"
printf '%s\n' '{"duration_s": 1, "host": {"memory": "1G"}, "guests": [], "policies": ["[Memory]\nMni=1G\n"]}' >"$dir/bad.json"
exits 9 "a bad policy" "$ours" "$dir/bad.json"
grep -q 'inline-00:2:.*Min' "$dir/stderr"
ok $? "says the policy's place and what is near" "$dir/stderr"
"$ours" --json --timing "$golden/simulate.json" >"$dir/stdout" 2>"$dir/stderr"
"$ours" --json "$golden/simulate.json" >"$dir/again"
cmp -s "$dir/stdout" "$dir/again" && grep -q '^decisions: .* p99 ' "$dir/stderr"
ok $? "--timing goes to standard error and changes nothing else" "$dir/stderr"
"$ours" --json --seed 4 "$golden/simulate.json" >"$dir/four"
"$ours" --json --seed 4 "$golden/simulate.json" >"$dir/four-again"
cmp -s "$dir/four" "$dir/four-again" && ! cmp -s "$dir/four" "$dir/again"
ok $? "--seed gives another run, and the same one each time"

echo "1..$n"
exit $failed
