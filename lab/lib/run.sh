# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Commands inside guests: each guest has one lab-mux here that holds its port, lab-run talks to that.

# run_ask SECONDS GUEST VERB ARGS...: becomes lab-run.
run_ask() {
	local seconds=$1 guest=$2 bin

	shift 2
	bin=$(image_programs)
	run_start_mux "$guest" "$bin"
	exec "$bin/lab-run" "$LAB_DIR/guest/$guest/run" "$seconds" "$@"
}

run_start_mux() {
	local guest=$1 bin=$2 i

	i=$(guest_host "$guest")
	proc_pid "mux-$guest" >/dev/null && return
	(
		exec 8>"$LAB_DIR/guest/$guest/mux.lock"
		flock 8
		proc_pid "mux-$guest" >/dev/null && exit 0
		lab_in_own_group
		cd /
		setsid "$bin/lab-mux" "$(host_root "$i")/srv/lab/sock" "$guest" "$LAB_DIR/guest/$guest/run" \
			3>&- 8>&- </dev/null >>"$LAB_DIR/guest/$guest/mux.log" 2>&1 &
		proc_record "mux-$guest" $!
	)
}

# guest_await NAME SECONDS: until it answers.
guest_await() {
	(run_ask "$2" "$1" run true) || die 1 "guest $1 is not up after $2 s: its console is in lab/lab logs $1"
}

guest_run() {
	local verb=run seconds=60 input=

	while [ $# -gt 0 ]; do
		case $1 in
		-d) verb=job ;;
		-i) input=-i ;;
		-t)
			seconds=${2:-}
			guest_number -t "$seconds"
			shift
			;;
		-*) die 2 "run: unknown option '$1'" ;;
		*) break ;;
		esac
		shift
	done
	[ $# -ge 2 ] || die 2 "usage: lab/lab run [-d] [-i] [-t SECONDS] GUEST CMD..."
	guest_host "$1" >/dev/null
	run_ask "$seconds" "$1" "$verb" ${input:+"$input"} "${@:2}"
}

guest_jobs() {
	[ $# = 1 ] || die 2 "usage: lab/lab jobs GUEST"
	guest_host "$1" >/dev/null
	run_ask 60 "$1" list
}

guest_wait() {
	[ $# = 2 ] || die 2 "usage: lab/lab wait GUEST JOB"
	guest_host "$1" >/dev/null
	run_ask 60 "$1" wait "$2"
}

guest_kill() {
	local number

	[ $# = 2 ] || [ $# = 3 ] || die 2 "usage: lab/lab kill GUEST JOB [SIGNAL]"
	guest_host "$1" >/dev/null
	number=$(kill -l "${3:-TERM}" 2>/dev/null) || die 2 "kill: '$3' is no signal"
	[[ $number =~ ^[0-9]+$ ]] || number=${3:-15}
	run_ask 60 "$1" kill "$number" "$2"
}
