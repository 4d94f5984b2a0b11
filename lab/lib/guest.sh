# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Guests: real QEMU machines (TCG), defined in a host's libvirt.

guest_usage() {
	cat <<'EOF'
Usage: lab/lab guest NAME [OPTION...]

  --memory SIZE          what it starts with (default: all of --max); sizes are MiB, or with K, M, G
  --max SIZE             its maximum (512M)
  --vcpus N              (1)
  --host I               the host it starts on (1)
  --kernel 6.1|5.10      (6.1)
  --system               boots the host's own Debian (systemd, libvirtd, control groups v2) instead of a few programs;
                         give it --max 1G or more, and a minute
  --swap none|zram:SIZE|disk:SIZE
  --data SIZE            a disk, in the guest /dev/data
  --iotune-bytes-sec N   throttles the data disk
  --autodeflate          the balloon gives memory back rather than let the guest run out of it
  --no-reporting         the balloon does not report free pages: what the guest frees stays resident
  --period N             balloon statistics every N seconds (5; 0: none)
  --no-balloon           no balloon device
  --no-balloon-driver    a device, but a guest that does not know it
  --balloon-liar         a guest that tells the host that it inflated, and gives up nothing
  --no-agent             the agent is not started
  --no-channel           no channel org.ballast.agent.0
  --no-serial            no virtio-serial at all: neither agent nor lab/lab run
  --agent FILE           this agent binary
  --cmdline TEXT         more kernel arguments, e.g. psi=0
  --pin CPUS             the host's CPUs that it may use, e.g. 1 or 0-1
  --title TEXT
  --no-start             only define it
  --no-wait              do not wait until it is up
EOF
}

guest_defaults() {
	# shellcheck disable=SC2034
	declare -gA G=([memory]= [max]=512M [vcpus]=1 [host]=1 [kernel]=6.1 [swap]=none [data]= [iotune]= [autodeflate]=off [reporting]=on
		[period]=5 [balloon]=1 [driver]=1 [agent]=1 [channel]=1 [serial]=1 [system]=0 [binary]= [cmdline]= [pin]= [title]=
		[start]=1 [wait]=1 [name]=)
}

guest_parse() {
	guest_defaults
	while [ $# -gt 0 ]; do
		case $1 in
		--help | -h)
			guest_usage
			exit 0
			;;
		--autodeflate) G[autodeflate]=on ;;
		--no-reporting) G[reporting]=off ;;
		--no-balloon) G[balloon]=0 ;;
		--no-balloon-driver) G[driver]=0 ;;
		--balloon-liar) G[driver]=liar ;;
		--no-agent) G[agent]=0 ;;
		--no-channel) G[channel]=0 ;;
		--no-serial) G[serial]=0 ;;
		--system) G[system]=1 ;;
		--no-start) G[start]=0 ;;
		--no-wait) G[wait]=0 ;;
		--memory | --max | --vcpus | --host | --kernel | --swap | --data | --period | --cmdline | --pin | --title)
			G[${1#--}]=${2?"lab: $1 needs a value"}
			shift
			;;
		--iotune-bytes-sec)
			G[iotune]=${2?"lab: $1 needs a value"}
			shift
			;;
		--agent)
			G[binary]=$(readlink -f "${2?"lab: $1 needs a value"}")
			shift
			;;
		-*) die 2 "guest: unknown option '$1'; lab/lab guest --help lists them" ;;
		*)
			[ -z "${G[name]}" ] || die 2 "guest: one name is enough: '${G[name]}' or '$1'?"
			G[name]=$1
			;;
		esac
		shift
	done
}

# guest_kib SIZE: in KiB.
guest_kib() {
	local n=${1%[KMG]}

	[[ $1 =~ ^[1-9][0-9]{0,9}[KMG]?$ ]] || die 2 "'$1' is not a size: a number of MiB, or with K, M or G"
	case $1 in
	*K) echo "$n" ;;
	*G) echo $((n << 20)) ;;
	*) echo $((n << 10)) ;;
	esac
}

guest_number() {
	[[ $2 =~ ^[0-9]{1,15}$ ]] || die 2 "$1 '$2' is not a number"
}

