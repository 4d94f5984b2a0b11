#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Guests: every kind that `lab guest` offers, commands and jobs inside them, the balloon.
. "$(dirname "$0")/lib.sh"

lab_up --no-ballast
meminfo() { # GUEST FIELD: in MiB
	lab run "$1" "awk '/^$2:/ { print int(\$2 / 1024) }' /proc/meminfo"
}

tap_fails "memory above the maximum is refused" lab guest x --memory 1G --max 512M
tap_fails "a size that is none is refused" lab guest x --max lots
tap_fails "an unknown option is refused" lab guest x --nonsense
tap_fails "an unknown host is refused" lab guest x --host 9
tap_fails "an unknown guest is refused" lab run x true

tap_ok "a guest" lab guest a --max 512M --data 64M --title "The first" --period 1
tap_fails "the same name again is refused" lab guest a
tap_is "its kernel" "$(lab run a uname -r | cut -d. -f1-2)" 6.1
tap_is "its title" "$(lab in h1 virsh -q desc --title a)" "The first"
tap_between "its memory, MiB" "$(meminfo a MemTotal)" 440 512
tap_is "its data disk" "$(lab run a blockdev --getsize64 /dev/data)" $((64 << 20))
tap_is "QEMU runs as Debian runs it" "$(lab in h1 ps -C qemu-system-x86 -o user:20= | uniq)" libvirt-qemu
tap_ok "the agent's channel is there" lab run a 'grep -qx org.ballast.agent.0 /sys/class/virtio-ports/*/name'
tap_ok "free page reporting is on" lab in h1 sh -c 'virsh dumpxml a | grep -q "freePageReporting=.on."'
tap_is "list shows it" "$(lab list | awk '$1 == "a" { print $2, $3, $5 }')" "h1 running 512"

# Commands.
lab run a 'echo out; echo err >&2; exit 42' >"$TEST_TMP/o" 2>"$TEST_TMP/e"
tap_is "run passes the exit code" $? 42
tap_is "run passes both outputs" "$(cat "$TEST_TMP/o") $(cat "$TEST_TMP/e")" "out err"
lab run a sh -c 'kill -9 $$'
tap_is "a command killed by a signal" $? 137
lab run a no-such-program x 2>/dev/null
tap_is "a program that is not there" $? 127
tap_is "arguments stay what they are" "$(lab run a printf '%s|' 'a b' '' '*' "it's")" "a b||*|it's|"
head -c 3000000 /dev/urandom >"$TEST_TMP/bytes"
tap_is "3 MB go in whole" "$(lab run -i a sha256sum <"$TEST_TMP/bytes")" "$(sha256sum <"$TEST_TMP/bytes")"
tap_is "and come back whole" "$(lab run -i a cat <"$TEST_TMP/bytes" | sha256sum)" "$(sha256sum <"$TEST_TMP/bytes")"
tap_is "without -i there is no input" "$(echo no | lab run a 'cat; echo end')" end
long=$(head -c 20000 /dev/zero | tr '\0' x)
tap_is "a long command" "$(lab run a "printf %s $long | wc -c")" 20000

"$TEST_TOP/lab/lab" run a sleep 77 &
run_pid=$!
sleeps() { lab run a "ps | grep -q '[s]leep $1'"; }
tap_ok "a command runs while others are asked" wait_until 20 sleeps 77
kill $run_pid
wait $run_pid 2>/dev/null
gone() { ! sleeps 77; }
tap_ok "it ends with who asked for it" wait_until 20 gone
for i in 1 2 3 4 5 6 7 8; do
	lab run a "sleep 0.$i; echo $i" &
done >"$TEST_TMP/many"
wait
tap_is "eight commands at once" "$(sort "$TEST_TMP/many" | tr '\n' ' ')" "1 2 3 4 5 6 7 8 "

# Jobs.
job=$(lab run -d a 'echo begun; sleep 88; echo not reached')
tap_is "jobs lists a job" "$(lab jobs a | grep -c 'sleep 88')" 1
tap_ok "kill ends it" lab kill a "$job"
lab wait a "$job" >"$TEST_TMP/o"
tap_is "wait has its exit code" $? 143
tap_is "and what it said" "$(cat "$TEST_TMP/o")" begun
tap_fails "afterwards it is forgotten" lab wait a "$job"
job=$(lab run -d a 'echo done; exit 5')
wait_until 20 sh -c "'$TEST_TOP/lab/lab' jobs a | grep -q exit:5"
tap_is "a job that ended is kept" "$(lab wait a "$job"; echo $?)" "done
5"

# The mux dies; the guest restarts.
kill -9 "$(cut -d' ' -f1 "$LAB_DIR/proc/mux-a")"
tap_is "commands go on when the mux was killed" "$(lab run a echo here)" here
"$TEST_TOP/lab/lab" run a sleep 99 2>"$TEST_TMP/e" &
run_pid=$!
wait_until 20 sleeps 99
lab in h1 virsh -q reset a
wait $run_pid
tap_is "a reset ends the commands that ran" "$? $(cat "$TEST_TMP/e")" "125 lab run: the guest went away"
tap_ok "and the guest is there again" lab run a true
lab in h1 virsh -q shutdown a
off() { [ "$(lab in h1 virsh -q domstate a)" = "shut off" ]; }
tap_ok "it hears the power button" wait_until 60 off
tap_fails "a guest that is off is not waited for without end" lab run -t 1 a true
lab in h1 virsh -q start a
tap_ok "after virsh start it is there" lab run a true

