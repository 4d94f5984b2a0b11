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
rm "$tmp/state"
mv "$tmp/aside" "$tmp/state"
until_true mode_is enforce
result $? "once the directory is back the saved mode holds"
end
start && mode_is enforce
result $? "the next daemon finds it so as well"
end
echo "1..$n"
exit $failed
