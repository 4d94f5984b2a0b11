/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "common/units.h"
#include "daemon/api/serve.h"
#include "daemon/api/sse.h"

/* Events that were read from the disk, as a list and as a stream. */

void past_events_ask(struct eventlog *log, const struct eventlog_filter *f, const char *after,
	struct past_events *q)
{
	char id[EVENTLOG_ID_MAX];

	if (after)
		after = eventlog_whole_id(log, after, id);
	*q = (struct past_events){
		.since_real_usec = f->since_real_usec, .limit = f->limit, .bytes = PAST_TEXT_MAX};
	snprintf(q->after, sizeof(q->after), "%s", after ? after : "");
	snprintf(q->kind, sizeof(q->kind), "%s", f->kind ? f->kind : "");
	snprintf(q->guest_name, sizeof(q->guest_name), "%s", f->guest_name ? f->guest_name : "");
	q->of_guest = f->guest;
	if (f->guest)
		q->guest = *f->guest;
}

int past_newest_ask(struct eventlog *log, const struct eventlog_filter *f, const char *after,
	struct past_events *q)
{
	struct eventlog_page page = {0};

	past_events_ask(log, f, after, q);
	q->newest = true;
	eventlog_oldest_id(log, q->before);
	if (eventlog_read(log, f, &page) < 0)
		return -ENOMEM;
	q->limit = sub_sat(q->limit, page.n);
	free(page.text);
	return 0;
}

bool past_events_next(const struct past_events *q, size_t *at, const char **ret, size_t *ret_len)
{
	const char *end;

	if (*at >= q->len)
		return false;
	*ret = q->text + *at;
	end = memchr(*ret, '\n', q->len - *at);
	*ret_len = end ? (size_t)(end - *ret) : q->len - *at;
	*at += *ret_len + 1;
	return true;
}

void serve_past_events(struct eventlog *log, const struct past_events *q, struct json_out *o)
{
	uint64_t seq = 0;
	const char *line;
	size_t at = 0, len;
	bool more = q->more;

	json_out_open(o, '{');
	json_out_key(o, "events");
	json_out_open(o, '[');
	while (past_events_next(q, &at, &line, &len))
		json_out_raw(o, line, len);
	json_out_close(o, ']');
	json_out_key_string(o, "last", q->last);
	json_out_key_bool(o, "lost", q->lost || q->unknown);
	/* The disk comes a second behind memory. */
	if (!more)
		more = *q->last &&
		       (eventlog_find(log, q->last, &seq) < 0 || seq < eventlog_head(log));
	json_out_key_bool(o, "more", more);
	json_out_close(o, '}');
}

/* The value of a member that is a plain word, as our own writer wrote it; "" if it has none. */
static char *word_of(const char *line, size_t len, const char *key, char *buf, size_t size)
{
	const char *at = memmem(line, len, key, strlen(key)), *end;

	buf[0] = '\0';
	if (!at)
		return buf;
	at += strlen(key);
	end = memchr(at, '"', len - (size_t)(at - line));
	if (end)
		snprintf(buf, size, "%.*s", (int)MIN((size_t)(end - at), size - 1), at);
	return buf;
}

void stream_past_events(const struct past_events *q, struct json_out *o)
{
	char id[EVENTLOG_ID_MAX], kind[64];
	const char *line;
	size_t at = 0, len;

	while (past_events_next(q, &at, &line, &len))
		sse_event(o, word_of(line, len, "\"id\":\"", id, sizeof(id)),
			word_of(line, len, "\"kind\":\"", kind, sizeof(kind)), line, len);
}
