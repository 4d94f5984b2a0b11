/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

/*
 * What each guest had before Ballast touched it: the size it was told to have, its CPU weight and quota, for as long as that run of it lasts. It is noted
 * when a guest is first seen in enforce mode, and no command goes out before it is on the disk (original_kept()), so that it outlives the daemon,
 * whenever that is killed: `mode observe --release` and ballast-release.service give it back.
 */

/* A disk that hangs must not keep a guest from what it needs. An fsync takes some 20 ms here, and seconds where disks are overloaded. */
#define KEEP_WAIT_USEC (2 * USEC_PER_SEC)

/* What was read at the start, until it was seen which of them are of a run that goes on. */
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
	k->original = (struct original){
		.bytes = o->bytes,
		.cpu_weight = o->cpu_weight,
		.cpu_quota = o->cpu_quota,
		.cpu = {o->cpu_shares, o->cpu_period_usec, o->cpu_quota_usec},
		.target_bytes = o->target_bytes,
		.soft_limited = o->soft_limited,
		.cpu_ours = o->cpu_ours,
		.period_ours = o->period_ours,
	};
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

/* Where the one of this guest hangs, or the end of the list. */
static struct known_original **known_find(struct manager *m, const struct uuid *guest)
{
	struct known_original **link = &m->known_originals;

	while (*link && !uuid_equal(&(*link)->guest, guest))
		link = &(*link)->next;
	return link;
}

static void known_drop(struct known_original **link)
{
	struct known_original *k = *link;

	if (!k)
		return;
	*link = k->next;
	free(k);
}

/* Which run this is cannot be told yet (its QEMU is not found in /proc): what is on the disk may be of this very one, and stays. */
static bool run_unknown(const struct guest *g)
{
	const struct known_original *k = *known_find(g->m, &g->uuid);

	return k && *k->run && !*g->run;
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
		.cpu_shares = g->original.cpu.shares,
		.cpu_period_usec = g->original.cpu.period_usec,
		.cpu_quota_usec = g->original.cpu.quota_usec,
		.period_ours = g->original.period_ours,
	};

	if (run_unknown(g))
		return;
	known_drop(known_find(g->m, &g->uuid)); /* written over */
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

/* What the state file says of this very run; a restart began with the size of its definition. Nothing of ours is forgotten that was put on the guest
 * while it was not known which run this is. */
static bool take_up(struct guest *g)
{
	struct known_original **link = known_find(g->m, &g->uuid), *k = *link;
	struct guest_sample *s = guest_sample(g);
	struct original *o = &g->original, before = g->original;

	if (!k || !*g->run || !streq(k->run, g->run))
		return false;
	*o = k->original;
	known_drop(link);
	o->soft_limited |= before.soft_limited;
	o->cpu_ours |= before.cpu_ours;
	o->period_ours |= before.period_ours;
	s->soft_limited |= o->soft_limited;
	tell_decide(g, s);
	if (g->commanded)
		o->target_bytes = before.target_bytes;
	if (o->target_bytes && g->m->mode == MODE_ENFORCE && !g->commanded) {
		s->target_bytes = o->target_bytes;
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
		o->cpu = g->cpu;
	}
	tell_decide(g, s);
	put(g, true);
}

void original_run_known(struct guest *g)
{
	if (take_up(g) || noted(g))
		put(g, true);
	else
		original_seen(g);
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

void original_period_set(struct guest *g, bool ours)
{
	if (g->original.period_ours == ours)
		return;
	g->original.period_ours = ours;
	put(g, ours);
}

void original_gone(struct guest *g)
{
	struct known_original **link = known_find(g->m, &g->uuid);

	if (g->m->store && (noted(g) || *link))
		(void)!store_delete_original(g->m->store, &g->uuid);
	known_drop(link);
}

/* Of a run that is over: libvirt does not have the guest any more, or shows another run of it. One that could not be read yet may be the same. */
static bool is_over(struct manager *m, const struct known_original *k)
{
	const struct guest *g = manager_find(m, &k->guest);

	return g ? !run_unknown(g) : !hv_runs(m->hv, &k->guest);
}

void original_prune(struct manager *m)
{
	for (struct known_original **link = &m->known_originals; *link;) {
		if (!is_over(m, *link)) {
			link = &(*link)->next;
			continue;
		}
		if (m->store)
			(void)!store_delete_original(m->store, &(*link)->guest);
		known_drop(link);
	}
}

void original_put_all(struct manager *m)
{
	for (size_t i = 0; i < m->n_guests; i++)
		if (noted(m->guests[i]))
			put(m->guests[i], false);
}
