# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For tests of ballastd in the lab: after lib.sh.
#
#   ctl ARGS...             ballastctl in h1
#   api METHOD PATH [BODY]  the answer of the API in h1
#   figure GUEST FIELD      a number of a guest, e.g. memory.target; "null" where there is none
#   actual GUEST            its balloon in bytes, asked of QEMU
#   put_policy NAME <TEXT   installs a policy file in h1 and reloads
#   journal [WORD]          ballastd's journal
#   calls KIND              how often ballastd asked libvirt so, by its own count ("mutating": what could change a guest)
#   has GUEST N             its balloon holds at least N bytes
#   fill_state              ballastd, in mode enforce, goes on with what it had saved on a full disk of its own; that was saved: /var/tmp/ballast.saved
: "${TEST_TOP:?source lib.sh first}"

ctl() {
	lab in h1 ballastctl "$@"
}

put_policy() { # NAME <TEXT
	lab in h1 sh -c "mkdir -p /etc/ballast/policy.d; cat >/etc/ballast/policy.d/$1; ballastctl reload >/dev/null"
}

api() {
	if [ $# -gt 2 ]; then
		lab in h1 curl -s --max-time 30 --unix-socket /run/ballast/api.sock -X "$1" -H 'Content-Type: application/json' \
			-d "$3" "http://localhost/v1/$2"
	else
		lab in h1 curl -s --max-time 30 --unix-socket /run/ballast/api.sock -X "$1" "http://localhost/v1/$2"
	fi
}

figure() {
	api GET "guests/$1" | python3 -c '
import json, sys
v = json.load(sys.stdin)
for k in sys.argv[1].split("."):
    v = v[k] if v is not None else None
print("null" if v is None else str(v).lower() if isinstance(v, bool) else v)' "$2" 2>/dev/null
}

actual() {
	echo $(($(lab in h1 virsh dommemstat "$1" | sed -n 's/^actual //p') * 1024))
}

has() {
	[ "$(actual "$1")" -ge "$2" ]
}

journal() {
	lab in h1 journalctl -u ballastd -o cat --no-pager | { if [ $# -gt 0 ]; then grep -e "$1"; else cat; fi; }
}

journal_has() {
	journal "$1" | grep -q .
}

# More lines that count libvirt calls than N: the daemon has answered the signal.
calls_told() {
	[ "$(journal 'libvirt calls:' | wc -l)" -gt "$1" ]
}

calls() {
	local before

	before=$(journal 'libvirt calls:' | wc -l)
	lab in h1 systemctl kill --signal=USR1 ballastd
	wait_until 20 calls_told "$before" >/dev/null
	journal 'libvirt calls:' | tail -n 1 | tr ' ' '\n' | sed -n "s/^$1=//p" | grep . || echo 0
}

reported() {
	[ "$(figure "$1" report.source)" = agent ]
}

status_line() {
	lab in h1 systemctl show -p StatusText --value ballastd
}

status_has() {
	status_line | grep -q -e "$1"
}

enforce() {
	ctl mode enforce >/dev/null
}

fill_state() {
	lab in h1 systemctl stop ballastd
	lab in h1 sh -c 'cp -a /var/lib/ballast /var/tmp/ballast.saved
		mount -t tmpfs -o size=512k,mode=700 tmpfs /var/lib/ballast && cp -a /var/tmp/ballast.saved/. /var/lib/ballast/ &&
			chown -R ballast:ballast /var/lib/ballast'
	lab in h1 systemctl start ballastd
	wait_until 20 status_has enforce
	lab in h1 sh -c 'cat /dev/zero >/var/lib/ballast/fill 2>/dev/null; true'
}
