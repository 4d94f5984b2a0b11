/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/api/metric.h"

/* The text of an answer of /metrics as it grows. Zero it to begin; without memory `failed` is set
 * and the rest does nothing. */
struct metric_text {
	char *buf;
	size_t len, allocated;
	bool failed, openmetrics;
};

/* HELP and TYPE of a metric; its samples follow at once. */
void metric_begin(struct metric_text *t, enum metric m) _nonnull_;
/* One sample. labels: `{domain="web1"`, without its end, as metric_label() makes it; NULL: none.
 * UINT64_MAX: not known, nothing is written. */
void metric_sample(struct metric_text *t, enum metric m, const char *labels, size_t labels_len,
	uint64_t value) _nonnull_args_(1);
/* Samples of a histogram. */
void metric_histogram(struct metric_text *t, enum metric m, const char *labels,
	const struct histogram *h) _nonnull_args_(1, 4);
/* The end of all. */
void metric_end(struct metric_text *t) _nonnull_;

/* Room for the labels of one sample: a policy's or guest's name at its longest, every byte of it
 * escaped, beside the rest. */
#define METRIC_LABELS_MAX 2048
struct metric_labels {
	size_t len; /* 0: none yet */
	char text[METRIC_LABELS_MAX];
};
/* Adds name="value": escaped, what is not UTF-8 as U+FFFD (else the whole scrape would be refused).
 * NULL is "". A value that does not fit is cut. */
void metric_label(struct metric_labels *l, const char *name, const char *value)
	_nonnull_args_(1, 2);
/* metric_sample() with one label, or two. */
void metric_sample_by(struct metric_text *t, enum metric m, const char *name, const char *value,
	uint64_t number) _nonnull_args_(1, 3);
void metric_sample_by2(struct metric_text *t, enum metric m, const char *name, const char *value,
	const char *name2, const char *value2, uint64_t number) _nonnull_args_(1, 3, 5);
