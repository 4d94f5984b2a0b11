#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The real ballastd over TLS, with certificates made here: old protocols, expired and foreign certificates, half-open handshakes, slow clients, tokens
# that change, certificates that are renewed.
set -u
srcdir=${srcdir:-.} builddir=${builddir:-build}
for tool in openssl curl python3 jq; do
	command -v $tool >/dev/null || { echo "1..0 # SKIP $tool is not installed"; exit 0; }
done
ctl=$builddir/ballastctl
[ -x "$builddir/daemon/ballastd" ] || { echo "Bail out! there is no $builddir/daemon/ballastd"; exit 1; }
tmp=$(mktemp -d) || exit 1
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$tmp"' EXIT
n=0 failed=0
result() { # CODE TEXT
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n - $2" || { echo "not ok $n - $2"; failed=1; cat "$tmp/out" 2>/dev/null | head -c 1000 | sed 's/^/# /'; tail -n 15 "$tmp/err" | sed 's/^/# /'; }
}
until_true() { # COMMAND...: 20 s at most
	for _ in $(seq 200); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}
certificates=$tmp
. "$srcdir/tests/fixture/certificates.sh"
authority ca
authority foreign
certificate server ca localhost serverAuth 20
certificate renewed ca localhost serverAuth 25
certificate ops ca ops clientAuth 20
certificate unlisted ca stranger clientAuth 20
certificate outsider foreign ops clientAuth 20
certificate wrong ca ops serverAuth 20
certificate soon ca localhost serverAuth 3
ended ended ops ca
cp "$tmp/server.crt" "$tmp/live.crt"
(umask 077 && cp "$tmp/server.key" "$tmp/live.key")
chmod 600 "$tmp"/*.key

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port) plain=$(free_port)
mkdir "$tmp/policy"
conf() { # LINE...: of [API]
	printf '[Daemon]\nUri=test:///default\nStateDirectory=%s/state\nPolicyPath=%s/policy\n[API]\nSocket=%s/s\nTokens=%s/tokens\n' "$tmp" "$tmp" "$tmp" "$tmp" >"$tmp/b.conf"
	printf '%s\n' "$@" >>"$tmp/b.conf"
}
start() {
	"$builddir/daemon/ballastd" --foreground --config="$tmp/b.conf" 2>"$tmp/err" &
	pid=$!
	until_true listening
}
listening() { curl -s -m 2 -o /dev/null --unix-socket "$tmp/s" http://localhost/readyz; }
stop() {
	kill "$pid"
	wait "$pid"
	pid=
}
fails_to_start() { # TEXT: exit status 9 and this in the journal
	timeout 20 "$builddir/daemon/ballastd" --foreground --config="$tmp/b.conf" 2>"$tmp/err"
	[ $? = 9 ] && grep -qF -- "$1" "$tmp/err"
}
says() { grep -qF -- "$1" "$tmp/err"; }
ask() { # STATUS PATH CURL-ARGUMENT...
	local wanted=$1 path=$2
	shift 2
	[ "$(curl -s -m 10 -o "$tmp/out" -w '%{http_code}' --cacert "$tmp/ca.crt" "https://127.0.0.1:$port$path" "$@")" = "$wanted" ]
}
by() { echo --cert "$tmp/$1.crt" --key "$tmp/$1.key"; }

# --- What is configured wrongly ---
conf "Listen=127.0.0.1:$port"
fails_to_start "the unit passes no credential of this name"
result $? "TLS without a certificate is refused at the start"
says "LoopbackWithoutTls=yes"
result $? "and the remedy is named"
conf "Listen=192.0.2.1:$port" LoopbackWithoutTls=yes
fails_to_start "Listen= needs Certificate="
result $? "TCP without TLS is for loopback alone"
conf "Listen=localhost:$port"
fails_to_start "names are not looked up"
result $? "an address is a number"
conf "Listen=127.0.0.1:$port" "Certificate=$tmp/live.crt" "Key=$tmp/ops.key"
fails_to_start "is not the key of the certificate"
result $? "a foreign key is refused"
conf "Listen=127.0.0.1:$port" "Certificate=$tmp/live.crt" "Key=$tmp/live.key"
chmod 644 "$tmp/live.key"
fails_to_start "others may read or write this key: chmod o=,g-w"
result $? "a key that others can read is refused"
"$builddir/daemon/ballastd" --check --config="$tmp/b.conf" 2>"$tmp/out" || grep -qF "others may read or write this key" "$tmp/out"
result $? "ballastd --check says it too"
chmod 600 "$tmp/live.key"
echo nonsense >"$tmp/nonsense"
conf "Listen=127.0.0.1:$port" "Certificate=$tmp/nonsense" "Key=$tmp/live.key"
fails_to_start "is no PEM certificate"
result $? "what is no certificate is refused"

# --- Credentials of the unit ---
mkdir "$tmp/credentials"
cp "$tmp/server.crt" "$tmp/credentials/api.crt"
cp "$tmp/server.key" "$tmp/credentials/api.key"
conf "Listen=127.0.0.1:$port"
export CREDENTIALS_DIRECTORY=$tmp/credentials
start
ask 200 /healthz
result $? "certificate and key may be credentials of the unit"
stop
unset CREDENTIALS_DIRECTORY

# --- Tokens and certificates ---
conf "Listen=127.0.0.1:$port 127.0.0.2:$plain" LoopbackWithoutTls=no "Certificate=$tmp/live.crt" "Key=$tmp/live.key" "ClientAuthority=$tmp/ca.crt"
token=$("$ctl" token new grafana --config "$tmp/b.conf" 2>/dev/null)
"$ctl" token new cert:ops --role admin --config "$tmp/b.conf" >/dev/null
start
result $? "ballastd listens"
bearer="Authorization: Bearer $token"
ask 401 /v1/guests && grep -q '"code":"unauthenticated"' "$tmp/out"
result $? "without a credential: 401"
ask 200 /v1/guests -H "$bearer"
result $? "a token reads"
ask 403 /v1/reload -X POST -H "$bearer"
result $? "and does no more than its role"
ask 200 /v1/whoami $(by ops) && grep -qF '{"name":"cert CN=ops","role":"admin","how":"certificate"}' "$tmp/out"
result $? "a certificate has the role of its name"
ask 403 /v1/guests $(by unlisted) && grep -q 'cert:stranger read' "$tmp/out"
result $? "one that stands nowhere has none, and the remedy is named"
ask 401 /v1/guests $(by outsider) && grep -q 'is not of ClientAuthority=' "$tmp/out" && says "refused a credential from 127.0.0.1: its certificate is not of ClientAuthority="
result $? "a foreign certificate is refused, and the journal says why"
ask 401 /v1/guests $(by ended) && grep -q 'has expired' "$tmp/out" && says "its certificate has expired (CN=ops)"
result $? "an expired certificate is refused, and the journal says why"
ask 401 /v1/guests $(by wrong)
result $? "a certificate for servers is none for clients"
ask 200 /v1/whoami $(by ops) -H "$bearer" && grep -q '"name":"token grafana"' "$tmp/out"
result $? "of a token and a certificate the token counts"
curl -s -m 10 -o /dev/null -D "$tmp/out" --cacert "$tmp/ca.crt" "https://127.0.0.1:$port/v1/hosts/self" -H "$bearer" && grep -qi '^strict-transport-security: max-age=86400' "$tmp/out"
result $? "over TLS an answer says so"
curl -s -o /dev/null -D "$tmp/out" --unix-socket "$tmp/s" http://localhost/v1/hosts/self && ! grep -qi '^strict-transport' "$tmp/out"
result $? "the same answer on the socket does not"

# --- What the kernel keeps of an answer that another host does not take ---
own=$(ip -4 -o address show scope global 2>/dev/null | awk 'NR == 1 { sub("/.*", "", $4); print $4 }')
if [ -n "$own" ] && command -v ss >/dev/null; then
	stop
	sed -i "s/^Listen=.*/& $own:$plain/" "$tmp/b.conf"
	start
	sleep 2 | timeout 10 openssl s_client -quiet -connect "$own:$plain" >/dev/null 2>&1 &
	holding=$!
	bounded() { ss -tmn "sport = :$plain" | sed -n 's/.*[(,]tb\([0-9]*\).*/\1/p' >"$tmp/out" && [ -s "$tmp/out" ] && [ "$(sort -n "$tmp/out" | tail -n 1)" -le 262144 ]; }
	until_true bounded
	result $? "the kernel keeps at most 256 KiB for a connection from another host"
	wait $holding
