/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include <stdarg.h>

#include "daemon/sys/notify.h"

static const int severity_priority[SEVERITY_MAX] = {
	[SEVERITY_INFO] = LOG_INFO,
	[SEVERITY_NOTICE] = LOG_NOTICE,
	[SEVERITY_WARNING] = LOG_WARNING,
	[SEVERITY_ERROR] = LOG_ERR,
};

static const enum journal_message event_message[DAEMON_EVENT_MAX] = {
	[DAEMON_EVENT_COMMAND] = JOURNAL_COMMAND,
	[DAEMON_EVENT_CPU] = JOURNAL_CPU,
	[DAEMON_EVENT_SOFT_LIMIT] = JOURNAL_SOFT_LIMIT,
	[DAEMON_EVENT_COMMAND_FAILED] = JOURNAL_COMMAND_FAILED,
	[DAEMON_EVENT_GUEST_STARTED] = JOURNAL_GUEST,
	[DAEMON_EVENT_GUEST_STOPPED] = JOURNAL_GUEST_STOPPED,
	[DAEMON_EVENT_GUEST_CHANGED] = JOURNAL_GUEST_CHANGED,
	[DAEMON_EVENT_AGENT_CONNECTED] = JOURNAL_AGENT,
	[DAEMON_EVENT_AGENT_LOST] = JOURNAL_AGENT_LOST,
	[DAEMON_EVENT_CHANNEL_SHUT] = JOURNAL_CHANNEL_SHUT,
	[DAEMON_EVENT_QUARANTINE] = JOURNAL_QUARANTINE,
	[DAEMON_EVENT_QUARANTINE_OVER] = JOURNAL_QUARANTINE_OVER,
	[DAEMON_EVENT_LIBVIRT_LOST] = JOURNAL_LIBVIRT_LOST,
	[DAEMON_EVENT_LIBVIRT_BACK] = JOURNAL_LIBVIRT_BACK,
	[DAEMON_EVENT_MODE] = JOURNAL_MODE,
	[DAEMON_EVENT_PAUSED] = JOURNAL_PAUSE,
	[DAEMON_EVENT_RESUMED] = JOURNAL_RESUMED,
	[DAEMON_EVENT_RELOAD] = JOURNAL_RELOADED,
	[DAEMON_EVENT_POLICY_WRITTEN] = JOURNAL_POLICY,
	[DAEMON_EVENT_POLICY_REMOVED] = JOURNAL_POLICY_REMOVED,
	[DAEMON_EVENT_POLICY_BAD] = JOURNAL_POLICY_BAD,
	[DAEMON_EVENT_OVERRIDE_SET] = JOURNAL_OVERRIDE,
	[DAEMON_EVENT_OVERRIDE_CLEARED] = JOURNAL_OVERRIDE_CLEARED,
	[DAEMON_EVENT_OVERRIDE_EXPIRED] = JOURNAL_OVERRIDE_EXPIRED,
	[DAEMON_EVENT_ENROLLED] = JOURNAL_ENROLLED,
	[DAEMON_EVENT_RESERVED] = JOURNAL_RESERVATION,
	[DAEMON_EVENT_REFUSED] = JOURNAL_REFUSED,
	[DAEMON_EVENT_RESERVATION_FREED] = JOURNAL_RESERVATION_FREED,
	[DAEMON_EVENT_START_UNASKED] = JOURNAL_START_UNASKED,
	[DAEMON_EVENT_STATE_UNWRITABLE] = JOURNAL_STATE_UNWRITABLE,
	[DAEMON_EVENT_STATE_WRITABLE] = JOURNAL_STATE_WRITABLE,
	[DAEMON_EVENT_CLOCK_SET] = JOURNAL_CLOCK_SET,
	[DAEMON_EVENT_STARTED] = JOURNAL_STARTED,
	[DAEMON_EVENT_STOPPING] = JOURNAL_STOPPING,
};