# The balloon.
lab in h1 virsh -q setmem a 200M --live
actual() { lab in h1 virsh dommemstat a | awk '$1 == "actual" { print int($2 / 1024) }'; }
small() { [ "$(actual)" = 200 ]; }
tap_ok "setmem: the balloon arrives at 200 MiB" wait_until 60 small
tap_between "the guest has that much, MiB" "$(meminfo a MemTotal)" 130 200
lab in h1 virsh -q setmem a 512M --live
large() { [ "$(actual)" = 512 ]; }
tap_ok "and back at 512" wait_until 60 large
fresh() { [ "$(lab in h1 virsh dommemstat a | awk '$1 == "last_update" { print $2 }')" -gt 0 ]; }
tap_ok "balloon statistics are fresh" wait_until 30 fresh

# CPU shares.
tap_ok "CPU shares can be set" lab in h1 virsh -q schedinfo a --live cpu_shares=4096
shares=$(lab in h1 sh -c 'cat /sys/fs/cgroup/cpu/machine.slice/*/cpu.shares /sys/fs/cgroup/cpu/machine.slice/*/*/cpu.shares 2>/dev/null' | grep -cx 4096)
if lab in h1 test -d /sys/fs/cgroup/cpu; then
	tap_between "and are in force" "$shares" 1 2
else
	tap_skip "and are in force" "control groups v2 here"
fi
tap_ok "stop" lab stop a
tap_is "after that there is none" "$(lab in h1 virsh -q list --all)" ""

# An agent: a program that only opens the channel, so that this works before there is one.
cat >"$TEST_TMP/agent.c" <<'EOF'
#include <fcntl.h>
#include <unistd.h>
int main(void)
{
	if (open("/dev/vport0p2", O_RDWR) >= 0) /* the first port is the lab's own */
		for (;;)
			pause();
	return 1;
}
EOF
if gcc -static -o "$TEST_TMP/agent" "$TEST_TMP/agent.c"; then
	tap_ok "a guest with an agent" lab guest ag --max 256M --agent "$TEST_TMP/agent"
	channel() { lab in h1 virsh dumpxml ag | grep -q "org.ballast.agent.0.*state='connected'"; }
	tap_ok "the agent has its channel open" wait_until 30 channel
	pid=$(lab run ag pidof ballast-agent)
	lab run ag kill -9 "$pid"
	again() { local now; now=$(lab run ag pidof ballast-agent) && [ "$now" != "$pid" ]; }
	tap_ok "killed, it is started again" wait_until 30 again
	tap_ok "stop" lab stop ag
else
	tap_skip "a guest with an agent" "no static C library"
fi

# Three at once, the image not yet made.
rm -rf "$LAB_DIR"/image/6.1-*
for g in p1 p2 p3; do
	lab guest $g --max 200M >"$TEST_TMP/$g" 2>&1 &
done
wait
for g in p1 p2 p3; do
	tap_is "$g, made beside two others, runs" "$(lab run $g hostname)" $g
	lab stop $g >/dev/null
done

# Other kinds.
tap_ok "zram swap, autodeflate, a smaller start, pinned" lab guest z --max 512M --memory 256M --swap zram:128M \
	--autodeflate --pin 0 --vcpus 2 --cmdline psi=0 --no-agent
tap_between "its swap, MiB" "$(meminfo z SwapTotal)" 127 128
tap_fails "psi=0 takes PSI away" lab run z test -e /proc/pressure/memory
tap_is "its CPUs" "$(lab run z nproc)" 2
tap_is "pinned" "$(lab in h1 virsh -q vcpupin z | awk '{ print $2 }' | sort -u)" 0
tap_ok "stop" lab stop z
tap_ok "5.10, swap on disk, no channel" lab guest k --kernel 5.10 --swap disk:128M --no-channel --max 256M
tap_is "its kernel" "$(lab run k uname -r | cut -d. -f1-2)" 5.10
tap_between "its swap, MiB" "$(meminfo k SwapTotal)" 127 128
tap_fails "no channel" lab run k 'grep -qx org.ballast.agent.0 /sys/class/virtio-ports/*/name'
tap_ok "it has PSI" lab run k test -r /proc/pressure/memory
tap_ok "stop" lab stop k
tap_ok "no balloon" lab guest n --no-balloon --max 256M
tap_fails "so setmem is refused" lab in h1 virsh -q setmem n 128M --live
tap_ok "stop" lab stop n
tap_ok "a balloon that the guest does not know" lab guest d --no-balloon-driver --max 256M
lab in h1 virsh -q setmem d 128M --live
tap_is "setmem succeeds and nothing moves" "$? $(meminfo d MemTotal | sed 's/^2../2xx/')" "0 2xx"
tap_ok "stop" lab stop d
tap_ok "a balloon that lies" lab guest liar --balloon-liar --max 256M
lab in h1 virsh -q setmem liar 100M --live
lied() { [ "$(lab in h1 virsh dommemstat liar | awk '$1 == "actual" { print $2 }')" = $((100 << 10)) ]; }
tap_ok "it tells the host 100 MiB" wait_until 30 lied
tap_ok "and uses 150" lab run liar load mem 150M --hold 0
tap_ok "stop" lab stop liar
tap_ok "no virtio-serial" lab guest s --no-serial --max 256M
tap_is "it runs" "$(lab in h1 virsh -q domstate s)" running
tap_fails "but takes no commands" lab run -t 1 s true
tap_ok "stop" lab stop s
tap_ok "only defined" lab guest o --no-start
tap_is "it is off" "$(lab in h1 virsh -q domstate o)" "shut off"
tap_done
