# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# The end of a lab. Trusts no list of its own for what must go, but asks the kernel: the processes in the lab's control
# groups, the mounts below its directory. So it does not matter where an earlier command was killed.

# Refuses a directory that holds something, but not our mark.
lab_must_be_ours() {
	[ -e "$LAB_DIR/$LAB_MARK" ] || [ -z "$(ls -A "$LAB_DIR")" ] ||
		die 1 "$LAB_DIR is not empty and was not made by the lab: choose another LAB_DIR"
}

lab_down() {
	local i leader

	need_root
	lab_check_names
	[ -d "$LAB_DIR" ] || {
		step "lab '$LAB' is not up"
		return 0
	}
	lab_must_be_ours
	[ "$(proc_pid up 2>/dev/null)" = $$ ] || proc_end up
	for i in $(lab_hosts); do
		leader=$(host_leader "$i") && kill -KILL "$leader" 2>/dev/null || true
	done
	cg_kill || die 1 "some of the lab's processes do not end: $(cg_pids | tr '\n' ' ')"
	cg_remove
	[ ! -e "$LAB_DIR/tag" ] || ! cg_has_systemd || systemctl --quiet stop "$(lab_unit)" 2>/dev/null || true
	cg_remove
	lab_unmount || die 1 "cannot unmount all below $LAB_DIR (see /proc/self/mountinfo)"
	rm -rf --one-file-system "$LAB_DIR"
	rmdir "$(dirname "$LAB_DIR")" 2>/dev/null || true
	lab_remove_nspawn_directory
	step "lab '$LAB' is down"
}

# The mounts at and below the lab's directory, last made first.
lab_mounts() {
	local real

	real=$(readlink -f "$LAB_DIR")
	awk -v d="$real" '$5 == d || index($5, d "/") == 1 { print $5 }' /proc/self/mountinfo | tac
}

lab_unmount() {
	local m tries

	for tries in 1 2 3; do
		for m in $(lab_mounts); do
			umount "$m" 2>/dev/null || { [ $tries = 3 ] && umount -l "$m"; } || true
		done
		[ "$(lab_mounts)" ] || return 0
		sleep 0.2
	done
	[ -z "$(lab_mounts)" ]
}

# What systemd-nspawn writes lies in a mount of its own namespace (host/lab-nest); where no systemd runs this machine the
# empty directory below that mount is ours too. Not while another lab's hosts run: they would lose the mount.
lab_remove_nspawn_directory() {
	if ! cat /proc/[0-9]*/comm 2>/dev/null | grep -qx systemd-nspawn; then
		rmdir /run/systemd/nspawn /run/systemd 2>/dev/null || true
	fi
}
