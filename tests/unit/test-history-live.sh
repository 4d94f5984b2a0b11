#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The history of a real ballastd, on libvirt's test driver: sampled, asked for, kept when the guest is shut off, and lost without harm where the state
# directory cannot be written.
set -u
. "${srcdir:-.}/tests/fixture/ballastd.sh"
trap 'end; mountpoint -q "$tmp/state" && umount "$tmp/state"; rm -rf "$tmp"' EXIT
get() { curl -s --max-time 20 --unix-socket "$tmp/s" "http://x$1" >"$tmp/out"; }
has() { get "$1" && grep -q "$2" "$tmp/out"; }
code_is() { get "$1" && grep -q "\"code\":\"$2\"" "$tmp/out"; }
guest=/v1/history/guests/test
host=/v1/history/hosts/self

printf '[Daemon]\nUri=test:///default\nStateDirectory=%s/state\nPolicyPath=%s/policy\n[API]\nSocket=%s/s\n[History]\nSampleSec=5s\n' "$tmp" "$tmp" "$tmp" >"$tmp/b.conf"
mkdir "$tmp/policy"
start
get $guest
grep -q '"guest":"test".*"step_s":15.*"points":\[{"time":"[^"]*","actual":null' "$tmp/out"
result $? "a guest of which there is nothing yet has points without figures"
until_true has "$guest?since=1m&step=5" '"actual":[0-9]'
result $? "it has some with the first sample"
until_true has "$host" '"guests":1,"decisions":[0-9]'
result $? "the host too"
has "$host?since=2h&step=60" '"step_s":60'
result $? "the step is the one that was asked for"
points() { grep -o '"time":' "$tmp/out" | wc -l; }
get "$guest?since=30d"
[ "$(points)" -le 300 ] && [ "$(points)" -gt 100 ]
result $? "a month has few points"
for query in 'step=1s' 'since=1h&until=2h' 'since=tomorrow' 'step=0' 'step=x' 'since=30d&step=1m' 'since=1h&since=2h' 'until=' 'from=1h' 'step=1500ms' 'since=-1h' 'since=infinity'; do
	code_is "$guest?$query" query-invalid
	result $? "$query is refused"
done
code_is /v1/history/guests/tset guest-unknown && grep -q '"nearest":"test"' "$tmp/out"
result $? "a guest that never was is unknown, with the nearest name"
code_is /v1/history/hosts/other host-unknown
result $? "so is a host"
ctl() { "$builddir/ballastctl" --socket="$tmp/s" --color never history "$@" >"$tmp/out" 2>&1; }
COLUMNS=60 LC_ALL=C.UTF-8 ctl guest test --since 1m
[ $? = 0 ] && grep -q '^test, memory, a point each' "$tmp/out" && grep -q '[█░]' "$tmp/out" && grep -q '░ has   ─ wants' "$tmp/out"
result $? "ballastctl draws it"
COLUMNS=60 LC_ALL=C ctl guest test --since 1m
[ $? = 0 ] && grep -q '[#:]' "$tmp/out" && ! LC_ALL=C grep -q $'[\x80-\xff]' "$tmp/out"
result $? "without UTF-8 by other signs"
for what in memory stall cpu; do
	COLUMNS=60 ctl host --what $what --since 2m && grep -q ", $what, a point each" "$tmp/out"
	result $? "$what of the host"
done
ctl guest test --since 1m --step 5s --json && grep -q '"step_s": *5' "$tmp/out"
result $? "with --json it is the API's"
ctl guest test --what weather
[ $? = 2 ] && grep -q 'expected memory, stall or cpu' "$tmp/out"
result $? "a figure that is none is refused"
ctl guest tset
[ $? = 3 ] && grep -q 'nearest name is "test"' "$tmp/out"
result $? "a guest that is none is not found"
ctl guest test --since 30d --step 1m
[ $? = 2 ]
result $? "too many points are refused"
ctl guest test --since 29d --step 1h # all but the last is empty
result $? "a month of which little is known is drawn"
# 40 at once: each is answered, or told that there are too many.
for i in $(seq 40); do echo "url=http://x$guest?since=30d"; echo "output=$tmp/o$i"; done >"$tmp/urls"
curl -s --max-time 60 --unix-socket "$tmp/s" --no-progress-meter --parallel --parallel-immediate --parallel-max 40 -K "$tmp/urls"
[ "$(grep -l '"points":\|"code":"busy"' "$tmp"/o* | wc -l)" = 40 ]
result $? "many at once are answered, or told to come again"

end
sqlite3_uuid=$(grep -o '"uuid":"[^"]*"' "$tmp/o1" | cut -d'"' -f4)
sed -i 's|test:///default|test:///'"$tmp"'/other.xml|' "$tmp/b.conf"
cat >"$tmp/other.xml" <<'XML'
<node><domain type='test'><name>web</name><memory unit='MiB'>512</memory><os><type>hvm</type></os></domain></node>
XML
start
has "$guest?since=1h&step=60" '"actual":[0-9]'
result $? "a guest that is gone keeps its history"
[ -n "$sqlite3_uuid" ] && has "/v1/history/guests/$sqlite3_uuid?since=1h" '"guest":"test"'
result $? "by its UUID as well"

end
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=1m tmpfs "$tmp/state" 2>/dev/null; then
	start
	dd if=/dev/zero of="$tmp/state/full" bs=4k 2>/dev/null
	lost() { get /metrics && grep -Eq 'lost.* [1-9]|ballast_.*lost_total [1-9]' "$tmp/out" || { get /v1/hosts/self && grep -q state-unwritable "$tmp/out"; }; }
	until_true lost
	result $? "a full disk is told"
	is_ready && get $guest && grep -q '"points":\|"code":"busy"\|"code":"guest-unknown"' "$tmp/out"
	result $? "and the daemon works on"
	rm "$tmp/state/full"
	until_true has "/v1/history/guests/web?since=1m&step=5" '"actual":[0-9]'
	result $? "with room again there are samples again"
	end
	umount "$tmp/state"
else
	for t in "a full disk is told" "and the daemon works on" "with room again there are samples again"; do
		n=$((n + 1))
		echo "ok $n - $t # SKIP a small file system cannot be mounted here"
	done
fi
echo "1..$n"
exit $failed
