#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The API over TLS as it is installed: the shipped unit as user ballast, set up by the very commands of ballast.conf(5)'s EXAMPLE, and asked from another
# machine of the lab's network by token and by certificate, over IPv4 and IPv6. What the unit's sandbox allows, and what it does not.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon.sh"

for tool in openssl curl ip; do
	command -v $tool >/dev/null || tap_skip_all "$tool is not installed: scripts/deps"
done
unshare --mount true 2>/dev/null || tap_skip_all "no mount namespace of its own can be had here (the root of a chroot is no mount)"
certificates=$TEST_TMP/certificates
mkdir "$certificates" "$TEST_TMP/home"
. "$TEST_TOP/tests/fixture/certificates.sh"
lab_up 1

# --- Another machine: the lab's switch, with addresses of its own, and host1's name ---
SWITCH=$LAB_DIR/net/switch H1=$LAB_DIR/net/h1
nsenter --net="$SWITCH" ip addr add 10.79.0.254/24 dev br0
nsenter --net="$SWITCH" ip -6 addr add fd79::fe/64 dev br0 nodad
nsenter --net="$H1" ip -6 addr add fd79::1/64 dev eth0 nodad
printf '127.0.0.1 localhost\n10.79.0.1 host1.example.net\nfd79::1 host1-6.example.net\n' >"$TEST_TMP/hosts"
outside() { # CMD...: there, in a folder with what a client has
	nsenter --net="$SWITCH" unshare --mount sh -c 'mount --bind "$0" /etc/hosts && cd "$1" && shift && exec "$@"' \
		"$TEST_TMP/hosts" "$certificates" env HOME="$TEST_TMP/home" XDG_CONFIG_HOME= PATH="$LAB_DIR/h1/root/usr/bin:$PATH" "$@"
}
example() { # N: the commands of the N-th part of the page's EXAMPLE
	sed -n '/^\.SH EXAMPLE/,/^\.SH FILES/p' "$TEST_TOP/man/ballast.conf.5" |
		awk -v n="$1" '/^\.nf/ { i++; on = 1; next } /^\.fi/ { on = 0 } on && i == n' | sed 's/\\-/-/g; s/\\(ha/^/g'
}
on_h1() { # as root there, in a folder with what its administrator has
	lab in h1 bash -c 'mkdir -p /root/tls && cd /root/tls && exec bash -eux -s'
}
give() { # FROM TO: a file into that folder
	lab in h1 sh -c "umask 077; mkdir -p /root/tls; cat >/root/tls/$2" <"$certificates/$1"
}

NAMES=(DNS:host1.example.net DNS:host1-6.example.net IP:10.79.0.1)
authority ca
authority clients
authority foreign
certificate host1 ca host1 serverAuth 20 "${NAMES[@]}"
certificate renewed ca host1 serverAuth 25 "${NAMES[@]}"
certificate ops clients ops clientAuth 20
certificate stranger clients stranger clientAuth 20
certificate outsider foreign ops clientAuth 20
ended expired ops clients
cp "$certificates/ca.crt" "$certificates/ca.pem"
cp "$certificates/ops.crt" "$certificates/ops.pem"
give host1.crt host1.pem
give host1.key host1.key
give clients.crt clients.pem

# --- As the page says ---
tap_fails "nothing listens before" outside curl -s -m 5 --cacert ca.pem https://host1.example.net:8006/healthz
example 1 >"$TEST_TMP/1" && example 2 >"$TEST_TMP/2" && example 3 >"$TEST_TMP/3"
tap_ok "the page has commands for host and client" sh -c "grep -q '^systemctl restart' $TEST_TMP/1 && grep -q '^curl' $TEST_TMP/2 && grep -q '^systemctl reload' $TEST_TMP/3"
set_up() { on_h1 <"$TEST_TMP/1"; }
tap_ok "the commands of ballast.conf(5) work" set_up
tap_is "ballastd runs" "$(lab in h1 systemctl is-active ballastd)" active
tap_is "as user ballast" "$(lab in h1 ps -C ballastd -o user:20=)" ballast
tap_is "with no capability" "$(lab in h1 sh -c 'sed -n "s/^CapEff:\t//p" /proc/$(pidof ballastd)/status')" 0000000000000000
tap_is "others cannot read the key" "$(lab in h1 stat -c '%a %U %G' /etc/ballast/api.key)" "640 root ballast"
tap_is "nor the tokens" "$(lab in h1 stat -c '%a %U %G' /etc/ballast/tokens)" "640 root ballast"
(umask 077 && lab in h1 cat /root/tls/host1.token >"$certificates/host1.token")
client_commands() { outside bash -eux "$TEST_TMP/2"; }
tap_ok "and those for a client" client_commands
tap_is "ballastctl doctor finds the network well served" "$(ctl doctor --json | jq -r '.checks[] | select(.name == "network") | .state')" ok

