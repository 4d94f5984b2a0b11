/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include "common/json.h"
#include "common/units.h"

/*
 * Operations: commands whose asker does not wait for them. What is acknowledged (202) is on the
 * disk first, so that a daemon that comes back can say what became of it. The last OPERATIONS_MAX
 * are kept, each in a place of its own in the store: number N in place N modulo OPERATIONS_MAX. One
 * that still runs keeps its place, however old: its number's successor in that place is left out.
 */
#define RESULT_MAX (16 * KIB) /* longer answers are not kept */

struct operation {
	uint64_t id;
	char kind[32], by[PAUSE_BY_MAX];
	uint64_t started_real_usec, ended_real_usec; /* 0: not yet */
	enum operation_state state;
	unsigned status; /* of its answer */
	char *answer;	 /* owned JSON: what it answered, or the problem; NULL: none */
	struct api_call *work;
	enum api_role needed; /* while it runs: to ask for it, and so to cancel it */
	size_t moving; /* guests that had commands on their way when it began */
	bool cancelled;
};

static struct operation *operation_free(struct operation *op)
{
	if (op)
		free(op->answer);
	free(op);
	return NULL;
}

void operations_free(struct manager *m)
{
	for (size_t i = 0; i < OPERATIONS_MAX; i++)
		m->operations[i] = operation_free(m->operations[i]);
}

static struct operation **place(struct manager *m, uint64_t id)
{
	return &m->operations[id % OPERATIONS_MAX];
}

static size_t moving(const struct manager *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_guests; i++)
		n += m->guests[i]->n_sent || m->guests[i]->cpu_id;
	return n;
}

/* By guest, where it is guests that are waited for. */
static uint64_t progress(const struct manager *m, const struct operation *op)
{
	size_t now;

	if (op->state != OPERATION_RUNNING)
		return op->state == OPERATION_DONE ? PERMYRIAD : UINT64_MAX;
	if (!streq(op->kind, "mode-set") || !op->moving)
		return UINT64_MAX;
	now = MIN(moving(m), op->moving);
	return (op->moving - now) * PERMYRIAD / op->moving;
}

static void operation_write(
	const struct manager *m, const struct operation *op, bool whole, struct json_out *o)
{
	bool failed = op->state == OPERATION_FAILED || op->state == OPERATION_CANCELLED;

	json_out_open(o, '{');
	json_out_key_u64(o, "id", op->id);
	json_out_key_string(o, "kind", op->kind);
	json_out_key_string(o, "by", op->by);
	json_out_key_time(o, "started", op->started_real_usec);
	json_out_key_time(o, "ended", op->ended_real_usec);
	json_out_key_string(o, "state", operation_state_to_string(op->state));
	json_out_key_u64(o, "progress_permyriad", progress(m, op));
	json_out_key_u64(o, "status", op->status ? op->status : UINT64_MAX);
	if (whole) {
		json_out_key(o, "result");
		if (op->answer && !failed)
			json_out_raw(o, op->answer, strlen(op->answer));
		else
			json_out_null(o);
		json_out_key(o, "problem");
		if (op->answer && failed)
			json_out_raw(o, op->answer, strlen(op->answer));
		else
			json_out_null(o);
	}
	json_out_close(o, '}');
}

unsigned operations_running(const struct manager *m)
{
	unsigned n = 0;

	for (size_t i = 0; i < OPERATIONS_MAX; i++)
		n += m->operations[i] && m->operations[i]->state == OPERATION_RUNNING;
	return n;
}

/* ---- in the store ---- */

static char *key_of(uint64_t id, char buf[static 32])
{
	snprintf(buf, 32, "operation/%u", (unsigned)(id % OPERATIONS_MAX));
	return buf;
}

static int put(struct manager *m, const struct operation *op, store_done done, void *userdata)
{
	_cleanup_json_out_ struct json_out o = {0};
	char key[32];

	json_out_open(&o, '{');
	json_out_key_u64(&o, "id", op->id);
	json_out_key_string(&o, "kind", op->kind);
	json_out_key_string(&o, "by", op->by);
	json_out_key_u64(&o, "started", op->started_real_usec);
	json_out_key_u64(&o, "ended", op->ended_real_usec);
	json_out_key_string(&o, "state", operation_state_to_string(op->state));
	json_out_key_u64(&o, "status", op->status);
	json_out_key_string(&o, "answer", op->answer);
	json_out_close(&o, '}');
	if (o.failed)
		return -ENOMEM;
	return m->store ? store_put_text(m->store, key_of(op->id, key), o.buf, done, userdata)
			: -EROFS;
}

