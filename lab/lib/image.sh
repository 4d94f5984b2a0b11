# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What a guest boots: a Debian cloud kernel taken out of its package (never installed), and an initramfs of busybox, the
# modules, ballast-agent, lab-shell and the load generators. Kernels are kept in LAB_CACHE, initramfs in the lab.

IMAGE_MODULES=(virtio_pci virtio_balloon virtio_console virtio_blk lzo-rle zram button evdev)
IMAGE_SYSTEM_MODULES=(virtiofs overlay autofs4) # for a guest that boots the host's own Debian
IMAGE_CFLAGS=(-std=gnu17 -D_GNU_SOURCE -Os -Wall -Wextra -Wno-unused-parameter "-I$LAB_TOP")

# image_kernel SERIES: fetches and unpacks it once; prints its directory (vmlinuz, version, lib/modules).
image_kernel() {
	local series=$1 dir=$LAB_CACHE/kernel-$1 tmp

	mkdir -p "$LAB_CACHE"
	exec 8<"$LAB_CACHE"
	flock 8
	if [ ! -e "$dir/version" ]; then
		rm -rf "$LAB_CACHE"/new.* # of one that was killed: we hold the lock
		tmp=$(mktemp -d "$LAB_CACHE/new.XXXXXX")
		image_download "$series" "$tmp"
		dpkg-deb -x "$tmp"/linux-image-*.deb "$tmp/x"
		mkdir "$tmp/k"
		mv "$tmp"/x/boot/vmlinuz-* "$tmp/k/vmlinuz"
		mv "$tmp/x/lib" "$tmp/k/lib"
		ls "$tmp/k/lib/modules" >"$tmp/version"
		depmod -b "$tmp/k" "$(cat "$tmp/version")" 2>/dev/null
		mv "$tmp/version" "$tmp/k/version"
		rm -rf "$dir"
		mv "$tmp/k" "$dir"
		rm -rf "$tmp"
		step "kernel $(cat "$dir/version"): unpacked"
	fi
	exec 8<&-
	echo "$dir"
}

# image_download SERIES DIR: the package by apt, from this machine's own sources; for a series that they do not have from
# the same mirror's older release, with lists of its own, so that nothing of this machine's apt changes.
image_download() {
	local series=$1 dir=$2 meta=linux-image-cloud-amd64 package apt=(-q -o APT::Sandbox::User=root)

	step "kernel $series: downloading"
	package=$(image_package "$series")
	[ "$package" ] || apt-get -q update >"$dir/log" 2>&1 || true # a fresh machine may never have asked
	package=$(image_package "$series")
	if [ -z "$package" ]; then
		mkdir -p "$dir"/apt/{lists/partial,cache/archives/partial}
		image_sources "$series" >"$dir/apt/lab.sources"
		apt+=(-o "Dir::Etc::sourcelist=$dir/apt/lab.sources" -o Dir::Etc::sourceparts=-
			-o "Dir::State::lists=$dir/apt/lists" -o "Dir::Cache=$dir/apt/cache")
		apt-get "${apt[@]}" update >"$dir/log" 2>&1 || true
		package=$(image_package "$series" "${apt[@]}")
	fi
	[ "$package" ] || {
		rm -rf "$dir"
		die 1 "apt knows no $meta of series $series: run apt-get update, or check /etc/apt/sources.list.d"
	}
	(cd "$dir" && apt-get "${apt[@]}" download "$package" >"$dir/log" 2>&1) || {
		cat "$dir/log" >&2
		rm -rf "$dir"
		die 1 "cannot download $package: run apt-get update and try again"
	}
}

# The real package behind the name that always means the newest.
image_package() {
	local series=$1

	shift
	apt-cache "$@" depends linux-image-cloud-amd64 2>/dev/null |
		sed -n "s/^ *Depends: \(linux-image-${series//./\\.}\.[0-9].*\)/\1/p" | head -n 1 || true
}

image_sources() {
	local suite site

	case $1 in
	6.1) suite=bookworm ;;
	5.10) suite=bullseye ;;
	*) die 2 "kernel '$1' is not one of 6.1 and 5.10" ;;
	esac
	# shellcheck disable=SC2016
	site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep '/debian/*$' | head -n 1)
	for suite in "debian $suite" "debian-security $suite-security"; do
		printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n\n' \
			"${site%/debian*}/${suite% *}" "${suite#* }" /usr/share/keyrings/debian-archive-keyring.gpg
	done
}

image_cc() {
	if command -v musl-gcc >/dev/null; then echo musl-gcc; else echo gcc; fi
}

