/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/overrides.h"

#include <jansson.h>

#include "common/units.h"

static void item_clear(struct override *o)
{
	/* Ours, whatever the type says: every text in here was copied. */
	free((char *)o->section);
	free((char *)o->key);
	free((char *)o->value);
	free((char *)o->by);
	free((char *)o->reason);
	free((char *)o->guest_name);
	*o = (struct override){0};
}

static int item_copy(struct override *to, const struct override *from)
{
	*to = *from;
	to->section = strdup(from->section);
	to->key = strdup(from->key);
	to->value = strdup(from->value);
	to->by = strdup(from->by ? from->by : "");
	to->reason = strdup(from->reason ? from->reason : "");
	to->guest_name = strdup(from->guest_name ? from->guest_name : "");
	if (to->section && to->key && to->value && to->by && to->reason && to->guest_name)
		return 0;
	item_clear(to);
	return -ENOMEM;
}

void overrides_free(struct overrides *o)
{
	for (size_t i = 0; i < o->n; i++)
		item_clear(&o->items[i]);
	free(o->items);
	*o = (struct overrides){0};
}

size_t overrides_count(const struct overrides *o, const struct uuid *guest)
{
	size_t n = 0;

	for (size_t i = 0; i < o->n; i++)
		n += uuid_equal(&o->items[i].guest, guest);
	return n;
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

/* With an end by elapsed time each is another one. */
static bool says_the_same(const struct override *a, const struct override *b)
{
	return uuid_equal(&a->guest, &b->guest) && streq(a->section, b->section) &&
	       streq(a->key, b->key) && streq(a->value, b->value) &&
	       streq(or_empty(a->by), or_empty(b->by)) &&
	       streq(or_empty(a->reason), or_empty(b->reason)) &&
	       a->until_boot_usec == b->until_boot_usec &&
	       a->until_real_usec == b->until_real_usec;
}

bool overrides_are(const struct overrides *o, const struct uuid *guest,
	const struct override *items, size_t n)
{
	if (overrides_count(o, guest) != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < o->n && !says_the_same(&o->items[k], &items[i]))
			k++;
		if (k == o->n)
			return false;
	}
	return true;
}

static void remove_at(struct overrides *o, size_t i)
{
	item_clear(&o->items[i]);
	o->items[i] = o->items[--o->n];
}

int overrides_replace(struct overrides *o, const struct uuid *guest, const struct override *items,
	size_t n)
{
	size_t old = o->n;

	if (o->n + n > o->allocated) {
		size_t more = (o->n + n) * 2;
		struct override *grown = reallocarray(o->items, more, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		o->items = grown;
		o->allocated = more;
	}
	for (size_t i = 0; i < n; i++) {
		if (item_copy(&o->items[o->n], &items[i]) < 0) {
			while (o->n > old)
				item_clear(&o->items[--o->n]);
			return -ENOMEM;
		}
		o->items[o->n++].guest = *guest;
	}
	/* The old ones go last, so that a failure leaves them; from their end, because removal
	 * moves the last one. */
	for (size_t i = old; i-- > 0;)
		if (uuid_equal(&o->items[i].guest, guest))
			remove_at(o, i);
	return 0;
}

bool override_is_over(const struct override *o, uint64_t now_boot_usec, uint64_t now_real_usec)
{
	return o->until_boot_usec <= now_boot_usec || o->until_real_usec <= now_real_usec;
}

size_t overrides_expire(struct overrides *o, uint64_t now_boot_usec, uint64_t now_real_usec,
	struct uuid *guests, size_t max)
{
	size_t found = 0;

	for (size_t i = o->n; i-- > 0 && found < max;) {
		size_t k = 0;

		if (!override_is_over(&o->items[i], now_boot_usec, now_real_usec))
			continue;
		while (k < found && !uuid_equal(&guests[k], &o->items[i].guest))
			k++;
		if (k == found)
			guests[found++] = o->items[i].guest;
		remove_at(o, i);
	}
	return found;
}

int overrides_see(
	struct overrides *o, const struct uuid *guest, const char *name, uint64_t real_usec)
{
	for (size_t i = 0; i < o->n; i++) {
		struct override *v = &o->items[i];
		char *copy;

		if (!uuid_equal(&v->guest, guest))
			continue;
		copy = strdup(name);
		if (!copy)
			return -ENOMEM;
		free((char *)v->guest_name);
		v->guest_name = copy;
		v->seen_real_usec = real_usec;
	}
	return 0;
}

/* USEC_INFINITY is left out. */
static int set_time(json_t *object, const char *key, uint64_t usec)
{
	return usec == USEC_INFINITY
		       ? 0
		       : json_object_set_new(object, key, json_integer((json_int_t)usec));
}

static json_t *item_to_json(const struct override *o, const struct override_clock *now)
{
	json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "section", o->section, "key",
		o->key, "value", o->value, "by", o->by, "reason", o->reason, "guest",
		o->guest_name ? o->guest_name : "");
	int r = 0;

	if (!j)
		return NULL;
	r |= set_time(j, "seen", o->seen_real_usec);
	r |= set_time(j, "until_real", o->until_real_usec);
	r |= set_time(j, "until_boot", o->until_boot_usec);
	if (o->until_boot_usec != USEC_INFINITY) {
		/* The same instant by the wall clock, for another boot of the host. */
		uint64_t left = sub_sat(o->until_boot_usec, now->boot_usec);

		r |= json_object_set_new(j, "boot", json_string(now->boot_id));
		r |= set_time(j, "until_boot_as_real", now->real_usec + left);
	}
	if (!r)
		return j;
	json_decref(j);
	return NULL;
}

