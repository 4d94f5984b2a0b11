/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include "common/units.h"

/*
 * Samples for the history: what is known at the moment is copied and handed to the store's thread.
 * Nothing is asked for. Of counters it is the difference to the sample before.
 */

static uint64_t sample_sec(const struct manager *m)
{
	return m->conf.sample_usec / USEC_PER_SEC;
}

static uint64_t mib(uint64_t bytes)
{
	return bytes == UINT64_MAX ? bytes : add_sat(bytes, MIB / 2) / MIB;
}

/* How much of the time between two readings a counter of microseconds grew by; UINT64_MAX: not
 * known. */
static uint64_t share(uint64_t before, uint64_t now, uint64_t before_usec, uint64_t now_usec)
{
	if (!before_usec || now_usec <= before_usec || now < before)
		return UINT64_MAX;
	return (now - before) * PERMYRIAD / (now_usec - before_usec);
}

/* From its reports: the whole time between two samples counts, not only the last report's. */
static void sample_report(struct guest *g, const struct guest_sample *s, const struct plan_guest *p,
	uint64_t values[static SERIES_COLUMNS_MAX])
{
	const struct guest_report *r = &s->report;
	struct sampled *b = &g->sampled;
	uint64_t refaults = r->refaults_file + r->refaults_anon,
		 usec = r->arrival_usec - b->report_usec;
	bool follows = r->source != REPORT_NONE && b->report_usec &&
		       r->arrival_usec > b->report_usec && b->incarnation == s->incarnation;

	values[4] = p && p->known ? p->stall_permyriad : UINT64_MAX;
	values[5] = p && p->known ? p->refaults_per_sec : UINT64_MAX;
	if (follows && r->has_psi && r->psi_mem_some_usec >= b->stall_usec)
		values[4] = MIN(
			share(b->stall_usec, r->psi_mem_some_usec, b->report_usec, r->arrival_usec),
			(uint64_t)PERMYRIAD);
	if (follows && r->has_counters && refaults >= b->refaults)
		values[5] = (refaults - b->refaults) * USEC_PER_SEC / usec;
	if (r->source == REPORT_NONE || r->arrival_usec == b->report_usec)
		return;
	b->report_usec = r->has_psi && r->has_counters ? r->arrival_usec : 0;
	b->stall_usec = r->psi_mem_some_usec;
	b->refaults = refaults;
	b->incarnation = s->incarnation;
}

static void sample_cpu(struct guest *g, const struct guest_sample *s, const struct plan_guest *p,
	uint64_t values[static SERIES_COLUMNS_MAX])
{
	struct sampled *b = &g->sampled;
	uint64_t weight = p ? p->cpu_weight : s->cpu_weight;

	values[6] = weight ? weight : UINT64_MAX;
	values[7] = share(b->vcpu_time_usec, s->vcpu_time_usec, b->vcpu_usec, s->vcpu_sample_usec);
	values[8] =
		share(b->vcpu_delay_usec, s->vcpu_delay_usec, b->vcpu_usec, s->vcpu_sample_usec);
	b->vcpu_usec = s->vcpu_sample_usec;
	b->vcpu_time_usec = s->vcpu_time_usec;
	b->vcpu_delay_usec = s->vcpu_delay_usec;
}

/* In the order of guest_columns (series.c). */
static void sample_guest(struct guest *g, const struct plan_guest *p, struct tick_guest *t)
{
	const struct guest_sample *s = guest_sample(g);

	t->uuid = g->uuid;
	t->values[0] = mib(s->actual_bytes);
	t->values[1] = p && p->known ? mib(p->used_bytes) : UINT64_MAX;
	t->values[2] = p ? mib(p->want_bytes) : UINT64_MAX;
	t->values[3] = mib(
		p && s->fixed == FIXED_NOT && p->target_bytes ? p->target_bytes : s->target_bytes);
	sample_report(g, s, p, t->values);
	sample_cpu(g, s, p, t->values);
}

