/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include "common/units.h"
#include "daemon/api/serve.h"
#include "daemon/plan-preview.h"
#include "daemon/policy-files.h"
#include "daemon/worker.h"
#include "policy/policy-set.h"

/*
 * What would be if: a few decisions on copies of what is known, on the worker. Beside them the same
 * without the change: a host that is on its way would move anyway. The main loop pays for the
 * copies only.
 */
struct preview_job {
	struct manager *m;
	struct api_call *call;
	/* Of the worker while it has it. */
	struct view *view;
	struct guest_sample *guests; /* a copy that may be written to */
	struct cpu_map *cpus;	     /* what theirs point to */
	struct override *overrides;  /* as they would be; strings are the view's and the call's */
	size_t n_overrides;
	struct policy_set *set; /* in force, or as it would be */
	struct policy_set *last;
	struct decide_state *state;
	struct uuid guest; /* whose overrides would be others; 0: nobody's */
	bool has_policy;
	struct api_policy_request policy; /* text NULL: as if it were gone */
	struct policy_dirs dirs;
	ssize_t layer;
	enum daemon_mode mode;
	bool carried_out; /* or only looked at */
	/* What became of it. */
	int error;
	struct diag_list findings;
	struct json_out answer;
};

static struct preview_job *job_free(struct preview_job *j)
{
	if (!j)
		return NULL;
	view_unref(j->view);
	policy_set_unref(j->set);
	policy_set_unref(j->last);
	decide_state_free(j->state);
	diag_list_clear(&j->findings);
	json_out_clear(&j->answer);
	free(j->guests);
	free(j->cpus);
	free(j->overrides);
	free(j);
	return NULL;
}
DEFINE_CLEANUP(struct preview_job *, job_free)

/* ---- on the worker ---- */

/* What of a guest is compared. */
static bool differs(const struct plan_guest *a, const struct plan_guest *b)
{
	return a->target_bytes != b->target_bytes || a->share_bytes != b->share_bytes ||
	       a->floor_bytes != b->floor_bytes || a->min_bytes != b->min_bytes ||
	       a->max_bytes != b->max_bytes || a->cpu_weight != b->cpu_weight ||
	       a->cpu_quota != b->cpu_quota;
}

static void write_state(struct json_out *o, const char *key, const struct guest_sample *g,
	const struct plan_guest *p)
{
	json_out_key(o, key);
	json_out_open(o, '{');
	json_out_key_u64(o, "target", p->target_bytes);
	json_out_key_u64(o, "share", p->share_bytes);
	json_out_key_u64(o, "floor", p->floor_bytes);
	json_out_key_u64(o, "min", p->min_bytes);
	json_out_key_u64(o, "limit", p->max_bytes < g->max_bytes ? p->max_bytes : UINT64_MAX);
	/* 0: not known */
	json_out_key_u64(o, "cpu_weight", p->cpu_weight ? p->cpu_weight : UINT64_MAX);
	json_out_key_u64(o, "cpu_quota_permyriad", p->cpu_quota);
	json_out_close(o, '}');
}

static void write_guest(struct json_out *o, const struct preview_job *j, size_t i,
	const struct preview *without, const struct preview *then)
{
	const struct view_input *k = &j->view->known;
	const struct guest_sample *g = &k->snapshot->guests[i];
	const struct plan_guest *p = &then->plan->guests[i];
	char uuid[UUID_TEXT_MAX];

	json_out_open(o, '{');
	json_out_key_string(o, "guest", g->id.name);
	json_out_key_string(o, "uuid", uuid_format(&g->id.uuid, uuid));
	write_state(o, "now", g, &k->plan->guests[i]);
	write_state(o, "without", g, &without->plan->guests[i]);
	write_state(o, "then", g, p);
	write_reason(o, "reason", then->reasons[i].code != REASON_NONE ? &then->reasons[i] : NULL);
	write_reason(o, "standing", guest_standing(p));
	json_out_close(o, '}');
}

static void write_host(struct json_out *o, const char *key, const struct plan *p)
{
	json_out_key(o, key);
	json_out_open(o, '{');
	json_out_key_string(o, "state", host_state_to_string(p->host_state));
	write_division(o, p);
	json_out_close(o, '}');
}

