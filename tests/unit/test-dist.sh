#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The tarball has what is kept in git, all of it and nothing else: a file that no local.mk names is missing where somebody builds from it.
set -u
srcdir=$(realpath "${srcdir:-.}") builddir=${builddir:-build}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}
n=0 failed=0
empty() { # TEXT: one test, that a list (on standard input) has no line
	n=$((n + 1))
	head -n 40 >"$tmp/lines"
	[ -s "$tmp/lines" ] || { echo "ok $n - $1"; return; }
	echo "not ok $n - $1"
	sed 's/^/# /' "$tmp/lines"
	failed=1
}
command -v git >/dev/null || skip_all "git is not installed"
top=$(git -C "$srcdir" rev-parse --show-toplevel 2>"$tmp/err") || skip_all "not a git checkout: $(head -n 1 "$tmp/err")"
[ "$(realpath "$top")" = "$srcdir" ] || skip_all "not a git checkout, but in one: $top"

# What is of use only with git, and what a release is not made by.
stays_out='^(\.gitignore|\.ci/run)$'
# What the tools of automake add.
made='^(Makefile\.in|aclocal\.m4|build-aux/.*|config\.h\.in|configure)$'

# The tarball's list, as `make distdir` goes through it; folders with what is in them.
printf 'include Makefile\n.PHONY: dist-list\ndist-list:\n\t@printf "%%s\\n" $(DISTFILES)\n' >"$tmp/list.mk"
env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s --no-print-directory -C "$builddir" -f "$tmp/list.mk" dist-list >"$tmp/names" 2>"$tmp/err" || {
	sed 's/^/# /' "$tmp/err"
	echo "Bail out! make does not tell what is in the tarball"
	exit 1
}
base=$(sed -n 's/^srcdir = //p' "$builddir/Makefile")
while read -r name; do
	name=${name#"$base/"}
	[ ! -d "$srcdir/$name" ] || (cd "$srcdir" && find "$name" -type f)
	[ -d "$srcdir/$name" ] || echo "$name"
done <"$tmp/names" | sed 's,^\./,,' | LC_ALL=C sort -u >"$tmp/dist"
git -C "$srcdir" ls-files | LC_ALL=C sort >"$tmp/kept"
git -C "$srcdir" ls-files --cached --others --exclude-standard | LC_ALL=C sort -u >"$tmp/there"

empty "what is kept in git is in the tarball" < <(grep -vE "$stays_out" "$tmp/kept" | LC_ALL=C comm -23 - "$tmp/dist" |
	sed 's/$/: no local.mk has it, among sources or in EXTRA_DIST/')
empty "nothing else is" < <(LC_ALL=C comm -13 "$tmp/there" "$tmp/dist" | grep -vE "$made")
empty "what stays out is not in it" < <(grep -E "$stays_out" "$tmp/dist")
empty "the list is read as make reads it" < <(printf '%s\n' LICENSE README.md configure man/ballastd.8 policy/decide.c test | LC_ALL=C sort |
	LC_ALL=C comm -23 - "$tmp/dist")
echo "1..$n"
exit $failed
