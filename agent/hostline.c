/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/hostline.h"

#include "common/json-scan.h"

#define RESYNC 0xff

enum member {
	M_TYPE,
	M_HEARTBEAT,
	M_AVAILABLE,
	M_STALL,
	M_WINDOW,
	M_ID,
	M_HELLO,
	M_MAX,
};

static const struct {
	const char *name;
	enum scan_kind kind;
	uint64_t min, max; /* of an integer */
} members[M_MAX] = {
	[M_TYPE] = {"type", SCAN_STRING, 0, 0},
	[M_HEARTBEAT] = {"heartbeat_ms", SCAN_INTEGER, 1000, 3600000},
	[M_AVAILABLE] = {"available_pct", SCAN_INTEGER, 1, 50},
	[M_STALL] = {"psi_stall_us", SCAN_INTEGER, 1, 10000000},
	[M_WINDOW] = {"psi_window_us", SCAN_INTEGER, 500000, 10000000},
	[M_ID] = {"id", SCAN_INTEGER, 0, JSON_INTEGER_MAX},
	[M_HELLO] = {"hello", SCAN_TRUE, 0, 0}, /* or SCAN_FALSE */
};

static enum member find(const struct json_value *key)
{
	for (int m = 0; m < M_MAX; m++)
		if (json_string_is(key, members[m].name, strlen(members[m].name)))
			return (enum member)m;
	return M_MAX;
}

static bool fits(enum member m, const struct json_value *v)
{
	if (m == M_HELLO)
		return v->kind == SCAN_TRUE || v->kind == SCAN_FALSE;
	return v->kind == members[m].kind &&
	       (v->kind != SCAN_INTEGER ||
		       (v->number >= members[m].min && v->number <= members[m].max));
}

static int take_config(const struct json_value *values, unsigned seen, struct orders *orders)
{
	struct config c = orders->config;

	if (seen & 1U << M_HEARTBEAT)
		c.heartbeat_usec = values[M_HEARTBEAT].number * USEC_PER_MSEC;
	if (seen & 1U << M_AVAILABLE)
		c.available_pct = values[M_AVAILABLE].number;
	if (seen & 1U << M_STALL)
		c.psi_stall_usec = values[M_STALL].number;
	if (seen & 1U << M_WINDOW)
		c.psi_window_usec = values[M_WINDOW].number;
	if (c.psi_stall_usec > c.psi_window_usec)
		return -EBADMSG;
	orders->config = c;
	orders->has_config = true;
	return 0;
}

static int take_ping(const struct json_value *values, unsigned seen, struct orders *orders)
{
	if (!(seen & 1U << M_ID))
		return -EBADMSG;
	orders->has_ping = true;
	orders->ping_id = values[M_ID].number;
	if (seen & 1U << M_HELLO && values[M_HELLO].kind == SCAN_TRUE)
		orders->hello = true;
	return 0;
}

int hostline_parse(const char *text, size_t len, struct orders *orders)
{
	struct json_value key, value, values[M_MAX];
	struct json_scan s;
	unsigned seen = 0;
	int r;

	if (!json_utf8_valid(text, len) || json_scan_begin(&s, '{', text, len) < 0)
		return -EBADMSG;
	while ((r = json_scan_member(&s, &key, &value)) > 0) {
		enum member m = find(&key);

		if (m == M_MAX)
			continue;
		if ((seen & 1U << m) || !fits(m, &value))
			return -EBADMSG;
		seen |= 1U << m;
		values[m] = value;
	}
	if (r < 0 || !(seen & 1U << M_TYPE))
		return -EBADMSG;
	if (json_string_is(&values[M_TYPE], "config", 6))
		return take_config(values, seen, orders);
	if (json_string_is(&values[M_TYPE], "ping", 4))
		return take_ping(values, seen, orders);
	return -ENOMSG;
}

void hostline_reset(struct hostline *h)
{
	h->used = 0;
	h->dropping = false;
}

void hostline_take(struct hostline *h, const char *data, size_t len, struct orders *orders)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)data[i] == RESYNC) {
			hostline_reset(h);
		} else if (data[i] == '\n') {
			if (!h->dropping)
				(void)hostline_parse(h->partial, h->used, orders);
			hostline_reset(h);
		} else if (h->used == sizeof(h->partial)) {
			h->dropping = true;
		} else {
			h->partial[h->used++] = data[i];
		}
	}
}
