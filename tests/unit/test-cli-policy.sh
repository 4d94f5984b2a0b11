#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# policy put, edit and delete, and what else needs a real ballastd: it runs on libvirt's test driver. Also over its own loopback listener with a token, and with
# the credentials that it makes itself.
set -u
. "${srcdir:?}/tests/fixture/cli.sh"
cd "$scratch" || exit 1
export TMPDIR=$scratch
unset VISUAL
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir usr etc
authority() # NAME
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -days 2 -keyout "$1.key" -out "$1.pem" 2>/dev/null
}
certificate() # NAME AUTHORITY ADDRESS
{
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>/dev/null
	openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 2 -extfile <(echo "subjectAltName=$3") -out "$1.pem" 2>/dev/null
}
(umask 077; authority ca && certificate server ca IP:127.0.0.1 && certificate anna ca DNS:anna)
printf '[Daemon]\nUri=test:///default\nStateDirectory=%s/state\nPolicyPath=%s/usr %s/state/policy.d %s/etc\n[API]\nSocket=%s\nListen=127.0.0.1:%s\nTokens=%s/tokens\nCertificate=%s/server.pem\nKey=%s/server.key\nClientAuthority=%s/ca.pem\n' \
	"$scratch" "$scratch" "$scratch" "$scratch" "$BALLAST_SOCKET" "$port" \
	"$scratch" "$scratch" "$scratch" "$scratch" >b.conf
"$builddir/daemon/ballastd" --foreground --config=b.conf 2>daemon.log &
daemon=$!
pids+=($daemon)
for _ in $(seq 600); do
	curl -sf --unix-socket "$BALLAST_SOCKET" http://localhost/readyz >/dev/null && break
	sleep 0.05
done
kill -0 $daemon || { sed 's/^/# /' daemon.log; echo "Bail out! no ballastd"; exit 1; }

# --- put ---
printf '[Memory]\nWeight=300\n' >50-a.policy
exits 0 "would be in force" policy put 50-a.policy --dry-run
[ ! -e state/policy.d/50-a.policy ]
report $? "a dry run writes nothing"
exits 0 "test   [Memory] Weight  100  300   50-a.policy:2" policy put 50-a.policy
exits 0 "$scratch/state/policy.d/50-a.policy:2" policy show test
printf '[Memory]\nWeight=400\n' >50-a.policy
exits 2 "would replace policy 50-a.policy by another text; nothing was done: nobody can be asked here, so say --yes" policy put 50-a.policy
grep -qx Weight=300 state/policy.d/50-a.policy
report $? "a policy that is kept is not replaced unasked"
"$ctl" policy put - 50-a <50-a.policy >/dev/null 2>&1
[ $? = 2 ] && grep -qx Weight=300 state/policy.d/50-a.policy
report $? "... nor by standard input"
exits 0 '"created":false' policy put 50-a.policy --json --yes
exits 0 '"created":false' policy put 50-a.policy --json
[ "$(cat state/policy.d/50-a.policy)" = "$(cat 50-a.policy)" ]
report $? "what was put is in the file"
printf '[Memory]\nWieght=400\n' >bad.policy
exits 9 "did you mean Weight?" policy put bad.policy
exits 9 '"findings":[{"file"' policy put bad.policy --json
exits 3 "there is no such file" policy put none.policy
exits 2 "needs a name: policy put - NAME" policy put -
"$ctl" policy put - 60-stdin <50-a.policy | grep -q "60-stdin.policy: in force"
report $? "from standard input, under a name"
: >empty.policy
exits 9 "1 byte to 48 KiB" policy put empty.policy
head -c 50000 /dev/zero | tr '\0' '#' >large.policy
exits 9 "1 byte to 48 KiB" policy put large.policy
printf '# \377\n' >latin.policy
exits 9 "latin.policy" policy put latin.policy
exits 0 "removed" policy delete 60-stdin --yes

