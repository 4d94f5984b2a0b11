#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ballastctl against the real API over a canned host: what it prints (tests/golden/cli, written anew with
# REGENERATE=1), its exit codes, and what it does where there is no daemon.
set -u
golden=${srcdir:?}/tests/golden/cli
ctl=${builddir:?}/ballastctl
scratch=$(mktemp -d)
export BALLAST_SOCKET=$scratch/api.sock XDG_CONFIG_HOME=$scratch/config COLUMNS=120 TZ=UTC LC_ALL=C.UTF-8
unset NO_COLOR PAGER BALLAST_HOST BALLAST_CONTEXT BALLAST_TOKEN_FILE
version=$("$ctl" --version | sed 's/.* //; s/\./\\./g')
n=0 failed=0

report() # STATUS NAME
{
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		failed=1
	fi
}

# What depends on who runs the test, and where.
plain()
{
	sed -E -e "s#$scratch#SCRATCH#g" -e "s/$version/VERSION/g" -e 's/uid [0-9]+( \([^)]*\))?/uid N/g'
}

run() # ARGUMENT...: output and exit code as one text
{
	(cd "$scratch" && exec "$ctl" "$@" </dev/null 2>&1) >"$scratch/out"
	echo "exit $?" >>"$scratch/out"
	plain <"$scratch/out"
}

golden() # NAME ARGUMENT...
{
	local name=$1
	shift
	run "$@" >"$scratch/$name"
	[ -z "${REGENERATE:-}" ] || cp "$scratch/$name" "$golden/$name"
	diff -u "$golden/$name" "$scratch/$name" | sed 's/^/# /'
	cmp -s "$golden/$name" "$scratch/$name"
	report $? "$name: ballastctl $*"
}

exits() # CODE TEXT ARGUMENT...: this exit code, with TEXT in what it says
{
	local code=$1 text=$2 out
	shift 2
	out=$(run "$@")
	[[ $out == *"$text"* && $out == *"exit $code" ]]
	local r=$?
	[ $r = 0 ] || echo "$out" | sed 's/^/# /'
	report $r "ballastctl $*: exit $code, says \"$text\""
}

# With --json a failure that the daemon did not judge is a problem object on standard output too, and
# that alone.
problem() # EXIT-CODE PROBLEM-CODE DETAIL ARGUMENT...
{
	local code=$1 word=$2 detail=$3 r=1
	shift 3
	(cd "$scratch" && exec "$ctl" "$@" </dev/null 2>"$scratch/err") >"$scratch/out"
	[ $? = "$code" ] && [ "$(wc -l <"$scratch/out")" = 1 ] && [ -s "$scratch/err" ] &&
		grep -q "^{\"type\":\"urn:ballast:problem:$word\",\"title\":\"[^\"]*\",\"code\":\"$word\",\"detail\":\"" "$scratch/out" &&
		grep -qF -- "$detail" "$scratch/out" && r=0
	[ $r = 0 ] || sed 's/^/# /' "$scratch/out" "$scratch/err"
	report $r "ballastctl $*: exit $code, a problem $word"
}

start_fake()
{
	coproc FAKE { exec "$builddir/tests/fixture/fake-ballastd" "$BALLAST_SOCKET"; }
	fake_pid=$FAKE_PID
	read -r -t 60 line <&"${FAKE[0]}" && [ "$line" = ready ]
}

tell_fake() # WORD
{
	echo "$1" >&"${FAKE[1]}" && read -r -t 60 line <&"${FAKE[0]}"
}

stop_fake()
{
	eval "exec ${FAKE[1]}>&-"
	wait "$fake_pid" 2>/dev/null
}

finish()
{
	[ -z "${fake_pid:-}" ] || kill "$fake_pid" 2>/dev/null
	rm -rf "$scratch"
}
trap finish EXIT

# --- files ---
mkdir -p "$scratch/policy.d"
cat >"$scratch/policy.d/50-day.policy" <<-X
	[Match]
	Guest=web*
	[Schedule]
	OnCalendar=Mon..Fri 08:00
	Until=18:00
	TimeZone=UTC
	[Memory]
	Weight=500
	[Disk]
	GrowBy=20%