void operations_put_all(struct manager *m)
{
	for (size_t i = 0; i < OPERATIONS_MAX; i++)
		if (m->operations[i])
			(void)!put(m, m->operations[i], NULL, NULL);
}

static uint64_t number(const json_t *j, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(j, key));

	return n > 0 ? (uint64_t)n : 0;
}

static void text(const json_t *j, const char *key, char *buf, size_t size)
{
	const char *s = json_string_value(json_object_get(j, key));

	snprintf(buf, size, "%s", s ? s : "");
}

/* What ran when the daemon ended did not come to its end, as far as anybody knows. */
static void interrupted(struct operation *op)
{
	op->state = OPERATION_FAILED;
	op->ended_real_usec = clock_real_usec();
	op->status = 503;
	free(op->answer);
	op->answer = strdup(
		"{\"type\":\"urn:ballast:problem:stopping\",\"title\":\"The daemon is stopping\",\"status\":503,\"code\":\"stopping\","
		"\"detail\":\"ballastd ended while it ran: it may have been done in part; look, and ask again\",\"instance\":\"/v1/operations\"}");
}

static void take(struct manager *m, const char *stored)
{
	_cleanup_json_ json_t *j = json_loads(stored, 0, NULL);
	const char *answer = json_string_value(json_object_get(j, "answer"));
	struct operation *op = j ? calloc(1, sizeof(*op)) : NULL;
	char state[16];

	if (!op)
		return;
	op->id = number(j, "id");
	text(j, "kind", op->kind, sizeof(op->kind));
	text(j, "by", op->by, sizeof(op->by));
	text(j, "state", state, sizeof(state));
	op->started_real_usec = number(j, "started");
	op->ended_real_usec = number(j, "ended");
	op->status = (unsigned)number(j, "status");
	op->state = operation_state_from_string(state);
	op->answer = answer ? strdup(answer) : NULL;
	if (!op->id || op->state == OPERATION_INVALID || *place(m, op->id)) {
		operation_free(op);
		return;
	}
	*place(m, op->id) = op;
	m->operation_last = MAX(m->operation_last, op->id);
	if (op->state != OPERATION_RUNNING)
		return;
	interrupted(op);
	if (!m->dry_run)
		(void)!put(m, op, NULL, NULL);
}

int operations_load(struct manager *m)
{
	for (size_t i = 0; m->store && i < OPERATIONS_MAX; i++) {
		_cleanup_free_ char *stored = NULL;
		char key[32];
		int r = store_load_text(m->store, key_of(i, key), &stored);

		if (r < 0 && r != -ENOENT)
			return r;
		if (r >= 0)
			take(m, stored);
	}
	return 0;
}

/* ---- from the API ---- */

/* Somebody to wait for it makes the store write at once: who is told that it is done must not find
 * it failed after a crash. */
static void noted(void *userdata, int error, const char *why)
{
}

static void ended(
	void *userdata, struct api_call *work, unsigned status, bool is_problem, const char *answer)
{
	struct manager *m = userdata;

	for (size_t i = 0; i < OPERATIONS_MAX; i++) {
		struct operation *op = m->operations[i];

		if (!op || op->work != work)
			continue;
		op->work = NULL;
		op->ended_real_usec = clock_real_usec();
		op->state = op->cancelled ? OPERATION_CANCELLED
			    : is_problem  ? OPERATION_FAILED
					  : OPERATION_DONE;
		m->counters.operations[op->state]++;
		op->status = status;
		op->answer = answer && strlen(answer) <= RESULT_MAX ? strdup(answer) : NULL;
		(void)!put(m, op, noted, m);
	}
}

/* An acknowledgement that waits for the disk. */
struct waiting_ack {
	struct manager *m;
	struct api_call *ack;
	uint64_t id;
	bool again; /* it has ended meanwhile: that is on its way to the disk, too */
};

static void saved(void *userdata, int error, const char *why)
{
	_cleanup_free_ struct waiting_ack *w = userdata;
	struct manager *m = w->m;
	struct operation *op = *place(w->m, w->id);
	struct json_out o = {0};
	char location[64];

	if (error < 0 || op->id != w->id) {
		api_call_problem(w->ack, API_PROBLEM_TIMEOUT,
			"It goes on, but cannot be noted as an operation (%s): watch /v1/events.",
			error < 0 ? why : "too much has ended since");
		return;
	}
	if (op->state != OPERATION_RUNNING && !w->again) {
		w->again = true;
		if (put(m, op, saved, w) >= 0) {
			w = NULL;
			return;
		}
	}
	snprintf(location, sizeof(location), "/v1/operations/%llu", (unsigned long long)w->id);
	api_call_location(w->ack, location);
	operation_write(w->m, op, true, &o);
	api_call_reply_text(w->ack, 202, &o);
}

