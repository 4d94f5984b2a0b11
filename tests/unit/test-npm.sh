#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Where npm is missing, or its registry refuses or does not answer, the tests that need its packages are skipped with the reason, and soon.
set -u
srcdir=$(realpath "${srcdir:-.}")
tmp=$(mktemp -d) || exit 1
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$tmp"' EXIT
n=0 failed=0
skips() { # TEXT REASON COMMAND...: it says that all is skipped, and why, within a minute
	local text=$1 reason=$2 begin=$SECONDS code

	shift 2
	n=$((n + 1))
	"$@" </dev/null >"$tmp/out" 2>&1
	code=$?
	if [ $code = 0 ] && grep -qE "^1\.\.0 # SKIP .*$reason" "$tmp/out"; then
		echo "ok $n - $text"
	else
		echo "not ok $n - $text"
		echo "# exit code $code after $((SECONDS - begin)) s"
		sed 's/^/# /' "$tmp/out"
		failed=1
	fi
}
skipped() { # TEXT REASON
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}
# Each with a build folder of its own, where no packages are yet, and a cache that has none either.
apart() { # VARIABLE=VALUE... COMMAND
	rm -rf "$tmp/build" && mkdir "$tmp/build"
	env builddir="$tmp/build" srcdir="$srcdir" npm_config_cache="$tmp/cache" NPM_FETCH_TIMEOUT=2000 timeout 60 env "$@"
}
again() { env builddir="$tmp/build" srcdir="$srcdir" timeout 60 env "$@"; }

mkdir "$tmp/bin"
ln -s /usr/bin/* "$tmp/bin/"
rm -f "$tmp"/bin/{node,nodejs,npm,npx}
tests=(tests/api/test-document.sh tests/api/test-routes.sh tests/api/test-bad-input.sh tests/api/test-mutate.sh)
for t in "${tests[@]}"; do
	skips "$t without npm" "node and npm are not installed" apart PATH="$tmp/bin" "$srcdir/$t"
done
page() { [ "$(id -u)" = 0 ] && command -v chromium >/dev/null; }
if page; then
	skips "tests/lab/test-page.sh without npm" "node and npm are not installed" apart PATH="$tmp/bin:/usr/sbin:/sbin" "$srcdir/tests/lab/test-page.sh"
else
	skipped "tests/lab/test-page.sh without npm" "not root, or no chromium"
fi

# A registry that takes connections and says nothing.
cat >"$tmp/silent.py" <<'END'
import socket, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(64)
print(s.getsockname()[1], flush=True)
time.sleep(600)
END
python3 "$tmp/silent.py" >"$tmp/port" &
pid=$!
for _ in $(seq 100); do
	[ -s "$tmp/port" ] && break
	sleep 0.1
done
registry=http://127.0.0.1:$(cat "$tmp/port")
if command -v npm >/dev/null && command -v node >/dev/null; then
	skips "a registry that cannot be reached" "npm cannot install packages .*: npm" apart npm_config_registry=http://127.0.0.1:1 "$srcdir/${tests[0]}"
	skips "a registry that says nothing" "npm cannot install packages" apart npm_config_registry="$registry" "$srcdir/${tests[0]}"
	begin=$SECONDS
	skips "the test after it does not wait for it again" "npm cannot install packages" again npm_config_registry="$registry" "$srcdir/${tests[1]}"
	n=$((n + 1))
	[ $((SECONDS - begin)) -le 3 ] && echo "ok $n - and says so at once" || { echo "not ok $n - and says so at once"; failed=1; }
else
	skipped "a registry that does not answer" "no npm"
fi
echo "1..$n"
exit $failed
