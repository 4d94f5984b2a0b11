/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "daemon/api/route.h"
#include "daemon/api/serve.h"

#define LIMIT_DEFAULT 100

static int bad(struct problem *p, const char *parameter, const char *text)
{
	problem_set(p, API_PROBLEM_QUERY_INVALID, "parameter \"%s\": %s", parameter, text);
	snprintf(p->parameter, sizeof(p->parameter), "%s", parameter);
	return -1;
}

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
	bad(p, "kind", text);
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

static void write_page(
	struct eventlog *log, const struct eventlog_page *page, bool lost, struct json_out *o)
{
	char id[EVENTLOG_ID_MAX];

	json_out_open(o, '{');
	json_out_key(o, "events");
	json_out_open(o, '[');
	if (page->n)
		json_out_raw(o, page->text, page->len);
	json_out_close(o, ']');
	json_out_key_string(o, "last", eventlog_format_id(log, page->last, id));
	json_out_key_bool(o, "lost", lost);
	json_out_key_bool(o, "more", page->more);
	json_out_close(o, '}');
}

int serve_events(struct eventlog *log, const struct view_input *k, const struct query *q,
	struct json_out *o, struct problem *p)
{
	struct eventlog_filter f = {
		.newest = q->newest, .limit = q->limit ? q->limit : LIMIT_DEFAULT, .kind = q->kind};
	struct eventlog_page page = {0};
	struct uuid uuid;
	int other_run = 0;

	if (q->after && (other_run = eventlog_parse_id(log, q->after, &f.after)) < 0)
		return bad(p, "after", "expected an event's id (host:boot:number) or its number");
	if (q->kind && !eventlog_kind(q->kind))
		return bad_kind(p, q->kind);
	if (q->guest)
		choose_guest(k, q->guest, &f, &uuid);
	if (eventlog_read(log, &f, &page) < 0)
		return problem_set(p, API_PROBLEM_INTERNAL, "out of memory");
	/* Neither running nor in any event: a slip of the pen. */
	if (f.guest_name && !page.n && !f.after) {
		free(page.text);
		return problem_set_unknown(p, API_PROBLEM_GUEST_UNKNOWN, "guest", q->guest,
			k ? snapshot_nearest_guest(k->snapshot, q->guest) : NULL);
	}
	write_page(log, &page, q->after && (page.lost || other_run), o);
	free(page.text);
	return 0;
}
