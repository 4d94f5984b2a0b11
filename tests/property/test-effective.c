/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a guest's policy keeps between updates is never stale: after any sequence of reloads, clock
 * steps, new facts, names and overrides it is what an answer from nothing would be; and an update
 * that says "nothing new" left every value as it was. BALLAST_CASES=N: other than 200 sequences of
 * 60 steps.
 */
#include "policy/effective.h"

#include "policy/setting-list.h"
#include "policy/what-if.h"
#include "tests/test.h"

static uint64_t seed;

static unsigned below(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

#define POLICIES 6
#define TEXT_SIZE 512
#define STEPS 60

/* LastingSec is left to the unit tests: an answer from nothing knows no past. */
static struct policy_set *random_set(void)
{
	static const char *const whos[] = {"", "[Match]\nGuest=web*\n", "[Match]\nTag=db\n",
		"[Match]\nGuest=* !web1\n", "[Match]\nHost=host1\n"};
	static const char *const whens[] = {"", "",
		"[Schedule]\nOnCalendar=20:00\nUntil=08:00\nTimeZone=UTC\n",
		"[Schedule]\nOnCalendar=*:0/10\nDuration=5min\nTimeZone=Europe/London\n",
		"[When]\nCondition=guest.vcpus > 2\n",
		"[Schedule]\nOnCalendar=06:00\nDuration=12h\n[When]\nCondition=host.guests < 3\n"};
	static const char *const names[POLICIES] = {"a", "b", "c", "d", "e", "f"};
	static char texts[POLICIES][TEXT_SIZE];
	struct policy_text t[POLICIES];
	struct policy_set *set = NULL;
	size_t n = 1 + below(POLICIES);

	for (size_t i = 0; i < n; i++) {
		char *s = texts[i];
		int len = snprintf(s, TEXT_SIZE, "%s%s", whos[below(ARRAY_SIZE(whos))],
			whens[below(ARRAY_SIZE(whens))]);

		if (below(2))
			len += snprintf(s + len, TEXT_SIZE, "[Memory]\nMin=%uM\n", below(4096));
		else if (below(2))
			len += snprintf(s + len, TEXT_SIZE, "[Memory]\nMax=%uM\n", 1 + below(4096));
		if (below(3) == 0)
			len += snprintf(s + len, TEXT_SIZE, "[CPU]\nWeight=%u\n", 1 + below(100));
		if (below(3) == 0)
			snprintf(s + len, TEXT_SIZE, "[Memory]\nMin=\n[Disk]\nGrowBy=%uM\n",
				below(9));
		t[i] = (struct policy_text){names[i], NULL, s, strlen(s)};
	}
	return policy_set_from_texts(t, n, NULL, &set, NULL) == 0 ? set : NULL;
}

struct world {
	struct policy_set *set;
	struct policy_windows *windows;
	struct guest_policy *gp;
	struct guest_identity id;
	bool identity_changed;
	struct facts facts;
	struct override overrides[3];
	size_t n_overrides;
	uint64_t boot, real;
};

static void world_clear(struct world *w)
{
	policy_set_unref(w->set);
	policy_windows_free(w->windows);
	guest_policy_free(w->gp);
}

static void change_overrides(struct world *w)
{
	static const struct {
		const char *section, *key, *value;
	} settings[] = {{"Memory", "Min", "1G"}, {"Memory", "Max", "512M"}, {"CPU", "Weight", "9"},
		{"CPU", "Quota", "10%"}};

	w->n_overrides = below(ARRAY_SIZE(w->overrides) + 1);
	for (size_t i = 0; i < w->n_overrides; i++) {
		size_t k = below(ARRAY_SIZE(settings));

		w->overrides[i] = (struct override){.section = settings[k].section,
			.key = settings[k].key,
			.value = settings[k].value,
			.until_boot_usec =
				below(2) ? USEC_INFINITY : w->boot + below(1000) * USEC_PER_SEC,
			.until_real_usec =
				below(2) ? USEC_INFINITY : w->real + below(1000) * USEC_PER_SEC};
	}
}

static void change_world(struct world *w)
{
	static const char *const names[] = {"web1", "web2", "db1"};
	static const char *const tags[] = {"db", NULL};

	w->identity_changed = false;
	switch (below(7)) {
	case 0:
		policy_set_unref(w->set);
		w->set = random_set();
		break;
	case 1:
		w->id.name = names[below(ARRAY_SIZE(names))];
		w->id.tags = below(2) ? tags : NULL;
		w->id.host = below(2) ? "host1" : NULL;
		w->identity_changed = true;
		break;
	case 2:
		w->real -= MIN(w->real, below(86400) * USEC_PER_SEC); /* the clock is set back */
		break;
	case 3:
		w->real += below(86400) * USEC_PER_SEC;
		break;
	case 4:
		change_overrides(w);
		break;
	case 5:
		w->facts.known = 0;
		facts_set(&w->facts, FACT_GUEST_VCPUS, below(5));
		if (below(2))
			facts_set(&w->facts, FACT_HOST_GUESTS, below(5));
		break;
	default: { /* a copy goes on in its place */
		struct guest_policy *copy = guest_policy_clone(w->gp);

		guest_policy_free(w->gp);
		w->gp = copy;
		break;
	}
	}
	w->boot += below(600) * USEC_PER_SEC;
	w->real += below(600) * USEC_PER_SEC;
}

static bool same_lists(const struct setting_list *a, const struct setting_list *b, bool origins)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct setting_line *x = &a->lines[i], *y = &b->lines[i];

		if (streq(x->value, y->value) &&
			(!origins || (x->line == y->line && !x->file == !y->file &&
					     (!x->file || streq(x->file, y->file)))))
			continue;
		printf("# %s: %s (%s:%u), wanted %s (%s:%u)\n", x->key, x->value, x->file, x->line,
			y->value, y->file, y->line);
		return false;
	}
	return true;
}

