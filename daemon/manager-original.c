/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include "daemon/spare.h"

/*
 * What each guest had before Ballast touched it: the size it was told to have, its CPU weight and
 * quota, for as long as that run of it lasts. It is noted when a guest is first seen in enforce
 * mode, and no command goes out before it is on the disk (original_kept()), so that it outlives the
 * daemon, whenever that is killed: `mode observe --release` and ballast-release.service give it
 * back. Where the disk does not take it, it is kept in /run until it does (spare.h).
 */

/* A disk that hangs must not keep a guest from what it needs. An fsync takes some 20 ms here, and
 * seconds where disks are overloaded. */
#define KEEP_WAIT_USEC (2 * USEC_PER_SEC)

/* What was read at the start, until it was seen which of them are of a run that goes on. One a
 * guest. */
struct known_original {
	struct store_original row; /* its strings NULL */
	char run[GUEST_RUN_MAX];
	bool spared;               /* a spare file has it, or more than the row */
	struct known_original *next;
};
_Static_assert(SPARE_RUN_MAX == GUEST_RUN_MAX, "a spare file holds every run");

static struct original original_of(const struct store_original *o)
{
	return (struct original){
		.bytes = o->bytes,
		.cpu_weight = o->cpu_weight,
		.cpu_quota = o->cpu_quota,
		.cpu = {o->cpu_shares, o->cpu_period_usec, o->cpu_quota_usec},
		.target_bytes = o->target_bytes,
		.soft_limited = o->soft_limited,
		.cpu_ours = o->cpu_ours,
		.period_ours = o->period_ours,
	};
}

static void known_set(struct known_original *k, const struct store_original *o)
{
	snprintf(k->run, sizeof(k->run), "%s", o->run);
	k->row = *o;
	k->row.name = k->row.run = NULL;
}

static int take_known(const struct store_original *o, void *userdata)
{
	struct manager *m = userdata;
	struct known_original *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	known_set(k, o);
	k->next = m->known_originals;
	m->known_originals = k;
	return 0;
}

/* Where the one of this guest hangs, or the end of the list. */
static struct known_original **known_find(struct manager *m, const struct uuid *guest)
{
	struct known_original **link = &m->known_originals;

	while (*link && !uuid_equal(&(*link)->row.guest, guest))
		link = &(*link)->next;
	return link;
}

/* A row of another run is one that the disk has neither deleted nor written over when this was
 * spared. */
static int take_spare(const struct store_original *o, void *userdata)
{
	struct manager *m = userdata;
	struct known_original *k = *known_find(m, &o->guest);
	int r = k ? 0 : take_known(o, m);

	if (r < 0)
		return r;
	if (!k)
		k = m->known_originals;
	else if (streq(k->run, o->run))
		spare_merge(&k->row, o);
	else
		known_set(k, o);
	k->spared = true;
	return 0;
}

int original_load(struct manager *m)
{
	_cleanup_diag_list_ struct diag_list findings = {0};
	int r;

	original_free(m); /* spare files were read before, where the disk could not be */
	r = m->store ? store_load_originals(m->store, take_known, m) : 0;
	if (r < 0)
		return r;
	/* What is wrong with it is said, and keeps nobody from looking after guests. */
	r = spare_load(&m->conf, take_spare, m, &findings);
	journal_findings(JOURNAL_PLAIN, LOG_WARNING, &findings);
	return r == -ENOMEM ? r : 0;
}

void original_free(struct manager *m)
{
	while (m->known_originals) {
		struct known_original *next = m->known_originals->next;

		free(m->known_originals);
		m->known_originals = next;
	}
}

static void known_drop(struct known_original **link)
{
	struct known_original *k = *link;

	if (!k)
		return;
	*link = k->next;
	free(k);
}

/* Which run this is cannot be told yet (its QEMU is not found in /proc): what is on the disk may be
 * of this very one, and stays. */
static bool run_unknown(const struct guest *g)
{
	const struct known_original *k = *known_find(g->m, &g->uuid);

	return k && *k->run && !*g->run;
}

