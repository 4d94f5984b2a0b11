# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Where things are, how the lab speaks, and who its processes are.

LAB=${LAB:-lab}
LAB_DIR=${LAB_DIR:-/var/tmp/ballast-lab/$LAB}
LAB_CACHE=${LAB_CACHE:-/var/cache/ballast-lab}
LAB_START_USEC=${EPOCHREALTIME/[.,]/}
LAB_MARK=.ballast-lab # a directory without this file is not ours to remove

# die CODE TEXT: every error names its remedy.
die() {
	local code=$1

	shift
	printf 'lab: %s\n' "$*" >&2
	exit "$code"
}

# step TEXT: one line of progress with the seconds since this command began. To descriptor 3, this command's own
# standard output, also from inside $(...); what runs on in the background must not keep it open.
exec 3>&1
step() {
	local usec=$((${EPOCHREALTIME/[.,]/} - LAB_START_USEC))

	printf '%3d.%d s  %s\n' $((usec / 1000000)) $((usec / 100000 % 10)) "$*" >&3
}

warn() {
	printf 'lab: warning: %s\n' "$*" >&2
}

need_root() {
	[ "$(id -u)" = 0 ] || die 1 "needs root (it makes mounts, network namespaces and control groups): use sudo"
}

need_lab() {
	lab_check_names
	[ -e "$LAB_DIR/$LAB_MARK" ] || die 1 "no lab '$LAB' is up; start one with: lab/lab up"
}

lab_check_names() {
	[[ $LAB =~ ^[a-z0-9][a-z0-9-]{0,19}$ ]] ||
		die 2 "LAB='$LAB' is no good name: use at most 20 of a-z, 0-9 and -"
	[[ $LAB_DIR =~ ^/[A-Za-z0-9._/-]+$ ]] || die 2 "LAB_DIR='$LAB_DIR' must be an absolute path without blanks"
}

# proc_start PID: when the kernel started it (clock ticks since boot), nothing when it is gone. With the process number
# this names a process for ever, while the number alone comes back.
proc_start() {
	local stat

	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
	stat=${stat##*) }
	set -- $stat
	printf '%s' "${20}"
}

# proc_record NAME PID: remembers a process of ours.
proc_record() {
	mkdir -p "$LAB_DIR/proc"
	printf '%s %s\n' "$2" "$(proc_start "$2")" >"$LAB_DIR/proc/$1.new"
	mv "$LAB_DIR/proc/$1.new" "$LAB_DIR/proc/$1"
}

# proc_pid NAME: its number if it is still that very process and not a zombie; else fails.
proc_pid() {
	local pid start state

	read -r pid start 2>/dev/null <"$LAB_DIR/proc/$1" || return 1
	[ "$start" ] && [ "$(proc_start "$pid")" = "$start" ] || return 1
	state=$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null)
	[ "$state" ] && [ "$state" != Z ] || return 1
	printf '%s' "$pid"
}

# proc_end NAME [SIGNAL]: ends it and waits until it is gone.
proc_end() {
	local pid

	pid=$(proc_pid "$1") && kill "-${2:-KILL}" "$pid" 2>/dev/null
	lab_wait 30 proc_gone "$1" || warn "process $1 does not end"
	rm -f "$LAB_DIR/proc/$1"
}

proc_gone() {
	! proc_pid "$1" >/dev/null
}

# lab_wait SECONDS CMD...: until CMD succeeds; fails at the deadline.
lab_wait() {
	local end=$((SECONDS + $1 + 1))

	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

# lab_in_own_group: from here on this process and what it starts belong to the lab, so that `down` finds them even when
# this command was killed half-way.
lab_in_own_group() {
	cg_enter ctl $BASHPID
}
