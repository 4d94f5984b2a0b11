/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/store/store.h"

#include <stdio.h>

#include "daemon/store/schema.h"
#include "daemon/store/store-internal.h"

static const char *const statement_sql[STORE_KIND_MAX] = {
	[STORE_PUT_TEXT] = "INSERT OR REPLACE INTO text VALUES (?1, ?2)",
	[STORE_PUT_OVERRIDES] = "INSERT OR REPLACE INTO overrides VALUES (?1, ?2)",
	[STORE_DELETE_OVERRIDES] = "DELETE FROM overrides WHERE guest = ?1",
	[STORE_PUT_ORIGINAL] =
		"INSERT OR REPLACE INTO originals VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
	[STORE_DELETE_ORIGINAL] = "DELETE FROM originals WHERE guest = ?1",
	[STORE_ADD_EVENT] =
		"INSERT INTO events (real_usec, text, run, number) VALUES (?1, ?2, (SELECT id FROM runs WHERE name = ?3), ?4)",
	[STORE_ADD_DECISION] =
		"INSERT INTO decisions (real_usec, text, run, number, guest) VALUES (?1, ?2, (SELECT id FROM runs WHERE name = ?3), ?4, ?5)",
};

/* Pruning after every row would double the cost of one; 64 rows beyond the bound do not matter. */
#define PRUNE_EVERY 64

struct store_write *store_write_free(struct store_write *w)
{
	if (!w)
		return NULL;
	for (unsigned i = 0; i < w->n_params; i++)
		free(w->params[i].bytes);
	tick_free(w->tick);
	free(w);
	return NULL;
}
DEFINE_CLEANUP(struct store_write *, store_write_free)

static struct store_write *write_new(enum store_kind kind, store_done done, void *userdata)
{
	struct store_write *w = calloc(1, sizeof(*w));

	if (w) {
		w->kind = kind;
		w->done = done;
		w->soon = done; /* somebody waits */
		w->userdata = userdata;
	}
	return w;
}

static int add_bytes(struct store_write *w, int type, const void *bytes, size_t len)
{
	struct store_param *p = &w->params[w->n_params];

	p->bytes = malloc(len + 1);
	if (!p->bytes)
		return -ENOMEM;
	memcpy(p->bytes, bytes, len);
	p->bytes[len] = '\0';
	p->len = len;
	p->type = type;
	w->n_params++;
	return 0;
}

static int add_text(struct store_write *w, const char *text)
{
	return add_bytes(w, PARAM_TEXT, text ? text : "", text ? strlen(text) : 0);
}

static int add_uuid(struct store_write *w, const struct uuid *u)
{
	return add_bytes(w, PARAM_BLOB, u->bytes, sizeof(u->bytes));
}

static void add_number(struct store_write *w, uint64_t number)
{
	w->params[w->n_params++] =
		(struct store_param){.type = PARAM_INT, .number = (int64_t)number};
}

int store_put_text(struct store *s, const char *key, const char *value, store_done done,
	void *userdata)
{
	_cleanup_(store_write_freep) struct store_write *w =
		write_new(STORE_PUT_TEXT, done, userdata);

	if (!w || add_text(w, key) < 0 || add_text(w, value) < 0)
		return -ENOMEM;
	return store_submit(s, TAKE_PTR(w));
}

int store_put_overrides(struct store *s, const struct uuid *guest, const char *text,
	store_done done, void *userdata)
{
	_cleanup_(store_write_freep) struct store_write *w = write_new(
		text ? STORE_PUT_OVERRIDES : STORE_DELETE_OVERRIDES, done, userdata);

	if (!w || add_uuid(w, guest) < 0 || (text && add_text(w, text) < 0))
		return -ENOMEM;
	return store_submit(s, TAKE_PTR(w));
}

int store_put_original(
	struct store *s, const struct store_original *o, store_done done, void *userdata)
{
	_cleanup_(store_write_freep) struct store_write *w =
		write_new(STORE_PUT_ORIGINAL, done, userdata);

	if (!w || add_uuid(w, &o->guest) < 0 || add_text(w, o->name) < 0 || add_text(w, o->run) < 0)
		return -ENOMEM;
	add_number(w, o->bytes);
	add_number(w, o->cpu_weight);
	add_number(w, o->cpu_quota);
	add_number(w, o->target_bytes);
	add_number(w, o->soft_limited);
	add_number(w, o->cpu_ours);
	add_number(w, o->cpu_shares);
	add_number(w, o->cpu_period_usec);
	add_number(w, (uint64_t)o->cpu_quota_usec);
	add_number(w, o->period_ours);
	return store_submit(s, TAKE_PTR(w));
}

int store_delete_original(struct store *s, const struct uuid *guest)
{
	_cleanup_(store_write_freep) struct store_write *w =
		write_new(STORE_DELETE_ORIGINAL, NULL, NULL);

	if (!w || add_uuid(w, guest) < 0)
		return -ENOMEM;
	return store_submit(s, TAKE_PTR(w));
}

