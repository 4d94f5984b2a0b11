/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/fake-manager.h"

#include "daemon/network.h"
#include "daemon/worker.h"

#include <stdarg.h>

#define FAKE __attribute__((weak))

struct fake fake;

void fake_clear(void)
{
	fake = (struct fake){0};
}

void fake_store_answer(int error)
{
	struct fake_write w = fake.writes[0];

	if (!fake.n_writes)
		return;
	memmove(fake.writes, fake.writes + 1, --fake.n_writes * sizeof(*fake.writes));
	if (w.done)
		w.done(w.userdata, error, error < 0 ? strerror(-error) : "");
}

const char *fake_body_text(const struct api_call *c, const char *member)
{
	const char *text = json_string_value(json_object_get(c->body, member));

	return text ? text : "";
}

struct guest *fake_guest(struct manager *m, const char *name, uint64_t max_mib, uint64_t actual_mib)
{
	struct guest **guests = reallocarray(m->guests, m->n_guests + 1, sizeof(*guests));
	struct guest_sample *samples = reallocarray(m->samples, m->n_guests + 1, sizeof(*samples));
	struct hv_guest *hv = calloc(1, sizeof(*hv));
	struct guest *g = calloc(1, sizeof(*g));

	if (guests)
		m->guests = guests;
	if (samples)
		m->samples = samples;
	if (!guests || !samples || !hv || !g)
		abort();
	hv->name = (char *)name;
	*g = (struct guest){.m = m, .index = m->n_guests, .hv = hv};
	g->uuid.bytes[0] = (uint8_t)(m->n_guests + 1);
	samples[m->n_guests] = (struct guest_sample){
		.id = {.uuid = g->uuid, .name = name},
		.running = true,
		.balloon_answered = true,
		.max_bytes = max_mib * MIB,
		.actual_bytes = actual_mib * MIB,
		.target_bytes = actual_mib * MIB,
	};
	guests[m->n_guests++] = g;
	return g;
}

void fake_manager_clear(struct manager *m)
{
	for (size_t i = 0; i < m->n_guests; i++) {
		free((void *)m->guests[i]->hv);
		free(m->guests[i]);
	}
	free(m->guests);
	free(m->samples);
	*m = (struct manager){0};
}

/* The API. */

FAKE const char *api_call_by(const struct api_call *call)
{
	return "uid 0 (root)";
}
FAKE enum api_role api_call_needs(const struct api_call *call)
{
	return call->role;
}
FAKE bool api_call_may(struct api_call *call, enum api_role needed, const char *what)
{
	if (call->role < needed)
		api_call_problem(call, API_PROBLEM_DENIED, "%s", what);
	return call->role >= needed;
}
FAKE bool api_call_dry_run(const struct api_call *call)
{
	return call->dry_run;
}
FAKE void api_call_reply(struct api_call *call, unsigned status, json_t *body)
{
	call->status = (int)status;
	call->body = body;
}
FAKE void api_call_problem(struct api_call *call, enum api_problem problem, const char *fmt, ...)
{
	va_list ap;

	call->status = -1;
	call->problem = problem;
	va_start(ap, fmt);
	vsnprintf(call->text, sizeof(call->text), fmt, ap);
	va_end(ap);
}
FAKE void api_call_problem_with(
	struct api_call *call, enum api_problem problem, json_t *more, const char *fmt, ...)
{
	va_list ap;

	call->status = -1;
	call->problem = problem;
	call->body = more;
	va_start(ap, fmt);
	vsnprintf(call->text, sizeof(call->text), fmt, ap);
	va_end(ap);
}
FAKE json_t *api_words_json(const char *const *words, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(words[i]));
	return list;
}
FAKE json_t *api_findings_json(const struct diag_list *findings)
{
	json_t *list = json_array();

	for (size_t i = 0; i < findings->n; i++)
		json_array_append_new(list, json_string(findings->items[i].text));
	return list;
}
FAKE json_t *api_reload_json(const struct policy_set *set, const struct diag_list *findings,
	const char *const *restart, size_t n_restart)
{
	return json_pack("{s:o,s:o}", "findings", api_findings_json(findings), "restart_needed",
		api_words_json(restart, n_restart));
}
FAKE json_t *api_mode_json(enum daemon_mode mode)
{
	return json_pack("{s:s}", "mode", daemon_mode_to_string(mode));
}
FAKE json_t *api_reservation_json(
	const struct reservation *r, uint64_t now_boot_usec, uint64_t now_real_usec)
{
	return json_pack("{s:I}", "bytes", (json_int_t)r->bytes);
}

/* The store. */

FAKE int store_put_text(
	struct store *s, const char *key, const char *value, store_done done, void *userdata)
{
	struct fake_write *w = &fake.writes[fake.n_writes];

