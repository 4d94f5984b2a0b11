/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/release-private.h"

#include "common/units.h"
#include "daemon/guest-run.h"
#include "daemon/spare.h"
#include "daemon/sys/clock.h"
#include "daemon/sys/journal.h"

static struct released *find(struct release *r, const struct uuid *u)
{
	for (size_t i = 0; i < r->n; i++)
		if (uuid_equal(&r->guests[i]->hv->uuid, u))
			return r->guests[i];
	return NULL;
}

static void on_report(void *userdata, const struct guest_report *report)
{
	struct released *g = userdata;

	g->report = *report;
}
static void on_hello(void *userdata, const struct agent_hello *hello)
{
	struct released *g = userdata;

	if (!g->asked)
		g->asked = channel_ping(g->channel) >= 0;
}
static void on_filesystems(void *userdata, const struct guest_filesystem *fs, size_t n)
{
}
static void on_event(void *userdata, enum channel_event_kind kind, const char *detail)
{
}
static const struct channel_ops channel_ops = {on_report, on_hello, on_filesystems, on_event};

static void appeared(void *data, const struct hv_guest *hv)
{
	struct release *r = data;
	struct released *g;

	if (find(r, &hv->uuid) || r->n == RELEASE_GUESTS_MAX || !(g = calloc(1, sizeof(*g))))
		return;
	g->r = r;
	g->hv = hv_guest_ref(hv);
	g->actual_bytes = hv->actual_bytes;
	r->guests[r->n++] = g;
	if (hv->channel_path)
		(void)!channel_new(r->hub, hv->channel_path, &channel_ops, g, &g->channel);
	(void)!hv_submit(
		r->hv, &(struct hv_request){.call = HV_CALL_READ_BALLOON, .guest = hv->uuid}, NULL);
}

static void synced(void *data, uint64_t generation)
{
	struct release *r = data;

	r->synced = true;
	r->synced_usec = clock_boot_usec();
}

static void balloon_take(struct released *g, const struct hv_balloon *b)
{
	if (b->has & HV_HAS_ACTUAL)
		g->actual_bytes = b->actual_bytes;
	if (g->report.source == REPORT_NONE && (b->has & HV_HAS_AVAILABLE) && b->last_update_sec) {
		g->report.source = REPORT_BALLOON;
		g->report.available_bytes = b->available_bytes;
	}
}

static void tell_failure(const struct journal_fields *fields, const struct hv_result *res)
{
	const char *why = *res->text ? res->text : strerror(-res->error);

	if (res->call == HV_CALL_SET_MEMORY)
		journal_write(JOURNAL_RELEASED, LOG_ERR, fields, "cannot be given %llu MiB: %s",
			(unsigned long long)(res->bytes / MIB), why);
	else if (res->call == HV_CALL_SET_SOFT_LIMIT)
		journal_write(JOURNAL_RELEASED, LOG_ERR, fields,
			"its soft limit cannot be lifted: %s", why);
	else if (res->call == HV_CALL_SET_CPU)
		journal_write(JOURNAL_RELEASED, LOG_ERR, fields,
			"its CPU weight and quota cannot be given back: %s", why);
	else
		journal_write(JOURNAL_RELEASED, LOG_ERR, fields,
			"its balloon statistics cannot be stopped: %s", why);
}

static void call_done(void *data, const struct hv_result *res)
{
	struct release *r = data;
	struct released *g = find(r, &res->guest);
	struct journal_fields fields = {&res->guest, g ? g->hv->name : NULL, NULL};

	if (res->call == HV_CALL_READ_BALLOON && g) {
		g->read = true; /* or cannot be */
		if (res->error >= 0 && res->n_balloons == 1)
			balloon_take(g, res->balloons);
	}
	if (!hv_call_mutates(res->call))
		return;
	if (r->waiting)
		r->waiting--;
	if (res->error < 0)
		tell_failure(&fields, res);
}

static void no_generation(void *data, uint64_t generation, const char *version)
{
}
static void no_down(void *data, const struct hv_down *down)
{
	struct release *r = data;

	r->synced = false;
}
static void no_change(void *data, const struct hv_guest *hv, unsigned what)
{
}
static void no_gone(void *data, const struct uuid *guest, enum hv_gone why)
{
}
static void no_guest(void *data, const struct uuid *guest)
{
}
static void balloon_changed(void *data, const struct uuid *guest, uint64_t actual_bytes)
{
	struct released *g = find(data, guest);

	if (g)
		g->actual_bytes = actual_bytes;
}
static void no_job(void *data, const struct uuid *guest, bool completed)
{
}
static void no_quarantine(void *data, const struct hv_overdue *o)
{
}
static void no_recovery(void *data, const struct uuid *guest, const struct hv_balloon *balloon)
{
}
static void trouble(void *data, const struct uuid *guest, const char *text)
{
	journal_warning("%s", text);
}
const struct hv_ops release_hv_ops = {
	.connected = no_generation,
	.synced = synced,
	.disconnected = no_down,
	.guest_appeared = appeared,
	.guest_changed = no_change,
	.guest_gone = no_gone,
	.guest_reset = no_guest,
	.balloon_changed = balloon_changed,
	.job_started = no_guest,
	.job_ended = no_job,
	.guest_quarantined = no_quarantine,
	.guest_recovered = no_recovery,
	.trouble = trouble,
	.call_done = call_done,
};

int release_take_original(const struct store_original *o, void *userdata)
{
	struct released *g = find(userdata, &o->guest);
	char run[GUEST_RUN_MAX];

	if (!g || !streq(o->run, guest_run_format(g->hv, run)))
		return 0;
	if (g->known)
		spare_merge(&g->original, o);
	else
		g->original = *o;
	g->known = true;
	g->original.name = g->original.run = NULL; /* whose they are goes away */
	return 0;
}
