/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/units.h"

#include <inttypes.h>
#include <stdio.h>

__extension__ typedef unsigned __int128 u128;

/* More decimals than this are refused: nothing we measure has them, and 10^9 times any unit fits
 * 128 bits. */
#define DECIMALS_MAX 9

uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t product;
	u128 r;

	/* A division of 128 bits takes five times as long. */
	if (!__builtin_mul_overflow(a, b, &product))
		return product / c;
	r = (u128)a * b / c;
	return r > UINT64_MAX ? UINT64_MAX : (uint64_t)r;
}

/* What is being read: the whole text for columns and quotes, and where we are. */
struct scan {
	const char *text;
	const char *p;
	const char *what; /* "a size like 512M or 1.5G" */
	struct diag *d;
};

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static void skip_blanks(struct scan *s)
{
	while (blank(*s->p))
		s->p++;
}

static int scan_error(const struct scan *s, int err, const char *at, const char *problem)
{
	char found[EXCERPT_MAX];

	return diag_set(s->d, err, NULL, 0, (unsigned)(at - s->text) + 1, "\"%s\": %s; expected %s",
		excerpt(s->text, found), problem, s->what);
}

static int scan_too_large(const struct scan *s, const char *at)
{
	return scan_error(s, ERANGE, at, "too large");
}

/* Takes the word "infinity" if it is all that is left. */
static bool scan_infinity(struct scan *s)
{
	const char *p = s->p;

	if (strncmp(p, "infinity", 8) != 0)
		return false;
	for (p += 8; blank(*p); p++)
		;
	if (*p)
		return false;
	s->p = p;
	return true;
}

/* A decimal number as whole and fraction: value = whole + fraction / scale. */
struct decimal {
	const char *at;
	uint64_t whole;
	uint64_t fraction;
	uint64_t scale; /* 1, 10, 100, ... */
};

static int scan_decimal(struct scan *s, unsigned decimals_max, struct decimal *ret)
{
	struct decimal n = {.at = s->p, .scale = 1};
	unsigned decimals = 0;

	if (!digit(*s->p))
		return scan_error(s, EINVAL, s->p, *s->p ? "not a number" : "number missing");
	for (; digit(*s->p); s->p++)
		if (__builtin_mul_overflow(n.whole, 10, &n.whole) ||
			__builtin_add_overflow(n.whole, (unsigned)(*s->p - '0'), &n.whole))
			return scan_too_large(s, n.at);
	if (*s->p != '.') {
		*ret = n;
		return 0;
	}
	for (s->p++; digit(*s->p); s->p++) {
		if (++decimals > decimals_max)
			return scan_error(s, EINVAL, s->p, "too many decimals");
		n.fraction = 10 * n.fraction + (unsigned)(*s->p - '0');
		n.scale *= 10;
	}
	if (!decimals)
		return scan_error(s, EINVAL, s->p, "digit missing after \".\"");
	*ret = n;
	return 0;
}

/* n units of this many, exactly, rounded down to a whole one. False: more than 64 bits, or infinity
 * itself. */
static bool decimal_times(const struct decimal *n, uint64_t unit, uint64_t *ret)
{
	u128 v = (u128)n->whole * unit + (u128)n->fraction * unit / n->scale;

	if (v >= UINT64_MAX)
		return false;
	*ret = (uint64_t)v;
	return true;
}

static int scan_end(struct scan *s)
{
	skip_blanks(s);
	return *s->p ? scan_error(s, EINVAL, s->p, "text after the value") : 0;
}

static const char size_suffixes[] = "BKMGTP";

int size_parse(const char *text, uint64_t *ret_bytes, struct diag *d)
{
	struct scan s = {text, text, "a size like 512M or 1.5G, or infinity", d};
	const char *suffix = NULL;
	struct decimal n;
	uint64_t bytes;
	int r;

	skip_blanks(&s);
	if (scan_infinity(&s)) {
		*ret_bytes = BYTES_UNLIMITED;
		return 0;
	}
	r = scan_decimal(&s, DECIMALS_MAX, &n);
	if (r < 0)
		return r;
	if (letter(*s.p)) {
		suffix = strchr(size_suffixes, *s.p);
		if (!suffix || letter(s.p[1]))
			return scan_error(&s, EINVAL, s.p, "suffix is none of B K M G T P");
		s.p++;
	}
	r = scan_end(&s);
	if (r < 0)
		return r;
	if (n.scale > 1 && (!suffix || *suffix == 'B'))
		return scan_error(&s, EINVAL, n.at, "bytes have no decimals");
	if (!decimal_times(&n, UINT64_C(1) << (suffix ? 10 * (suffix - size_suffixes) : 0), &bytes))
		return scan_too_large(&s, n.at);
	*ret_bytes = bytes;
	return 0;
}

