/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/view-copy.h"

#include <stddef.h>

#include "common/units.h"

#define ALIGNMENT _Alignof(max_align_t)

/* Hands out parts of a block. After an allocation that did not fit, all fail. */
struct arena {
	char *at, *end;
	bool full;
};

static void *arena_take(struct arena *a, size_t size)
{
	void *p = a->at;

	size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (a->full || size > (size_t)(a->end - a->at)) {
		a->full = true;
		return NULL;
	}
	a->at += size;
	return p;
}

static void *arena_copy(struct arena *a, const void *from, size_t n, size_t size)
{
	void *p;

	if (!from || !n)
		return NULL;
	p = arena_take(a, n * size);
	if (p)
		memcpy(p, from, n * size);
	return p;
}

/* Strings need no alignment: they are packed. */
static const char *arena_string(struct arena *a, const char *s)
{
	size_t n;
	char *p = a->at;

	if (!s)
		return NULL;
	n = strlen(s) + 1;
	if (a->full || n > (size_t)(a->end - a->at)) {
		a->full = true;
		return NULL;
	}
	memcpy(p, s, n);
	a->at += n;
	return p;
}

/* All tags of all guests: the pointers, in one array. The strings follow with the other strings. */
static void copy_tag_arrays(struct arena *a, struct guest_sample *guests, size_t n)
{
	for (size_t i = 0; i < n && !a->full; i++) {
		size_t tags = 0;

		if (!guests[i].id.tags)
			continue;
		while (guests[i].id.tags[tags])
			tags++;
		guests[i].id.tags = arena_copy(a, guests[i].id.tags, tags + 1, sizeof(char *));
	}
}

static void copy_guest_strings(struct arena *a, struct guest_sample *guests, size_t n)
{
	for (size_t i = 0; i < n && !a->full; i++) {
		struct guest_identity *id = &guests[i].id;

		id->name = arena_string(a, id->name);
		id->host = arena_string(a, id->host);
		for (const char **t = (const char **)(uintptr_t)id->tags; t && *t; t++)
			*t = arena_string(a, *t);
	}
}

static void copy_extra_strings(struct arena *a, struct view_guest *guests, size_t n)
{
	for (size_t i = 0; i < n && !a->full; i++) {
		guests[i].agent_version = arena_string(a, guests[i].agent_version);
		guests[i].os = arena_string(a, guests[i].os);
		guests[i].kernel = arena_string(a, guests[i].kernel);
	}
}

static void copy_override_strings(struct arena *a, struct override *o, size_t n)
{
	for (size_t i = 0; i < n && !a->full; i++) {
		o[i].section = arena_string(a, o[i].section);
		o[i].key = arena_string(a, o[i].key);
		o[i].value = arena_string(a, o[i].value);
		o[i].by = arena_string(a, o[i].by);
		o[i].reason = arena_string(a, o[i].reason);
		o[i].guest_name = arena_string(a, o[i].guest_name);
	}
}

static void copy_problem_strings(struct arena *a, struct view_problem *p, size_t n)
{
	for (size_t i = 0; i < n && !a->full; i++) {
		p[i].code = arena_string(a, p[i].code);
		p[i].text = arena_string(a, p[i].text);
		p[i].remedy = arena_string(a, p[i].remedy);
	}
}

static struct plan *copy_plan(struct arena *a, const struct plan *from)
{
	struct plan *p = arena_copy(a, from, 1, sizeof(*from));

	if (!p)
		return NULL;
	p->actions = arena_copy(a, from->actions, from->n_actions, sizeof(*from->actions));
	p->events = arena_copy(a, from->events, from->n_events, sizeof(*from->events));
	p->guests = arena_copy(a, from->guests, from->n_guests, sizeof(*from->guests));
	return p;
}

bool view_copy(void *memory, size_t size, const struct view_input *in, struct view_input *ret)
{
	struct arena a = {.at = memory, .end = (char *)memory + size};
	struct view_input *v = ret;
	struct snapshot *s = arena_copy(&a, in->snapshot, 1, sizeof(*s));
	size_t n = in->snapshot->n_guests;
	struct reservation *reservations;
	struct override *overrides;
	struct view_problem *problems;
	struct view_guest *extra;

	*v = *in;
	v->state = NULL;
	if (!s)
		return false;
	s->guests = arena_copy(&a, s->guests, n, sizeof(*s->guests));
	s->reservations = reservations =
		arena_copy(&a, s->reservations, s->n_reservations, sizeof(*s->reservations));
	s->overrides = overrides =
		arena_copy(&a, s->overrides, s->n_overrides, sizeof(*s->overrides));
	v->snapshot = s;
	v->plan = copy_plan(&a, in->plan);
	extra = in->guests ? arena_copy(&a, in->guests, n, sizeof(*extra))
			   : arena_take(&a, n * sizeof(*extra));
	if (extra && !in->guests)
		memset(extra, 0, n * sizeof(*extra));
	v->guests = extra;
	v->policies = arena_copy(
		&a, in->policies, in->set ? policy_set_count(in->set) : 0, sizeof(*v->policies));
	v->problems = problems = arena_copy(&a, in->problems, in->n_problems, sizeof(*v->problems));
	v->counters = arena_copy(&a, in->counters, 1, sizeof(*v->counters));
	v->nodes = arena_copy(&a, in->nodes, in->n_nodes, sizeof(*v->nodes));
	if (a.full)
		return false;
	copy_tag_arrays(&a, s->guests, n);
	copy_guest_strings(&a, s->guests, n);
	copy_extra_strings(&a, extra, n);
	for (size_t i = 0; i < s->n_reservations && !a.full; i++)
		reservations[i].guest_name = arena_string(&a, reservations[i].guest_name);
	copy_override_strings(&a, overrides, s->n_overrides);
	copy_problem_strings(&a, problems, v->n_problems);
	s->host.name = arena_string(&a, s->host.name);
	v->libvirt_version = arena_string(&a, v->libvirt_version);
	v->pause.by = arena_string(&a, v->pause.by);
	v->pause.message = arena_string(&a, v->pause.message);
	return !a.full;
}
