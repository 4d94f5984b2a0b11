/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A reload with broken files: what holds for any guest at any time is what would hold if the broken
 * files had been left as they were and the others changed. BALLAST_CASES=N: other than 300 random
 * trees.
 */
#include "policy/policy-set.h"

#include "policy/policy-set-parts.h"
#include "policy/setting-list.h"
#include "policy/what-if.h"
#include "tests/policy-dirs.h"
#include "tests/test.h"

static uint64_t seed;

static unsigned below(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

#define TEXT_SIZE 1024
#define FILES_MAX 12

static const char *const paths[FILES_MAX] = {
	"usr/10-base.policy",
	"usr/20-web.policy",
	"run/20-web.policy",
	"usr/30-db.policy",
	"etc/30-db.policy",
	"etc/40-night.policy",
	"run/50-busy.policy",
	"etc/90-last.policy",
	"usr/20-web.policy.d/10-more.conf",
	"etc/20-web.policy.d/10-more.conf",
	"etc/30-db.policy.d/50-tune.conf",
	"run/50-busy.policy.d/x.conf",
};

/* A text that is good by itself and beside any other: Min is always below Max. */
static void good_text(char text[static TEXT_SIZE])
{
	static const char *const matches[] = {
		"", "[Match]\nGuest=web*\n", "[Match]\nTag=db\n", "[Match]\nGuest=* !web1\n"};
	static const char *const whens[] = {"", "",
		"[Schedule]\nOnCalendar=20:00\nUntil=\nDuration=6h\nTimeZone=UTC\n",
		"[Schedule]\nOnCalendar=Mon..Fri 06:00\nDuration=\nUntil=18:00\nTimeZone=UTC\n",
		"[When]\nCondition=guest.vcpus > 2\n"};
	size_t n = (size_t)snprintf(text, TEXT_SIZE, "%s%s", matches[below(ARRAY_SIZE(matches))],
		whens[below(ARRAY_SIZE(whens))]);

	if (below(2))
		n += (size_t)snprintf(
			text + n, TEXT_SIZE - n, "[Memory]\nMin=%uM\n", 1 + below(4096));
	if (below(2))
		n += (size_t)snprintf(text + n, TEXT_SIZE - n, "[Memory]\nMax=%uG\n", 8 + below(8));
	if (below(3) == 0)
		n += (size_t)snprintf(
			text + n, TEXT_SIZE - n, "[Memory]\nMin=\nHeadroom=%u%%\n", below(90));
	if (below(2))
		n += (size_t)snprintf(
			text + n, TEXT_SIZE - n, "[CPU]\nWeight=%u\n", 1 + below(10000));
	if (below(3) == 0)
		n += (size_t)snprintf(
			text + n, TEXT_SIZE - n, "[Placement]\nApart=g%u\n", below(9));
	snprintf(text + n, TEXT_SIZE - n, "# %u\n", below(1000));
}

/* Good in whatever company: what a drop-in could still mend, such as a schedule without an end,
 * counts as good. */
static bool is_good(const char *text, size_t len)
{
	static const char mended[] = "\n[Schedule]\nOnCalendar=\nUntil=\nDuration=\nTimeZone=\n";
	char whole[TEXT_SIZE + sizeof(mended)];
	struct policy_text t = {.name = "t", .text = whole, .len = len + strlen(mended)};
	_cleanup_policy_set_ struct policy_set *set = NULL;

	memcpy(whole, text, len);
	memcpy(whole + len, mended, strlen(mended));
	return policy_set_from_texts(&t, 1, NULL, &set, NULL) == 0;
}

/* Changes bytes of a good text until it is a bad one. It never becomes empty: that would be a
 * mask. */
static size_t break_text(char text[static TEXT_SIZE])
{
	size_t len = strlen(text);

	do {
		if (below(4) == 0 && len > 8)
			len -= 1 + below(4);
		text[below((unsigned)len)] = (char)below(256);
	} while (is_good(text, len));
	return len;
}

static const char *const tags[] = {"db", NULL};
static const struct guest_identity guests[] = {{.name = "web1"}, {.name = "web2", .tags = tags},
	{.name = "files", .tags = tags}, {.name = "other"}};

static int compare_guest(
	const struct policy_set *a, const struct policy_set *b, const struct what_if *q)
{
	_cleanup_what_if_answer_ struct what_if_answer *x = NULL, *y = NULL;
	_cleanup_setting_list_ struct setting_list l = {0}, m = {0};

	if (what_if(a, q, &x, NULL) < 0 || what_if(b, q, &y, NULL) < 0 ||
		what_if_visit(x, setting_list_record, &l) < 0 ||
		what_if_visit(y, setting_list_record, &m) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		const struct setting_line *s = &l.lines[i], *t = &m.lines[i];

		if (streq(s->value, t->value) && s->line == t->line && !s->file == !t->file &&
			(!s->file || streq(s->file, t->file)))
			continue;
		printf("# %s %s.%s: %s (%s:%u) and %s (%s:%u)\n", q->id.name, s->section, s->key,
			s->value, s->file, s->line, t->value, t->file, t->line);
		return 1;
	}
	return 0;
}

/* 0 where nobody can tell both sets from each other. */
static int compare(const struct policy_set *a, const struct policy_set *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(guests); i++) {
		for (unsigned hour = 0; hour < 72; hour += 5) {
			struct facts facts = {0};
			const struct what_if q = {.id = guests[i],
				.facts = &facts,
				.now_real_usec = hour * USEC_PER_HOUR};
			int r;

			facts_set(&facts, FACT_GUEST_VCPUS, hour % 6);
			r = compare_guest(a, b, &q);
			if (r != 0)
				return r;
		}
	}
	return 0;
}

