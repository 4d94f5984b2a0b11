/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/history/pack.h"

#define VERSION 1
/* Of a row of coarse values: one for all, or each as a difference to the one before. */
#define ROW_CONSTANT 0
#define ROW_DIFFERENCES 1

void pack_clear(struct pack *p)
{
	free(p->buf);
	*p = (struct pack){0};
}

/* LEB128: seven bits a byte, least first. */
static void put(struct pack *p, uint64_t v)
{
	if (p->len + 10 > p->allocated) {
		size_t size = MAX(2 * p->allocated, (size_t)512);
		uint8_t *grown = p->failed ? NULL : realloc(p->buf, size);

		if (!grown) {
			p->failed = true;
			return;
		}
		p->buf = grown;
		p->allocated = size;
	}
	for (; v >= 0x80; v >>= 7)
		p->buf[p->len++] = (uint8_t)(v | 0x80);
	p->buf[p->len++] = (uint8_t)v;
}

struct unpack {
	const uint8_t *at, *end;
	bool failed;
};

static uint64_t get(struct unpack *u)
{
	uint64_t v = 0;

	for (unsigned shift = 0; u->at < u->end && shift < 64; shift += 7) {
		uint8_t byte = *u->at++;

		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	u->failed = true;
	return 0;
}

/* 0 stands for what is not known. */
static uint64_t shift_up(uint64_t value)
{
	return value == UINT64_MAX ? 0 : MIN(value, UINT64_MAX - 2) + 1;
}

static uint64_t shift_down(uint64_t value)
{
	return value - 1; /* 0: UINT64_MAX */
}

/* Small numbers for small differences, up or down. */
static uint64_t zigzag(uint64_t from, uint64_t to)
{
	int64_t d = (int64_t)(to - from);

	return (uint64_t)d << 1 ^ (uint64_t)(d >> 63);
}

static uint64_t unzigzag(uint64_t from, uint64_t z)
{
	return from + (z >> 1 ^ (uint64_t)-(int64_t)(z & 1));
}

/* ---- fine ---- */

void fine_begin(struct pack *p, const uint64_t *host)
{
	put(p, VERSION);
	put(p, n_host_columns);
	for (size_t i = 0; i < n_host_columns; i++)
		put(p, shift_up(host[i]));
	put(p, n_guest_columns);
}

void fine_guest(struct pack *p, uint64_t id, const uint64_t *values)
{
	put(p, id);
	for (size_t i = 0; i < n_guest_columns; i++)
		put(p, shift_up(values[i]));
}

/* A row as it lies there; what we do not know is skipped, what is not there is not known. */
static void get_row(struct unpack *u, size_t n, uint64_t values[static SERIES_COLUMNS_MAX])
{
	for (size_t i = 0; i < SERIES_COLUMNS_MAX; i++)
		values[i] = UINT64_MAX;
	for (size_t i = 0; i < n && !u->failed; i++) {
		uint64_t v = get(u);

		if (i < SERIES_COLUMNS_MAX)
			values[i] = shift_down(v);
	}
}

int fine_read(const void *bytes, size_t len, uint64_t only, fine_visitor fn, void *userdata)
{
	struct unpack u = {bytes, (const uint8_t *)bytes + len, false};
	uint64_t values[SERIES_COLUMNS_MAX];
	uint64_t n;

	if (get(&u) != VERSION)
		return -EBADMSG;
	n = get(&u);
	get_row(&u, n, values);
	if (u.failed)
		return -EBADMSG;
	if (only == UINT64_MAX || only == 0)
		fn(0, values, userdata);
	n = get(&u);
	while (!u.failed && u.at < u.end && only != 0) {
		uint64_t id = get(&u);

		get_row(&u, n, values);
		if (u.failed)
			break;
		if (only == UINT64_MAX || only == id)
			fn(id, values, userdata);
		if (id >= only)
			return 0;
	}
	return u.failed ? -EBADMSG : 0;
}

/* ---- coarse ---- */

static void put_values(struct pack *p, const uint64_t v[static COARSE_POINTS])
{
	bool constant = true;

	for (size_t i = 1; i < COARSE_POINTS; i++)
		constant = constant && v[i] == v[0];
	put(p, constant ? ROW_CONSTANT : ROW_DIFFERENCES);
	put(p, v[0]);
	for (size_t i = 1; i < COARSE_POINTS && !constant; i++)
		put(p, zigzag(v[i - 1], v[i]));
}

static void get_values(struct unpack *u, uint64_t v[static COARSE_POINTS])
{
	uint64_t how = get(u);

	if (how != ROW_CONSTANT && how != ROW_DIFFERENCES)
		u->failed = true;
	v[0] = get(u);
	for (size_t i = 1; i < COARSE_POINTS; i++)
		v[i] = how == ROW_CONSTANT ? v[0] : unzigzag(v[i - 1], get(u));
}

void coarse_pack(struct pack *p, const struct series *s)
{
	size_t n;
	const struct series_column *columns = series_columns(s->kind, &n);
	uint64_t value[COARSE_POINTS], min[COARSE_POINTS], max[COARSE_POINTS];

	put(p, VERSION);
	put(p, n);
	for (size_t c = 0; c < n; c++) {
		for (size_t i = 0; i < COARSE_POINTS; i++) {
			const struct fold *f = &s->folds[i * s->n_columns + c];
			uint64_t v = fold_value(f, columns[c].fold);

			value[i] = shift_up(v);
			min[i] = f->n ? sub_sat(v, f->min) : 0;
			max[i] = f->n ? sub_sat(f->max, v) : 0;
		}
		/* What follows the values: bit 0 the distance to the least, bit 1 to the
		 * largest. */
		put(p, (columns[c].min ? 1 : 0) | (columns[c].max ? 2 : 0));
		put_values(p, value);
		if (columns[c].min)
			put_values(p, min);
		if (columns[c].max)
			put_values(p, max);
	}
}

int coarse_read(
	const void *bytes, size_t len, uint64_t from_sec, uint64_t until_sec, struct series *to)
{
	struct unpack u = {bytes, (const uint8_t *)bytes + len, false};
	uint64_t n;

	if (get(&u) != VERSION)
		return -EBADMSG;
	n = get(&u);
	for (size_t c = 0; c < n && !u.failed; c++) {
		uint64_t value[COARSE_POINTS], min[COARSE_POINTS] = {0}, max[COARSE_POINTS] = {0};
		uint64_t with = get(&u);

		get_values(&u, value);
		if (with & 1)
			get_values(&u, min);
		if (with & 2)
			get_values(&u, max);
		for (size_t i = 0; i < COARSE_POINTS && !u.failed && c < to->n_columns; i++) {
			uint64_t at = from_sec + i * COARSE_STEP_SEC, v = shift_down(value[i]);

			if (at < until_sec && v != UINT64_MAX)
				series_add(to, c, at,
					MIN((uint64_t)COARSE_STEP_SEC, until_sec - at), v,
					sub_sat(v, min[i]), add_sat(v, max[i]));
		}
	}
	return u.failed ? -EBADMSG : 0;
}
