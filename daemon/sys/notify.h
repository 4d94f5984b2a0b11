/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "common/macros.h"

/*
 * What the service manager is told, and what it asks of us. Main thread only. All of it is silently
 * nothing where no manager listens.
 */

/* READY=1 with a first status line. */
void notify_ready(const char *status) _nonnull_;
/* RELOADING=1 with the time that newer managers want; READY=1 follows by notify_ready(). */
void notify_reloading(void);
void notify_stopping(void);
/* STATUS=, sent only when it differs from the last one. */
void notify_status(const char *fmt, ...) _printf_(1, 2);
/* More time for a start or stop that is under way. */
void notify_extend_timeout(uint64_t usec);

/* Lets the loop itself keep the watchdog quiet: it does so only while it turns. Returns 1 with a
 * watchdog, 0 where the manager set none, -errno. */
int notify_watchdog(sd_event *loop) _nonnull_ _must_check_;
