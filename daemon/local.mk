# SPDX-License-Identifier: LGPL-2.1-or-later
# What needs none of the parts: overrides, reservations, sizes to release.
noinst_LIBRARIES += daemon/libcore.a
daemon_libcore_a_SOURCES = \
	daemon/enforcing.c \
	daemon/enforcing.h \
	daemon/overrides.c \
	daemon/overrides.h \
	daemon/pause.c \
	daemon/pause.h \
	daemon/plan-preview.c \
	daemon/plan-preview.h \
	daemon/policy-files.c \
	daemon/policy-files.h \
	daemon/policy-trial.c \
	daemon/policy-trial.h \
	daemon/release-plan.c \
	daemon/release-plan.h \
	daemon/reservations.c \
	daemon/reservations.h \
	daemon/spare-text.c \
	daemon/spare.c \
	daemon/spare.h \
	daemon/worker.c \
	daemon/worker.h \
	$(NULL)
daemon_libcore_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(LIBSYSTEMD_CFLAGS)

sbin_PROGRAMS += daemon/ballastd
daemon_ballastd_SOURCES = \
	daemon/guest-run.c \
	daemon/guest-run.h \
	daemon/main.c \
	daemon/manager-act.c \
	daemon/manager-agent.c \
	daemon/manager-balloon.c \
	daemon/manager-count.c \
	daemon/manager-decide.c \
	daemon/manager-dump.c \
	daemon/manager-enroll.c \
	daemon/manager-guest.c \
	daemon/manager-history.c \
	daemon/manager-hv.c \
	daemon/manager-mode.c \
	daemon/manager-network.c \
	daemon/network.c \
	daemon/network.h \
	daemon/polkit.c \
	daemon/polkit.h \
	daemon/manager-operation.c \
	daemon/manager-original.c \
	daemon/manager-override.c \
	daemon/manager-pause.c \
	daemon/manager-policy.c \
	daemon/manager-preview.c \
	daemon/manager-private.h \
	daemon/manager-release.c \
	daemon/manager-reload.c \
	daemon/manager-reserve.c \
	daemon/manager-sample.c \
	daemon/manager-sent.c \
	daemon/manager-tell.c \
	daemon/manager-view.c \
	daemon/manager.c \
	daemon/manager.h \
	daemon/release-guests.c \
	daemon/release-private.h \
	daemon/release.c \
	daemon/release.h \
	$(NULL)
daemon_ballastd_CPPFLAGS = $(AM_CPPFLAGS) $(daemon_paths) -DPACKAGE_VERSION='"$(PACKAGE_VERSION)"'
daemon_ballastd_CFLAGS = $(AM_CFLAGS) $(LIBSYSTEMD_CFLAGS) $(JANSSON_CFLAGS) -pthread
daemon_ballastd_LDADD = \
	daemon/libcore.a \
	daemon/api/libapi.a \
	daemon/libview.a \
	daemon/channel/libchannel.a \
	daemon/store/libstore.a \
	daemon/history/libhistory.a \
	daemon/sys/libsys.a \
	$(hv_libs) \
	$(JANSSON_LIBS) \
	$(LIBMICROHTTPD_LIBS) \
	$(GNUTLS_LIBS) \
	$(NETTLE_LIBS) \
	$(LIBSYSTEMD_LIBS) \
	$(SQLITE_LIBS) \
	-lpthread \
	$(NULL)

core_tests = \
	tests/unit/test-overrides \
	tests/unit/test-pause \
	tests/unit/test-plan-preview \
	tests/unit/test-policy-files \
	tests/unit/test-release-plan \
	tests/unit/test-reservations \
	tests/unit/test-spare \
	$(NULL)
