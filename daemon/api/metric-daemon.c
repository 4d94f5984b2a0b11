/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>

#include "daemon/api/metric-text.h"
#include "daemon/sys/clock.h"

/* The daemon itself: what it counted. */

static void libvirt_values(const struct counters *c, uint64_t *v)
{
	v[METRIC_LIBVIRT_CONNECTED] = c->libvirt_connected;
	v[METRIC_LIBVIRT_EVENTS] = c->libvirt_events;
	v[METRIC_LIBVIRT_TIMEOUTS] = c->libvirt_timeouts;
	v[METRIC_LIBVIRT_RECONNECTS] = c->libvirt_reconnects;
	v[METRIC_LIBVIRT_REPLACED] = c->libvirt_replaced;
	v[METRIC_LIBVIRT_OVERDUE] = c->libvirt_overdue;
	v[METRIC_LIBVIRT_QUARANTINED] = c->libvirt_quarantined;
	v[METRIC_LIBVIRT_THREADS] = c->libvirt_threads;
}

static void agent_values(const struct counters *c, uint64_t *v)
{
	v[METRIC_AGENT_BYTES] = c->agent_bytes;
	v[METRIC_AGENT_REPORTS] = c->agent_reports;
	v[METRIC_AGENT_STALE] = c->agent_stale;
	v[METRIC_AGENT_BAD] = c->agent_bad;
	v[METRIC_AGENT_CONNECTS] = c->agent_connects;
	v[METRIC_AGENT_THROTTLES] = c->agent_throttles;
	v[METRIC_AGENT_CLOSURES] = c->agent_closures;
}

static void write_values(const struct counters *c, uint64_t *v)
{
	v[METRIC_JOURNAL_DROPPED] = c->journal_dropped;
	if (!c->store_there)
		return;
	v[METRIC_STORE_COMMITS] = c->store_commits;
	v[METRIC_STORE_ROWS] = c->store_rows;
	v[METRIC_STORE_LOST] = c->store_lost;
	v[METRIC_STORE_FAILURES] = c->store_failures;
	v[METRIC_STORE_WAITING] = c->store_waiting;
	if (c->store_bytes)
		v[METRIC_STORE_SIZE] = c->store_bytes;
	v[METRIC_STORE_LIMIT] = c->store_max_bytes;
	if (c->store_oldest_sec)
		v[METRIC_STORE_OLDEST] = c->store_oldest_sec * USEC_PER_SEC;
}

