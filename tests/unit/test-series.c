/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/history/pack.h"

#include <stdio.h>

#include "daemon/api/schema.h"
#include "tests/test.h"

TEST(values_of_a_span_become_one_as_their_column_says)
{
	struct fold f = {0};

	CHECK_U64(fold_value(&f, FOLD_MEAN), UINT64_MAX);
	fold_add(&f, 10, 10, 10);
	fold_add(&f, UINT64_MAX, 0, 0); /* not known: says nothing */
	fold_add(&f, 21, 20, 40);
	CHECK_U64(fold_value(&f, FOLD_MEAN), 16);
	CHECK_U64(fold_value(&f, FOLD_LAST), 21);
	CHECK_U64(fold_value(&f, FOLD_SUM), 31);
	CHECK(f.n == 2 && f.min == 10 && f.max == 40);
}

TEST(a_sample_counts_for_its_point_and_what_lasts_for_each_it_touches)
{
	_cleanup_free_ struct series *s = series_new(SERIES_GUEST, 1000, 10, 5);

	CHECK(s);
	series_add(s, 0, 999, 1, 1, 1, 1);   /* before */
	series_add(s, 0, 1050, 1, 1, 1, 1);  /* behind */
	series_add(s, 0, 1009, 1, 7, 7, 7);  /* the first's last second */
	series_add(s, 0, 1010, 1, 8, 8, 8);
	series_add(s, 0, 900, 105, 9, 9, 9); /* up to 1005 */
	series_add(s, 0, 1025, 300, 5, 4, 6);
	CHECK_U64(fold_value(&s->folds[0], FOLD_MEAN), 8);
	CHECK_U64(fold_value(&s->folds[s->n_columns], FOLD_MEAN), 8);
	CHECK_U64(fold_value(&s->folds[2 * s->n_columns], FOLD_MEAN), 5);
	CHECK_U64(s->folds[4 * s->n_columns].max, 6);
	CHECK_INT(s->folds[4 * s->n_columns].n, 1);
	CHECK_INT(s->folds[1].n, 0); /* no other column */
}

static size_t host_column(const char *name)
{
	for (size_t i = 0; i < n_host_columns; i++)
		if (streq(host_columns[i].name, name))
			return i;
	return SIZE_MAX;
}

/* What a file holds may be damaged, or of a version that wrote what it should not have. */
TEST(a_figure_that_cannot_be_is_not_known)
{
	_cleanup_free_ struct series *s = series_new(SERIES_HOST, 0, 10, 2);
	size_t reserved = host_column("reserved"), decisions = host_column("decisions");

	series_add(s, reserved, 0, 1, UINT64_MAX - 1, UINT64_MAX - 1, UINT64_MAX - 1);
	series_add(s, reserved, 1, 1, SERIES_VALUE_MAX + 1, 0, 0);
	series_add(s, decisions, 0, 300, UINT64_MAX / 2, 0, 0);
	CHECK_INT(s->folds[reserved].n, 0);
	CHECK_INT(s->folds[decisions].n, 0);
	series_add(s, reserved, 2, 1, 100, 90, UINT64_MAX - 5);
	CHECK_U64(fold_value(&s->folds[reserved], FOLD_MEAN), 100);
	CHECK_U64(s->folds[reserved].max, 100);
}

/* 30 decisions in five minutes are one in ten seconds, not thirty. */
TEST(a_number_that_is_spread_keeps_its_sum)
{
	_cleanup_free_ struct series *s = series_new(SERIES_HOST, 0, 10, 30);
	size_t c = host_column("decisions");
	uint64_t sum = 0;

	series_add(s, c, 0, 300, 30, 30, 30);
	for (size_t i = 0; i < 30; i++)
		sum += fold_value(&s->folds[i * s->n_columns + c], FOLD_SUM);
	CHECK_U64(sum, 30);
}

