/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/api/http.h"

/*
 * GET /v1/events as a stream of server-sent events. HTTP thread. A stream has no queue: it reads
 * the event log by sequence, up to STREAM_BATCH_BYTES at a time, when its client has taken what it
 * got before. So a client that does not read costs its own batch and nobody a delay; one that falls
 * out of the ring is told by `reset`.
 */
/* All at once (never more than half of the connections, which are left to others), and of one
 * client that is no admin. */
#define STREAMS_MAX   256
#define STREAMS_SHARE 64
#define STREAM_BATCH_BYTES (16 * KIB)
/* Silence after which a line says that the stream stands: proxies and NAT forget in 30 s and
 * more. */
#define STREAM_BEAT_USEC (15 * USEC_PER_SEC)
/* Batches are at least so far apart: a flood of events is one wake-up of each client per batch. */
#define STREAM_GATHER_USEC (20 * USEC_PER_MSEC)
#define STREAM_STATE_USEC USEC_PER_SEC
/* Who has not taken a byte of what is there for so long is cut off, and comes back with
 * Last-Event-ID. */
#define STREAM_STALLED_SEC 300

struct stream;

/* Answers a request with a stream. */
enum MHD_Result stream_begin(struct request *r) _nonnull_;
/* Its request ends. Takes NULL, returns NULL. */
struct stream *stream_free(struct stream *s);

/* What the thread's loop calls. */
int streams_init(struct http *h) _nonnull_ _must_check_;
void streams_clear(struct http *h) _nonnull_;
void streams_log_news(struct http *h) _nonnull_; /* h->log_fd was poked */
void streams_gone(struct http *h) _nonnull_;	 /* h->gone_fd is readable */
void streams_check(struct http *h) _nonnull_;	 /* what is due by time */
void streams_stop(struct http *h) _nonnull_;	 /* ends each with an event */
