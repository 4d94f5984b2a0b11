/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

/* What is counted, for who looks closely and for tests: that observe mode touches nothing is proved
 * here. */

static void dump_calls(const struct hv_counters *c)
{
	char text[512];
	size_t len = 0;

	text[0] = '\0';
	for (int i = 0; i < HV_CALL_MAX && len < sizeof(text); i++)
		if (c->calls[i])
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s=%llu",
				len ? " " : "", hv_call_to_string((enum hv_call)i),
				(unsigned long long)c->calls[i]);
	journal_info("libvirt calls: mutating=%llu %s", (unsigned long long)c->mutating, text);
	journal_info(
		"libvirt: events=%llu timeouts=%llu reconnects=%llu replaced=%llu overdue=%u quarantined=%u threads=%u",
		(unsigned long long)c->events, (unsigned long long)c->timeouts,
		(unsigned long long)c->reconnects, (unsigned long long)c->replaced, c->overdue,
		c->quarantined, c->threads);
}

static void dump_agents(const struct manager *m)
{
	struct channel_counters sum = {0};

	for (size_t i = 0; i < m->n_guests; i++) {
		const struct channel_counters *c =
			m->guests[i]->channel ? channel_counters(m->guests[i]->channel) : NULL;

		if (!c)
			continue;
		sum.bytes += c->bytes;
		sum.reports += c->reports;
		sum.bad_lines += c->bad_lines;
		sum.stale_lines += c->stale_lines;
		sum.throttles += c->throttles;
		sum.closures += c->closures;
	}
	journal_info(
		"agents: reports=%llu bytes=%llu stale=%llu bad=%llu throttles=%llu closures=%llu",
		(unsigned long long)sum.reports, (unsigned long long)sum.bytes,
		(unsigned long long)sum.stale_lines, (unsigned long long)sum.bad_lines,
		(unsigned long long)sum.throttles, (unsigned long long)sum.closures);
}

void manager_dump(struct manager *m)
{
	struct hv_counters calls;
	struct store_counters rows = {0};

	hv_counters(m->hv, &calls);
	if (m->store)
		store_counters(m->store, &rows);
	dump_calls(&calls);
	dump_agents(m);
	journal_info(
		"decisions=%llu commits=%llu rows=%llu lost=%llu failures=%llu waiting=%u guests=%zu",
		(unsigned long long)m->decisions, (unsigned long long)rows.commits,
		(unsigned long long)rows.written, (unsigned long long)rows.lost,
		(unsigned long long)rows.failures, rows.waiting, m->n_guests);
	if (m->trace)
		fflush(m->trace);
}