TEST(a_step_is_chosen_so_that_the_points_are_few)
{
	CHECK_U64(series_step(3600, 300, 10), 15);
	CHECK_U64(series_step(60, 300, 10), 10);
	CHECK_U64(series_step(86400, 300, 10), 300);
	CHECK_U64(series_step(30 * 86400, 300, 10), 10800);
	for (uint64_t span = 1; span < UINT64_C(400) * 86400 * 365; span = span * 3 / 2 + 1)
		CHECK((span + series_step(span, 300, 10) - 1) / series_step(span, 300, 10) <= 300);
}

struct seen {
	uint64_t ids[8], first[8];
	size_t n;
};

static void see(uint64_t id, const uint64_t *values, void *userdata)
{
	struct seen *s = userdata;

	s->ids[s->n % 8] = id;
	s->first[s->n++ % 8] = values[0];
}

TEST(fine_samples_come_back_as_they_were_all_or_one)
{
	_cleanup_pack_ struct pack p = {0};
	uint64_t host[SERIES_COLUMNS_MAX] = {32768}, a[SERIES_COLUMNS_MAX] = {1024},
		 b[SERIES_COLUMNS_MAX] = {UINT64_MAX};
	struct seen all = {0}, one = {0}, none = {0}, only_host = {0};

	fine_begin(&p, host);
	fine_guest(&p, 3, a);
	fine_guest(&p, 900, b);
	CHECK_INT(fine_read(p.buf, p.len, UINT64_MAX, see, &all), 0);
	CHECK_INT(all.n, 3);
	CHECK(all.ids[0] == 0 && all.ids[1] == 3 && all.ids[2] == 900);
	CHECK(all.first[0] == 32768 && all.first[1] == 1024 && all.first[2] == UINT64_MAX);
	CHECK_INT(fine_read(p.buf, p.len, 900, see, &one), 0);
	CHECK(one.n == 1 && one.first[0] == UINT64_MAX);
	CHECK_INT(fine_read(p.buf, p.len, 4, see, &none), 0);
	CHECK_INT(none.n, 0);
	CHECK_INT(fine_read(p.buf, p.len, 0, see, &only_host), 0);
	CHECK(only_host.n == 1 && only_host.first[0] == 32768);
}

static uint64_t seed = 1;

static uint64_t rnd(uint64_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (seed >> 33) % n;
}

/* Any bytes: an answer or -EBADMSG, nothing else; the sanitizers look at the rest. */
TEST(what_is_damaged_is_refused_or_a_gap)
{
	uint8_t bytes[200];
	_cleanup_free_ struct series *s =
		series_new(SERIES_GUEST, 0, COARSE_STEP_SEC, COARSE_POINTS);
	int bad = 0;

	for (int i = 0; i < 20000; i++) {
		struct seen seen = {0};
		size_t len = rnd(sizeof(bytes));

		for (size_t k = 0; k < len; k++)
			bytes[k] = (uint8_t)(k ? rnd(256) : 1);
		bad += fine_read(bytes, len, UINT64_MAX, see, &seen) == -EBADMSG;
		bad += coarse_read(bytes, len, 0, UINT64_MAX, s) == -EBADMSG;
	}
	CHECK(bad > 20000);
}

/* A sample of a guest, near what the one before was. amount: how much it moves. */
static void wander(uint64_t values[SERIES_COLUMNS_MAX], uint64_t amount)
{
	values[0] = MAX(values[0] + rnd(2 * amount + 1), amount + 128) - amount; /* actual */
	values[1] = sub_sat(values[0], rnd(amount + 1));			  /* used */
	values[2] = values[1] + values[1] / 5;
	values[3] = values[0];
	values[4] = rnd(20) ? 0 : rnd(amount + 1);
	values[5] = rnd(20) ? 0 : rnd(10 * amount + 1);
	values[6] = 100;
	values[7] = rnd(5 * amount + 1);
	values[8] = rnd(amount + 1);
}

