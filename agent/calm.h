/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * An alarm for "somebody begins to take memory", so that a small guest at rest need not look ten
 * times a second. Whoever fills anonymous memory faults pages in: a software counter of page faults
 * on each CPU signals after a few of them and then rests until it is armed again. A process that
 * only starts faults some hundred times, so any activity at all brings the frequent looks back.
 * Needs CAP_PERFMON, CAP_SYS_ADMIN where kernel.perf_event_paranoid is 3 (Debian's own value), and
 * a kernel with perf events; without, there is no alarm and looks stay frequent.
 */
#define CALM_CPUS_MAX 256
#define CALM_WORDS (CALM_CPUS_MAX / 64)
/* Faults on one CPU that wake: with huge pages they are 16 MiB, 3 % of a guest of 512 MiB. */
#define CALM_FAULTS 8

struct calm {
	int n;
	int online; /* CPUs when they were opened */
	int fds[CALM_CPUS_MAX];
	uint64_t armed[CALM_WORDS]; /* bits: these have not signalled */
};

/* Sets the counters up, at rest, and a handler for SIGRTMIN, which it blocks: the caller lets it
 * through while it sleeps, and only then. One struct calm a process. Returns 0, or -errno: no perf
 * events here, no permission, more than CALM_CPUS_MAX CPUs that run. */
int calm_open(struct calm *c) _nonnull_ _must_check_;
void calm_close(struct calm *c) _nonnull_;

/* Lets each counter signal once from now on, and sets them up anew where CPUs came or went. Returns
 * 0 or -errno. */
int calm_arm(struct calm *c) _nonnull_ _must_check_;
/* Whether one signalled since the last call. */
bool calm_fired(struct calm *c) _nonnull_;
