/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

/* What libvirt tells, and what it means for the table of guests. */

/* After (re)connecting, commands wait for the first readings, this long at most. */
#define SETTLE_USEC (3 * USEC_PER_SEC)

/* /proc counts starts in clock ticks since boot, suspended time included: BOOTTIME. */
static uint64_t process_start_usec(const struct hv_guest *hv)
{
	long hz = sysconf(_SC_CLK_TCK);

	return hv->pid_start_ticks && hz > 0 ? hv->pid_start_ticks * USEC_PER_SEC / (uint64_t)hz
					     : 0;
}

static void connected(void *data, uint64_t generation, const char *version)
{
	struct manager *m = data;
	bool again = m->libvirt_lost_real_usec != 0;

	m->connected = true;
	m->synced = false;
	m->libvirt_lost_real_usec = 0;
	for (size_t i = 0; i < m->n_guests; i++)
		sent_lost(m->guests[i]);
	snprintf(m->libvirt_version, sizeof(m->libvirt_version), "%s", version);
	if (again)
		tell(m,
			&(struct tale){
				.kind = DAEMON_EVENT_LIBVIRT_BACK, .severity = SEVERITY_NOTICE},
			"libvirt is back");
}

static void synced(void *data, uint64_t generation)
{
	struct manager *m = data;

	m->synced = true;
	original_prune(m);
	override_prune(m);
	m->settling = true;
	m->settle_until_usec = clock_boot_usec() + SETTLE_USEC;
	/* Readings that were lost with the connection, and what changed while nobody told us. */
	for (size_t i = 0; i < m->n_guests; i++)
		balloon_read(m->guests[i]);
	balloon_poll_soon(m);
	decide_soon(m);
}

static void disconnected(void *data, const struct hv_down *down)
{
	struct manager *m = data;

	m->connected = m->synced = false;
	mode_calls_ended(m); /* all have */
	snprintf(m->libvirt_reason, sizeof(m->libvirt_reason), "%s",
		down->reason ? down->reason : "");
	if (m->libvirt_lost_real_usec)
		return;
	m->libvirt_lost_real_usec = clock_real_usec();
	tell(m, &(struct tale){.kind = DAEMON_EVENT_LIBVIRT_LOST, .severity = SEVERITY_WARNING},
		"%s: %s; tried again for ever",
		down->lost ? "connection to libvirt lost" : "libvirt cannot be reached",
		m->libvirt_reason);
	decide_soon(m);
}

static void guest_appeared(void *data, const struct hv_guest *hv)
{
	struct manager *m = data;
	struct guest *g = manager_find(m, &hv->uuid);
	bool fresh = m->synced; /* else it was there when we came */
	uint64_t start = process_start_usec(hv);
	struct guest_sample *s;

	if (!g && !(g = guest_new(m, hv))) {
		journal_error("out of memory: guest %s is left alone", hv->name);
		return;
	}
	guest_take(g, hv);
	s = guest_sample(g);
	guest_run_begins(g, start ? start : fresh ? clock_boot_usec() : 0);
	s->identity_changed = true;
	s->quarantined = s->job_running = false;
	s->refused_until_usec = s->cpu_refused_until_usec = 0;
	g->refusals = g->cpu_refusals = 0;
	sent_clear(g);
	original_begins(g);
	g->cpu = (struct hv_cpu){0};
	g->cpu_id = g->limit_id = g->period_id = 0;
	g->commanded = g->was_commanded = s->soft_limited = false;
	g->left_id = 0;
	g->read_once = g->read_ok = g->reading = g->was_reset = g->boot_expected = false;
	g->found = !fresh;
	g->spoke_early = false;
	g->appeared_usec = clock_boot_usec();
	/* libvirt commands currentMemory at the start; until the driver answers the guest has all
	 * of its memory. */
	s->target_bytes = MIN(hv->actual_bytes, hv->max_bytes);
	s->actual_bytes = fresh ? hv->max_bytes : s->target_bytes;
	s->actual_usec = clock_boot_usec();
	guest_run_format(hv, g->run);
	m->plan_fits = false;
	sample_guest_opened(g);
	agent_attach(g);
	balloon_read(g);
	(void)!manager_submit(
		g, &(struct hv_request){.call = HV_CALL_GET_CPU, .guest = g->uuid}, NULL);
	reserve_arrived(m, &g->uuid);
	original_seen(g);
	tell(m,
		&(struct tale){
			.kind = DAEMON_EVENT_GUEST_STARTED, .severity = SEVERITY_INFO, .guest = g},
		"%s with %llu of at most %llu MiB", fresh ? "started" : "found running",
		(unsigned long long)(s->target_bytes / MIB),
		(unsigned long long)(s->max_bytes / MIB));
	if (fresh)
		reserve_unasked(g);
	decide_soon(m);
}

static void guest_changed(void *data, const struct hv_guest *hv, unsigned what)
{
	struct guest *g = manager_find(data, &hv->uuid);

	if (!g)
		return;
	guest_take(g, hv);
	if (what & HV_CHANGED_IDENTITY)
		guest_sample(g)->identity_changed = true;
	if (what & (HV_CHANGED_PROCESS | HV_CHANGED_CPU))
		sample_guest_opened(g);
	if ((what & HV_CHANGED_PROCESS) && !*g->run && *guest_run_format(hv, g->run))
		original_run_known(g);
	if (what & HV_CHANGED_CHANNEL)
		agent_attach(g);
	if (what & (HV_CHANGED_IDENTITY | HV_CHANGED_MEMORY))
		tell(g->m,
			&(struct tale){.kind = DAEMON_EVENT_GUEST_CHANGED,
				.severity = SEVERITY_INFO,
				.guest = g},
			"its definition changed");
	decide_soon(g->m);
}

