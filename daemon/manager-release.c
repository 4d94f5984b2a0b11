/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include "common/units.h"
#include "daemon/release-plan.h"

/* Letting go: each guest's size when this daemon no longer looks after it. */

/* Nothing can be given to it now, or is to be. Where it stands counts in a paused guest as well:
 * its driver goes on when it does; and who cannot be asked is tried, so that it is named. */
static bool is_fixed(const struct guest *g, enum release_goal goal)
{
	const struct guest_sample *s = guest_sample(g);

	if (s->fixed != FIXED_NOT)
		return true;
	if (goal == RELEASE_AS_IT_IS)
		return !g->commanded;
	return !s->running || s->quarantined || s->job_running || !s->balloon_answered;
}

static void release_guest_fill(
	const struct guest *g, enum release_goal goal, struct release_guest *ret)
{
	const struct guest_sample *s = guest_sample(g);
	const struct guest_report *r = &s->report;

	*ret = (struct release_guest){
		.max_bytes = s->max_bytes,
		.have_bytes = MAX(MAX(s->actual_bytes, s->target_bytes), s->inflight_bytes),
		.settled_bytes = MIN(s->target_bytes, s->max_bytes),
		.actual_bytes = s->actual_bytes,
		/* Whether or not deflate-on-oom hides the balloon from its total: what is not
		   available is used. */
		.used_bytes =
			r->source == REPORT_NONE ? 0 : sub_sat(s->actual_bytes, r->available_bytes),
		.original_bytes = g->original.bytes,
		.fixed = is_fixed(g, goal),
	};
}

static uint64_t free_bytes(const struct manager *m)
{
	const struct plan *p = m->plan;

	return p ? sub_sat(p->budget_bytes, add_sat(p->charged_bytes, p->reserved_bytes)) : 0;
}

/* Why nothing can be given to it now, or NULL. */
static const char *why_not(const struct guest *g)
{
	const struct guest_sample *s = guest_sample(g);

	return s->quarantined	      ? "it does not answer libvirt" :
	       s->job_running	      ? "a libvirt job runs on it" :
	       !s->balloon_answered ? "its balloon driver has not spoken since it started" :
	       !s->running	      ? "it is paused" :
					NULL;
}

static void leave_out(json_t *left_out, const struct guest *g, const char *why)
{
	json_array_append_new(left_out, json_pack("{s:s, s:s}", "guest", g->hv->name, "why", why));
}

/* What became of a guest's size; error is the command's. */
static void judge_size(
	const struct guest *g, const struct release_guest *r, int error, json_t *left_out)
{
	uint64_t had = MIN(r->original_bytes, r->max_bytes), is = r->to_bytes / MIB;
	char text[128];

	if (!had || guest_sample(g)->fixed != FIXED_NOT || (is == had / MIB && error >= 0))
		return;
	if (r->fixed)
		snprintf(text, sizeof(text), "%s", why_not(g));
	else if (error < 0)
		snprintf(text, sizeof(text), "libvirt does not take the command: %s",
			strerror(-error));
	else
		snprintf(text, sizeof(text), "it had %llu MiB: %s %llu",
			(unsigned long long)(had / MIB),
			is < had / MIB ? "there is room for" : "what it uses keeps it at",
			(unsigned long long)is);
	leave_out(left_out, g, text);
}

void release_report_clear(struct release_report *r)
{
	json_decref(r->given);
	json_decref(r->left_out);
	*r = (struct release_report){0};
}

/* For who asked. */
struct release_answer {
	struct release_report report;
	bool *given; /* n_guests of them */
	bool dry_run;
};

/* to_bytes 0: not its size, but its CPU weight, quota or soft limit. */
static void note_given(struct release_answer *answer, const struct guest *g, uint64_t from_bytes,
	uint64_t to_bytes)
{
	answer->given[g->index] = true;
	json_array_append_new(answer->report.given,
		json_pack("{s:s, s:o, s:o}", "guest", g->hv->name, "from",
			to_bytes ? json_integer((json_int_t)from_bytes) : json_null(), "to",
			to_bytes ? json_integer((json_int_t)to_bytes) : json_null()));
}


