/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include <limits.h>

#include "common/units.h"
#include "daemon/policy-files.h"
#include "daemon/policy-trial.h"
#include "daemon/worker.h"
#include "policy/policy-set.h"

/*
 * Policies that come through the API. Their files lie in a layer of the daemon's own
 * (STATE/policy.d, one of PolicyPath=): an administrator's file of the same name in /etc wins. One
 * change (or reload) at a time: each is judged by what the one before it left, so that of two that
 * started from the same state the second is told so. Files are read, checked and written on the
 * worker; what was read is taken over here.
 */
#define CHANGES_MAX 16

struct policy_job {
	struct manager *m;
	struct api_call *call;
	struct policy_job *next;
	/* Of the worker while it has it. */
	struct policy_dirs dirs;
	struct policy_change change;
	size_t layer;
	bool dry_run;
	char name[API_POLICY_NAME_MAX + 1], by[PAUSE_BY_MAX];
	const char *text; /* NULL: it is to go; the call's */
	size_t len;
	uint64_t at_real_usec;
	struct policy_set *last; /* a reference to the set in force */
	struct view *view;	 /* validate: of which guests */
	/* What became of it. */
	int error;
	struct diag diag;
	struct policy_set *set;	   /* what is in force, or would be */
	struct diag_list findings; /* of all files */
	struct diag_list own;	   /* of this text */
	struct diag_list notes;
	bool existed;
	char *shadowed_by;
	struct json_out answer; /* validate */
};

static struct policy_job *job_free(struct policy_job *j)
{
	if (!j)
		return NULL;
	policy_set_unref(j->last);
	policy_set_unref(j->set);
	view_unref(j->view);
	diag_clear(&j->diag);
	diag_list_clear(&j->findings);
	diag_list_clear(&j->own);
	diag_list_clear(&j->notes);
	json_out_clear(&j->answer);
	free(j->shadowed_by);
	free(j);
	return NULL;
}
DEFINE_CLEANUP(struct policy_job *, job_free)

/* ---- on the worker ---- */

/* Is it in the policy's file or in one of its drop-ins? */
static bool is_of(const char *file, const char *name)
{
	const char *base = file ? strrchr(file, '/') : NULL, *dir = base;

	if (!base)
		return false;
	if (streq(base + 1, name))
		return true;
	while (dir > file && dir[-1] != '/')
		dir--;
	return strncmp(dir, name, strlen(name)) == 0 && strncmp(dir + strlen(name), ".d/", 3) == 0;
}

