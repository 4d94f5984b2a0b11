/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/decide-state.h"

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
	free(s);
	return NULL;
}

struct guest_state *decide_state_find(const struct decide_state *s, const struct uuid *u)
{
	struct guest_state *g;

	HASH_FIND(hh, s->guests, u->bytes, sizeof(u->bytes), g);
	return g;
}

struct guest_state *decide_state_guest(struct decide_state *s, const struct uuid *u)
{
	struct guest_state *g = decide_state_find(s, u);

	if (g)
		return g;
	g = calloc(1, sizeof(*g));
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

void decide_state_forget_unseen(struct decide_state *s)
{
	struct guest_state *g, *next;

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
