#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The service units: systemd understands them, and their exposure stays low.
set -u
srcdir=${srcdir:-.} builddir=${builddir:-build}
n=0
result() { # CODE TEXT
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n - $2" || { echo "not ok $n - $2"; failed=1; }
}
failed=0
command -v systemd-analyze >/dev/null || { echo "1..0 # SKIP systemd-analyze is not installed"; exit 0; }
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
# What is not installed yet is not a mistake of the unit.
for unit in ballastd ballast-release ballast-agent; do
	sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' "$builddir/systemd/$unit.service" >"$tmp/$unit.service"
done
for unit in ballastd ballast-release ballast-agent; do
	out=$(SYSTEMD_UNIT_PATH="$tmp:" systemd-analyze verify --man=no "$tmp/$unit.service" 2>&1 | grep -F "$unit.service")
	[ -z "$out" ]
	result $? "systemd understands $unit.service"
	[ -z "$out" ] || echo "$out" | sed 's/^/# /'
	score=$(systemd-analyze security --offline=true --no-pager "$tmp/$unit.service" 2>/dev/null |
		sed -n 's/.*Overall exposure level for [^:]*: \([0-9.]*\).*/\1/p')
	echo "# $unit.service: exposure ${score:-unknown}"
	awk -v s="${score:-10}" 'BEGIN { exit !(s <= 2.5) }'
	result $? "$unit.service is exposed to 2.5 at most"
	[ $unit != ballast-agent ] || continue # in the guest it is root, and gives up all but three capabilities
	grep -q '^User=ballast$' "$tmp/$unit.service"
	result $? "$unit.service runs as user ballast"
	! grep -Eq '^(ProcSubset=pid|ProtectProc=(invisible|ptraceable|noaccess)|PrivateUsers=(yes|true)|DynamicUser=(yes|true))' "$tmp/$unit.service"
	result $? "$unit.service leaves /proc and the user database visible"
done

grep -q '^RuntimeDirectoryPreserve=yes$' "$tmp/ballastd.service"
result $? "what is kept beside the socket outlives the daemon"

# A daemon that hangs in each run must reach its start limit as well, or its guests are never released.
setting() { # UNIT KEY: in milliseconds where it is a time
	local value

	value=$(sed -n "s/^$2=//p" "$tmp/$1.service")
	case $2 in
	*Sec) systemd-analyze timespan "$value" | sed -n 's/.*μs: \([0-9]*\)$/\1/p' | awk '{ print int($1 / 1000) }' ;;
	*) echo "$value" ;;
	esac
}
run=$(($(setting ballastd TimeoutStartSec) + $(setting ballastd WatchdogSec) + $(setting ballastd TimeoutAbortSec) +
	$(setting ballastd TimeoutStopSec) + $(setting ballastd RestartSec)))
[ $run -gt 1000 ] && [ "$(setting ballastd StartLimitIntervalSec)" -gt $(($(setting ballastd StartLimitBurst) * run)) ]
result $? "the start limit is reached by a daemon that hangs in each run"
[ $(($(setting ballastd StartLimitBurst) * $(setting ballastd RestartSec))) -le 2000 ]
result $? "and within seconds by one that crashes at once"
[ "$(setting ballast-release Restart) $(setting ballast-release StartLimitIntervalSec)" = "on-failure 0" ]
result $? "a release that fails is tried again for ever"

# What make uninstall does, told by a systemctl that only writes down what it is asked.
mkdir -p "$tmp/bin" "$tmp/units"
touch "$tmp/units/ballast-release.service"
cat >"$tmp/bin/systemctl" <<END
#!/bin/sh
case \$1 in
show) echo "\$FRAGMENT" ;;
start) echo "\$@" >>"$tmp/asked"; exit \$STARTS ;;
esac
END
chmod +x "$tmp/bin/systemctl"
apart() { # CMD...: not as a part of the make that runs us
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS "$@"
}
uninstall() { # FRAGMENT CODE-OF-START VARIABLE...
	: >"$tmp/asked"
	apart PATH="$tmp/bin:$PATH" FRAGMENT="$1" STARTS="$2" \
		make -s -C "$builddir" uninstall-release systemdsystemunitdir="$tmp/units" "${@:3}" >/dev/null 2>&1
}
unit=$tmp/units/ballast-release.service
uninstall "$unit" 0 && [ "$(cat "$tmp/asked")" = "start ballast-release.service" ]
result $? "make uninstall releases the guests"
! uninstall "$unit" 1 && [ -s "$tmp/asked" ]
result $? "and stops where they cannot be"
uninstall "$unit" 1 RELEASE=no && [ ! -s "$tmp/asked" ]
result $? "unless it is told otherwise"
uninstall /nonexistent/x.service 1 && [ ! -s "$tmp/asked" ] && uninstall "" 1 && [ ! -s "$tmp/asked" ] &&
	uninstall "$unit" 1 DESTDIR=/nonexistent && [ ! -s "$tmp/asked" ]
result $? "another installation's guests are left alone"
apart make -n -C "$builddir" uninstall DESTDIR=/nonexistent >"$tmp/order" 2>/dev/null
line() { # WORDS
	grep -n -e "$1" "$tmp/order" | sed -n '1s/:.*//p'
}
[ "$(line 'start ballast-release')" -lt "$(line '/nonexistent.*/\(sbin\|systemd/system\)" && rm')" ]
result $? "the release comes before what it needs goes"

if command -v systemd-sysusers >/dev/null; then
	mkdir -p "$tmp/root/etc"
	printf 'root:x:0:0::/:/bin/sh\n' >"$tmp/root/etc/passwd"
	printf 'root:x:0:\nlibvirt:x:105:\nlibvirt-qemu:x:64055:\n' >"$tmp/root/etc/group"
	systemd-sysusers --root="$tmp/root" "$srcdir/systemd/ballast.sysusers" >"$tmp/out" 2>&1
	result $? "systemd-sysusers makes the user"
	grep -q '^libvirt:.*:ballast$' "$tmp/root/etc/group" && grep -q '^libvirt-qemu:.*:ballast$' "$tmp/root/etc/group"
	result $? "it is a member of libvirt and libvirt-qemu"
fi
if command -v journalctl >/dev/null; then
	mkdir -p "$tmp/root/usr/lib/systemd/catalog" "$tmp/root/var/lib/systemd/catalog"
	cp "$srcdir/systemd/ballast.catalog" "$tmp/root/usr/lib/systemd/catalog/"
	journalctl --root="$tmp/root" --update-catalog >"$tmp/out" 2>&1 &&
		[ "$(journalctl --root="$tmp/root" --list-catalog 2>/dev/null | grep -c "^[0-9a-f]\{32\}")" -ge 20 ]
	result $? "the catalog compiles"
fi
echo "1..$n"
exit $failed