# --- Who gets what ---
asked() { # STATUS PATH CURL-ARGUMENT...
	local wanted=$1 path=$2 got

	shift 2
	got=$(outside curl -s -m 10 -o "$TEST_TMP/answer" -w '%{http_code}' --cacert ca.pem "$@" "https://host1.example.net:8006$path")
	[ "$got" = "$wanted" ] || { echo "got $got"; cat "$TEST_TMP/answer"; return 1; }
}
by() { echo --cert "$1.crt" --key "$1.key"; }
bearer="Authorization: Bearer $(cat "$certificates/host1.token")"
tap_ok "nobody without a credential" asked 401 /v1/guests
tap_ok "a token reads" asked 200 /v1/guests -H "$bearer"
tap_ok "and the figures for Prometheus" asked 200 /metrics -H "$bearer"
tap_ok "and changes nothing" asked 403 /v1/reload -X POST -H "$bearer"
tap_ok "a certificate with the role admin reloads" asked 200 /v1/reload -X POST $(by ops)
tap_ok "one whose name has no role may nothing" asked 403 /v1/guests $(by stranger)
tap_ok "an expired one is refused" asked 401 /v1/guests $(by expired)
tap_ok "a foreign one is refused" asked 401 /v1/guests $(by outsider)
tap_ok "the journal says which was refused and why" journal_has 'refused a credential from 10.79.0.254: its certificate has expired'
tap_ok "the page is served" asked 200 /
tap_fails "a client that does not know the authority does not talk to it" outside curl -s -m 5 https://host1.example.net:8006/healthz
tap_is "ballastctl from outside: who it is" "$(outside ballastctl --context host1-admin whoami --json | jq -r '.name + " " + .role')" "cert CN=ops admin"
tap_ok "ballastctl from outside commands" outside ballastctl --context host1-admin pause --for 5m --message "from outside"
tap_is "and it is so" "$(api GET hosts/self | jq -r '.pause.message')" "from outside"
outside ballastctl --context host1-admin pause --clear >/dev/null
outside ballastctl --context host1 pause --for 5m >"$TEST_TMP/said" 2>&1
tap_is "with a token of role read it is denied, by exit code 5" $? 5

# --- IPv6 ---
if [ -e /proc/sys/net/ipv6 ]; then
	tap_ok "over IPv6" outside curl -sf -m 10 -6 -o /dev/null --cacert ca.pem -H "$bearer" https://host1-6.example.net:8006/v1/guests
	tap_ok "ballastctl over IPv6" outside ballastctl --host https://host1-6.example.net --ca ca.pem --token-file host1.token status
else
	tap_skip "over IPv6" "this kernel has none"
fi

# --- Renewed ---
serial() { outside sh -c 'echo | timeout 10 openssl s_client -connect host1.example.net:8006 2>/dev/null | openssl x509 -noout -serial'; }
give renewed.crt host1.pem
give renewed.key host1.key
renew() { on_h1 <"$TEST_TMP/3"; }
tap_ok "the commands for a renewed certificate work" renew
is_renewed() { [ "$(serial)" = "$(openssl x509 -noout -serial -in "$certificates/renewed.crt")" ]; }
tap_ok "a reload takes it over" wait_until 10 is_renewed
tap_ok "and serves as before" asked 200 /v1/guests -H "$bearer"
# The key's group forgotten: the old one stays in force.
lab in h1 sh -c 'install -m 600 /root/tls/host1.key /etc/ballast/api.key; systemctl reload ballastd'
unreadable() { ctl status | grep -q 'api.key'; }
tap_ok "a key that user ballast cannot read is told" wait_until 10 unreadable
tap_ok "and the one before is in force" asked 200 /v1/guests -H "$bearer"
lab in h1 sh -c 'install -m 640 -g ballast /root/tls/host1.key /etc/ballast/api.key; systemctl reload ballastd'

