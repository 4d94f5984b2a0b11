/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/replay.h"

static void entry_free(struct replay *r)
{
	free(r->client);
	free(r->key);
	free(r->path);
	free(r->text);
	free(r);
}

static void drop(struct replay_table *t, struct replay **link)
{
	struct replay *r = *link;

	*link = r->next;
	t->n--;
	t->bytes -= r->len;
	entry_free(r);
}

void replay_forget(struct replay_table *t, struct replay *r)
{
	for (struct replay **link = &t->first; *link; link = &(*link)->next)
		if (*link == r) {
			drop(t, link);
			return;
		}
}

void replay_clear(struct replay_table *t)
{
	while (t->first)
		drop(t, &t->first);
}

bool replay_key_is_good(const char *key)
{
	size_t n = 0;

	for (; key[n]; n++)
		if (key[n] <= ' ' || key[n] >= 127)
			return false;
	return n >= 1 && n <= REPLAY_KEY_MAX;
}

/* What is under way stays, however long that takes: somebody holds it, to answer it. */
static void expire(struct replay_table *t, uint64_t now_usec)
{
	struct replay **link = &t->first;

	while (*link) {
		if ((*link)->done && now_usec - (*link)->since_usec >= REPLAY_USEC)
			drop(t, link);
		else
			link = &(*link)->next;
	}
}

/* The oldest answer, of this client or (NULL) of anybody. What is under way stays. Returns whether
 * there was one. */
static bool drop_oldest(struct replay_table *t, const char *client)
{
	for (struct replay **link = &t->first; *link; link = &(*link)->next)
		if ((*link)->done && (!client || streq((*link)->client, client))) {
			drop(t, link);
			return true;
		}
	return false;
}

static struct replay *entry_new(const struct replay_ask *ask, uint64_t now_usec)
{
	struct replay *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->client = strdup(ask->client);
	r->key = strdup(ask->key);
	r->path = strdup(ask->path);
	r->request = ask->request;
	r->since_usec = now_usec;
	if (r->client && r->key && r->path)
		return r;
	entry_free(r);
	return NULL;
}

enum replay_found replay_begin(struct replay_table *t, const struct replay_ask *ask,
	uint64_t now_usec, struct replay **ret)
{
	struct replay **last;
	unsigned mine = 0;

	expire(t, now_usec);
	for (struct replay *r = t->first; r; r = r->next) {
		if (!streq(r->client, ask->client))
			continue;
		mine++;
		if (!streq(r->key, ask->key))
			continue;
		*ret = r;
		return r->request != ask->request ? REPLAY_MISMATCH
		       : r->done		  ? REPLAY_STORED
						  : REPLAY_UNDER_WAY;
	}
	if (mine >= REPLAY_CLIENT_MAX && !drop_oldest(t, ask->client))
		return REPLAY_FULL;
	if (t->n >= REPLAY_MAX && !drop_oldest(t, NULL))
		return REPLAY_FULL;
	for (last = &t->first; *last;)
		last = &(*last)->next;
	*last = *ret = entry_new(ask, now_usec);
	if (!*last)
		return REPLAY_FULL;
	t->n++;
	return REPLAY_NEW;
}

void replay_store(struct replay_table *t, struct replay *r, unsigned status, bool is_problem,
	const char *text, size_t len, uint64_t now_usec)
{
	if (text && (r->text = malloc(len + 1))) {
		memcpy(r->text, text, len);
		r->text[len] = '\0';
		r->len = len;
		t->bytes += len;
	}
	if (text && !r->text) {
		replay_forget(t, r);
		return;
	}
	r->status = status;
	r->is_problem = is_problem;
	r->since_usec = now_usec;
	r->done = true;
	while (t->bytes > REPLAY_BYTES_MAX && drop_oldest(t, NULL))
		;
}
