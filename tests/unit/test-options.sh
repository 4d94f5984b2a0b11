#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What `ballastd --help` says is in its manual, and its exit codes are what the manual says.
set -u
srcdir=${srcdir:-.} builddir=${builddir:-build}
d=$builddir/daemon/ballastd
n=0 failed=0
result() { # CODE TEXT
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n - $2" || { echo "not ok $n - $2"; failed=1; }
}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
"$d" --help >"$tmp/help"
result $? "--help exits 0"
for option in $(grep -o -e '^  --[a-z-]*' "$tmp/help"); do
	sed 's/\\-/-/g' "$srcdir/man/ballastd.8" | grep -Eq -e "^\.BI? +$option( |=|$)"
	result $? "ballastd(8) has $option"
done
"$d" --version | grep -q '^ballastd [0-9]'
result $? "--version tells the version"
for status in $(sed -n 's/^Exit status: //p' "$tmp/help" | grep -o '[0-9]\+ [a-z]' | cut -d' ' -f1); do
	sed -n '/EXIT STATUS/,/^\.SH FILES/p' "$srcdir/man/ballastd.8" | grep -q "^\.B $status$"
	result $? "ballastd(8) has exit status $status"
done
"$d" --no-such-option 2>/dev/null
[ $? = 2 ]
result $? "an unknown option exits 2"
"$d" extra 2>/dev/null
[ $? = 2 ]
result $? "an argument exits 2"
"$d" --check --config="$tmp/nothing.conf" 2>"$tmp/err"
[ $? = 9 ] && grep -q "nothing.conf" "$tmp/err"
result $? "a configuration that is not there exits 9 and is named"
mkdir "$tmp/policy"
printf '[Daemon]\nPolicyPath=%s\n' "$tmp/policy" >"$tmp/b.conf"
printf '[Memory]\nMin=512M\n' >"$tmp/policy/10-a.policy"
"$d" --check --config="$tmp/b.conf" >"$tmp/out" && grep -q "^configuration and 1 policy are good$" "$tmp/out"
result $? "good files exit 0"
printf '[Memory]\nMni=512M\n' >"$tmp/policy/20-b.policy"
"$d" --check --config="$tmp/b.conf" >"$tmp/out" 2>"$tmp/err"
[ $? = 9 ] && grep -q '20-b.policy:2:1: .*Min' "$tmp/err"
result $? "a bad policy exits 9 with file, line, column and the nearest key"
printf '[Daemon]\nUrl=x\n' >"$tmp/b.conf"
"$d" --check --config="$tmp/b.conf" 2>"$tmp/err"
[ $? = 9 ] && grep -q 'b.conf:2:1: .*Uri' "$tmp/err"
result $? "a bad key exits 9 with file, line, column and the nearest key"
printf '[Daemon]\nUrl=x\nPolicyPath=%s\n' "$tmp/policy" >"$tmp/b.conf"
"$d" --check --config="$tmp/b.conf" 2>"$tmp/err"
[ $? = 9 ] && grep -q 'b.conf:2:1: .*Uri' "$tmp/err" && grep -q '20-b.policy:2:1: .*Min' "$tmp/err"
result $? "it hides no mistake in the policies"
"$d" --config="$tmp/b.conf" 2>"$tmp/err"
[ $? = 9 ]
result $? "the daemon does not start with it"
for policy in "$srcdir"/etc/policy/*.policy; do
	mkdir -p "$tmp/example"
	cp "$policy" "$tmp/example/"
done
printf '[Daemon]\nPolicyPath=%s\n' "$tmp/example" >"$tmp/b.conf"
"$d" --check --config="$tmp/b.conf" >"$tmp/out" 2>"$tmp/err"
result $? "the example policies are good"
sed 's/^/# /' "$tmp/err"
printf '[Daemon]\nPolicyPath=%s\n' "$tmp/policy" >"$tmp/b.conf"
rm "$tmp/policy"/*
printf '[Host]\nMemoryFrom=cgroup:/no-such-group\n' >"$tmp/policy/10-a.policy"
"$d" --check --config="$tmp/b.conf" >"$tmp/out" 2>"$tmp/err" && grep -q 'note: .*cgroup:/no-such-group' "$tmp/err"
result $? "a group that is not there is noted: the daemon starts without it"

rm "$tmp/policy"/*
ln -s around "$tmp/around"
printf '[Daemon]\nUri=test:///default\nStateDirectory=%s/state\nPolicyPath=%s/around\n[API]\nSocket=%s/s\n' \
	"$tmp" "$tmp" "$tmp" >"$tmp/b.conf"
"$d" --foreground --config="$tmp/b.conf" 2>"$tmp/err"
[ $? = 9 ] && grep -q "$tmp/around: cannot be read: .*; expected a directory" "$tmp/err"
result $? "a policy directory that cannot be read exits 9 and is named"
sed 's/^/# /' "$tmp/err"
printf '[Daemon]\nUri=test:///default\nStateDirectory=%s/state\nPolicyPath=%s\n[API]\nSocket=%s/precious\n' \
	"$tmp" "$tmp/policy" "$tmp" >"$tmp/b.conf"
echo precious >"$tmp/precious"
timeout 20 "$d" --foreground --config="$tmp/b.conf" 2>"$tmp/err"
[ $? = 1 ] && grep -q precious "$tmp/precious" && grep -q "$tmp/precious: File exists (it is no socket" "$tmp/err"
result $? "what Socket= names and is no socket is left alone"
printf '[Daemon]\nUri=test://%s/no-such-node.xml\nStateDirectory=%s/state\nPolicyPath=%s\n[Agent]\nHeartbeatSec=1s\n' \
	"$tmp" "$tmp" "$tmp/policy" >"$tmp/b.conf"
"$d" --dry-run --foreground --config="$tmp/b.conf" >"$tmp/out" 2>"$tmp/err"
[ $? = 1 ] && grep -q 'libvirt cannot be reached' "$tmp/err" && ! grep -q 'nothing would be changed' "$tmp/out"
result $? "a dry run without libvirt fails and says why"
printf '[Daemon]\nUri=test:///default\nStateDirectory=%s/state\nPolicyPath=%s\n[Agent]\nHeartbeatSec=1s\n' \
	"$tmp" "$tmp/policy" >"$tmp/b.conf"
"$d" --dry-run --foreground --config="$tmp/b.conf" >"$tmp/out" 2>"$tmp/err" && grep -q '^1 guest, host is ' "$tmp/out"
result $? "with libvirt it says what would be done"
grep -q 'looks at .* in a dry run: nothing is touched' "$tmp/err" && ! grep -q 'mode observe' "$tmp/err"
result $? "and names no mode: the host's own may be another one"
echo "1..$n"
exit $failed
