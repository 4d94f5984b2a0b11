#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ballastd and what its own files and directories may be like: on libvirt's test driver.
set -u
builddir=${builddir:-build}
d=$builddir/daemon/ballastd
ctl=$builddir/ballastctl
n=0 failed=0
tmp=$(mktemp -d) || exit 1
pid=
result() { # CODE TEXT
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n - $2" || { echo "not ok $n - $2"; failed=1; sed 's/^/# /' "$tmp/err" "$tmp/out" 2>/dev/null; }
}
end() {
	[ -z "$pid" ] && return
	kill "$pid"
	wait "$pid"
	pid=
}
trap 'end; rm -rf "$tmp"' EXIT
until_true() { # COMMAND...: 30 s at most
	for _ in $(seq 300); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}
mode_is() { "$ctl" --socket="$tmp/s" mode >"$tmp/out" 2>&1 && { [ -z "${1:-}" ] || grep -q "$1" "$tmp/out"; }; }
start() {
	"$d" --foreground --config="$tmp/b.conf" 2>"$tmp/err" &
	pid=$!
	until_true mode_is
}
conf() { # MORE
	printf '[Daemon]\nUri=test:///default\nStateDirectory=%s/state\nPolicyPath=%s/policy\n[API]\nSocket=%s/s\n%s' \
		"$tmp" "$tmp" "$tmp" "${1:-}" >"$tmp/b.conf"
}
mkdir "$tmp/policy"
conf
start && "$ctl" --socket="$tmp/s" mode enforce >"$tmp/out" 2>&1
result $? "a daemon is in mode enforce"
end
mv "$tmp/state" "$tmp/aside"
: >"$tmp/state"
start && mode_is observe
result $? "with a file in place of the state directory it is in mode observe"
grep -q "$tmp/state/state.db: cannot be looked for: Not a directory: make $tmp/state a directory .* until then mode is observe" "$tmp/err"
result $? "it says where, why and what to do"
"$ctl" --socket="$tmp/s" mode enforce >"$tmp/out" 2>&1
[ $? != 0 ] && mode_is observe
result $? "mode enforce is refused meanwhile"
"$ctl" --socket="$tmp/s" status >"$tmp/out" 2>&1
tr -s ' \n' '  ' <"$tmp/out" | grep -q '`mode observe` and `pause` hold, say that they are not saved'
result $? "what holds all the same is said"
rm "$tmp/state"
mv "$tmp/aside" "$tmp/state"
until_true mode_is enforce
result $? "once the directory is back the saved mode holds"
end
start && mode_is enforce
result $? "the next daemon finds it so as well"
end
# Damaged, deleted or emptied while it is open, and a kill -9 behind what was acknowledged.
status() { "$ctl" --socket="$tmp/s" status >"$tmp/out" 2>&1; }
events() { "$ctl" --socket="$tmp/s" events >"$tmp/out" 2>&1; }
told() { events && grep -q "state-unwritable.*$1.*older events and history are lost" "$tmp/out"; }
lost() { status && grep -q "$tmp/state/state.db.*a new one is written from memory" "$tmp/out"; }
acknowledged() { # TEXT: sets modes until one is acknowledged, then dies
	want=observe
	for _ in $(seq 50); do
		"$ctl" --socket="$tmp/s" mode "$want" >"$tmp/out" 2>&1 && break
		sleep 0.2
	done
	"$ctl" --socket="$tmp/s" pause --for=1h >>"$tmp/out" 2>&1
	until_true told "$1" && until_true lost || return 1
	kill -9 "$pid"
	wait "$pid" 2>/dev/null
	pid=
	start && mode_is "$want"
}
start && "$ctl" --socket="$tmp/s" mode enforce >"$tmp/out" 2>&1
for f in state.db state.db-wal; do dd if=/dev/urandom of="$tmp/state/$f" bs=4096 count=64 2>/dev/null; done
acknowledged damaged
result $? "overwritten under the daemon it is written anew, and what was acknowledged holds"
ls "$tmp"/state/state.db.damaged-*Z >/dev/null 2>&1
result $? "what was there is kept"
"$ctl" --socket="$tmp/s" resume >/dev/null 2>&1
"$ctl" --socket="$tmp/s" mode enforce >"$tmp/out" 2>&1
rm "$tmp"/state/state.db*
acknowledged deleted
result $? "deleted under the daemon it is written anew, and what was acknowledged holds"
# As on a full disk: the same request, sent again once it can be done.
put() {
	[ "$(curl -s -m 20 -o "$tmp/out" -w '%{http_code}' --unix-socket "$tmp/s" -X PUT -H 'Content-Type: application/json' -H 'Idempotency-Key: one' \
		-d '{"mode":"enforce"}' http://localhost/v1/mode)" = "$1" ]
}
for i in 1 2 3 4; do : >"$tmp/state/state.db.damaged-$i"; done
dd if=/dev/urandom of="$tmp/state/state.db" bs=4096 count=4 conv=notrunc 2>/dev/null
put 507
code=$?
rm "$tmp"/state/state.db.damaged-?
[ $code = 0 ] && until_true put 200
result $? "what was answered 507 is carried out when it is sent again with its key"
end
rm -f "$tmp"/state/state.db*
timeout 20 "$d" --foreground --config="$tmp/b.conf" 2>"$tmp/err"
[ $? != 0 ] && grep -q "$tmp/state/state.db: is gone, .* remove $tmp/state/state-made" "$tmp/err"
result $? "gone at the start it is an error that says what to do"
: >"$tmp/state/state.db"
timeout 20 "$d" --foreground --config="$tmp/b.conf" 2>"$tmp/err"
[ $? != 0 ] && grep -q "$tmp/state/state.db: is empty" "$tmp/err"
result $? "and empty it is one too"
rm "$tmp/state/state.db" "$tmp/state/state-made"
start && mode_is observe && ! grep -q 'is gone' "$tmp/err"
result $? "as that says the operator starts anew"
end
echo "1..$n"
exit $failed