/* One whose size is not what Ballast made of it: observe mode touches no other. */
static bool size_held(const struct guest *g)
{
	uint64_t is = guest_sample(g)->target_bytes, had = g->original.bytes;

	/* a driver may end a few pages off */
	return had && (is > had ? is - had : had - is) > 2 * MIB;
}

/* answer: NULL where nobody asked. */
static void release(struct manager *m, enum release_goal goal, struct release_answer *answer)
{
	_cleanup_free_ struct release_guest *all = calloc(m->n_guests + 1, sizeof(*all));
	struct reason reason = {.code = goal == RELEASE_TO_USED ? REASON_STOPPING : REASON_RESTORE};

	if (!all || !manager_may_act(m))
		return;
	for (size_t i = 0; i < m->n_guests; i++) {
		release_guest_fill(m->guests[i], goal, &all[i]);
		if (m->mode == MODE_OBSERVE && !size_held(m->guests[i])) {
			all[i].fixed = true;
			all[i].original_bytes = 0;
		}
	}
	release_plan(all, m->n_guests, free_bytes(m), goal);
	for (size_t i = 0; i < m->n_guests; i++) {
		bool moves = all[i].to_bytes != all[i].settled_bytes,
		     dry_run = answer && answer->dry_run;
		uint64_t from = all[i].settled_bytes;
		int r = 0;

		reason.arg[0] = all[i].to_bytes;
		reason.arg[1] = all[i].used_bytes;
		if (moves && !dry_run)
			r = act_set_memory(m->guests[i], all[i].to_bytes, &reason);
		/* not free for who asks before the next decision */
		if (moves && !dry_run && r >= 0 && m->plan)
			m->plan->charged_bytes = add_sat(m->plan->charged_bytes,
				sub_sat(all[i].to_bytes, all[i].have_bytes));
		if (!answer)
			continue;
		if (moves && r >= 0)
			note_given(answer, m->guests[i], from, all[i].to_bytes);
		judge_size(m->guests[i], &all[i], r, answer->report.left_out);
	}
}

/* Weight and quota that are ours, or may be: what is on it now need not be known. */
static bool cpu_held(const struct guest *g)
{
	return g->original.cpu_ours && g->original.cpu_weight;
}

/* Returns 1 when they are on their way back, 0 when there is nothing to do, -errno. */
static int cpu_back(struct guest *g)
{
	struct reason reason = {.code = REASON_RESTORE};
	int r;

	if (!cpu_held(g))
		return 0;
	r = act_set_cpu(g, g->original.cpu_weight, g->original.cpu_quota, &reason);
	return r < 0 ? r : 1;
}

/* A limit that is not ours any more to lift would throttle the guest for ever. As cpu_back(). */
static int soft_limit_lift(struct guest *g)
{
	int r = g->original.soft_limited ? act_soft_limit(g, BYTES_UNLIMITED) : 0;

	return r < 0 ? r : g->original.soft_limited;
}

/* Weights too: nobody would raise or lower them any more. */
void release_to_used(struct manager *m)
{
	release(m, RELEASE_TO_USED, NULL);
	for (size_t i = 0; i < m->n_guests && manager_may_act(m); i++) {
		(void)!cpu_back(m->guests[i]);
		(void)!soft_limit_lift(m->guests[i]);
	}
}

/* What could not be stopped goes on to its target: somebody has to know. */
static void tell_not_left(struct guest *g, uint64_t to_bytes, int error)
{
	tell(g->m,
		&(struct tale){.kind = DAEMON_EVENT_COMMAND_FAILED,
			.severity = SEVERITY_WARNING,
			.guest = g},
		"on its way down to %llu MiB it could not be stopped at the %llu that it has: %s; give it back what it had: ballastctl mode observe --release",
		(unsigned long long)(guest_sample(g)->target_bytes / MIB),
		(unsigned long long)(to_bytes / MIB),
		error == -EBUSY && guest_sample(g)->job_running ? "a libvirt job runs on it"
		: error == -EBUSY || error == -ETIMEDOUT	? "it does not answer libvirt"
		: error == -ECANCELED				? "libvirt is too slow"
		: error == -ENOTCONN				? "libvirt cannot be reached"
								: strerror(-error));
}