/* /proc is no disk: it answers at once. UINT64_MAX where it does not. */
static uint64_t resident_bytes(void)
{
	_cleanup_close_ int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	unsigned long long size, resident;
	char text[128];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return UINT64_MAX;
	text[n] = '\0';
	if (sscanf(text, "%llu %llu", &size, &resident) != 2)
		return UINT64_MAX;
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

void metric_daemon_values(const struct metric_input *in, uint64_t values[static METRIC_SINGLE_END])
{
	const struct counters *c = in->known->counters;
	const struct http_stats *h = in->http;

	if (c) {
		values[METRIC_DECISIONS] = c->decisions;
		values[METRIC_EVENTS_UNTOLD] = c->events_untold;
		values[METRIC_OPERATIONS_RUNNING] = c->operations_running;
		libvirt_values(c, values);
		agent_values(c, values);
		write_values(c, values);
	}
	values[METRIC_VIEW_AGE] = in->view_age_usec;
	values[METRIC_HTTP_CONNECTIONS] = h->connections;
	values[METRIC_HTTP_STREAMS] = h->streams;
	values[METRIC_HTTP_ACCEPTED] = h->accepted;
	values[METRIC_HTTP_REFUSED] = h->refused;
	values[METRIC_HTTP_WAITING] = h->waiting;
	values[METRIC_HTTP_RESPONSE_BYTES] = h->response_bytes;
	values[METRIC_PROCESS_CPU] = clock_usec(CLOCK_PROCESS_CPUTIME_ID);
	values[METRIC_PROCESS_RESIDENT] = resident_bytes();
	values[METRIC_PROCESS_START_TIME] = in->known->started_real_usec;
}

static void write_events(const struct counters *c, struct metric_text *t)
{
	metric_begin(t, METRIC_EVENTS);
	for (int i = 0; c && i < DAEMON_EVENT_MAX; i++)
		metric_sample_by(t, METRIC_EVENTS, "kind",
			daemon_event_to_string((enum daemon_event)i), c->daemon_events[i]);
	for (int i = 0; c && i < EVENT_KIND_MAX; i++)
		metric_sample_by(t, METRIC_EVENTS, "kind", event_kind_to_string((enum event_kind)i),
			c->plan_events[i]);
}

/* Also what never happened: a series that begins with 1 has no rate. */
static void write_results(const struct counters *c, struct metric_text *t, enum metric m)
{
	const char *label = m == METRIC_COMMANDS ? "command" : "call";
	const char *second = m == METRIC_COMMANDS ? "outcome" : "error";

	metric_begin(t, m);
	for (size_t i = 0; c && i < c->n_calls; i++)
		for (int r = 0; r < CALL_RESULT_MAX; r++)
			if (m == METRIC_COMMANDS ? c->calls[i].mutates : r != CALL_OK)
				metric_sample_by2(t, m, label, c->calls[i].name, second,
					call_result_to_string((enum call_result)r),
					c->calls[i].results[r]);
}

static void write_calls(const struct counters *c, struct metric_text *t)
{
	write_results(c, t, METRIC_COMMANDS);
	metric_begin(t, METRIC_LIBVIRT_CALLS);
	for (size_t i = 0; c && i < c->n_calls; i++)
		metric_sample_by(
			t, METRIC_LIBVIRT_CALLS, "call", c->calls[i].name, c->calls[i].made);
	write_results(c, t, METRIC_LIBVIRT_CALL_ERRORS);
}

static void write_times(const struct counters *c, struct metric_text *t)
{
	metric_begin(t, METRIC_DECIDE_TIME);
	if (c)
		metric_histogram(t, METRIC_DECIDE_TIME, NULL, &c->decide);
	metric_begin(t, METRIC_LOOP_TURN);
	if (c)
		metric_histogram(t, METRIC_LOOP_TURN, NULL, &c->turn);
	metric_begin(t, METRIC_LOOP_WAIT);
	if (c)
		metric_histogram(t, METRIC_LOOP_WAIT, NULL, &c->wait);
}

static const char *route_name(size_t i)
{
	return i < n_routes ? routes[i].name : "none";
}

static void write_http(const struct http_stats *h, struct metric_text *t)
{
	metric_begin(t, METRIC_HTTP_REQUESTS);
	for (size_t i = 0; i <= n_routes; i++)
		for (int s = 0; s < HTTP_STATUSES; s++) {
			char code[8] = "other";

			if (!h->rows[i].answers[s])
				continue;
			if (http_status[s])
				snprintf(code, sizeof(code), "%u", http_status[s]);
			metric_sample_by2(t, METRIC_HTTP_REQUESTS, "route", route_name(i), "code",
				code, h->rows[i].answers[s]);
		}
	metric_begin(t, METRIC_HTTP_TIME);
	for (size_t i = 0; i <= n_routes; i++) {
		struct metric_labels l = {.len = 0};

		if (!histogram_count(&h->rows[i].time))
			continue;
		metric_label(&l, "route", route_name(i));
		metric_histogram(t, METRIC_HTTP_TIME, l.text, &h->rows[i].time);
	}
}

/* Those by which somebody is refused also where they never happened: a series that begins with 1
 * has no rate. */
static void write_problems(const struct http_stats *h, struct metric_text *t)
{
	const uint64_t always =
		MAY(UNAUTHENTICATED) | MAY(DENIED) | MAY(TOO_MANY_REQUESTS) | MAY(BUSY);

	metric_begin(t, METRIC_HTTP_PROBLEMS);
	for (int i = 0; i < API_PROBLEM_MAX; i++)
		if (h->problems[i] || always >> i & 1)
			metric_sample_by(t, METRIC_HTTP_PROBLEMS, "problem",
				api_problem_to_string((enum api_problem)i), h->problems[i]);
}

static void write_operations(const struct counters *c, struct metric_text *t)
{
	metric_begin(t, METRIC_OPERATIONS);
	for (int i = OPERATION_RUNNING + 1; c && i < OPERATION_MAX; i++)
		metric_sample_by(t, METRIC_OPERATIONS, "outcome",
			operation_state_to_string((enum operation_state)i), c->operations[i]);
}

void metric_write_daemon(const struct metric_input *in, struct metric_text *t)
{
	const struct counters *c = in->known->counters;

	write_events(c, t);
	write_calls(c, t);
	write_times(c, t);
	write_http(in->http, t);
	write_problems(in->http, t);
	write_operations(c, t);
	metric_begin(t, METRIC_BUILD_INFO);
	metric_sample_by2(t, METRIC_BUILD_INFO, "version", PACKAGE_VERSION, "libvirt",
		in->known->libvirt_version, 1);
}
