/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "policy/plan.h"
#include "simulate/judge.h"

/*
 * What a run prints, in two forms behind one table of functions: JSON lines for programs, of the
 * very shape and order that the contract has, and a table for people. Only numbers that are
 * integers are printed, so that the same run gives the same bytes on every machine.
 */
struct output;

struct output_ops {
	void (*begin)(struct output *o);
	void (*actual)(struct output *o, uint64_t at_msec, const struct world_guest *g);
	void (*host)(struct output *o, uint64_t at_msec, int64_t free_bytes, enum host_state state,
		uint64_t promised_bytes);
	void (*command)(struct output *o, uint64_t at_msec, const char *guest, uint64_t from_bytes,
		uint64_t to_bytes, const struct reason *reason);
	void (*cpu)(struct output *o, uint64_t at_msec, const char *guest, uint64_t weight,
		const struct reason *reason);
	/* type: the daemon's name; guest NULL: the host; detail "": none; text: the same for
	 * people. */
	void (*event)(struct output *o, uint64_t at_msec, const char *type, const char *guest,
		const char *detail, const char *text);
	void (*summary)(struct output *o, const struct judge *j, uint64_t decisions);
};

struct output {
	const struct output_ops *ops;
	FILE *file;
	const struct world *world;
	void *state; /* the form's own, owned */
};

/* Both print to file, which stays the caller's. Return 0 or -ENOMEM. */
int output_json(struct output *o, FILE *file, const struct world *w) _nonnull_ _must_check_;
int output_table(struct output *o, FILE *file, const struct world *w) _nonnull_ _must_check_;
void output_clear(struct output *o) _nonnull_;
#define _cleanup_output_ _cleanup_(output_clear)

/* "10.05", "40.0": seconds from whole milliseconds, at least one decimal. Returns buf. */
#define SECONDS_TEXT_MAX 32
char *seconds_format(uint64_t msec, char buf[static SECONDS_TEXT_MAX]);
