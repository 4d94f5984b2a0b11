/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The wall clock is set, an hour forth or back, at any time, as often as one likes. What the daemon
 * keeps of its schedules (policy_windows) says then what a daemon started at that moment would say,
 * and says "changed" exactly as often as some window really opened or closed: no opening is lost
 * and none is told twice.
 */
#include "policy/effective.h"

#include "tests/test.h"
#include "tests/wall.h"

#define RUNS 60
#define STEP_SEC 300 /* the daemon looks this often, and at every announced change */
#define DAYS 5

static const char *const schedules[] = {
	"OnCalendar=Mon..Fri 20:00\nUntil=08:00\n",
	"OnCalendar=*:0/20\nDuration=10min\n",
	"OnCalendar=01:30\nUntil=02:00\nTimeZone=Europe/London\n",
	"OnCalendar=00:30\nDuration=1h\nTimeZone=Europe/London\n",
	"OnCalendar=02:15\nOnCalendar=14:00\nDuration=35min\nTimeZone=Australia/Lord_Howe\n",
	"OnCalendar=hourly\nUntil=*:50\nTimeZone=America/New_York\n",
	"OnCalendar=Sun *-*~07/1 00:00\nDuration=1d\nTimeZone=Africa/Casablanca\n",
	"OnCalendar=2025-10-26 00:45 Europe/London\nUntil=2025-10-26 03:05 Europe/London\n",
};
#define N ARRAY_SIZE(schedules)

/* Days on which these zones change, and one on which none does. */
static const char *const bases[] = {"2025-03-29", "2025-10-24", "2025-03-07", "2025-10-31",
	"2025-10-03", "2025-04-04", "2025-02-21", "2025-07-14"};

static struct policy_set *make_set(void)
{
	struct diag_list findings = {0};
	struct policy_set *set = NULL;
	struct policy_text texts[N];
	char names[N][16], bodies[N][256];

	for (size_t i = 0; i < N; i++) {
		snprintf(names[i], sizeof(names[i]), "%02zu.policy", i);
		snprintf(bodies[i], sizeof(bodies[i]), "[Schedule]\n%s[CPU]\nWeight=%zu\n",
			schedules[i], 100 + i);
		texts[i] = (struct policy_text){names[i], NULL, bodies[i], strlen(bodies[i])};
	}
	if (policy_set_from_texts(texts, N, NULL, &set, &findings) < 0)
		for (size_t i = 0; i < findings.n; i++)
			printf("# %s:%u: %s\n", findings.items[i].file, findings.items[i].line,
				findings.items[i].text);
	diag_list_clear(&findings);
	return set;
}

static unsigned windows_open(const struct policy_windows *w)
{
	unsigned open = 0;

	for (size_t i = 0; i < N; i++)
		open |= (unsigned)policy_windows_open(w, i) << i;
	return open;
}

/* What a daemon would see that starts now. */
static unsigned open_at(const struct policy_set *set, uint64_t now)
{
	struct policy_windows *w = policy_windows_new();
	unsigned open;

	if (!w || policy_windows_update(w, set, now) != 1)
		abort();
	open = windows_open(w);
	policy_windows_free(w);
	return open;
}

struct run {
	const struct policy_set *set;
	struct policy_windows *w;
	unsigned open; /* as last seen */
	unsigned told, changes, steps;
};

/* One look. False: not what a fresh daemon sees, or not told as it is. */
static bool look(struct run *run, uint64_t now)
{
	unsigned open = open_at(run->set, now);
	int r = policy_windows_update(run->w, run->set, now);

	run->changes += open != run->open;
	run->told += r == 1;
	if (windows_open(run->w) == open && (r == 1) == (open != run->open) &&
		policy_windows_next_change(run->w) > now) {
		run->open = open;
		return true;
	}
	printf("# at %s UTC: windows %#x, a fresh start sees %#x, before %#x, told %d\n",
		text_of_usec(now), windows_open(run->w), open, run->open, r);
	return false;
}

/* The clock runs from base for some days; at random it is set. */
static bool walk(struct run *run, uint64_t base, uint64_t *seed)
{
	uint64_t now = base;

	/* The first look tells a new set. */
	if (policy_windows_update(run->w, run->set, now) != 1)
		return false;
	run->open = windows_open(run->w);
	while (now < base + DAYS * USEC_PER_DAY) {
		uint64_t next = policy_windows_next_change(run->w);

		now = MIN(next, now + STEP_SEC * USEC_PER_SEC);
		if (test_below(seed, 40) == 0) {
			now = test_below(seed, 2) ? now + USEC_PER_HOUR : now - USEC_PER_HOUR;
			run->steps++;
		}
		if (!look(run, now))
			return false;
	}
	return true;
}

TEST(a_clock_that_is_set_changes_which_windows_are_open_and_nothing_else)
{
	_cleanup_policy_set_ struct policy_set *set = NULL;
	unsigned changes = 0, told = 0, steps = 0;
	uint64_t seed = 1122;

	if (access("/usr/share/zoneinfo/Europe/London", R_OK) < 0)
		TEST_SKIP("no tzdata");
	set = make_set();
	CHECK(set != NULL);
	for (int i = 0; i < RUNS; i++) {
		struct run run = {.set = set, .w = policy_windows_new()};
		bool good;

		CHECK(run.w != NULL);
		good = walk(&run, usec_of(bases[(size_t)i % ARRAY_SIZE(bases)]), &seed);
		policy_windows_free(run.w);
		CHECK(good);
		changes += run.changes;
		told += run.told;
		steps += run.steps;
	}
	printf("# %d days, the clock set %u times, %u changes\n", RUNS * DAYS, steps, changes);
	CHECK_INT(told, changes);
	CHECK(steps > 100 && changes > 1000);
}

/* There and back again: the same windows, whatever was open in between. */
TEST(a_clock_that_is_set_and_set_back_leaves_everything_as_it_was)
{
	static const int64_t hours[] = {1, -1};
	_cleanup_policy_set_ struct policy_set *set = NULL;
	unsigned differed = 0;

	if (access("/usr/share/zoneinfo/Europe/London", R_OK) < 0)
		TEST_SKIP("no tzdata");
	set = make_set();
	CHECK(set != NULL);
	for (size_t b = 0; b < ARRAY_SIZE(bases); b++)
		for (int i = 0; i < 2 * 24 * 12; i++) {
			uint64_t now = usec_of(bases[b]) + (uint64_t)i * STEP_SEC * USEC_PER_SEC;
			int64_t step = hours[i % 2] * (int64_t)USEC_PER_HOUR;
			struct run run = {.set = set, .w = policy_windows_new()};
			unsigned before;
			bool good;

			CHECK(run.w != NULL);
			CHECK_INT(policy_windows_update(run.w, set, now), 1);
			before = run.open = windows_open(run.w);
			good = look(&run, now + (uint64_t)step);
			differed += run.open != before;
			good = good && look(&run, now);
			policy_windows_free(run.w);
			CHECK(good);
			CHECK_INT(run.open, before);
		}
	printf("# an hour made a difference %u times\n", differed);
	CHECK(differed > 100);
}

TEST_MAIN()
