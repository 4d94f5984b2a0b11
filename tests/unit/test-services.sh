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
for unit in ballastd ballast-release; do
	sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' "$builddir/systemd/$unit.service" >"$tmp/$unit.service"
done
for unit in ballastd ballast-release; do
	out=$(SYSTEMD_UNIT_PATH="$tmp:" systemd-analyze verify --man=no "$tmp/$unit.service" 2>&1 | grep -F "$unit.service")
	[ -z "$out" ]
	result $? "systemd understands $unit.service"
	[ -z "$out" ] || echo "$out" | sed 's/^/# /'
	score=$(systemd-analyze security --offline=true --no-pager "$tmp/$unit.service" 2>/dev/null |
		sed -n 's/.*Overall exposure level for [^:]*: \([0-9.]*\).*/\1/p')
	echo "# $unit.service: exposure ${score:-unknown}"
	awk -v s="${score:-10}" 'BEGIN { exit !(s <= 2.5) }'
	result $? "$unit.service is exposed to 2.5 at most"
	grep -q '^User=ballast$' "$tmp/$unit.service"
	result $? "$unit.service runs as user ballast"
	! grep -Eq '^(ProcSubset=pid|ProtectProc=(invisible|ptraceable|noaccess)|PrivateUsers=(yes|true)|DynamicUser=(yes|true))' "$tmp/$unit.service"
	result $? "$unit.service leaves /proc and the user database visible"
done
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
