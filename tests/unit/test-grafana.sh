#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The dashboard is what Grafana's own types say that a dashboard is: panels, their options, variables. (Its queries: test-metrics.sh, test-scrape.sh.)
set -u
srcdir=$(realpath "${srcdir:-.}") builddir=$(realpath "${builddir:-build}")
run=$builddir/tests/prometheus/grafana dashboard=$srcdir/etc/grafana/ballast.json
n=0 failed=0
. "$srcdir/tests/fixture/npm.sh"
npm_ready "$srcdir/tests/prometheus/grafana" "$run" || { echo "1..0 # SKIP $npm_reason"; exit 0; }
result() { # CODE TEXT
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n - $2" || { echo "not ok $n - $2"; failed=1; cut -c1-300 "$run/out" | head -n 10 | sed 's/^/# /'; }
}
compiles() { # FILE
	{
		cat "$srcdir/tests/prometheus/grafana/dashboard.ts"
		printf 'export const dashboard: Checked = '
		cat "$1"
	} >"$run/check.ts"
	(cd "$run" && timeout 120 node_modules/.bin/tsc --noEmit --strict --skipLibCheck --target es2022 --module nodenext --moduleResolution nodenext check.ts) \
		>"$run/out" 2>&1
}
compiles "$dashboard"
result $? "the dashboard is of Grafana's types"
while IFS='|' read -r what expr; do
	sed "$expr" "$dashboard" >"$run/broken.json"
	! cmp -s "$dashboard" "$run/broken.json" && ! compiles "$run/broken.json" && grep -q '^check.ts([0-9,]*): error' "$run/out"
	result $? "$what is refused"
done <<'END'
a misspelt field of the whole|0,/"schemaVersion"/s//"schemeVersion"/
a word that is none of Grafana's|0,/"placement": "bottom"/s//"placement": "below"/
an option that a panel does not have|0,/"showLegend"/s//"showLegends"/
a panel of another type|0,/"type": "timeseries"/s//"type": "graph"/
END
echo "1..$n"
exit $failed
