/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/view.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "common/units.h"
#include "daemon/view-copy.h"

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

struct view_store {
	pthread_mutex_t lock;
	struct block *current;
	struct block *spares;
	unsigned n_spares;
	unsigned refs; /* the owner and each block */
	uint64_t generation;
	atomic_uint_fast64_t changes;
};

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

	while (b && !view_copy(b->memory, b->size, in, &b->view.known)) {
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

void view_store_touch(struct view_store *s)
{
	if (s)
		atomic_fetch_add_explicit(&s->changes, 1, memory_order_relaxed);
}

uint64_t view_store_changes(const struct view_store *s)
{
	return atomic_load_explicit(&s->changes, memory_order_relaxed);
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
