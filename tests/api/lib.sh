# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tests of tests/api share: node with its packages, and a real ballastd over libvirt's test driver with live agents.
# Sourced; sets $tmp, and $run where scripts and packages are.
set -u
srcdir=${srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
builddir=${builddir:-$srcdir/build}
. "$srcdir/tests/fixture/npm.sh"
tmp=$(mktemp -d /tmp/ballast-api.XXXXXX) || exit 1
run=$builddir/tests/api/node
daemon_pid='' agents_pid=''

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}
finish() {
	local code=$? p

	trap - EXIT
	for p in $daemon_pid $agents_pid; do
		kill "$p" 2>/dev/null && wait "$p" 2>/dev/null
	done
	rm -rf "$tmp"
	exit $code
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

# The packages of package-lock.json, installed once into the build directory. Scripts are copied beside them: node looks for packages
# from where a script is.
node_ready() {
	npm_ready "$srcdir/tests/api" "$run" || skip_all "$npm_reason"
	cp "$srcdir"/tests/api/*.mjs "$run/"
}

# Three guests: one without a channel, two with agents; policies good and changing. A test may have others: $guests.
guests=3
world() {
	local i

	echo "<node>"
	for ((i = 0; i < guests; i++)); do
		printf '<domain type="test"><name>web%d</name><uuid>00000000-0000-4000-8000-%012d</uuid>' "$i" "$i"
		printf '<memory unit="MiB">256</memory><currentMemory unit="MiB">64</currentMemory>'
		printf '<vcpu>1</vcpu><os><type>hvm</type></os><devices><memballoon model="virtio" autodeflate="on"/>'
		[ "$i" = 2 ] ||
			printf '<channel type="unix"><source mode="bind" path="%s"/><target type="virtio" name="org.ballast.agent.0"/></channel>' \
				"$tmp/agent-$i"
		printf '</devices></domain>\n'
	done
	echo "</node>"
}

config() {
	mkdir -p "$tmp/state" "$tmp/policy.d"
	printf '[Policy]\nDescription=all guests\n[Memory]\nMin=32M\n' >"$tmp/policy.d/10-all.policy"
	printf '[Policy]\nDescription=at night\n[Schedule]\nOnCalendar=Mon..Fri 20:00\nUntil=08:00\n[Memory]\nWeight=50\n' >"$tmp/policy.d/60-night.policy"
	cat <<END
[Daemon]
Uri=test://$tmp/world.xml
StateDirectory=$tmp/state
PolicyPath=$tmp/state/policy.d $tmp/policy.d
[API]
Socket=$tmp/api.sock
END
}

await() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}
heard() { # both agents have reported
	[ "$("$builddir/ballastctl" --socket="$tmp/api.sock" guest list --json 2>/dev/null | tr ',' '\n' | grep -c '"source": *"agent"')" = 2 ]
}

# Up, with its guests heard. Its sanitizers, if it has them, tell of leaks when it ends.
daemon_up() {
	world >"$tmp/world.xml"
	config >"$tmp/ballast.conf"
	"$builddir/bench/fake-agents" --path="$tmp/agent-%d" --count=2 --total-mib=256 --available-pct=60 >"$tmp/agents" &
	agents_pid=$!
	await 20 grep -qs ready "$tmp/agents" || { echo "Bail out! no agents"; exit 1; }
	"$builddir/daemon/ballastd" --foreground --config="$tmp/ballast.conf" >"$tmp/log" 2>&1 &
	daemon_pid=$!
	await 60 heard || { sed 's/^/# /' "$tmp/log"; echo "Bail out! ballastd does not come up"; exit 1; }
	chmod 755 "$tmp" && chmod 666 "$tmp/api.sock" # whoever asks: the role counts, not the file's mode
}

# Ends it as systemd does. Fails, with its log, where it had crashed, leaks, or ends badly.
daemon_down() {
	local code

	kill "$daemon_pid"
	wait "$daemon_pid"
	code=$?
	daemon_pid=
	if [ $code != 0 ] || grep -qE 'runtime error|Sanitizer' "$tmp/log"; then
		echo "# ballastd ended with $code"
		tail -n 60 "$tmp/log" | sed 's/^/# /'
		return 1
	fi
}
