#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Events of a real ballastd, on libvirt's test driver: who comes back with the id that it saw last misses nothing and sees nothing twice, whether
# what it missed is in memory, was told by another run of the daemon, or lies on the disk only.
set -u
. "${srcdir:-.}/tests/fixture/ballastd.sh"
get() { curl -s --max-time 20 --unix-socket "$tmp/s" "http://x$1"; }
# Room is kept and given back: two events without a write that somebody waits for.
happen() { # HOW MANY
	for _ in $(seq $((($1 + 1) / 2))); do
		printf 'url=http://x/v1/reservations\nrequest=POST\nheader="Content-Type: application/json"\nunix-socket=%s/s\n' "$tmp"
		printf 'data="{\\"uuid\\":\\"%s\\",\\"name\\":\\"coming\\",\\"bytes\\":1048576,\\"wait_s\\":0}"\nnext\n' $coming
		printf 'url=http://x/v1/reservations/%s\nrequest=DELETE\nunix-socket=%s/s\nnext\n' $coming "$tmp"
	done | sed '$d' >"$tmp/urls"
	curl -s --max-time 100 -K "$tmp/urls" >"$tmp/out" 2>&1
}
coming=11112222-3333-4444-8555-666677778888
# A stream into a file; its curl's number in $stream.
follow() { # FILE ID-OR-EMPTY [QUERY]
	curl -sN --unix-socket "$tmp/s" -H 'Accept: text/event-stream' ${2:+-H "Last-Event-ID: $2"} "http://x/v1/events${3:-}" >"$1" 2>/dev/null &
	stream=$!
}
ids() { sed -n 's/^id: //p' "$@" 2>/dev/null; }
last_id() { ids "$1" | tail -n 1; }
newest() { get '/v1/events?newest=true&limit=1' | sed 's/.*"last":"\([^"]*\)".*/\1/'; }
has_newest() { [ "$(last_id "$1")" = "$(newest)" ]; }
gone() { ! kill -0 "$1" 2>/dev/null; }
# All that was ever told, as the list pages it from the oldest on.
all_ids() {
	local after='' page
	page=$(get '/v1/events?since=1970-01-01T00:00:00Z&limit=1000')
	while :; do
		grep -o '{"id":"[^"]*"' <<<"$page" | cut -d'"' -f4
		after=$(sed 's/.*"last":"\([^"]*\)".*/\1/' <<<"$page")
		grep -q '"more":true' <<<"$page" || break
		page=$(get "/v1/events?after=$after&limit=1000")
	done
}
same() { # FILE WITH IDS: those of the list, and none twice
	all_ids >"$tmp/all"
	cmp -s "$1" "$tmp/all" && [ -s "$1" ] && [ -z "$(sort "$1" | uniq -d)" ]
}

printf '[Daemon]\nUri=test:///default\nStateDirectory=%s/state\nPolicyPath=%s/policy\n[API]\nSocket=%s/s\n' "$tmp" "$tmp" "$tmp" >"$tmp/b.conf"
mkdir "$tmp/policy"
trap 'end -KILL; chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
start
result $? "a daemon starts"

follow "$tmp/one" '' '?after=0'
happen 20
until_true has_newest "$tmp/one"
result $? "a stream gets what happens"
end
until_true gone $stream && grep -q '^event: end$' "$tmp/one" && ids "$tmp/one" | tail -n 1 | grep -q . && grep -q '^event: stopping$' "$tmp/one"
result $? "it hears that the daemon stops, and ends"

start
happen 10
follow "$tmp/two" "$(last_id "$tmp/one")"
until_true has_newest "$tmp/two"
happen 5
until_true has_newest "$tmp/two" && ! grep -q '^event: reset' "$tmp/two"
result $? "it goes on with the next daemon"
kill $stream
ids "$tmp/one" "$tmp/two" >"$tmp/seen"
until_true same "$tmp/seen"
result $? "nothing was missed, and nothing came twice"

# More than memory holds: the ring has 2048 events, and a new daemon recalls 1000.
happen 3000
follow "$tmp/three" "$(last_id "$tmp/one")"
until_true has_newest "$tmp/three" && ! grep -q '^event: reset' "$tmp/three"
result $? "what memory has not any more comes from the disk, up to what happens now"
kill $stream
ids "$tmp/one" "$tmp/three" >"$tmp/seen"
until_true same "$tmp/seen" && [ "$(wc -l <"$tmp/all")" -gt 3000 ]
result $? "all of it once, in order, as the list has it"
get "/v1/events?after=$(last_id "$tmp/one")&limit=1" >"$tmp/out"
grep -q '"lost":false,"more":true' "$tmp/out"
result $? "the list reaches back as far"

end -KILL
start
follow "$tmp/four" "$(ids "$tmp/one" | sed -n 5p)"
until_true has_newest "$tmp/four" && ! grep -q '^event: reset' "$tmp/four"
code=$?
kill $stream
{ ids "$tmp/one" | head -n 5; ids "$tmp/four"; } >"$tmp/seen"
[ $code = 0 ] && until_true same "$tmp/seen"
result $? "a daemon that was killed had told nothing that the next one does not know, but for its last second"