/* systemd.time(7): a month is 30.44 days, a year 365.25. */
static const struct span_unit {
	const char *name;
	uint64_t usec;
} span_units[] = {
	{"us", 1},
	{"usec", 1},
	{"µs", 1}, /* micro sign */
	{"μs", 1}, /* Greek mu */
	{"ms", USEC_PER_MSEC},
	{"msec", USEC_PER_MSEC},
	{"s", USEC_PER_SEC},
	{"sec", USEC_PER_SEC},
	{"second", USEC_PER_SEC},
	{"seconds", USEC_PER_SEC},
	{"m", USEC_PER_MIN},
	{"min", USEC_PER_MIN},
	{"minute", USEC_PER_MIN},
	{"minutes", USEC_PER_MIN},
	{"h", USEC_PER_HOUR},
	{"hr", USEC_PER_HOUR},
	{"hour", USEC_PER_HOUR},
	{"hours", USEC_PER_HOUR},
	{"d", USEC_PER_DAY},
	{"day", USEC_PER_DAY},
	{"days", USEC_PER_DAY},
	{"w", 7 * USEC_PER_DAY},
	{"week", 7 * USEC_PER_DAY},
	{"weeks", 7 * USEC_PER_DAY},
	{"M", UINT64_C(2629800) * USEC_PER_SEC},
	{"month", UINT64_C(2629800) * USEC_PER_SEC},
	{"months", UINT64_C(2629800) * USEC_PER_SEC},
	{"y", UINT64_C(31557600) * USEC_PER_SEC},
	{"year", UINT64_C(31557600) * USEC_PER_SEC},
	{"years", UINT64_C(31557600) * USEC_PER_SEC},
};

static uint64_t span_unit_usec(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(span_units); i++)
		if (strlen(span_units[i].name) == len && memcmp(span_units[i].name, name, len) == 0)
			return span_units[i].usec;
	return 0;
}

/* One number with its unit; blanks may stand between. */
static int scan_span_part(struct scan *s, uint64_t *ret_usec)
{
	uint64_t unit = USEC_PER_SEC;
	struct decimal n;
	const char *at;
	size_t len;
	int r;

	r = scan_decimal(s, DECIMALS_MAX, &n);
	if (r < 0)
		return r;
	skip_blanks(s);
	at = s->p;
	for (len = 0; letter(at[len]); len++)
		;
	if (len) {
		unit = span_unit_usec(at, len);
		if (!unit)
			return scan_error(s, EINVAL, at, "unit is none of us ms s min h d w M y");
		s->p += len;
	}
	if (!decimal_times(&n, unit, ret_usec))
		return scan_too_large(s, n.at);
	return 0;
}

int span_parse(const char *text, uint64_t *ret_usec, struct diag *d)
{
	struct scan s = {text, text, "a time span like 30s or 1min 30s, or infinity", d};
	uint64_t sum = 0, part = 0;
	const char *at;
	int r;

	skip_blanks(&s);
	if (scan_infinity(&s)) {
		*ret_usec = USEC_INFINITY;
		return 0;
	}
	do {
		at = s.p;
		r = scan_span_part(&s, &part);
		if (r < 0)
			return r;
		sum = add_sat(sum, part);
		if (sum == USEC_INFINITY)
			return scan_too_large(&s, at);
		skip_blanks(&s);
	} while (*s.p);
	*ret_usec = sum;
	return 0;
}

int ratio_parse(const char *text, uint64_t max_permyriad, uint64_t *ret_permyriad, struct diag *d)
{
	struct scan s = {text, text, "a percentage like 10% or 12.5%", d};
	char limit[RATIO_TEXT_MAX], problem[RATIO_TEXT_MAX + 32];
	struct decimal n;
	uint64_t v;
	int r;

	skip_blanks(&s);
	r = scan_decimal(&s, 2, &n);
	if (r < 0)
		return r;
	skip_blanks(&s);
	if (*s.p != '%')
		return scan_error(&s, EINVAL, s.p, "\"%\" missing");
	s.p++;
	r = scan_end(&s);
	if (r < 0)
		return r;
	if (!decimal_times(&n, PERMYRIAD / 100, &v))
		return scan_too_large(&s, n.at);
	if (v > max_permyriad) {
		snprintf(problem, sizeof(problem), "more than %s",
			ratio_format(max_permyriad, limit));
		return scan_error(&s, ERANGE, n.at, problem);
	}
	*ret_permyriad = v;
	return 0;
}

