/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/spare.h"

#include <stdio.h>

/* One file of a spare record: a line a figure, all of them, in this order; the first says which
 * form this is, the last that nothing is missing. */

#define FIRST_LINE "ballast-original 1"
#define LAST_LINE  "end"

enum type {
	TYPE_RUN,
	TYPE_U64,
	TYPE_I64,
	TYPE_BOOL,
};

static const struct field {
	const char *key;
	enum type type;
	size_t offset;
} fields[] = {
	{"run", TYPE_RUN, 0},
	{"bytes", TYPE_U64, offsetof(struct store_original, bytes)},
	{"target-bytes", TYPE_U64, offsetof(struct store_original, target_bytes)},
	{"cpu-weight", TYPE_U64, offsetof(struct store_original, cpu_weight)},
	{"cpu-quota-permyriad", TYPE_U64, offsetof(struct store_original, cpu_quota)},
	{"cpu-shares", TYPE_U64, offsetof(struct store_original, cpu_shares)},
	{"cpu-period-usec", TYPE_U64, offsetof(struct store_original, cpu_period_usec)},
	{"cpu-quota-usec", TYPE_I64, offsetof(struct store_original, cpu_quota_usec)},
	{"soft-limited", TYPE_BOOL, offsetof(struct store_original, soft_limited)},
	{"cpu-ours", TYPE_BOOL, offsetof(struct store_original, cpu_ours)},
	{"period-ours", TYPE_BOOL, offsetof(struct store_original, period_ours)},
};

size_t spare_format(const struct store_original *o, char buf[static SPARE_TEXT_MAX])
{
	int n = snprintf(buf, SPARE_TEXT_MAX, "%s\n", FIRST_LINE);

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct field *f = &fields[i];
		const void *at = (const char *)o + f->offset;
		char *to = buf + n;
		size_t room = SPARE_TEXT_MAX - (size_t)n;

		if (f->type == TYPE_RUN)
			n += snprintf(to, room, "%s %.*s\n", f->key, SPARE_RUN_MAX - 1,
				o->run ? o->run : "");
		else if (f->type == TYPE_U64)
			n += snprintf(to, room, "%s %llu\n", f->key,
				(unsigned long long)*(const uint64_t *)at);
		else if (f->type == TYPE_I64)
			n += snprintf(
				to, room, "%s %lld\n", f->key, (long long)*(const int64_t *)at);
		else
			n += snprintf(to, room, "%s %d\n", f->key, *(const bool *)at);
	}
	n += snprintf(buf + n, SPARE_TEXT_MAX - (size_t)n, "%s\n", LAST_LINE);
	return (size_t)n;
}

/* Digits as printf() writes them. false: something else, or it does not fit. */
static bool take_digits(const char *s, size_t len, uint64_t *ret)
{
	uint64_t v = 0;

	if (!len || len > 20 || (len > 1 && *s == '0'))
		return false;
	for (size_t i = 0; i < len; i++)
		if (s[i] < '0' || s[i] > '9' || __builtin_mul_overflow(v, UINT64_C(10), &v) ||
			__builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v))
			return false;
	*ret = v;
	return true;
}

/* The figures that guest_run_format() puts together, or nothing. */
static bool take_run(const char *s, size_t len, char run[static SPARE_RUN_MAX])
{
	if (len >= SPARE_RUN_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!s[i] || !strchr("0123456789abcdef:@", s[i]))
			return false;
	memcpy(run, s, len);
	run[len] = '\0';
	return true;
}

static bool take_value(
	const struct field *f, const char *s, size_t len, char *run, struct store_original *o)
{
	void *at = (char *)o + f->offset;
	bool negative = f->type == TYPE_I64 && len && *s == '-';
	uint64_t v = 0;

	if (f->type == TYPE_RUN)
		return take_run(s, len, run);
	if (!take_digits(s + negative, len - negative, &v))
		return false;
	if (f->type == TYPE_U64) {
		*(uint64_t *)at = v;
	} else if (f->type == TYPE_BOOL) {
		*(bool *)at = v;
		return v <= 1;
	} else {
		*(int64_t *)at = negative ? -(int64_t)(v & INT64_MAX) : (int64_t)v;
		return v <= INT64_MAX && (v || !negative);
	}
	return true;
}

/* Where a text is read. */
struct reading {
	const char *file;
	const char *at, *end;
	unsigned line;
	struct diag *d;
};

/* The next line without its end; false at the end of the text, or where its last line has none. */
static bool next_line(struct reading *rd, const char **ret, size_t *ret_len)
{
	const char *end = memchr(rd->at, '\n', (size_t)(rd->end - rd->at));

	rd->line++;
	*ret = rd->at;
	*ret_len = (size_t)((end ? end : rd->end) - rd->at);
	if (end)
		rd->at = end + 1;
	return end;
}

static int take_fixed(struct reading *rd, const char *want)
{
	const char *line;
	char found[EXCERPT_MAX];
	size_t len;

	if (next_line(rd, &line, &len) && len == strlen(want) && memcmp(line, want, len) == 0)
		return 0;
	return diag_set(rd->d, EBADMSG, rd->file, rd->line, 1, "found \"%s\", expected \"%s\"",
		excerpt_n(line, len, found), want);
}

static int take_field(
	struct reading *rd, const struct field *f, char *run, struct store_original *o)
{
	size_t len, key = strlen(f->key);
	const char *line;
	char found[EXCERPT_MAX];
	bool whole = next_line(rd, &line, &len);

	if (!whole || len <= key || memcmp(line, f->key, key) != 0 || line[key] != ' ')
		return diag_set(rd->d, EBADMSG, rd->file, rd->line, 1,
			"found \"%s\", expected a line of \"%s\"", excerpt_n(line, len, found),
			f->key);
	if (!take_value(f, line + key + 1, len - key - 1, run, o))
		return diag_set(rd->d, EBADMSG, rd->file, rd->line, (unsigned)key + 2,
			"\"%s\" is no value of \"%s\"",
			excerpt_n(line + key + 1, len - key - 1, found), f->key);
	return 0;
}

int spare_parse(const char *file, const char *text, size_t len, char run[static SPARE_RUN_MAX],
	struct store_original *ret, struct diag *d)
{
	struct reading rd = {.file = file, .at = text, .end = text + len, .d = d};
	struct store_original o = {.name = ""};
	int r = take_fixed(&rd, FIRST_LINE);

	for (size_t i = 0; i < ARRAY_SIZE(fields) && r >= 0; i++)
		r = take_field(&rd, &fields[i], run, &o);
	if (r >= 0)
		r = take_fixed(&rd, LAST_LINE);
	if (r < 0)
		return r;
	if (rd.at != rd.end)
		return diag_set(d, EBADMSG, file, rd.line + 1, 1, "something stands behind \"%s\"",
			LAST_LINE);
	o.run = run;
	*ret = o;
	return 0;
}

void spare_merge(struct store_original *o, const struct store_original *spare)
{
	if (!o->bytes)
		o->bytes = spare->bytes;
	if (!o->cpu_weight) {
		o->cpu_weight = spare->cpu_weight;
		o->cpu_quota = spare->cpu_quota;
		o->cpu_shares = spare->cpu_shares;
		o->cpu_period_usec = spare->cpu_period_usec;
		o->cpu_quota_usec = spare->cpu_quota_usec;
	}
	if (spare->target_bytes)
		o->target_bytes = spare->target_bytes;
	o->soft_limited |= spare->soft_limited;
	o->cpu_ours |= spare->cpu_ours;
	o->period_ours |= spare->period_ours;
}