static void write_answer(
	struct preview_job *j, const struct preview *without, const struct preview *then)
{
	const struct view_input *k = &j->view->known;
	struct json_out *o = &j->answer;
	uint64_t same = 0;

	json_out_open(o, '{');
	json_out_key_time(o, "time", k->snapshot->now_real_usec);
	json_out_key_bool(o, "enforce", j->carried_out);
	json_out_key_u64(o, "decisions", then->decisions);
	json_out_key_bool(o, "settled", then->settled);
	json_out_key(o, "host");
	json_out_open(o, '{');
	write_host(o, "now", k->plan);
	write_host(o, "without", without->plan);
	write_host(o, "then", then->plan);
	json_out_close(o, '}');
	json_out_key(o, "guests");
	json_out_open(o, '[');
	for (size_t i = 0; i < then->plan->n_guests; i++) {
		bool asked = uuid_equal(&k->snapshot->guests[i].id.uuid, &j->guest);

		if (asked || differs(&then->plan->guests[i], &k->plan->guests[i]) ||
			differs(&then->plan->guests[i], &without->plan->guests[i]))
			write_guest(o, j, i, without, then);
		else
			same++;
	}
	json_out_close(o, ']');
	json_out_key_u64(o, "unchanged", same);
	json_out_close(o, '}');
}

/* The set as it would be. Returns 0, -EBADMSG with findings, or -errno. */
static int load_policy(struct preview_job *j)
{
	struct policy_text text = {.name = j->policy.name,
		.path = j->policy.name,
		.text = j->policy.text,
		.len = j->policy.len};
	struct policy_change change = {
		j->dirs.dirs[j->layer], j->policy.name, j->policy.text, j->policy.len};
	_cleanup_policy_set_ struct policy_set *alone = NULL;
	_cleanup_diag_list_ struct diag_list others = {0};
	int r = j->policy.text ? policy_set_from_texts(&text, 1, &j->dirs, &alone, &j->findings)
			       : 0;

	if (r < 0)
		return r;
	j->dirs.change = &change;
	r = policy_set_load(&j->dirs, j->last, &j->set, &others);
	j->dirs.change = NULL;
	return r;
}

/* Copies for one of the two runs. */
static int run_one(struct preview_job *j, bool changed, struct preview *ret)
{
	const struct snapshot *from = j->view->known.snapshot;
	_cleanup_free_ struct guest_sample *guests = calloc(from->n_guests + 1, sizeof(*guests));
	_cleanup_(decide_state_freep) struct decide_state *state = decide_state_clone(j->state);
	struct snapshot s = *from;

	if (!guests || !state)
		return -ENOMEM;
	memcpy(guests, j->guests, from->n_guests * sizeof(*guests));
	s.guests = guests;
	/* Also in mode observe: what it would come to. */
	s.enforce = !changed || j->mode == MODE_ENFORCE;
	if (changed) {
		s.overrides = j->overrides;
		s.n_overrides = j->n_overrides;
	}
	return preview_run(&s, changed ? j->set : j->last, state, ret);
}

static void run(void *userdata)
{
	struct preview_job *j = userdata;
	_cleanup_preview_ struct preview without = {0}, then = {0};

	j->error = j->has_policy ? load_policy(j) : 0;
	if (j->error >= 0)
		j->error = run_one(j, false, &without);
	if (j->error >= 0)
		j->error = run_one(j, true, &then);
	if (j->error >= 0)
		write_answer(j, &without, &then);
}

/* ---- in the main loop ---- */

/* A view's copy of a guest points to the main loop's own map of its CPUs. */
static int copy_guests(struct preview_job *j)
{
	const struct snapshot *s = j->view->known.snapshot;

	j->guests = calloc(s->n_guests + 1, sizeof(*j->guests));
	j->cpus = calloc(s->n_guests + 1, sizeof(*j->cpus));
	if (!j->guests || !j->cpus)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_guests; i++) {
		j->guests[i] = s->guests[i];
		if (!s->guests[i].cpus)
			continue;
		j->cpus[i] = *s->guests[i].cpus;
		j->guests[i].cpus = &j->cpus[i];
	}
	return 0;
}