check_PROGRAMS += $(core_tests)
TESTS += $(core_tests) tests/unit/test-options.sh tests/unit/test-start-hook.sh
dist_check_SCRIPTS += tests/unit/test-options.sh tests/unit/test-start-hook.sh
tests_unit_test_overrides_LDADD = daemon/libcore.a $(policy_libs) $(JANSSON_LIBS)
tests_unit_test_policy_files_LDADD = daemon/libcore.a $(policy_libs)
tests_unit_test_plan_preview_LDADD = daemon/libcore.a $(policy_libs)
tests_unit_test_pause_LDADD = daemon/libcore.a $(policy_libs) $(JANSSON_LIBS)
tests_unit_test_release_plan_LDADD = daemon/libcore.a $(policy_libs)
tests_unit_test_reservations_LDADD = daemon/libcore.a $(policy_libs)
tests_unit_test_spare_LDADD = daemon/libcore.a $(policy_libs)

check_PROGRAMS += tests/fuzz/fuzz-spare-replay
TESTS += tests/fuzz/fuzz-spare-replay
tests_fuzz_fuzz_spare_replay_SOURCES = tests/fuzz/fuzz-spare.c tests/fuzz/replay.c
tests_fuzz_fuzz_spare_replay_LDADD = daemon/libcore.a $(policy_libs)
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz-spare
tests_fuzz_fuzz_spare_LDADD = daemon/libcore.a $(policy_libs)
tests_fuzz_fuzz_spare_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
endif
EXTRA_DIST += tests/fuzz/corpus/spare

pkglibexec_PROGRAMS += daemon/ballast-start-hook
daemon_ballast_start_hook_SOURCES = daemon/start-hook.c
daemon_ballast_start_hook_CPPFLAGS = $(AM_CPPFLAGS) -DSOCKET_PATH='"/run/ballast/api.sock"'
daemon_ballast_start_hook_LDADD = $(hv_libs) $(JANSSON_LIBS)

# One file of the manager each, with fakes for the parts around it.
manager_tests = \
	tests/unit/test-manager-act \
	tests/unit/test-manager-agent \
	tests/unit/test-manager-agent-heard \
	tests/unit/test-manager-balloon \
	tests/unit/test-manager-enroll \
	tests/unit/test-manager-history \
	tests/unit/test-manager-mode \
	tests/unit/test-guest-run \
	tests/unit/test-manager-operation \
	tests/unit/test-manager-original \
	tests/unit/test-manager-override \
	tests/unit/test-manager-pause \
	tests/unit/test-manager-release \
	tests/unit/test-manager-reload \
	tests/unit/test-manager-reserve \
	tests/unit/test-manager-sample \
	tests/unit/test-manager-tell \
	tests/unit/test-manager-view \
	$(NULL)
check_PROGRAMS += $(manager_tests)
manager_scripts = tests/unit/test-api-commands.sh tests/unit/test-event-resume.sh tests/unit/test-history-live.sh tests/unit/test-metrics.sh tests/unit/test-driver-slow.sh tests/unit/test-release.sh tests/unit/test-state-dir.sh
TESTS += $(manager_tests) $(manager_scripts)
dist_check_SCRIPTS += $(manager_scripts)
# A library to be preloaded, with no sanitizer of its own: it finds that of the program.
check_PROGRAMS += tests/unit/driver-shim.so
tests_unit_driver_shim_so_SOURCES = tests/unit/driver-shim.c
tests_unit_driver_shim_so_CPPFLAGS = $(AM_CPPFLAGS) $(LIBVIRT_CFLAGS)
tests_unit_driver_shim_so_CFLAGS = $(WARN_CFLAGS) -fPIC
tests_unit_driver_shim_so_LDFLAGS = -shared
tests_unit_driver_shim_so_LDADD = $(LIBVIRT_LIBS)
fake_manager = tests/unit/fake-manager.c tests/unit/fake-manager.h
fake_manager_libs = daemon/libcore.a daemon/libview.a daemon/sys/libsys.a $(policy_libs) $(JANSSON_LIBS) $(LIBSYSTEMD_LIBS)
tests_unit_test_manager_act_SOURCES = \
	tests/unit/test-manager-act.c \
	$(fake_manager) \
	daemon/hv/hv-call.c \
	daemon/manager-act.c \
	daemon/manager-sent.c \
	$(NULL)