# image_programs: compiles the lab's own small programs (a second); prints their directory.
image_programs() {
	local src=$LAB_SRC hash dir tmp

	hash=$(cat "$src"/guest/*.[ch] "$src"/host/*.c | sha256sum | cut -c1-12)
	dir=$LAB_DIR/image/bin-$hash
	if [ ! -d "$dir" ]; then
		mkdir -p "$LAB_DIR/image"
		tmp=$(mktemp -d "$LAB_DIR/image/new.XXXXXX")
		"$(image_cc)" "${IMAGE_CFLAGS[@]}" -static -s -o "$tmp/lab-shell" \
			"$src"/guest/{lab-shell,command,port,frame}.c
		"$(image_cc)" "${IMAGE_CFLAGS[@]}" -static -s -o "$tmp/load" "$src"/guest/load*.c
		"$(image_cc)" "${IMAGE_CFLAGS[@]}" -static -s -o "$tmp/balloon-liar" "$src/guest/balloon-liar.c"
		gcc "${IMAGE_CFLAGS[@]}" -o "$tmp/lab-mux" "$src/host/lab-mux.c" "$src/guest/frame.c"
		gcc "${IMAGE_CFLAGS[@]}" -o "$tmp/lab-run" "$src/host/lab-run.c" "$src/guest/frame.c"
		mv -T "$tmp" "$dir" 2>/dev/null || rm -rf "$tmp" # somebody else was quicker
	fi
	echo "$dir"
}

# image_agent: the static agent of the build that this lab was started with, if there is one.
image_agent() {
	local build f

	build=$(cat "$LAB_DIR/build" 2>/dev/null) || return 0
	for f in "$build/ballast-agent" "$build/agent/ballast-agent"; do
		[ -x "$f" ] || continue
		echo "$f"
		return
	done
}

# image_make SERIES AGENT: prints the path of kernel and initramfs without their endings .vmlinuz and .initrd.
image_make() {
	local series=$1 agent=$2 kernel bin hash out tmp

	kernel=$(image_kernel "$series")
	bin=$(image_programs)
	hash=$(cat "$kernel/version" "$LAB_SRC"/guest/init* "$bin"/{lab-shell,load,balloon-liar} ${agent:+"$agent"} |
		sha256sum | cut -c1-12)
	out=$LAB_DIR/image/$series-$hash
	if [ ! -e "$out.initrd" ]; then
		tmp=$(mktemp -d "$LAB_DIR/image/new.XXXXXX")
		image_tree "$tmp/tree" "$kernel" "$bin" "$agent"
		(cd "$tmp/tree" && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1) >"$tmp/initrd"
		cp "$kernel/vmlinuz" "$tmp/vmlinuz"
		mv "$tmp/vmlinuz" "$out.vmlinuz" # whole or not at all: others may be at it too
		mv "$tmp/initrd" "$out.initrd"
		rm -rf "$tmp"
		step "initramfs: $(($(stat -c %s "$out.initrd") / 1024)) KiB, $([ "$agent" ] && echo "agent $agent" ||
			echo 'without agent')"
	fi
	echo "$out"
}

image_tree() {
	local tree=$1 kernel=$2 bin=$3 agent=$4 version

	version=$(cat "$kernel/version")
	mkdir -p "$tree"/{bin,dev,etc,lib/modules,proc,sys,tmp,run}
	cp "$(command -v busybox)" "$tree/bin/busybox"
	cp "$bin"/{lab-shell,load,balloon-liar} "$tree/bin/"
	[ -z "$agent" ] || cp "$agent" "$tree/bin/ballast-agent"
	install -m 755 "$LAB_SRC/guest/init" "$tree/init"
	install -m 755 "$LAB_SRC/guest/init-system" "$tree/init-system"
	mknod -m 600 "$tree/dev/console" c 5 1
	image_modules "$tree" "$kernel" "$version" order "${IMAGE_MODULES[@]}"
	image_modules "$tree" "$kernel" "$version" order.system "${IMAGE_SYSTEM_MODULES[@]}"
}

# image_modules TREE KERNEL VERSION LIST MODULE...: copies them with what they need; LIST names them in the order in which
# the guest loads them.
image_modules() {
	local tree=$1 kernel=$2 version=$3 list=$4 word path

	shift 4
	while read -r word path; do
		[ "$word" = insmod ] || continue
		cp "$path" "$tree/lib/modules/"
		basename "$path"
	done < <(for word in "$@"; do
		modprobe -d "$kernel" -S "$version" --show-depends "$word"
	done) | awk '!seen[$0]++' >"$tree/lib/modules/$list"
	[ -s "$tree/lib/modules/$list" ] || die 1 "no modules found in $kernel: lab/lab clean, then try again"
}

image_clean() {
	need_root
	rm -rf "$LAB_CACHE"
	step "cache of kernels removed: $LAB_CACHE"
}