# --- edit ---
EDITOR='sed -i s/400/500/' exits 0 "test   [Memory] Weight  400  500   50-a.policy:2" policy edit 50-a --yes
EDITOR='sed -i s/500/510/' exits 2 "would replace policy 50-a.policy" policy edit 50-a
rm -f ballastctl-*
EDITOR=true exits 0 "nothing was changed" policy edit 50-a
EDITOR=false exits 1 "the editor (false) failed" policy edit 50-a
EDITOR='sed -i s/Weight/Wight/' exits 9 "Your text is kept in $scratch/ballastctl-" policy edit 50-a
[ "$(ls ballastctl-*.50-a.policy | wc -l)" = 2 ] && grep -q Wight ballastctl-*.50-a.policy
report $? "what was typed and not written is kept; what was written leaves nothing behind"
rm -f ballastctl-*
EDITOR=true exits 0 "nothing was changed" policy edit 70-new
exits 3 "Nor is there such a policy" policy show 70-new
EDITOR="sed -i -e 's/^Guest=$/Guest=test/' -e 's/^#Max=/Max=1G/'" exits 0 "[Memory] Max" policy edit 70-new
exits 2 "is no policy's name" policy edit ../x
(unset EDITOR; ctl_says=$("$ctl" policy edit 50-a </dev/null 2>&1); [ $? = 2 ] && [[ $ctl_says == *"no terminal for an editor"* ]])
report $? "without a terminal no editor is begun that needs one"
rm -f ballastctl-*
# Somebody else is quicker: the file that they wrote stays.
cat >slow-editor <<-X
	#!/bin/sh
	printf '[Memory]\nWeight=900\n' >$scratch/other.policy
	"$ctl" policy put $scratch/other.policy 50-a.policy --yes >/dev/null
	echo '# mine' >>"\$1"
X
chmod +x slow-editor
EDITOR=$scratch/slow-editor exits 4 "ballastctl: somebody else has changed it meanwhile: look at it anew, then try again" policy edit 50-a --yes
grep -q 900 state/policy.d/50-a.policy && ! grep -q mine state/policy.d/50-a.policy && grep -q mine ballastctl-*.50-a.policy
report $? "an edit never undoes another; both texts are there"
if has_terminal; then
	{ wait_for typed "Go on? [y/N]" && printf 'n\n'; sleep 0.2; } | EDITOR='sed -i s/900/901/' timeout 60 script -qefc "$ctl policy edit 50-a" typed >/dev/null
	grep -aq "This will replace policy 50-a.policy by another text. Go on?" typed && grep -q 900 state/policy.d/50-a.policy
	report $? "on a terminal it asks before it writes"
	{ wait_for typed2 "Edit again? [Y/n]" && printf 'n\n'; sleep 0.2; } | EDITOR='sed -i s/Weight/Wight/' timeout 60 script -qefc "$ctl policy edit 50-a" typed2 >/dev/null
	grep -aq "Your text is kept in" typed2
	report $? "... and after mistakes whether to edit again"
else
	skip "asking" "no pseudo-terminal"
fi

# A dry run shows what put shows, and what was typed is kept.
EDITOR='sed -i s/900/800/' exits 0 "the host would be" policy edit 50-a --dry-run
EDITOR='sed -i s/900/800/' exits 0 "test   [Memory] Weight  900  800   50-a.policy:2" policy edit 50-a -n
grep -q 900 state/policy.d/50-a.policy && grep -q 800 ballastctl-*.50-a.policy
report $? "... and writes nothing"
rm -f ballastctl-*

