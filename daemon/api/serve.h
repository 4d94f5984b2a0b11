/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/json.h"
#include "daemon/api/problem.h"
#include "daemon/past.h"
#include "daemon/view.h"

/*
 * From what is known to JSON, as docs/API.md says. Pure; used on views in the HTTP thread and on
 * the main loop's own state there. The serve_ functions answer a route each; the write_ functions
 * are the parts that several answers share. index: of the noun.
 */
struct query;
void serve_version(const struct view_input *k, size_t index, struct json_out *o);
void serve_hosts(const struct view_input *k, size_t index, struct json_out *o);
void serve_host(const struct view_input *k, size_t index, struct json_out *o);
void serve_guests(const struct view_input *k, size_t index, struct json_out *o);
/* Those that the query asks for, with `next`. */
int serve_guests_some(
	const struct view_input *k, const struct query *q, struct json_out *o, struct problem *p);
void serve_guest(const struct view_input *k, size_t index, struct json_out *o);
void serve_plan(const struct view_input *k, size_t index, struct json_out *o);
void serve_policies(const struct view_input *k, size_t index, struct json_out *o);
void serve_policy(const struct view_input *k, size_t index, struct json_out *o);
void serve_pause(const struct view_input *k, size_t index, struct json_out *o);
void serve_reservations(const struct view_input *k, size_t index, struct json_out *o);
void serve_overrides(const struct view_input *k, size_t index, struct json_out *o);
void serve_mode(const struct view_input *k, size_t index, struct json_out *o);

/* Words of a policy's layer. */
extern const char *const policy_layer_words[];
/* How the plan sees guest i, or NULL. */
static inline const struct plan_guest *plan_guest(const struct view_input *k, size_t i)
{
	return k->plan && i < k->plan->n_guests ? &k->plan->guests[i] : NULL;
}

void write_reason(struct json_out *o, const char *key, const struct reason *r) _nonnull_args_(1, 2);
/* The words of `conditions`, in one order everywhere; ends with NULL. */
extern const char *const guest_condition_words[];
/* Which of them hold. */
#define GUEST_CONDITIONS 11
void guest_conditions_hold(const struct guest_sample *g, const struct plan_guest *p,
	bool ret[static GUEST_CONDITIONS]) _nonnull_args_(1, 3);
/* fn is called for each that holds. */
typedef void (*condition_visitor)(const char *word, void *userdata);
void guest_conditions(const struct guest_sample *g, const struct plan_guest *p,
	condition_visitor fn, void *userdata) _nonnull_args_(1, 3);
void write_conditions(struct json_out *o, const struct guest_sample *g, const struct plan_guest *p)
	_nonnull_args_(1, 2);
/* Why its share is what it is, or NULL where nothing can be said. */
const struct reason *guest_standing(const struct plan_guest *p) _pure_;
void write_reservation(struct json_out *o, const struct reservation *r, uint64_t now_boot_usec,
	uint64_t now_real_usec) _nonnull_;
/* When a schedule opens or closes next, and at most so many of the policies that then do. */
#define NEXT_CHANGES_MAX 16
void write_next_change(const struct view_input *k, struct json_out *o) _nonnull_;
void write_pause(struct json_out *o, const struct view_pause *p) _nonnull_;
/* The array of one guest's overrides. */
void write_overrides(struct json_out *o, const struct override *overrides, size_t n,
	const struct uuid *guest, uint64_t now_boot_usec, uint64_t now_real_usec)
	_nonnull_args_(1, 4);
/* Members of the plan's division of the host's memory, into an open object. */
void write_division(struct json_out *o, const struct plan *p) _nonnull_args_(1);
/* Kind, guest and since of a query, as a filter of the log whose strings are the query's. k, *uuid:
 * as below, what it refers to. in_past: a guest that nobody knows may be in events on the disk.
 * Returns 0, or -1 with *p. */
struct query;
struct eventlog_filter;
int serve_events_filter(struct eventlog *log, const struct view_input *k, const struct query *q,
	bool in_past, struct eventlog_filter *f, struct uuid *uuid, struct problem *p)
	_nonnull_args_(1, 3, 5, 6, 7) _must_check_;
/* Does memory not have (all of) what this asks for? Returns 1, 0, or -1 with *p. after NULL: from
 * the first on. */
int serve_events_is_past(struct eventlog *log, const struct eventlog_filter *f, const char *after,
	struct problem *p) _nonnull_args_(1, 2, 4) _must_check_;
/* What is asked of the disk: what came after the id (NULL: the oldest there is), through a
 * filter. */
void past_events_ask(struct eventlog *log, const struct eventlog_filter *f, const char *after,
	struct past_events *q) _nonnull_args_(1, 2, 4);
/* The same for the last that fit and that memory has not (f->newest): at most f->limit with what it
 * has. */
int past_newest_ask(struct eventlog *log, const struct eventlog_filter *f, const char *after,
	struct past_events *q) _nonnull_args_(1, 2, 4) _must_check_;
/* Its answer together with what memory has. Returns 0, or -1 with *p. */
int serve_newest_events(struct eventlog *log, const struct view_input *k, const struct query *q,
	const struct past_events *past, struct json_out *o, struct problem *p)
	_nonnull_args_(1, 3, 4, 5, 6) _must_check_;
/* The next object of an answer, from *at on; false at its end. */
bool past_events_next(
	const struct past_events *q, size_t *at, const char **ret, size_t *ret_len) _nonnull_;
/* An answer as the list, and as a stream's text. */
void serve_past_events(
	struct eventlog *log, const struct past_events *q, struct json_out *o) _nonnull_;
void stream_past_events(const struct past_events *q, struct json_out *o) _nonnull_;
/* Range and step of a query. sample_sec: no step is shorter. Returns 0, or -1 with *p. */
int history_ask(const struct query *q, uint64_t now_real_usec, uint64_t sample_sec,
	struct past_history *h, struct problem *p) _nonnull_ _must_check_;
void serve_history(const struct past_history *h, struct json_out *o) _nonnull_;
/* The event list. k (NULL: no view yet) tells which guest q->guest names; one that is gone is found
 * by the name in its events. Returns 0, or -1 with *p. */
int serve_events(struct eventlog *log, const struct view_input *k, const struct query *q,
	struct json_out *o, struct problem *p) _nonnull_args_(1, 3, 4, 5) _must_check_;