static int from_nothing(const struct world *w, struct setting_list *ret)
{
	struct override holding[ARRAY_SIZE(w->overrides)];
	struct what_if q = {
		.id = w->id, .now_real_usec = w->real, .facts = &w->facts, .overrides = holding};
	_cleanup_what_if_answer_ struct what_if_answer *a = NULL;

	for (size_t i = 0; i < w->n_overrides; i++)
		if (w->boot < w->overrides[i].until_boot_usec &&
			w->real < w->overrides[i].until_real_usec)
			holding[q.n_overrides++] = w->overrides[i];
	if (what_if(w->set, &q, &a, NULL) < 0)
		return -1;
	return what_if_visit(a, setting_list_record, ret);
}

static bool step_holds(struct world *w, struct setting_list *before)
{
	_cleanup_setting_list_ struct setting_list is = {0}, wanted = {0};
	uint64_t wake;
	int r;

	change_world(w);
	if (!w->set || !w->gp || policy_windows_update(w->windows, w->set, w->real) < 0)
		return false;
	r = guest_policy_update(w->gp, w->set, w->windows, &w->id, w->identity_changed, &w->facts,
		w->overrides, w->n_overrides, w->boot, w->real, &wake);
	if (r < 0 || wake <= w->boot || guest_policy_visit(w->gp, setting_list_record, &is) < 0 ||
		from_nothing(w, &wanted) < 0 || !same_lists(&is, &wanted, true))
		return false;
	for (size_t i = 0; r == 0 && before->n && i < is.n; i++)
		if (is.lines[i].in_force && !streq(is.lines[i].value, before->lines[i].value))
			return false;
	setting_list_clear(before);
	*before = is;
	is = (struct setting_list){0};
	return true;
}

TEST(what_is_kept_is_what_an_answer_from_nothing_would_be)
{
	const char *cases = getenv("BALLAST_CASES");
	int n = cases ? atoi(cases) : 200;

	for (int i = 1; i <= n; i++) {
		_cleanup_(world_clear) struct world w = {.windows = policy_windows_new(),
			.gp = guest_policy_new(),
			.id = {.name = "web1"}};
		_cleanup_setting_list_ struct setting_list before = {0};

		seed = (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15);
		w.real = below(1000000) * USEC_PER_MIN;
		w.set = random_set();
		for (int step = 0; step < STEPS; step++)
			if (!step_holds(&w, &before))
				TEST_FAIL("sequence %d, step %d", i, step);
	}
}

TEST_MAIN()