guest_check() {
	[[ ${G[name]} =~ ^[A-Za-z0-9][A-Za-z0-9_.-]{0,60}$ ]] || die 2 "guest: '${G[name]}' is not a name for a guest"
	[ ! -e "$LAB_DIR/guest/${G[name]}/defined" ] ||
		die 4 "there is a guest '${G[name]}' already: lab/lab stop ${G[name]} first"
	G[host]=$(host_index "${G[host]}")
	host_leader "${G[host]}" >/dev/null || die 1 "h${G[host]} does not run; boot it with: lab/lab start h${G[host]}"
	G[max]=$(guest_kib "${G[max]}")
	G[memory]=$(guest_kib "${G[memory]:-${G[max]}K}")
	[ "${G[memory]}" -le "${G[max]}" ] || die 2 "guest: --memory is more than --max"
	guest_number --vcpus "${G[vcpus]}"
	guest_number --period "${G[period]}"
	[ -z "${G[iotune]}" ] || guest_number --iotune-bytes-sec "${G[iotune]}"
	[[ ${G[pin]} =~ ^[0-9,-]*$ ]] || die 2 "--pin '${G[pin]}' is not a list of CPUs"
	[[ ${G[cmdline]}${G[title]} != *[\<\>\&]* ]] || die 2 "guest: <, > and & are not for --cmdline and --title"
	[ -z "${G[binary]}" ] || [ -x "${G[binary]}" ] || die 2 "--agent: ${G[binary]} is not a program"
	case ${G[swap]} in
	none) ;;
	zram:*) G[swap]=zram:$(($(guest_kib "${G[swap]#zram:}") << 10)) ;;
	disk:*) guest_kib "${G[swap]#disk:}" >/dev/null ;;
	*) die 2 "--swap is none, zram:SIZE or disk:SIZE, not '${G[swap]}'" ;;
	esac
}

guest_new() {
	local base root agent

	need_root
	need_lab
	guest_parse "$@"
	guest_check
	lab_in_own_group
	[ ! -d "$LAB_DIR/guest/${G[name]}" ] || guest_remove "${G[name]}" # left half-way
	agent=${G[binary]:-$(image_agent)}
	base=$(image_make "${G[kernel]}" "$agent")
	root=$(host_root "${G[host]}")
	mkdir -p "$LAB_DIR/guest/${G[name]}"
	echo "${G[host]}" >"$LAB_DIR/guest/${G[name]}/host"
	guest_place_image "$base" "$root"
	guest_place_disks
	guest_place_system
	guest_xml "$(basename "$base")" >"$root/srv/lab/xml/${G[name]}.xml"
	host_enter "${G[host]}" virsh -q define "/srv/lab/xml/${G[name]}.xml" >/dev/null ||
		die 1 "libvirt does not take the guest: its XML is in h${G[host]}:/srv/lab/xml/${G[name]}.xml"
	: >"$LAB_DIR/guest/${G[name]}/defined"
	step "guest ${G[name]}: defined on h${G[host]}"
	[ "${G[start]}" = 1 ] || return 0
	host_enter "${G[host]}" virsh -q start "${G[name]}" ||
		die 1 "the guest does not start: see lab/lab exec h${G[host]} journalctl -u libvirtd"
	[ "${G[wait]}${G[serial]}" = 11 ] || return 0
	guest_await "${G[name]}" 300
	step "guest ${G[name]}: up, kernel ${G[kernel]}, $((G[memory] >> 10)) of $((G[max] >> 10)) MiB," \
		"${G[vcpus]} vCPU, $(guest_agent_words "$agent")"
}

guest_agent_words() {
	if [ "${G[agent]}" = 0 ] || [ -z "$1" ]; then
		echo "no agent"
	elif [ "${G[channel]}" = 0 ]; then
		echo "no channel for the agent"
	else
		echo "with agent"
	fi
}

# Kernel and initramfs must lie in the host's own root.
guest_place_image() {
	local f

	for f in vmlinuz initrd; do
		[ -e "$2/srv/lab/image/$(basename "$1").$f" ] && continue
		cp "$1.$f" "$2/srv/lab/image/.$$.$f"
		mv "$2/srv/lab/image/.$$.$f" "$2/srv/lab/image/$(basename "$1").$f"
	done
}

