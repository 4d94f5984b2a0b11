/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/hv/hv-sched.h"

/* Shared by the two halves of the scheduler: hv-sched.c (in, and under way) and hv-sched-end.c (and
 * out again). */

/* Takes out the task at *link, which is somewhere in q. */
struct sched_task *sched_queue_unlink(struct sched_queue *q, struct sched_task **link) _nonnull_;
void sched_task_free(struct sched_task *t); /* takes NULL */
/* Tells the end of a call that does not bring anything home, unless it was told. */
void sched_task_tell(struct sched *s, struct sched_task *t, int error, const char *text) _nonnull_;
/* What waits for g ends: what others submitted; hv's own calls (a definition that was not read). */
void sched_queue_end_public(
	struct sched *s, struct sched_guest *g, int error, const char *text) _nonnull_;
void sched_queue_end_own(struct sched *s, struct sched_guest *g, int error) _nonnull_;
/* Into the ready list, if it has something that may run. */
void sched_ready_add(struct sched *s, struct sched_guest *g) _nonnull_;
void sched_ready_remove(struct sched *s, struct sched_guest *g) _nonnull_;
/* Changes trust, and the counts that depend on it. */
void sched_guest_trust(struct sched *s, struct sched_guest *g, enum sched_trust trust) _nonnull_;
