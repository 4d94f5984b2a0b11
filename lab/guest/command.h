/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "lab/guest/port.h"

/*
 * One command in the guest: foreground (lives as long as its client's stream) or job (keeps the
 * newest output until somebody waits for it). All of it runs on the one thread of lab-shell.
 */
struct command;

#define COMMANDS_MAX 64

/* The command that this stream shows, made if it is new; NULL when the table is full of living
 * ones. */
struct command *command_for_stream(uint32_t stream, bool make);

/* Appends a piece of the arguments. */
_nonnull_ void command_add_args(struct command *c, const void *data, size_t size);

/* Starts it with enum run_flags; answers FRAME_JOB for a job, FRAME_FAIL when it cannot be
 * started. */
_nonnull_ void command_run(struct command *c, struct port *p, unsigned int flags);

/* Queues input; no data means end of input. */
_nonnull_args_(1) void command_input(struct command *c, const void *data, size_t size);

/* Shows job number `job` on this stream from now on. -ENOENT: no such job. -EBUSY: somebody else
 * watches it. */
_must_check_ int command_attach(uint32_t stream, unsigned int job);

/* Signals the process group of a job. -ENOENT: no such job. */
_must_check_ int command_signal(unsigned int job, int sig);

/* The client of this stream went. */
void command_drop(uint32_t stream);

/* All clients went. */
void command_drop_all(void);

/* One line a job: number, state, command. Returns the length of the text. */
_nonnull_ size_t command_list(char *text, size_t size);

/* Collects the dead. */
void command_reap(void);

/* Moves output, input and exit codes of all commands as far as they go without waiting. */
_nonnull_ void command_advance_all(struct port *p);

struct pollfd;
/* Adds what the commands wait for; fds has room for 3 * COMMANDS_MAX. Returns how many were
 * added. */
_nonnull_ size_t command_poll(const struct port *p, struct pollfd *fds);
