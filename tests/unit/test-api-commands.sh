#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Policies, operations and the pause through the API of a real ballastd, on libvirt's test driver: two who edit the same, disks that are full or
# read-only, and kill -9.
set -u
builddir=${builddir:-build}
d=$builddir/daemon/ballastd
n=0 failed=0
tmp=$(mktemp -d) || exit 1
pid= mounted=
result() { # CODE TEXT
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n - $2" || { echo "not ok $n - $2"; failed=1; sed 's/^/# /' "$tmp/head" "$tmp/out" "$tmp/err" 2>/dev/null | tail -30; }
}
skip() { # TEXT REASON
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}
end() {
	[ -z "$pid" ] && return
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	pid=
}
trap 'end; [ -z "$mounted" ] || umount "$mounted"; rm -rf "$tmp"' EXIT
until_true() { # COMMAND...: 30 s at most
	for _ in $(seq 300); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}
api() { # METHOD PATH [BODY [HEADER]]: the status in $status, the body in out
	status=$(curl -s -D "$tmp/head" -o "$tmp/out" -w '%{http_code}' --unix-socket "$tmp/s" -X "$1" -H 'Content-Type: application/json' \
		${3:+-d "$3"} ${4:+-H "$4"} "http://x$2")
}
is() { # STATUS [TEXT]
	[ "$status" = "$1" ] && { [ -z "${2:-}" ] || grep -qF -- "$2" "$tmp/out"; }
}
etag() { sed -n 's/\r$//; s/^[Ee][Tt]ag: //p' "$tmp/head"; }
ready() { api GET /readyz && [ "$status" = 200 ]; }
start() {
	"$d" --foreground --config="$tmp/b.conf" 2>>"$tmp/err" &
	pid=$!
	until_true ready
}
killed() {
	kill -9 "$pid"
	wait "$pid" 2>/dev/null
	pid=
}
text() { printf '{"text":"[Memory]\\nMin=%s\\n"}' "$1"; }

mkdir "$tmp/usr" "$tmp/etc"
printf '[Daemon]\nUri=test:///default\nStateDirectory=%s/state\nPolicyPath=%s/usr %s/state/policy.d %s/etc\n[API]\nSocket=%s/s\n' \
	"$tmp" "$tmp" "$tmp" "$tmp" "$tmp" >"$tmp/b.conf"
printf '[Memory]\nMin=1M\n' >"$tmp/usr/10-base.policy"
own=$tmp/state/policy.d
command -v curl >/dev/null || { echo "1..0 # SKIP there is no curl"; exit 0; }
start
result $? "a daemon is ready"

api PUT /v1/policies/60-a "$(text 32M)"
is 201 '"shadowed_by":null' && [ "$(cat "$own/60-a.policy")" = "$(printf '[Memory]\nMin=32M')" ]
result $? "a policy is written and 201"
api GET /v1/policies/60-a
first=$(etag)
is 200 'Min=32M' && is 200 '"layer":"api"'
result $? "it is in force when that is said"
api PUT /v1/policies/60-a "$(text 33M)"
is 428 '"etag":"'
result $? "to replace it the state that was seen is asked for"
api PUT /v1/policies/60-a "$(text 33M)" "If-Match: $first"
is 200 && second=$(etag) && [ -n "$second" ]
result $? "with that it is replaced, and the answer names the new state"
api PUT /v1/policies/60-a "$(text 34M)" "If-Match: $first"
is 412 '"etag":"' && grep -q 33M "$own/60-a.policy"
result $? "a stale state is refused, and nothing has changed"
api PUT /v1/policies/60-a "$(text 34M)" "If-Match: W/$second"
is 412 && grep -q 33M "$own/60-a.policy"
result $? "a weak tag is no state that may be replaced"
api PUT /v1/policies/60-a "$(text 34M)" "If-None-Match: *"
is 412
result $? "one that is to be new is not put over another"
api PUT /v1/policies/60-a '{"text":"[Memory]\nMni=1G\n"}' "If-Match: $second"
is 422 '"line":2' && grep -q 'did you mean Min' "$tmp/out" && grep -q 33M "$own/60-a.policy"
result $? "a text with a mistake is refused with the place, and nothing has changed"
api PUT '/v1/policies/60-a?dry_run=true' "$(text 35M)" "If-Match: $second"
is 200 && grep -q 33M "$own/60-a.policy"
result $? "a dry run writes nothing"
for name in .hidden a%2Fb a%20b "$(printf 'x%.0s' {1..130})"; do
	api PUT "/v1/policies/$name" "$(text 1M)"
	case $status in 400 | 404) ;; *) break ;; esac