X
cat >"$scratch/policy.d/80-full.policy" <<-X
	[When]
	Condition=host.mem_available < 10%
	[Memory]
	Headroom=5%
X
printf '[Match]\nGuest=web*\n[Memory]\nMin=700M\nHeadroom=30%%\n' >"$scratch/60-new.policy"
printf '[Memory]\nWieght=3\nMin=1Q\n' >"$scratch/bad.policy"
printf '[When]\nCondition=guest.psi_mem_some > 2%%\n[Memory]\nMin=900M\n' >"$scratch/90-asks.policy"
: >"$scratch/empty.txt"
printf '[Match]\nTag=db\n[CPU]\nWeight=300\n' >"$scratch/70-tags.policy"

# --- without a daemon ---
golden help --help
golden version --version
golden help-guest-set guest set --help
golden help-policy-diff policy diff --help
golden help-policy policy --help
golden unreachable status
exits 1 "you may ask the daemon: no" doctor
golden check-good policy check 60-new.policy policy.d/50-day.policy
golden check-bad policy check bad.policy
golden check-bad-json policy check --json bad.policy
golden check-dir policy check --policy-dir policy.d
golden check-missing policy check 60-nwe.policy
golden test-day policy test web1 --at "2040-01-02 10:00" --policy-dir policy.d
golden test-night policy test web1 --at "2040-01-02 22:00" --policy-dir policy.d
golden test-conditions policy test web1 --at "2040-01-02 22:00" --policy-dir policy.d --conditions-hold
exits 0 '"verdict":"active"' policy test web1 --at "2040-01-02 10:00" --json 60-new.policy
golden diff-offline policy diff 60-new.policy --policy-dir policy.d --guest web9 --guest mail9 --at "2040-01-02 10:00"
golden diff-tags policy diff 70-tags.policy --policy-dir policy.d --guest x --tag db --at "2040-01-02 10:00"
golden diff-nothing policy diff 60-new.policy --policy-dir policy.d --guest mail9 --at "2040-01-02 10:00"
golden diff-unknown policy diff 90-asks.policy --policy-dir policy.d --guest mail9 --guest web9 --at "2040-01-02 10:00"
exits 0 '"conditions_unknown":["80-full.policy","90-asks.policy"]' policy diff 90-asks.policy --policy-dir policy.d --guest mail9 --json
exits 0 '"conditions_unknown":[]' policy diff 90-asks.policy --policy-dir policy.d --guest mail9 --json --conditions-hold
golden diff-bad policy diff bad.policy --policy-dir policy.d --guest web9 --at "2040-01-02 10:00"
exits 0 "1 policy, no mistakes" policy check --policy-dir policy.d policy.d/50-day.policy
exits 6 "systemctl status ballastd" policy diff 60-new.policy --policy-dir policy.d --at "2040-01-02 10:00"
for verb in "check" "test web1" "diff 60-new.policy"; do
	exits 3 "there is no such directory" policy $verb --policy-dir policy.d --policy-dir /nowhere
