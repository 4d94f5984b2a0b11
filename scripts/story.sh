# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# The story that quickstart tells. Two minutes are a day: the second one is night.
#   by day    files1 serves: it suddenly needs 200 MiB of anonymous memory, then re-reads 180 MiB of files; backup1 idles
#   at night  backup1 runs: its policy allows it 640 MiB and gives it the weight; files1 lends
#   by day    files1 stalls on its cache and has its memory back within seconds

story_begin=$SECONDS
story_log=$(mktemp /tmp/ballast-quickstart.XXXXXX)
rows=() # of the final table: guest | why | had | asked | got | inside | seconds
story_failed=0
page_url=

step() { printf '%4ds  %s\n' $((SECONDS - story_begin)) "$*"; }
die() { step "$*"; tail -n 5 "$story_log" | sed 's/^/       /'; exit 1; }
lab() { lab/lab "$@"; }
ctl() { lab in h1 ballastctl "$@"; }

story_end() {
	local rc=$?
	trap - EXIT
	trap '' INT TERM HUP # a second Ctrl-C must not leave half of it
	step "cleaning up"
	lab down > /dev/null 2>&1 || { echo "quickstart: LAB=$LAB lab/lab down failed: run it again" >&2; rc=1; }
	rm -f "$story_log"
	exit $rc
}

story_prepare() {
	step "installing packages (where they are missing)"
	scripts/deps > "$story_log" 2>&1 || die "packages could not be installed"
	step "building"
	lab build > "$story_log" 2>&1 || die "the build failed"
	lab down > /dev/null 2>&1
	step "booting a host: its own systemd, libvirtd and ballastd"
	lab up > "$story_log" 2>&1 || die "the host did not boot"
	step "host is up; ballastd: $(ctl mode 2>&1 | head -n 1)"
	story_page
}

story_guests() {
	step "booting two real guests (emulated, 512 and 640 MiB at most)"
	lab guest files1 --memory 256M --max 512M --swap disk:256M --data 400M > "$story_log" 2>&1 || die "files1 did not boot"
	step "files1 is up"
	lab guest backup1 --memory 224M --max 640M --swap disk:256M > "$story_log" 2>&1 || die "backup1 did not boot"
	step "backup1 is up"
}

# put NAME: a policy file from standard input, into the host's /etc.
put() { lab in h1 tee "/etc/ballast/policy.d/$1.policy" > /dev/null; }

# The guests share 704 MiB, whatever QEMU itself needs beside them (much, where it emulates the CPU).
story_policies() {
	local overhead
	lab in h1 mkdir -p /etc/ballast/policy.d
	wait_for 60 "the agents to report" both_report || exit 1
	overhead=$(ctl status --json 2>/dev/null | jq -r '[.. | objects | .overhead? // empty] | first // 0')
	put 00-host <<-P
		[Host]
		Memory=$((704 + overhead / 1048576 + 48))M
		Reserve=0
	P
	put 10-day <<-P
		[Policy]
		Description=By day the file server serves
		[Match]
		Guest=files*
		[Memory]
		Min=256M
		Weight=400
	P
	put 11-day <<-P
		[Policy]
		Description=By day the backup server idles
		[Match]
		Guest=backup*
		[Memory]
		Max=224M
		Weight=100
	P
	put 60-night <<-P
		[Policy]
		Description=At night the backup server borrows the file server's memory
		[Match]
		Guest=backup*
		[Schedule]
		OnCalendar=*-*-* *:1/2:00
		Duration=1min
		[Memory]
		Min=448M
		Max=640M
		Weight=800
	P
	put 61-night <<-P
		[Policy]
		Description=At night the file server lends
		[Match]
		Guest=files*
		[Schedule]
		OnCalendar=*-*-* *:1/2:00
		Duration=1min
		[Memory]
		Min=160M
		Weight=100
	P
	ctl reload > "$story_log" 2>&1 || die "the policies were not taken"
	ctl --yes mode enforce > "$story_log" 2>&1 || ctl mode enforce > "$story_log" 2>&1 || die "mode enforce was refused"
	step "policies are in force; two minutes are a day, the second one is night"
}

# The page of this host, for a browser on this machine.
story_page() {
	local token
	# shellcheck source=scripts/page.sh
	source scripts/page.sh
	page_serve > "$story_log" 2>&1 && token=$(page_token admin 2>> "$story_log") || { step "the page cannot be served: $(tail -n 1 "$story_log")"; return 0; }
	page_url="http://127.0.0.1:$page_port/#token=$token"
	step "the page: $page_url"
}

# guest_has GUEST: MiB its balloon leaves it now.
guest_has() { ctl guest show "$1" --json 2>/dev/null | jq -r '(.memory.actual // 0) / 1048576 | floor'; }
both_report() { [ "$(ctl guest list --json 2>/dev/null | jq '[.guests[] | select(.report.source == "agent")] | length')" = 2 ]; }
inside() { lab run "$1" awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo; }

