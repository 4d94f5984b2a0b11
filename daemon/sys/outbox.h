/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * Messages on their way to a reader that may stand still, which then holds up nobody here. One is
 * sent at once by who puts it, as long as that does not wait; else it waits in a bounded queue for
 * a thread of the outbox's own. Order is kept. What finds no room is dropped and counted; the count
 * takes its place in the order when half of the queue has gone out. Any thread may put.
 */
#define OUTBOX_BYTES \
	(512 * KIB) /* some thousand lines, each with its event: a minute of a busy host */
#define OUTBOX_MESSAGE_MAX 2048

struct outbox;
/* Writes the message that tells of n dropped ones into buf; returns its length. Called with the
 * outbox locked: it must not put anything. */
typedef size_t (*outbox_gap)(uint64_t n, char buf[static OUTBOX_MESSAGE_MAX]);

/* Messages go as datagrams to the socket at path, copied; while nobody is bound there they wait.
 * With path NULL they are written to fd, which stays the caller's: a pipe, terminal, file or
 * socket, whose own flags are left alone. Returns 0 or -errno. */
int outbox_new(const char *path, int fd, outbox_gap gap, struct outbox **ret)
	_nonnull_args_(3, 4) _must_check_;
/* Forgets what still waits. Takes NULL, returns NULL. */
struct outbox *outbox_free(struct outbox *o);
DEFINE_CLEANUP(struct outbox *, outbox_free)

/* Never waits for the reader. */
void outbox_put(struct outbox *o, const char *data, size_t len) _nonnull_;
/* How many messages were dropped so far. */
uint64_t outbox_dropped(struct outbox *o) _nonnull_;
/* Waits until all has gone out, so long at most. Returns whether it has. */
bool outbox_drain(struct outbox *o, uint64_t usec) _nonnull_;
