/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-priv.h"

/* Towards the main loop: what happened, in order, behind an eventfd. */

static void efd_raise(struct hv *hv)
{
	uint64_t one = 1;

	/* EAGAIN would mean that it is readable, which is all that is wanted. */
	if (write(hv->efd, &one, sizeof(one)) < 0)
		return;
}

static void efd_lower(struct hv *hv)
{
	uint64_t n;

	if (read(hv->efd, &n, sizeof(n)) < 0)
		return;
}

struct item *hv_push(struct hv *hv, enum item_kind kind, const struct uuid *uuid)
{
	struct item *i = calloc(1, sizeof(*i));

	if (!i) {
		hv->closed = true; /* reconnecting ends all calls and tells all guests anew */
		snprintf(hv->close_reason, sizeof(hv->close_reason), "out of memory");
		pthread_cond_signal(&hv->control);
		return NULL;
	}
	i->kind = kind;
	if (uuid)
		i->uuid = *uuid;
	*hv->out_tail = i;
	hv->out_tail = &i->next;
	if (hv->out == i)
		efd_raise(hv);
	return i;
}

void hv_push_down(struct hv *hv, const char *reason, bool lost, uint64_t retry_usec)
{
	struct item *i = hv_push(hv, ITEM_DISCONNECTED, NULL);

	if (!i)
		return;
	i->text = strdup(reason);
	i->lost = lost;
	i->number = retry_usec;
}

void hv_push_trouble(struct hv *hv, const struct uuid *uuid, const char *text)
{
	struct item *i = hv_push(hv, ITEM_TROUBLE, uuid);

	if (!i)
		return;
	i->lost = uuid != NULL;
	i->text = strdup(text);
}

static struct item *item_free(struct item *i)
{
	if (i) {
		hv_guest_unref(i->guest);
		free(i->text);
		free(i->balloons);
		free(i);
	}
	return NULL;
}

void hv_out_free(struct hv *hv)
{
	while (hv->out) {
		struct item *i = hv->out;

		hv->out = i->next;
		item_free(i);
	}
	hv->out_tail = &hv->out;
}

/* --- What the scheduler tells --- */

/* hv's own calls end here: they are for the table of guests, not for the main loop. */
static void own_done(struct hv *hv, const struct sched_task *t, int error, const char *text,
	struct sched_answer *answer)
{
	struct known *k = hv_known(hv, &t->req.guest);
	struct hv_guest *read = answer ? answer->guest : NULL;

	if (answer)
		answer->guest = NULL;
	if (!k) {
		hv_guest_unref(read);
		return;
	}
	if (t->req.call == HV_CALL_GET_XML)
		hv_guest_read(hv, k, read, error, text);
	else if (t->req.call == HV_CALL_JOB_INFO && answer && error == 0)
		hv_guest_job(hv, k, answer->job.running, true);
}

/* What a call's result says of jobs, beside what it says to its caller. */
static void note_job(
	struct hv *hv, const struct sched_task *t, int error, const struct sched_answer *answer)
{
	struct known *k = hv_known(hv, &t->req.guest);

	if (!k || !answer)
		return;
	if (t->req.call == HV_CALL_SET_MEMORY && (error == 0 || answer->job.running))
		hv_guest_job(hv, k, answer->job.running, true);
	else if (t->req.call == HV_CALL_JOB_INFO && error == 0)
		hv_guest_job(hv, k, answer->job.running, true);
}

/* Calls that change what struct hv_guest says, without an event or with a late one. */
static bool changes_picture(enum hv_call call)
{
	return call == HV_CALL_ATTACH_CHANNEL || call == HV_CALL_DETACH_CHANNEL ||
	       call == HV_CALL_SET_STATS_PERIOD;
}

static void out_done(void *data, const struct sched_task *t, int error, const char *text,
	struct sched_answer *answer)
{
	struct hv *hv = data;
	struct item *i;

	if (t->id == 0) {
		own_done(hv, t, error, text, answer);
		return;
	}
	note_job(hv, t, error, answer);
	i = hv_push(hv, ITEM_DONE, t->req.call == HV_CALL_READ_BALLOONS ? NULL : &t->req.guest);
	if (!i)
		return;
	i->text = *text ? strdup(text) : NULL;
	i->result = (struct hv_result){
		.id = t->id,
		.call = t->req.call,
		.guest = i->uuid,
		.cookie = t->req.cookie,
		.error = error,
		.started_usec = t->started_usec,
		.ended_usec = hv_now_usec(),
		.bytes = t->req.bytes,
		.cpu_weight = t->req.cpu_weight,
		.cpu_quota_permyriad = t->req.cpu_quota_permyriad,
		.period_sec = t->req.period_sec,
	};
	if (!answer)
		return;
	i->balloons = TAKE_PTR(answer->balloons);
	i->result.n_balloons = answer->n_balloons;
	i->result.job = answer->job;
	i->result.plugged = answer->plugged;
	i->result.at_next_start = answer->at_next_start;
	if (t->req.call == HV_CALL_GET_CPU) {
		i->result.cpu_weight = answer->cpu_weight;
		i->result.cpu_quota_permyriad = answer->cpu_quota_permyriad;
		i->result.cpu = answer->cpu;
	}
	if (changes_picture(t->req.call)) {
		struct known *k = hv_known(hv, &t->req.guest);

		if (k)
			hv_guest_refresh(hv, k);
	}
}

