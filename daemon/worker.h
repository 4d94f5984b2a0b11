/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "common/macros.h"

/*
 * A thread that does, one after the other, what may wait for a disk or takes more time than the
 * main loop has. A job is two functions: run() on the thread, which must touch nothing of the main
 * loop's, and done() in the main loop afterwards.
 */
struct worker;

typedef void (*worker_run)(void *job);
/* ran: false where the worker ended before it came to it. Owns job from then on. */
typedef void (*worker_done)(void *job, bool ran);

/* name: the thread's. max: jobs that may wait. Returns 0 or -errno. */
int worker_new(
	sd_event *loop, const char *name, unsigned max, struct worker **ret) _nonnull_ _must_check_;
/* Main loop. Returns 0, or -EBUSY or -ENOMEM (then the job stays the caller's). */
int worker_submit(
	struct worker *w, worker_run run, worker_done done, void *job) _nonnull_ _must_check_;
/* Waits for the job that runs, at most 3 s (where a disk hangs: then its memory is left to it, and
 * its done() is not called), and calls done() of all others. Takes NULL, returns NULL. */
struct worker *worker_free(struct worker *w);
DEFINE_CLEANUP(struct worker *, worker_free)