/* The next number in whose place nothing runs, or 0. */
static uint64_t next_number(struct manager *m)
{
	for (uint64_t id = m->operation_last + 1; id <= m->operation_last + OPERATIONS_MAX; id++)
		if (!*place(m, id) || (*place(m, id))->state != OPERATION_RUNNING)
			return id;
	return 0;
}

void operation_begin(void *userdata, struct api_call *ack, struct api_call *work, const char *kind)
{
	struct manager *m = userdata;
	struct waiting_ack *w = calloc(1, sizeof(*w));
	struct operation *op = calloc(1, sizeof(*op)), **at;
	uint64_t id = next_number(m);

	if (!w || !op || !id) {
		free(w);
		free(op);
		api_call_problem(ack, API_PROBLEM_TIMEOUT,
			"It goes on, but too much is under way to note it as an operation: watch /v1/events.");
		return;
	}
	at = place(m, id);
	operation_free(*at);
	*at = op;
	op->id = m->operation_last = id;
	snprintf(op->kind, sizeof(op->kind), "%s", kind);
	snprintf(op->by, sizeof(op->by), "%s", api_call_by(work));
	op->started_real_usec = clock_real_usec();
	op->work = work;
	op->needed = api_call_needs(work);
	op->moving = moving(m);
	api_call_on_end(work, ended, m);
	*w = (struct waiting_ack){m, ack, op->id, false};
	if (put(m, op, saved, w) < 0)
		saved(w, -ENOBUFS, "too much waits for the disk");
}

static int newest_first(const void *va, const void *vb)
{
	const struct operation *const *a = va, *const *b = vb;

	return (*a)->id < (*b)->id ? 1 : (*a)->id > (*b)->id ? -1 : 0;
}

void operation_list(void *userdata, struct api_call *call)
{
	const struct operation *all[OPERATIONS_MAX];
	struct manager *m = userdata;
	struct json_out o = {0};
	size_t n = 0;

	for (size_t i = 0; i < OPERATIONS_MAX; i++)
		if (m->operations[i])
			all[n++] = m->operations[i];
	qsort(all, n, sizeof(all[0]), newest_first);

	json_out_open(&o, '{');
	json_out_key(&o, "operations");
	json_out_open(&o, '[');
	for (size_t i = 0; i < n; i++)
		operation_write(m, all[i], false, &o);
	json_out_close(&o, ']');
	json_out_close(&o, '}');
	api_call_reply_text(call, 200, &o);
}

static struct operation *find(struct manager *m, struct api_call *call, uint64_t id)
{
	struct operation *op = *place(m, id);

	if (op && op->id == id)
		return op;
	api_call_problem(call, API_PROBLEM_OPERATION_UNKNOWN,
		"There is no operation %llu (the last %d are kept).", (unsigned long long)id,
		OPERATIONS_MAX);
	return NULL;
}

void operation_get(void *userdata, struct api_call *call, uint64_t id)
{
	struct manager *m = userdata;
	const struct operation *op = find(m, call, id);
	struct json_out o = {0};

	if (!op)
		return;
	operation_write(m, op, true, &o);
	api_call_reply_text(call, 200, &o);
}

void operation_cancel(void *userdata, struct api_call *call, uint64_t id)
{
	struct manager *m = userdata;
	struct operation *op = find(m, call, id);
	char what[80];

	if (!op)
		return;
	if (op->state != OPERATION_RUNNING) {
		api_call_problem(call, API_PROBLEM_CONFLICT, "Operation %llu has ended: %s.",
			(unsigned long long)id, operation_state_to_string(op->state));
		return;
	}
	snprintf(what, sizeof(what), "Operation %llu is a %s", (unsigned long long)id, op->kind);
	if (!api_call_may(call, op->needed, what))
		return;
	if (!policy_waits(m, op->work)) {
		api_call_problem(call, API_PROBLEM_CONFLICT,
			"Operation %llu (%s) has begun and cannot be cancelled: only a change of a policy that waits for another one can.",
			(unsigned long long)id, op->kind);
		return;
	}
	if (!api_call_dry_run(call)) {
		op->cancelled = true;
		policy_cancel(m, op->work, api_call_by(call));
	}
	api_call_reply(call, 204, NULL);
}