# wait_for SECONDS WHAT COMMAND...: until it succeeds, or says that it did not happen.
wait_for() {
	local end=$((SECONDS + $1)) what=$2
	shift 2
	until "$@"; do
		if [ $SECONDS -ge $end ]; then
			step "this did not happen: $what"
			story_failed=1
			return 1
		fi
		read -r -t 0.2 <> <(:) || true
	done
}
at_least() { [ "$(guest_has "$1")" -ge "$2" ]; }
at_most() { [ "$(guest_has "$1")" -le "$2" ]; }

# chapter GUEST DIRECTION MIB SECONDS WHY BEFORE: waits until it has what the story says, and notes what it had and got. BEFORE is what
# its balloon left it when the chapter's cause came: a chapter that was true before it began tells nothing, and fails.
chapter() {
	local guest=$1 direction=$2 mib=$3 seconds=$4 why=$5 before=$6 got from=$EPOCHREALTIME
	wait_for "$seconds" "$why: $guest $direction $mib MiB" "$direction" "$guest" "$mib"
	if { [ "$direction" = at_least ] && [ "$before" -ge "$mib" ]; } || { [ "$direction" = at_most ] && [ "$before" -le "$mib" ]; }; then
		step "this was so before: $why: $guest had $before MiB"
		story_failed=1
	fi
	got=$(guest_has "$guest")
	rows+=("$guest|$why|$before|${direction/_/ } $mib|$got|$(inside "$guest")|$(awk -v a="$from" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')")
	step "$why: $guest had $before MiB, now $got: $(last_reason "$guest")"
}
last_reason() { ctl guest show "$1" --json 2>/dev/null | jq -r '.last_change.reason.text // "no change yet"'; }

# until_minute PARITY: waits for the next even (day) or odd (night) minute to begin.
until_minute() {
	local s m
	while m=$((10#$(date +%M) % 2)) s=$((10#$(date +%S))) && { [ $m != "$1" ] || [ $s -gt 5 ]; }; do
		read -r -t 0.2 <> <(:) || true
	done
}

story_once() {
	local files backup
	until_minute 0
	step "day: files1 suddenly needs 200 MiB more"
	files=$(guest_has files1)
	lab run -d files1 load mem 200M --hold 30 --touch > "$story_log" 2>&1
	# 200 MiB beside what it used do not fit into the 256 it had; its headroom comes on top.
	chapter files1 at_least 300 40 "sudden need" "$files"
	wait_for 60 "the sudden need ends" no_load files1
	step "files1 re-reads 180 MiB of files"
	lab run -d files1 load reread /dev/data --size 180M --seconds 600 > "$story_log" 2>&1
	backup=$(guest_has backup1)
	until_minute 1
	step "night falls"
	chapter backup1 at_least 440 45 "at night it borrows" "$backup"
	wait_for 30 "files1 lends" at_most files1 300
	until_minute_ends
	files=$(guest_has files1) backup=$(guest_has backup1)
	until_minute 0
	step "day breaks"
	chapter backup1 at_most 232 45 "by day it gives back" "$backup"
	chapter files1 at_least 320 45 "by day it has it back" "$files"
	story_table
	ctl status || true
	[ $story_failed = 0 ] || { step "the story did not happen as told"; exit 1; }
	step "the story happened as told"
}
no_load() { ! lab run "$1" pidof load > /dev/null 2>&1; }
# until_minute_ends: waits for its last five seconds.
until_minute_ends() { until [ $((10#$(date +%S))) -ge 55 ]; do read -r -t 0.2 <> <(:) || true; done; }

story_table() {
	local row g w h a n i s
	echo
	printf '%-9s %-24s %10s %16s %10s %10s %8s\n' guest why "had MiB" "story says" "got MiB" inside seconds
	for row in "${rows[@]}"; do
		IFS='|' read -r g w h a n i s <<< "$row"
		printf '%-9s %-24s %10s %16s %10s %10s %8s\n' "$g" "$w" "$h" "$a" "$n" "$i" "$s"
	done
	echo "(inside: MemTotal as the guest's own kernel tells it; its kernel's share, about 40 MiB, is not in it)"
	echo
}

story_live() {
	lab run -d files1 load reread /dev/data --size 180M --seconds 86400 > "$story_log" 2>&1
	[ -z "$page_url" ] || printf '\n\tOpen in a browser on this machine:\n\t  %s\n' "$page_url"
	cat <<-T

		Try in another terminal (cd $top; export LAB=$LAB):
		  lab/lab run files1 load mem 160M --hold 20 --touch     a sudden need
		  lab/lab in h1 ballastctl status                        the host in one screen
		  lab/lab in h1 ballastctl guest explain backup1         why it has what it has
		  lab/lab in h1 ballastctl events                        what happened
		Ctrl-C here ends it and leaves nothing behind.

	T
	# A whole screen of figures would hide the address, and the page shows them better.
	if [ -n "$page_url" ]; then
		lab in h1 ballastctl events --follow
	else
		lab in h1 env TERM="${TERM:-vt100}" ballastctl top
	fi
}