done
exits 3 "is not a directory" policy check --policy-dir bad.policy
# Where the daemon reads, these read.
mkdir -p "$scratch/conf.d/ballast.conf.d" "$scratch/layer"
printf '[Daemon]\nPolicyPath=%s/none %s/policy.d\n' "$scratch" "$scratch" >"$scratch/conf.d/ballast.conf"
golden check-config policy check --config conf.d/ballast.conf
exits 0 '"directories":["SCRATCH/none","SCRATCH/policy.d"]' policy check --config conf.d/ballast.conf --json
exits 0 "50-day.policy                     in force" policy test web1 --at "2040-01-02 10:00" --config conf.d/ballast.conf
golden diff-config policy diff 60-new.policy --config conf.d/ballast.conf --guest web9 --at "2040-01-02 10:00"
printf '[Daemon]\nPolicyPath=%s/layer %s/none\n' "$scratch" "$scratch" >"$scratch/conf.d/ballast.conf.d/x.conf"
exits 0 "There are no policies in SCRATCH/layer, SCRATCH/none (not there)" policy test web1 --config conf.d/ballast.conf
exits 0 "There are no policies now in SCRATCH/layer, SCRATCH/none (not there)" policy diff 60-new.policy --config conf.d/ballast.conf --guest web9
exits 0 "2 policies, no mistakes" policy check --config conf.d/ballast.conf --policy-dir policy.d
printf '[Daemon]\nPolicyPath=%s/policy.d\nUry=x\n' "$scratch" >"$scratch/conf.d/ballast.conf.d/x.conf"
exits 0 'note: conf.d/ballast.conf.d/x.conf:3:1: unknown key "Ury" in [Daemon], did you mean "Uri"?' policy check --config conf.d/ballast.conf
mv "$scratch/conf.d/ballast.conf.d" "$scratch/kept"
ln -s ballast.conf.d "$scratch/conf.d/ballast.conf.d" # even root cannot read it
exits 0 "note: whether that sets PolicyPath= or HostName= is not known" policy check --config conf.d/ballast.conf
rm "$scratch/conf.d/ballast.conf.d"
mv "$scratch/kept" "$scratch/conf.d/ballast.conf.d"
exits 3 "there is no such file" policy check --config conf.d/no.conf
# [Match] asks for more than a name.
printf '[Daemon]\nHostName=h1\nPolicyPath=%s/layer\n' "$scratch" >"$scratch/conf.d/ballast.conf"
rm -r "$scratch/conf.d/ballast.conf.d"
printf '[Match]\nHost=h1\n[Memory]\nMax=1G\n' >"$scratch/60-host.policy"
printf '[Match]\nUUID=11110000-0000-0000-0000-000000000001\n[Memory]\nMax=2G\n' >"$scratch/70-uuid.policy"
printf '[Match]\nGuest=web1\n[Memory]\nMax=3G\n' >"$scratch/80-name.policy"
cp "$scratch/60-host.policy" "$scratch/70-uuid.policy" "$scratch/80-name.policy" "$scratch/layer"
golden test-match policy test web1 --at "2040-01-02 10:00" --config conf.d/ballast.conf
golden test-match-uuid policy test 11110000-0000-0000-0000-000000000001 --at "2040-01-02 10:00" --config conf.d/ballast.conf
exits 0 '"verdict":"match-unknown"' policy test web1 70-uuid.policy --json
exits 0 "70-uuid.policy                    in force" policy test web1 70-uuid.policy --uuid 11110000-0000-0000-0000-000000000001
exits 0 "70-uuid.policy                    not for this guest" policy test web1 70-uuid.policy --uuid 11110000-0000-0000-0000-000000000002
exits 2 '--uuid: "web1" is not a UUID' policy test web1 70-uuid.policy --uuid web1
printf '[Daemon]\nHostName=h2\n' >"$scratch/conf.d/other.conf"
exits 0 "60-host.policy                    not for this guest" policy test web1 60-host.policy --config conf.d/other.conf
rm "$scratch"/layer/*
golden diff-match policy diff 60-host.policy 70-uuid.policy 80-name.policy --guest web1 --at "2040-01-02 10:00" --config conf.d/ballast.conf
exits 0 '"matches_unknown":["70-uuid.policy"]' policy diff 70-uuid.policy --guest web1 --json --config conf.d/ballast.conf
exits 3 "No such file" simulate /nowhere.json
exits 9 "empty.txt: ballastd ignores it: a policy's name ends in .policy" policy check empty.txt
exits 9 "2 mistakes" policy check empty.txt empty.txt
exits 0 "1 policy, no mistakes" policy check - # what has no name has no wrong one
COLUMNS=80 golden test-80 policy test web1 --at "2040-01-02 10:00" --policy-dir policy.d

# --- options before a noun that has its own ---
scenario=$srcdir/simulate/scenarios/$(ls -S "$srcdir/simulate/scenarios" | tail -n 1)
scenario=$(realpath "$scenario")
run simulate "$scenario" --json >"$scratch/simulated"
for words in "--json simulate $scenario" "-j simulate $scenario" "simulate -j $scenario" "simulate $scenario -j"; do
	run $words | cmp -s - "$scratch/simulated" && tail -n 1 "$scratch/simulated" | grep -qE "^exit [01]$"
	report $? "ballastctl $words: as simulate FILE --json"
done
exits 2 "simulate does not take --socket" --socket X simulate "$scenario"
exits 2 "simulate does not take --timeout" --timeout 1s simulate "$scenario"
exits 2 "simulate does not take --limit" --limit=3 simulate "$scenario"
exits 0 "Usage: ballastctl simulate FILE" --help simulate
exits 0 "Usage: ballastctl simulate FILE" simulate --help
exits 2 "a scenario file is missing" simulate

# --- problems for programs ---
problem 6 unreachable "ballastd does not answer at" status -j
problem 6 unreachable "ballastd does not answer at" --json events --follow
problem 2 usage 'there is no command \"bogus\"' -j bogus
problem 2 usage 'there is no mode \"foo\"' -j mode foo
problem 2 usage "there is no option --limt" events --limt 3 --json
problem 3 not-found "/nonexist: there is no such file" -j policy check /nonexist
problem 9 configuration-bad '"findings":[{"file":"bad.policy","line":2' -j policy test web1 bad.policy
problem 9 configuration-bad '"detail":"2 mistakes"' -j policy diff bad.policy --guest x --policy-dir policy.d
problem 3 not-found "What was named is not there" -j simulate /nowhere.json

# --- wrong usage ---
exits 2 'did you mean "guest"?' gest list
exits 2 'there is no command "frobnicate"' frobnicate
exits 2 'did you mean "show"?' guest shwo web1
exits 2 "did you mean --limit?" events --limt 3
exits 2 "does not take --follow" status --follow
exits 2 "there is no option -z" status -z
exits 2 "--socket needs PATH" status --socket
exits 2 "--json takes no value" status --json=yes
exits 2 "is given twice" guest set web1 --min 1G --min 2G
exits 2 "guest show needs GUEST" guest show
exits 2 '"b" is too much' guest show a b
exits 2 "expected a size" guest set web1 --min 1Q
exits 2 "expected 1 to 10000" guest set web1 --weight 0
exits 2 "--headroom" guest set web1 --headroom 200%
exits 2 "--for" guest set web1 --min 1G --for soon
exits 2 '--until: found "yesterday", expected a time to come: 18:00, "Mon 08:00"' guest set web1 --min 1G --until yesterday
exits 2 'or 2026-12-01T18:00:00Z in UTC; for a span there is --for=2h' pause --until 2h
exits 2 "give either --for or --until" guest set web1 --min 1G --for 1h --until 08:00
exits 2 "give it, or them" guest set web1 --memory 1G --min 1G
exits 2 "--clear goes without --max" guest set web1 --clear --max 1G
exits 2 "nothing to set" guest set web1
exits 2 'did you mean "enforce"?' mode enfroce
exits 2 "--release goes with observe" mode enforce --release
exits 2 "--at" policy test web1 --at never
exits 2 "--interval" events --interval 5ms
exits 2 "--timeout: " status --timeout=bogus
exits 2 "--timeout: found \"100ms\", expected 1s to 1d" status --timeout=100ms
for limit in 0 1001 x ""; do
	exits 2 "--limit: found \"$limit\", expected 1 to 1000" events --limit "$limit"
done

# --- with a daemon ---
start_fake || { echo "Bail out! no fake ballastd"; exit 1; }
golden status status
golden nothing-said
golden status-json status --json
golden top top --once
golden guest-list guest
golden guest-list-json guest list --json
golden guest-list-some guest list '*1' --condition pressed
exits 0 "No guest is like that." guest list 'nobody*'
exits 2 "condition" guest list --condition hungry
exits 0 "web1" guest list --tag db
golden guest-show guest show web1
golden guest-show-fixed guest show old1
golden guest-show-escapes guest show mail1
golden guest-show-json guest show 11110000-0000-0000-0000-000000000001 --json
golden guest-explain guest explain web1
golden guest-explain-night guest explain backup1
golden host-explain host explain
golden host-list host list
golden host-show host
golden whoami whoami
exits 3 'there is no host "h2"' host explain h2
exits 0 '"plan":{' host explain --json
golden policy-list policy
golden policy-show-guest policy show backup1
golden policy-show-policy policy show 60-night
golden policy-show-unknown policy show wbe1
golden policy-explain policy explain web1
golden events events
golden events-filtered events --guest web1 --kind command
golden events-json events --json --limit 2
golden events-after events --after host1:0badcafe:4
for columns in 80 60; do
	for command in status "guest explain web1" "host explain" events "guest show web1" "policy explain web1"; do
		COLUMNS=$columns golden "${command// /-}-$columns" $command
	done
done
golden mode mode
golden mode-dry mode observe --dry-run
golden mode-observe mode observe
golden status-observe status
exits 0 "ballastctl: mode is observe: it takes effect only with: ballastctl mode enforce" guest set files1 --weight 200
exits 0 "ballastctl: mode is observe: it takes effect only with: ballastctl mode enforce" guest set files1 --clear
golden set-observe-dry guest set files1 --weight 200 --dry-run
golden mode-release-dry mode observe --release -n
golden mode-release mode observe --release --yes
exits 2 "say --yes" mode observe --release
exits 1 '"left_out":[{' mode observe --release --json -y
tell_fake back
exits 0 '"left_out":[]' mode observe --release --json -y
exits 0 "2 guests are given back" mode observe --release -y
golden mode-enforce mode enforce
exits 0 "not paused" pause
exits 0 "nothing was paused" pause --clear
exits 2 "for how long?" pause --message x
exits 2 "expected 1s to 31 days" pause --for 32d
golden pause-dry pause --for 2h --message "storage move" -n
golden pause pause --for 2h --message "storage move"
golden status-paused status
exits 0 "ballastctl: Ballast is paused: it takes effect when that is over" guest set files1 --weight 200
exits 0 "ballastctl: Ballast is paused" guest set files1 --clear
exits 0 "would end the pause" pause --clear -n
exits 0 '"paused":true' pause --json
exits 0 "the pause is over" pause --clear
# What somebody else wrote is shown, and commands no terminal.
exits 2 "message: control characters" pause --for 1h --message $'a\e]0;title\ab\u009b31mc'
exits 2 "reason: control characters" guest set web1 --weight 200 --for 1h --reason $'a\e[2Jb' -n
curl -s --unix-socket "$BALLAST_SOCKET" -H 'Content-Type: application/json' \
	-d '{"uuid":"11112222-3333-4444-8555-666677778887","name":"a\u001b]0;title\u0007b\u009b31mc\u202ed","bytes":1048576}' http://localhost/v1/reservations >hostile
exits 0 "a?]0;title?b?31mc?d" reservation list
exits 0 "cancelled" reservation cancel 11112222-3333-4444-8555-666677778887
golden reload reload
golden reload-dry reload -n
golden set-dry guest set web1 --min 512M --weight 300 --for 2h --reason "release day" --dry-run
golden set guest set web1 --memory 1G --cpu-quota 150% --until 2040-01-03T08:00:00Z --reason "release day"
golden set-explained guest explain web1
golden set-clear-dry guest set web1 --clear -n
exits 0 '{"overrides":[]}' guest set web1 --clear --json
golden set-again guest set web1 --memory 1G --json
golden set-clear guest set web1 --clear
golden set-clear-again guest set web1 --clear
golden set-min-over-max guest set web1 --min 2G --max 1G
golden enroll guest enroll web1
golden enroll-dry guest enroll web1 --dry-run
golden enroll-cannot guest enroll old1
golden diff policy diff 60-new.policy --policy-dir policy.d --at "2040-01-02 10:00"
golden diff-json policy diff 60-new.policy --policy-dir policy.d --at "2040-01-02 10:00" --json
golden diff-strangers policy diff 60-new.policy --policy-dir policy.d --at "2040-01-02 10:00" --guest web1 --guest nosuchguest
# host1 is what the daemon calls its host.
printf '[Match]\nHost=host1\nTag=db\n[Memory]\nMax=1G\n' >"$scratch/60-host.policy"
exits 0 "60-host.policy                    in force" policy test web1 60-host.policy
exits 0 "70-uuid.policy                    in force" policy test web1 70-uuid.policy
exits 0 "80-name.policy                    in force" policy test 11110000-0000-0000-0000-000000000001 80-name.policy
exits 0 "80-name.policy                    not for this guest" policy test files1 80-name.policy
exits 0 "60-host.policy                    not for this guest" policy test web1 60-host.policy --tag other
exits 0 "60-host.policy                    in force" policy test nosuchguest 60-host.policy --tag db
golden diff-match-known policy diff 60-host.policy 70-uuid.policy --policy-dir policy.d --at "2040-01-02 10:00"
exits 3 'nearest name is "web1"' guest show wbe1
exits 3 'nearest name is "web1"' guest explain wbe1
exits 3 'nearest name is "web1"' guest enroll wbe1
exits 3 'nearest name is "web1"' guest set wbe1 --min 1G
exits 3 'nearest name is "web1"' events --guest wbe1
exits 2 "ballastctl: --max: 900 GiB is more than web1 can have, 4 GiB" guest set web1 --max 900G
exits 2 'did you mean "command"?' events --kind comand
golden events-kind-unknown events --kind cmd
for kind in $(sed -n 's/^Kinds: *//p; s/^  \([a-z]\)/\1/p' "$scratch/events-kind-unknown"); do
	sed -n '/\\-\\-kind=/,/\\-\\-limit=/s/\\-/-/gp' "$srcdir/man/ballastctl.1" | grep -qwF -- "$kind"
	report $? "ballastctl(1) has the kind of event $kind"
