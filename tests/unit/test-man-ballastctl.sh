#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ballastctl(1) and --help agree: every command, option, exit code and variable is in both.
set -u
ctl=${builddir:?}/ballastctl
page=$(sed -e 's/\\-/-/g; s/\\f.//g; s/^\.[A-Z]* //; s/"//g; s/ , /, /g; s/  */ /g' "${srcdir:?}/man/ballastctl.1")
n=0 failed=0

check() # TEXT NAME
{
	n=$((n + 1))
	if grep -qF -- "$1" <<<"$page"; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		failed=1
	fi
}

help=$("$ctl" --help)
# "guest show GUEST   all that is known": the words before the first that is not lower case
mapfile -t commands < <(sed -n '/^Commands:/,/^$/p' <<<"$help" | sed -nE 's/^  ([a-z]+( [a-z]+)?).*/\1/p')
[ "${#commands[@]}" -ge 15 ] || { echo "Bail out! --help lists ${#commands[@]} commands"; exit 1; }
all_options=
for command in "${commands[@]}"; do
	# The summary's first word is not a verb.
	[[ $command == *" "* ]] && ! grep -qE "^  $command( |$)" <<<"$help" && command=${command% *}
	check "$command" "the page has the command $command"
	options=$("$ctl" $command --help | grep -oE -- '--[a-z][a-z-]*' | sort -u)
	for option in $options; do
		check "$option" "the page has $command $option"
	done
	all_options+=" $options"
done
for option in $(grep -oE -- '--[a-z][a-z-]*' <<<"$page" | sort -u); do
	n=$((n + 1))
	if [[ " ${all_options//$'\n'/ } " == *" $option "* ]]; then
		echo "ok $n - --help knows $option of the page"
	else
		echo "not ok $n - --help knows $option of the page"
		failed=1
	fi
done
for code in 0 1 2 3 4 5 6 7 8 9; do
	n=$((n + 1))
	if sed -n '/^.SH "EXIT STATUS"/,/^.SH ENV/p' "$srcdir/man/ballastctl.1" | grep -qx ".B $code" &&
		grep -qE "(^|[ :])$code [a-z]" <<<"${help##*Exit codes}"; then
		echo "ok $n - exit code $code is in page and --help"
	else
		echo "not ok $n - exit code $code is in page and --help"
		failed=1
	fi
done
for variable in BALLAST_HOST BALLAST_SOCKET BALLAST_CONTEXT BALLAST_TOKEN_FILE VISUAL EDITOR PAGER NO_COLOR COLUMNS; do
	check "$variable" "the page has the variable $variable"
done
echo "1..$n"
exit $failed