# --- delete ---
exits 2 "would remove policy 50-a; nothing was done: nobody can be asked here, so say --yes" policy delete 50-a
"$ctl" policy delete 50-a </dev/null >both 2>&1
grep -n "" both | sed -n 's/^1:GUEST .*/shown/p' | grep -q shown && tail -n 2 both | grep -q "say --yes"
report $? "what would change is shown before the question"
exits 0 "would be removed" policy delete 50-a --dry-run
exits 0 "the host would be" policy delete 50-a --dry-run
exits 0 "test   [Memory] Weight  900  100   default" policy delete 50-a -n
grep -q 900 state/policy.d/50-a.policy
report $? "a dry run removes nothing"
exits 0 '{"removed":"50-a"}' policy delete 50-a -n --json
exits 0 "50-a: removed" policy delete 50-a --yes
exits 3 'There is no policy "50-a.policy"' policy delete 50-a --yes
printf '[Memory]\nWeight=300\n' >etc/80-mine.policy
"$ctl" reload >/dev/null
exits 4 "Remove it there; it stands above whatever is written here" policy delete 80-mine --yes
[ "$("$ctl" __complete policy delete "")" = 70-new.policy ] && "$ctl" __complete policy show "" | grep -qx 80-mine.policy
report $? "delete completes what can be deleted"
printf '[Memory]\nWeight=300\n' >usr/20-low.policy
"$ctl" reload >/dev/null
exits 4 "or write another text under its name, which stands above it" policy delete 20-low --yes
rm usr/20-low.policy
"$ctl" reload >/dev/null
printf '[When]\nCondition=1/0 > 1\n[Memory]\nWeight=300\n' >zero.policy
exits 0 "zero.policy:2:12: Condition= divides by zero here" policy check zero.policy
exits 0 "note: zero.policy:2:12: Condition= divides by zero here" policy put zero.policy -n
EDITOR='sed -i s/300/301/' exits 0 "stands above it and stays in force" policy edit 80-mine --yes

# --- as somebody who may not look into the state directory ---
if [ "$(id -u)" = 0 ] && setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
	as() # GROUP: ballastctl as nobody, in this group
	{
		printf '#!/bin/sh\nexec setpriv --reuid 65534 --regid %s --clear-groups "%s/ballastctl" "$@"\n' "$1" "$scratch" >"as-$1"
		chmod +x "as-$1"
	}
	chmod 755 "$scratch"
	cp "$ctl" ballastctl
	as 65534
	as 0 # the daemon's own group: it may ask
	printf '[Memory]\nHeadroom=33%\n' >77-hidden.policy
	"$ctl" policy put 77-hidden.policy >/dev/null 2>&1
	COLUMNS=999
	ctl=$scratch/as-65534 exits 5 "note: $scratch/state/policy.d was not looked at: you may not read it, and you may not ask ballastd" policy check --config b.conf
	ctl=$scratch/as-65534 exits 5 "no mistakes in what could be read" policy check --config b.conf
	ctl=$scratch/as-65534 exits 5 "\"unread\":[\"$scratch/state/policy.d\"]" policy check --config b.conf --json
	ctl=$scratch/as-65534 exits 0 "Ask as root (sudo" policy test test --config b.conf
	ctl=$scratch/as-0 exits 0 "3 policies, no mistakes" policy check --config b.conf
	ctl=$scratch/as-0 exits 0 "$scratch/state/policy.d (as ballastd says)" policy check --config b.conf
	ctl=$scratch/as-0 exits 0 '"unread":[]' policy check --config b.conf --json
	ctl=$scratch/as-0 exits 0 "77-hidden.policy:2" policy test test --config b.conf
	printf '[Memory]\nWieght=1\n' >state/policy.d/78-bad.policy
	"$ctl" reload >/dev/null 2>&1
	ctl=$scratch/as-0 exits 9 "$scratch/state/policy.d/78-bad.policy:2" policy check --config b.conf
	rm state/policy.d/78-bad.policy
	"$ctl" reload >/dev/null
	# Another host's daemon is not asked for this one's files.
	ctl=$scratch/as-0 exits 5 "is another host's" --host "http://127.0.0.1:$port" policy check --config b.conf
	COLUMNS=120
	"$ctl" policy delete 77-hidden --yes >/dev/null
else
	skip "what one may not look into" "nobody else can be become here"
fi

# --- times in what happened ---
"$ctl" pause --for 1h --message x >/dev/null
TZ=XYZ-3 exits 0 "no guest is commanded until $(TZ=XYZ-3 date -d '+1 hour' +%H:)" events --kind paused --limit 1
"$ctl" pause --clear >/dev/null

