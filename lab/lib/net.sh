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

# net_forward HOST PORT [LOCAL]: connections to 127.0.0.1:LOCAL here go to 127.0.0.1:PORT in the host, until the lab is down. The socket is
# made here, and what connects on is in the host's network.
net_forward() {
	local i port local_port pid

	[ $# = 2 ] || [ $# = 3 ] || die 2 "usage: lab/lab forward HOST PORT [LOCAL]"
	i=$(host_index "$1") port=$2 local_port=${3:-$2}
	[[ $port$local_port =~ ^[0-9]+$ ]] || die 2 "forward: '$port' and '$local_port' are not ports"
	! net_is_heard "$local_port" || die 4 "port $local_port is taken on this machine: lab/lab forward $1 $port OTHER"
	cg_make forward
	setsid systemd-socket-activate -l "127.0.0.1:$local_port" nsenter --net="$(net_file "h$i")" \
		/lib/systemd/systemd-socket-proxyd "127.0.0.1:$port" >"$LAB_DIR/forward.log" 2>&1 </dev/null &
	pid=$!
	cg_enter forward $pid
	disown $pid
	lab_wait 10 net_is_heard "$local_port" || die 1 "port $local_port cannot be listened on: $(tail -n 1 "$LAB_DIR/forward.log")"
}

# net_is_heard PORT: somebody listens on it on 127.0.0.1 or on all addresses.
net_is_heard() {
	grep -qiE "^ *[0-9]+: (0100007F|00000000):$(printf '%04X' "$1") [0-9A-F:]+ 0A" /proc/net/tcp
}
