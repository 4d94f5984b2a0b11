# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# A host's life: systemd-nspawn boots the overlay in its own namespaces and control groups, a supervisor (this script
# again, in the background) boots it anew when it reboots.

lab_up() {
	local n=1 build=auto i

	while [ $# -gt 0 ]; do
		case $1 in
		--build)
			build=$(readlink -f "${2:?--build needs a directory}")
			shift
			;;
		--no-ballast) build= ;;
		[1-9] | [1-9][0-9]) n=$1 ;;
		*) die 2 "up: '$1' is neither a number of hosts nor an option; see lab/lab --help" ;;
		esac
		shift
	done
	need_root
	lab_check_names
	deps_check
	lab_claim || return 0
	[ "$build" != auto ] || build=$(root_find_build)
	[ -z "$build" ] || echo "$build" >"$LAB_DIR/build"
	echo "$n" >"$LAB_DIR/hosts"
	cg_setup
	lab_in_own_group
	net_make_switch
	step "lab '$LAB': $n host$([ "$n" = 1 ] || echo s), network $NET_PREFIX.0/24, control groups $(cg_mode)"
	for i in $(seq "$n"); do
		host_make "$i" "$n" "$build"
	done
	for i in $(seq "$n"); do
		host_boot "$i"
	done
	for i in $(seq "$n"); do
		host_await "$i"
	done
	: >"$LAB_DIR/up"
	rm -f "$LAB_DIR/proc/up"
}

# Makes the lab's directory; fails (quietly) when this lab is up already, clears away one that was left half-way. The
# lock on the parent keeps a second `up` from taking the moment between directory and record for "left half-way".
lab_claim() {
	local parent pid

	parent=$(dirname "$LAB_DIR")
	until [ "$parent" -ef /proc/self/fd/7 ]; do # another lab's down may have removed it meanwhile
		mkdir -p "$parent"
		exec 7<"$parent"
		flock 7
	done
	if [ -d "$LAB_DIR" ]; then
		lab_must_be_ours
		pid=$(proc_pid up) && die 1 "another lab/lab up is at work here (process $pid): wait for it, or lab/lab down"
		if [ -e "$LAB_DIR/up" ] && lab_all_hosts_run; then
			step "lab '$LAB' is up already"
			return 1
		fi
		step "lab '$LAB' was left half-way: clearing it away"
		lab_down
	fi
	mkdir -p "$LAB_DIR"
	: >"$LAB_DIR/$LAB_MARK"
	proc_record up $$
	exec 7<&-
	mount --bind "$LAB_DIR" "$LAB_DIR"
	mount --make-private "$LAB_DIR"
	od -An -N4 -tx4 /dev/urandom | tr -d ' ' >"$LAB_DIR/tag"
}

lab_hosts() {
	seq "$(cat "$LAB_DIR/hosts" 2>/dev/null || echo 0)"
}

lab_all_hosts_run() {
	local i

	for i in $(lab_hosts); do
		host_leader "$i" >/dev/null || return 1
	done
}

# host_make I N BUILD: everything but booting it.
host_make() {
	local i=$1

	net_make_host "$i"
	root_make "$i" "$2"
	cg_make "h$i"
	if [ "$3" ]; then
		root_install "$i" "$3"
		step "h$i: root laid over /, Ballast installed from $3"
	else
		step "h$i: root laid over /, without Ballast"
	fi
}

host_boot() {
	local i=$1

	(
		cd /
		exec setsid "$LAB_SRC/lab" __host "$i" 3>&- </dev/null >>"$(host_dir "$i")/console.log" 2>&1
	) &
}

# The background process of a host: 133 is how systemd-nspawn says that the machine inside wants to reboot.
host_supervise() {
	local i=$1 code

	lab_in_own_group
	proc_record "super-h$i" $$
	while :; do
		code=0
		(host_nspawn "$i") || code=$?
		echo "lab: host h$i: systemd-nspawn ended with $code"
		[ "$code" = 133 ] || exit "$code"
	done
}

# Becomes systemd-nspawn, in the host's control groups and a mount namespace of its own (host/lab-nest prepares that).
host_nspawn() {
	local i=$1 unified=0

	[ "$(cg_mode)" = v1 ] || unified=1
	proc_record "nspawn-h$i" $BASHPID
	cg_enter "h$i" $BASHPID
	exec unshare --mount --propagation unchanged "$LAB_SRC/host/lab-nest" "$(host_dir "$i")/nest" "$LAB_DIR/cg" \
		env SYSTEMD_SECCOMP=0 SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=$unified \
		systemd-nspawn --quiet --directory="$(host_root "$i")" --machine="lab-$(cat "$LAB_DIR/tag")-h$i" \
		--hostname="h$i" --register=no --keep-unit --network-namespace-path="$(net_file "h$i")" \
		--capability=all --private-users=no --bind=/dev/net/tun \
		--bind="$(host_dir "$i")/disk:/srv/lab/disk" --console=pipe --link-journal=no --resolv-conf=off \
		--timezone=off --kill-signal=SIGRTMIN+3 /sbin/lab-init
}