static void drop_zeros(char *decimals)
{
	size_t n = strlen(decimals);

	while (decimals[n - 1] == '0')
		n--;
	if (decimals[n - 1] == '.')
		n--;
	decimals[n] = '\0';
}

/* bytes in this unit where three decimals are exact. False: they are not, or it is less than one
 * unit. */
static bool format_in_unit(
	uint64_t bytes, unsigned shift, char suffix, char buf[static SIZE_TEXT_MAX])
{
	uint64_t unit = UINT64_C(1) << shift, whole = bytes >> shift;
	u128 thousandths = (u128)(bytes & (unit - 1)) * 1000;

	if (!whole || thousandths % unit)
		return false;
	snprintf(buf, SIZE_TEXT_MAX - 1, "%" PRIu64 ".%03u", whole,
		(unsigned)(thousandths / unit) % 1000);
	drop_zeros(buf);
	strncat(buf, &suffix, 1);
	return true;
}

char *size_format_exact(uint64_t bytes, char buf[static SIZE_TEXT_MAX])
{
	char candidate[SIZE_TEXT_MAX];

	if (bytes == BYTES_UNLIMITED)
		return strcpy(buf, "infinity");
	snprintf(buf, SIZE_TEXT_MAX, "%" PRIu64, bytes);
	for (unsigned i = 1; i <= 5; i++)
		if (format_in_unit(bytes, 10 * i, size_suffixes[i], candidate) &&
			strlen(candidate) <= strlen(buf))
			strcpy(buf, candidate);
	return buf;
}

/* How many decimals show three digits of bytes in this unit; rounding may carry into the next
 * digit. */
static int decimals_of_three(uint64_t bytes, uint64_t unit)
{
	if (unit == 1 || bytes >= 100 * unit - unit / 2)
		return 0;
	return bytes >= 10 * unit - unit / 20 ? 1 : 2;
}

char *size_format(uint64_t bytes, char buf[static SIZE_TEXT_MAX])
{
	static const unsigned scales[] = {1, 10, 100};
	uint64_t unit = 1, scaled;
	char digits[24];
	int decimals, i = 0;

	if (bytes == BYTES_UNLIMITED)
		return strcpy(buf, "unlimited");
	/* What rounding takes to 1024 of a unit belongs to the next one. */
	for (; i < 5 && bytes >= 1024 * unit - unit / 2; i++)
		unit *= 1024;
	decimals = decimals_of_three(bytes, unit);
	scaled = (uint64_t)(((u128)bytes * scales[decimals] + unit / 2) / unit);
	snprintf(digits, sizeof(digits), "%" PRIu64 ".%0*" PRIu64, scaled / scales[decimals],
		decimals, scaled % scales[decimals]);
	drop_zeros(digits);
	snprintf(buf, SIZE_TEXT_MAX, "%s %c%s", digits, size_suffixes[i], i ? "iB" : "");
	return buf;
}

char *span_format(uint64_t usec, char buf[static SPAN_TEXT_MAX])
{
	static const struct span_unit units[] = {
		{"d", USEC_PER_DAY},
		{"h", USEC_PER_HOUR},
		{"min", USEC_PER_MIN},
		{"s", USEC_PER_SEC},
		{"ms", USEC_PER_MSEC},
		{"us", 1},
	};
	size_t n = 0;

	if (usec == USEC_INFINITY)
		return strcpy(buf, "infinity");
	if (usec == 0)
		return strcpy(buf, "0s");
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		uint64_t v = usec / units[i].usec;

		if (!v)
			continue;
		usec %= units[i].usec;
		n += (size_t)snprintf(buf + n, SPAN_TEXT_MAX - n, "%s%" PRIu64 "%s", n ? " " : "",
			v, units[i].name);
	}
	return buf;
}

char *ratio_format(uint64_t permyriad, char buf[static RATIO_TEXT_MAX])
{
	uint64_t whole = permyriad / 100, rest = permyriad % 100;

	if (!rest)
		snprintf(buf, RATIO_TEXT_MAX, "%" PRIu64 "%%", whole);
	else if (rest % 10 == 0)
		snprintf(buf, RATIO_TEXT_MAX, "%" PRIu64 ".%" PRIu64 "%%", whole, rest / 10);
	else
		snprintf(buf, RATIO_TEXT_MAX, "%" PRIu64 ".%02" PRIu64 "%%", whole, rest);
	return buf;
}
