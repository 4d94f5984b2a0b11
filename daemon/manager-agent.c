/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/units.h"
#include "daemon/manager-private.h"

/* What agents say. In the steady path (a heartbeat) a report is copied into the sample and nothing
 * else happens. */

/* How old the word of a pressed guest may become: its heartbeat is for calm ones, and its trigger
 * is silent below 5 % of stall, or when what it was given has just sufficed. A bit less than the
 * second after which a pressed guest is decided on again. */
#define ASK_USEC (900 * USEC_PER_MSEC)

/* A trigger of less tells of single faults. */
#define TRIGGER_MIN_USEC USEC_PER_MSEC

/* A boot id that libvirt said nothing about: a kexec, or a reset while libvirtd was away. Its start
 * stays what libvirt told: a guest's own word does not earn it the grace of a boot. */
static void boot_unannounced(struct guest *g, const struct guest_report *r)
{
	struct guest_sample *s = guest_sample(g);

	s->incarnation = ++g->m->incarnations;
	g->was_reset = true;
	g->boot_usec = r->arrival_usec;
	/* A kernel that sees more than the balloon leaves it has not inflated it yet. With
	 * deflate-on-oom its total says nothing. */
	if (s->actual_bytes < s->max_bytes && (s->autodeflate || r->total_bytes > s->actual_bytes))
		s->balloon_answered = false;
}

/* The driver has spoken: it changed the balloon, or its kernel sees no more than the balloon
 * leaves. At full size there is nothing that it could have answered, and nothing to be wrong
 * about. */
static bool driver_answered(const struct guest *g, const struct guest_report *r)
{
	const struct guest_sample *s = guest_sample(g);

	if (s->balloon_answered || s->actual_bytes >= s->max_bytes)
		return true;
	if (r->arrival_usec >= g->boot_usec + DRIVER_USEC)
		return true;
	return !s->autodeflate && r->total_bytes <= s->actual_bytes;
}

static void on_report(void *userdata, const struct guest_report *r)
{
	struct guest *g = userdata;
	struct guest_sample *s = guest_sample(g);
	bool first = s->report.source != REPORT_AGENT;
	const char *refused = NULL;

	if (g->reading && !g->read_once) {
		g->spoke_early = true;
		return;
	}
	if (g->boot_expected && r->boot_id && r->boot_id == g->boot_gone)
		return; /* sent before the reset */
	if (!first && s->report.boot_id && r->boot_id != s->report.boot_id && !g->boot_expected &&
		line_check_boot(&s->report, r, g->boot_usec, &refused) >= 0)
		boot_unannounced(g, r);
	g->boot_expected = false;
	s->report = *r;
	s->channel_open = true;
	g->spoke_early = false;
	if (!s->balloon_answered && driver_answered(g, r)) {
		s->balloon_answered = true;
		first = true;
	}
	if (first || r->why != REPORT_WHY_HEARTBEAT)
		decide_soon(g->m);
	if (g->m->trace) {
		char uuid[UUID_TEXT_MAX];

		trace_line(g->m, "report %s %llu %s %llu %llu %llu", uuid_format(&g->uuid, uuid),
			(unsigned long long)r->seq, report_why_to_string(r->why),
			(unsigned long long)r->arrival_usec, (unsigned long long)clock_boot_usec(),
			(unsigned long long)r->guest_usec);
	}
	if (refused) /* last: it may close the channel */
		channel_refuse(g->channel, refused);
}

void agent_ask(struct guest *g)
{
	uint64_t now = clock_boot_usec();
	char uuid[UUID_TEXT_MAX];

	if (!g->channel || now < g->asked_usec + ASK_USEC || channel_ping(g->channel) < 0)
		return;
	g->asked_usec = now;
	if (g->m->trace)
		trace_line(
			g->m, "ping %s %llu", uuid_format(&g->uuid, uuid), (unsigned long long)now);
}

void agent_ask_all(struct manager *m)
{
	uint64_t now = clock_boot_usec();

	for (size_t i = 0; i < m->n_guests; i++)
		if (m->plan->guests[i].ask ||
			(m->plan->guests[i].pressed &&
				now >= m->samples[i].report.arrival_usec + ASK_USEC))
			agent_ask(m->guests[i]);
}

static void on_hello(void *userdata, const struct agent_hello *hello)
{
	struct guest *g = userdata;

	g->hello = *hello;
	g->hello_known = true;
}

/* The file systems of guests matter from the version on that grows disks. */
static void on_filesystems(void *userdata, const struct guest_filesystem *fs, size_t n)
{
}

