/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/view.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "common/units.h"

DEFINE_STRTAB(daemon_mode, enum daemon_mode,
	MODE_MAX, [MODE_OBSERVE] = "observe", [MODE_ENFORCE] = "enforce")

/* A view and the memory all of it lies in. */
struct block {
	struct view view; /* first: a view is its block */
	atomic_uint refs;
	struct view_store *store; /* has a reference for each block */
	struct block *next_spare;
	size_t size; /* of memory */
	max_align_t memory[];
};

/* One block is current, one is being read by a slow client, one is the next. */
#define SPARES_MAX 2
#define FIRST_BLOCK (16 * KIB)
#define ALIGNMENT _Alignof(max_align_t)

struct view_store {
	pthread_mutex_t lock;
	struct block *current;
	struct block *spares;
	unsigned n_spares;
	unsigned refs; /* the owner and each block */
	uint64_t generation;
};

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

/* Copies all but the set's reference. False: the block is too small (what is in it then is not a
 * view). */
static bool block_fill(struct block *b, const struct view_input *in)
{
	struct arena a = {.at = (char *)b->memory, .end = (char *)b->memory + b->size};
	struct view_input *v = &b->view.known;
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
	return !a.full;
}

struct view_store *view_store_new(void)
{
	struct view_store *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	pthread_mutex_init(&s->lock, NULL);
	s->refs = 1;
	return s;
}

/* With the lock held; gives it back. */
static void store_unref_unlock(struct view_store *s)
{
	bool last = --s->refs == 0;

	pthread_mutex_unlock(&s->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct view_store *view_store_free(struct view_store *s)
{
	struct block *current, *spare;

	if (!s)
		return NULL;
	pthread_mutex_lock(&s->lock);
	current = TAKE_PTR(s->current);
	s->n_spares = SPARES_MAX; /* takes no more */
	while ((spare = s->spares)) {
		s->spares = spare->next_spare;
		s->refs--;
		free(spare);
	}
	pthread_mutex_unlock(&s->lock);
	view_unref(current ? &current->view : NULL);
	pthread_mutex_lock(&s->lock);
	store_unref_unlock(s);
	return NULL;
}

/* A spare block, or a new one of at least this size. */
static struct block *store_take_block(struct view_store *s, size_t size)
{
	struct block *b;

	pthread_mutex_lock(&s->lock);
	b = s->spares;
	if (b) {
		s->spares = b->next_spare;
		s->n_spares--;
		s->refs--;
	}
	pthread_mutex_unlock(&s->lock);
	if (b && b->size >= size)
		return b;
	free(b);
	b = malloc(sizeof(*b) + size);
	if (b)
		b->size = size;
	return b;
}

/* A block that holds a copy of in, not yet known to anyone. */
static struct block *store_copy(struct view_store *s, const struct view_input *in)
{
	struct block *b = store_take_block(s, FIRST_BLOCK);

	while (b && !block_fill(b, in)) {
		size_t size = b->size * 2;

		free(b);
		b = malloc(sizeof(*b) + size);
		if (b)
			b->size = size;
	}
	return b;
}

int view_publish(struct view_store *s, const struct view_input *in)
{
	struct block *b = store_copy(s, in), *old;

	if (!b)
		return -ENOMEM;
	b->view.known.set = in->set ? policy_set_ref(in->set) : NULL;
	b->store = s;
	atomic_init(&b->refs, 1);
	pthread_mutex_lock(&s->lock);
	b->view.generation = ++s->generation;
	s->refs++;
	old = s->current;
	s->current = b;
	pthread_mutex_unlock(&s->lock);
	view_unref(old ? &old->view : NULL);
	return 0;
}

struct view *view_get(struct view_store *s)
{
	struct block *b;

	pthread_mutex_lock(&s->lock);
	b = s->current;
	if (b)
		atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
	pthread_mutex_unlock(&s->lock);
	return b ? &b->view : NULL;
}

struct view *view_ref(struct view *v)
{
	atomic_fetch_add_explicit(&((struct block *)v)->refs, 1, memory_order_relaxed);
	return v;
}

struct view *view_unref(struct view *v)
{
	struct block *b = (struct block *)v;
	struct view_store *s;

	if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
		return NULL;
	policy_set_unref(b->view.known.set);
	s = b->store;
	pthread_mutex_lock(&s->lock);
	if (s->n_spares < SPARES_MAX) {
		b->next_spare = s->spares;
		s->spares = b;
		s->n_spares++;
		pthread_mutex_unlock(&s->lock);
		return NULL;
	}
	free(b);
	store_unref_unlock(s);
	return NULL;
}

ssize_t snapshot_find_guest(const struct snapshot *s, const char *uuid_or_name)
{
	struct uuid uuid;

	if (uuid_parse(uuid_or_name, &uuid) == 0)
		for (size_t i = 0; i < s->n_guests; i++)
			if (uuid_equal(&s->guests[i].id.uuid, &uuid))
				return (ssize_t)i;
	for (size_t i = 0; i < s->n_guests; i++)
		if (s->guests[i].id.name && streq(s->guests[i].id.name, uuid_or_name))
			return (ssize_t)i;
	return -ENOENT;
}

const char *snapshot_nearest_guest(const struct snapshot *s, const char *word)
{
	_cleanup_free_ const char **names = calloc(s->n_guests + 1, sizeof(*names));
	size_t n = 0;

	if (!names)
		return NULL;
	for (size_t i = 0; i < s->n_guests; i++)
		if (s->guests[i].id.name)
			names[n++] = s->guests[i].id.name;
	return nearest_word(word, names);
}

uint64_t snapshot_real_usec(const struct snapshot *s, uint64_t boot_usec)
{
	if (!boot_usec || boot_usec == USEC_INFINITY)
		return boot_usec;
	if (boot_usec <= s->now_boot_usec)
		return sub_sat(s->now_real_usec, s->now_boot_usec - boot_usec);
	return add_sat(s->now_real_usec, boot_usec - s->now_boot_usec);
}
