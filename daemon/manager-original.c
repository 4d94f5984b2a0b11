/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

/*
 * What each guest had before Ballast touched it: the size it was told to have, its CPU weight and quota, for as long as that run of it lasts. It is noted
 * when a guest is first seen in enforce mode, and no command goes out before it is on the disk (original_kept()), so that it outlives the daemon,
 * whenever that is killed: `mode observe --release` and ballast-release.service give it back.
 */

/* A disk that hangs must not keep a guest from what it needs. An fsync takes some 20 ms here, and seconds where disks are overloaded. */
#define KEEP_WAIT_USEC (2 * USEC_PER_SEC)

/* What was read at the start, until libvirt's list shows which of them still run. */
struct known_original {
	struct uuid guest;
	char run[GUEST_RUN_MAX];
	struct original original;
	struct known_original *next;
};

static int take_known(const struct store_original *o, void *userdata)
{
	struct manager *m = userdata;
	struct known_original *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->guest = o->guest;
	snprintf(k->run, sizeof(k->run), "%s", o->run);
	k->original = (struct original){o->bytes, o->cpu_weight, o->cpu_quota, o->target_bytes, o->soft_limited, o->cpu_ours};
	k->next = m->known_originals;
	m->known_originals = k;
	return 0;
}

int original_load(struct manager *m)
{
	return m->store ? store_load_originals(m->store, take_known, m) : 0;
}

void original_free(struct manager *m)
{
	while (m->known_originals) {
		struct known_original *next = m->known_originals->next;

		free(m->known_originals);
		m->known_originals = next;
	}
}

/* Of this very run; a restart began with the size of its definition. */
static const struct known_original *known_find(const struct guest *g)
{
	for (const struct known_original *k = g->m->known_originals; k; k = k->next)
		if (uuid_equal(&k->guest, &g->uuid))
			return *g->run && streq(k->run, g->run) ? k : NULL;
	return NULL;
}

static bool noted(const struct guest *g)
{
	return g->original.bytes || g->original.cpu_weight;
}

/* The store answers in the order in which it was asked. One that could not be written counts: that is told, and guests are looked after all the same. */
static void on_kept(void *userdata, int error, const char *text)
{
	struct manager *m = userdata;

	m->originals_kept++;
	act_kept(m);
}

/* wanted: commands to the guest wait for it. */
static void put(struct guest *g, bool wanted)
{
	struct store_original o = {
		.guest = g->uuid,
		.name = g->hv->name,
		.run = g->run,
		.bytes = g->original.bytes,
		.cpu_weight = g->original.cpu_weight,
		.cpu_quota = g->original.cpu_quota,
		.target_bytes = g->original.target_bytes,
		.soft_limited = g->original.soft_limited,
		.cpu_ours = g->original.cpu_ours,
	};

	/* What cannot be written is put again when it can. */
	if (!g->m->store || store_put_original(g->m->store, &o, wanted ? on_kept : NULL, g->m) < 0 || !wanted)
		return;
	g->original_put = ++g->m->originals_put;
	g->original_put_usec = clock_boot_usec();
}

bool original_kept(const struct guest *g)
{
	return g->m->originals_kept >= g->original_put || clock_boot_usec() - g->original_put_usec >= KEEP_WAIT_USEC;
}

static void tell_decide(const struct guest *g, struct guest_sample *s)
{
	s->cpu_original_weight = g->original.cpu_weight;
	s->cpu_original_quota = g->original.cpu_quota;
	s->cpu_ours = g->original.cpu_ours;
}

/* What the state file says of this run, at its first sight. */
static bool take_up(struct guest *g)
{
	const struct known_original *k = known_find(g);
	struct guest_sample *s = guest_sample(g);

	if (!k)
		return false;
	g->original = k->original;
	s->soft_limited = k->original.soft_limited;
	tell_decide(g, s);
	if (k->original.target_bytes && g->m->mode == MODE_ENFORCE) {
		s->target_bytes = k->original.target_bytes;
		g->commanded = true;
	}
	return true;
}

void original_seen(struct guest *g)
{
	struct original *o = &g->original;
	struct guest_sample *s = guest_sample(g);
	/* The size of one that ran before we came is not known before it was read; nothing is commanded before that. */
	bool size = !o->bytes && (!g->found || g->read_once), cpu = !o->cpu_weight && s->cpu_weight;

	if (!noted(g) && take_up(g))
		return;
	if (g->m->mode != MODE_ENFORCE || g->m->dry_run || (!size && !cpu))
		return;
	if (size)
		o->bytes = s->target_bytes;
	if (cpu) {
		o->cpu_weight = s->cpu_weight;
		o->cpu_quota = s->cpu_quota;
	}
	tell_decide(g, s);
	put(g, true);
}

void original_changed(struct guest *g)
{
	g->original.target_bytes = guest_sample(g)->target_bytes;
	put(g, false);
}

void original_soft_limited(struct guest *g, bool limited)
{
	if (g->original.soft_limited == limited)
		return;
	g->original.soft_limited = limited;
	put(g, limited);
}

void original_cpu_set(struct guest *g, bool ours)
{
	guest_sample(g)->cpu_ours = ours;
	if (g->original.cpu_ours == ours)
		return;
	g->original.cpu_ours = ours;
	put(g, ours);
}

void original_gone(struct guest *g)
{
	if (g->m->store && noted(g))
		(void)!store_delete_original(g->m->store, &g->uuid);
}

void original_prune(struct manager *m)
{
	for (struct known_original *k = m->known_originals; k && m->store; k = k->next) {
		const struct guest *g = manager_find(m, &k->guest);

		if (!g || !noted(g))
			(void)!store_delete_original(m->store, &k->guest);
	}
	original_free(m);
}

void original_put_all(struct manager *m)
{
	for (size_t i = 0; i < m->n_guests; i++)
		if (noted(m->guests[i]))
			put(m->guests[i], false);
}
