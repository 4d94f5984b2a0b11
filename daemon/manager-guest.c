/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

/* The table of guests: three arrays that run side by side, and an index by UUID. */

struct guest *manager_find(const struct manager *m, const struct uuid *u)
{
	struct guest *g = NULL;

	HASH_FIND(hh, m->by_uuid, u, sizeof(*u), g);
	return g;
}

/* Room for one more in all arrays that run side by side. */
static int guests_grow(struct manager *m)
{
	size_t more = m->guests_allocated ? 2 * m->guests_allocated : 16;
	struct guest **guests;
	struct guest_sample *samples;

	if (m->n_guests < m->guests_allocated)
		return 0;
	guests = reallocarray(m->guests, more, sizeof(*guests));
	if (!guests)
		return -ENOMEM;
	m->guests = guests;
	samples = reallocarray(m->samples, more, sizeof(*samples));
	if (!samples)
		return -ENOMEM;
	m->samples = samples;
	m->guests_allocated = more;
	return 0;
}

void guest_take(struct guest *g, const struct hv_guest *hv)
{
	struct guest_sample *s = guest_sample(g);
	const struct hv_guest *old = g->hv;

	g->hv = hv_guest_ref(hv);
	hv_guest_unref(old);
	s->id = (struct guest_identity){
		.uuid = g->uuid,
		.name = g->hv->name,
		.tags = (const char *const *)g->hv->tags,
		.host = g->m->host_name,
	};
	s->running = hv->running;
	s->max_bytes = hv->max_bytes;
	s->fixed = hv->fixed;
	s->autodeflate = hv->autodeflate;
	s->vcpus = hv->vcpus;
}

void guest_run_begins(struct guest *g, uint64_t started_usec)
{
	struct guest_sample *s = guest_sample(g);

	s->started_usec = started_usec;
	g->boot_usec = clock_boot_usec();
	s->incarnation = ++g->m->incarnations;
	s->balloon_answered = false;
	s->report = (struct guest_report){0};
	s->channel_open = false;
	g->balloon_report = (struct guest_report){0};
	g->stats_update_sec = 0;
	g->qemu_seen_bytes = 0;
}

struct guest *guest_new(struct manager *m, const struct hv_guest *hv)
{
	struct guest *g;

	if (guests_grow(m) < 0)
		return NULL;
	g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	g->m = m;
	g->uuid = hv->uuid;
	g->index = m->n_guests++;
	m->guests[g->index] = g;
	m->samples[g->index] = (struct guest_sample){.identity_changed = true};
	HASH_ADD(hh, m->by_uuid, uuid, sizeof(g->uuid), g);
	return g;
}

void guest_free(struct guest *g)
{
	struct manager *m = g->m;
	size_t last = --m->n_guests;

	for (int w = 0; w < WAITING_MAX; w++)
		m->n_waiting -= g->waits[w];
	channel_free(g->channel);
	process_close(g->process);
	HASH_DEL(m->by_uuid, g);
	m->guests[g->index] = m->guests[last];
	m->samples[g->index] = m->samples[last];
	m->guests[g->index]->index = g->index;
	m->plan_fits = false;
	hv_guest_unref(g->hv);
	free(g);
}

void manager_guests_free(struct manager *m)
{
	while (m->n_guests)
		guest_free(m->guests[m->n_guests - 1]);
	free(m->guests);
	free(m->samples);
}