done
exits 3 '"code":"guest-unknown"' guest show wbe1 --json

tell_fake restart
golden reload-restart reload
tell_fake bad
golden reload-bad reload
golden policy-list-bad policy list
tell_fake hold
exits 7 "it takes longer; it goes on as operation 7: ballastctl operation wait 7" reload --timeout 1s
exits 0 "running" operation
exits 7 "goes on as operation 7" operation wait 7 --timeout 1s
exits 4 "ballastctl" operation cancel 7
exits 3 "ballastctl" operation show 99
"$ctl" operation wait 7 >"$scratch/waited" 2>"$scratch/interrupted" &
waiting=$!
for _ in $(seq 600); do # until its SIGINT is caught
	[ $((0x$(sed -n 's/^SigCgt:[^0-9a-f]*//p' "/proc/$waiting/status") & 2)) != 0 ] && break
	sleep 0.05
done
kill -INT $waiting
wait $waiting
[ $? = 7 ] && grep -q "stopped waiting; it goes on as operation 7: ballastctl operation wait 7" "$scratch/interrupted"
report $? "Ctrl-C while one waits for an operation ends the waiting, not the work"
tell_fake release
tell_fake jobs
golden status-jobs status
tell_fake full
"$ctl" mode enforce >/dev/null # after a command no view from before it is shown
COLUMNS=400 exits 0 "at 4 GiB, all that its definition allows -> it cannot grow" status
COLUMNS=400 exits 0 "mail1         its agent is not listened to until" status
COLUMNS=400 exits 0 "for it misbehaved: ballastctl events --guest mail1 --kind channel-shut" guest show mail1
COLUMNS=400 exits 0 "reads 120 pages a second back too soon" status
COLUMNS=400 exits 0 "of memory available at" status
COLUMNS=400 exits 0 "at 3 GiB, all that Max= allows -> it cannot grow" status
exits 0 "its agent is not listened to for another 1min, for it misbehaved (ballastctl events --guest mail1" guest explain mail1
tell_fake crowd
"$ctl" mode enforce >/dev/null
golden status-crowd status