char *overrides_to_text(const struct overrides *o, const struct uuid *guest,
	const struct override_clock *now)
{
	json_t *list = json_array();
	char *text = NULL;
	int r = list ? 0 : -1;

	for (size_t i = 0; i < o->n && !r; i++)
		if (uuid_equal(&o->items[i].guest, guest))
			r = json_array_append_new(list, item_to_json(&o->items[i], now));
	if (!r)
		text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return text;
}

static uint64_t get_time(const json_t *object, const char *key)
{
	const json_t *j = json_object_get(object, key);

	return json_is_integer(j) ? (uint64_t)json_integer_value(j) : USEC_INFINITY;
}

static const char *get_text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

static void item_from_json(const json_t *j, const struct override_clock *now, struct override *ret)
{
	*ret = (struct override){
		.section = get_text(j, "section"),
		.key = get_text(j, "key"),
		.value = get_text(j, "value"),
		.by = get_text(j, "by"),
		.reason = get_text(j, "reason"),
		.until_boot_usec = get_time(j, "until_boot"),
		.until_real_usec = get_time(j, "until_real"),
		.guest_name = get_text(j, "guest"),
		.seen_real_usec = get_time(j, "seen"),
	};
	if (ret->seen_real_usec == USEC_INFINITY) /* a version before did not say */
		ret->seen_real_usec = now->real_usec;
	if (ret->until_boot_usec != USEC_INFINITY && !streq(get_text(j, "boot"), now->boot_id))
		ret->until_boot_usec =
			now->boot_usec + sub_sat(get_time(j, "until_boot_as_real"), now->real_usec);
}

int overrides_from_text(struct overrides *o, const struct uuid *guest, const char *text,
	const struct override_clock *now, struct diag *d)
{
	json_error_t error;
	json_t *list = json_loads(text, 0, &error), *j;
	_cleanup_free_ struct override *items = NULL;
	size_t i, n = 0;
	int bad = 0, r;

	if (!json_is_array(list)) {
		json_decref(list);
		return diag_set(
			d, EBADMSG, NULL, 0, 0, "stored overrides are not a list: %s", text);
	}
	items = calloc(json_array_size(list) + 1, sizeof(*items));
	if (!items) {
		json_decref(list);
		return -ENOMEM;
	}
	json_array_foreach(list, i, j) {
		item_from_json(j, now, &items[n]);
		r = override_check(items[n].section, items[n].key, items[n].value, d);
		if (r < 0)
			bad = -EBADMSG;
		else
			n++;
	}
	r = overrides_replace(o, guest, items, n);
	json_decref(list);
	return r < 0 ? r : bad;
}
