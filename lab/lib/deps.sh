# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# The Debian packages that the lab uses, and how they are installed.

DEPS_PACKAGES=(
	systemd systemd-container dbus polkitd # a host: systemd-nspawn and what a booted machine needs
	libvirt-daemon-system libvirt-clients qemu-system-x86 qemu-utils
	busybox-static cpio kmod musl-tools gcc libc6-dev # a guest's initramfs
	iproute2 util-linux procps make
)

deps_missing() {
	local p

	for p in "${DEPS_PACKAGES[@]}"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || echo "$p"
	done
}

# Installs what is missing. SYSTEMD_OFFLINE: the packages' services are not started on this machine, the lab has its own.
deps_install() {
	local missing end=$((SECONDS + 300))

	missing=$(deps_missing)
	if [ -z "$missing" ]; then
		step "packages: all there"
		return 0
	fi
	need_root
	step "packages: installing" $missing
	export DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1
	until apt-get -q -o DPkg::Lock::Timeout=300 update >/dev/null &&
		apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $missing >/dev/null; do
		[ $SECONDS -lt $end ] || die 1 "apt-get could not install: $missing; try it by hand to see why"
		sleep 5
	done
	step "packages: installed"
}

deps_check() {
	local missing

	missing=$(deps_missing)
	[ -z "$missing" ] || die 1 "packages are missing:" $missing "- install them with: lab/lab deps"
}