follow "$tmp/kind" "$(ids "$tmp/one" | head -n 1)" '?kind=started'
until_true grep -q "\"id\":\"$(grep '"kind":"started"' "$tmp/four" | tail -n 1 | cut -d'"' -f4)\"" "$tmp/kind"
[ "$(ids "$tmp/kind" | wc -l)" = 2 ] # the first was known
result $? "filters hold on the disk too"
kill $stream

# The newest of a kind, of which memory has one alone: the others were recalled by nobody.
started_ids() { grep -o '{"id":"[^"]*"' | cut -d'"' -f4; }
three_started() { # the disk comes a second behind
	get '/v1/events?since=1970-01-01T00:00:00Z&kind=started&limit=10' | started_ids >"$tmp/seen"
	[ "$(wc -l <"$tmp/seen")" = 3 ]
}
has_started() { get "/v1/events?kind=started&newest=true&limit=$1" | started_ids | cmp -s - <(tail -n "$1" "$tmp/seen"); }
until_true three_started && has_started 10 && has_started 2
result $? "the newest of a kind come from the disk too"
follow "$tmp/newest" '' '?kind=started&newest=true&limit=2'
until_true grep -q "^id: $(tail -n 1 "$tmp/seen")" "$tmp/newest"
ids "$tmp/newest" | cmp -s - <(tail -n 2 "$tmp/seen")
result $? "a stream begins with them"
kill $stream
get '/v1/events?newest=true&limit=5' | grep -q '"lost":false'
result $? "who asks for the newest has lost nothing"
get '/v1/events?guest=tset&newest=true' | grep -q '"code":"guest-unknown"'
result $? "a guest that nobody knows, nor the disk, is unknown"

follow "$tmp/other" "host9:feedbeef:7"
until_true grep -q '"reason":"unknown"' "$tmp/other"
result $? "an id of nobody's is answered with a reset"
kill $stream

# A number alone is one event's, of whatever run: numbers go on rising.
all_ids >"$tmp/all"
sed 's/.*://' "$tmp/all" >"$tmp/numbers"
sort -n -u -C "$tmp/numbers"
result $? "numbers go on rising over restarts"
for line in 5 500 $(($(wc -l <"$tmp/all") - 1)); do
	next=$(get "/v1/events?after=$(sed -n "${line}p" "$tmp/numbers")&limit=1" | grep -o '{"id":"[^"]*"' | cut -d'"' -f4)
	[ "$next" = "$(sed -n "$((line + 1))p" "$tmp/all")" ]
	result $? "behind the number of event $line is the next"
done
follow "$tmp/bare" "$(sed -n 5p "$tmp/numbers")"
until_true has_newest "$tmp/bare" && ids "$tmp/bare" | cmp -s - <(tail -n +6 "$tmp/all")
result $? "a stream begins behind a number of an earlier run"
kill $stream

# ballastctl does all of it.
"$builddir/ballastctl" --socket="$tmp/s" events --follow --json --limit 1 --interval 100ms >"$tmp/followed" 2>"$tmp/said" &
ctl=$!
ids_of() { cut -d'"' -f4 "$1"; }
ctl_has_newest() { [ "$(ids_of "$tmp/followed" | tail -n 1)" = "$(newest)" ]; }
until_true ctl_has_newest
happen 3
until_true ctl_has_newest
result $? "ballastctl events --follow shows what happens"
end
until_true grep -q "connection to ballastd is lost" "$tmp/said"
start
happen 7
until_true ctl_has_newest && until_true grep -q "caught up" "$tmp/said" && happen 2 && until_true ctl_has_newest
result $? "and what happened while it was away"
[ "$(wc -l <"$tmp/said")" = 2 ] && ids_of "$tmp/followed" >"$tmp/seen" && all_ids | tail -n "$(wc -l <"$tmp/seen")" >"$tmp/all" &&
	cmp -s "$tmp/seen" "$tmp/all"
result $? "it says once that the connection was lost, once that it caught up, and shows each event once"
kill -INT $ctl
wait $ctl
result $? "Ctrl-C ends it well"

# The disk keeps 100 of each.
end
printf '[History]\nEvents=100\nDecisions=100\n' >>"$tmp/b.conf"
start
happen 2300
# Once the disk has them: the list then begins with the hundred that it keeps.
fewer() { [ "$(get '/v1/events?since=1970-01-01T00:00:00Z&kind=started' | grep -o '"id":' | wc -l)" = 0 ]; }
until_true fewer
follow "$tmp/old" "$(last_id "$tmp/one")"
until_true grep -q '"reason":"too-old"' "$tmp/old" && until_true has_newest "$tmp/old"
result $? "what is too old is answered with a reset, and goes on with what there is"
kill $stream
get "/v1/events?after=$(last_id "$tmp/one")" | grep -q '"lost":true'
result $? "the list says that some are lost"
echo "1..$n"
exit $failed