# host_index HOST: 1 from h1 or 1.
host_index() {
	local i=${1#h}

	need_lab
	[[ $i =~ ^[0-9]+$ ]] && [ -d "$LAB_DIR/h$i" ] || die 3 "no host '$1' in this lab; there are:" \
		"$(lab_hosts | sed 's/^/h/' | tr '\n' ' ')"
	echo "$i"
}

# host_leader I: the process that is number 1 inside, seen from here. Not before it is systemd: until then its root may
# still be this machine's, and nobody may run anything in there.
host_leader() {
	local nspawn child

	nspawn=$(proc_pid "nspawn-h$1") || return 1
	for child in $(cat "/proc/$nspawn/task/$nspawn/children" 2>/dev/null); do
		if grep -qE '^NSpid:.*[[:space:]]1$' "/proc/$child/status" 2>/dev/null &&
			[ "$(cat "/proc/$child/comm" 2>/dev/null)" = systemd ]; then
			echo "$child"
			return 0
		fi
	done
	return 1
}

# host_entry I: sets ENTER to the command that enters the host's namespaces, with a plain environment.
host_entry() {
	local leader

	leader=$(host_leader "$1") || return 1
	ENTER=(nsenter -t "$leader" -m -u -i -n -p -C --wdns=/ env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
		HOME=/root "TERM=${TERM:-dumb}")
}

# host_enter I CMD...: runs it in there.
host_enter() {
	local ENTER

	host_entry "$1" || return 1
	shift
	"${ENTER[@]}" "$@"
}

host_has_booted() {
	local state

	proc_pid "super-h$1" >/dev/null || return 0 # it never will: host_await looks again
	host_leader "$1" >/dev/null || return 1
	state=$(host_enter "$1" systemctl is-system-running 2>/dev/null) || true
	[ "$state" = running ] || [ "$state" = degraded ]
}

host_await() {
	local i=$1 failed

	lab_wait 5 proc_pid "super-h$i" >/dev/null || die 1 "h$i did not start: see $(host_dir "$i")/console.log"
	if ! lab_wait 120 host_has_booted "$i" || ! host_leader "$i" >/dev/null; then
		tail -n 5 "$(host_dir "$i")/console.log" >&2
		die 1 "h$i did not boot: see $(host_dir "$i")/console.log"
	fi
	failed=$(host_enter "$i" systemctl --failed --no-legend --plain | cut -d' ' -f1)
	step "h$i: booted, libvirtd $(host_unit_state "$i" libvirtd), ballastd $(host_unit_state "$i" ballastd)" \
		${failed:+, failed units: $failed}
}

host_unit_state() {
	host_enter "$1" sh -c "systemctl cat -q $2 >/dev/null 2>&1 && systemctl is-active $2 || true" |
		grep . || echo absent
}

# In a unit of its own: proper control groups, journal, and it ends when this command is killed.
host_exec() {
	local i unit code=0

	[ $# -ge 2 ] || die 2 "usage: lab/lab exec HOST CMD..."
	i=$(host_index "$1")
	unit=lab-exec-$$-${EPOCHREALTIME/[.,]/}
	shift
	host_leader "$i" >/dev/null || die 1 "h$i does not run; boot it with: lab/lab start h$i"
	trap 'host_enter "$i" systemctl --quiet stop "$unit" 2>/dev/null; exit 143' INT TERM HUP
	host_enter "$i" systemd-run --quiet --pipe --wait --collect --service-type=exec --unit="$unit" \
		--working-directory=/root --setenv=HOME=/root --setenv=TERM="${TERM:-dumb}" -- "$@" <&0 &
	wait $! || code=$?
	return $code
}

host_in() {
	local i

	[ $# -ge 2 ] || die 2 "usage: lab/lab in HOST CMD..."
	i=$(host_index "$1")
	shift
	host_entry "$i" || die 1 "h$i does not run; boot it with: lab/lab start h$i"
	exec "${ENTER[@]}" "$@"
}

host_shell() {
	[ $# = 1 ] || die 2 "usage: lab/lab shell HOST"
	host_in "$1" bash -l
}

host_gone() {
	proc_gone "super-h$1" && [ -z "$(cg_pids "h$1")" ]
}

host_off() {
	local i

	[ $# = 1 ] || die 2 "usage: lab/lab off HOST"
	i=$(host_index "$1")
	host_enter "$i" systemctl poweroff || true
	lab_wait 120 host_gone "$i" || die 1 "h$i does not power off: cut its power with lab/lab crash h$i"
	step "h$i: off"
}

# The power goes: everything in the host is killed at once, nothing is written or said any more.
host_crash() {
	local i leader

	[ $# = 1 ] || die 2 "usage: lab/lab crash HOST"
	i=$(host_index "$1")
	leader=$(host_leader "$i") && kill -KILL "$leader"
	lab_wait 30 host_gone "$i" || cg_kill "h$i" || die 1 "h$i has processes that do not end"
	step "h$i: power cut"
}

host_start_again() {
	local i

	[ $# = 1 ] || die 2 "usage: lab/lab start HOST"
	i=$(host_index "$1")
	! host_leader "$i" >/dev/null || die 4 "h$i runs already"
	host_boot "$i"
	host_await "$i"
}

lab_status() {
	local i state

	need_lab
	printf '%-5s %-9s %-9s %-9s %-7s %s\n' HOST STATE LIBVIRTD BALLASTD GUESTS ADDRESS
	for i in $(lab_hosts); do
		if state=$(host_enter "$i" systemctl is-system-running 2>/dev/null) || [ "$state" ]; then
			printf '%-5s %-9s %-9s %-9s %-7s %s\n' "h$i" "$state" "$(host_unit_state "$i" libvirtd)" \
				"$(host_unit_state "$i" ballastd)" \
				"$(host_enter "$i" virsh list --name 2>/dev/null | grep -c . || true)" "$NET_PREFIX.$i"
		else
			printf '%-5s %s\n' "h$i" off
		fi
	done
}