/* Only what was in force has a last good version: not a file that was shadowed, nor a drop-in
 * without its policy. */
static bool was_in_force(const struct policy_set *set, const struct test_dirs *t, const char *name)
{
	char path[512];

	dirs_path(t, name, path);
	for (size_t i = 0; i < policy_set_count(set); i++) {
		const struct policy *p = policy_set_at(set, i);

		for (size_t k = 0; k < p->n_sources; k++)
			if (streq(policy_source_path(p->sources[k]), path))
				return true;
	}
	return false;
}

/* Returns how many files are broken now, or -1 where the property does not hold. */
static int reload_once(const struct test_dirs *t)
{
	_cleanup_policy_set_ struct policy_set *before = NULL, *broken = NULL, *wanted = NULL;
	static char texts[FILES_MAX][TEXT_SIZE];
	bool breaks[FILES_MAX];
	int n_broken = 0, bad;

	for (int i = 0; i < FILES_MAX; i++) {
		dirs_remove(t, paths[i]);
		good_text(texts[i]);
		if (below(3))
			dirs_write(t, paths[i], texts[i]);
		else
			texts[i][0] = '\0';
	}
	if (policy_set_load(&t->dirs, NULL, &before, NULL) != 0)
		return -1;
	/* The others change, appear and vanish; what will be broken stays. */
	for (int i = 0; i < FILES_MAX; i++) {
		breaks[i] = was_in_force(before, t, paths[i]) && below(3) == 0;
		if (breaks[i] || below(2))
			continue;
		dirs_remove(t, paths[i]);
		good_text(texts[i]);
		if (below(4))
			dirs_write(t, paths[i], texts[i]);
	}
	if (policy_set_load(&t->dirs, NULL, &wanted, NULL) != 0)
		return -1;
	for (int i = 0; i < FILES_MAX; i++) {
		if (!breaks[i])
			continue;
		dirs_write_n(t, paths[i], texts[i], break_text(texts[i]));
		n_broken++;
	}
	bad = policy_set_load(&t->dirs, before, &broken, NULL);
	if (bad < 0 || bad > n_broken)
		return -1;
	return compare(wanted, broken) == 0 ? bad : -1;
}

TEST(a_broken_file_never_changes_what_holds)
{
	const char *cases = getenv("BALLAST_CASES");
	int n = cases ? atoi(cases) : 300, broken = 0;
	_cleanup_dirs_ struct test_dirs t = dirs_new();

	for (int i = 1; i <= n; i++) {
		int r;

		seed = (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15);
		r = reload_once(&t);
		if (r < 0)
			TEST_FAIL("case %d: what holds is not what held", i);
		broken += r;
	}
	printf("# %d cases, %d broken files\n", n, broken);
	CHECK(broken > n / 4);
}

TEST_MAIN()