static void out_quarantined(void *data, const struct hv_overdue *o)
{
	struct hv *hv = data;
	struct known *k = hv_known(hv, &o->guest);
	struct item *i;

	if (!k || !k->guest)
		return; /* nobody knows of it yet */
	i = hv_push(hv, ITEM_QUARANTINED, &o->guest);
	if (i)
		i->overdue = *o;
}

static void out_recovered(void *data, const struct sched_guest *g, const struct hv_balloon *b)
{
	struct hv *hv = data;
	struct known *k = hv_known(hv, &g->uuid);
	struct item *i;

	if (!k)
		return;
	hv_guest_refresh(hv, k); /* whatever was missed meanwhile */
	if (!k->guest)
		return;
	i = hv_push(hv, ITEM_RECOVERED, &g->uuid);
	if (!i)
		return;
	i->balloons = malloc(sizeof(*b));
	if (i->balloons)
		*i->balloons = *b;
}

const struct sched_out hv_sched_out = {
	.done = out_done,
	.quarantined = out_quarantined,
	.recovered = out_recovered,
};

/* --- Delivery, in the main loop's thread, without the lock --- */

static void deliver(const struct hv_ops *ops, void *data, struct item *i)
{
	static const struct hv_balloon nothing;

	switch (i->kind) {
	case ITEM_CONNECTED:
		ops->connected(data, i->number, i->text ? i->text : "");
		break;
	case ITEM_SYNCED:
		ops->synced(data, i->number);
		break;
	case ITEM_DISCONNECTED:
		ops->disconnected(data, &(struct hv_down){.reason = i->text ? i->text : "",
						.lost = i->lost,
						.retry_usec = i->number});
		break;
	case ITEM_APPEARED:
		ops->guest_appeared(data, i->guest);
		break;
	case ITEM_CHANGED:
		ops->guest_changed(data, i->guest, (unsigned)i->number);
		break;
	case ITEM_GONE:
		ops->guest_gone(data, &i->uuid, (enum hv_gone)i->number);
		break;
	case ITEM_RESET:
		ops->guest_reset(data, &i->uuid);
		break;
	case ITEM_BALLOON:
		ops->balloon_changed(data, &i->uuid, i->number);
		break;
	case ITEM_JOB_STARTED:
		ops->job_started(data, &i->uuid);
		break;
	case ITEM_JOB_ENDED:
		ops->job_ended(data, &i->uuid, i->number);
		break;
	case ITEM_QUARANTINED:
		ops->guest_quarantined(data, &i->overdue);
		break;
	case ITEM_RECOVERED:
		ops->guest_recovered(data, &i->uuid, i->balloons ? i->balloons : &nothing);
		break;
	case ITEM_TROUBLE:
		ops->trouble(data, i->lost ? &i->uuid : NULL, i->text ? i->text : "");
		break;
	case ITEM_DONE:
		i->result.text = i->text ? i->text : "";
		i->result.balloons = i->balloons;
		ops->call_done(data, &i->result);
		break;
	}
}

/* Takes up to max items (0: all) off the queue. */
static struct item *out_take(struct hv *hv, unsigned max)
{
	struct item *first = hv->out, **link = &hv->out;

	for (unsigned n = 0; *link && (max == 0 || n < max); n++)
		link = &(*link)->next;
	hv->out = *link;
	*link = NULL;
	if (!hv->out)
		hv->out_tail = &hv->out;
	return first == hv->out ? NULL : first;
}

int hv_dispatch(struct hv *hv, unsigned max)
{
	struct item *items;
	int n = 0;

	hv_lock(hv);
	efd_lower(hv);
	items = out_take(hv, max);
	if (hv->out)
		efd_raise(hv);
	hv_unlock(hv);
	while (items) {
		struct item *i = items;

		items = i->next;
		deliver(hv->ops, hv->data, i);
		item_free(i);
		n++;
	}
	return n;
}
