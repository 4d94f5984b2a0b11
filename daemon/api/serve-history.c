/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "common/units.h"
#include "daemon/api/route.h"
#include "daemon/api/serve.h"
#include "daemon/api/when.h"

/* Figures over time: what is asked for, and the answer. */
#define POINTS_MAX     1000
#define POINTS_DEFAULT 300
#define SPAN_DEFAULT_USEC USEC_PER_HOUR

/* The step that was asked for, or one that makes few points. */
static int choose_step(const struct query *q, uint64_t span_sec, uint64_t least_sec,
	uint64_t *ret_sec, struct problem *p)
{
	_cleanup_diag_ struct diag d = {0};
	uint64_t least = MAX(least_sec, (span_sec + POINTS_MAX - 2) / (POINTS_MAX - 1)), usec;
	char why[160], text[SPAN_TEXT_MAX];

	*ret_sec = series_step(span_sec, POINTS_DEFAULT - 1, least_sec);
	if (!q->step)
		return 0;
	if (span_parse(q->step, &usec, &d) < 0 || usec == USEC_INFINITY || usec % USEC_PER_SEC) {
		snprintf(why, sizeof(why), "found \"%.60s\", expected whole seconds (30s, 5m)",
			q->step);
		return problem_set_query(p, "step", why);
	}
	if (usec / USEC_PER_SEC < least) {
		snprintf(why, sizeof(why),
			"found \"%.60s\", expected at least %s: there are samples so often, and at most %d points in an answer",
			q->step, span_format(least * USEC_PER_SEC, text), POINTS_MAX);
		return problem_set_query(p, "step", why);
	}
	*ret_sec = usec / USEC_PER_SEC;
	return 0;
}

int history_ask(const struct query *q, uint64_t now_real_usec, uint64_t sample_sec,
	struct past_history *h, struct problem *p)
{
	uint64_t until = now_real_usec, since;

	if (q->until && when_parse("until", q->until, now_real_usec, &until, p) < 0)
		return -1;
	until = MIN(until, now_real_usec);
	since = sub_sat(until, SPAN_DEFAULT_USEC);
	if (q->since && when_parse("since", q->since, now_real_usec, &since, p) < 0)
		return -1;
	if (since >= until)
		return problem_set_query(
			p, q->since ? "since" : "until", "nothing lies between since and until");
	h->until_sec = until / USEC_PER_SEC + 1;
	h->from_sec = since / USEC_PER_SEC;
	if (choose_step(q, h->until_sec - h->from_sec, sample_sec, &h->step_sec, p) < 0)
		return -1;
	/* Points stand still while time goes on. */
	h->from_sec -= h->from_sec % h->step_sec;
	/* the first second of 1970 is no time in JSON */
	h->from_sec = MAX(h->from_sec, UINT64_C(1));
	return 0;
}

static void key_value(
	struct json_out *o, const struct series_column *c, const char *name, uint64_t value)
{
	if (name)
		json_out_key_u64(o, name, c->bytes && value != UINT64_MAX ? value * MIB : value);
}

static void write_point(const struct series *s, size_t i, struct json_out *o)
{
	const struct fold *row = &s->folds[i * s->n_columns];
	size_t n;
	const struct series_column *columns = series_columns(s->kind, &n);

	json_out_open(o, '{');
	json_out_key_time(o, "time", (s->from_sec + i * s->step_sec) * USEC_PER_SEC);
	for (size_t c = 0; c < n; c++) {
		key_value(o, &columns[c], columns[c].name, fold_value(&row[c], columns[c].fold));
		key_value(o, &columns[c], columns[c].min, row[c].n ? row[c].min : UINT64_MAX);
		key_value(o, &columns[c], columns[c].max, row[c].n ? row[c].max : UINT64_MAX);
	}
	json_out_close(o, '}');
}

void serve_history(const struct past_history *h, struct json_out *o)
{
	char uuid[UUID_TEXT_MAX];

	json_out_open(o, '{');
	json_out_key_string(o, h->of_host ? "host" : "guest", h->name);
	if (!h->of_host)
		json_out_key_string(o, "uuid", uuid_format(&h->guest, uuid));
	json_out_key_u64(o, "step_s", h->step_sec);
	json_out_key_time(o, "from", h->from_sec * USEC_PER_SEC);
	json_out_key_time(o, "until", h->until_sec * USEC_PER_SEC);
	json_out_key(o, "points");
	json_out_open(o, '[');
	for (size_t i = 0; i < h->series->n_points; i++)
		write_point(h->series, i, o);
	json_out_close(o, ']');
	json_out_close(o, '}');
}