static void guest_gone(void *data, const struct uuid *guest, enum hv_gone why)
{
	struct manager *m = data;
	struct guest *g = manager_find(m, guest);

	if (!g)
		return;
	original_gone(g);
	override_gone(g);
	enroll_gone(g);
	tell_held_gone(g);
	tell(m,
		&(struct tale){.kind = DAEMON_EVENT_GUEST_STOPPED,
			.severity = why == HV_GONE_CRASHED ? SEVERITY_WARNING : SEVERITY_INFO,
			.guest = g},
		"it is gone: %s", hv_gone_to_string(why));
	guest_free(g);
	decide_soon(m);
}

/* No kernel comes to its balloon driver within that. */
#define RESET_AGAIN_USEC USEC_PER_SEC

/* The device keeps its old figure while the new kernel boots with all of its memory. */
static void guest_reset(void *data, const struct uuid *guest)
{
	struct guest *g = manager_find(data, guest);
	uint64_t stamp, now;

	if (!g)
		return;
	/* One reset is told more than once: it is the same beginning as long as nothing was heard
	 * of it, and what was heard at once is the old kernel's: its balloon's last move is told up
	 * to a second late. */
	now = clock_boot_usec();
	if (g->boot_expected &&
		(!guest_sample(g)->balloon_answered || now - g->boot_usec < RESET_AGAIN_USEC)) {
		guest_sample(g)->started_usec = g->boot_usec = now;
		guest_sample(g)->balloon_answered = false;
		return;
	}
	stamp = g->stats_update_sec;
	g->boot_gone = guest_sample(g)->report.boot_id;
	guest_run_begins(g, clock_boot_usec());
	g->stats_update_sec = stamp; /* the device keeps them, too */
	g->was_reset = g->boot_expected = true;
	balloon_read(g); /* what the device keeps */
	if (g->channel)
		channel_reset(g->channel);
	decide_soon(g->m);
}

static void balloon_changed(void *data, const struct uuid *guest, uint64_t actual_bytes)
{
	struct guest *g = manager_find(data, guest);

	if (g)
		balloon_told(g, actual_bytes, clock_boot_usec());
}

static void job_started(void *data, const struct uuid *guest)
{
	struct guest *g = manager_find(data, guest);

	if (g)
		guest_sample(g)->job_running = true;
}

static void job_ended(void *data, const struct uuid *guest, bool completed)
{
	struct guest *g = manager_find(data, guest);

	if (!g)
		return;
	guest_sample(g)->job_running = false;
	decide_soon(g->m);
}

static void guest_quarantined(void *data, const struct hv_overdue *o)
{
	struct guest *g = manager_find(data, &o->guest);
	struct guest_sample *s;

	if (!g)
		return;
	s = guest_sample(g);
	s->quarantined = true;
	tell(g->m,
		&(struct tale){
			.kind = DAEMON_EVENT_QUARANTINE, .severity = SEVERITY_WARNING, .guest = g},
		"%s: left alone, and counted at the larger of its sizes, until it answers", o->why);
	decide_soon(g->m);
}

static void guest_recovered(void *data, const struct uuid *guest, const struct hv_balloon *balloon)
{
	struct guest *g = manager_find(data, guest);
	struct guest_sample *s;

	if (!g)
		return;
	s = guest_sample(g);
	s->quarantined = false;
	/* The command that was stuck has been carried out, or was given up, before this reading:
	 * but the balloon may be on its way still. */
	sent_doubted(g);
	balloon_take(g, balloon, clock_boot_usec());
	tell(g->m,
		&(struct tale){.kind = DAEMON_EVENT_QUARANTINE_OVER,
			.severity = SEVERITY_NOTICE,
			.guest = g},
		"it answers again; its balloon is at %llu MiB",
		(unsigned long long)(s->actual_bytes / MIB));
	decide_soon(g->m);
}

static void trouble(void *data, const struct uuid *guest, const char *text)
{
	const struct guest *g = guest ? manager_find(data, guest) : NULL;
	struct journal_fields fields = {guest, g ? g->hv->name : NULL, NULL};

	journal_write(JOURNAL_PLAIN, LOG_WARNING, &fields, "%s", text);
}

static void guest_call_done(struct guest *g, const struct hv_result *r)
{
	if (r->error < 0)
		journal_debug("%s: %s: %s", g->hv->name, hv_call_to_string(r->call),
			*r->text ? r->text : strerror(-r->error));
	switch (r->call) {
	case HV_CALL_READ_BALLOON:
		balloon_read_done(g, r);
		break;
	case HV_CALL_ATTACH_CHANNEL:
	case HV_CALL_DETACH_CHANNEL:
		enroll_done(g, r);
		break;
	default:
		act_call_done(g, r);
		break;
	}
}

static void call_done(void *data, const struct hv_result *r)
{
	struct manager *m = data;
	struct guest *g = manager_find(m, &r->guest);

	count_result(m, r);
	if (g) /* else it is gone while it was asked */
		guest_call_done(g, r);
	mode_calls_ended(m);
}

const struct hv_ops manager_hv_ops = {
	.connected = connected,
	.synced = synced,
	.disconnected = disconnected,
	.guest_appeared = guest_appeared,
	.guest_changed = guest_changed,
	.guest_gone = guest_gone,
	.guest_reset = guest_reset,
	.balloon_changed = balloon_changed,
	.job_started = job_started,
	.job_ended = job_ended,
	.guest_quarantined = guest_quarantined,
	.guest_recovered = guest_recovered,
	.trouble = trouble,
	.call_done = call_done,
};
