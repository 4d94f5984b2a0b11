#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion in a real bash: verbs and options from the program's tables, names from the daemon, and never a long wait.
set -u
. "${srcdir:?}/tests/fixture/cli.sh"
start_fake || { echo "Bail out! no fake ballastd"; exit 1; }
PATH=$builddir:$PATH
cd "$scratch" || exit 1
touch a.policy b.policy
mkdir dir
. "$srcdir/cli/completion/ballastctl"

# As bash does it when Tab is pressed behind these words.
completes() # EXPECTED WORD...
{
	local expected=$1 r
	shift
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	_ballastctl
	[ "$(printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' ')" = "$expected " ]
	r=$?
	[ $r = 0 ] || echo "# found: ${COMPREPLY[*]}"
	report $r "$* -> $expected"
}
complete -p ballastctl | grep -q _ballastctl
report $? "bash knows of it"
completes "guest" ballastctl gu
completes "events" ballastctl ev
completes "enroll explain" ballastctl guest e
completes "web1" ballastctl guest show w
completes "web1" ballastctl --json guest show w
completes "backup1 files1 mail1 old1 web1" ballastctl guest explain ""
completes "60-night.policy" ballastctl policy show 60
completes "enforce observe" ballastctl mode ""
completes "token" ballastctl help tok
completes "delete diff" ballastctl help policy d
completes "" ballastctl help policy put ""
completes "--dry-run" ballastctl mode --d
completes "--watch" ballastctl status --w
completes "--guest=" ballastctl events --g
completes "web1" ballastctl events --guest w
completes "web1" ballastctl events -g w
completes "web1" ballastctl events --guest = w
completes "command command-failed" ballastctl events --kind com
completes "json" ballastctl guest --output = j
completes "stall" ballastctl history guest web1 --what = s
completes "admin operate read" ballastctl token new x --role ""
completes "json table wide" ballastctl guest -o ""
completes "always auto never" ballastctl --color =
completes "a.policy" ballastctl policy check a.
completes "dir" ballastctl policy check --policy-dir d
completes "local" ballastctl context use ""
"$ctl" context add rack2 https://rack2 >/dev/null
completes "local rack2" ballastctl --context ""
completes "" ballastctl guest show web1 ""
completes "" ballastctl bogus ""
completes "--json" ballastctl simulate --j
# A guest's name is somebody else's word: whatever is in it, the shell runs none of it when Return is pressed.
printf '#!/bin/sh\nprintf "%%s\\n" "a\$(touch\${IFS}ran)" "b\$(touch\${IFS}ran)=" "--c;touch\${IFS}ran;="\n' >hostile
chmod +x hostile
COMP_WORDS=("$scratch/hostile" guest show "") COMP_CWORD=3 COMPREPLY=()
_ballastctl
eval ": ${COMPREPLY[*]}"
[ ${#COMPREPLY[@]} = 3 ] && [ ! -e ran ]
report $? "what is completed runs nothing, whatever a guest is called"
for noun in $("$ctl" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\).*/\1/p' | sort -u); do
	"$ctl" __complete "$noun" | grep -qx "$noun"
	report $? "$noun is offered"
done

# A daemon that hangs costs no more than the cap; words that need no daemon come all the same.
kill -STOP "$fake_pid"
began=$(date +%s%N)
"$ctl" __complete guest show "" >"$scratch/out"
[ $? = 0 ] && [ ! -s "$scratch/out" ]
report $? "a daemon that hangs: nothing is offered, nothing is said"
took=$((($(date +%s%N) - began) / 1000000))
# Starting a process on a busy machine takes its time too: ten times the cap is a hang.
[ $took -lt 2000 ]
report $? "... and soon ($took ms)"
kill -CONT "$fake_pid"
stop_fake
completes "list" ballastctl guest li
completes "" ballastctl guest show w
echo "1..$n"
exit $failed