	if (fake.n_writes == ARRAY_SIZE(fake.writes))
		return -ENOBUFS;
	*w = (struct fake_write){.done = done, .userdata = userdata};
	snprintf(w->key, sizeof(w->key), "%s", key);
	snprintf(w->value, sizeof(w->value), "%s", value);
	fake.n_writes++;
	return 0;
}
FAKE int store_load_text(struct store *s, const char *key, char **ret)
{
	return -ENOENT;
}

FAKE int store_load_events(struct store *s, uint64_t max, store_event_fn fn, void *userdata)
{
	return 0;
}
FAKE int store_load_last_number(struct store *s, uint64_t *ret)
{
	*ret = 0;
	return 0;
}
FAKE bool store_unread(struct store *s)
{
	return false;
}

/* The manager's other files. */

FAKE void tell(struct manager *m, const struct tale *t, const char *fmt, ...)
{
	va_list ap;

	if (fake.n_told == ARRAY_SIZE(fake.told))
		return;
	snprintf(fake.told_of[fake.n_told], sizeof(fake.told_of[0]), "%s",
		t->guest ? t->guest->hv->name : t->room ? t->room->guest_name : "");
	va_start(ap, fmt);
	vsnprintf(fake.told[fake.n_told++], sizeof(fake.told[0]), fmt, ap);
	va_end(ap);
}
FAKE void tell_held(struct manager *m, uint64_t now_usec)
{
}
FAKE void tell_held_gone(struct guest *g)
{
}
FAKE void tell_status(struct manager *m)
{
}
FAKE int store_add_event(struct store *s, uint64_t real_usec, const char *text)
{
	return 0;
}
FAKE int store_add_decision(
	struct store *s, uint64_t real_usec, const struct uuid *guest, const char *text)
{
	return 0;
}
FAKE void decide_soon(struct manager *m)
{
	fake.decides_asked++;
}
FAKE void decide_within(struct manager *m, uint64_t usec)
{
	fake.decides_asked++;
}
FAKE bool manager_knows(const struct manager *m)
{
	return m->connected && m->synced && !m->settling;
}
FAKE void hub_along(struct hub *hub, uint64_t boot_usec)
{
	fake.along_usec = boot_usec;
}
FAKE bool manager_may_act(const struct manager *m)
{
	return (m->mode == MODE_ENFORCE || m->letting_go) && !m->dry_run && manager_knows(m);
}
FAKE struct guest *manager_find(const struct manager *m, const struct uuid *u)
{
	for (size_t i = 0; i < m->n_guests; i++)
		if (uuid_equal(&m->guests[i]->uuid, u))
			return m->guests[i];
	return NULL;
}
FAKE int manager_submit(struct guest *g, struct hv_request *req, uint64_t *ret_id)
{
	return hv_submit(g->m->hv, req, ret_id);
}
FAKE void original_seen(struct guest *g)
{
}
FAKE bool original_kept(struct guest *g)
{
	return true;
}
FAKE int release_originals(struct manager *m, bool dry_run, struct release_report *ret)
{
	*ret = (struct release_report){json_array(), json_array()};
	return 0;
}
FAKE void release_report_clear(struct release_report *r)
{
	json_decref(r->given);
	json_decref(r->left_out);
	*r = (struct release_report){0};
}
FAKE void release_brakes(struct manager *m)
{
}
FAKE void release_as_it_is(struct manager *m)
{
}
FAKE bool release_is_left(struct guest *g, const struct hv_result *r)
{
	return false;
}
FAKE void mode_tick(struct manager *m)
{
}
FAKE void original_changed(struct guest *g)
{
}
FAKE void original_tick(struct manager *m)
{
}
FAKE void original_soft_limited(struct guest *g, bool limited)
{
	g->original.soft_limited = limited;
}
FAKE void original_cpu_set(struct guest *g, bool ours)
{
	g->original.cpu_ours = guest_sample(g)->cpu_ours = ours;
}
FAKE void original_period_set(struct guest *g, bool ours)
{
	g->original.period_ours = ours;
}
FAKE void balloon_period_done(struct guest *g, const struct hv_result *r)
{
}
FAKE void balloon_fallback(struct guest *g, uint64_t now_usec)
{
}
FAKE void reserve_expire(struct manager *m)
{
}
FAKE void reserve_judge_anew(struct manager *m)
{
	fake.judged_anew++;
}
FAKE bool reserve_is_short(const struct manager *m)
{
	return false;
}
FAKE struct view_problem reserve_problem(struct manager *m)
{
	return (struct view_problem){0};
}
FAKE void sample_host(struct manager *m, bool force)
{
}
FAKE bool balloon_is_moving(const struct guest *g)
{
	return false;
}
FAKE void enroll_period_done(struct guest *g, const struct hv_result *r)
{
}
FAKE void balloon_poll_soon(struct manager *m)
{
}
FAKE void balloon_read(struct guest *g)
{
}
FAKE void reserve_answered(struct manager *m, const struct action *a)
{
}
FAKE void trace_line(struct manager *m, const char *fmt, ...)
{
}
FAKE void agent_configure_all(struct manager *m)
{
}
FAKE int sample_open_host(struct manager *m)
{
	return 0;
}
FAKE void agent_ask(struct guest *g)
{
}
FAKE uint64_t monotonic_to_boot(uint64_t monotonic_usec)
{
	return monotonic_usec;
}
FAKE int hv_submit(struct hv *hv, const struct hv_request *req, uint64_t *ret_id)
{
	if (fake.submit_error)
		return fake.submit_error;
	if (fake.n_submits == ARRAY_SIZE(fake.submits))
		return -ENOBUFS;
	fake.submits[fake.n_submits] = (struct fake_submit){.req = *req, .id = fake.n_submits + 1};
	fake.n_submits++;
	if (ret_id)
		*ret_id = fake.n_submits;
	return 0;
}
FAKE bool hv_runs(struct hv *hv, const struct uuid *guest)
{
	return false;
}
FAKE bool hv_listed(struct hv *hv, const struct uuid *guest)
{
	return hv_runs(hv, guest);
}
FAKE unsigned hv_withdraw(struct hv *hv, uint64_t *ret_until_id)
{
	fake.withdrawn++;
	*ret_until_id = fake.n_submits;
	return fake.changing;
}
FAKE unsigned hv_changing(struct hv *hv, uint64_t until_id)
{
	return until_id ? fake.changing : 0;
}
FAKE int hv_dispatch(struct hv *hv, unsigned max)
{
	return 0;
}
FAKE void balloon_period_back(struct guest *g)
{
}
FAKE int act_set_memory(struct guest *g, uint64_t to_bytes, const struct reason *reason)
{
	int r = manager_submit(g,
		&(struct hv_request){
			.call = HV_CALL_SET_MEMORY, .guest = g->uuid, .bytes = to_bytes},
		NULL);

	if (r < 0)
		return r;
	fake.submits[fake.n_submits - 1].reason = *reason;
	if (g->n_sent < SENT_MAX)
		g->sent[g->n_sent++] = (struct sent){fake.n_submits, to_bytes, to_bytes};
	return r;
}
FAKE int act_set_cpu(struct guest *g, uint64_t weight, uint64_t quota, const struct reason *reason)
{
	return manager_submit(g,
		&(struct hv_request){.call = HV_CALL_SET_CPU,
			.guest = g->uuid,
			.cpu_weight = weight,
			.cpu_quota_permyriad = quota},
		NULL);
}
FAKE int act_soft_limit(struct guest *g, uint64_t bytes)
{
	return manager_submit(g,
		&(struct hv_request){
			.call = HV_CALL_SET_SOFT_LIMIT, .guest = g->uuid, .bytes = bytes},
		NULL);
}
FAKE struct view_pause pause_view(const struct manager *m, const struct pause *p)
{
	return (struct view_pause){.on = p->on};
}
FAKE json_t *pause_json(const struct manager *m, const struct pause *p)
{
	return json_pack("{s:b}", "paused", p->on);
}
FAKE json_t *api_pause_json(const struct view_pause *p)
{
	return json_pack("{s:b, s:s}", "paused", p->on, "message", p->message ? p->message : "");
}
FAKE void pause_tick(struct manager *m)
{
}
FAKE void hub_news(struct hub *hub)
{
}
FAKE const struct counters *count_all(struct manager *m)
{
	return &m->counters;
}
FAKE void count_result(struct manager *m, const struct hv_result *r)
{
}

