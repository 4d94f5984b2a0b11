/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/decide-state.h"

#include "policy/decision.h"

struct decide_state *decide_state_new(void)
{
	struct decide_state *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->windows = policy_windows_new();
	if (!s->windows)
		return decide_state_free(s);
	return s;
}

static void guest_state_free(struct guest_state *g)
{
	guest_policy_free(g->policy);
	free(g);
}

struct decide_state *decide_state_free(struct decide_state *s)
{
	struct guest_state *g, *next;

	if (!s)
		return NULL;
	HASH_ITER (hh, s->guests, g, next) {
		HASH_DEL(s->guests, g);
		guest_state_free(g);
	}
	policy_windows_free(s->windows);
	free(s->order);
	free(s->override_order);
	free(s->work);
	free(s->divs);
	free(s);
	return NULL;
}

struct guest_state *decide_state_find(const struct decide_state *s, const struct uuid *u)
{
	struct guest_state *g;

	HASH_FIND(hh, s->guests, u->bytes, sizeof(u->bytes), g);
	return g;
}

static int room_make(struct decide_state *s, size_t n)
{
	struct guest_state **order = reallocarray(s->order, n, sizeof(*order));

	if (!order)
		return -ENOMEM;
	s->order = order;
	free(s->work);
	free(s->divs);
	s->work = malloc(n * sizeof(*s->work));
	s->divs = malloc(n * sizeof(*s->divs));
	s->n_room = s->work && s->divs ? n : 0;
	return s->n_room ? 0 : -ENOMEM;
}

int decide_state_begin(struct decide_state *s, size_t n, struct work **ret_work,
	struct division_guest **ret_divs)
{
	if ((n > s->n_room || !s->n_room) && room_make(s, MAX(n, (size_t)16)) < 0)
		return -ENOMEM;
	memset(s->work, 0, n * sizeof(*s->work));
	memset(s->divs, 0, n * sizeof(*s->divs));
	s->decisions++;
	*ret_work = s->work;
	*ret_divs = s->divs;
	return 0;
}

static struct guest_state *guest_add(struct decide_state *s, const struct uuid *u)
{
	struct guest_state *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->policy = guest_policy_new();
	if (!g->policy) {
		free(g);
		return NULL;
	}
	g->uuid = *u;
	demand_init(&g->demand);
	HASH_ADD(hh, s->guests, uuid.bytes, sizeof(g->uuid.bytes), g);
	return g;
}

/* Mostly it has the place that it had in the last snapshot. */
struct guest_state *decide_state_guest(struct decide_state *s, const struct uuid *u, size_t index)
{
	struct guest_state *g = index < s->n_order ? s->order[index] : NULL;

	if (g && uuid_equal(&g->uuid, u))
		return g;
	g = decide_state_find(s, u);
	if (!g)
		g = guest_add(s, u);
	if (!g)
		return NULL;
	s->order[index] = g;
	s->n_order = MAX(s->n_order, index + 1);
	return g;
}

void decide_state_forget_unseen(struct decide_state *s, size_t n_seen)
{
	struct guest_state *g, *next;

	s->n_order = n_seen; /* whoever stands further on may be gone */
	if (HASH_COUNT(s->guests) == n_seen)
		return;
	HASH_ITER (hh, s->guests, g, next)
		if (g->seen != s->decisions) {
			HASH_DEL(s->guests, g);
			guest_state_free(g);
		}
}

struct decide_state *decide_state_clone(const struct decide_state *s)
{
	_cleanup_(decide_state_freep) struct decide_state *copy = malloc(sizeof(*copy));
	struct guest_state *g, *next;

	if (!copy)
		return NULL;
	*copy = *s;
	copy->guests = NULL;
	copy->order = NULL;
	copy->override_order = NULL;
	copy->work = NULL;
	copy->divs = NULL;
	copy->n_order = copy->n_override_order = copy->n_room = 0;
	copy->windows = policy_windows_clone(s->windows);
	if (!copy->windows)
		return NULL;
	HASH_ITER (hh, s->guests, g, next) {
		struct guest_state *c = malloc(sizeof(*c));

		if (!c)
			return NULL;
		*c = *g;
		c->policy = guest_policy_clone(g->policy);
		if (!c->policy) {
			free(c);
			return NULL;
		}
		HASH_ADD(hh, copy->guests, uuid.bytes, sizeof(c->uuid.bytes), c);
	}
	return TAKE_PTR(copy);
}

const struct guest_policy *decide_state_guest_policy(const struct decide_state *s,
	const struct uuid *guest)
{
	struct guest_state *g = decide_state_find(s, guest);

	return g ? g->policy : NULL;
}

const struct policy_windows *decide_state_windows(const struct decide_state *s)
{
	return s->windows;
}