tests_unit_test_manager_act_LDADD = $(fake_manager_libs)
tests_unit_test_manager_agent_SOURCES = tests/unit/test-manager-agent.c $(fake_manager) daemon/manager-agent.c
tests_unit_test_manager_agent_LDADD = daemon/channel/libchannel.a $(fake_manager_libs)
tests_unit_test_manager_agent_heard_SOURCES = tests/unit/test-manager-agent-heard.c $(fake_manager) daemon/manager-agent.c
tests_unit_test_manager_agent_heard_LDADD = $(fake_manager_libs)
tests_unit_test_manager_enroll_SOURCES = tests/unit/test-manager-enroll.c $(fake_manager) daemon/manager-enroll.c
tests_unit_test_manager_enroll_LDADD = $(fake_manager_libs)
tests_unit_test_manager_balloon_SOURCES = tests/unit/test-manager-balloon.c $(fake_manager) daemon/manager-balloon.c daemon/manager-sent.c
tests_unit_test_manager_balloon_LDADD = $(fake_manager_libs)
tests_unit_test_manager_operation_SOURCES = tests/unit/test-manager-operation.c $(fake_manager) daemon/manager-operation.c
tests_unit_test_manager_operation_LDADD = $(fake_manager_libs)
tests_unit_test_manager_pause_SOURCES = tests/unit/test-manager-pause.c $(fake_manager) daemon/manager-mode.c daemon/manager-pause.c
tests_unit_test_manager_pause_LDADD = $(fake_manager_libs)
tests_unit_test_manager_history_SOURCES = tests/unit/test-manager-history.c $(fake_manager) daemon/manager-history.c
tests_unit_test_manager_history_LDADD = daemon/history/libhistory.a $(fake_manager_libs)
tests_unit_test_manager_mode_SOURCES = tests/unit/test-manager-mode.c $(fake_manager) daemon/manager-mode.c
tests_unit_test_manager_mode_LDADD = $(fake_manager_libs)
tests_unit_test_guest_run_SOURCES = tests/unit/test-guest-run.c daemon/guest-run.c
tests_unit_test_guest_run_LDADD = $(LIBSYSTEMD_LIBS)
tests_unit_test_manager_original_SOURCES = \
	tests/unit/test-manager-original.c \
	$(fake_manager) \
	daemon/hv/hv-call.c \
	daemon/manager-act.c \
	daemon/manager-original.c \
	daemon/manager-sent.c \
	$(NULL)
tests_unit_test_manager_original_LDADD = $(fake_manager_libs)
tests_unit_test_manager_override_SOURCES = tests/unit/test-manager-override.c $(fake_manager) daemon/manager-override.c
tests_unit_test_manager_override_LDADD = $(fake_manager_libs)
tests_unit_test_manager_release_SOURCES = tests/unit/test-manager-release.c $(fake_manager) daemon/manager-release.c
tests_unit_test_manager_release_LDADD = $(fake_manager_libs)
tests_unit_test_manager_reload_SOURCES = \
	tests/unit/test-manager-reload.c \
	$(fake_manager) \
	daemon/manager-reload.c \
	tests/policy-dirs.h \
	$(NULL)
tests_unit_test_manager_reload_LDADD = $(fake_manager_libs)
tests_unit_test_manager_sample_SOURCES = tests/unit/test-manager-sample.c $(fake_manager) daemon/manager-sample.c
tests_unit_test_manager_sample_LDADD = $(fake_manager_libs) $(host_libs)
tests_unit_test_manager_reserve_SOURCES = \
	tests/unit/test-manager-reserve.c \
	$(fake_manager) \
	daemon/manager-enroll.c \
	daemon/manager-reserve.c \
	$(NULL)
tests_unit_test_manager_reserve_LDADD = $(fake_manager_libs)
tests_unit_test_manager_tell_SOURCES = tests/unit/test-manager-tell.c $(fake_manager) daemon/manager-tell.c
tests_unit_test_manager_tell_LDADD = $(fake_manager_libs)
tests_unit_test_manager_view_SOURCES = tests/unit/test-manager-view.c $(fake_manager) daemon/manager-view.c
tests_unit_test_manager_view_LDADD = $(fake_manager_libs)