# --- The unit's credentials instead of paths; a port below 1024 ---
drop_in() { # NAME <TEXT: into the unit
	lab in h1 sh -c "mkdir -p /etc/systemd/system/ballastd.service.d && cat >/etc/systemd/system/ballastd.service.d/$1.conf && systemctl daemon-reload"
}
conf() { # <TEXT
	lab in h1 sh -c 'cat >/etc/ballast/ballast.conf.d/50-network.conf'
}
drop_in 50-tls <<-END
	[Service]
	LoadCredential=api.crt:/root/tls/host1.pem
	LoadCredential=api.key:/root/tls/host1.key
END
conf <<-END
	[API]
	Listen=[::]:8006
END
tap_ok "certificate and key by LoadCredential, from where user ballast cannot look" lab in h1 systemctl restart ballastd
tap_ok "are served" asked 200 /v1/guests -H "$bearer"
conf <<-END
	[API]
	Listen=[::]:443
END
lab in h1 systemctl restart ballastd >/dev/null 2>&1
tap_is "a port below 1024 is refused as bad configuration" "$(lab in h1 systemctl show -p ExecMainStatus --value ballastd)" 9
tap_ok "and the journal says what to do" journal_has 'ports below 1024'
tap_is "without a second try" "$(lab in h1 systemctl show -p NRestarts --value ballastd)" 0
sed -n '/^\.B Listen=/,/^Default:/p' "$TEST_TOP/man/ballast.conf.5" | sed -n '/^\[Service\]/,/^\.fi/p' | sed '/^\.fi/d; s/\\-/-/g' >"$TEST_TMP/low"
drop_in 60-port <"$TEST_TMP/low"
lab in h1 systemctl reset-failed ballastd
tap_ok "with the page's drop-in ballastd starts" lab in h1 systemctl restart ballastd
tap_ok "and is served on 443" outside curl -sf -m 10 -o /dev/null --cacert ca.pem -H "$bearer" https://host1.example.net/v1/guests

# --- No more than that ---
unit() { lab in h1 systemctl show -p "$1" --value ballastd; }
tap_is "no address families but these" "$(unit RestrictAddressFamilies)" "AF_INET AF_INET6 AF_UNIX"
# In the very sandbox of the unit, but for what runs in it.
lab in h1 sed -e 's|^ExecStart=.*|ExecStart=/bin/sh /usr/local/sandboxed|' -e 's/^Type=.*/Type=oneshot/' -e 's/^StartLimitIntervalSec=.*/StartLimitIntervalSec=0/' \
	-e '/^Restart/d; /^WatchdogSec/d; /^ExecReload/d; /^OnFailure/d; /^StartLimitBurst/d; /^RuntimeDirectory/d' \
	/usr/lib/systemd/system/ballastd.service >"$TEST_TMP/sandbox"
lab in h1 sh -c 'cat >/etc/systemd/system/ballast-sandbox.service && systemctl daemon-reload' <"$TEST_TMP/sandbox"
sandboxed() { # CMD
	echo "$1" | lab in h1 sh -c 'cat >/usr/local/sandboxed; systemctl start ballast-sandbox'
}
tap_ok "in the unit's sandbox a program runs" sandboxed "true"
tap_ok "may listen on TCP" sandboxed "exec python3 -c 'import socket; socket.create_server((str(), 8010))'"
tap_fails "has no raw socket" sandboxed "exec python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)'"
tap_fails "no packet socket" sandboxed "exec python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)'"
tap_fails "no netlink" sandboxed "exec python3 -c 'import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)'"
tap_fails "no port below 1024" sandboxed "exec python3 -c 'import socket; socket.create_server((str(), 80))'"
tap_fails "and sees no home" sandboxed "exec ls /root/tls"
tap_ok "in all that time it was the sandbox that refused" sandboxed "true"
tap_done
