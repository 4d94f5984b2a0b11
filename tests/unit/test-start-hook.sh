#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The start hook against the real API over a canned host, which has 2 GiB of room: what it asks for, and what it does
# where nobody can be asked.
set -u
hook=${builddir:?}/daemon/ballast-start-hook
scratch=$(mktemp -d)
export BALLAST_SOCKET=$scratch/api.sock
n=0 failed=0
trap '[ -z "${FAKE_PID:-}" ] || kill "$FAKE_PID" 2>/dev/null; rm -rf "$scratch"' EXIT

# starts CODE TEXT NAME XML [OPERATION SUB]: the hook's exit code, and what it says ("" for nothing)
starts()
{
	local code=$1 text=$2 name=$3 xml=$4 said rc began=${EPOCHREALTIME/./}
	said=$(printf '%s' "$xml" | "$hook" coming "${5:-prepare}" "${6:-begin}" - 2>&1)
	rc=$?
	took_ms=$(((${EPOCHREALTIME/./} - began) / 1000))
	n=$((n + 1))
	if [ $rc = "$code" ] && { [ -z "$text" ] && [ -z "$said" ] || [ -n "$text" ] && [[ $said == *"$text"* ]]; }; then
		echo "ok $n - $name"
	else
		echo "# exit $rc: $said"
		echo "not ok $n - $name"
		failed=1
	fi
}

tell() # WORD: the canned host
{
	echo "$1" >&"${FAKE[1]}"
	read -r -t 60 _ <&"${FAKE[0]}"
}

# reserved TEST COUNT: so many have room
reserved()
{
	local count
	count=$("$builddir/ballastctl" --socket="$BALLAST_SOCKET" status --json | sed 's/.*"reservations":\[\([^]]*\)\].*/\1/' | grep -o '"uuid"' | wc -l)
	n=$((n + 1))
	[ "$count" = "$2" ] && echo "ok $n - $1" && return
	echo "# $count are reserved"
	echo "not ok $n - $1"
	failed=1
}

domain() # KIB [BEFORE]
{
	echo "<domain type='kvm'><name>coming</name><uuid>aaaaaaaa-0000-4000-8000-000000000077</uuid>${2:-}<memory unit='KiB'>$1</memory><currentMemory unit='KiB'>$1</currentMemory><vcpu>1</vcpu></domain>"
}

metadata="<metadata><f:flavor xmlns:f='urn:f'><f:memory unit='KiB'>4</f:memory><memory unit='KiB'>4</memory><memory>none</memory></f:flavor></metadata>"

starts 0 "could not be asked" no_daemon_no_matter "$(domain 4194304)"
coproc FAKE { exec "$builddir/tests/fixture/fake-ballastd" "$BALLAST_SOCKET"; }
read -r -t 60 line <&"${FAKE[0]}" && [ "$line" = ready ] || { echo "Bail out! fake-ballastd does not start"; exit 1; }
starts 0 "" what_fits_starts "$(domain 1048576)"
starts 1 "coming cannot start here now: coming needs 4294967296 bytes; 2 GiB can be made free" what_does_not_fit_is_told_why "$(domain 4194304)"
starts 1 "coming needs 4294967296 bytes" metadata_is_no_definition "$(domain 4194304 "$metadata")"
starts 1 "coming needs 4294967296 bytes" units_are_read "$(domain 4194304 | sed "s/memory unit='KiB'>4194304/memory unit='GiB'>4/")"
"$builddir/ballastctl" --socket="$BALLAST_SOCKET" mode observe --yes >"$scratch/out" 2>&1 || sed 's/^/# /' "$scratch/out"
starts 0 "coming starts, but it does not fit: coming needs 4294967296 bytes" in_mode_observe_it_is_a_warning "$(domain 4194304)"
"$builddir/ballastctl" --socket="$BALLAST_SOCKET" mode enforce --yes >"$scratch/out" 2>&1 || sed 's/^/# /' "$scratch/out"
starts 0 "was not understood: it starts unasked" garbage_starts_unasked "<domain><uuid>1</uuid>"
starts 0 "was not understood: it starts unasked" nothing_starts_unasked ""
starts 0 "" other_operations_are_none_of_ours "$(domain 4194304)" stopped end
reserved who_started_has_room 1
starts 0 "" a_failed_start_says_nothing "$(domain 1048576)" release end
reserved its_room_is_free 0
starts 0 "" one_without_room_says_nothing "$(domain 1048576)" release end
tell hold
starts 0 "" a_daemon_that_does_not_answer_is_not_waited_for "$(domain 1048576)" release end
[ "$took_ms" -lt 2000 ] || { echo "# it took $took_ms ms"; failed=1; }
tell release
echo "1..$n"
exit $failed
