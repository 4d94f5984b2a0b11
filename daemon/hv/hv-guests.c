/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-priv.h"

/* Who runs, as told by lists, events and definitions; with the lock held throughout. */

struct known *hv_known(struct hv *hv, const struct uuid *uuid)
{
	struct sched_guest *sg = sched_find(&hv->sched, uuid);

	return sg ? sg->owner : NULL;
}

static void known_free(struct known *k)
{
	if (!k)
		return;
	hv_guest_unref(k->guest);
	free(k);
}

/* Without memory the guest stays unknown until the next list. */
static struct known *known_add(struct hv *hv, const struct uuid *uuid, int id)
{
	struct known *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->id = id;
	k->lists = hv->lists;
	k->sg = sched_guest_add(&hv->sched, uuid, k);
	if (!k->sg) {
		free(k);
		return NULL;
	}
	return k;
}

void hv_sync_check(struct hv *hv)
{
	struct item *i;

	if (!hv->connected || hv->sync_pending > 0)
		return;
	i = hv_push(hv, ITEM_SYNCED, NULL);
	if (i)
		i->number = hv->generation;
}

static void known_synced(struct hv *hv, struct known *k)
{
	if (!k->syncing)
		return;
	k->syncing = false;
	if (--hv->sync_pending == 0)
		hv_sync_check(hv);
}

void hv_guest_gone(struct hv *hv, struct known *k, enum hv_gone why)
{
	hv_guest_job(hv, k, false, false);
	if (k->guest) {
		struct item *i = hv_push(hv, ITEM_GONE, &k->sg->uuid);

		if (i)
			i->number = (uint64_t)why;
	}
	known_synced(hv, k);
	/* What waits for it ends in there; by then nobody finds it any more. */
	k->sg->owner = NULL;
	sched_guest_remove(&hv->sched, k->sg);
	known_free(k);
}

void hv_guest_refresh(struct hv *hv, struct known *k)
{
	/* Without memory: the next list reads it. */
	if (sched_submit_own(&hv->sched, k->sg, HV_CALL_GET_XML) < 0)
		return;
}

void hv_guest_runs(struct hv *hv, const struct uuid *uuid, int id, bool syncing)
{
	struct known *k = hv_known(hv, uuid);

	if (k && id > 0 && k->id > 0 && k->id != id) {
		hv_guest_gone(hv, k, HV_GONE_UNSEEN);
		k = NULL;
	}
	if (!k)
		k = known_add(hv, uuid, id);
	if (!k)
		return;
	if (id > 0)
		k->id = id;
	if (!syncing)
		k->lists = hv->lists;
	/* One on which a call hangs is read when that comes back; nobody waits for it. */
	if (syncing && !k->syncing && !k->sg->running) {
		k->syncing = true;
		hv->sync_pending++;
	}
	hv_guest_refresh(hv, k);
}

static int compare_uuid(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct uuid));
}

static int compare_listed(const void *a, const void *b)
{
	return memcmp(((const struct listed *)a)->uuid.bytes,
		((const struct listed *)b)->uuid.bytes, sizeof(struct uuid));
}

void hv_list_begins(struct hv *hv)
{
	hv->lists++;
}

/* It became known, or an event told of it, after the list was asked for: the list may be older. */
static bool newer_than_list(const struct hv *hv, const struct known *k)
{
	return k->lists >= hv->lists;
}

/* Those that we know and that do not run any more. One that the list may be too old to have, it
 * says nothing of: that one is looked at by itself. */
static void remove_unlisted(struct hv *hv, const struct listed *sorted, size_t n)
{
	struct sched_guest *sg, *tmp;

	HASH_ITER (hh, hv->sched.guests, sg, tmp) {
		const struct listed *l =
			n > 0 ? bsearch(&sg->uuid, sorted, n, sizeof(*sorted), compare_uuid) : NULL;

		if (l && l->id >= 0)
			continue;
		if (newer_than_list(hv, sg->owner))
			hv_guest_runs(hv, &sg->uuid, -1, true);
		else
			hv_guest_gone(hv, sg->owner, HV_GONE_UNSEEN);
	}
}

/* Without memory what was listed before stands. */
static void keep_listed(struct hv *hv, const struct listed *sorted, size_t n)
{
	struct uuid *listed = calloc(n + 1, sizeof(*listed));

	if (!listed)
		return;
	for (size_t i = 0; i < n; i++)
		listed[i] = sorted[i].uuid;
	free(hv->listed);
	hv->listed = listed;
	hv->n_listed = n;
}

