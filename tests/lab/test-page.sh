#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The dashboard in a real browser, at a real ballastd with real guests: tests/browser/page.mjs. SCREENS=DIR also takes the pictures of docs/screens
# (SCREENS_OF=cli: only those of ballastctl).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon.sh"
. "$TEST_TOP/scripts/page.sh"
. "$TEST_TOP/tests/browser/lib.sh"

browser_ready

# A guest whose name is markup, with nothing to boot: libvirt takes such names.
hostile_guest() {
	lab in h1 sh -c 'cat >/tmp/hostile.xml && virsh define /tmp/hostile.xml && virsh start "<img src=x onerror=document.title=666>"' <<-'X'
		<domain type="qemu"><name>&lt;img src=x onerror=document.title=666&gt;</name><memory unit="MiB">64</memory><vcpu>1</vcpu>
		<os><type>hvm</type></os><devices><memballoon model="virtio"/><controller type="virtio-serial"/></devices></domain>
	X
}

out_of_grace() { [ "$SECONDS" -gt $((served + 75)) ]; } # BootGraceSec is over: nobody is kept as it is for it
settled() { [ "$(api GET plan | jq -r .settled)" = true ]; }
grew() { [ "$(api GET "guests/$1" | jq -r .memory.actual)" -gt $((330 << 20)) ]; }

lab_up 1
lab guest files1 --memory 256M --max 512M --swap disk:256M --data 400M >"$TEST_TMP/guest" 2>&1 || tap_say <"$TEST_TMP/guest"
lab guest backup1 --memory 320M --max 640M --swap disk:256M >"$TEST_TMP/guest" 2>&1 || tap_say <"$TEST_TMP/guest"
if [ -n "${SCREENS:-}" ]; then # company, for the pictures
	for g in db1:400M:768M mail1:192M:384M web1:160M:384M; do
		IFS=: read -r g memory max <<<"$g"
		lab guest "$g" --memory "$memory" --max "$max" --swap disk:256M --data 200M >"$TEST_TMP/guest" 2>&1 || tap_say <"$TEST_TMP/guest"
	done
fi
hostile_guest >"$TEST_TMP/guest" 2>&1 || tap_say <"$TEST_TMP/guest"
page_serve >"$TEST_TMP/page" 2>&1 || { tap_say <"$TEST_TMP/page"; echo "Bail out! the page is not served"; exit 1; }
wait_until 30 reported files1 && wait_until 30 reported backup1
[ -z "${SCREENS:-}" ] || wait_until 60 reported web1
overhead=$(api GET hosts/self | jq -r .memory.overhead)
put_policy 00-host.policy <<-P
	[Policy]
	Description=All that this host gives to guests
	[Host]
	Memory=$((${SCREENS:+640 + } 780 + overhead / 1048576))M
	Reserve=32M
P
put_policy 10-day.policy <<-P
	[Policy]
	Description=By day the file server serves
	[Match]
	Guest=files*
	[Memory]
	Min=200M
	Weight=400
P
put_policy 60-night.policy <<-P
	[Policy]
	Description=At night the backup server borrows the file server's memory
	[Match]
	Guest=backup*
	[Schedule]
	OnCalendar=*-*-* $(date -u -d '+6 hours' +%H):00
	Duration=2h
	[Memory]
	Min=448M
P
served=$SECONDS
ctl --yes mode enforce >"$TEST_TMP/mode" 2>&1 || tap_say <"$TEST_TMP/mode"
code=0
if [ "${SCREENS_OF:-page}" = page ]; then
	TOKEN_ADMIN=$(page_token admin) TOKEN_READ=$(page_token read) PAGE_URL=http://127.0.0.1:$page_port LAB_TOOL=$TEST_TOP/lab/lab \
		timeout 900 node "$browser_run/page.mjs"
	code=$?
fi
if [ -n "${SCREENS:-}" ]; then
	lab in h1 virsh destroy '<img src=x onerror=document.title=666>' >"$TEST_TMP/hostile" 2>&1
	wait_until 120 out_of_grace && wait_until 60 settled
	lab run -d files1 load mem 340M --hold 60 --touch >"$TEST_TMP/load"
	wait_until 40 grew files1
	"$TEST_TOP/scripts/cli-screens" "$SCREENS" files1
fi
exit $code
