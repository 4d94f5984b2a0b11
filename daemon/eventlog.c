/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/eventlog.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/json.h"

/* One event of the ring: where its object lies, and what filters look at. */
struct slot {
	uint32_t offset;
	uint32_t len;
	const char *kind; /* of a string table */
	bool of_guest;
	struct uuid guest;
	uint64_t name_hash; /* of the guest's name; 0: none */
};

#define OBJECT_MAX 4096
#define TEXT_MAX_BYTES 512
#define TEXT_MIN_BYTES 64
#define NAME_MAX_BYTES 256
#define NUMBERS_MAX 8

/*
 * Objects lie in `text` one behind the other; one that does not fit before the end begins at 0.
 * Events oldest..next-1 are there. `lock` guards all but `scratch`, which is the writer's.
 */
struct eventlog {
	char *prefix; /* "host:boot:" */
	struct json_out scratch;
	pthread_mutex_t lock;
	uint64_t oldest, next;
	size_t write_at;
	struct slot slots[EVENTLOG_EVENTS];
	char text[EVENTLOG_BYTES];
};

/* FNV-1a, 64 bits. Names of 256 bytes in every slot would double the log. */
static uint64_t name_hash(const char *name)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	if (!name)
		return 0;
	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return h;
}

struct eventlog *eventlog_new(const char *host, const char *boot)
{
	struct eventlog *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	if (asprintf(&l->prefix, "%.64s:%.16s:", host, boot) < 0) {
		free(l);
		return NULL;
	}
	pthread_mutex_init(&l->lock, NULL);
	l->oldest = l->next = 1;
	return l;
}

struct eventlog *eventlog_free(struct eventlog *l)
{
	if (!l)
		return NULL;
	pthread_mutex_destroy(&l->lock);
	json_out_clear(&l->scratch);
	free(l->prefix);
	free(l);
	return NULL;
}

char *eventlog_format_id(const struct eventlog *l, uint64_t seq, char buf[static EVENTLOG_ID_MAX])
{
	snprintf(buf, EVENTLOG_ID_MAX, "%s%llu", l->prefix, (unsigned long long)seq);
	return buf;
}

/* A string of at most max bytes; the writer mends a character that is cut in two. */
static void key_cut_string(struct json_out *o, const char *key, const char *s, size_t max)
{
	char cut[TEXT_MAX_BYTES + 1];

	if (s && strlen(s) > max) {
		snprintf(cut, sizeof(cut), "%.*s", (int)max, s);
		s = cut;
	}
	json_out_key_string(o, key, s);
}

static void write_reason(struct json_out *o, const struct reason *r)
{
	char text[REASON_TEXT_MAX];

	json_out_key(o, "reason");
	if (!r) {
		json_out_null(o);
		return;
	}
	json_out_open(o, '{');
	json_out_key_string(o, "code", reason_code_to_string(r->code));
	json_out_key_string(o, "text", reason_format(r, text));
	json_out_close(o, '}');
}

static void write_event(struct eventlog *l, uint64_t seq, const struct event *e, size_t text_max)
{
	struct json_out *o = &l->scratch;
	char id[EVENTLOG_ID_MAX], uuid[UUID_TEXT_MAX];

	o->len = 0;
	o->comma = o->failed = false;
	json_out_open(o, '{');
	json_out_key_string(o, "id", eventlog_format_id(l, seq, id));
	json_out_key_u64(o, "seq", seq);
	json_out_key_time(o, "time", e->time_real_usec);
	json_out_key_string(o, "kind", e->kind);
	json_out_key_string(o, "severity", severity_to_string(e->severity));
	key_cut_string(o, "guest", e->guest_name, NAME_MAX_BYTES);
	json_out_key_string(o, "uuid", e->guest ? uuid_format(e->guest, uuid) : NULL);
	key_cut_string(o, "by", e->by, TEXT_MIN_BYTES);
	json_out_key(o, "numbers");
	json_out_open(o, '{');
	for (size_t i = 0; i < MIN(e->n_numbers, (size_t)NUMBERS_MAX); i++)
		json_out_key_u64(o, e->numbers[i].name, e->numbers[i].value);
	json_out_close(o, '}');
	write_reason(o, e->reason);
	key_cut_string(o, "text", e->text, text_max);
	json_out_close(o, '}');
}

/* Drops the oldest events that lie in [from, to) of the text, and those before them. */
static void drop_overlapping(struct eventlog *l, size_t from, size_t to)
{
	while (l->oldest < l->next) {
		const struct slot *s = &l->slots[l->oldest % EVENTLOG_EVENTS];

		if (s->offset >= to || s->offset + s->len <= from)
			return;
		l->oldest++;
	}
}

/* Room for len bytes of text, and a slot. With the lock held. */
static size_t make_room(struct eventlog *l, size_t len)
{
	size_t at = l->write_at;

	if (l->next - l->oldest == EVENTLOG_EVENTS)
		l->oldest++;
	if (at + len > EVENTLOG_BYTES) {
		drop_overlapping(l, at, EVENTLOG_BYTES);
		at = 0;
	}
	drop_overlapping(l, at, at + len);
	l->write_at = at + len;
	return at;
}

