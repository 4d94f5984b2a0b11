# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Control groups. One group for the lab in every hierarchy this machine has (v1, hybrid or v2), below it one for each
# host and one for the lab's own helpers. Whatever is in them was started by the lab: that is how `down` knows.
#
# $LAB_DIR/cgroups lists the lab's group in each hierarchy, "NAME DIRECTORY" a line, written before they are made.

# cg_mode: v1 (also hybrid) or v2: what is mounted here, else what the kernel has bound.
cg_mode() {
	local names

	names=$(cg_mounts | cut -d' ' -f1)
	[ "$names" ] || names=$(cut -d: -f2 /proc/self/cgroup)
	case $names in
	unified | '') echo v2 ;;
	*) echo v1 ;;
	esac
}

# cg_mounts: "NAME MOUNTPOINT ROOT" of each hierarchy that is mounted where it should be, or by this lab (another lab may
# have its own mounts); v2 is called unified.
cg_mounts() {
	local line before fields opts

	while read -r line; do
		before=${line%% - *}
		set -- ${line##* - }
		fields=$1 opts=${3:-}
		set -- $before
		[[ $5 == /sys/fs/cgroup?(/*) || $5 == "$LAB_DIR"/cg?(/*) ]] || continue
		case $fields in
		cgroup2) echo "unified $5 $4" ;;
		cgroup) echo "$(cg_name_of "$opts") $5 $4" ;;
		esac
	done </proc/self/mountinfo
}

# cg_name_of OPTIONS: "rw,cpu,cpuacct" gives cpu,cpuacct and "rw,xattr,name=systemd" gives name=systemd.
cg_name_of() {
	local o names=

	for o in ${1//,/ }; do
		case $o in
		cpu | cpuacct | cpuset | blkio | memory | devices | freezer | pids | net_cls | net_prio | perf_event | \
			hugetlb | rdma | misc | name=*) names=$names,$o ;;
		esac
	done
	echo "${names#,}"
}

# cg_own PID: "NAME DIRECTORY" of the group that a process is in, for each mounted hierarchy.
cg_own() {
	local id names path name mnt root

	while IFS=: read -r id names path; do
		[ "$id" ] || continue
		[ "$names" ] || names=unified
		while read -r name mnt root; do
			[ "$name" = "$names" ] || continue
			[ "$root" = / ] || path=${path#"$root"}
			[ "$path" != / ] || path=
			echo "$name $mnt$path"
			names=- # once: what is mounted twice counts once, and the reader must not leave the writer behind
		done < <(cg_mounts)
	done <"/proc/$1/cgroup"
}

# cg_mount_own: in a plain chroot nothing is mounted at /sys/fs/cgroup; then the lab mounts the hierarchies itself.
cg_mount_own() {
	local id names path

	[ -z "$(cg_own $$)" ] || return 0
	mkdir -p "$LAB_DIR/cg"
	if [ "$(cg_mode)" = v2 ]; then
		mount -t cgroup2 cgroup2 "$LAB_DIR/cg"
		return
	fi
	mount -t tmpfs -o mode=755,size=64k lab-cg "$LAB_DIR/cg"
	while IFS=: read -r id names path; do
		case $names in
		'') mkdir "$LAB_DIR/cg/unified" && mount -t cgroup2 cgroup2 "$LAB_DIR/cg/unified" ;;
		name=*) mkdir "$LAB_DIR/cg/${names#name=}" &&
			mount -t cgroup -o "none,$names" cgroup "$LAB_DIR/cg/${names#name=}" ;;
		*) mkdir "$LAB_DIR/cg/$names" && mount -t cgroup -o "$names" cgroup "$LAB_DIR/cg/$names" ;;
		esac || warn "cannot mount the control group hierarchy '$names'"
	done </proc/self/cgroup
}

# cg_setup: makes the lab's groups. Where systemd is the machine's manager they are below a unit that delegates them, but
# in the v1 hierarchies that systemd leaves alone, and without it, below the group that we are in.
cg_setup() {
	local tag unit="" of=$$ name dir

	cg_mount_own
	tag=$(cat "$LAB_DIR/tag")
	if cg_has_systemd; then
		unit=$(lab_unit)
		systemd-run --quiet --collect --unit="$unit" --property=Delegate=yes \
			--property=TimeoutStopSec=5s \
			--description="Ballast lab $LAB" sleep infinity ||
			die 1 "systemd did not start the lab's unit: see journalctl -u $unit"
		of=$(systemctl show --property=MainPID --value "$unit")
	fi
	while read -r name dir; do
		[ "$unit" ] && [ "${dir##*/}" = "$unit" ] || dir=$dir/ballast-lab-$tag
		echo "$name $dir"
	done < <(cg_own "$of") >"$LAB_DIR/cgroups.new"
	[ -s "$LAB_DIR/cgroups.new" ] || die 1 "no control groups on this machine: mount cgroup2 at /sys/fs/cgroup"
	mv "$LAB_DIR/cgroups.new" "$LAB_DIR/cgroups"
	cg_make ctl
	[ "$of" = $$ ] || cg_enter ctl "$of"
	cg_enable_controllers
}

# True where systemd runs this machine; not in a chroot on such a machine.
cg_has_systemd() {
	[ -d /run/systemd/system ] && systemctl show --property=Version >/dev/null 2>&1
}

# The unit in whose groups the lab lives on a machine run by systemd.
lab_unit() {
	echo "ballast-lab-$(cat "$LAB_DIR/tag").service"
}

# cg_enable_controllers: v2 hands a controller down only where every group on the way says so, and refuses while the
# group itself has processes: then the hosts have no CPU shares, which `status` shows.
cg_enable_controllers() {
	local name dir d c

	while read -r name dir; do
		[ "$name" = unified ] || continue
		for d in "${dir%/*}" "$dir"; do
			[ "$d" = "$dir" ] || ! cg_has_systemd || continue # systemd's to manage, and it has done so
			for c in $(cat "$d/cgroup.controllers" 2>/dev/null); do
				echo "+$c" 2>/dev/null >"$d/cgroup.subtree_control" || true
			done
		done
	done < <(cg_dirs)
}

# cg_dirs: "NAME DIRECTORY" of the lab's group in each hierarchy. Whatever is in there gets killed one day, so nothing is
# believed that does not carry the lab's own name.
cg_dirs() {
	[ ! -e "$LAB_DIR/cgroups" ] || grep "/ballast-lab-$(cat "$LAB_DIR/tag")\(\.service\)\?\$" "$LAB_DIR/cgroups" || true
}

# cg_make GROUP: below the lab's own, in every hierarchy.
cg_make() {
	local name dir g

	while read -r name dir; do
		g=$dir/$1
		mkdir -p "$g"
		if [ "$name" = cpuset ]; then
			for g in "$dir" "$dir/$1"; do
				cat "$(dirname "$g")/cpuset.cpus" >"$g/cpuset.cpus"
				cat "$(dirname "$g")/cpuset.mems" >"$g/cpuset.mems"
				echo 1 >"$g/cgroup.clone_children"
			done
		fi
	done < <(cg_dirs)
}

# cg_enter GROUP PID
cg_enter() {
	local name dir

	while read -r name dir; do
		echo "$2" >"$dir/$1/cgroup.procs"
	done < <(cg_dirs)
}

# cg_pids [GROUP]: all processes in it and below.
cg_pids() {
	local name dir

	while read -r name dir; do
		[ -d "$dir/${1:-}" ] || continue
		find "$dir/${1:-}" -name cgroup.procs -exec cat {} + 2>/dev/null
	done < <(cg_dirs) | sort -un
}

# cg_kill [GROUP]: ends everything in it but this command, for good.
cg_kill() {
	local end=$((SECONDS + 30)) pid pids

	while pids=$(cg_pids "${1:-}" | grep -vx "$$\|$BASHPID\|0" || true) && [ "$pids" ]; do
		for pid in $pids; do
			kill -KILL "$pid" 2>/dev/null || true
		done
		[ $SECONDS -lt $end ] || return 1
		sleep 0.02
	done
}

# cg_remove [GROUP]: the groups themselves; whoever is left in them (this command) goes to the parent first.
cg_remove() {
	local name dir d

	while read -r name dir; do
		d=$dir${1:+/$1}
		[ -d "$d" ] || continue
		find "$d" -depth -type d -exec rmdir {} + 2>/dev/null || true
	done < <(cg_dirs)
}
