# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# The page of a lab's host h1, on this machine. Needs a function `lab`.
#
#   page_serve        ballastd listens on its loopback, which is forwarded to a free port here; sets page_port
#   page_token ROLE   a new token with that role; prints it

page_port=
page_serve() {
	local port

	lab in h1 sh -c 'mkdir -p /etc/ballast/ballast.conf.d && cat >/etc/ballast/ballast.conf.d/50-page.conf' <<-C
		[API]
		Listen=127.0.0.1:8006
		LoopbackWithoutTls=yes
	C
	lab in h1 systemctl restart ballastd || return 1
	for port in 8006 8007 8008 8009 $((20000 + RANDOM % 20000)); do
		lab forward h1 8006 "$port" && page_port=$port && return 0
	done
	return 1
}

page_token() {
	lab in h1 ballastctl token new "$1-$RANDOM" --role "$1" | grep -o 'bst_[A-Za-z0-9_-]*' | head -n 1 | grep .
}