static void on_event(void *userdata, enum channel_event_kind kind, const char *detail)
{
	struct guest *g = userdata;
	struct guest_sample *s = guest_sample(g);
	struct tale t = {.kind = DAEMON_EVENT_AGENT_LOST, .severity = SEVERITY_NOTICE, .guest = g};

	switch (kind) {
	case CHANNEL_EVENT_UP:
		s->channel_open = true;
		t.kind = DAEMON_EVENT_AGENT_CONNECTED;
		t.severity = SEVERITY_INFO;
		tell(g->m, &t, "its agent is connected");
		break;
	case CHANNEL_EVENT_DOWN:
		s->channel_open = g->spoke_early = false;
		t.severity = SEVERITY_INFO;
		tell(g->m, &t, "its agent's channel is closed: %s", detail);
		break;
	case CHANNEL_EVENT_UNREACHABLE:
		tell(g->m, &t, "its agent's channel cannot be used: %s", detail);
		break;
	case CHANNEL_EVENT_UNANSWERED:
		t.severity = SEVERITY_INFO;
		tell(g->m, &t, "no agent answers: %s", detail);
		break;
	case CHANNEL_EVENT_CLOSED:
		t.kind = DAEMON_EVENT_CHANNEL_SHUT;
		t.severity = SEVERITY_WARNING;
		s->channel_open = false;
		s->shut_out_usec = channel_closed_until(g->channel);
		tell(g->m, &t, "its agent is not listened to: %s", detail);
		break;
	case CHANNEL_EVENT_REOPENED:
		t.kind = DAEMON_EVENT_AGENT_CONNECTED;
		t.severity = SEVERITY_INFO;
		s->shut_out_usec = 0;
		tell(g->m, &t, "its agent is listened to again");
		break;
	default: /* a single bad line, the first throttling: for who looks closely */
		journal_debug(
			"%s: %s: %s", g->hv->name, channel_event_kind_to_string(kind), detail);
		break;
	}
}

static const struct channel_ops channel_ops = {
	.on_report = on_report,
	.on_hello = on_hello,
	.on_filesystems = on_filesystems,
	.on_event = on_event,
};

/* Stall within a second that its agent is to report at once: what the configuration says, or less,
 * where its policy calls less pressure. */
static uint64_t trigger_usec(const struct guest *g)
{
	const struct manager *m = g->m;
	uint64_t on;

	if (!m->plan_fits)
		return g->trigger_usec ? MIN(g->trigger_usec, m->conf.stall_usec)
				       : m->conf.stall_usec;
	on = mul_div(m->plan->guests[g->index].stall_on_permyriad, USEC_PER_SEC, PERMYRIAD);
	return MIN(MAX(on, TRIGGER_MIN_USEC), m->conf.stall_usec);
}

static void agent_configure(struct guest *g)
{
	struct agent_config c = AGENT_CONFIG_DEFAULT;
	int r;

	c.heartbeat_usec = g->m->conf.heartbeat_usec;
	c.psi_stall_usec = g->trigger_usec = trigger_usec(g);
	c.available_pct = (uint32_t)(g->m->conf.change_permyriad / 100);
	r = channel_configure(g->channel, &c);
	if (r < 0)
		journal_warning(
			"%s: its agent cannot be configured: %s", g->hv->name, strerror(-r));
}

void agent_configure_all(struct manager *m)
{
	for (size_t i = 0; i < m->n_guests; i++)
		if (m->guests[i]->channel)
			agent_configure(m->guests[i]);
}

void agent_follow_policies(struct manager *m)
{
	for (size_t i = 0; i < m->n_guests; i++)
		if (m->guests[i]->channel &&
			trigger_usec(m->guests[i]) != m->guests[i]->trigger_usec)
			agent_configure(m->guests[i]);
}

void agent_attach(struct guest *g)
{
	int r = 0;

	if (!g->hv->channel_path) {
		g->channel = channel_free(g->channel);
		guest_sample(g)->channel_open = false;
		guest_sample(g)->shut_out_usec = 0;
		return;
	}
	if (g->channel) {
		r = channel_set_path(g->channel, g->hv->channel_path);
	} else {
		r = channel_new(g->m->hub, g->hv->channel_path, &channel_ops, g, &g->channel);
		if (r >= 0)
			agent_configure(g);
	}
	if (r < 0)
		journal_warning("%s: cannot use its agent's channel %s: %s", g->hv->name,
			g->hv->channel_path, strerror(-r));
}