else
	result 0 "the kernel keeps at most 256 KiB # SKIP no address beside loopback, or no ss"
fi

# --- Old TLS, no TLS ---
tls() { timeout 10 openssl s_client -connect "127.0.0.1:$port" -CAfile "$tmp/ca.crt" "$@" </dev/null >"$tmp/out" 2>&1; }
for version in -tls1 -tls1_1; do
	! tls $version -cipher ALL:@SECLEVEL=0
	result $? "TLS by openssl s_client $version is refused"
done
tls -tls1_2 && tls -tls1_3
result $? "TLS 1.2 and 1.3 are spoken"
! tls -tls1_2 -cipher AES128-SHA:AES128-GCM-SHA256:@SECLEVEL=0
result $? "no cipher without forward secrecy"
[ "$(curl -s -m 5 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/healthz")" = 000 ]
result $? "plain HTTP on the port of TLS gets nothing"

# --- Clients that hang: each is cut off in its time, and others are served meanwhile ---
cat >"$tmp/hang.py" <<'END'
import socket, ssl, sys, time
port, ca = int(sys.argv[1]), sys.argv[2]
context = ssl.create_default_context(cafile=ca)
started = time.monotonic()
def tcp():
    return socket.create_connection(("127.0.0.1", port))
half = [tcp() for _ in range(60)]                      # never begin their handshake
for s in half[:20]:
    s.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc") # or only just
