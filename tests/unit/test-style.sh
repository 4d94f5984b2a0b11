#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What of the house style (HACKING.md) a program can look at: columns, the length of files, the first line.
cd "$srcdir" || exit 1
mapfile -t files < <(find agent bench cli common daemon fuzz lab policy simulate tests -name '*.[ch]' 2> /dev/null | sort)
n=0 failed=0

check() { # name: what was found, on stdin
	local found
	found=$(head -n 20)
	n=$((n + 1))
	[ "$found" ] || { echo "ok $n - $1"; return; }
	echo "$found" | sed 's/^/# /'
	echo "not ok $n - $1"
	failed=$((failed + 1))
}

check "the sources are here" < <([ ${#files[@]} -gt 100 ] || echo "only ${#files[@]} files were found")
check "no line is wider than 100 columns, but for a text that is kept in one piece" < <(awk '
	/"/ { next }
	length > 85 || (/\t/ && length > 44) {
		col = 0
		for (i = 1; i <= length; i++)
			col += substr($0, i, 1) == "\t" ? 8 - col % 8 : 1
		if (col > 100)
			print FILENAME ":" FNR ": " col " columns"
	}' "${files[@]}")
check "no file has more than 800 lines" < <(wc -l "${files[@]}" | awk '$1 > 800 && $2 != "total" { print $2 ": " $1 " lines" }')
check "each file begins with its licence" < <(awk 'FNR == 1 && !/SPDX-License-Identifier: LGPL-2.1-or-later/ { print FILENAME }' "${files[@]}")
echo "1..$n"
[ "$failed" = 0 ]