static const enum journal_message plan_message[EVENT_KIND_MAX] = {
	[EVENT_STUCK] = JOURNAL_STUCK,
	[EVENT_UNSTUCK] = JOURNAL_UNSTUCK,
	[EVENT_STALE] = JOURNAL_STALE,
	[EVENT_FRESH] = JOURNAL_FRESH,
	[EVENT_BREAKER] = JOURNAL_BREAKER,
	[EVENT_BREAKER_GONE] = JOURNAL_BREAKER_GONE,
	[EVENT_NOT_CREDIBLE] = JOURNAL_NOT_CREDIBLE,
	[EVENT_CREDIBLE] = JOURNAL_CREDIBLE,
	[EVENT_TOOK_BACK] = JOURNAL_TOOK_BACK,
	[EVENT_OOM] = JOURNAL_OOM,
	[EVENT_PRESSED] = JOURNAL_PRESSED,
	[EVENT_RELIEVED] = JOURNAL_RELIEVED,
	[EVENT_HOST_STATE] = JOURNAL_HOST_STATE,
	[EVENT_POLICY] = JOURNAL_POLICY_WINDOW,
	[EVENT_REBOOT] = JOURNAL_REBOOT,
	[EVENT_FLOOR_CUT] = JOURNAL_FLOOR_CUT,
};

enum journal_message tell_message(const char *kind)
{
	int of_daemon = (int)daemon_event_from_string(kind),
	    of_plan = (int)event_kind_from_string(kind);

	return of_daemon >= 0 ? event_message[of_daemon]
	       : of_plan >= 0 ? plan_message[of_plan]
			      : JOURNAL_PLAIN;
}

/* What is done to a guest, not what is noticed. */
static bool is_decision(enum daemon_event kind)
{
	return kind == DAEMON_EVENT_COMMAND || kind == DAEMON_EVENT_CPU ||
	       kind == DAEMON_EVENT_SOFT_LIMIT;
}

/* The event as the list shows it goes into the history; commands are decisions. A history that
 * cannot be written is the store's to tell. Returns the object; the caller frees. */
static char *keep(
	struct manager *m, uint64_t seq, bool decision, const struct uuid *guest, uint64_t now)
{
	struct eventlog_filter f = {.after = seq - 1, .limit = 1};
	struct eventlog_page page = {0};

	view_store_touch(m->views);
	if (eventlog_read(m->events, &f, &page) < 0)
		return NULL;
	if (m->store && page.n == 1) {
		if (decision && guest)
			(void)!store_add_decision(m->store, now, guest, page.text);
		else
			(void)!store_add_event(m->store, now, page.text);
	}
	return page.text;
}

/* Of the ring's 2048, so that what comes now finds room beside it. */
#define RECALLED_EVENTS 1000

struct recalled {
	struct manager *m;
	bool runs; /* the run that wrote last has not said that it stops */
};

static int recall(uint64_t seq, uint64_t real_usec, const char *text, void *userdata)
{
	struct recalled *r = userdata;
	const char *kind = eventlog_recall(r->m->events, text);

	if (kind && streq(kind, daemon_event_to_string(DAEMON_EVENT_STARTED)))
		r->runs = true;
	if (kind && streq(kind, daemon_event_to_string(DAEMON_EVENT_STOPPING)))
		r->runs = false;
	return 0;
}

/* A run that was killed, or could not write, may have told so many that are not on the disk; their
 * numbers are not given again. */
#define UNWRITTEN_EVENTS UINT64_C(100000)

/* Numbers go on rising over restarts, so that one alone says which event is meant. Where what
 * earlier runs gave cannot be read, the clock is above it: the seconds since 1970 are more than
 * there ever were events. */
static uint64_t first_number(struct manager *m, bool killed)
{
	uint64_t last = 0;

	if (store_unread(m->store) || store_load_last_number(m->store, &last) < 0 ||
		last >= UINT64_C(1) << 52)
		last = clock_real_usec() / USEC_PER_SEC;
	else if (killed)
		last += UNWRITTEN_EVENTS;
	return MAX(last, eventlog_head(m->events)) + 1;
}

