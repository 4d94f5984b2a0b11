/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/eventlog.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "common/json.h"

/* One event of the ring: where its object lies, and what filters look at. */
struct slot {
	uint32_t offset;
	uint32_t len;
	const char *kind; /* of a string table */
	bool of_guest;
	struct uuid guest;
	uint64_t name_hash; /* of the guest's name; 0: none */
	uint64_t real_usec;
	uint64_t run_hash; /* of "host:boot" in its id, and the number behind it */
	uint64_t number;
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
	uint64_t run_hash;
	struct json_out scratch;
	pthread_mutex_t lock;
	int listener; /* eventfd of who wants to hear of what is new; -1: nobody */
	bool told;    /* it was, and has not listened since */
	uint64_t first; /* number of this run's first; set before anybody reads */
	uint64_t oldest, next;
	size_t write_at;
	struct slot slots[EVENTLOG_EVENTS];
	char text[EVENTLOG_BYTES];
};

/* FNV-1a, 64 bits. Names of 256 bytes in every slot would double the log. */
static uint64_t bytes_hash(const char *bytes, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; len; bytes++, len--)
		h = (h ^ (unsigned char)*bytes) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t name_hash(const char *name)
{
	return name ? bytes_hash(name, strlen(name)) : 0;
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
	l->listener = -1;
	l->run_hash = bytes_hash(l->prefix, strlen(l->prefix) - 1);
	l->first = l->oldest = l->next = 1;
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

/* With the lock held: one poke, however much comes before it is heard. */
static void tell_listener(struct eventlog *l)
{
	uint64_t one = 1;

	if (l->listener < 0 || l->told)
		return;
	l->told = true;
	(void)!write(l->listener, &one, sizeof(one));
}

/* Puts an object behind the others; place and text of the slot are filled in. */
static uint64_t put(struct eventlog *l, const char *object, size_t len, struct slot slot)
{
	uint64_t seq = l->next; /* only the writer changes it */

	pthread_mutex_lock(&l->lock);
	slot.offset = (uint32_t)make_room(l, len);
	slot.len = (uint32_t)len;
	memcpy(l->text + slot.offset, object, len);
	l->slots[seq % EVENTLOG_EVENTS] = slot;
	l->next = seq + 1;
	tell_listener(l);
	pthread_mutex_unlock(&l->lock);
	return seq;
}

uint64_t eventlog_append(struct eventlog *l, const struct event *e)
{
	struct slot slot = {
		.kind = e->kind,
		.of_guest = e->guest,
		.guest = e->guest ? *e->guest : (struct uuid){{0}},
		.name_hash = name_hash(e->guest_name),
		.real_usec = e->time_real_usec,
		.run_hash = l->run_hash,
		.number = l->next,
	};

	write_event(l, l->next, e, TEXT_MAX_BYTES);
	if (l->scratch.len > OBJECT_MAX)
		write_event(l, l->next, e, TEXT_MIN_BYTES);
	/* Without memory the event is kept as an empty object: sequence numbers have no holes. */
	if (l->scratch.failed)
		return put(l, "{}", 2, slot);
	return put(l, l->scratch.buf, l->scratch.len, slot);
}

/* "host:boot:number": hash of what is before the number (0: it stands alone), and the number.
 * Returns 0 or -EINVAL. */
static int split_id(const char *id, uint64_t *ret_run_hash, uint64_t *ret_number)
{
	const char *colon = strrchr(id, ':'), *digits = colon ? colon + 1 : id;
	unsigned long long number;
	char *end;

	if (*digits < '0' || *digits > '9')
		return -EINVAL;
	errno = 0;
	number = strtoull(digits, &end, 10);
	if (*end || errno || number >= UINT64_MAX)
		return -EINVAL;
	*ret_run_hash = colon ? bytes_hash(id, (size_t)(colon - id)) : 0;
	*ret_number = number;
	return 0;
}

const char *eventlog_recall(struct eventlog *l, const char *object)
{
	_cleanup_json_ json_t *e = strlen(object) <= OBJECT_MAX
					   ? json_loads(object, JSON_REJECT_DUPLICATES, NULL)
					   : NULL;
	const char *uuid = json_string_value(json_object_get(e, "uuid"));
	const char *time = json_string_value(json_object_get(e, "time"));
	const char *id = json_string_value(json_object_get(e, "id"));
	struct slot slot = {
		.kind = eventlog_kind(json_string_value(json_object_get(e, "kind"))),
		.of_guest = uuid,
		.name_hash = name_hash(json_string_value(json_object_get(e, "guest"))),
	};

	if (!slot.kind || (uuid && uuid_parse(uuid, &slot.guest) < 0))
		return NULL;
	if (time && json_time_parse(time, &slot.real_usec) < 0)
		slot.real_usec = 0;
	if (id && split_id(id, &slot.run_hash, &slot.number) < 0)
		slot.run_hash = slot.number = 0;
	put(l, object, strlen(object), slot);
	return slot.kind;
}

int eventlog_go_on(struct eventlog *l, uint64_t first)
{
	size_t n = (size_t)(l->next - l->oldest);
	_cleanup_free_ struct slot *recalled = calloc(n + 1, sizeof(*recalled));

	if (!recalled)
		return -ENOMEM;
	if (l->first != 1 || first < l->next)
		return first < l->next ? -EINVAL : -EALREADY;
	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < n; i++)
		recalled[i] = l->slots[(l->oldest + i) % EVENTLOG_EVENTS];
	l->first = l->next = first;
	l->oldest = first - n;
	for (size_t i = 0; i < n; i++)
		l->slots[(l->oldest + i) % EVENTLOG_EVENTS] = recalled[i];
	pthread_mutex_unlock(&l->lock);
	return 0;
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

/* The id that the object at seq bears: an earlier run's own, where it is of one. With the lock
 * held. */
static void id_at(const struct eventlog *l, uint64_t seq, char buf[static EVENTLOG_ID_MAX])
{
	static const char begin[] = "{\"id\":\"";
	const struct slot *s = &l->slots[seq % EVENTLOG_EVENTS];
	const char *object = l->text + s->offset, *end;

	eventlog_format_id(l, seq, buf);
	if (seq < l->oldest || seq >= l->next || s->run_hash == l->run_hash ||
		s->len <= sizeof(begin) || memcmp(object, begin, sizeof(begin) - 1) != 0)
		return;
	object += sizeof(begin) - 1;
	end = memchr(object, '"', MIN((size_t)s->len - sizeof(begin), (size_t)EVENTLOG_ID_MAX - 1));
	if (end)
		snprintf(buf, EVENTLOG_ID_MAX, "%.*s", (int)(end - object), object);
}

/* From where on time is `since` or later. With the lock held. */
static uint64_t since_start(const struct eventlog *l, uint64_t seq, uint64_t since_real_usec)
{
	while (since_real_usec && seq < l->next &&
		l->slots[seq % EVENTLOG_EVENTS].real_usec < since_real_usec)
		seq++;
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
	seq = since_start(l, seq, f->since_real_usec);
	for (; seq < l->next; seq++) {
		const struct slot *s = &l->slots[seq % EVENTLOG_EVENTS];

		if (wanted(s, f)) {
			if (page->n == f->limit) {
				page->more = true;
				break;
			}
			json_out_raw(o, l->text + s->offset, s->len);
			page->n++;
		}
		page->last = seq;
	}
	id_at(l, page->last, page->last_id);
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

bool eventlog_visit(struct eventlog *l, const struct eventlog_filter *f, uint64_t *seq,
	char id[static EVENTLOG_ID_MAX], eventlog_visitor fn, void *userdata)
{
	uint64_t before = *seq;
	bool all = false;

	pthread_mutex_lock(&l->lock);
	if (*seq + 1 >= l->oldest) {
		for (all = true; *seq + 1 < l->next; (*seq)++) {
			const struct slot *s = &l->slots[(*seq + 1) % EVENTLOG_EVENTS];
			struct eventlog_object object = {.text = l->text + s->offset,
				.len = s->len,
				.kind = s->kind,
				.seq = *seq + 1};

			if (!wanted(s, f))
				continue;
			id_at(l, object.seq, object.id);
			if (!fn(&object, userdata))
				break;
		}
	}
	if (*seq != before)
		id_at(l, *seq, id);
	pthread_mutex_unlock(&l->lock);
	return all;
}

uint64_t eventlog_start(struct eventlog *l, const struct eventlog_filter *f)
{
	uint64_t seq;

	pthread_mutex_lock(&l->lock);
	seq = l->oldest;
	if (f->newest)
		seq = newest_start(l, f, seq);
	seq = since_start(l, seq, f->since_real_usec) - 1;
	pthread_mutex_unlock(&l->lock);
	return seq;
}

uint64_t eventlog_head(struct eventlog *l)
{
	uint64_t head;

	pthread_mutex_lock(&l->lock);
	head = l->next - 1;
	pthread_mutex_unlock(&l->lock);
	return head;
}

char *eventlog_oldest_id(struct eventlog *l, char buf[static EVENTLOG_ID_MAX])
{
	pthread_mutex_lock(&l->lock);
	if (l->oldest < l->next)
		id_at(l, l->oldest, buf);
	else
		buf[0] = '\0';
	pthread_mutex_unlock(&l->lock);
	return buf;
}

uint64_t eventlog_oldest(struct eventlog *l, uint64_t *ret_real_usec)
{
	uint64_t oldest;

	pthread_mutex_lock(&l->lock);
	oldest = l->oldest;
	*ret_real_usec = oldest < l->next ? l->slots[oldest % EVENTLOG_EVENTS].real_usec : 0;
	pthread_mutex_unlock(&l->lock);
	return oldest;
}

/* Behind the last event of that run with this number or a lower one, if the ring has all that came
 * after it. With the lock held. */
static int find_locked(const struct eventlog *l, uint64_t run_hash, uint64_t number, uint64_t *ret)
{
	bool found = false;

	for (uint64_t seq = l->oldest; seq < l->next; seq++) {
		const struct slot *s = &l->slots[seq % EVENTLOG_EVENTS];

		if (s->run_hash != run_hash)
			continue;
		if (s->number <= number) {
			*ret = seq;
			found = true;
		} else if (!found && s->number == number + 1) {
			*ret = seq - 1;
			return 0;
		} else {
			break;
		}
	}
	return found ? 0 : -ENOENT;
}

/* Before the first event with a higher number, if none between is gone. With the lock held. */
static int find_number_locked(const struct eventlog *l, uint64_t number, uint64_t *ret)
{
	uint64_t seq = l->oldest;

	while (seq < l->next && l->slots[seq % EVENTLOG_EVENTS].number <= number)
		seq++;
	if (seq == l->oldest &&
		(seq == l->next || l->slots[seq % EVENTLOG_EVENTS].number != number + 1))
		return -ENOENT;
	*ret = seq - 1;
	return 0;
}

const char *eventlog_whole_id(
	const struct eventlog *l, const char *after, char buf[static EVENTLOG_ID_MAX])
{
	uint64_t run_hash, number;

	if (split_id(after, &run_hash, &number) < 0 || run_hash || number < l->first)
		return after;
	return eventlog_format_id(l, number, buf);
}

int eventlog_find(struct eventlog *l, const char *id, uint64_t *ret_after)
{
	uint64_t run_hash, number;
	int r = split_id(id, &run_hash, &number);

	if (r < 0)
		return r;
	pthread_mutex_lock(&l->lock);
	if (run_hash && run_hash != l->run_hash)
		r = find_locked(l, run_hash, number, ret_after);
	else if (!run_hash && number < l->first)
		r = find_number_locked(l, number, ret_after);
	else if (number >= l->next)
		r = -ENXIO;
	else if (number + 1 < l->oldest)
		r = -ENOENT;
	else
		*ret_after = number;
	pthread_mutex_unlock(&l->lock);
	return r;
}

void eventlog_listen(struct eventlog *l, int fd)
{
	pthread_mutex_lock(&l->lock);
	l->listener = fd;
	l->told = false;
	pthread_mutex_unlock(&l->lock);
}

int eventlog_parse_id(const struct eventlog *l, const char *text, uint64_t *ret)
{
	uint64_t run_hash, number;
	int r = split_id(text, &run_hash, &number);

	if (r < 0)
		return r;
	if (run_hash && strncmp(text, l->prefix, strlen(l->prefix)) != 0) {
		*ret = 0;
		return 1;
	}
	*ret = number;
	return 0;
}