static int take_own(struct policy_job *j)
{
	for (size_t i = 0; i < j->findings.n; i++) {
		const struct diag *d = &j->findings.items[i];
		_cleanup_diag_ struct diag copy = {0};
		int r;

		if (!is_of(d->file, j->name))
			continue;
		diag_set(&copy, 0, d->file, d->line, d->col, "%s", d->text);
		r = diag_list_take(&j->own, &copy);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The text by itself: where a file of a higher layer is in force, nobody reads it otherwise. */
static int check_alone(struct policy_job *j)
{
	struct policy_text text = {
		.name = j->name, .path = j->name, .text = j->text, .len = j->len};
	_cleanup_policy_set_ struct policy_set *set = NULL;
	int r = policy_set_from_texts(&text, 1, &j->dirs, &set, &j->own);

	for (size_t i = 0; r == 0 && i < policy_set_notes(set)->n; i++) {
		const struct diag *d = &policy_set_notes(set)->items[i];
		_cleanup_diag_ struct diag copy = {0};

		diag_set(&copy, 0, d->file, d->line, d->col, "%s", d->text);
		r = diag_list_take(&j->notes, &copy);
	}
	return r;
}

/* What would be in force: j->set. Returns 0, -EBADMSG with the text's findings in j->own, or
 * -errno. */
static int try_change(struct policy_job *j)
{
	struct policy_dirs dirs = j->dirs;
	int r = j->text ? check_alone(j) : 0;

	if (r < 0)
		return r;
	j->change = (struct policy_change){dirs.dirs[j->layer], j->name, j->text, j->len};
	dirs.change = &j->change;
	j->shadowed_by = policy_file_above(dirs.dirs, j->layer + 1, j->name);
	r = policy_set_load(&dirs, j->last, &j->set, &j->findings);
	/* Together with its drop-ins it may be bad all the same. */
	if (r >= 0 && j->text && !j->shadowed_by)
		r = take_own(j);
	return r < 0 ? r : j->own.n ? -EBADMSG : 0;
}

static int change_file(struct policy_job *j)
{
	const char *dir = j->dirs.dirs[j->layer];

	if (j->text)
		return policy_file_write(dir, j->name, j->text, j->len, &j->diag);
	return policy_file_remove(dir, j->name, &j->diag);
}

static void run_change(void *userdata)
{
	struct policy_job *j = userdata;

	j->existed = policy_file_is_there(j->dirs.dirs[j->layer], j->name);
	j->error = !j->text && !j->existed ? -ENOENT : try_change(j);
	if (j->error >= 0 && !j->dry_run)
		j->error = change_file(j);
}

static void write_findings(struct json_out *o, const char *key, const struct diag_list *findings)
{
	json_out_key(o, key);
	json_out_open(o, '[');
	for (size_t i = 0; i < findings->n; i++) {
		const struct diag *d = &findings->items[i];

		json_out_open(o, '{');
		json_out_key_string(o, "file", d->file);
		json_out_key_u64(o, "line", d->line ? d->line : UINT64_MAX);
		json_out_key_u64(o, "column", d->col ? d->col : UINT64_MAX);
		json_out_key_string(o, "text", d->text);
		json_out_close(o, '}');
	}
	json_out_close(o, ']');
}

static void run_validate(void *userdata)
{
	struct policy_job *j = userdata;
	struct json_out *o = &j->answer;
	int r = try_change(j);

	if (r < 0 && r != -EBADMSG) {
		j->error = r;
		return;
	}
	json_out_open(o, '{');
	json_out_key_string(o, "name", j->name);
	json_out_key_bool(o, "ok", r >= 0);
	write_findings(o, "findings", &j->own);
	write_findings(o, "notes", &j->notes);
	json_out_key_string(o, "shadowed_by", j->shadowed_by);
	/* With mistakes in it nothing of it would be taken. */
	j->error = policy_trial(j->view ? &j->view->known : NULL, j->last, r < 0 ? j->last : j->set,
		r < 0 ? "" : j->name, j->at_real_usec ? j->at_real_usec : clock_real_usec(), o);
	json_out_close(o, '}');
}

/* ---- in the main loop ---- */

/* To look at a policy it need not be possible to write it: then it is looked at as if it lay in the
 * lowest layer. */
static struct policy_job *job_new(
	struct manager *m, struct api_call *call, const struct api_policy_request *req, bool writes)
{
	const char *const *dirs = (const char *const *)m->conf.policy_dirs;
	ssize_t layer = m->policy_own ? policy_files_layer(dirs, m->policy_own) : -ENOENT;
	struct policy_job *j;

	if (layer < 0 && !writes && *dirs)
		layer = 0;
	if (layer < 0) {
		api_call_problem(call, API_PROBLEM_CONFLICT,
			"The API has no layer of policies here: PolicyPath= in ballast.conf does not name %s. Add it, before the directory in /etc, and restart ballastd.",
			m->policy_own ? m->policy_own : "policy.d of the state directory");
		return NULL;
	}
	j = calloc(1, sizeof(*j));
	if (!j) {
		api_call_problem(call, API_PROBLEM_INTERNAL, "Out of memory.");
		return NULL;
	}
	j->m = m;
	j->call = call;
	j->dirs = policy_dirs_of(m);
	j->layer = (size_t)layer;
	j->dry_run = api_call_dry_run(call);
	j->text = req->text;
	j->len = req->len;
	j->at_real_usec = req->at_real_usec;
	memcpy(j->name, req->name, sizeof(j->name));
	snprintf(j->by, sizeof(j->by), "%s", api_call_by(call));
	return j;
}

static void answer_bad(struct policy_job *j)
{
	const struct diag *first = j->own.n ? &j->own.items[0] : NULL;

	api_call_problem_with(j->call, API_PROBLEM_CONFIGURATION_BAD,
		json_pack("{s:o,s:[]}", "findings", api_findings_json(&j->own), "restart_needed"),
		"%s stays as it is, for the text has %zu mistake%s: line %u, column %u: %s",
		j->name, j->own.n, j->own.n == 1 ? "" : "s", first ? first->line : 0,
		first ? first->col : 0, first && first->text ? first->text : "?");
}

/* It is not the API's to remove. */
static void answer_not_ours(struct policy_job *j)
{
	int i = policy_set_find(j->m->set, j->name);
	struct policy_info info;
	char dir[PATH_MAX];
	ssize_t layer;

	if (i < 0) {
		api_call_problem_with(j->call, API_PROBLEM_POLICY_UNKNOWN,
			json_pack("{s:n}", "nearest"), "There is no policy \"%s\".", j->name);
		return;
	}
	policy_set_info(j->m->set, (size_t)i, &info);
	snprintf(dir, sizeof(dir), "%s", info.path);
	*strrchr(dir, '/') = '\0';
	layer = policy_files_layer(j->dirs.dirs, dir);
	api_call_problem(j->call, API_PROBLEM_CONFLICT,
		"%s is not the API's to remove: it is %s. Remove it there%s.", j->name, info.path,
		layer > (ssize_t)j->layer
			? "; it stands above whatever is written here"
			: ", or write another text under its name, which stands above it");
}

static void answer_failed(struct policy_job *j)
{
	_cleanup_free_ char *text = j->diag.text ? diag_format(&j->diag) : NULL;
	const char *why = text ? text : strerror(-j->error);

	if (j->error == -EBADMSG)
		answer_bad(j);
	else if (j->error == -ENOENT)
		answer_not_ours(j);
	else if (j->error == -EMFILE)
		api_call_problem(j->call, API_PROBLEM_CONFLICT, "%s. Remove one first.", why);
	else if (j->error == -ENOMEM)
		api_call_problem(j->call, API_PROBLEM_INTERNAL, "Out of memory.");
	else
		api_call_problem(j->call, API_PROBLEM_STATE_UNWRITABLE,
			"%s stays as it is: %s. Make room in the state directory, or make it writable, and try again.",
			j->name, why);
}

/* A number for the API's file of this name, 0: there is none. */
static uint64_t text_tag(const struct policy_job *j)
{
	int i = policy_set_find(j->m->set, j->name);

	return i >= 0 ? api_tag_policy(j->m->set, (size_t)i) : 0;
}

/* What the worker read is what is in force now: nothing else was read meanwhile. */
static void take_over(struct policy_job *j)
{
	struct manager *m = j->m;
	uint64_t before = text_tag(j);

	reload_take(m, TAKE_PTR(j->set), &j->findings);
	/* The same text once more: nothing happened. */
	if (j->text && j->existed && before == text_tag(j))
		return;
	tell(m,
		&(struct tale){
			.kind = j->text ? DAEMON_EVENT_POLICY_WRITTEN : DAEMON_EVENT_POLICY_REMOVED,
			.severity = SEVERITY_NOTICE,
			.by = j->by},
		"%s was %s%s%s", j->name, j->text ? "written" : "removed",
		j->shadowed_by ? "; in force is " : "", j->shadowed_by ? j->shadowed_by : "");
}

static void answer(struct policy_job *j)
{
	_cleanup_free_ char *path = NULL;

	if (!j->text) {
		api_call_reply(j->call, 204, NULL);
		return;
	}
	if (asprintf(&path, "%s/%s", j->dirs.dirs[j->layer], j->name) < 0) {
		api_call_problem(j->call, API_PROBLEM_INTERNAL, "Out of memory.");
		return;
	}
	/* Of what GET answers from now on. */
	if (!j->dry_run) {
		int i = policy_set_find(j->m->set, j->name);

		if (i >= 0)
			api_call_tag(j->call, api_tag_policy(j->m->set, (size_t)i));
	}
	api_call_reply(j->call, j->existed ? 200 : 201,
		api_policy_put_json(j->name, path, !j->existed, j->shadowed_by, &j->notes));
}

static void change_done(void *userdata, bool ran)
{
	_cleanup_(job_freep) struct policy_job *j = userdata;
	struct manager *m = j->m;

	m->policy_running = false;
	if (!ran) {
		api_call_problem(j->call, API_PROBLEM_STOPPING,
			"ballastd is stopping; nothing was changed.");
	} else if (j->error < 0) {
		answer_failed(j);
	} else {
		if (!j->dry_run)
			take_over(j);
		answer(j);
	}
	policy_next(m);
}

/* Judged when its turn has come. Returns whether it is under way. */
static bool begin(struct policy_job *j)
{
	struct manager *m = j->m;
	int i = policy_set_find(m->set, j->name), r;
	uint64_t tag = i >= 0 ? api_tag_policy(m->set, (size_t)i) : 0;

	/* That nothing is there to be removed is said as such. */
	if ((j->text || i >= 0) && !api_call_may_replace(j->call, i >= 0 ? &tag : NULL, true))
		return false;
	j->last = policy_set_ref(m->set);
	r = worker_submit(m->worker, run_change, change_done, j);
	if (r < 0)
		api_call_problem(j->call, API_PROBLEM_BUSY, "It cannot be done now: %s. Try again.",
			strerror(-r));
	return r >= 0;
}

void policy_next(struct manager *m)
{
	reload_next(m);
	while (m->policy_first && !m->policy_running) {
		struct policy_job *j = m->policy_first;

		m->policy_first = j->next;
		m->n_policy_waiting--;
		m->policy_running = begin(j);
		if (!m->policy_running)
			job_free(j);
	}
}

static void change(struct manager *m, struct api_call *call, const struct api_policy_request *req)
{
	struct policy_job *j, **last = &m->policy_first;

	if (m->n_policy_waiting >= CHANGES_MAX) {
		api_call_problem(call, API_PROBLEM_BUSY,
			"%d changes of policies wait already. Try again.", CHANGES_MAX);
		return;
	}
	j = job_new(m, call, req, true);
	if (!j)
		return;
	while (*last)
		last = &(*last)->next;
	*last = j;
	m->n_policy_waiting++;
	policy_next(m);
}

void policy_put(void *userdata, struct api_call *call, const struct api_policy_request *req)
{
	change(userdata, call, req);
}

void policy_delete(void *userdata, struct api_call *call, const struct api_policy_request *req)
{
	change(userdata, call, req);
}

void policy_stop(struct manager *m)
{
	while (m->policy_first) {
		struct policy_job *j = m->policy_first;

		m->policy_first = j->next;
		api_call_problem(j->call, API_PROBLEM_STOPPING,
			"ballastd is stopping; nothing was changed.");
		job_free(j);
	}
	m->n_policy_waiting = 0;
}

bool policy_waits(const struct manager *m, const struct api_call *call)
{
	for (const struct policy_job *j = m->policy_first; call && j; j = j->next)
		if (j->call == call)
			return true;
	return false;
}

void policy_cancel(struct manager *m, const struct api_call *call, const char *by)
{
	for (struct policy_job **link = &m->policy_first; *link; link = &(*link)->next) {
		struct policy_job *j = *link;

		if (j->call != call)
			continue;
		*link = j->next;
		m->n_policy_waiting--;
		api_call_problem(j->call, API_PROBLEM_CONFLICT,
			"It was cancelled by %s; nothing was changed.", by);
		job_free(j);
		return;
	}
}

static void validate_done(void *userdata, bool ran)
{
	_cleanup_(job_freep) struct policy_job *j = userdata;

	if (!ran)
		api_call_problem(j->call, API_PROBLEM_STOPPING, "ballastd is stopping.");
	else if (j->error < 0 || j->answer.failed)
		api_call_problem(j->call, API_PROBLEM_INTERNAL, "It could not be tried: %s.",
			strerror(j->error < 0 ? -j->error : ENOMEM));
	else
		api_call_reply_text(j->call, 200, &j->answer);
}

void policy_validate(void *userdata, struct api_call *call, const struct api_policy_request *req)
{
	struct manager *m = userdata;
	struct policy_job *j;
	int r;

	if (!trial_may_begin(m, call))
		return;
	j = job_new(m, call, req, false);
	if (!j)
		return;
	j->last = policy_set_ref(m->set);
	j->view = trial_view(m);
	r = worker_submit(m->worker, run_validate, validate_done, j);
	if (r >= 0)
		return;
	api_call_problem(call, API_PROBLEM_BUSY, "Too much is being tried already. Try again.");
	job_free(j);
}

/* Each costs the main loop a copy of what it knows (a thousand guests: some tenths of a
 * millisecond). */
#define TRIALS_A_SECOND 20

bool trial_may_begin(struct manager *m, struct api_call *call)
{
	if (second_take(&m->trials, TRIALS_A_SECOND))
		return true;
	api_call_problem(call, API_PROBLEM_TOO_MANY_REQUESTS,
		"%d trials a second are possible. Try again.", TRIALS_A_SECOND);
	return false;
}

struct view *trial_view(struct manager *m)
{
	struct view_input known = {0};

	view_look(m, &known);
	if (!known.snapshot || view_publish(m->views, &known) < 0)
		return NULL;
	return view_get(m->views);
}
