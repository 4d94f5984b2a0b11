#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The page over TLS in a real browser at a real daemon: by a token that is typed in, and by client certificates.
. "$(dirname "$0")/../api/lib.sh"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/serve.sh"
for tool in openssl certutil pk12util; do
	command -v $tool >/dev/null || skip_all "$tool is not installed: scripts/deps"
done
browser_ready

certificates=$tmp
. "$srcdir/tests/fixture/certificates.sh"

# A home whose browser trusts our authority, and shows this certificate where it is asked for one.
home() { # NAME [CERTIFICATE]
	local db=sql:$tmp/$1/.pki/nssdb

	mkdir -p "$tmp/$1/.pki/nssdb"
	certutil -d "$db" -N --empty-password && certutil -d "$db" -A -n ours -t C,, -i "$tmp/ca.crt"
	[ $# = 1 ] && return
	openssl pkcs12 -export -inkey "$tmp/$2.key" -in "$tmp/$2.crt" -name "$2" -passout pass: -out "$tmp/$2.p12" && pk12util -d "$db" -i "$tmp/$2.p12" -W '' >/dev/null
}
authority ca
certificate server ca localhost serverAuth 20
certificate ops ca ops clientAuth 20
certificate stranger ca stranger clientAuth 20
home nothing && home certificate ops && home stranger stranger || { echo "Bail out! no certificates"; exit 1; }
page_up "Certificate=$tmp/server.crt" "Key=$tmp/server.key" "ClientAuthority=$tmp/ca.crt"
"$builddir/ballastctl" token new cert:ops --role operate --config "$tmp/ballast.conf" >/dev/null 2>&1

# The browser asks nobody which certificate to show if a policy says so. Policies are the machine's: in a mount namespace of its own.
unshare --mount true 2>/dev/null && [ -d /etc/chromium ] || skip_all "no mount namespace (root), or no /etc/chromium: the browser cannot be told which certificate to show"
browse() { # WHAT IT SHOWS
	HOME=$tmp/$1 PROFILE=$tmp/$1/profile SHOWS=$1 TOKEN=$TOKEN_ADMIN CTL=$builddir/ballastctl CONF=$tmp/ballast.conf SOCKET=$tmp/api.sock \
		PAGE_URL=https://127.0.0.1:$page_port timeout 300 unshare --mount bash -c '
			mount -t tmpfs none /etc/chromium && mkdir -p /etc/chromium/policies/managed || exit
			echo "{\"AutoSelectCertificateForUrls\": [\"{\\\"pattern\\\":\\\"https://127.0.0.1\\\",\\\"filter\\\":{}}\"]}" >/etc/chromium/policies/managed/ballast.json
			exec node "$1"' _ "$browser_run/tls.mjs"
}
{ browse certificate && browse stranger && browse nothing; } >"$tmp/tap"
code=$?
awk '/^1\.\./ { next } /^(not )?ok/ { n++; sub(/ok [0-9]+/, "ok " n) } { print } END { print "1.." n }' "$tmp/tap"
[ $code = 0 ] || exit 1
daemon_down || exit 1