void release_as_it_is(struct manager *m)
{
	_cleanup_free_ struct release_guest *all = calloc(m->n_guests + 1, sizeof(*all));
	struct reason reason = {.code = REASON_LEFT};

	if (!all || m->dry_run)
		return;
	for (size_t i = 0; i < m->n_guests; i++)
		release_guest_fill(m->guests[i], RELEASE_AS_IT_IS, &all[i]);
	release_plan(all, m->n_guests, 0, RELEASE_AS_IT_IS);
	m->letting_go = true;
	for (size_t i = 0; i < m->n_guests; i++) {
		struct guest *g = m->guests[i];
		int r;

		if (all[i].to_bytes == all[i].settled_bytes)
			continue;
		reason.arg[0] = all[i].to_bytes;
		r = act_set_memory(g, all[i].to_bytes, &reason);
		if (r >= 0)
			g->left_id = g->sent[g->n_sent - 1].id;
		else if (r != -ENOENT)
			tell_not_left(g, all[i].to_bytes, r);
	}
	m->letting_go = false;
	m->left_until_usec = clock_boot_usec() + m->conf.call_timeout_usec;
}

bool release_is_left(struct guest *g, const struct hv_result *r)
{
	if (!g->left_id || r->id != g->left_id)
		return false;
	g->left_id = 0;
	if (r->error < 0 && r->error != -ENOENT)
		tell_not_left(g, r->bytes, r->error);
	return true;
}

static void controls_back(struct guest *g, struct release_answer *answer)
{
	/* What manager_submit() would say of a guest with a job on it. */
	int busy = guest_sample(g)->job_running ? -EBUSY : 1;
	int cpu = !answer->dry_run ? cpu_back(g) : cpu_held(g) ? busy : 0;
	int limit = !answer->dry_run ? soft_limit_lift(g) : g->original.soft_limited ? busy : 0;

	if ((cpu > 0 || limit > 0) && !answer->given[g->index])
		note_given(answer, g, 0, 0);
	if (cpu < 0)
		leave_out(answer->report.left_out, g,
			"libvirt does not take its CPU weight and quota now");
	if (limit < 0)
		leave_out(answer->report.left_out, g, "libvirt does not lift its soft limit now");
	if (!answer->dry_run)
		balloon_period_back(g);
}

int release_originals(struct manager *m, bool dry_run, struct release_report *ret)
{
	_cleanup_free_ bool *given = calloc(m->n_guests + 1, sizeof(*given));
	struct release_answer answer = {{json_array(), json_array()}, given, dry_run};

	if (!given || !answer.report.given || !answer.report.left_out) {
		release_report_clear(&answer.report);
		return -ENOMEM;
	}
	m->letting_go = true;
	release(m, RELEASE_TO_ORIGINAL, &answer);
	for (size_t i = 0; i < m->n_guests && manager_may_act(m); i++)
		controls_back(m->guests[i], &answer);
	m->letting_go = false;
	*ret = answer.report;
	return 0;
}

/* A lift that failed, or found a job running on the guest, is asked again after this. */
#define BRAKES_USEC (10 * USEC_PER_SEC)

void release_brakes(struct manager *m)
{
	uint64_t now = clock_boot_usec();

	if (manager_drives(m) || !manager_knows(m) || now < m->brakes_usec)
		return;
	m->brakes_usec = now + BRAKES_USEC;
	m->letting_go = true;
	for (size_t i = 0; i < m->n_guests; i++)
		/* else there is none, or it is being lifted */
		if (guest_sample(m->guests[i])->soft_limited)
			(void)!soft_limit_lift(m->guests[i]);
	m->letting_go = false;
}
