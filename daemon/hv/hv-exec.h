/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/hv/hv-priv.h"

/* The calls by kind, for hv_exec() alone: on a worker's thread and connection, without the lock.
 * Each fills t->answer. */

/* libvirt's last error into a, as hv_error(); a guest that ended a moment ago is "gone", not an
 * "invalid operation". Returns a->error. */
int exec_error(struct exec *x, virDomainPtr dom, struct sched_answer *a) _nonnull_args_(1, 3);
/*
 * Is a job on it? A migration that comes in refuses the question ("available only on the source
 * host"), which is an answer. Takes a job of the kind that runs beside all others, so a guest that
 * hangs hangs here already. Returns 0 and a->job, or a->error.
 */
int exec_read_job(struct exec *x, virDomainPtr dom, struct sched_answer *a) _nonnull_;
/* Reads a definition: flags as virDomainGetXMLDesc(). Returns 0 or a->error. */
int exec_xml(struct exec *x, virDomainPtr dom, unsigned flags, struct sched_answer *a,
	struct hv_guest **ret) _nonnull_;
/* Its QEMU, and that one's vCPU threads; left at 0 where there is none, with the stranger that was
 * passed over. */
void exec_find_process(struct hv *hv, struct hv_guest *g) _nonnull_;

void exec_set_memory(struct exec *x, virDomainPtr dom, struct sched_task *t);
void exec_read_balloon(struct exec *x, virDomainPtr dom, struct sched_task *t);
void exec_read_balloons(struct exec *x, struct sched_task *t);
void exec_set_stats_period(struct exec *x, virDomainPtr dom, struct sched_task *t);
void exec_set_soft_limit(struct exec *x, virDomainPtr dom, struct sched_task *t);
void exec_set_cpu(struct exec *x, virDomainPtr dom, struct sched_task *t);
void exec_get_cpu(struct exec *x, virDomainPtr dom, struct sched_task *t);
void exec_get_xml(struct exec *x, virDomainPtr dom, struct sched_task *t);
void exec_channel(struct exec *x, virDomainPtr dom, struct sched_task *t);
