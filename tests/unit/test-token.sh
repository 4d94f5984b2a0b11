#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ballastctl token: what it writes the file reads, secrets are shown once and kept as hashes, mistakes cost nothing.
set -u
ctl=${builddir:?}/ballastctl
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
export LC_ALL=C.UTF-8 COLUMNS=120
printf '[API]\nTokens=%s/etc/tokens\n' "$tmp" >"$tmp/b.conf"
file=$tmp/etc/tokens
n=0 failed=0
result() { # CODE TEXT
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n - $2" || { echo "not ok $n - $2"; failed=1; sed 's/^/# /' "$tmp/out" "$tmp/err"; }
}
token() { "$ctl" token "$@" --config "$tmp/b.conf" >"$tmp/out" 2>"$tmp/err"; }
fails() { # CODE TEXT ARGUMENT...
	local code=$1 text=$2
	shift 2
	token "$@"
	[ $? = "$code" ] && grep -qF -- "$text" "$tmp/err"
	result $? "token $*: exit $code, says \"$text\""
}

token list && grep -q "Nobody has a token" "$tmp/out"
result $? "without a file there are no tokens"
token new grafana
[ $? = 0 ] && grep -qE '^bst_[A-Za-z0-9_-]{43}$' "$tmp/out" && [ "$(wc -l <"$tmp/out")" = 1 ]
result $? "standard output of token new is the secret and nothing else"
secret=$(cat "$tmp/out")
grep -qx "grafana read $(printf %s "$secret" | sha256sum | cut -d' ' -f1)" "$file" && ! grep -qF "$secret" "$file"
result $? "the file has the hash of it"
mode=$(stat -c %a "$file")
[ "$mode" = 640 ] || [ "$mode" = 600 ]
result $? "others cannot read the file (mode $mode)"
token new night --role operate --expires 30d
grep -qE '^night operate 20[0-9]{2}-[0-9-]{5}T[0-9:]{8}\.000Z [0-9a-f]{64}$' "$file"
result $? "an end is written down"
token new cert:"the ops" --role admin && grep -qx "cert:the ops admin" "$file" && ! grep -q bst_ "$tmp/out"
result $? "a certificate gets a role, and no secret"
token list && grep -qE '^grafana +token +read +never' "$tmp/out" && grep -qE '^the ops +certificate +admin +with the certificate' "$tmp/out"
result $? "token list shows them"
token list --json && jq -e '[.tokens[].name] == ["grafana", "night", "the ops"] and .tokens[0].expired == false' "$tmp/out" >"$tmp/err"
result $? "and as JSON"
token new other --json && jq -e '.token | startswith("bst_")' "$tmp/out" >"$tmp/err"
result $? "token new --json has the secret"
chmod 600 "$file"
printf '# kept\nbroken line\n' >>"$file"
before=$(sha256sum <"$file")
fails 2 'would revoke night, and end the connections that it is used on; nothing was done' revoke night </dev/null
[ "$before" = "$(sha256sum <"$file")" ]
result $? "a token is not revoked unasked"
token revoke night --yes && ! grep -q ^night "$file" && grep -qx "# kept" "$file" && grep -qx "broken line" "$file" && [ "$(stat -c %a "$file")" = 600 ]
result $? "revoke takes one line out, and leaves the rest and the mode as they are"
grep -qF "tokens:6:1: found 2 words, expected NAME ROLE [EXPIRES] SHA256HEX" "$tmp/err"
result $? "a line that is wrong is told with its place"
sed -i /broken/d "$file"
printf 'last read %064d' 7 >>"$file" # without an end
token new more && [ "$(grep -c . "$file")" = 6 ]
result $? "a last line without its end stays a line"
before=$(sha256sum <"$file")
fails 4 'there is "more" already: choose another name, or revoke' new more
fails 3 'the nearest name is "grafana"' revoke grafama
fails 2 'is no name: 1 to 64 of' new 'a b'
fails 2 'none of read, operate, admin; did you mean "admin"?' new x --role admim
fails 2 'none of read, operate, admin' new x --role none
fails 2 '--expires: ' new x --expires soon
fails 2 '--expires is for tokens' new cert:x --expires 1d
token new dry -n && grep -q 'Token "dry" would have role read' "$tmp/out" && ! grep -q bst_ "$tmp/out"
result $? "a dry run shows no secret"
token revoke grafana -n && grep -q "grafana would be revoked" "$tmp/out"
result $? "a dry run revokes nothing"
[ "$before" = "$(sha256sum <"$file")" ]
result $? "none of these changed the file"
chmod 644 "$file"
fails 9 "others may read or write it (mode 0644" list
fails 9 "others may read or write it (mode 0644" new x
chmod 600 "$file"
if [ "$(id -u)" = 0 ] && chmod 755 "$tmp" && chmod 644 "$tmp/b.conf"; then
	cp "$ctl" "$tmp/ctl" # where it was built others may not look
	chroot --userspec=65534:65534 / "$tmp/ctl" token new x --config "$tmp/b.conf" >"$tmp/out" 2>"$tmp/err"
	[ $? = 5 ] && grep -q "run it as root" "$tmp/err"
	result $? "who is not root is told"
fi
rm "$file"
for i in 1 2 3 4 5 6 7 8; do "$ctl" token new "t$i" --config "$tmp/b.conf" >/dev/null 2>&1 & done
wait
[ "$(grep -c '^t[1-8] read' "$file")" = 8 ]
result $? "of edits at the same time none is lost"
[ "$(ls "$tmp/etc")" = tokens ]
result $? "nothing else is left in the directory"
echo "1..$n"
exit $failed
