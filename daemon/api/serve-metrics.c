/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/metric-text.h"
#include "daemon/api/serve.h"

/* Where the labels of a guest lie in the one text of all. */
struct place {
	size_t at, len;
};

/* What is needed of all guests, gathered once: the text goes metric by metric, each with all
 * guests. */
struct guests {
	size_t n;
	uint64_t (*values)[METRIC_GUEST_SINGLE_END];
	struct place *places;
	char *labels;
	size_t labels_len, labels_allocated;
};

static void guests_clear(struct guests *g)
{
	free(g->values);
	free(g->places);
	free(g->labels);
}
#define _cleanup_guests_ _cleanup_(guests_clear)

static bool add_labels(struct guests *g, size_t i, const struct metric_labels *l)
{
	if (g->labels_len + l->len > g->labels_allocated) {
		size_t size = 2 * g->labels_allocated + l->len + 4096;
		char *grown = realloc(g->labels, size);

		if (!grown)
			return false;
		g->labels = grown;
		g->labels_allocated = size;
	}
	memcpy(g->labels + g->labels_len, l->text, l->len);
	g->places[i] = (struct place){g->labels_len, l->len};
	g->labels_len += l->len;
	return true;
}

static bool guests_gather(struct guests *g, const struct view_input *k)
{
	const struct snapshot *s = k->snapshot;

	g->n = s->n_guests;
	g->values = calloc(g->n + 1, sizeof(*g->values));
	g->places = calloc(g->n + 1, sizeof(*g->places));
	for (size_t i = 0; i < g->n; i++) {
		struct metric_labels l;
		char uuid[UUID_TEXT_MAX];

		l.len = 0;
		metric_label(&l, "domain", s->guests[i].id.name);
		metric_label(&l, "uuid", uuid_format(&s->guests[i].id.uuid, uuid));
		if (!g->values || !g->places || !add_labels(g, i, &l))
			return false;
		metric_guest_values(k, i, g->values[i]);
	}
	return true;
}

static void write_singles(const struct guests *g, struct metric_text *t)
{
	for (int m = 0; m < METRIC_GUEST_SINGLE_END; m++) {
		metric_begin(t, (enum metric)m);
		for (size_t i = 0; i < g->n; i++)
			metric_sample(t, (enum metric)m, g->labels + g->places[i].at,
				g->places[i].len, g->values[i][m]);
	}
}

/* A guest's labels and more behind them. */
static void guest_labels(const struct guests *g, size_t i, struct metric_labels *l)
{
	l->len = g->places[i].len;
	memcpy(l->text, g->labels + g->places[i].at, l->len);
}

static void write_info(const struct guests *g, const struct view_input *k, struct metric_text *t)
{
	metric_begin(t, METRIC_GUEST_INFO);
	for (size_t i = 0; i < g->n; i++) {
		const struct guest_sample *s = &k->snapshot->guests[i];
		const struct plan_guest *p = plan_guest(k, i);
		struct metric_labels l;

		guest_labels(g, i, &l);
		metric_label(&l, "host", s->id.host ? s->id.host : k->snapshot->host.name);
		metric_label(&l, "source", report_source_to_string(s->report.source));
		metric_label(
			&l, "fixed", s->fixed == FIXED_NOT ? "" : fixed_reason_to_string(s->fixed));
		metric_label(&l, "net",
			!p || p->net == GUEST_NET_UNKNOWN ? "" : guest_net_to_string(p->net));
		metric_sample(t, METRIC_GUEST_INFO, l.text, l.len, 1);
	}
}

/* All of them, also those that do not hold: a series that comes and goes cannot be summed or
 * alerted on. */
static void write_conditions_of(
	const struct guests *g, const struct view_input *k, struct metric_text *t)
{
	metric_begin(t, METRIC_GUEST_CONDITION);
	for (size_t i = 0; i < g->n; i++) {
		bool holds[GUEST_CONDITIONS];
		struct metric_labels l;

		guest_labels(g, i, &l);
		guest_conditions_hold(&k->snapshot->guests[i], plan_guest(k, i), holds);
		for (size_t c = 0; c < GUEST_CONDITIONS; c++) {
			size_t len = l.len;

			metric_label(&l, "condition", guest_condition_words[c]);
			metric_sample(t, METRIC_GUEST_CONDITION, l.text, l.len, holds[c]);
			l.len = len;
		}
	}
}

static void write_all(const struct metric_input *in, struct metric_text *t)
{
	uint64_t values[METRIC_SINGLE_END];
	_cleanup_guests_ struct guests g = {0};

	if (!guests_gather(&g, in->known)) {
		t->failed = true;
		return;
	}
	write_singles(&g, t);
	write_info(&g, in->known, t);
	write_conditions_of(&g, in->known, t);
	for (size_t i = 0; i < METRIC_SINGLE_END; i++)
		values[i] = UINT64_MAX;
	metric_host_values(in->known, values);
	metric_daemon_values(in, values);
	for (int m = METRIC_SINGLE_BEGIN; m < METRIC_SINGLE_END; m++) {
		metric_begin(t, (enum metric)m);
		metric_sample(t, (enum metric)m, NULL, 0, values[m]);
	}
	metric_write_host(in, t);
	metric_write_daemon(in, t);
	metric_end(t);
}

void serve_metrics(const struct metric_input *in, struct json_out *o)
{
	struct metric_text t = {.openmetrics = in->openmetrics};

	write_all(in, &t);
	if (t.failed) {
		free(t.buf);
		o->failed = true;
		return;
	}
	*o = (struct json_out){.buf = t.buf, .len = t.len, .allocated = t.allocated};
}
