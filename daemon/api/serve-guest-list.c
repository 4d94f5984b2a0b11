/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of guests: all of them, or those that a query asks for. */
#include <stdio.h>

#include "daemon/api/route.h"
#include "daemon/api/serve.h"
#include "policy/match.h"

static const char *name_of(const struct snapshot *s, size_t i)
{
	return s->guests[i].id.name ? s->guests[i].id.name : "";
}

static int by_name(const void *a, const void *b, void *userdata)
{
	const struct snapshot *s = userdata;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	int order = strcmp(name_of(s, x), name_of(s, y));

	return order ? order : x < y ? -1 : x > y;
}

/* Indexes of all guests, by name; NULL without memory. */
static size_t *sorted(const struct snapshot *s)
{
	size_t *order = calloc(s->n_guests + 1, sizeof(*order));

	for (size_t i = 0; order && i < s->n_guests; i++)
		order[i] = i;
	if (order)
		qsort_r(order, s->n_guests, sizeof(*order), by_name, (void *)(uintptr_t)s);
	return order;
}

void serve_guests(const struct view_input *k, size_t index, struct json_out *o)
{
	const struct snapshot *s = k->snapshot;
	_cleanup_free_ size_t *order = sorted(s);

	json_out_open(o, '{');
	json_out_key(o, "guests");
	json_out_open(o, '[');
	if (!order)
		o->failed = true;
	for (size_t i = 0; order && i < s->n_guests; i++)
		serve_guest(k, order[i], o);
	json_out_close(o, ']');
	json_out_close(o, '}');
}

static bool has_tag(const struct guest_sample *g, const char *tag)
{
	for (const char *const *t = g->id.tags; t && *t; t++)
		if (streq(*t, tag))
			return true;
	return false;
}

struct looked_for {
	const char *word;
	bool found;
};

static void look_for(const char *word, void *userdata)
{
	struct looked_for *l = userdata;

	l->found |= streq(word, l->word);
}

static bool fits(const struct view_input *k, size_t i, const struct query *q)
{
	const struct guest_sample *g = &k->snapshot->guests[i];
	struct looked_for condition = {.word = q->condition};

	if (q->after && strcmp(name_of(k->snapshot, i), q->after) <= 0)
		return false;
	if (q->name && !glob_match(q->name, name_of(k->snapshot, i)))
		return false;
	if (q->tag && !has_tag(g, q->tag))
		return false;
	if (!q->condition)
		return true;
	guest_conditions(g, plan_guest(k, i), look_for, &condition);
	return condition.found;
}

static int check_condition(const char *word, struct problem *p)
{
	const char *nearest;

	for (const char *const *w = guest_condition_words; *w; w++)
		if (streq(*w, word))
			return 0;
	nearest = nearest_word(word, guest_condition_words);
	problem_set(p, API_PROBLEM_QUERY_INVALID,
		"parameter \"condition\": there is none \"%.60s\"%s%s%s", word,
		nearest ? ", did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
	snprintf(p->parameter, sizeof(p->parameter), "condition");
	return -1;
}

int serve_guests_some(
	const struct view_input *k, const struct query *q, struct json_out *o, struct problem *p)
{
	const struct snapshot *s = k->snapshot;
	_cleanup_free_ size_t *order = NULL;
	size_t n = 0, last = SIZE_MAX, i;

	if (q->condition && check_condition(q->condition, p) < 0)
		return -1;
	order = sorted(s);
	if (!order)
		return problem_set(p, API_PROBLEM_INTERNAL, "out of memory");
	json_out_open(o, '{');
	json_out_key(o, "guests");
	json_out_open(o, '[');
	for (i = 0; i < s->n_guests; i++) {
		if (!fits(k, order[i], q))
			continue;
		if (q->limit && n == q->limit)
			break;
		serve_guest(k, order[i], o);
		last = order[i];
		n++;
	}
	json_out_close(o, ']');
	json_out_key_string(
		o, "next", i < s->n_guests && last != SIZE_MAX ? name_of(s, last) : NULL);
	json_out_close(o, '}');
	return 0;
}
