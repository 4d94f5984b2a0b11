#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# `ballastd --release` on libvirt's test driver: what it gives back, and that a broken configuration does not keep it from that.
set -u
srcdir=${srcdir:-.} builddir=${builddir:-build}
d=$builddir/daemon/ballastd
ctl=$builddir/ballastctl
n=0 failed=0
result() { # CODE TEXT
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n - $2" || { echo "not ok $n - $2"; failed=1; sed 's/^/# /' "$tmp/err" 2>/dev/null; }
}
tmp=$(mktemp -d) || exit 1
pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$tmp"' EXIT
until_true() { # COMMAND...: 20 s at most
	for _ in $(seq 200); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}
# The test driver's guests are what this file says, anew for each process.
guests() { # [NAME MAX-MIB NOW-MIB]...
	local i=1
	{
		echo '<node>'
		while [ $# -ge 3 ]; do
			printf "<domain type='test'><name>%s</name><uuid>aaaaaaaa-0000-4000-8000-00000000000%d</uuid>" "$1" $i
			printf "<memory unit='MiB'>%d</memory><currentMemory unit='MiB'>%d</currentMemory>" "$2" "$3"
			echo "<vcpu>1</vcpu><os><type>hvm</type></os><devices><memballoon model='virtio'/></devices></domain>"
			shift 3
			i=$((i + 1))
		done
		echo '</node>'
	} >"$tmp/node.xml"
}
conf() { # MORE
	printf '[Daemon]\nUri=test://%s/node.xml\nStateDirectory=%s/state\nPolicyPath=%s/policy\n[API]\nSocket=%s/s\n%s' \
		"$tmp" "$tmp" "$tmp" "$tmp" "$1" >"$tmp/b.conf"
}
release() {
	with_shim "$d" --release --foreground --config="$tmp/b.conf" 2>"$tmp/err"
}
# The driver knows nothing of CPUs and statistics' periods without it.
with_shim() {
	DRIVER_SHIM=$tmp LD_PRELOAD=$builddir/tests/unit/driver-shim.so ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0 "$@"
}
listening() { "$ctl" --socket="$tmp/s" mode >"$tmp/out" 2>&1; }
# A daemon that notes what these guests have.
enforce_once() {
	"$d" --foreground --config="$tmp/b.conf" 2>"$tmp/err" &
	pid=$!
	until_true listening && "$ctl" --socket="$tmp/s" mode enforce >"$tmp/out" 2>&1
	local r=$?
	kill "$pid"
	wait "$pid"
	pid=
	return $r
}

# What db had, kept beside the socket: the test driver's guests have no QEMU that tells their run.
spare() { # MIB SOFT-LIMITED
	mkdir -p -m 700 "$tmp/originals"
	printf '%s\n' 'ballast-original 1' 'run ' "bytes $(($1 << 20))" 'target-bytes 0' 'cpu-weight 0' 'cpu-quota-permyriad 0' 'cpu-shares 0' \
		'cpu-period-usec 0' 'cpu-quota-usec -1' "soft-limited $2" 'cpu-ours 0' 'period-ours 0' end \
		>"$tmp/originals/aaaaaaaa-0000-4000-8000-000000000002"
}

mkdir "$tmp/policy"
conf ''
guests web 512 512 db 512 256
release && grep -q 'mode is observe' "$tmp/err"
result $? "what was never in mode enforce is left alone"
enforce_once
result $? "a daemon in mode enforce notes what guests have"
guests web 512 256 db 512 256
release
result $? "release says that it is done"
grep -q '^web: given 512 MiB' "$tmp/err" && ! grep -q '^db: given [^2]' "$tmp/err"
result $? "each has what it had"

conf $'[Agent]\nHeartbeatSec=30x\n'
"$d" --foreground --config="$tmp/b.conf" 2>"$tmp/err"
[ $? = 9 ]
result $? "a bad configuration keeps the daemon from starting"
release
result $? "and does not keep guests from being released"
grep -q '^web: given 512 MiB' "$tmp/err"
result $? "with the state and the connection that the good lines name"
grep -q 'b.conf:8:[0-9]*: .*HeartbeatSec' "$tmp/err"
result $? "and the mistake is named"

# What web has been given is not touched yet: the host says that it is free. Memory= leaves 512 - 2 * 48 MiB beyond what both have.
conf ''
guests web 1024 1024 db 1024 1024
enforce_once
printf '[Host]\nMemory=1792M\nReserve=0\n' >"$tmp/policy/10-host.policy"
guests web 1024 1024 db 1024 256
release && grep -q '^db: given 672 MiB' "$tmp/err"
result $? "what one guest was promised is not given to another"
printf '[Host]\nMemry=1\n' >"$tmp/policy/10-host.policy"
guests web 512 512 db 512 256
release && grep -q '10-host.policy:2' "$tmp/err" && grep -q '^db: given' "$tmp/err"
result $? "a bad policy is named, and guests are released"

if command -v python3 >"$tmp/out"; then
	python3 -c 'import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
c.execute("UPDATE originals SET soft_limited = (name = ?)", ("db",))
c.commit()' "$tmp/state/state.db"
	release && grep -q '^db: its soft limit is lifted' "$tmp/err" && ! grep -q '^web: its soft limit' "$tmp/err"
	result $? "a soft limit that Ballast set is lifted"
	python3 -c 'import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
c.execute("UPDATE originals SET cpu_weight = 98, cpu_quota = 2500, cpu_shares = 1000, cpu_period_usec = 40000, cpu_quota_usec = 10000, cpu_ours = (name = ?), period_ours = (name = ?)", ("db", "web"))
c.commit()' "$tmp/state/state.db"
	echo 4096 100000 -1 >"$tmp/db.cpu"
	: >"$tmp/log"
	release && grep -q '^db: its CPU weight and quota are given back' "$tmp/err" && [ "$(cat "$tmp/db.cpu")" = "1000 40000 10000" ] &&
		! grep -q '^cpu web' "$tmp/log"
	result $? "CPU weight and quota that are Ballast's are what they were, to the letter, and others are not touched"
	grep -q '^period web 0' "$tmp/log" && ! grep -q '^period db' "$tmp/log"
	result $? "and so are balloon statistics"
	python3 -c 'import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
c.execute("UPDATE originals SET cpu_shares = 0, cpu_period_usec = 0")
c.commit()' "$tmp/state/state.db"
	release && [ "$(cat "$tmp/db.cpu")" = "1003 100000 25000" ]
	result $? "where a version before noted the weight only, that is given back"
	set_run() {
		python3 -c 'import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
c.execute("UPDATE originals SET run = ?, soft_limited = 1", (sys.argv[2],))
c.commit()' "$tmp/state/state.db" "$1"
	}
	set_run 4711:99@01020304
	guests web 1024 256 db 1024 256
	# Nothing is known of what it had: what it uses and a quarter of its maximum, for it has no net.
	release && grep -q '^db: given 384 MiB (had 256, uses 128)' "$tmp/err" && ! grep -q 'soft limit' "$tmp/err"
	result $? "what an earlier run of a guest had is not given to a later one"
	set_run ''
	release && grep -q '^db: given 1024 MiB' "$tmp/err" && grep -q '^db: its soft limit is lifted' "$tmp/err"
	result $? "what this run had is"
	cp -a "$tmp/state" "$tmp/state.saved"
	python3 -c 'import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
c.execute("DELETE FROM originals")
c.commit()' "$tmp/state/state.db"
	spare 1024 1
	echo x >"$tmp/originals/junk"
	release && grep -q '^db: given 1024 MiB' "$tmp/err" && grep -q '^db: its soft limit is lifted' "$tmp/err" && ! grep -q '^web: its soft' "$tmp/err"
	result $? "and what the state directory did not take, and is kept beside the socket"
	grep -q "$tmp/originals/junk: " "$tmp/err"
	result $? "garbage there is named"
	rm -r "$tmp/state" "$tmp/originals"
	mv "$tmp/state.saved" "$tmp/state"
	guests web 512 512 db 512 256
	python3 -c 'import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
for column in "period_ours", "cpu_quota_usec", "cpu_period_usec", "cpu_shares", "cpu_ours":
    c.execute("ALTER TABLE originals DROP COLUMN " + column)
c.execute("ALTER TABLE originals DROP COLUMN soft_limited")
c.execute("UPDATE originals SET bytes = 512 << 20")
c.execute("PRAGMA user_version=1")
c.commit()' "$tmp/state/state.db"
	release && grep -q '^db: given 512 MiB' "$tmp/err"
	result $? "a state of the version before is read as it is"
fi
# No state to ask: what was shown beside the socket decides.
guests web 512 512 db 512 256
: >"$tmp/state/state.db-wal"
head -c 8192 /dev/zero | tr '\0' x >"$tmp/state/state.db"
release && grep -q 'only what guests use is made sure of' "$tmp/err" && grep -q '^db: given 256 MiB' "$tmp/err"
result $? "with a damaged state, guests that were commanded are given what they use"
spare 512 0
release && grep -q '^db: given 512 MiB' "$tmp/err"
result $? "and what they had, where that is kept beside the socket"
rm -r "$tmp/originals"
rm -r "$tmp/state"
"$d" --foreground --config="$tmp/b.conf" 2>"$tmp/err" &
pid=$!
until_true listening
kill "$pid"
wait "$pid"
pid=
head -c 8192 /dev/zero | tr '\0' x >"$tmp/state/state.db"
release
[ $? = 9 ] && grep -q 'nothing shows that guests were commanded: none is touched' "$tmp/err" && ! grep -q ': given' "$tmp/err"
result $? "and those of a daemon in mode observe are not touched"
# A directory cannot be read as a file, by root neither.
mkdir "$tmp/other.conf"
"$d" --release --foreground --config="$tmp/other.conf" 2>"$tmp/err"
[ $? = 9 ] && grep -q "$tmp/other.conf" "$tmp/err" && ! grep -q 'mode is observe' "$tmp/err"
result $? "a configuration that cannot be read is not taken for mode observe"
echo "1..$n"
exit $failed