bool store_place(const char *text, char run[static 128], uint64_t *ret_number)
{
	static const char begin[] = "{\"id\":\"";
	const char *id = text + sizeof(begin) - 1, *end, *colon;

	if (strncmp(text, begin, sizeof(begin) - 1) != 0 || !(end = strchr(id, '"')) ||
		!(colon = memrchr(id, ':', (size_t)(end - id))) || colon - id >= 128 || colon == id)
		return false;
	snprintf(run, 128, "%.*s", (int)(colon - id), id);
	*ret_number = strtoull(colon + 1, NULL, 10);
	return true;
}

static int add_object(struct store_write *w, uint64_t real_usec, const char *text)
{
	char run[128] = "";
	uint64_t number = 0;

	if (!store_place(text, run, &number))
		run[0] = '\0';
	add_number(w, real_usec);
	if (add_text(w, text) < 0 || add_text(w, run) < 0)
		return -ENOMEM;
	add_number(w, number);
	return 0;
}

int store_add_event(struct store *s, uint64_t real_usec, const char *text)
{
	_cleanup_(store_write_freep) struct store_write *w = NULL;

	if (strlen(text) > STORE_TEXT_MAX)
		return -E2BIG;
	w = write_new(STORE_ADD_EVENT, NULL, NULL);
	if (!w || add_object(w, real_usec, text) < 0)
		return -ENOMEM;
	return store_submit(s, TAKE_PTR(w));
}

int store_add_tick(struct store *s, struct tick *t)
{
	struct store_write *w = write_new(STORE_ADD_TICK, NULL, NULL);

	if (!w) {
		tick_free(t);
		return -ENOMEM;
	}
	w->tick = t;
	return store_submit(s, w);
}

int store_add_decision(struct store *s, uint64_t real_usec, const struct uuid *guest,
	const char *text)
{
	_cleanup_(store_write_freep) struct store_write *w = NULL;

	if (strlen(text) > STORE_TEXT_MAX)
		return -E2BIG;
	w = write_new(STORE_ADD_DECISION, NULL, NULL);
	if (!w || add_object(w, real_usec, text) < 0 || add_uuid(w, guest) < 0)
		return -ENOMEM;
	return store_submit(s, TAKE_PTR(w));
}

static int bind_param(sqlite3_stmt *st, int i, const struct store_param *p)
{
	switch (p->type) {
	case PARAM_TEXT:
		return sqlite3_bind_text(st, i, p->bytes, (int)p->len, SQLITE_STATIC);
	case PARAM_BLOB:
		return sqlite3_bind_blob(st, i, p->bytes, (int)p->len, SQLITE_STATIC);
	default:
		return sqlite3_bind_int64(st, i, p->number);
	}
}

static bool is_object(const struct store_write *w)
{
	return w->kind == STORE_ADD_EVENT || w->kind == STORE_ADD_DECISION;
}

/* Objects without an id (none of ours) stand before all others. */
static int know_run(struct store *s, const char *run)
{
	sqlite3_stmt *st = NULL;
	int r;

	if (*s->run && streq(s->run, run))
		return SQLITE_OK;
	r = sqlite3_prepare_v2(s->db,
		"INSERT OR IGNORE INTO runs (id, name) VALUES (iif(?1 = '', 0, NULL), ?1)", -1, &st,
		NULL);
	if (r == SQLITE_OK)
		r = sqlite3_bind_text(st, 1, run, -1, SQLITE_STATIC);
	if (r == SQLITE_OK)
		r = sqlite3_step(st);
	sqlite3_finalize(st);
	if (r != SQLITE_DONE)
		return r;
	snprintf(s->run, sizeof(s->run), "%s", run);
	return SQLITE_OK;
}

int store_run(struct store *s, const struct store_write *w)
{
	sqlite3_stmt *st = s->statements[w->kind];
	int r = SQLITE_OK;

	if (w->kind == STORE_ADD_TICK)
		return history_run(s, w->tick);
	if (is_object(w))
		r = know_run(s, w->params[2].bytes);
	if (r != SQLITE_OK)
		return r;

	if (!st) {
		r = sqlite3_prepare_v3(
			s->db, statement_sql[w->kind], -1, SQLITE_PREPARE_PERSISTENT, &st, NULL);
		if (r != SQLITE_OK)
			return r;
		s->statements[w->kind] = st;
	}
	for (unsigned i = 0; i < w->n_params && r == SQLITE_OK; i++)
		r = bind_param(st, (int)i + 1, &w->params[i]);
	if (r == SQLITE_OK)
		r = sqlite3_step(st);
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	if (is_object(w))
		s->since_prune++;
	return r == SQLITE_DONE ? SQLITE_OK : r;
}

int store_prune(struct store *s)
{
	int r;

	if (s->since_prune < PRUNE_EVERY)
		return SQLITE_OK;
	r = store_prune_table(s, "events", s->config.max_events);
	if (r == SQLITE_OK)
		r = store_prune_table(s, "decisions", s->config.max_decisions);
	if (r == SQLITE_OK)
		r = store_bound(s);
	if (r == SQLITE_OK)
		s->since_prune = 0;
	return r;
}

void store_finalize(struct store *s)
{
	for (int i = 0; i < STORE_KIND_MAX; i++) {
		sqlite3_finalize(s->statements[i]);
		s->statements[i] = NULL;
	}
	history_forget(s);
}