void tell_recall(struct manager *m)
{
	struct recalled r = {.m = m};

	/* What cannot be read now is history: the rest of the state says so where it matters. */
	(void)!store_load_events(m->store, RECALLED_EVENTS, recall, &r);
	m->killed_before = r.runs;
	if (eventlog_go_on(m->events, first_number(m, r.runs)) < 0)
		journal_warning("numbers of events begin anew: those of before are not meant by them");
}

void tell(struct manager *m, const struct tale *t, const char *fmt, ...)
{
	const char *room_for = t->room ? t->room->guest_name : NULL;
	char text[512], why[REASON_TEXT_MAX];
	struct event e = {
		.kind = daemon_event_to_string(t->kind),
		.severity = t->severity,
		.time_real_usec = clock_real_usec(),
		.guest = t->guest ? &t->guest->uuid : t->room ? &t->room->guest : NULL,
		.guest_name = t->guest ? t->guest->hv->name : room_for,
		.numbers = t->numbers,
		.n_numbers = t->n_numbers,
		.reason = t->reason,
		.by = t->by,
		.text = text,
	};
	struct journal_fields fields = {e.guest, e.guest_name, e.kind};
	_cleanup_free_ char *object = NULL;
	va_list ap;

	m->counters.daemon_events[t->kind]++;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	m->commands += is_decision(t->kind);
	fields.object = object = keep(
		m, eventlog_append(m->events, &e), is_decision(t->kind), e.guest, e.time_real_usec);
	journal_write(event_message[t->kind], severity_priority[t->severity], &fields,
		"%s%s%s%s%s%s", text, t->reason ? ": " : "",
		t->reason ? reason_format(t->reason, why) : "", t->by ? " (by " : "",
		t->by ? t->by : "", t->by ? ")" : "");
}

/* Events of a decision that are an alarm; the others are the work itself. */
static int plan_event_priority(enum event_kind kind)
{
	switch (kind) {
	case EVENT_OOM:
	case EVENT_BREAKER:
	case EVENT_FLOOR_CUT:
		return LOG_WARNING;
	case EVENT_STUCK:
	case EVENT_STALE:
	case EVENT_NOT_CREDIBLE:
	case EVENT_HOST_STATE:
		return LOG_NOTICE;
	default:
		return LOG_INFO;
	}
}

/* The number of those that were not told, under their own kind. */
static void held_out(struct manager *m, struct told *t, const struct guest *g, enum event_kind kind)
{
	char text[96];
	struct event_number number = {"events", t->held};
	struct event e = {
		.kind = event_kind_to_string(kind),
		.severity = eventlog_plan_severity(kind),
		.time_real_usec = clock_real_usec(),
		.guest = g ? &g->uuid : NULL,
		.guest_name = g ? g->hv->name : NULL,
		.numbers = &number,
		.n_numbers = 1,
		.text = text,
	};
	struct journal_fields fields = {e.guest, e.guest_name, e.kind};
	_cleanup_free_ char *object = NULL;

	snprintf(text, sizeof(text), "%u more of these within a minute", t->held);
	fields.object = object =
		keep(m, eventlog_append(m->events, &e), false, NULL, e.time_real_usec);
	journal_write(
		plan_message[kind], plan_event_priority(kind), &fields, "%s: %s", e.kind, text);
	m->held -= MIN(m->held, t->held);
}

/* A guest can make some of these events at will (a report each): it must neither bury the others'
 * nor fill the journal. */