# Disks are sparse files outside the host's tmpfs, so that what a guest writes does not cost memory.
guest_place_disks() {
	local disk

	disk=$(host_dir "${G[host]}")/disk
	[ -z "${G[data]}" ] || truncate -s "$(guest_kib "${G[data]}")K" "$disk/${G[name]}-data.img"
	[[ ${G[swap]} != disk:* ]] || truncate -s "$(guest_kib "${G[swap]#disk:}")K" "$disk/${G[name]}-swap.img"
}

guest_cmdline() {
	local words="console=ttyS0 quiet panic=-1 lab.host=${G[name]}"

	case ${G[swap]} in
	none) ;;
	zram:*) words+=" lab.swap=${G[swap]}" ;;
	disk:*) words+=" lab.swap=disk" ;;
	esac
	[ "${G[system]}" = 0 ] || words+=" lab.root=system"
	[ "${G[agent]}" = 1 ] || words+=" lab.agent=0"
	[ "${G[driver]}" = 1 ] || words+=" lab.balloon=${G[driver]}"
	echo "$words ${G[cmdline]}"
}

guest_xml() {
	cat <<EOF
<domain type='qemu'>
  <name>${G[name]}</name>
${G[title]:+  <title>${G[title]}</title>}
  <memory unit='KiB'>${G[max]}</memory>
  <currentMemory unit='KiB'>${G[memory]}</currentMemory>
  <vcpu${G[pin]:+ cpuset='${G[pin]}'}>${G[vcpus]}</vcpu>
$(guest_xml_pin)
$(guest_xml_shared_memory)
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>/srv/lab/image/$1.vmlinuz</kernel>
    <initrd>/srv/lab/image/$1.initrd</initrd>
    <cmdline>$(guest_cmdline)</cmdline>
  </os>
  <features>
    <acpi/>
    <tcg><tb-cache unit='MiB'>64</tb-cache></tcg>
  </features>
  <cpu mode='custom' match='exact'><model>qemu64</model></cpu>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
$(guest_xml_disks)
$(guest_xml_system)
    <serial type='pty'><log file='/srv/lab/log/${G[name]}.log' append='on'/></serial>
$(guest_xml_channels)
$(guest_xml_balloon)
  </devices>
</domain>
EOF
}

guest_xml_pin() {
	local cpu

	[ "${G[pin]}" ] || return 0
	echo "  <cputune>"
	for cpu in $(seq 0 $((G[vcpus] - 1))); do
		echo "    <vcpupin vcpu='$cpu' cpuset='${G[pin]}'/>"
	done
	echo "    <emulatorpin cpuset='${G[pin]}'/>"
	echo "  </cputune>"
}

# virtiofsd works in the guest's memory.
guest_xml_shared_memory() {
	[ "${G[system]}" = 0 ] ||
		echo "  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
}

guest_xml_system() {
	[ "${G[system]}" = 0 ] || cat <<EOF
    <filesystem type='mount'>
      <driver type='virtiofs'/>
      <source socket='/srv/lab/sock/${G[name]}.fs'/>
      <target dir='root'/>
    </filesystem>
EOF
}

# virtiofsd serves the host's root, without what is mounted in it. A unit of its own: it needs a descriptor for every file
# that the guest knows, libvirtd's own limit is too low. It ends with the guest and is started again for its next run.
guest_place_system() {
	local root=/srv/lab/system

	[ "${G[system]}" = 1 ] || return 0
	host_enter "${G[host]}" sh -c "mountpoint -q $root || mount --bind / $root"
	host_enter "${G[host]}" systemd-run --quiet --collect --unit="lab-fs-${G[name]}" --property=Restart=always \
		--property=StartLimitIntervalSec=0 \
		--property="LimitNOFILE=$(host_enter "${G[host]}" sh -c 'ulimit -Hn')" \
		/usr/lib/qemu/virtiofsd --socket-path="/srv/lab/sock/${G[name]}.fs" --socket-group=libvirt-qemu \
		--rlimit-nofile=0 --thread-pool-size=0 -o source=$root -o sandbox=chroot -o cache=always
	lab_wait 20 test -S "$(host_root "${G[host]}")/srv/lab/sock/${G[name]}.fs" ||
		die 1 "virtiofsd does not start: see lab/lab exec h${G[host]} journalctl -u lab-fs-${G[name]}"
}

guest_xml_disk() { # FILE TARGET SERIAL IOTUNE
	cat <<EOF
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='$(guest_disk_cache)' io='threads'/>
      <source file='/srv/lab/disk/$1'/>
      <target dev='$2' bus='virtio'/>
      <serial>$3</serial>
${4:+      <iotune><total_bytes_sec>$4</total_bytes_sec></iotune>}
    </disk>
EOF
}

