# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# For benchmarks: source this. bench_build DIR TARGET...: an optimised build of this tree in DIR, made where it is not up to date.
bench_build() {
	build=$1
	shift
	mkdir -p "$build" && (
		cd "$build" || exit
		[ -x "$top/configure" ] || (cd "$top" && autoreconf -fi) || exit
		[ -f Makefile ] || "$top/configure" -q CFLAGS="-O2 -g" || exit
		make -s -j2 "$@"
	) >&2
}
