/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/units.h"

/*
 * Figures over time. Two kinds of things have them, guests and hosts; columns.c says which figures
 * each has. A sample is one value for each of them, UINT64_MAX where it is not known; sizes are in
 * whole MiB. Everything here is pure.
 */
enum series_kind {
	SERIES_GUEST,
	SERIES_HOST,
};
#define SERIES_COLUMNS_MAX 16

/* How values of a span become one. */
enum series_fold {
	FOLD_MEAN,
	FOLD_LAST,
	FOLD_SUM,
};

struct series_column {
	const char *name; /* in answers; of the mean, the last or the sum */
	const char *min, *max; /* NULL: not kept */
	enum series_fold fold;
	bool bytes; /* kept in MiB, shown in bytes */
	const char *summary;
};
extern const struct series_column guest_columns[], host_columns[];
extern const size_t n_guest_columns, n_host_columns;
/* Larger than this no figure of ours is: in MiB it is the largest size there is anywhere (64 PiB),
 * and means and sums of such numbers cannot overflow. What is larger is damage. */
#define SERIES_VALUE_MAX (UINT64_C(1) << 36)
const struct series_column *series_columns(enum series_kind kind, size_t *ret_n) _nonnull_;

/* Values that become one. Zeroed: none yet. */
struct fold {
	uint64_t n, sum, min, max, last;
};
void fold_add(struct fold *f, uint64_t value, uint64_t min, uint64_t max) _nonnull_;
uint64_t fold_value(const struct fold *f, enum series_fold how) _nonnull_ _pure_;

/* n_points spans of step_sec, from from_sec on, each with a fold for each column. */
struct series {
	enum series_kind kind;
	uint64_t from_sec, step_sec;
	size_t n_points, n_columns;
	struct fold folds[]; /* n_points rows */
};
/* NULL without memory. */
struct series *series_new(
	enum series_kind kind, uint64_t from_sec, uint64_t step_sec, size_t n_points) _must_check_;
/* A value of one column that holds for a span: it counts for every point that the span touches. A
 * sample's span is 1 s. One that cannot be (above SERIES_VALUE_MAX) is not known: samples come from
 * the disk. */
void series_add(struct series *s, size_t column, uint64_t at_sec, uint64_t span_sec, uint64_t value,
	uint64_t min, uint64_t max) _nonnull_;

/* The shortest step of a fixed list that covers the span with at most so many points. */
uint64_t series_step(uint64_t span_sec, size_t points, uint64_t least_sec) _const_;
