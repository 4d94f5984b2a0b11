#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ballastctl help: it is --help, each command names what it asks and the role that this takes, as the daemon's OpenAPI document has it; and what is hard to undo
# is refused where nobody can be asked.
set -u
. "${srcdir:?}/tests/fixture/cli.sh"
command -v jq >/dev/null || { echo "1..0 # SKIP no jq"; exit 0; }
cd "$scratch" || exit 1
start_fake
roles=$(curl -sf --unix-socket "$BALLAST_SOCKET" http://localhost/v1/openapi.json |
	jq -r '.paths | to_entries[] | .key as $path | .value | to_entries[] | select(.value["x-ballast-role"]) | "\(.key | ascii_upcase) \($path) \(.value["x-ballast-role"])"')
[ "$(wc -l <<<"$roles")" -gt 30 ] || { echo "Bail out! no roles in the document"; exit 1; }

[ "$("$ctl" help)" = "$("$ctl" --help)" ]
report $? "help is --help"
help=$("$ctl" help)
mapfile -t commands < <(sed -n '/^Commands:/,/^$/p' <<<"$help" | sed -nE 's/^  ([a-z]+( [a-z]+)?).*/\1/p')
[ ${#commands[@]} -ge 40 ]
report $? "it has all commands"
all=
for command in "${commands[@]}"; do
	[[ $command == *" "* ]] && ! grep -qE "^  $command( |$)" <<<"$help" && command=${command% *}
	said=$("$ctl" help $command)
	[ $? = 0 ] && [ "$said" = "$("$ctl" $command --help)" ]
	report $? "help $command is $command --help"
	[ "$command" = simulate ] && continue # has its own, and asks no daemon
	needs=$(sed -nE 's/^  ([a-z]+) +((GET|PUT|POST|DELETE) [^ ]+)$/\2 \1/p' <<<"$said")
	case $command in
	help | context* | token*) [ -z "$needs" ] && grep -qx "It asks nothing of the daemon, and takes no role." <<<"$said" ;;
	*) [ -n "$needs" ] && ! grep -vxF -- "$roles" <<<"$needs" ;;
	esac
	report $? "$command names its roles as the document does"
	all+=$needs$'\n'
done
# What the command asks for is known: nothing that changes something is left out, but what only a guest's start asks for.
missing=$(grep -vE '^GET|POST /v1/reservations ' <<<"$roles" | grep -vxF -- "$all")
[ -z "$missing" ]
report $? "each route that changes something is some command's${missing:+: not $missing}"
exits 2 'policy has no verb "pot"; did you mean "put"?' help policy pot
exits 2 'there is no command "polici"; did you mean "policy"?' help polici
exits 0 "Usage: ballastctl mode" help mode observe
exits 2 'help does not take --yes' help --yes policy

# One rule: who takes --yes is who asks.
for command in "${commands[@]}"; do
	[[ $command == *" "* ]] && ! grep -qE "^  $command( |$)" <<<"$help" && command=${command% *}
	"$ctl" help $command | grep -q -- "--yes" && echo "$command"
done >asking
[ "$(tr '\n' , <asking)" = "policy edit,policy put,policy delete,mode,token revoke," ] || sed 's/^/# /' asking
[ "$(tr '\n' , <asking)" = "policy edit,policy put,policy delete,mode,token revoke," ]
report $? "--yes is of the commands that ask, and of no other"
stop_fake
echo "1..$n"
exit $failed