/* In the order of host_columns. */
static void sample_of_host(struct manager *m, uint64_t v[static SERIES_COLUMNS_MAX])
{
	const struct host_sample *h = &m->host_sample;
	struct sampled_host *b = &m->sampled_host;
	const struct plan *p = m->plan;
	uint64_t taken = p ? add_sat(p->charged_bytes, p->reserved_bytes) : 0;
	bool psi = h->has_psi;

	sample_pressure(m);
	v[0] = mib(h->memory_bytes);
	v[1] = p ? mib(p->charged_bytes) : UINT64_MAX;
	v[2] = p ? mib(sub_sat(p->budget_bytes, taken)) : UINT64_MAX;
	v[3] = p ? mib(p->reserved_bytes) : UINT64_MAX;
	v[4] = psi ? share(b->mem_some_usec, h->psi_mem_some_usec, b->usec, h->sample_usec)
		   : UINT64_MAX;
	v[5] = psi ? share(b->mem_full_usec, h->psi_mem_full_usec, b->usec, h->sample_usec)
		   : UINT64_MAX;
	v[6] = psi ? share(b->cpu_some_usec, h->psi_cpu_some_usec, b->usec, h->sample_usec)
		   : UINT64_MAX;
	v[7] = psi ? share(b->io_some_usec, h->psi_io_some_usec, b->usec, h->sample_usec)
		   : UINT64_MAX;
	v[8] = m->has_cpu ? m->cpu_busy_permyriad : UINT64_MAX;
	v[9] = m->n_guests;
	v[10] = m->decisions - b->decisions;
	v[11] = m->commands - b->commands;
	*b = (struct sampled_host){
		.usec = h->sample_usec,
		.mem_some_usec = h->psi_mem_some_usec,
		.mem_full_usec = h->psi_mem_full_usec,
		.cpu_some_usec = h->psi_cpu_some_usec,
		.io_some_usec = h->psi_io_some_usec,
		.decisions = m->decisions,
		.commands = m->commands,
	};
}

struct tick *history_sample(struct manager *m, uint64_t now_real_usec)
{
	uint64_t every = sample_sec(m);
	size_t names = 1;
	struct tick *t;
	char *at;

	for (size_t i = 0; i < m->n_guests; i++)
		names += strlen(m->guests[i]->hv->name) + 1;
	t = tick_new(m->n_guests, names);
	if (!t)
		return NULL;
	/* A timer is a little early or late: samples lie on whole steps. */
	t->at_sec = (now_real_usec + every * USEC_PER_SEC / 2) / USEC_PER_SEC / every * every;
	sample_of_host(m, t->host);
	at = t->names;
	for (size_t i = 0; i < m->n_guests; i++) {
		sample_guest(m->guests[i], m->plan && m->plan_fits ? &m->plan->guests[i] : NULL,
			&t->guests[i]);
		t->guests[i].name = at;
		at = stpcpy(at, m->guests[i]->hv->name) + 1;
	}
	return t;
}

static int on_sample(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct manager *m = userdata;
	struct tick *t = m->synced ? history_sample(m, clock_real_usec()) : NULL;
	uint64_t now = clock_boot_usec(), next = usec + sample_sec(m) * USEC_PER_SEC;

	/* What finds no room is counted by the store. */
	if (t)
		(void)!store_add_tick(m->store, t);
	if (next <= now) /* the host was asleep */
		next = now + sample_sec(m) * USEC_PER_SEC;
	sd_event_source_set_time(source, next);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int history_start(struct manager *m)
{
	if (!m->store)
		return 0;
	return sd_event_add_time(m->loop, &m->history_timer, CLOCK_BOOTTIME,
		clock_boot_usec() + sample_sec(m) * USEC_PER_SEC, 250 * USEC_PER_MSEC, on_sample,
		m);
}
