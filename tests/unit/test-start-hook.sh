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
	local code=$1 text=$2 name=$3 xml=$4 said rc
	said=$(printf '%s' "$xml" | "$hook" coming "${5:-prepare}" "${6:-begin}" - 2>&1)
	rc=$?
	n=$((n + 1))
	if [ $rc = "$code" ] && { [ -z "$text" ] && [ -z "$said" ] || [ -n "$text" ] && [[ $said == *"$text"* ]]; }; then
		echo "ok $n - $name"
	else
		echo "# exit $rc: $said"
		echo "not ok $n - $name"
		failed=1
	fi
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
starts 0 "was not understood: it starts unasked" garbage_starts_unasked "<domain><uuid>1</uuid>"
starts 0 "was not understood: it starts unasked" nothing_starts_unasked ""
starts 0 "" other_operations_are_none_of_ours "$(domain 4194304)" release end
echo "1..$n"
exit $failed
