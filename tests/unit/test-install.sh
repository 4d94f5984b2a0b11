#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# make install DESTDIR= puts all where packages want it, and make uninstall leaves nothing of it, but a configuration that somebody has edited.
set -u
srcdir=${srcdir:-.} builddir=${builddir:-build}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0 failed=0
result() { # CODE TEXT
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n - $2" || { echo "not ok $n - $2"; failed=1; sed 's/^/# /' "$tmp/out" | tail -n 30; }
}
install_() { # VERB: as a packager does, not as a part of the make that runs us
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u DESTDIR make -s -C "$builddir" "$1" DESTDIR="$tmp/root" \
		prefix=/usr sysconfdir=/etc localstatedir=/var >"$tmp/out" 2>&1
}
# The install directories only: what is compiled into programs stays as it is configured.
install_ install
result $? "make install DESTDIR="
(cd "$tmp/root" && find . ! -type d | sed 's,^\.,,' | LC_ALL=C sort) >"$tmp/list"
missing=0
for file in /etc/ballast/ballast.conf /etc/libvirt/hooks/qemu.d/ballast /usr/bin/ballastctl /usr/lib/systemd/system/ballastd.service \
	/usr/lib/systemd/system/ballast-release.service /usr/lib/systemd/system/ballast-agent.service /usr/lib/systemd/catalog/ballast.catalog \
	/usr/lib/sysusers.d/ballast.conf /usr/lib/tmpfiles.d/ballast.conf /usr/libexec/ballast/ballast-start-hook /usr/sbin/ballast-agent \
	/usr/sbin/ballastd /usr/share/bash-completion/completions/ballastctl /usr/share/doc/ballast/API.md /usr/share/doc/ballast/ballast.conf \
	/usr/share/doc/ballast/examples/10-defaults.policy /usr/share/doc/ballast/grafana/ballast.json \
	/usr/share/doc/ballast/prometheus/ballast.rules.yml /usr/share/man/man5/ballast.conf.5 /usr/share/man/man8/ballastd.8 \
	/usr/share/polkit-1/actions/org.ballast.policy; do
	grep -qxF "$file" "$tmp/list" || { missing=1; echo "# $file is not there"; }
done
result $missing "programs, units, pages and examples are where packages have them"
find "$tmp/root" -type f -perm /022 -o -type f -perm /6000 | sed 's/^/writable or setuid: /' >"$tmp/out"
[ ! -s "$tmp/out" ]
result $? "nothing that others can write, nothing with a privilege"
grep -rIlF -e "$tmp" -e "$(realpath "$builddir")" -e '@sbindir@' -e '@bindir@' -e '@pkglibexecdir@' "$tmp/root" >"$tmp/out"
[ ! -s "$tmp/out" ]
result $? "no text names where it was built, or has a place that was not filled in"

install_ uninstall
result $? "make uninstall DESTDIR="
# Folders that others have files in stay; what has our name is ours.
{ find "$tmp/root" ! -type d; find "$tmp/root" -depth -name '*ballast*'; } >"$tmp/out"
[ ! -s "$tmp/out" ]
result $? "nothing is left"

install_ install && echo "[Agent]" >>"$tmp/root/etc/ballast/ballast.conf" && touch "$tmp/root/etc/ballast/tokens" && install_ install &&
	tail -n 1 "$tmp/root/etc/ballast/ballast.conf" | grep -qx '\[Agent\]'
result $? "a configuration that was edited is kept by an installation"
install_ uninstall
(cd "$tmp/root" && find . ! -type d | LC_ALL=C sort) >"$tmp/out"
[ "$(tr '\n' ' ' <"$tmp/out")" = "./etc/ballast/ballast.conf ./etc/ballast/tokens " ]
result $? "and by make uninstall, with what else the administrator has there"
echo "1..$n"
exit $failed