FAKE void network_read(const struct conf *start, const struct conf *next,
	struct network_reading *ret, struct diag_list *findings)
{
}
FAKE void network_reading_clear(struct network_reading *r)
{
}
FAKE void network_take(
	struct manager *m, struct conf *next, struct network_reading *r, struct diag_list *findings)
{
}
FAKE void policy_next(struct manager *m)
{
}
FAKE int worker_submit(struct worker *w, worker_run run, worker_done done, void *job)
{
	return -EBUSY;
}

FAKE size_t network_problems(
	struct manager *m, struct view_problem problems[static NETWORK_PROBLEMS_MAX])
{
	return 0;
}
FAKE bool api_call_may_replace(struct api_call *call, const uint64_t *tag, bool needed)
{
	return true;
}
FAKE void api_call_tag(struct api_call *call, uint64_t tag)
{
}
FAKE uint64_t api_tag_mode(enum daemon_mode mode)
{
	return (uint64_t)mode + 1;
}
FAKE uint64_t api_tag_pause(const struct view_pause *p)
{
	return p->on;
}
FAKE uint64_t api_tag_overrides(
	const struct override *overrides, size_t n, const struct uuid *guest)
{
	return n;
}
FAKE uint64_t api_tag_policy(const struct policy_set *set, size_t i)
{
	return i + 1;
}
