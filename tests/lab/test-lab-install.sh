#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A build is installed into the host and its service runs. The build here is a small one made for the purpose: this is
# about the lab, and works before there is a daemon.
. "$(dirname "$0")/lib.sh"

build=$TEST_TMP/build
mkdir "$build"
cat >"$build/ballastd.service" <<'EOF'
[Service]
User=ballast-test
ExecStart=/usr/sbin/ballastd-test infinity
EOF
echo 'u ballast-test - "for a test"' >"$build/ballast.conf"
cat >"$build/Makefile" <<EOF
prefix = /usr
sysconfdir = /etc
localstatedir = /var
install:
	install -D -m 644 $build/ballastd.service \$(DESTDIR)/usr/lib/systemd/system/ballastd.service
	install -D -m 644 $build/ballast.conf \$(DESTDIR)/usr/lib/sysusers.d/ballast.conf
	install -D -m 755 /bin/sleep \$(DESTDIR)/usr/sbin/ballastd-test
EOF

lab_up --build "$build"
tap_is "the daemon's unit is enabled and runs" "$(lab in h1 systemctl is-active ballastd)" active
tap_is "as the user that the build brought" "$(lab in h1 ps -C ballastd-test -o user:20=)" ballast-test
tap_fails "the machine has none of it" [ -e /usr/sbin/ballastd-test ]
tap_fails "nor the user" getent passwd ballast-test
tap_ok "down" lab down

sed -i 's,^prefix = .*,prefix = /usr/local,' "$build/Makefile"
tap_fails "a build for another prefix is refused" lab up --build "$build"
lab up --build "$build" 2>&1 | grep -q 'lab/lab build'
tap_is "with the remedy" $? 0
sed -i 's,^prefix = .*,prefix = /usr,; s,/bin/sleep,/nonexistent,' "$build/Makefile"
tap_fails "a build that does not install stops up" lab up --build "$build"
tap_ok "down after that" lab down
tap_done
