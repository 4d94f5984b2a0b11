/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "common/units.h"
#include "daemon/api/route.h"
#include "daemon/api/serve.h"
#include "daemon/api/when.h"
#include "daemon/sys/clock.h"

#define LIMIT_DEFAULT 100

/* All of them, for who knows none. NULL: no memory, and no list. */
static json_t *kinds_json(void)
{
	json_t *all = json_object(), *kinds = json_array();

	for (const char *const *k = daemon_event_names; *k; k++)
		json_array_append_new(kinds, json_string(*k));
	for (const char *const *k = event_kind_names; *k; k++)
		json_array_append_new(kinds, json_string(*k));
	json_object_set_new(all, "kinds", kinds);
	return all;
}

static int bad_kind(struct problem *p, const char *kind)
{
	const char *a = nearest_word(kind, daemon_event_names),
		   *b = nearest_word(kind, event_kind_names);
	char text[256];

	a = a ? a : b;
	snprintf(text, sizeof(text), "there is no kind of event \"%.60s\"%s%s%s", kind,
		a ? ", did you mean \"" : "", a ? a : "", a ? "\"?" : "");
	problem_set_query(p, "kind", text);
	p->more = kinds_json();
	return -1;
}

/* Which guest is meant: by UUID where it is known or given, else by the name in its events. */
static void choose_guest(
	const struct view_input *k, const char *guest, struct eventlog_filter *f, struct uuid *uuid)
{
	ssize_t i = k ? snapshot_find_guest(k->snapshot, guest) : -ENOENT;

	if (i >= 0)
		*uuid = k->snapshot->guests[i].id.uuid;
	if (i >= 0 || uuid_parse(guest, uuid) == 0)
		f->guest = uuid;
	else
		f->guest_name = guest;
}

/* Neither running nor in any event: a slip of the pen. */
static int check_guest_name(struct eventlog *log, const struct view_input *k,
	const struct eventlog_filter *f, struct problem *p)
{
	struct eventlog_filter any = {.limit = 1, .guest_name = f->guest_name};
	struct eventlog_page page = {0};
	bool found;

	if (!f->guest_name)
		return 0;
	if (eventlog_read(log, &any, &page) < 0)
		return problem_set(p, API_PROBLEM_INTERNAL, "out of memory");
	found = page.n;
	free(page.text);
	return found ? 0 :
		       problem_set_unknown(p, API_PROBLEM_GUEST_UNKNOWN, "guest", f->guest_name,
			       k ? snapshot_nearest_guest(k->snapshot, f->guest_name) : NULL);
}

int serve_events_filter(struct eventlog *log, const struct view_input *k, const struct query *q,
	bool in_past, struct eventlog_filter *f, struct uuid *uuid, struct problem *p)
{
	*f = (struct eventlog_filter){
		.newest = q->newest, .limit = q->limit ? q->limit : LIMIT_DEFAULT, .kind = q->kind};
	if (q->kind && !eventlog_kind(q->kind))
		return bad_kind(p, q->kind);
	if (q->guest)
		choose_guest(k, q->guest, f, uuid);
	if (q->since &&
		when_parse("since", q->since, clock_real_usec(), &f->since_real_usec, p) < 0)
		return -1;
	return in_past ? 0 : check_guest_name(log, k, f, p);
}

/* Are there fewer that fit in memory than were asked for? */
static bool memory_lacks(struct eventlog *log, const struct eventlog_filter *f)
{
	struct eventlog_page page = {0};
	size_t n;

	if (eventlog_read(log, f, &page) < 0)
		return false;
	n = page.n;
	free(page.text);
	return n < f->limit;
}

int serve_events_is_past(
	struct eventlog *log, const struct eventlog_filter *f, const char *after, struct problem *p)
{
	uint64_t seq, oldest_usec;
	int found = after ? eventlog_find(log, after, &seq) : -ENOENT;

	if (found == -EINVAL)
		return problem_set_query(
			p, "after", "expected an event's id (host:boot:number) or its number");
	if (after && (found != -ENOENT || !f->newest))
		return found == -ENOENT;
	if (!f->newest && !f->since_real_usec)
		return 0;
	eventlog_oldest(log, &oldest_usec);
	if (f->since_real_usec)
		return (!oldest_usec || f->since_real_usec < oldest_usec) &&
		       (!f->newest || memory_lacks(log, f));
	return memory_lacks(log, f);
}

static void write_page(const struct eventlog_page *page, bool lost, struct json_out *o)
{
	json_out_open(o, '{');
	json_out_key(o, "events");
	json_out_open(o, '[');
	if (page->n)
		json_out_raw(o, page->text, page->len);
	json_out_close(o, ']');
	json_out_key_string(o, "last", page->last_id);
	json_out_key_bool(o, "lost", lost);
	json_out_key_bool(o, "more", page->more);
	json_out_close(o, '}');
}

/* What happened meanwhile counts too: then the first from the disk are not among the last any
 * more. */
static void write_newest(const struct past_events *past, const struct eventlog_page *page,
	size_t limit, bool lost, struct json_out *o)
{
	size_t at = 0, len, skip = past->n - MIN(past->n, sub_sat(limit, page->n));
	const char *line;

	json_out_open(o, '{');
	json_out_key(o, "events");
	json_out_open(o, '[');
	while (past_events_next(past, &at, &line, &len))
		if (skip)
			skip--;
		else
			json_out_raw(o, line, len);
	if (page->n)
		json_out_raw(o, page->text, page->len);
	json_out_close(o, ']');
	json_out_key_string(o, "last", page->last_id);
	json_out_key_bool(o, "lost", lost);
	json_out_key_bool(o, "more", false);
	json_out_close(o, '}');
}

int serve_newest_events(struct eventlog *log, const struct view_input *k, const struct query *q,
	const struct past_events *past, struct json_out *o, struct problem *p)
{
	char oldest[EVENTLOG_ID_MAX];
	struct eventlog_page page = {0};
	struct eventlog_filter f;
	struct uuid uuid;

	if (serve_events_filter(log, k, q, true, &f, &uuid, p) < 0)
		return -1;
	if (!past->n && !past->guest_seen && check_guest_name(log, k, &f, p) < 0)
		return -1;
	if (eventlog_read(log, &f, &page) < 0)
		return problem_set(p, API_PROBLEM_INTERNAL, "out of memory");
	/* What left memory since the disk was asked is in neither. */
	write_newest(past, &page, f.limit,
		past->lost || past->unknown ||
			(*past->before && !streq(eventlog_oldest_id(log, oldest), past->before)),
		o);
	free(page.text);
	return 0;
}

int serve_events(struct eventlog *log, const struct view_input *k, const struct query *q,
	struct json_out *o, struct problem *p)
{
	struct eventlog_filter f;
	struct eventlog_page page = {0};
	struct uuid uuid;
	int found = 0;

	if (serve_events_filter(log, k, q, false, &f, &uuid, p) < 0)
		return -1;
	if (q->after && (found = eventlog_find(log, q->after, &f.after)) == -EINVAL)
		return problem_set_query(
			p, "after", "expected an event's id (host:boot:number) or its number");
	if (eventlog_read(log, &f, &page) < 0)
		return problem_set(p, API_PROBLEM_INTERNAL, "out of memory");
	/* Who asks for the newest alone misses nothing. */
	write_page(&page, (page.lost && (q->after || !q->newest)) || found < 0, o);
	free(page.text);
	return 0;
}