static int copy_overrides(struct preview_job *j, const struct api_preview_request *req)
{
	const struct snapshot *s = j->view->known.snapshot;

	j->overrides = calloc(s->n_overrides + API_OVERRIDE_SETTINGS_MAX, sizeof(*j->overrides));
	if (!j->overrides)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_overrides; i++)
		if (!req->has_overrides || !uuid_equal(&s->overrides[i].guest, &j->guest))
			j->overrides[j->n_overrides++] = s->overrides[i];
	for (size_t i = 0; req->has_overrides && i < req->override.n_settings; i++)
		j->overrides[j->n_overrides++] = (struct override){
			.guest = j->guest,
			.section = req->override.settings[i].section,
			.key = req->override.settings[i].key,
			.value = req->override.settings[i].value,
			.by = "",
			.reason = "",
			.until_boot_usec = USEC_INFINITY,
			.until_real_usec = USEC_INFINITY,
		};
	return 0;
}

static int fill(struct preview_job *j, const struct api_preview_request *req)
{
	struct manager *m = j->m;
	int r;

	j->view = trial_view(m);
	j->state = decide_state_clone(m->state);
	if (!j->view || !j->view->known.plan || !j->state)
		return -ENOMEM;
	j->last = policy_set_ref(m->set);
	j->set = req->has_policy ? NULL : policy_set_ref(m->set);
	/* A change is looked at as if it were carried out; only who asks for observe sees what that
	 * is. */
	j->mode = req->has_mode ? req->mode : MODE_ENFORCE;
	j->carried_out = (req->has_mode ? req->mode : m->mode) == MODE_ENFORCE && !m->pause.on;
	j->guest = req->has_overrides ? req->override.guest : (struct uuid){0};
	j->has_policy = req->has_policy;
	if (req->has_policy)
		j->policy = req->policy;
	j->dirs.dirs = (const char *const *)m->conf.policy_dirs;
	j->layer = m->policy_own ? policy_files_layer(j->dirs.dirs, m->policy_own) : -ENOENT;
	if (req->has_policy && j->layer < 0) /* it could not be written, but it can be looked at */
		j->layer = 0;
	r = copy_guests(j);
	return r < 0 ? r : copy_overrides(j, req);
}

static void done(void *userdata, bool ran)
{
	_cleanup_(job_freep) struct preview_job *j = userdata;

	if (!ran)
		api_call_problem(j->call, API_PROBLEM_STOPPING, "ballastd is stopping.");
	else if (j->error == -EBADMSG)
		api_call_problem_with(j->call, API_PROBLEM_CONFIGURATION_BAD,
			json_pack("{s:o,s:[]}", "findings", api_findings_json(&j->findings),
				"restart_needed"),
			"The policy's text has %zu mistake%s: POST /v1/policies/validate lists them too.",
			j->findings.n, j->findings.n == 1 ? "" : "s");
	else if (j->error < 0 || j->answer.failed)
		api_call_problem(j->call, API_PROBLEM_INTERNAL, "It could not be tried: %s.",
			strerror(j->error < 0 ? -j->error : ENOMEM));
	else
		api_call_reply_text(j->call, 200, &j->answer);
}

void plan_preview(void *userdata, struct api_call *call, const struct api_preview_request *req)
{
	_cleanup_(job_freep) struct preview_job *j = NULL;
	struct manager *m = userdata;

	if (!m->plan || !m->plan_fits) {
		api_call_problem(call, API_PROBLEM_NOT_READY,
			"Nothing was decided yet with the guests that there are. Try again in a moment.");
		return;
	}
	if (!trial_may_begin(m, call))
		return;
	j = calloc(1, sizeof(*j));
	if (j) {
		j->m = m;
		j->call = call;
	}
	if (!j || fill(j, req) < 0) {
		api_call_problem(call, API_PROBLEM_INTERNAL, "Out of memory.");
		return;
	}
	if (worker_submit(m->worker, run, done, j) < 0) {
		api_call_problem(
			call, API_PROBLEM_BUSY, "Too much is being tried already. Try again.");
		return;
	}
	j = NULL; /* done() has it */
}
