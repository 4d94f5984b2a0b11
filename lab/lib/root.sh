# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# A host's root: an overlay of this machine's own root (the packages are already there), the changes in a tmpfs. What
# belongs to this machine alone (enabled units, identity, guests of its libvirt) is taken out, the lab's is put in.

host_dir() {
	echo "$LAB_DIR/h$1"
}

host_root() {
	echo "$LAB_DIR/h$1/root"
}

# root_make I N: host I of N.
root_make() {
	local i=$1 n=$2 dir root

	dir=$(host_dir "$i") root=$(host_root "$i")
	mkdir -p "$dir"/{root,rw,disk,nest}
	mount -t tmpfs -o size=4G,mode=755 "lab-h$i" "$dir/rw"
	mkdir "$dir/rw"/{up,work}
	mount -t overlay "lab-h$i" -o "lowerdir=/,upperdir=$dir/rw/up,workdir=$dir/rw/work" "$root"
	root_add_other_mounts "$dir"
	root_clear "$root"
	root_enable_units "$root"
	root_identify "$root" "$i" "$n"
	root_configure_libvirt "$root" "$i"
	install -m 755 "$LAB_SRC/host/lab-init" "$root/sbin/lab-init"
	mkdir -p "$root/srv/lab"/{image,disk,sock,log,xml,system}
	chown libvirt-qemu: "$root/srv/lab/sock"
}

# An overlay does not go into other file systems: where this machine has its /usr or /var on one, that is laid over too.
root_add_other_mounts() {
	local dir=$1 d

	for d in /usr /var /etc /opt; do
		mountpoint -q "$d" || continue
		mkdir -p "$dir/rw$d"/{up,work}
		mount -t overlay "lab${d//\//-}" \
			-o "lowerdir=$d,upperdir=$dir/rw$d/up,workdir=$dir/rw$d/work" "$dir/root$d"
	done
}

root_clear() {
	local root=$1

	rm -rf "$root"/etc/systemd/system "$root"/etc/systemd/network "$root"/etc/rc?.d \
		"$root"/var/log/journal "$root"/var/lib/systemd/{timers,coredump} \
		"$root"/etc/libvirt/qemu/*.xml "$root"/etc/libvirt/qemu/{,networks/}autostart/* \
		"$root"/var/lib/libvirt/qemu/* "$root"/etc/ballast "$root"/var/lib/ballast \
		"$root"/var/tmp/ballast-lab "$root$LAB_DIR"
	mkdir -p "$root"/etc/systemd/system "$root"/var/log/journal
	: >"$root/etc/fstab"
}

root_want() { # ROOT TARGET UNIT...
	local root=$1 target=$2 unit

	shift 2
	mkdir -p "$root/etc/systemd/system/$target.wants"
	for unit in "$@"; do
		[ -e "$root/lib/systemd/system/$unit" ] || continue
		ln -sf "/lib/systemd/system/$unit" "$root/etc/systemd/system/$target.wants/"
	done
}

root_enable_units() {
	local root=$1 unit

	ln -s /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
	root_want "$root" multi-user.target libvirtd.service libvirt-guests.service
	root_want "$root" sockets.target libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket \
		virtlogd.socket virtlockd.socket
	# Masked: what would reach through to the whole machine (sysctl above all) or has nothing to do in a container.
	for unit in systemd-{sysctl,udevd,networkd,resolved,timesyncd,modules-load}.service console-getty.service \
		systemd-udevd-{control,kernel}.socket dev-hugepages.mount sys-kernel-{debug,tracing,config}.mount \
		sys-fs-fuse-connections.mount; do
		ln -s /dev/null "$root/etc/systemd/system/$unit"
	done
}

root_identify() {
	local root=$1 i=$2 n=$3 j

	echo "h$i" >"$root/etc/hostname"
	printf '%s%010d%s\n' ba1ba5 "$i" "$(md5sum <"$LAB_DIR/tag" | cut -c1-16)" >"$root/etc/machine-id"
	{
		echo 127.0.0.1 localhost
		for j in $(seq "$n"); do
			echo "$NET_PREFIX.$j h$j"
		done
	} >"$root/etc/hosts"
}

root_configure_libvirt() {
	local root=$1 i=$2

	cat >>"$root/etc/libvirt/libvirtd.conf" <<-EOF
		host_uuid = "00000000-0000-4000-8000-$(printf %012d "$i")"
	EOF
	cat >>"$root/etc/libvirt/qemu.conf" <<-EOF
		security_driver = "none"
		migration_host = "$NET_PREFIX.$i"
		migration_address = "$NET_PREFIX.$i"
	EOF
	# A guest that does not hear the power button must not hold up the host for the default five minutes.
	cat >"$root/etc/default/libvirt-guests" <<-EOF
		ON_BOOT=ignore
		ON_SHUTDOWN=shutdown
		SHUTDOWN_TIMEOUT=20
		PARALLEL_SHUTDOWN=10
	EOF
}

# root_find_build: the build to install when none was named; nothing when there is none.
root_find_build() {
	local dir

	for dir in "$LAB_TOP/build-lab" "$LAB_TOP/build"; do
		[ -e "$dir/Makefile" ] || continue
		root_fits "$dir" && echo "$dir" && return
		warn "$dir was configured for another prefix than /usr: left out (lab/lab build makes one that fits)"
	done
}

# A build knows its directories: only one made for /usr, /etc and /var finds its files in a host.
root_fits() {
	grep -qx 'prefix = /usr' "$1/Makefile" && grep -qx 'sysconfdir = /etc' "$1/Makefile" &&
		grep -qx 'localstatedir = /var' "$1/Makefile"
}

root_make_build() {
	local dir=${1:-$LAB_TOP/build-lab}

	[ -x "$LAB_TOP/configure" ] || (cd "$LAB_TOP" && autoreconf -fi >/dev/null 2>&1) ||
		die 1 "autoreconf failed: run autoreconf -fi in $LAB_TOP to see why"
	mkdir -p "$dir"
	[ -e "$dir/Makefile" ] || (cd "$dir" && "$LAB_TOP/configure" -q --prefix=/usr --sysconfdir=/etc \
		--localstatedir=/var) || die 1 "configure failed in $dir: see its config.log"
	make -s -j2 -C "$dir" || die 1 "make failed in $dir"
	step "build: $dir"
}

# root_install I BUILD: Ballast into the host, enabled if it has a daemon yet.
root_install() {
	local root log

	root=$(host_root "$1") log=$LAB_DIR/install.log
	[ -e "$2/Makefile" ] || die 1 "$2 is no build directory: make one with lab/lab build"
	root_fits "$2" || die 1 "$2 was not configured for a host: make one with lab/lab build, or configure it with" \
		"--prefix=/usr --sysconfdir=/etc --localstatedir=/var"
	flock "$2/Makefile" make -s -C "$2" install DESTDIR="$root" >"$log" 2>&1 ||
		die 1 "the build does not install: see $log"
	# The host's own first boot would skip this: its /etc does not look older than its /usr.
	systemd-sysusers --root="$root" >>"$log" 2>&1 || die 1 "systemd-sysusers does not take the build's users: see $log"
	root_want "$root" multi-user.target ballastd.service
}