static bool may_tell(struct manager *m, struct told *t, const struct guest *g, enum event_kind kind,
	uint64_t now_usec)
{
	if (!t->since_usec || now_usec - t->since_usec >= USEC_PER_MIN) {
		if (t->held)
			held_out(m, t, g, kind);
		*t = (struct told){.since_usec = now_usec};
	}
	if (t->n < TOLD_MAX) {
		t->n++;
		return true;
	}
	t->held++;
	m->held++;
	m->counters.events_untold++;
	return false;
}

/* Those whose minute is over at now_usec. */
static void tell_held_of(struct manager *m, struct told told[static EVENT_KIND_MAX],
	const struct guest *g, uint64_t now_usec)
{
	for (int i = 0; i < EVENT_KIND_MAX; i++) {
		if (!told[i].held || now_usec - told[i].since_usec < USEC_PER_MIN)
			continue;
		held_out(m, &told[i], g, (enum event_kind)i);
		told[i] = (struct told){0};
	}
}

void tell_held_gone(struct guest *g)
{
	tell_held_of(g->m, g->told, g, USEC_INFINITY);
}

void tell_held(struct manager *m, uint64_t now_usec)
{
	if (!m->held)
		return;
	tell_held_of(m, m->told, NULL, now_usec);
	for (size_t i = 0; i < m->n_guests; i++)
		tell_held_of(m, m->guests[i]->told, m->guests[i], now_usec);
}

void tell_plan_event(struct manager *m, const struct plan_event *e)
{
	struct guest *g = e->of_guest ? manager_find(m, &e->guest) : NULL;
	const char *name = g ? g->hv->name : NULL;
	struct journal_fields fields = {g ? &g->uuid : NULL, name, event_kind_to_string(e->kind)};
	uint64_t now = clock_real_usec();
	_cleanup_free_ char *object = NULL;
	char text[REASON_TEXT_MAX];

	m->counters.plan_events[e->kind]++;
	if (!may_tell(m, g ? &g->told[e->kind] : &m->told[e->kind], g, e->kind, clock_boot_usec()))
		return;
	fields.object = object =
		keep(m, eventlog_append_plan(m->events, e, name, now), false, NULL, now);
	journal_write(plan_message[e->kind],
		plan_event_priority(e->kind), &fields, "%s", event_format(e, text));
}

/* What matters, shortest first: "enforce, 12 guests, tight, 1 stuck". */
void tell_status(struct manager *m)
{
	char text[256];
	size_t len;

	len = (size_t)snprintf(text, sizeof(text), "%s%s, %zu guest%s",
		daemon_mode_to_string(m->mode), m->pause.on ? ", paused" : "", m->n_guests,
		m->n_guests == 1 ? "" : "s");
	if (m->plan && m->synced)
		len += (size_t)snprintf(text + len, sizeof(text) - len, ", %s",
			host_state_to_string(m->plan->host_state));
	if (m->n_stuck)
		len += (size_t)snprintf(text + len, sizeof(text) - len, ", %zu stuck", m->n_stuck);
	if (!m->connected)
		len += (size_t)snprintf(text + len, sizeof(text) - len, ", libvirt unreachable");
	if (m->policy_bad)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			", %zu bad configuration file%s", m->policy_bad,
			m->policy_bad == 1 ? "" : "s");
	if (m->policy_bad && m->policy_lost)
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, " (%zu not in force)", m->policy_lost);
	else if (m->policy_bad)
		len += (size_t)snprintf(text + len, sizeof(text) - len, " (last good in force)");
	if (*m->state_problem && len < sizeof(text))
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, ", state cannot be written");
	notify_status("%s", text);
}

void trace_line(struct manager *m, const char *fmt, ...)
{
	va_list ap;

	if (!m->trace)
		return;
	va_start(ap, fmt);
	vfprintf(m->trace, fmt, ap);
	va_end(ap);
	fputc('\n', m->trace);
}

uint64_t monotonic_to_boot(uint64_t monotonic_usec)
{
	/* The two differ by the time the host was suspended. */
	return monotonic_usec + (clock_boot_usec() - clock_usec(CLOCK_MONOTONIC));
}