void hv_guests_listed(struct hv *hv, struct listed *all, size_t n)
{
	if (n > 0)
		qsort(all, n, sizeof(*all), compare_listed);
	keep_listed(hv, all, n);
	remove_unlisted(hv, all, n);
	for (size_t i = 0; i < n; i++) {
		const struct known *k = all[i].id < 0 ? NULL : hv_known(hv, &all[i].uuid);

		/* The run that it lists may be the one before. */
		if (all[i].id >= 0)
			hv_guest_runs(hv, &all[i].uuid,
				k && newer_than_list(hv, k) ? -1 : all[i].id, true);
	}
}

bool hv_runs(struct hv *hv, const struct uuid *guest)
{
	bool runs;

	hv_lock(hv);
	runs = hv_known(hv, guest);
	hv_unlock(hv);
	return runs;
}

bool hv_listed(struct hv *hv, const struct uuid *guest)
{
	bool listed;

	hv_lock(hv);
	listed = hv_known(hv, guest) ||
		 (hv->n_listed > 0 && bsearch(guest, hv->listed, hv->n_listed, sizeof(*hv->listed),
					      compare_uuid));
	hv_unlock(hv);
	return listed;
}

static void guest_tell(struct hv *hv, struct known *k, enum item_kind kind, uint64_t number)
{
	struct item *i = hv_push(hv, kind, &k->sg->uuid);

	if (!i)
		return;
	i->guest = hv_guest_ref(k->guest);
	i->number = number;
}

/* Once a guest: whoever starts such processes has no hold on how often it is said. */
static void tell_stranger(struct hv *hv, struct known *k)
{
	const struct hv_guest *g = k->guest;
	char text[256];

	if (!g->stranger_pid || k->stranger_told)
		return;
	k->stranger_told = true;
	snprintf(text, sizeof(text),
		"its QEMU was not found: process %d claims to be it, but is of user %u, and libvirt runs it as %s; what it holds on the host is not seen",
		(int)g->stranger_pid, (unsigned)g->stranger_uid, g->user ? g->user : "another one");
	hv_push_trouble(hv, &k->sg->uuid, text);
}

void hv_guest_read(struct hv *hv, struct known *k, struct hv_guest *g, int error, const char *text)
{
	const struct hv_guest *old = k->guest;

	if (!g) {
		/* Gone before we ever saw it: nobody needs to know. One that was told of goes by
		 * its event. */
		if (error == -ENOENT && !old) {
			hv_guest_gone(hv, k, HV_GONE_UNSEEN);
			return;
		}
		if (error == -EBADMSG || error == -EIO || error == -EACCES)
			hv_push_trouble(hv, &k->sg->uuid, text);
		known_synced(hv, k);
		return;
	}
	if (old && old->id != g->id) {
		struct item *i = hv_push(hv, ITEM_GONE, &k->sg->uuid);

		if (i)
			i->number = HV_GONE_UNSEEN;
		old = hv_guest_unref(old);
	}
	k->id = g->id;
	k->guest = g;
	if (!old) {
		guest_tell(hv, k, ITEM_APPEARED, 0);
	} else {
		unsigned what = hv_guest_compare(old, g);

		if (what)
			guest_tell(hv, k, ITEM_CHANGED, what);
		hv_guest_unref(old);
	}
	tell_stranger(hv, k);
	known_synced(hv, k);
}

void hv_guest_job(struct hv *hv, struct known *k, bool runs, bool completed)
{
	struct item *i;

	if (k->job == runs)
		return;
	k->job = runs;
	if (runs) {
		if (hv->n_jobs++ == 0)
			hv->job_poll_usec = hv_now_usec() + HV_JOB_POLL_USEC;
	} else {
		hv->n_jobs--;
	}
	if (!k->guest)
		return;
	i = hv_push(hv, runs ? ITEM_JOB_STARTED : ITEM_JOB_ENDED, &k->sg->uuid);
	if (i)
		i->number = completed;
}

void hv_guests_free(struct hv *hv)
{
	struct sched_guest *sg, *tmp;

	HASH_ITER (hh, hv->sched.guests, sg, tmp)
		known_free(sg->owner);
	sched_clear(&hv->sched);
}