/* One hour of one guest, from samples every ten seconds. */
static struct series *hour_of(uint64_t amount)
{
	struct series *s = series_new(SERIES_GUEST, 0, COARSE_STEP_SEC, COARSE_POINTS);
	uint64_t values[SERIES_COLUMNS_MAX] = {4096};

	for (uint64_t at = 0; at < COARSE_SEC; at += 10) {
		wander(values, amount);
		for (size_t c = 0; c < s->n_columns; c++)
			series_add(s, c, at, 1, values[c], values[c], values[c]);
	}
	return s;
}

TEST(coarse_points_come_back_as_they_were)
{
	for (int i = 0; i < 200; i++) {
		_cleanup_free_ struct series *s = hour_of(rnd(2) ? rnd(1000) : 0), *back = NULL;
		_cleanup_pack_ struct pack p = {0};

		if (i == 0) /* a gap */
			memset(&s->folds[5 * s->n_columns], 0, s->n_columns * sizeof(s->folds[0]));
		coarse_pack(&p, s);
		back = series_new(SERIES_GUEST, 36000, COARSE_STEP_SEC, COARSE_POINTS);
		CHECK_INT(coarse_read(p.buf, p.len, 36000, UINT64_MAX, back), 0);
		for (size_t k = 0; k < COARSE_POINTS * s->n_columns; k++) {
			const struct series_column *c = &guest_columns[k % s->n_columns];

			CHECK_U64(fold_value(&back->folds[k], c->fold),
				fold_value(&s->folds[k], c->fold));
			if (c->min)
				CHECK_U64(back->folds[k].min, s->folds[k].min);
			if (c->max)
				CHECK_U64(back->folds[k].max, s->folds[k].max);
		}
	}
}

/* The numbers of ballast.conf(5): 30 days of 1000 guests have 256 MiB. */
TEST(a_point_has_its_number_of_bytes)
{
	const struct {
		const char *name;
		uint64_t amount;
		double most;
	} guests[] = {{"idle", 0, 6}, {"usual", 20, 20}, {"restless", 500, 32}};

	for (size_t i = 0; i < ARRAY_SIZE(guests); i++) {
		size_t coarse = 0, fine = 0;

		for (int n = 0; n < 100; n++) {
			_cleanup_free_ struct series *s = hour_of(guests[i].amount);
			_cleanup_pack_ struct pack p = {0}, f = {0};
			uint64_t values[SERIES_COLUMNS_MAX] = {4096};

			coarse_pack(&p, s);
			coarse += p.len;
			wander(values, guests[i].amount);
			fine_guest(&f, (uint64_t)n + 500, values);
			fine += f.len;
		}
		printf("# %s guest: %.1f bytes a coarse point, %.1f a fine one\n", guests[i].name,
			(double)coarse / 100 / COARSE_POINTS, (double)fine / 100);
		CHECK((double)coarse / 100 / COARSE_POINTS <= guests[i].most);
		CHECK(fine / 100 <= 20);
	}
}

/* ---- what is declared ---- */

static const struct schema *points_of(const struct schema *s)
{
	for (const struct schema_field *f = s->fields; f->name; f++)
		if (streq(f->name, "points"))
			return f->of;
	return NULL;
}

TEST(the_columns_are_declared_as_they_are_written)
{
	for (int kind = SERIES_GUEST; kind <= SERIES_HOST; kind++) {
		const struct schema_field *f = points_of(
			kind == SERIES_GUEST ? &guest_history_schema : &host_history_schema)
						       ->fields;
		size_t n;
		const struct series_column *c = series_columns((enum series_kind)kind, &n);

		CHECK_STR((f++)->name, "time");
		for (size_t i = 0; i < n; i++) {
			const char *names[] = {c[i].name, c[i].min, c[i].max};

			for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
				if (!names[k])
					continue;
				CHECK_STR(f->name, names[k]);
				CHECK_INT(f->type, c[i].bytes ? SCHEMA_BYTES : SCHEMA_COUNT);
				CHECK(f->nullable);
				f++;
			}
		}
		CHECK(!f->name);
	}
}

TEST_MAIN()