# --- operations ---
for i in 1 2 3 4 5 6 7 8; do # a policy that nobody waits for: it must reach the disk, so most are not done at once
	id=$(curl -s --unix-socket "$BALLAST_SOCKET" -X PUT -H "Prefer: respond-async" -H "Content-Type: application/json" -H "If-None-Match: *" \
		-d '{"text":"[Memory]\nWeight=300\n"}' "http://localhost/v1/policies/9$i-op.policy" | sed -n 's/^{"id":\([0-9]*\).*/\1/p')
	[ -z "$id" ] || break
done
if [ -n "$id" ]; then
	exits 0 "done" operation wait "$id"
	exits 0 '"state":"done"' operation show "$id" --json
	exits 4 "ballastctl" operation cancel "$id"
	exits 0 "policy-put" operation list
else
	skip "operations" "each was done before it could become one"
fi
exits 3 "no operation 999" operation show 999

# The same text put once more is no event.
put_again() { curl -s -o /dev/null -w '%{http_code}' --unix-socket "$BALLAST_SOCKET" -X PUT -H "Content-Type: application/json" -H "If-Match: $etag" \
	-d '{"text":"[Memory]\nWeight='"$1"'\n"}' http://localhost/v1/policies/95-again.policy; }
written() { curl -s --unix-socket "$BALLAST_SOCKET" 'http://localhost/v1/events?kind=policy-written&newest=true&limit=1' | grep -o '"seq":[0-9]*'; }
tag() { etag=$(curl -sI --unix-socket "$BALLAST_SOCKET" http://localhost/v1/policies/95-again.policy | tr -d '\r' | sed -n 's/^ETag: //Ip'); }
printf '[Memory]\nWeight=7\n' | "$ctl" policy put - 95-again --yes >/dev/null
before=$(written)
tag
[ "$(put_again 7)" = 200 ] && [ "$(written)" = "$before" ] && tag && [ "$(put_again 8)" = 200 ] && [ "$(written)" != "$before" ]
report $? "a policy that is put as it is is no event, another text is one"

# --- the plan, trials and reservations ---
exits 0 "for guests" plan
exits 0 '"settled"' plan --json
exits 0 "What that would come to" guest set test --max 1G --dry-run
exits 0 "the host would be" guest set test --max 1G --dry-run
exits 0 "the host would be" mode enforce --dry-run
exits 0 "the host would be" policy put 50-a.policy 66-try --dry-run
exits 0 "No room is kept" reservation
curl -s --unix-socket "$BALLAST_SOCKET" -H "Content-Type: application/json" \
	-d '{"uuid":"11112222-3333-4444-8555-666677778888","name":"coming9","bytes":1048576,"wait_s":60}' http://localhost/v1/reservations >reserved
id=$(sed -n 's/^{"id":\([0-9]*\).*/\1/p' reserved)
exits 0 "coming9" reservation list
"$ctl" __complete reservation cancel "" | grep -qx "$id"
report $? "completion offers the reservation"
exits 0 "would be cancelled" reservation cancel "$id" -n
exits 0 ": cancelled" reservation cancel "$id"
exits 3 "no reservation $id" reservation cancel "$id"
# All that this host has for guests, granted in mode observe: what the others lack has a name.
"$ctl" status --json >host
memory() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" host; }
reserve() { curl -s --unix-socket "$BALLAST_SOCKET" -H "Content-Type: application/json" \
	-d '{"uuid":"11112222-3333-4444-8555-666677778889","name":"whale","bytes":'"$1"',"qemu":1}' http://localhost/v1/reservations >reserved; }
reserve $(($(memory managed) - $(memory reserve)))
grep -q '"binding":false' reserved && grep -q "mode observe nobody is kept from starting" reserved
report $? "what the host could never have is refused in mode observe too, and binds nobody"
reserve $(($(memory managed) - $(memory reserve) - 1))
id=$(sed -n 's/^{"id":\([0-9]*\).*/\1/p' reserved)
said() { "$ctl" status | tr '\n' ' ' | tr -s ' ' | grep -q "kept for others that are to start:.* for whale until [0-9:]* .*ballastctl reservation cancel $id"; }
for _ in $(seq 100); do said && break; sleep 0.1; done
said
report $? "status names the room that guests are short for, and how to give it up"
exits 0 "for whale, which is to start, until" host explain
"$ctl" status | tr '\n' ' ' | tr -s ' ' | grep -q "lower Min="
[ $? = 1 ]
report $? "and blames no Min="
"$ctl" mode enforce --yes >/dev/null
gone() { "$ctl" reservation list | grep -q "No room is kept"; }
for _ in $(seq 200); do gone && break; sleep 0.1; done
gone && "$ctl" events --kind refused | grep -q whale
report $? "when mode enforce begins it is judged anew, and refused"
"$ctl" mode observe --yes >/dev/null

# --- over TLS, as somebody else ---
unset BALLAST_SOCKET
url=https://127.0.0.1:$port
exits 5 "name who you are: --token-file=FILE" --host "$url" --ca ca.pem status
(umask 077; echo wrong-token >wrong.token)
exits 5 "ballastctl" --host "$url" --ca ca.pem --token-file wrong.token status
exits 6 "is not trusted" --host "$url" status
(umask 077; "$ctl" token new reader --role read --config b.conf 2>/dev/null | tail -n 1 | grep -oE '[^ ]+$' >reader.token)
"$ctl" token new cert:anna --role operate --config b.conf >/dev/null
settled() # the daemon has seen what was written
{
	for _ in $(seq 200); do
		"$ctl" --host "$url" --ca ca.pem "$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	return 1
}
settled --token-file reader.token whoami
exits 0 "role read, may see all" --host "$url" --ca ca.pem --token-file reader.token whoami
exits 0 "GUEST" --host "$url" --ca ca.pem --token-file reader.token guest list
exits 5 "needs" --host "$url" --ca ca.pem --token-file reader.token guest set test --min 1G
settled --cert anna.pem --key anna.key whoami
exits 0 "role operate" --host "$url" --ca ca.pem --cert anna.pem --key anna.key whoami
exits 0 "would set" --host "$url" --ca ca.pem --cert anna.pem --key anna.key guest set test --weight 300 --dry-run
exits 0 "" --host "$url" --ca ca.pem --cert anna.pem --key anna.key policy put 50-a.policy --dry-run
exits 0 "would set" --host "$url" --ca ca.pem --cert anna.pem --key anna.key mode observe --release --dry-run
exits 5 "needs admin" --host "$url" --ca ca.pem --cert anna.pem --key anna.key reload
exits 0 "added: far" context add far "$url" --ca ca.pem --token-file reader.token
exits 0 "mode is observe" --context far status
exits 1 "the daemon is on another host: run doctor there" --context far doctor
export BALLAST_SOCKET=$scratch/api.sock
exits 0 "role admin, may do everything" whoami
COLUMNS=400 exits 1 "by another ballast.conf than the one that was read" doctor
COLUMNS=400 exits 1 "127.0.0.1:$port: its certificate ends in" doctor --config b.conf
# More than a client may ask: somebody with the same token keeps on asking meanwhile.
for _ in $(seq 3000); do echo "url = $url/v1/whoami"; done >flood
for _ in $(seq 30); do
	curl -s --cacert ca.pem -H "Authorization: Bearer $(cat reader.token)" -K flood --parallel --parallel-max 50
done >/dev/null 2>&1 &
pids+=($!) flood=$!
r=1
for _ in $(seq 200); do
	out=$("$ctl" --context far guest list 2>&1)
	[ $? = 6 ] && [[ $out == *"try again in a moment"* ]] && r=0 && break
done
kill $flood
wait $flood 2>/dev/null
[ $r = 0 ] || echo "$out" | sed 's/^/# /'
report $r "who asks too often (429) is told to try again: exit 6"

# --- a daemon that is told to do what it may not ---
kill -TERM $daemon
wait $daemon 2>/dev/null
exits 6 "systemctl status ballastd" policy put 50-a.policy
EDITOR=true exits 6 "systemctl status ballastd" policy edit 50-a
echo "1..$n"
exit $failed