static bool noted(const struct guest *g)
{
	return g->original.bytes || g->original.cpu_weight;
}

static struct store_original row_of(const struct guest *g)
{
	return (struct store_original){
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
}

/* Neither here nor there: who comes after a kill takes what a guest has for what it had. Said once,
 * until it is over. */
static void tell_unkept(struct manager *m, int error)
{
	_cleanup_free_ char *path = spare_path(&m->conf);

	if (m->spare_failed)
		return;
	m->spare_failed = true;
	tell(m, &(struct tale){.kind = DAEMON_EVENT_STATE_UNWRITABLE, .severity = SEVERITY_ERROR},
		"what guests had before Ballast can be kept neither in %s nor in %s (%s): if ballastd is killed now, that cannot be given back; "
		"make room in the one or the other, or: ballastctl mode observe --release",
		m->conf.state_dir ? m->conf.state_dir : "the state directory", path ? path : "/run",
		strerror(-error));
}

/* The store does not take it, or not now. */
static void spare(struct guest *g)
{
	struct store_original o = row_of(g);
	int r;

	if (g->m->dry_run)
		return;
	r = spare_put(&g->m->conf, &o);
	g->spared = r >= 0;
	g->spare_there |= g->spared; /* an older one stays: better than none */
	if (r < 0)
		tell_unkept(g->m, r);
	else
		g->m->spare_failed = false;
}

static void unspare(struct guest *g)
{
	if (g->spare_there && !g->m->dry_run)
		spare_drop(&g->m->conf, &g->uuid);
	g->spare_there = g->spared = false;
}

/* The newest write of its original that is answered. */
static struct guest *find_put(struct manager *m, uint64_t id)
{
	for (size_t i = 0; i < m->n_guests; i++)
		if (m->guests[i]->original_put == id)
			return m->guests[i];
	return NULL;
}

/* The store answers in the order in which it was asked. One that could not be written counts: that
 * is told, and guests are looked after all the same. */
static void on_kept(void *userdata, int error, const char *text)
{
	struct manager *m = userdata;
	struct guest *g = find_put(m, ++m->originals_kept);

	if (g && error >= 0)
		unspare(g);
	else if (g)
		spare(g);
	act_kept(m);
}

/* wanted: commands to the guest wait for it. A spare file is as new as what was put last, and goes
 * when that has arrived. */
static void put(struct guest *g, bool wanted)
{
	struct known_original **link = known_find(g->m, &g->uuid);
	struct manager *m = g->m;
	struct store_original o = row_of(g);
	bool answered;
	int r;

	if (run_unknown(g))
		return;
	g->spare_there |= *link && (*link)->spared;
	known_drop(link); /* written over */
	if (!m->store)
		return;
	if (g->spare_there || *m->state_problem)
		spare(g);
	if (store_unread(m->store))
		return; /* what it has is not written over before it was read */
	answered = wanted || g->spare_there;
	if (answered) {
		g->original_put = ++m->originals_put;
		g->original_put_usec = clock_boot_usec();
	}
	r = store_put_original(m->store, &o, answered ? on_kept : NULL, m);
	if (r >= 0)
		return;
	m->originals_put -= answered;
	g->original_put = 0; /* what an earlier one brings is not this */
	spare(g);
}

bool original_kept(struct guest *g)
{
	if (g->spared || g->m->originals_kept >= g->original_put)
		return true;
	if (clock_boot_usec() - g->original_put_usec < KEEP_WAIT_USEC)
		return false;
	spare(g);
	return true;
}

static void tell_decide(const struct guest *g, struct guest_sample *s)
{
	s->cpu_original_weight = g->original.cpu_weight;
	s->cpu_original_quota = g->original.cpu_quota;
	s->cpu_ours = g->original.cpu_ours;
}

/* What the state file says of this very run; a restart began with the size of its definition.
 * Nothing of ours is forgotten that was put on the guest while it was not known which run this
 * is. */
static bool take_up(struct guest *g)
{
	struct known_original **link = known_find(g->m, &g->uuid), *k = *link;
	struct guest_sample *s = guest_sample(g);
	struct original *o = &g->original, before = g->original;

	if (!k || !*g->run || !streq(k->run, g->run))
		return false;
	*o = original_of(&k->row);
	g->spare_there = g->spared = k->spared;
	known_drop(link);
	o->soft_limited |= before.soft_limited;
	o->cpu_ours |= before.cpu_ours;
	o->period_ours |= before.period_ours;
	s->soft_limited |= o->soft_limited;
	tell_decide(g, s);
	if (g->commanded)
		o->target_bytes = before.target_bytes;
	if (o->target_bytes && manager_drives(g->m) && !g->commanded) {
		s->target_bytes = o->target_bytes;
		g->commanded = true;
	}
	return true;
}

void original_seen(struct guest *g)
{
	struct original *o = &g->original;
	struct guest_sample *s = guest_sample(g);
	/* The size of one that ran before we came is not known before it was read; nothing is
	 * commanded before that. */
	bool size = !o->bytes && (!g->found || g->read_once), cpu = !o->cpu_weight && s->cpu_weight;

	if (!noted(g) && take_up(g)) {
		if (g->spare_there)
			put(g, false); /* the disk may take it now */
		return;
	}
	if (!manager_drives(g->m) || g->m->dry_run || (!size && !cpu))
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
	g->spare_there |= *link && (*link)->spared;
	unspare(g);
	known_drop(link);
}

void original_begins(struct guest *g)
{
	unspare(g);
	g->original = (struct original){0};
	g->original_put = 0;
}

/* Nothing of ours is on it, and it is where it was: a daemon that knew nothing would note the
 * same. */
static bool is_back(const struct guest *g)
{
	const struct guest_sample *s = guest_sample(g);
	const struct original *o = &g->original;
	uint64_t lowest = MIN(s->target_bytes, s->actual_bytes),
		 highest = MAX(s->target_bytes, s->actual_bytes);

	return !o->soft_limited && !o->cpu_ours && !o->period_ours &&
	       o->bytes <= lowest + 2 * MIB && highest <= o->bytes + 2 * MIB;
}

void original_tick(struct manager *m)
{
	for (size_t i = 0; m->mode == MODE_OBSERVE && i < m->n_guests; i++)
		if (m->guests[i]->spare_there && is_back(m->guests[i]))
			unspare(m->guests[i]);
}

/* Of a run that is over: libvirt does not have the guest any more, or shows another run of it. One
 * that could not be read yet may be the same. */
static bool is_over(struct manager *m, const struct known_original *k)
{
	const struct guest *g = manager_find(m, &k->row.guest);

	return g ? !run_unknown(g) : !hv_runs(m->hv, &k->row.guest);
}

void original_prune(struct manager *m)
{
	for (struct known_original **link = &m->known_originals; *link;) {
		if (!is_over(m, *link)) {
			link = &(*link)->next;
			continue;
		}
		if (m->store)
			(void)!store_delete_original(m->store, &(*link)->row.guest);
		if ((*link)->spared && !m->dry_run)
			spare_drop(&m->conf, &(*link)->row.guest);
		known_drop(link);
	}
}

void original_spare_all(struct manager *m)
{
	for (size_t i = 0; i < m->n_guests; i++)
		if (noted(m->guests[i]) && !m->guests[i]->spared && !run_unknown(m->guests[i]))
			spare(m->guests[i]);
}

void original_put_all(struct manager *m)
{
	m->spare_failed = false;
	for (size_t i = 0; i < m->n_guests; i++)
		if (noted(m->guests[i]))
			put(m->guests[i], false);
}

void original_put_known(struct manager *m)
{
	for (const struct known_original *k = m->known_originals; k; k = k->next) {
		struct store_original o = k->row;

		o.name = "";
		o.run = k->run;
		(void)!store_put_original(m->store, &o, NULL, NULL);
	}
}