slow = [context.wrap_socket(tcp(), server_hostname="localhost") for _ in range(10)]
for s in slow:
    s.sendall(b"GET /v1/guests HTTP/1.1\r\nHost: localhost\r\nX: ")
silent = [context.wrap_socket(tcp(), server_hostname="localhost") for _ in range(5)]
print("hanging", flush=True)
def ends(s):
    s.settimeout(25)
    try:
        while True:
            if not s.recv(4096):
                return True
    except socket.timeout:
        return False
    except OSError:
        return True
end = started + 12
while time.monotonic() < end:
    for s in slow:
        try:
            s.sendall(b"x")                            # a byte now and then
        except OSError:
            pass
    time.sleep(0.5)
print("all cut" if all(ends(s) for s in half + slow + silent) else "some live", flush=True)
print("took %d" % (time.monotonic() - started), flush=True)
END
python3 "$tmp/hang.py" "$port" "$tmp/ca.crt" >"$tmp/hang" 2>&1 &
hanging=$!
until_true grep -q hanging "$tmp/hang"
ask 200 /v1/guests -H "$bearer" && ask 200 /v1/guests $(by ops)
result $? "while 75 connections hang others are served"
wait $hanging
grep -q "all cut" "$tmp/hang"
result $? "half-open handshakes, headers that trickle and silent connections are cut off"
sed 's/^/# /' "$tmp/hang"

# --- Tokens change ---
"$ctl" token revoke grafana --yes --config "$tmp/b.conf" >/dev/null
until_true ask 401 /v1/guests -H "$bearer"
result $? "a revoked token holds no more"
token=$("$ctl" token new again --role admin --config "$tmp/b.conf" 2>/dev/null)
bearer="Authorization: Bearer $token"
until_true ask 200 /v1/reload -X POST -H "$bearer"
result $? "a new one holds at once"
problem() { curl -s --unix-socket "$tmp/s" http://localhost/v1/hosts/self | jq -r --arg c "$1" '.problems[] | select(.code == $c) | .text' >"$tmp/out"; grep -qF -- "$2" "$tmp/out"; }
no_problem() { ! problem "$1" ""; }
chmod 644 "$tmp/tokens"
until_true ask 401 /v1/guests -H "$bearer" && until_true problem tokens "others may read or write it (mode 0644" && says "others may read or write it (mode 0644"
result $? "a file that others may read gives nobody anything: said in status and journal"
chmod 600 "$tmp/tokens"
until_true ask 200 /v1/guests -H "$bearer" && until_true no_problem tokens
result $? "mended, it holds again"
echo "broken" >>"$tmp/tokens"
until_true problem tokens "tokens:3:1: found 1 word" && ask 200 /v1/guests -H "$bearer"
result $? "a broken line is told with its place, the others hold"
sed -i /broken/d "$tmp/tokens"

# --- Certificates are renewed ---
cat >"$tmp/keep.py" <<'END'
import http.client, ssl, sys
port, ca, token = int(sys.argv[1]), sys.argv[2], sys.argv[3]
c = http.client.HTTPSConnection("127.0.0.1", port, context=ssl.create_default_context(cafile=ca), timeout=20)
def ask():
    c.request("GET", "/v1/whoami", headers={"Authorization": "Bearer " + token})
    r = c.getresponse()
    r.read()
    return r.status
print(ask(), flush=True)
sys.stdin.readline()
s = c.sock
print(ask(), "same" if c.sock is s else "anew", flush=True)
END
serial() { echo | timeout 10 openssl s_client -connect "127.0.0.1:$port" 2>/dev/null | openssl x509 -noout -serial; }
before=$(serial)
mkfifo "$tmp/go"
python3 "$tmp/keep.py" "$port" "$tmp/ca.crt" "$token" <"$tmp/go" >"$tmp/kept" 2>&1 &
keeping=$!
exec 9>"$tmp/go"
until_true grep -q 200 "$tmp/kept"
cp "$tmp/renewed.crt" "$tmp/live.crt"
"$ctl" --socket "$tmp/s" reload >"$tmp/out" 2>&1
[ $? = 9 ] && grep -q "is not the key of the certificate" "$tmp/out" && [ "$(serial)" = "$before" ] && problem policy-bad "live.key"
result $? "at a reload a certificate without its key is named, and the old one stays in force"
cp "$tmp/renewed.key" "$tmp/live.key"
"$ctl" --socket "$tmp/s" reload >"$tmp/out" 2>&1 && [ "$(serial)" = "$(openssl x509 -noout -serial -in "$tmp/renewed.crt")" ] && no_problem policy-bad
result $? "a renewed certificate is taken over by a reload"
echo >&9
wait $keeping
grep -q "200 same" "$tmp/kept"
result $? "a connection that there was goes on"
python3 "$tmp/keep.py" "$port" "$tmp/ca.crt" "$token" <"$tmp/go" >"$tmp/kept" 2>&1 &
keeping=$!
exec 9>"$tmp/go"
until_true grep -q 200 "$tmp/kept"
held=()
for _ in 1 2 3 4 5 6; do
	"$ctl" --socket "$tmp/s" reload >"$tmp/out" 2>&1
	sleep 5 | timeout 10 openssl s_client -quiet -connect "127.0.0.1:$port" >/dev/null 2>&1 &
	held+=($!)
	until_true ask 200 /v1/guests -H "$bearer"
done
ask 200 /v1/guests -H "$bearer"
result $? "one may reload often"
echo >&9
wait $keeping
grep -q "200 same" "$tmp/kept"
result $? "a reload that finds the same certificate ends nobody's connection"
wait "${held[@]}"
# Whoever its authority vouched for is nobody once another one stands in its place: also on connections that there are.
cat >"$tmp/vouched.py" <<'END'
import http.client, ssl, sys
port, ca, crt, key = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
context = ssl.create_default_context(cafile=ca)
context.load_cert_chain(crt, key)
c = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=20)
c.auto_open = 0
c.connect()
def ask():
    try:
        c.request("GET", "/v1/whoami")
        r = c.getresponse()
        r.read()
        return r.status
    except (OSError, http.client.HTTPException):
        return "cut"