done
case $status in 400 | 404) true ;; *) false ;; esac && [ "$(ls -A "$own")" = 60-a.policy ]
result $? "names that are none are refused"
api PUT /v1/policies/10-base "$(text 2M)" 'If-Match: *'
is 201
api GET /v1/policies/10-base
is 200 'Min=2M'
result $? "a file of a lower layer is replaced by the API's"
api DELETE /v1/policies/10-base '' 'If-Match: *'
is 204
api GET /v1/policies/10-base
is 200 'Min=1M'
result $? "and is in force again when that goes"
api DELETE /v1/policies/10-base '' 'If-Match: *'
is 409 "$tmp/usr/10-base.policy"
result $? "what is not the API's is not removed, and its path is named"
printf '[Memory]\nMin=9M\n' >"$tmp/etc/60-a.policy"
api POST /v1/reload
api PUT /v1/policies/60-a "$(text 36M)" 'If-Match: *'
is 200 "\"shadowed_by\":\"$tmp/etc/60-a.policy\""
result $? "an administrator's file wins, and that is said"
# What it hides is what PUT and DELETE would change: that is what they are asked to name, and what GET's ETag names.
api GET /v1/policies/60-a
shadowed=$(etag)
is 200 'Min=9M'
api PUT /v1/policies/60-a "$(text 37M)" "If-Match: $shadowed"
is 200 && grep -q 37M "$own/60-a.policy"
result $? "the state of what it hides is the one that GET names and PUT replaces"
api PUT /v1/policies/60-a "$(text 38M)" "If-Match: $shadowed"
is 412 && grep -q 37M "$own/60-a.policy"
result $? "so nobody's change of it is lost, though nobody sees it"
api GET /v1/policies/60-a
hidden=$(etag)
printf '[Memory]\nMin=8M\n' >"$tmp/etc/60-a.policy"
api POST /v1/reload
api PUT /v1/policies/60-a "$(text 36M)" "If-Match: $hidden"
is 200 && grep -q 36M "$own/60-a.policy"
result $? "a change of the file in force makes nobody's edit of the hidden one stale"
rm "$tmp/etc/60-a.policy"
api POST /v1/reload
api GET /v1/policies/60-a
is 200 'Min=36M'
result $? "when it goes what was written holds"

seen=$(etag)
: >"$tmp/codes"
jobs=
for i in 1 2 3 4 5 6 7 8; do
	curl -s -o /dev/null -w '%{http_code}\n' --unix-socket "$tmp/s" -X PUT -H 'Content-Type: application/json' -H "If-Match: $seen" \
		-d "$(text "4${i}M")" http://x/v1/policies/60-a >>"$tmp/codes" &
	jobs="$jobs $!"
done
wait $jobs
[ "$(sort "$tmp/codes" | uniq -c | tr -s ' \n' ' ')" = " 1 200 7 412 " ]
result $? "of eight who edit the same state one wins and seven are told"

api POST /v1/policies/validate '{"name":"70-b","text":"[Match]\nGuest=test\n[Memory]\nMin=50M\n"}'
is 200 '"guest":"test"' && is 200 '"to":"50M"' && [ ! -e "$own/70-b.policy" ]
result $? "validate says whom it is for and what it would change, and writes nothing"
api POST /v1/policies/validate '{"name":"70-b","text":"[Memory]\nMni=50M\n"}'
is 200 '"ok":false' && is 200 '"changes":[]'
result $? "and what is wrong"
api POST /v1/plan/preview '{"mode":"enforce"}'
is 200 '"decisions":'
result $? "a preview is given"
api POST /v1/plan/preview '{"guest":"tset","overrides":{}}'
is 404 '"nearest":"test"'
result $? "of a guest that is none it is not"

