# SPDX-License-Identifier: LGPL-2.1-or-later
# The lab compiles its own few programs when it builds a guest's image: it also works without a build of Ballast. Here they
# are compiled only so that `make check` sees their warnings.
check_PROGRAMS += \
	lab/guest/balloon-liar \
	lab/guest/lab-shell \
	lab/guest/load \
	lab/host/lab-mux \
	lab/host/lab-run \
	$(NULL)
lab_guest_balloon_liar_SOURCES = lab/guest/balloon-liar.c
lab_guest_lab_shell_SOURCES = lab/guest/lab-shell.c lab/guest/command.c lab/guest/port.c lab/guest/frame.c
lab_guest_load_SOURCES = lab/guest/load.c lab/guest/load-mem.c lab/guest/load-probe.c \
	lab/guest/load-reread.c lab/guest/load-spin.c
lab_host_lab_mux_SOURCES = lab/host/lab-mux.c lab/guest/frame.c
lab_host_lab_run_SOURCES = lab/host/lab-run.c lab/guest/frame.c

EXTRA_DIST += \
	lab/README.md \
	lab/lab \
	lab/lib/cgroup.sh \
	lab/lib/common.sh \
	lab/lib/deps.sh \
	lab/lib/down.sh \
	lab/lib/guest.sh \
	lab/lib/host.sh \
	lab/lib/image.sh \
	lab/lib/net.sh \
	lab/lib/root.sh \
	lab/lib/run.sh \
	lab/guest/init \
	lab/guest/init-system \
	lab/guest/balloon-liar.c \
	lab/guest/command.c \
	lab/guest/command.h \
	lab/guest/frame.c \
	lab/guest/frame.h \
	lab/guest/lab-shell.c \
	lab/guest/load.c \
	lab/guest/load.h \
	lab/guest/load-mem.c \
	lab/guest/load-probe.c \
	lab/guest/load-reread.c \
	lab/guest/load-spin.c \
	lab/guest/port.c \
	lab/guest/port.h \
	lab/host/lab-init \
	lab/host/lab-mux.c \
	lab/host/lab-nest \
	lab/host/lab-run.c \
	tests/lab/daemon.sh \
	tests/lab/lib.sh \
	tests/lab/test-bad-guests.sh \
	tests/lab/test-bad-stopped.sh \
	tests/lab/test-burst.sh \
	tests/lab/test-cpu.sh \
	tests/lab/test-daemon-enforce.sh \
	tests/lab/test-daemon-guests.sh \
	tests/lab/test-daemon-letting-go.sh \
	tests/lab/test-daemon-service.sh \
	tests/lab/test-doctor.sh \
	tests/lab/test-jobs.sh \
	tests/lab/test-lab-crash.sh \
	tests/lab/test-lab-guest.sh \
	tests/lab/test-lab-install.sh \
	tests/lab/test-lab-load.sh \
	tests/lab/test-lab-system.sh \
	tests/lab/test-lab-up.sh \
	tests/lab/test-network.sh \
	tests/lab/test-page.sh \
	tests/lab/test-quickstart.sh \
	tests/lab/test-scrape.sh \
	tests/lab/watch-grants.py

check_PROGRAMS += tests/unit/test-lab-frame
tests_unit_test_lab_frame_SOURCES = tests/unit/test-lab-frame.c lab/guest/frame.c
TESTS += tests/unit/test-lab-frame