print(ask(), flush=True)
sys.stdin.readline()
print(ask(), flush=True)
END
cp "$tmp/ca.crt" "$tmp/authority.crt"
sed -i "s|^ClientAuthority=.*|ClientAuthority=$tmp/authority.crt|" "$tmp/b.conf"
"$ctl" --socket "$tmp/s" reload >"$tmp/out" 2>&1
python3 "$tmp/vouched.py" "$port" "$tmp/ca.crt" "$tmp/ops.crt" "$tmp/ops.key" <"$tmp/go" >"$tmp/kept" 2>&1 &
keeping=$!
exec 9>"$tmp/go"
until_true grep -q 200 "$tmp/kept"
cp "$tmp/foreign.crt" "$tmp/authority.crt"
"$ctl" --socket "$tmp/s" reload >"$tmp/out" 2>&1
until_true ask 401 /v1/whoami $(by ops) && ask 200 /v1/whoami $(by outsider)
result $? "another authority takes the place of the one before"
echo >&9
wait $keeping
[ "$(tr '\n' ' ' <"$tmp/kept")" = "200 cut " ]
result $? "connections that the one before vouched for are ended"
cp "$tmp/soon.crt" "$tmp/live.crt"
cp "$tmp/soon.key" "$tmp/live.key"
"$ctl" --socket "$tmp/s" reload >"$tmp/out" 2>&1 && until_true problem certificate "expires in 2 days"
result $? "a certificate that ends soon is a problem"
stop
result $? "ballastd ends as it should"

# --- Loopback without TLS ---
conf "Listen=127.0.0.1:$plain" LoopbackWithoutTls=yes
start
loop() { # STATUS PATH CURL-ARGUMENT...
	local wanted=$1 path=$2
	shift 2
	[ "$(curl -s -m 10 -o "$tmp/out" -w '%{http_code}' "http://127.0.0.1:$plain$path" "$@")" = "$wanted" ]
}
loop 401 /v1/guests && loop 200 /v1/guests -H "$bearer"
result $? "without TLS a token is needed as well"
loop 421 / -H "Host: rebound.example" && loop 421 /v1/guests -H "Host: rebound.example:$plain" -H "$bearer"
result $? "a foreign name for loopback (DNS rebinding) reaches nothing"
stop
echo "1..$n"
exit $failed
