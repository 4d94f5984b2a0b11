# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# A ballastd over libvirt's test driver that serves the page on a port of this machine's loopback: sourced after tests/api/lib.sh, whose world() and
# heard() a test may replace. Needs browser_ready.
#
#   page_up [LINE...]    up, with these lines more in [API]; sets page_port, and PAGE_URL, TOKEN_ADMIN and TOKEN_READ for node
#   page_run NAME.mjs    a script of tests/browser
page_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
page_lines=("LoopbackWithoutTls=yes")
page_policies() { # what is in the administrator's directory
	printf '[Policy]\nDescription=All guests\n[Memory]\nMin=32M\n' >"$tmp/policy.d/10-all.policy"
	printf '[Policy]\nDescription=At night\n[Schedule]\nOnCalendar=Mon..Fri 20:00\nUntil=08:00\n[Memory]\nWeight=50\n' >"$tmp/policy.d/60-night.policy"
}
config() {
	mkdir -p "$tmp/state" "$tmp/policy.d"
	page_policies
	cat <<-END
		[Daemon]
		Uri=test://$tmp/world.xml
		StateDirectory=$tmp/state
		PolicyPath=$tmp/state/policy.d $tmp/policy.d
		[API]
		Socket=$tmp/api.sock
		Tokens=$tmp/tokens
		Listen=127.0.0.1:$page_port
	END
	printf '%s\n' "${page_lines[@]}"
}
page_token() { # NAME ROLE
	"$builddir/ballastctl" token new "$1" --role "$2" --config "$tmp/ballast.conf" 2>/dev/null | grep -o 'bst_[A-Za-z0-9_-]*' | head -n 1 | grep .
}
page_up() {
	[ $# = 0 ] || page_lines=("$@")
	config >"$tmp/ballast.conf"
	TOKEN_ADMIN=$(page_token chief admin) && TOKEN_READ=$(page_token looker read) || { echo "Bail out! no tokens"; exit 1; }
	PAGE_URL=http://127.0.0.1:$page_port
	export TOKEN_ADMIN TOKEN_READ PAGE_URL
	daemon_up
}
page_run() {
	timeout 600 node "$browser_run/$1"
}
