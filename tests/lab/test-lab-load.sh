#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The load generators do what they claim, seen by other means than their own words.
. "$(dirname "$0")/lib.sh"

lab_up --no-ballast
tap_ok "a guest with a disk of 400 MiB throttled to 50 MB/s" lab guest g --max 512M --data 400M \
	--iotune-bytes-sec 50000000 --cmdline psi=1
field() { # FILE KEY
	lab run g "awk '\$1 == \"$2\" || \$1 == \"$2:\" { print \$2 }' $1"
}
mib() {
	echo $(($(field /proc/meminfo "$1") / 1024))
}
value() { # KEY, from key=value words; the last one
	grep -o "$1=[0-9]*" | tail -n 1 | cut -d= -f2
}

# Memory.
before=$(mib MemAvailable)
job=$(lab run -d g load mem 200M --hold 600 --touch)
filled() { [ $((before - $(mib MemAvailable))) -ge 195 ]; }
tap_ok "load mem 200M takes 200 MiB of what is available" wait_until 60 filled
tap_between "and no more, MiB" $((before - $(mib MemAvailable))) 195 215
tap_between "it is anonymous, MiB" "$(mib AnonPages)" 195 215
busy0=$(lab run g awk '$1 == "cpu" { print $2 + $4 }' /proc/stat)
busy() { [ $(($(lab run g awk '$1 == "cpu" { print $2 + $4 }' /proc/stat) - busy0)) -ge 100 ]; }
tap_ok "--touch keeps a CPU busy" wait_until 30 busy
lab kill g "$job" && lab wait g "$job" >"$TEST_TMP/out"
tap_between "it tells its passes a second" "$(value millipasses_per_s <"$TEST_TMP/out")" 100 100000000
freed() { [ $((before - $(mib MemAvailable))) -le 15 ]; }
tap_ok "killed, it gives the memory back" wait_until 30 freed
start=${EPOCHREALTIME/./}
lab run g load mem 64M --fill-ms 3000 --hold 0 >"$TEST_TMP/out"
tap_between "--fill-ms 3000 fills in that time, ms" "$(value fill_ms <"$TEST_TMP/out")" 2900 4500
tap_between "by this machine's clock too, ms" $(((${EPOCHREALTIME/./} - start) / 1000)) 2900 8000
tap_between "--fast is fast, ms" "$(lab run g load mem 128M --fast --hold 0 | value fill_ms)" 1 1500
tap_fails "more memory than there is ends badly" lab run g load mem 900M --hold 0
tap_ok "but the guest still answers" lab run g true

# Page cache.
lab run g 'echo 3 >/proc/sys/vm/drop_caches'
lab run g load reread /dev/data --size 250M --seconds 14 >"$TEST_TMP/out"
tap_between "what fits is read at the speed of memory at last, bytes/s" \
	"$(value bytes_per_s < <(grep -v total "$TEST_TMP/out"))" 200000000 100000000000
first=$(head -n 3 "$TEST_TMP/out" | value bytes_per_s)
tap_between "and at the disk's speed at first" "$first" 20000000 75000000
refault0=$(field /proc/vmstat workingset_refault_file)
lab in h1 virsh -q setmem g 220M --live
small() { [ "$(lab in h1 virsh dommemstat g | awk '$1 == "actual" { print $2 }')" = $((220 << 10)) ]; }
tap_ok "the balloon squeezes the guest to 220 MiB" wait_until 60 small
lab run g load reread /dev/data --size 250M --seconds 10 >"$TEST_TMP/out"
tap_between "now it is at the disk's speed, bytes/s" "$(value mean_bytes_per_s <"$TEST_TMP/out")" 20000000 90000000
tap_between "and pages are read again that were there before" \
	$(($(field /proc/vmstat workingset_refault_file) - refault0)) 10000 10000000
lab run g load reread /dev/data --size 250M --seconds 5 --random >"$TEST_TMP/out"
tap_between "--random reads elsewhere: some of it is in memory" "$(value mean_bytes_per_s <"$TEST_TMP/out")" \
	50000000 2000000000
tap_fails "a file shorter than --size is an error" lab run g load reread /dev/data --size 500M --seconds 30

# CPU and latency.
tap_between "spin 2 for 3 s uses the one CPU, ms" "$(lab run g load spin 2 --seconds 3 | value cpu_ms)" 2000 3500
lab run g load probe --seconds 3 >"$TEST_TMP/out"
tap_between "probe takes samples" "$(value samples <"$TEST_TMP/out")" 300 3000
tap_between "probe: median lateness at rest, us" "$(value p50_us <"$TEST_TMP/out")" 1 5000
tap_ok "probe of reads" lab run g load probe --seconds 1 --read /dev/data --size 1M
tap_ok "probe of memory" lab run g load probe --seconds 1 --mem 4M
tap_fails "an unknown load is refused" lab run g load nonsense
tap_fails "a bad size is refused" lab run g load mem many
tap_done
