/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/chart.h"

#include <locale.h>

#include "tests/test.h"

static char *label(uint64_t value, char *buf, size_t size)
{
	snprintf(buf, size, "%llu", (unsigned long long)value);
	return buf;
}

static char *draw(const struct chart *c, const struct term *t)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	/* As main() does where a terminal takes UTF-8: what is no character of the locale is not
	 * shown. */
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	chart_print(c, t, f);
	chart_legend(t, f, STYLE_GOOD, "uses", "has", "wants");
	fclose(f);
	return text;
}

/* Used rises to what it has; a gap; it wants more. */
static const uint64_t used[] = {10, 20, 30, UINT64_MAX, 40}, has[] = {40, 40, 40, UINT64_MAX, 40},
		      wants[] = {15, 25, 35, UINT64_MAX, 60};

static struct chart chart_of(unsigned columns)
{
	return (struct chart){.fill = used,
		.shade = has,
		.mark = wants,
		.n = 5,
		.from_usec = UINT64_C(1795334400000000),
		.until_usec = UINT64_C(1795338000000000),
		.rows = 8,
		.columns = columns,
		.label = label,
		.style = STYLE_GOOD};
}

TEST(three_values_are_told_apart_without_colours)
{
	const struct term ascii = {0}, utf8 = {.utf8 = true};
	struct chart c = chart_of(31);
	_cleanup_free_ char *plain = NULL, *fine = NULL;

	setenv("TZ", "UTC", 1);
	plain = draw(&c, &ascii);
	CHECK_STR(plain, "       60 +                ----\n"
			 "          |                    \n"
			 "          |::::::::----    ####\n"
			 "       30 +::::----####    ####\n"
			 "          |----########    ####\n"
			 "          |############    ####\n"
			 "        0 +--------------------\n"
			 "           08:00   08:30  09:00\n"
			 "           # uses   : has   - wants\n");
	fine = draw(&c, &utf8);
	CHECK_CONTAINS(fine, "┤");
	CHECK_CONTAINS(fine, "░");
	CHECK_CONTAINS(fine, "█ uses   ░ has   ─ wants");
}

TEST(colours_only_help)
{
	const struct term plain = {.utf8 = true}, colour = {.utf8 = true, .colour = true};
	struct chart c = chart_of(60);
	_cleanup_free_ char *a = draw(&c, &plain), *b = draw(&c, &colour);
	char *to = b;

	CHECK(strchr(b, '\033') && !strchr(a, '\033'));
	for (const char *s = b; *s; s++) { /* without the escapes */
		if (*s == '\033')
			s += strcspn(s, "m");
		else
			*to++ = *s;
	}
	*to = '\0';
	CHECK_STR(a, b);
}

TEST(any_width_and_nothing_known_are_no_trouble)
{
	const struct term t = {0};
	const uint64_t none[3] = {UINT64_MAX, UINT64_MAX, UINT64_MAX},
		       huge[] = {UINT64_MAX / 1000, 0, 1};

	for (unsigned columns = 0; columns < 250; columns += 7) {
		struct chart c = chart_of(columns), empty = chart_of(columns),
			     large = chart_of(columns);
		_cleanup_free_ char *some = draw(&c, &t), *nothing = NULL, *much = NULL;

		empty.fill = empty.shade = empty.mark = none;
		empty.n = 3;
		nothing = draw(&empty, &t);
		large.fill = huge;
		large.shade = large.mark = NULL;
		large.n = 3;
		much = draw(&large, &t);
		CHECK_CONTAINS(some, "#");
		CHECK(strchr(nothing, '+'));
		CHECK_CONTAINS(much, "#");
	}
}

TEST_MAIN()
