/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/eventlog.h"

/* The names of events, and how those of a decision stand in the list. */

DEFINE_STRTAB(daemon_event, enum daemon_event,
	DAEMON_EVENT_MAX, [DAEMON_EVENT_COMMAND] = "command", [DAEMON_EVENT_CPU] = "cpu",
	[DAEMON_EVENT_SOFT_LIMIT] = "soft-limit", [DAEMON_EVENT_COMMAND_FAILED] = "command-failed",
	[DAEMON_EVENT_GUEST_STARTED] = "guest-started",
	[DAEMON_EVENT_GUEST_STOPPED] = "guest-stopped",
	[DAEMON_EVENT_GUEST_CHANGED] = "guest-changed",
	[DAEMON_EVENT_AGENT_CONNECTED] = "agent-connected",
	[DAEMON_EVENT_AGENT_LOST] = "agent-lost", [DAEMON_EVENT_CHANNEL_SHUT] = "channel-shut",
	[DAEMON_EVENT_QUARANTINE] = "quarantine",
	[DAEMON_EVENT_QUARANTINE_OVER] = "quarantine-over",
	[DAEMON_EVENT_LIBVIRT_LOST] = "libvirt-lost", [DAEMON_EVENT_LIBVIRT_BACK] = "libvirt-back",
	[DAEMON_EVENT_MODE] = "mode", [DAEMON_EVENT_PAUSED] = "paused",
	[DAEMON_EVENT_RESUMED] = "resumed", [DAEMON_EVENT_RELOAD] = "reload",
	[DAEMON_EVENT_POLICY_WRITTEN] = "policy-written",
	[DAEMON_EVENT_POLICY_REMOVED] = "policy-removed",
	[DAEMON_EVENT_POLICY_BAD] = "policy-bad", [DAEMON_EVENT_OVERRIDE_SET] = "override-set",
	[DAEMON_EVENT_OVERRIDE_CLEARED] = "override-cleared",
	[DAEMON_EVENT_OVERRIDE_EXPIRED] = "override-expired", [DAEMON_EVENT_ENROLLED] = "enrolled",
	[DAEMON_EVENT_RESERVED] = "reserved", [DAEMON_EVENT_REFUSED] = "refused",
	[DAEMON_EVENT_RESERVATION_FREED] = "reservation-freed",
	[DAEMON_EVENT_START_UNASKED] = "start-unasked",
	[DAEMON_EVENT_STATE_UNWRITABLE] = "state-unwritable",
	[DAEMON_EVENT_STATE_WRITABLE] = "state-writable", [DAEMON_EVENT_CLOCK_SET] = "clock-set",
	[DAEMON_EVENT_STARTED] = "started", [DAEMON_EVENT_STOPPING] = "stopping")

DEFINE_STRTAB(severity, enum severity, SEVERITY_MAX, [SEVERITY_INFO] = "info",
	[SEVERITY_NOTICE] = "notice", [SEVERITY_WARNING] = "warning", [SEVERITY_ERROR] = "error")

const char *eventlog_kind(const char *kind)
{
	int of_daemon = kind ? (int)daemon_event_from_string(kind) : -1;
	int of_plan = kind ? (int)event_kind_from_string(kind) : -1;

	return of_daemon >= 0 ? daemon_event_to_string((enum daemon_event)of_daemon) :
	       of_plan >= 0   ? event_kind_to_string((enum event_kind)of_plan) :
				NULL;
}

/* What each of a decision's events means to who is asked at 2 a.m. */
static const enum severity plan_severity[EVENT_KIND_MAX] = {
	[EVENT_STUCK] = SEVERITY_WARNING,
	[EVENT_UNSTUCK] = SEVERITY_INFO,
	[EVENT_STALE] = SEVERITY_WARNING,
	[EVENT_FRESH] = SEVERITY_INFO,
	[EVENT_BREAKER] = SEVERITY_WARNING,
	[EVENT_BREAKER_GONE] = SEVERITY_INFO,
	[EVENT_NOT_CREDIBLE] = SEVERITY_WARNING,
	[EVENT_CREDIBLE] = SEVERITY_INFO,
	[EVENT_TOOK_BACK] = SEVERITY_NOTICE,
	[EVENT_OOM] = SEVERITY_ERROR,
	[EVENT_PRESSED] = SEVERITY_NOTICE,
	[EVENT_RELIEVED] = SEVERITY_INFO,
	[EVENT_HOST_STATE] = SEVERITY_NOTICE,
	[EVENT_POLICY] = SEVERITY_INFO,
	[EVENT_REBOOT] = SEVERITY_INFO,
	[EVENT_FLOOR_CUT] = SEVERITY_ERROR,
};

enum severity eventlog_plan_severity(enum event_kind kind)
{
	return plan_severity[kind];
}

/* Names of an event's arguments, as event_format()'s templates use them. */
static const char *const plan_numbers[EVENT_KIND_MAX][REASON_ARGS_MAX] = {
	[EVENT_STUCK] = {"actual", "target"},
	[EVENT_UNSTUCK] = {"actual"},
	[EVENT_STALE] = {"silent_usec", "floor"},
	[EVENT_BREAKER] = {"resident", "charge"},
	[EVENT_BREAKER_GONE] = {"resident"},
	[EVENT_NOT_CREDIBLE] = {"given", "credit_permyriad"},
	[EVENT_TOOK_BACK] = {"actual", "target"},
	[EVENT_OOM] = {"kills"},
	[EVENT_PRESSED] = {"stall_permyriad", "limit_permyriad"},
	[EVENT_HOST_STATE] = {"free", "budget", "reserved", "divided"},
	[EVENT_FLOOR_CUT] = {"share", "floor"},
};

uint64_t eventlog_append_plan(
	struct eventlog *l, const struct plan_event *e, const char *name, uint64_t time_real_usec)
{
	struct event_number numbers[REASON_ARGS_MAX];
	char text[REASON_TEXT_MAX];
	size_t n = 0;

	for (; n < REASON_ARGS_MAX && plan_numbers[e->kind][n]; n++)
		numbers[n] = (struct event_number){plan_numbers[e->kind][n], e->arg[n]};

	return eventlog_append(l, &(struct event){
					  .kind = event_kind_to_string(e->kind),
					  .severity = eventlog_plan_severity(e->kind),
					  .time_real_usec = time_real_usec,
					  .guest = e->of_guest ? &e->guest : NULL,
					  .guest_name = e->of_guest ? name : NULL,
					  .numbers = numbers,
					  .n_numbers = n,
					  .text = event_format(e, text),
				  });
}
