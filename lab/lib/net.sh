# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# The lab's network: one bridge in a network namespace of its own, one namespace for each host with a veth into the
# bridge. Nothing of it exists in the machine's own namespace, so labs cannot meet each other or anything real, may all
# use the same addresses, and are gone when the files that hold the namespaces are unmounted.

NET_PREFIX=10.79.0 # host I is .I

net_file() { # switch, or hI
	echo "$LAB_DIR/net/$1"
}

net_in() { # SWITCH|hI CMD...
	local file

	file=$(net_file "$1")
	shift
	nsenter --net="$file" -- "$@"
}

net_make_namespace() {
	mkdir -p "$LAB_DIR/net"
	: >"$(net_file "$1")"
	unshare --net="$(net_file "$1")" true
	net_in "$1" ip link set lo up
}

net_make_switch() {
	net_make_namespace switch
	net_in switch ip link add br0 type bridge
	net_in switch ip link set br0 up
}

# net_make_host I: its namespace with eth0 on the bridge.
net_make_host() {
	local i=$1

	net_make_namespace "h$i"
	net_in switch ip link add "v$i" type veth peer name eth0 netns "$(net_file "h$i")"
	net_in switch ip link set "v$i" master br0 up
	net_in "h$i" ip addr add "$NET_PREFIX.$i/24" dev eth0
	net_in "h$i" ip link set eth0 up
}
