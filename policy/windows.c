/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/windows.h"

#include <stdatomic.h>

#include "policy/policy-set-parts.h"

struct window {
	uint64_t next_usec; /* until when its answer holds */
	bool open;
};

struct policy_windows {
	uint64_t generation; /* of the set that was judged; 0: none yet */
	uint64_t epoch;
	uint64_t judged_usec; /* all answers hold from here... */
	uint64_t next_usec;   /* ...to before here */
	struct window *windows;
	size_t n;
};

struct policy_windows *policy_windows_new(void)
{
	struct policy_windows *w = calloc(1, sizeof(*w));

	if (w)
		w->next_usec = USEC_INFINITY;
	return w;
}

struct policy_windows *policy_windows_free(struct policy_windows *w)
{
	if (w)
		free(w->windows);
	free(w);
	return NULL;
}

struct policy_windows *policy_windows_clone(const struct policy_windows *w)
{
	struct policy_windows *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *w;
	copy->windows = calloc(w->n + 1, sizeof(*copy->windows));
	if (!copy->windows)
		return policy_windows_free(copy);
	if (w->n)
		memcpy(copy->windows, w->windows, w->n * sizeof(*copy->windows));
	return copy;
}

/* Room for another set: nothing is known of its windows. */
static int start_over(struct policy_windows *w, const struct policy_set *set)
{
	size_t n = policy_set_count(set);
	struct window *windows = calloc(n + 1, sizeof(*windows));

	if (!windows)
		return -ENOMEM;
	free(w->windows);
	w->windows = windows;
	w->n = n;
	w->generation = policy_set_generation(set);
	return 0;
}

/* Judges those windows whose answer has run out (all: every one). True when one opened or
 * closed. */
static bool judge(struct policy_windows *w, const struct policy_set *set, uint64_t now, bool all)
{
	bool changed = false;

	w->judged_usec = now;
	w->next_usec = USEC_INFINITY;
	for (size_t i = 0; i < w->n; i++) {
		const struct schedule *schedule = policy_set_at(set, i)->schedule;
		struct window *win = &w->windows[i];
		bool was_open = win->open;

		if (!schedule) {
			win->open = true;
			win->next_usec = USEC_INFINITY;
		} else if (all || now >= win->next_usec) {
			schedule_judge(schedule, now, &win->open, &win->next_usec);
		}
		changed = changed || win->open != was_open;
		w->next_usec = MIN(w->next_usec, win->next_usec);
	}
	return changed;
}

int policy_windows_update(
	struct policy_windows *w, const struct policy_set *set, uint64_t now_real_usec)
{
	static _Atomic uint64_t epochs;
	bool other_set = w->generation != policy_set_generation(set);
	bool changed;

	if (!other_set && w->judged_usec <= now_real_usec && now_real_usec < w->next_usec)
		return 0;
	if (other_set && start_over(w, set) < 0)
		return -ENOMEM;
	changed = judge(w, set, now_real_usec, other_set || now_real_usec < w->judged_usec);
	if (!other_set && !changed)
		return 0;
	w->epoch = atomic_fetch_add(&epochs, 1) + 1;
	return 1;
}

uint64_t policy_windows_next_change(const struct policy_windows *w)
{
	return w->next_usec;
}

uint64_t policy_windows_next(const struct policy_windows *w, size_t i)
{
	return i < w->n ? w->windows[i].next_usec : USEC_INFINITY;
}

bool policy_windows_open(const struct policy_windows *w, size_t i)
{
	return i < w->n && w->windows[i].open;
}

uint64_t policy_windows_epoch(const struct policy_windows *w)
{
	return w->epoch;
}