# Not every file system (tmpfs) can do without the page cache.
guest_disk_cache() {
	local f

	f=$(mktemp "$(host_dir "${G[host]}")/disk/.direct.XXXXXX")
	if dd if=/dev/zero of="$f" bs=4096 count=1 oflag=direct status=none 2>/dev/null; then
		echo none
	else
		echo writethrough
	fi
	rm -f "$f"
}

guest_xml_disks() {
	[ -z "${G[data]}" ] || guest_xml_disk "${G[name]}-data.img" vda data "${G[iotune]}"
	[[ ${G[swap]} != disk:* ]] || guest_xml_disk "${G[name]}-swap.img" vdb swap ''
}

guest_xml_channels() {
	[ "${G[serial]}" = 1 ] || return 0
	cat <<EOF
    <controller type='virtio-serial' index='0'/>
    <channel type='unix'>
      <source mode='bind' path='/srv/lab/sock/${G[name]}'/>
      <target type='virtio' name='org.ballast.lab.0'/>
    </channel>
EOF
	[ "${G[channel]}" = 1 ] || return 0
	cat <<EOF
    <channel type='unix'>
      <target type='virtio' name='org.ballast.agent.0'/>
    </channel>
EOF
}

guest_xml_balloon() {
	if [ "${G[balloon]}" = 0 ]; then
		echo "    <memballoon model='none'/>"
		return
	fi
	echo "    <memballoon model='virtio' autodeflate='${G[autodeflate]}' freePageReporting='${G[reporting]}'>"
	[ "${G[period]}" = 0 ] || echo "      <stats period='${G[period]}'/>"
	echo "    </memballoon>"
}

# guest_host NAME: the host it is on.
guest_host() {
	need_lab
	cat "$LAB_DIR/guest/$1/host" 2>/dev/null ||
		die 3 "no guest '$1' in this lab; there are: $(ls "$LAB_DIR/guest" 2>/dev/null | tr '\n' ' ')"
}

guest_stop() {
	[ $# = 1 ] || die 2 "usage: lab/lab stop GUEST"
	guest_host "$1" >/dev/null
	guest_remove "$1"
	step "guest $1: gone"
}

# Takes away whatever there is of a guest; it need not be whole.
guest_remove() {
	local i name=$1

	proc_end "mux-$name"
	if i=$(cat "$LAB_DIR/guest/$name/host" 2>/dev/null); then
		if host_leader "$i" >/dev/null && host_enter "$i" virsh -q domid "$name" >/dev/null 2>&1; then
			host_enter "$i" virsh -q destroy "$name" 2>/dev/null || true
			host_enter "$i" virsh -q undefine "$name" >/dev/null
		fi
		host_enter "$i" systemctl --quiet stop "lab-fs-$name" 2>/dev/null || true
		rm -f "$(host_dir "$i")/disk/$name"-{data,swap}.img \
			"$(host_root "$i")/srv/lab"/{xml/"$name".xml,log/"$name".log,sock/"$name"{,.fs}}
	fi
	rm -rf "${LAB_DIR:?}/guest/$name"
}

guest_console() {
	local i

	[ $# = 1 ] || die 2 "usage: lab/lab console GUEST"
	i=$(guest_host "$1")
	host_enter "$i" virsh console "$1"
}

guest_list() {
	local i name

	need_lab
	printf '%-20s %-5s %-12s %10s %10s %6s\n' GUEST HOST STATE 'NOW MiB' 'MAX MiB' VCPUS
	for i in $(lab_hosts); do
		host_leader "$i" >/dev/null || continue
		for name in $(host_enter "$i" virsh list --all --name); do
			host_enter "$i" virsh dominfo "$name" | awk -F': *' -v n="$name" -v h="h$i" '
				/^State/ { s = $2 } /^CPU\(s\)/ { c = $2 } /^Max memory/ { x = $2 } /^Used memory/ { u = $2 }
				END { printf "%-20s %-5s %-12s %10d %10d %6d\n", n, h, s, u / 1024, x / 1024, c }'
		done
	done
}

lab_logs() {
	need_lab
	if [ $# = 0 ]; then
		tail -n 20 "$LAB_DIR"/h*/console.log "$LAB_DIR"/*.log "$LAB_DIR"/guest/*/*.log 2>/dev/null || true
	elif [ -d "$LAB_DIR/guest/$1" ]; then
		cat "$(host_root "$(guest_host "$1")")/srv/lab/log/$1.log"
	else
		host_in "$1" journalctl --no-pager -b
	fi
}
