/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>
#include <systemd/sd-event.h>

#include "common/conf.h"
#include "daemon/view.h"

/*
 * The main loop's centre: it owns the one state (guests, what was decided last, overrides,
 * reservations) and wires the parts to it. libvirt, channels, host and clock bring in news;
 * decide() says what to do; libvirt, the API and the journal carry it out and tell. Everything here
 * runs in the main loop's thread and never blocks.
 *
 *   manager.c           making, starting, stopping; the loop's sources
 *   manager-guest.c     the table of guests: libvirt's life-cycle callbacks
 *   manager-agent.c     what agents report
 *   manager-sample.c    the host's figures and the guests' resident sizes
 *   manager-balloon.c   what is read over libvirt: moving balloons, the fallback without an agent
 *   manager-decide.c    when to decide, the snapshot, the plan
 *   manager-act.c       carrying out a plan; what became of each call
 *   manager-original.c  what guests had before Ballast touched them
 *   manager-override.c, manager-reserve.c, manager-mode.c, manager-pause.c, manager-reload.c,
 * manager-enroll.c   commands manager-policy.c, manager-preview.c   policies that come through the
 * API, and trials, with the worker manager-operation.c what became of commands that nobody waits
 * for manager-tell.c      events, journal, status line, trace manager-view.c      what others are
 * shown manager-dump.c      what is counted
 */
struct manager;

struct manager_config {
	const char *conf_path;
	bool conf_must_exist;
	struct conf *conf;      /* taken over: manager_free() clears it */
	sd_event *loop;
	bool dry_run;           /* observe, no socket, nothing is written */
	/* of every report, decision and command with its times; NULL: none. Stays the caller's */
	FILE *trace;
	int listen_fd;          /* the API's socket, taken over; -1: none */
};

/*
 * Opens state, policies and host, makes the API and the hypervisor's side. Returns 0; -EBADMSG when
 * the configuration or state is refused, -errno; what is wrong has been written to the journal. On
 * success *ret owns all that it made and what config says that it takes.
 */
int manager_new(const struct manager_config *config, struct manager **ret) _nonnull_ _must_check_;
/* Connects to libvirt and turns the loop until it is told to end. Returns the loop's exit code or
 * -errno. */
int manager_run(struct manager *m) _nonnull_ _must_check_;
/* Reads configuration and policies again (SIGHUP). Tells what became of it. */
void manager_reload(struct manager *m) _nonnull_;
/* Writes what is counted into the journal (SIGUSR1). */
void manager_dump(struct manager *m) _nonnull_;
/* The orderly end (SIGTERM): gives every guest at least what it uses, waits for that at most 3 s,
 * then ends the loop. */
void manager_stop(struct manager *m) _nonnull_;
/* A dry run's result: what would be done now, for people. Returns 1, 0 while libvirt and agents may
 * yet answer, or -ENOTCONN (said in the journal) where libvirt has not shown its guests in the time
 * of two heartbeats. */
int manager_print_plan(struct manager *m, FILE *to) _nonnull_;
struct manager *manager_free(struct manager *m); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct manager *, manager_free)