/* Puts an object behind the others. guest and name may be NULL. */
static uint64_t put(struct eventlog *l, const char *object, size_t len, const char *kind, const struct uuid *guest, const char *name)
{
	uint64_t seq = l->next; /* only the writer changes it */
	size_t at;

	pthread_mutex_lock(&l->lock);
	at = make_room(l, len);
	memcpy(l->text + at, object, len);
	l->slots[seq % EVENTLOG_EVENTS] = (struct slot){
		.offset = (uint32_t)at,
		.len = (uint32_t)len,
		.kind = kind,
		.of_guest = guest,
		.guest = guest ? *guest : (struct uuid){{0}},
		.name_hash = name_hash(name),
	};
	l->next = seq + 1;
	pthread_mutex_unlock(&l->lock);
	return seq;
}

uint64_t eventlog_append(struct eventlog *l, const struct event *e)
{
	write_event(l, l->next, e, TEXT_MAX_BYTES);
	if (l->scratch.len > OBJECT_MAX)
		write_event(l, l->next, e, TEXT_MIN_BYTES);
	/* Without memory the event is kept as an empty object: sequence numbers have no holes. */
	if (l->scratch.failed)
		return put(l, "{}", 2, e->kind, e->guest, e->guest_name);
	return put(l, l->scratch.buf, l->scratch.len, e->kind, e->guest, e->guest_name);
}

const char *eventlog_recall(struct eventlog *l, const char *object)
{
	_cleanup_json_ json_t *e = strlen(object) <= OBJECT_MAX ? json_loads(object, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const char *uuid = json_string_value(json_object_get(e, "uuid"));
	const char *kind = eventlog_kind(json_string_value(json_object_get(e, "kind")));
	struct uuid guest;

	if (!kind || (uuid && uuid_parse(uuid, &guest) < 0))
		return NULL;
	put(l, object, strlen(object), kind, uuid ? &guest : NULL, json_string_value(json_object_get(e, "guest")));
	return kind;
}

uint64_t eventlog_append_text(struct eventlog *l, enum daemon_event kind, enum severity severity,
	uint64_t time_real_usec, const struct uuid *guest, const char *guest_name, const char *fmt,
	...)
{
	char text[TEXT_MAX_BYTES + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return eventlog_append(l, &(struct event){
					  .kind = daemon_event_to_string(kind),
					  .severity = severity,
					  .time_real_usec = time_real_usec,
					  .guest = guest,
					  .guest_name = guest_name,
					  .text = text,
				  });
}

static bool wanted(const struct slot *s, const struct eventlog_filter *f)
{
	if (f->guest_name && s->name_hash != name_hash(f->guest_name))
		return false;
	if (f->guest && (!s->of_guest || !uuid_equal(f->guest, &s->guest)))
		return false;
	return !f->kind || streq(f->kind, s->kind);
}

/* The `limit` newest that fit: where they begin. */
static uint64_t newest_start(
	const struct eventlog *l, const struct eventlog_filter *f, uint64_t first)
{
	uint64_t seq = l->next;
	size_t n = 0;

	while (seq > first && n < f->limit)
		if (wanted(&l->slots[--seq % EVENTLOG_EVENTS], f))
			n++;
	return seq;
}

static void read_locked(const struct eventlog *l, const struct eventlog_filter *f,
	struct eventlog_page *page, struct json_out *o)
{
	uint64_t seq = MAX(f->after + 1, l->oldest);

	page->lost = f->after + 1 < l->oldest;
	page->last = MIN(f->after, l->next - 1);
	if (f->newest)
		seq = newest_start(l, f, seq);
	for (; seq < l->next; seq++) {
		const struct slot *s = &l->slots[seq % EVENTLOG_EVENTS];

		if (wanted(s, f)) {
			if (page->n == f->limit) {
				page->more = true;
				return;
			}
			json_out_raw(o, l->text + s->offset, s->len);
			page->n++;
		}
		page->last = seq;
	}
}

int eventlog_read(struct eventlog *l, const struct eventlog_filter *f, struct eventlog_page *ret)
{
	_cleanup_json_out_ struct json_out o = {0};
	struct eventlog_page page = {0};

	pthread_mutex_lock(&l->lock);
	read_locked(l, f, &page, &o);
	pthread_mutex_unlock(&l->lock);
	if (o.failed)
		return -ENOMEM;
	page.len = o.len;
	page.text = o.buf ? TAKE_PTR(o.buf) : strdup("");
	if (!page.text)
		return -ENOMEM;
	*ret = page;
	return 0;
}

uint64_t eventlog_head(struct eventlog *l)
{
	uint64_t head;

	pthread_mutex_lock(&l->lock);
	head = l->next - 1;
	pthread_mutex_unlock(&l->lock);
	return head;
}

int eventlog_parse_id(const struct eventlog *l, const char *text, uint64_t *ret)
{
	const char *colon = strrchr(text, ':'), *digits = colon ? colon + 1 : text;
	unsigned long long seq;
	char *end;

	if (*digits < '0' || *digits > '9')
		return -EINVAL;
	errno = 0;
	seq = strtoull(digits, &end, 10);
	if (*end || errno || seq >= UINT64_MAX)
		return -EINVAL;
	if (colon && strncmp(text, l->prefix, strlen(l->prefix)) != 0) {
		*ret = 0;
		return 1;
	}
	if (colon && (size_t)(digits - text) != strlen(l->prefix))
		return -EINVAL;
	*ret = seq;
	return 0;
}
