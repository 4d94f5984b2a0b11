#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ballastctl and a daemon elsewhere: addresses, contexts, tokens, certificates, and what a server answers that is in trouble.
set -u
. "${srcdir:?}/tests/fixture/cli.sh"
unset BALLAST_SOCKET
cd "$scratch" || exit 1

serve() # NAME [CERT KEY [CLIENT-CA]]: sets port
{
	local name=$1
	shift
	python3 "$srcdir/tests/fixture/http-answer.py" "$scratch/$name.port" "$@" 2>"$scratch/$name.err" &
	pids+=($!)
	for _ in $(seq 600); do
		[ -s "$scratch/$name.port" ] && break
		sleep 0.05
	done
	port=$(cat "$scratch/$name.port")
}

# --- addresses ---
exits 2 "without TLS only this machine is asked" --host http://192.0.2.1:8006 status
exits 2 "without TLS only this machine is asked" --host http://localhost.example.net status
exits 2 "use https://10.0.0.1" --host http://10.0.0.1 status
exits 2 "expected https://HOST[:PORT]" --host rack2 status
exits 2 "nothing behind it" --host https://rack2/v1 status
exits 2 "nothing behind it" --host https://user@rack2 status
exits 2 'found port "0"' --host https://rack2:0 status
exits 2 'found port "70000"' --host https://rack2:70000 status
exits 2 "give one of --socket, --host and --context" --host https://rack2 --socket /x status
exits 2 "go with --host=https://" --token-file x --socket /x status
exits 6 "No such file or directory" --host "$scratch/none.sock" status
exits 6 "No such file or directory" --host "unix:$scratch/none.sock" status
exits 6 "[API] Listen= in ballast.conf(5)" --host http://127.0.0.1:1 status
exits 6 "no such host is known" --host https://no-such-host.invalid status
BALLAST_HOST=https://10.0.0.1:99999 exits 2 '$BALLAST_HOST: found port' status

# --- a server in trouble ---
serve plain
url=http://127.0.0.1:$port
exits 0 '"name":"far"' --host "$url" guest show web1 --json
exits 0 '"name":"far"' --host "http://localhost:$port/" guest show web1 --json
BALLAST_HOST=$url exits 0 '"name":"far"' guest show web1 --json
exits 5 "made up: name who you are: --token-file=FILE" --host "$url" guest show s401
exits 5 "made up" --host "$url" guest show s403
exits 3 "made up" --host "$url" guest show s404
exits 4 "made up" --host "$url" guest show s409
exits 4 "ballastctl: somebody else has changed it meanwhile: look at it anew" --host "$url" guest show s412
exits 4 "look at it first" --host "$url" guest show s428
exits 6 "try again in a moment (it asks to wait 7 s)" --host "$url" guest show s429
exits 1 "see journalctl -u ballastd" --host "$url" guest show s500
exits 6 "it asks to wait 7 s" --host "$url" guest show s503
exits 7 "made up" --host "$url" guest show s504
exits 1 "made up: see ballastctl doctor" --host "$url" guest show s507
exits 5 '"code":"made-up"' --host "$url" guest show s401 --json
exits 6 "ballastd answered with status 502" --host "$url" guest show bare
exits 1 "is not ballastd: no JSON (status 200)" --host "$url" guest show text
exits 6 "has not answered in 1 s: see systemctl status ballastd there" --host "$url" guest show hangs --timeout 1s
exits 7 "has not answered in 1 s; what was asked may still be going on: see ballastctl events" --host "$url" guest enroll hangs --timeout 1s
# Ctrl-C while one waits for a change: the waiting ends, the work does not.
"$ctl" --host "$url" guest set hangs --min 1G 2>interrupted &
pid=$!
pids+=($pid)
connected() # has the process a connection to the server?
{
	local hex
	printf -v hex %04X "$port"
	grep -q ":$hex 01 " "/proc/$pid/net/tcp" 2>/dev/null && ls -l "/proc/$pid/fd" | grep -q socket:
}
for _ in $(seq 600); do
	connected && break
	sleep 0.05
done
kill -INT $pid
wait $pid
[ $? = 7 ] && grep -q "stopped waiting; ballastd goes on with what was asked: see ballastctl events" interrupted
r=$?
[ $r = 0 ] || sed 's/^/# /' interrupted
report $r "Ctrl-C ends the waiting for a change, says that it goes on, and exits 7"

