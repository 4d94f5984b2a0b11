#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The real ballastd asks the real polkitd, on a bus of their own, about a user whose role on the socket is too small.
set -u
srcdir=${srcdir:-.} builddir=${builddir:-build}
skip() { echo "1..0 # SKIP $*"; exit 0; }
polkitd=/usr/lib/polkit-1/polkitd
[ "$(id -u)" = 0 ] || skip "needs root, to ask as another user"
command -v dbus-daemon >/dev/null || skip "dbus-daemon is not installed"
[ -x $polkitd ] && getent passwd polkitd >/dev/null || skip "polkitd is not installed"
# Actions and rules of our own in the places where polkitd looks, for nobody but us to see.
if [ -z "${IN_NAMESPACE:-}" ]; then
	unshare -m true 2>/dev/null || skip "cannot make a mount namespace"
	IN_NAMESPACE=1 exec unshare -m --propagation private "$0" "$@"
fi
tmp=$(mktemp -d) || exit 1
chmod 755 "$tmp"
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait 2>/dev/null; umount -l /usr/share/polkit-1/actions /etc/polkit-1/rules.d 2>/dev/null; rm -rf "$tmp"' EXIT
n=0 failed=0
result() { # CODE TEXT
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n - $2" || { echo "not ok $n - $2"; failed=1; cat "$tmp/out" "$tmp/err" "$tmp/polkit.err" 2>/dev/null | tail -n 30 | sed 's/^/# /'; }
}
until_true() { # COMMAND...: 20 s at most
	for _ in $(seq 200); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}
mkdir "$tmp/actions" "$tmp/rules" "$tmp/policy"
cp "$srcdir/polkit/org.ballast.policy" "$tmp/actions/"
chmod 755 "$tmp/actions" "$tmp/rules"
chmod 644 "$tmp/actions/"*
mkdir -p /etc/polkit-1/rules.d
mount --bind "$tmp/actions" /usr/share/polkit-1/actions && mount --bind "$tmp/rules" /etc/polkit-1/rules.d || skip "cannot mount"
rule() { # ROLE: what uid 65534 is granted
	echo "polkit.addRule(function(action, subject) { if (subject.user == 'nobody' && action.id == 'org.ballast.$1') return polkit.Result.YES; });" \
		>"$tmp/rules/10-test.rules"
	chmod 644 "$tmp/rules/10-test.rules"
}
cat >"$tmp/bus.conf" <<END
<busconfig><type>system</type><listen>unix:path=$tmp/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_type="method_call"/><allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/><allow own="*"/><allow user="*"/></policy></busconfig>
END
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$tmp/bus
printf '[Daemon]\nUri=test:///default\nStateDirectory=%s/state\nPolicyPath=%s/policy\n[API]\nSocket=%s/s\n' "$tmp" "$tmp" "$tmp" >"$tmp/b.conf"
"$builddir/daemon/ballastd" --foreground --verbose --config="$tmp/b.conf" 2>"$tmp/err" &
ballastd=$!
pids+=($ballastd)
ask() { # METHOD PATH: as nobody; the status
	setpriv --reuid 65534 --regid 65534 --clear-groups curl -s -m 15 -o "$tmp/answer.$$" -w '%{http_code}' --unix-socket "$tmp/s" -X "$1" "http://localhost$2" \
		-H 'Content-Type: application/json' ${3:+-d "$3"} >"$tmp/out" 2>>"$tmp/err"
	cat "$tmp/out"
}
touch "$tmp/answer.$$" && chmod 666 "$tmp/answer.$$"
until_true test -S "$tmp/s"
[ "$(ask GET /v1/guests)" = 403 ] && grep -q '"needed":"read"' "$tmp/answer.$$"
result $? "without a bus the answer is as it was"

dbus-daemon --config-file="$tmp/bus.conf" --nofork --nopidfile 2>"$tmp/bus.err" &
bus=$!
pids+=($bus)
until_true test -S "$tmp/bus"
rule read
$polkitd --no-debug >"$tmp/polkit.err" 2>&1 &
polkit=$!
pids+=($polkit)
owned() { timeout 5 dbus-send --bus="$DBUS_SYSTEM_BUS_ADDRESS" --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetNameOwner string:org.freedesktop.PolicyKit1 >/dev/null 2>&1; }
until_true owned || { echo "ok 2 - the rest # SKIP polkitd does not come up here: $(tail -n 1 "$tmp/polkit.err")"; echo 1..2; exit $failed; }
sleep_until_looked_for() { [ "$(ask GET /v1/guests)" = 200 ]; } # ballastd looks again after 10 s
until_true sleep_until_looked_for
result $? "who polkit lets read may read"
[ "$(ask DELETE /v1/pause)" = 403 ] && grep -q '"role":"none","needed":"operate"' "$tmp/answer.$$"
result $? "and no more"
[ "$(ask GET /v1/whoami)" = 200 ] && grep -q '"role":"none"' "$tmp/answer.$$"
result $? "his own role is still none"
rule operate
operates() { [ "$(ask DELETE /v1/pause)" = 204 ]; }
until_true operates
result $? "a rule that changes is taken over"
[ "$(ask GET /v1/guests)" = 200 ]
result $? "who may operate may read"
[ "$(ask PUT /v1/mode '{"mode":"observe"}')" = 200 ]
result $? "who may operate may set the mode"
[ "$(ask POST /v1/reload)" = 403 ] && grep -q '"needed":"admin"' "$tmp/answer.$$"
result $? "who may operate is no admin"

# A polkit that hangs: the question has its deadline, and others are served meanwhile.
kill -STOP $polkit
started=$SECONDS
ask DELETE /v1/pause >/dev/null &
asking=$!
served=$(curl -s -m 3 -o /dev/null -w '%{http_code}' --unix-socket "$tmp/s" http://localhost/v1/guests)
[ "$served" = 200 ]
result $? "while polkit hangs root is served"
wait $asking
[ "$(cat "$tmp/out")" = 403 ] && [ $((SECONDS - started)) -le 8 ]
result $? "the question ends with no"
# That question's end is no other one's: polkit is asked again at once.
kill -CONT $polkit
[ "$(ask DELETE /v1/pause)" = 204 ]
result $? "one question without an answer keeps nobody from asking"
kill $bus
wait $bus 2>/dev/null
[ "$(ask GET /v1/guests)" = 403 ]
result $? "a bus that ends leaves the daemon alone"
kill -0 $ballastd && [ "$(curl -s -m 3 -o /dev/null -w '%{http_code}' --unix-socket "$tmp/s" http://localhost/healthz)" = 200 ]
result $? "the daemon runs on"
kill $ballastd
wait $ballastd
result $? "and ends as it should"
echo "1..$n"
exit $failed