api PUT /v1/policies/60-a "$(text 50M)" 'If-Match: *'
curl -s -o "$tmp/out" -D "$tmp/head" --unix-socket "$tmp/s" -X PUT -H 'Content-Type: application/json' -H 'If-Match: *' -H 'Prefer: respond-async' \
	-d "$(text 51M)" http://x/v1/policies/60-a
location=$(sed -n 's/\r$//; s/^Location: //p' "$tmp/head")
operation_done() { api GET "$location" && is 200 '"state":"done"'; }
[ -n "$location" ] && until_true operation_done
result $? "who does not wait is given an operation, which ends"
killed
start
api GET "$location"
is 200 '"state":"done"' && is 200 '"status":200'
result $? "a daemon that was killed knows what became of it"
api DELETE "$location"
is 409 'has ended'
result $? "what has ended is not cancelled"

api PUT /v1/pause '{"for_s":600,"message":"storage"}'
is 200 '"paused":true'
killed
start
api GET /v1/pause
is 200 '"message":"storage"'
result $? "a pause outlives kill -9"
api GET /v1/hosts/self
is 200 '"pause":{"paused":true'
result $? "and is shown on the host"
api DELETE /v1/pause && is 204 && api GET /v1/pause && is 200 '"paused":false'
result $? "it ends when it is asked to"
api PUT /v1/pause '{"for_s":1}'
over() { api GET /v1/pause && is 200 '"paused":false'; }
until_true over && api GET '/v1/events?kind=resumed&newest=true&limit=1' && is 200 '"by":null'
result $? "and when its time is over, which is an event"

# Two texts by turns, one of many kilobytes, and a kill at some moment: the file is the one or the other.
long=$(printf '# %01000d\\n' {1..20})
short='{"text":"[Memory]\nMin=52M\n"}'
printf '{"text":"%s[Memory]\\nMin=53M\\n"}' "$long" >"$tmp/long"
halves=0
for i in 1 2 3 4 5 6 7 8; do
	(
		while :; do
			curl -s -o /dev/null --unix-socket "$tmp/s" -X PUT -H 'Content-Type: application/json' -H 'If-Match: *' -d @"$tmp/long" http://x/v1/policies/60-a || exit 0
			curl -s -o /dev/null --unix-socket "$tmp/s" -X PUT -H 'Content-Type: application/json' -H 'If-Match: *' -d "$short" http://x/v1/policies/60-a || exit 0
		done
	) &
	writer=$!
	sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
	killed
	wait $writer
	case $(grep -c . "$own/60-a.policy"):$(tail -n 1 "$own/60-a.policy") in
	2:Min=5[12]M | 22:Min=53M) ;; # 51M: before the first of these
	*) halves=$((halves + 1)) ;;
	esac
	start || halves=$((halves + 1))
done
[ $halves = 0 ] && [ "$(ls "$own")" = 60-a.policy ]
result $? "eight times killed while it writes, the file is the old or the new one, and it starts with it"
end

if [ "$(id -u)" != 0 ] || ! mount -t tmpfs -o size=64k none "$own" 2>/dev/null; then
	skip "a full disk" "needs root, to mount a small one"
	skip "a read-only one" "needs root, to mount one"
else
	mounted=$own
	start
	api PUT /v1/policies/60-a "$(text 60M)"
	tag=$(etag)
	head -c 1M /dev/zero >"$own/.filler" 2>/dev/null
	api PUT /v1/policies/60-a @"$tmp/long" "If-Match: $tag"
	is 507 "$own/60-a.policy" && grep -q 60M "$own/60-a.policy" && [ "$(ls "$own")" = 60-a.policy ] && api GET /v1/policies/60-a && is 200 'Min=60M'
	result $? "on a full disk it is refused, and the old one is there and holds"
	rm "$own/.filler"
	mount -o remount,ro "$own"
	api DELETE /v1/policies/60-a '' "If-Match: $tag"
	is 507 'Read-only' && api GET /v1/policies/60-a && is 200 'Min=60M'
	result $? "on a read-only one it is not removed"
	end
	umount "$own"
	mounted=
fi
echo "1..$n"
exit $failed
