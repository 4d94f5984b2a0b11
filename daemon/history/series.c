/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/history/series.h"

/* Columns are only ever added at the end: what is on the disk has those that there were when it was
 * written. */
const struct series_column guest_columns[] = {
	{"actual", NULL, NULL, FOLD_MEAN, true, "memory that the balloon leaves it"},
	{"used", "used_min", "used_max", FOLD_MEAN, true, "memory that it used"},
	{"want", NULL, NULL, FOLD_MEAN, true, "memory that it wanted"},
	{"target", NULL, NULL, FOLD_LAST, true, "memory that it was commanded to have"},
	{"stall_permyriad", NULL, "stall_max_permyriad", FOLD_MEAN, false,
		"time in which somebody in it waited for memory"},
	{"refaults_per_sec", NULL, NULL, FOLD_MEAN, false, "pages that it read anew"},
	{"cpu_weight", NULL, NULL, FOLD_LAST, false, NULL},
	{"cpu_permyriad", NULL, "cpu_max_permyriad", FOLD_MEAN, false, "CPU time, of one CPU"},
	{"delay_permyriad", NULL, "delay_max_permyriad", FOLD_MEAN, false,
		"time in which its vCPUs waited for a CPU, of one CPU"},
};
const size_t n_guest_columns = ARRAY_SIZE(guest_columns);

const struct series_column host_columns[] = {
	{"total", NULL, NULL, FOLD_LAST, true, "memory of the machine"},
	{"charged", NULL, "charged_max", FOLD_MEAN, true, "what the guests count for"},
	{"free", "free_min", NULL, FOLD_MEAN, true, "budget - charged - reserved"},
	{"reserved", NULL, NULL, FOLD_MEAN, true, "of guests that are to start"},
	{"memory_some_permyriad", NULL, "memory_some_max_permyriad", FOLD_MEAN, false,
		"time in which somebody waited for memory"},
	{"memory_full_permyriad", NULL, "memory_full_max_permyriad", FOLD_MEAN, false,
		"time in which all waited for memory"},
	{"cpu_some_permyriad", NULL, NULL, FOLD_MEAN, false,
		"time in which somebody waited for a CPU"},
	{"io_some_permyriad", NULL, NULL, FOLD_MEAN, false,
		"time in which somebody waited for a disk"},
	{"cpu_busy_permyriad", NULL, "cpu_busy_max_permyriad", FOLD_MEAN, false, "of all CPUs"},
	{"guests", NULL, NULL, FOLD_LAST, false, "how many ran"},
	{"decisions", NULL, NULL, FOLD_SUM, false, "made in this time"},
	{"commands", NULL, NULL, FOLD_SUM, false, "given in this time: memory, CPU, soft limits"},
};
const size_t n_host_columns = ARRAY_SIZE(host_columns);
_Static_assert(ARRAY_SIZE(guest_columns) <= SERIES_COLUMNS_MAX &&
		       ARRAY_SIZE(host_columns) <= SERIES_COLUMNS_MAX,
	"a sample has room for all");

const struct series_column *series_columns(enum series_kind kind, size_t *ret_n)
{
	*ret_n = kind == SERIES_GUEST ? n_guest_columns : n_host_columns;
	return kind == SERIES_GUEST ? guest_columns : host_columns;
}

void fold_add(struct fold *f, uint64_t value, uint64_t min, uint64_t max)
{
	if (value > SERIES_VALUE_MAX)
		return;
	max = max > SERIES_VALUE_MAX ? value : max;
	f->min = f->n ? MIN(f->min, min) : min;
	f->max = f->n ? MAX(f->max, max) : max;
	f->sum = add_sat(f->sum, value);
	f->last = value;
	f->n++;
}

uint64_t fold_value(const struct fold *f, enum series_fold how)
{
	if (!f->n)
		return UINT64_MAX;
	switch (how) {
	case FOLD_LAST:
		return f->last;
	case FOLD_SUM:
		return f->sum;
	case FOLD_MEAN:
		break;
	}
	return (f->sum + f->n / 2) / f->n;
}

struct series *series_new(
	enum series_kind kind, uint64_t from_sec, uint64_t step_sec, size_t n_points)
{
	struct series *s;
	size_t n_columns;

	series_columns(kind, &n_columns);
	s = calloc(1, sizeof(*s) + n_points * n_columns * sizeof(s->folds[0]));
	if (!s)
		return NULL;
	s->kind = kind;
	s->from_sec = from_sec;
	s->step_sec = step_sec;
	s->n_points = n_points;
	s->n_columns = n_columns;
	return s;
}

void series_add(struct series *s, size_t column, uint64_t at_sec, uint64_t span_sec, uint64_t value,
	uint64_t min, uint64_t max)
{
	uint64_t end = at_sec + MAX(span_sec, (uint64_t)1), first, last;
	size_t n;
	bool sum = series_columns(s->kind, &n)[column].fold == FOLD_SUM;

	if (value > SERIES_VALUE_MAX)
		return;
	if (end <= s->from_sec || at_sec >= s->from_sec + s->n_points * s->step_sec)
		return;
	first = at_sec > s->from_sec ? (at_sec - s->from_sec) / s->step_sec : 0;
	last = MIN((end - 1 - s->from_sec) / s->step_sec, (uint64_t)s->n_points - 1);
	/* A number of things stays what it was, however many points it is spread over. */
	if (sum && end - at_sec > s->step_sec)
		value = value * s->step_sec / (end - at_sec);
	for (uint64_t i = first; i <= last; i++)
		fold_add(&s->folds[i * s->n_columns + column], value, min, max);
}

uint64_t series_step(uint64_t span_sec, size_t points, uint64_t least_sec)
{
	static const uint64_t steps[] = {1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800,
		3600, 7200, 10800, 21600, 43200, 86400};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i] >= least_sec && (span_sec + steps[i] - 1) / steps[i] <= points)
			return steps[i];
	return MAX((span_sec + points - 1) / points, least_sec);
}