# --- the set-up: what of it is this machine's is known to the unit test alone ---
exits 1 '{"name":"guest-agent","title":"every guest'"'"'s agent is heard","state":"bad","findings":[{"state":"bad","subject":"mail1"' doctor --json
exits 1 "systemctl status ballast-agent" doctor
printf '[Daemon]\nUry=x\n' >"$scratch/doctor.conf"
COLUMNS=400 exits 1 'doctor.conf:2:1: unknown key "Ury"' doctor --config doctor.conf
printf '[Daemon]\nStateDirectory=%s/none\nPolicyPath=%s/policy.d %s/layer\n' "$scratch" "$scratch" "$scratch" >"$scratch/doctor.conf"
cp "$scratch/policy.d/50-day.policy" "$scratch/layer"
ln -s /dev/null "$scratch/layer/80-full.policy"
COLUMNS=400 exits 1 "SCRATCH/policy.d/50-day.policy: SCRATCH/layer/50-day.policy stands for it" doctor --config doctor.conf
COLUMNS=400 exits 1 "SCRATCH/policy.d/80-full.policy: it is masked by SCRATCH/layer/80-full.policy" doctor --config doctor.conf
COLUMNS=400 exits 1 "SCRATCH/none: it is not there" doctor --config doctor.conf
printf '[API]\nListen=127.0.0.1:1\n' >"$scratch/doctor.conf"
COLUMNS=400 exits 1 "127.0.0.1:1: nobody answers there" doctor --config doctor.conf
rm "$scratch"/layer/*

# --- a daemon that does not turn at all ---
kill -STOP "$fake_pid"
exits 7 "may still be going on" reload --timeout 1s
exits 6 "has not answered in 1 s" status --timeout 1s
kill -CONT "$fake_pid"

# --- people who may not ---
as_nobody() # NAME CODE TEXT: status, asked by a user without rights
{
	local out
	out=$(setpriv --reuid=65534 --regid=65534 --clear-groups "$ctl" status 2>&1; echo "exit $?")
	[[ $out == *"$3"* && $out == *"exit $2" ]]
	local r=$?
	[ $r = 0 ] || echo "$out" | sed 's/^/# /'
	report $r "$1"
}
if [ "$(id -u)" = 0 ] && setpriv --reuid=65534 --regid=65534 --clear-groups "$ctl" --version >/dev/null 2>&1; then
	chmod 711 "$scratch"
	as_nobody "the daemon refuses: role and remedy are said" 5 'has role none here and needs read: join group "root", which may do everything (adduser NAME root, then log in anew), or set ReadGroup= in'
	chmod 600 "$BALLAST_SOCKET"
	as_nobody "the socket refuses: its group is named" 5 'join the group "root"'
	chmod 666 "$BALLAST_SOCKET"
else
	n=$((n + 1)); echo "ok $n - people who may not # SKIP needs root and a build that others can run"
fi

# --- output that cannot be written ---
"$ctl" status >/dev/full 2>"$scratch/out"
[ $? = 1 ] && grep -q "cannot write" "$scratch/out"
report $? "a full disk is not success"

# --- watching ---
wait_for() # FILE TEXT
{
	for _ in $(seq 600); do
		grep -aqF -- "$2" "$1" && return 0
		sleep 0.05
	done
	sed 's/^/# /' "$1"
	return 1
}
"$ctl" events --follow --interval 100ms --json >"$scratch/follow" &
follow_pid=$!
wait_for "$scratch/follow" agent-lost && "$ctl" mode observe >/dev/null &&
	wait_for "$scratch/follow" '"text":"mode is observe"'
r=$?
kill -INT $follow_pid
wait $follow_pid
[ $? = 0 ] && [ $r = 0 ] && [ "$(grep -c '"kind":"mode"' "$scratch/follow")" -ge 1 ]
report $? "events --follow shows what comes, and ends by Ctrl-C"
"$ctl" mode enforce >/dev/null

if script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
	TERM=xterm script -qec "$ctl status" "$scratch/typed" >/dev/null </dev/null
	grep -aq $'\033\[1;31m' "$scratch/typed"
	report $? "colours on a terminal"
	NO_COLOR=1 TERM=xterm script -qec "$ctl status" "$scratch/typed" >/dev/null </dev/null
	grep -aq web1 "$scratch/typed" && ! grep -aq $'\033' "$scratch/typed"
	report $? "none with NO_COLOR"
	: >"$scratch/typed"
	{
		wait_for "$scratch/typed" "q quit" && printf s
		sleep 0.3 # keys are looked at one by one: this only parts them
		printf q
	} | TERM=xterm script -qefc "$ctl top --interval 200ms" "$scratch/typed" >/dev/null
	r=$?
	[ $r = 0 ] && grep -aq $'\033\[?1049h' "$scratch/typed" && grep -aq $'\033\[?1049l' "$scratch/typed" &&
		grep -aq WAITS "$scratch/typed" && grep -aq 'more is wrong: ballastctl status' "$scratch/typed"
	report $? "top takes the screen, keys, and gives the screen back"
	for size in "80 24" "60 12"; do
		: >"$scratch/typed"
		{
			wait_for "$scratch/typed" "q quit" && wait_for "$scratch/typed" $'\033[J'
			printf q
		} | TERM=xterm script -qefc "stty cols ${size% *} rows ${size#* }; exec env -u COLUMNS $ctl top" \
			"$scratch/typed" >/dev/null
		# One frame: from "go to the upper left corner" to "clear below"
		sed -n '/\x1b\[H/,/\x1b\[J/p' "$scratch/typed" | sed '/\x1b\[J/q' |
			sed -E 's/\x1b\[[0-9;?]*[a-zA-Z]//g; s/\r+$//' >"$scratch/frame"
		rows=0 widest=0
		while IFS= read -r line; do
			rows=$((rows + 1))
			[ "${#line}" -le "$widest" ] || widest=${#line}
		done <"$scratch/frame"
		head -n 1 "$scratch/frame" | grep -q "q quit" && sed -n 2p "$scratch/frame" | grep -q "^host1" &&
			[ "$widest" -le "${size% *}" ] && [ "$rows" -le "${size#* }" ]
		r=$?
		[ $r = 0 ] || sed 's/^/# /' "$scratch/frame"
		report $r "top fits ${size% *} columns and ${size#* } rows: $widest, $rows"
	done
else
	n=$((n + 1)); echo "ok $n - colours and top # SKIP no pseudo-terminal"
fi

stop_fake

# --- a host in need, and nothing else that is wrong ---
start_fake || { echo "Bail out! no fake ballastd"; exit 1; }
tell_fake calm
COLUMNS=400 exits 0 "All is well" status
tell_fake squeeze
"$ctl" mode enforce >/dev/null
golden status-critical status
"$ctl" mode observe >/dev/null
COLUMNS=400 exits 0 "and there are 7 GiB for them (it is what they use, their Min=" status
COLUMNS=400 exits 0 "-> nothing is done in this mode; mend: lower Min=" status
stop_fake
fake_pid=

# --- a bad night ---
start_fake || { echo "Bail out! no fake ballastd"; exit 1; }
tell_fake trouble
for columns in 80 120; do
	COLUMNS=$columns golden status-trouble-$columns status
done
COLUMNS=80 golden explain-trouble guest explain web1
exits 0 "events --guest files1 says more" status
exits 0 "safety net    none: neither swap nor autodeflate" guest show backup1
exits 0 "safety net    none: too little of its swap is free (300 MiB of 1 GiB), and no autodeflate" guest show mail1
exits 0 "min           512 MiB    by policy or by hand" guest show backup1
golden set-trouble guest set web1 --weight 300
golden mode-trouble mode enforce
exits 0 "exit 0" mode enforce -n
stop_fake
fake_pid=
exits 6 "systemctl status ballastd" guest list
echo "1..$n"
exit $failed
