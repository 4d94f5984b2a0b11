/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/metric-text.h"

#include <stdio.h>

#include "common/utf8.h"

#define FIRST_BYTES (32 * KIB)

/* Room for n more bytes, or NULL. */
static char *reserve(struct metric_text *t, size_t n)
{
	size_t size = t->allocated ? t->allocated : FIRST_BYTES;
	char *grown;

	if (t->failed)
		return NULL;
	if (t->len + n <= t->allocated)
		return t->buf + t->len;
	while (size < t->len + n)
		size *= 2;
	grown = realloc(t->buf, size);
	if (!grown) {
		t->failed = true;
		return NULL;
	}
	t->buf = grown;
	t->allocated = size;
	return t->buf + t->len;
}

static char *put(char *at, const char *s, size_t n)
{
	memcpy(at, s, n);
	return at + n;
}

static void add(struct metric_text *t, const char *s)
{
	size_t n = strlen(s);
	char *at = reserve(t, n);

	if (at)
		t->len += (size_t)(put(at, s, n) - at);
}

/* What OpenMetrics calls a family of counters. */
static int family_length(const struct metric_text *t, const struct metric_row *row)
{
	static const char suffix[] = "_total";
	size_t n = strlen(row->name);

	return (int)(t->openmetrics && row->type == METRIC_COUNTER ? n - (sizeof(suffix) - 1) : n);
}

void metric_begin(struct metric_text *t, enum metric m)
{
	static const char *const types[] = {[METRIC_GAUGE] = "gauge",
		[METRIC_COUNTER] = "counter",
		[METRIC_HISTOGRAM] = "histogram"};
	const struct metric_row *row = &metric_table[m];
	char line[1024];
	int n = family_length(t, row);

	snprintf(line, sizeof(line), "# HELP %.*s %s\n# TYPE %.*s %s\n", n, row->name, row->help, n,
		row->name, types[row->type]);
	add(t, line);
}

/* At most 20 digits. */
static char *put_number(char *at, uint64_t v)
{
	char digits[20];
	size_t n = sizeof(digits);

	do
		digits[--n] = (char)('0' + v % 10);
	while (v /= 10);
	return put(at, digits + n, sizeof(digits) - n);
}

/* v / 10^places, without zeros at its end. */
static char *put_decimal(char *at, uint64_t v, int places)
{
	uint64_t scale = 1, part;

	for (int i = 0; i < places; i++)
		scale *= 10;
	at = put_number(at, v / scale);
	part = v % scale;
	if (!part)
		return at;
	*at++ = '.';
	while (part) {
		scale /= 10;
		*at++ = (char)('0' + part / scale);
		part %= scale;
	}
	return at;
}

static char *put_value(char *at, enum metric_unit unit, uint64_t v)
{
	switch (unit) {
	case METRIC_USEC:
		return put_decimal(at, v, 6);
	case METRIC_PERMYRIAD:
		return put_decimal(at, v, 4);
	case METRIC_NUMBER:
		break;
	}
	return put_number(at, v);
}

#define NUMBER_MAX 32

/* suffix: "_bucket"; more: labels beside the others, "," or "{" in front of them comes by
 * itself. */
static void sample(struct metric_text *t, const char *name, const char *suffix, const char *labels,
	size_t labels_len, const char *more, enum metric_unit unit, uint64_t v)
{
	size_t n = strlen(name), n_suffix = strlen(suffix), n_more = strlen(more);
	char *at = reserve(t, n + n_suffix + labels_len + n_more + 4 + NUMBER_MAX), *begin = at;

	if (!at)
		return;
	at = put(put(at, name, n), suffix, n_suffix);
	at = put(at, labels, labels_len);
	if (n_more) {
		*at++ = labels_len ? ',' : '{';
		at = put(at, more, n_more);
	}
	if (labels_len || n_more)
		*at++ = '}';
	*at++ = ' ';
	at = put_value(at, unit, v);
	*at++ = '\n';
	t->len += (size_t)(at - begin);
}

void metric_sample(
	struct metric_text *t, enum metric m, const char *labels, size_t labels_len, uint64_t value)
{
	if (value != UINT64_MAX)
		sample(t, metric_table[m].name, "", labels ? labels : "", labels ? labels_len : 0,
			"", metric_table[m].unit, value);
}

void metric_histogram(
	struct metric_text *t, enum metric m, const char *labels, const struct histogram *h)
{
	const char *name = metric_table[m].name;
	size_t len = labels ? strlen(labels) : 0;
	uint64_t sum = 0;

	labels = labels ? labels : "";
	for (int i = 0; i <= HISTOGRAM_BOUNDS; i++) {
		char le[48] = "le=\"", *at = le + 4;

		sum += h->n[i];
		if (i < HISTOGRAM_BOUNDS) {
			at = put_decimal(at, histogram_bound_usec[i], 6);
			/* OpenMetrics writes a number as one with a point */
			if (histogram_bound_usec[i] % USEC_PER_SEC == 0)
				at = put(at, ".0", 2);
		} else {
			at = put(at, "+Inf", 4);
		}
		memcpy(at, "\"", 2);
		sample(t, name, "_bucket", labels, len, le, METRIC_NUMBER, sum);
	}
	sample(t, name, "_sum", labels, len, "", METRIC_USEC, h->sum_usec);
	sample(t, name, "_count", labels, len, "", METRIC_NUMBER, sum);
}

void metric_end(struct metric_text *t)
{
	if (t->openmetrics)
		add(t, "# EOF\n");
}

/* One byte or sequence of a value. Returns how many bytes of it were used; 0: no room. */
static size_t label_char(struct metric_labels *l, const unsigned char *s, size_t left)
{
	/* the quote, and a NUL */
	size_t n = utf8_length(s, left), room = sizeof(l->text) - l->len - 2;
	char escaped[] = {'\\', *s == '\n' ? 'n' : (char)*s};
	const char *from = (const char *)s;
	size_t len = n;

	if (!n) {
		from = "\xef\xbf\xbd";
		len = 3;
	} else if (*s == '"' || *s == '\\' || *s == '\n') {
		from = escaped;
		len = 2;
	}
	if (len > room)
		return 0;
	memcpy(l->text + l->len, from, len);
	l->len += len;
	return n ? n : 1;
}

void metric_label(struct metric_labels *l, const char *name, const char *value)
{
	const unsigned char *s = (const unsigned char *)(value ? value : "");
	size_t left = strlen((const char *)s), name_len = strlen(name), used;

	if (l->len + name_len + 5 > sizeof(l->text))
		return;
	l->text[l->len] = l->len ? ',' : '{';
	l->len++;
	memcpy(l->text + l->len, name, name_len);
	l->len += name_len;
	l->text[l->len++] = '=';
	l->text[l->len++] = '"';
	for (; left && (used = label_char(l, s, left)); s += used)
		left -= used;
	l->text[l->len++] = '"';
	l->text[l->len] = '\0';
}

void metric_sample_by(
	struct metric_text *t, enum metric m, const char *name, const char *value, uint64_t number)
{
	struct metric_labels l = {.len = 0};

	metric_label(&l, name, value);
	metric_sample(t, m, l.text, l.len, number);
}

void metric_sample_by2(struct metric_text *t, enum metric m, const char *name, const char *value,
	const char *name2, const char *value2, uint64_t number)
{
	struct metric_labels l = {.len = 0};

	metric_label(&l, name, value);
	metric_label(&l, name2, value2);
	metric_sample(t, m, l.text, l.len, number);
}