# --- contexts ---
exits 0 "local" context
exits 3 'there is no context "rack2"' --context rack2 status
exits 3 'there is no context "rack2"' context use rack2
exits 2 "a context's name has" context add local "$url"
exits 2 "a context's name has" context add "a b" "$url"
exits 2 "without TLS" context add rack2 http://10.0.0.1
exits 0 "would be added: rack2" context add rack2 "$url" -n
exits 3 'there is no context "rack2"' context remove rack2
exits 4 '"local" is built in' context remove local
exits 0 "added: rack2" context add rack2 "$url"
exits 0 "$url" context list
exits 0 '"name":"far"' --context rack2 guest show web1 --json
BALLAST_CONTEXT=rack2 exits 0 '"name":"far"' guest show web1 --json
exits 3 'the nearest name is "rack2"' context use rcak2
exits 0 "in use: rack2" context use rack2
exits 0 '"name":"far"' guest show web1 --json
exits 0 '"current":"rack2"' context use rack2 --json
BALLAST_SOCKET=$scratch/none exits 6 "ballastd does not answer at $scratch/none" status
exits 6 "api.sock" --context local status
[ "$(stat -c %a "$XDG_CONFIG_HOME/ballast/contexts")" = 600 ] && ! ls "$XDG_CONFIG_HOME"/ballast/contexts.* 2>/dev/null
report $? "the file is its owner's alone, and nothing is left beside it"
exits 0 "removed: rack2" context remove rack2
exits 6 "api.sock" status
printf '[rack2]\nHots=x\n' >"$XDG_CONFIG_HOME/ballast/contexts"
exits 9 'contexts:2:1: unknown key "Hots" in [rack2], did you mean "Host"?' status
exits 9 "context rack2 has no Host=" status
printf '[rack2]\nHost=http://10.0.0.1\n[Contexts]\nCurrent=rack2\n' >"$XDG_CONFIG_HOME/ballast/contexts"
exits 2 "context rack2, Host: found" status
rm "$XDG_CONFIG_HOME/ballast/contexts"

# --- TLS ---
if ! command -v openssl >/dev/null; then
	skip "TLS" "no openssl"
	echo "1..$n"
	exit $failed
fi
authority() # NAME
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -days 2 -keyout "$1.key" -out "$1.pem" 2>/dev/null
}
certificate() # NAME AUTHORITY ADDRESS
{
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>/dev/null
	openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 2 -extfile <(echo "subjectAltName=$3") -out "$1.pem" 2>/dev/null
}
authority ca && authority other && certificate server ca IP:127.0.0.1 && certificate anna ca DNS:anna && certificate mallory other DNS:mallory
report $? "certificates for the test"
serve token server.pem server.key
url=https://127.0.0.1:$port
(umask 077; echo right >right.token; echo wrong >wrong.token; printf 'two words\n' >bad.token; : >empty.token)
exits 0 '"name":"far"' --host "$url" --ca ca.pem --token-file right.token guest show web1 --json
exits 5 "who are you: name who you are" --host "$url" --ca ca.pem --token-file wrong.token status
exits 5 "who are you" --host "$url" --ca ca.pem status
BALLAST_TOKEN_FILE=$scratch/right.token exits 0 '"name":"far"' --host "$url" --ca ca.pem guest show web1 --json
exits 6 "is not trusted" --host "$url" --ca other.pem --token-file right.token status
exits 6 "is not trusted" --host "$url" --token-file right.token status
exits 6 "is not trusted" --host "https://localhost:$port" --ca ca.pem --token-file right.token status
exits 3 "cannot be read" --host "$url" --ca none.pem --token-file right.token status
chmod 640 right.token
exits 5 "can be read by others (mode 0640), and whoever reads it can do what you can: chmod 600 right.token" --host "$url" --ca ca.pem --token-file right.token status
exits 5 "can be read by others" context add rack2 "$url" --ca ca.pem --token-file right.token
chmod 600 right.token
exits 3 "there is no such file" --host "$url" --ca ca.pem --token-file none.token status
exits 2 "no blanks" --host "$url" --ca ca.pem --token-file bad.token status
exits 2 "expected one token" --host "$url" --ca ca.pem --token-file empty.token status
exits 5 "is not a file" --host "$url" --ca ca.pem --token-file /dev/null status
exits 2 "there is no option --token" --token right status
exits 0 "added: rack2" context add rack2 "$url" --ca ca.pem --token-file right.token
(cd / && "$ctl" --context rack2 guest show web1 --json | grep -q '"name":"far"')
report $? "a context's files are found from everywhere"
! grep -rq right "$XDG_CONFIG_HOME/ballast/contexts" || grep -q "right.token" "$XDG_CONFIG_HOME/ballast/contexts"
report $? "no token is in the contexts"
serve certs server.pem server.key ca.pem
url=https://127.0.0.1:$port
exits 0 '"name":"far"' --host "$url" --ca ca.pem --cert anna.pem --key anna.key guest show web1 --json
exits 6 "it may want a certificate" --host "$url" --ca ca.pem status
exits 6 "it may want a certificate" --host "$url" --ca ca.pem --cert mallory.pem --key mallory.key status
exits 2 "--cert and --key go together" --host "$url" --ca ca.pem --cert anna.pem status
exits 3 "cannot be used" --host "$url" --ca ca.pem --cert none.pem --key none.key status
echo "1..$n"
exit $failed
