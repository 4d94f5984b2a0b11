/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include "common/units.h"

/*
 * From a plan to calls, and what became of them. A command counts as carried out from the moment it
 * is handed to hv; where it was not, the next snapshot's target says so. Where nobody knows, the
 * guest is counted at the larger size.
 */

int manager_submit(struct guest *g, struct hv_request *req, uint64_t *ret_id)
{
	struct manager *m = g->m;
	int r;

	if (hv_call_mutates(req->call) && (m->dry_run || (!manager_drives(m) && !m->letting_go)))
		return -EPERM;
	/* It would wait for the job, and hold up all that comes after it. What decide() wants is
	 * wanted again when the job is over. */
	if (hv_call_mutates(req->call) && guest_sample(g)->job_running)
		return -EBUSY;
	r = hv_submit(m->hv, req, ret_id);
	if (r < 0 && r != -ENOTCONN && r != -ENOENT && r != -EBUSY)
		journal_warning("%s: cannot ask libvirt (%s): %s", g->hv->name,
			hv_call_to_string(req->call), strerror(-r));
	return r;
}

static void trace_command(struct guest *g, uint64_t from, uint64_t to, uint64_t now)
{
	char uuid[UUID_TEXT_MAX];

	if (g->m->trace)
		trace_line(g->m, "command %s %llu %llu %llu", uuid_format(&g->uuid, uuid),
			(unsigned long long)from, (unsigned long long)to, (unsigned long long)now);
}

/* Who takes his own off a guest does not wait for the disk. */
static bool may_command(struct guest *g)
{
	return g->m->letting_go || g->m->stopping || original_kept(g);
}

int act_set_memory(struct guest *g, uint64_t to_bytes, const struct reason *reason)
{
	struct guest_sample *s = guest_sample(g);
	struct hv_request req = {.call = HV_CALL_SET_MEMORY, .guest = g->uuid, .bytes = to_bytes};
	uint64_t from = s->target_bytes, id = 0;
	struct event_number numbers[] = {{"from", from}, {"to", to_bytes}};
	int r;

	if (!may_command(g))
		return -EAGAIN;
	if (sent_full(g))
		return -EBUSY;
	r = manager_submit(g, &req, &id);
	if (r < 0)
		return r;
	trace_command(g, from, to_bytes, clock_boot_usec());
	sent(g, id, to_bytes);
	g->commanded = true;
	g->changed_real_usec = clock_real_usec();
	g->changed_from_bytes = from;
	g->changed_to_bytes = to_bytes;
	g->changed_reason = *reason;
	tell(g->m,
		&(struct tale){
			.kind = DAEMON_EVENT_COMMAND,
			.severity = SEVERITY_INFO,
			.guest = g,
			.numbers = numbers,
			.n_numbers = ARRAY_SIZE(numbers),
			.reason = reason,
		},
		"memory %llu -> %llu MiB", (unsigned long long)(from / MIB),
		(unsigned long long)(to_bytes / MIB));
	original_changed(g);
	balloon_poll_soon(g->m);
	return 0;
}

/* What is the original's goes out as that was read; a quota that is not ours and stays is not
 * touched, and its period stays the administrator's. */
static struct hv_request cpu_request(const struct guest *g, uint64_t weight, uint64_t quota)
{
	const struct original *o = &g->original;
	struct hv_request req = {
		.call = HV_CALL_SET_CPU,
		.guest = g->uuid,
		.set_weight = weight != 0,
		.set_quota = o->cpu_ours || quota != guest_sample(g)->cpu_quota,
		.cpu_weight = weight,
		.cpu_quota_permyriad = quota,
		.cpu_period_usec = g->cpu.period_usec,
	};

	if (o->cpu_weight && weight == o->cpu_weight)
		req.cpu.shares = o->cpu.shares;
	if (o->cpu_weight && quota == o->cpu_quota) {
		req.cpu.period_usec = o->cpu.period_usec;
		req.cpu.quota_usec = o->cpu.quota_usec;
	}
	return req;
}

int act_set_cpu(struct guest *g, uint64_t weight, uint64_t quota, const struct reason *reason)
{
	struct hv_request req = cpu_request(g, weight, quota);
	struct event_number numbers[] = {{"weight", weight}, {"quota_permyriad", quota}};
	bool was_ours = g->original.cpu_ours;
	uint64_t id = 0;
	int r;

	/* From now on, whoever comes after us has to bring it back; also what is on its way back
	 * may not arrive. */
	original_cpu_set(g, true);
	if (!may_command(g))
		return -EAGAIN;
	r = manager_submit(g, &req, &id);
	if (r < 0) {
		original_cpu_set(g, was_ours);
		return r;
	}
	g->cpu_id = id;
	/* What decide() sees from now on; the call's end corrects it. */
	if (weight)
		guest_sample(g)->cpu_weight = weight;
	guest_sample(g)->cpu_quota = quota;
	tell(g->m,
		&(struct tale){
			.kind = DAEMON_EVENT_CPU,
			.severity = SEVERITY_INFO,
			.guest = g,
			.numbers = numbers,
			.n_numbers = ARRAY_SIZE(numbers),
			.reason = reason,
		},
		"CPU weight %llu", (unsigned long long)weight);
	return 0;
}

int act_soft_limit(struct guest *g, uint64_t bytes)
{
	struct hv_request req = {.call = HV_CALL_SET_SOFT_LIMIT, .guest = g->uuid, .bytes = bytes};
	struct event_number number = {"bytes", bytes};
	bool was_limited = g->original.soft_limited;
	int r;

	/* Once it may be set, whoever comes after us has to lift it. */
	if (bytes != BYTES_UNLIMITED)
		original_soft_limited(g, true);
	if (!may_command(g))
		return -EAGAIN;
	r = manager_submit(g, &req, &g->limit_id);
	if (r < 0) {
		original_soft_limited(g, was_limited);
		return r;
	}
	/* What decide() sees from now on; the call's end corrects it. */
	guest_sample(g)->soft_limited = bytes != BYTES_UNLIMITED;
	tell(g->m,
		&(struct tale){
			.kind = DAEMON_EVENT_SOFT_LIMIT,
			.severity = SEVERITY_NOTICE,
			.guest = g,
			.numbers = &number,
			.n_numbers = 1,
		},
		"%s",
		guest_sample(g)->soft_limited
			? "it holds more than it is charged for: soft limit set"
			: "its soft limit is lifted");
	return 0;
}

/* Whether what a pressed guest was given suffices is asked as soon as it has it. */
static void relief_begins(struct guest *g, const struct action *a)
{
	g->relief_under_way = a->to_bytes > a->from_bytes && g->m->plan->guests[g->index].pressed;
}

/* A size that waits for the disk is wanted by the next decision just as well; these are said once.
 * The newest counts. */
static void wait_kept(struct guest *g, enum waiting what, const struct action *a)
{
	g->m->n_waiting += !g->waits[what];
	g->waiting[what] = *a;
	g->waits[what] = true;
}

static void act_one(struct manager *m, const struct action *a)
{
	struct guest *g;

	if (a->kind == ACTION_GRANT || a->kind == ACTION_REFUSE) {
		reserve_answered(m, a);
		return;
	}
	if (!manager_may_act(m) || m->stopping || !(g = manager_find(m, &a->guest)))
		return;
	if (a->kind == ACTION_MEMORY && act_set_memory(g, a->to_bytes, &a->reason) >= 0)
		relief_begins(g, a);
	else if (a->kind == ACTION_CPU &&
		 act_set_cpu(g, a->cpu_weight, a->cpu_quota, &a->reason) == -EAGAIN)
		wait_kept(g, WAITING_CPU, a);
	else if (a->kind == ACTION_SOFT_LIMIT && act_soft_limit(g, a->to_bytes) == -EAGAIN)
		wait_kept(g, WAITING_SOFT_LIMIT, a);
}

static void act_waiting(struct guest *g)
{
	for (int w = 0; w < WAITING_MAX; w++) {
		struct action a = g->waiting[w];

		if (!g->waits[w])
			continue;
		g->waits[w] = false;
		g->m->n_waiting--;
		act_one(g->m, &a);
	}
}

void act_kept(struct manager *m)
{
	for (size_t i = 0; m->n_waiting && i < m->n_guests; i++)
		if (original_kept(m->guests[i]))
			act_waiting(m->guests[i]);
	decide_soon(m);
}

void act_on_plan(struct manager *m)
{
	for (size_t i = 0; i < m->plan->n_actions; i++)
		act_one(m, &m->plan->actions[i]);
}

static void tell_failure(struct guest *g, const struct hv_result *r)
{
	enum severity severity = r->error == -EBUSY ? SEVERITY_INFO : SEVERITY_WARNING;

	if (r->error == -ECANCELED || r->error == -ENOENT || r->error == -ENOTCONN)
		return; /* superseded; gone; told for all */
	tell(g->m,
		&(struct tale){
			.kind = DAEMON_EVENT_COMMAND_FAILED, .severity = severity, .guest = g},
		"%s failed: %s", hv_call_to_string(r->call),
		*r->text ? r->text : strerror(-r->error));
}

/* Longer each time that libvirt refuses again: from a second to about a minute. */
static void note_refusal(unsigned *refusals, uint64_t *until, int error)
{
	if (error >= 0) {
		*refusals = 0;
		*until = 0;
	} else if (error != -ECANCELED && error != -ENOENT && error != -ENOTCONN &&
		   error != -EBUSY &&
		   error != -ETIMEDOUT) { /* superseded, gone, away, in a job, quarantined: these
					     end by an event */
		*until = clock_boot_usec() + (USEC_PER_SEC << MIN(*refusals, 6U));
		++*refusals;
	}
}

static void set_memory_done(struct guest *g, const struct hv_result *r)
{
	struct guest_sample *s = guest_sample(g);
	char uuid[UUID_TEXT_MAX];
	bool known, left;

	if (g->m->trace)
		trace_line(g->m, "done %s %llu %llu %llu %d", uuid_format(&g->uuid, uuid),
			(unsigned long long)r->bytes,
			(unsigned long long)(r->started_usec ? monotonic_to_boot(r->started_usec)
							     : 0),
			(unsigned long long)(r->ended_usec ? monotonic_to_boot(r->ended_usec) : 0),
			r->error);
	known = sent_ended(g, r);
	left = release_is_left(g, r);
	if (!known)
		return;
	note_refusal(&g->refusals, &s->refused_until_usec, r->error);
	if (r->error >= 0) {
		balloon_read(g);
		return;
	}
	if (!left)
		tell_failure(g, r);
	if (r->error == -EBUSY && !s->quarantined)
		s->job_running = true;
	decide_soon(g->m);
}

static bool cpu_is_original(const struct guest *g)
{
	const struct guest_sample *s = guest_sample(g);

	return s->cpu_weight == g->original.cpu_weight && s->cpu_quota == g->original.cpu_quota;
}

/* What was read says it in libvirt's own words, where the original's are known. */
static bool read_is_original(const struct guest *g)
{
	const struct hv_cpu *is = &g->cpu, *had = &g->original.cpu;

	if (!had->shares || !had->period_usec)
		return cpu_is_original(g);
	return is->shares == had->shares && is->period_usec == had->period_usec &&
	       is->quota_usec == had->quota_usec;
}

static void set_cpu_done(struct guest *g, const struct hv_result *r)
{
	if (r->id == g->cpu_id) {
		g->cpu_id = 0;
		note_refusal(&g->cpu_refusals, &guest_sample(g)->cpu_refused_until_usec, r->error);
	}
	if (r->error >= 0) {
		if (!g->cpu_id && cpu_is_original(g))
			original_cpu_set(g, false);
		return;
	}
	tell_failure(g, r);
	/* What holds now is not known: ask. */
	(void)!manager_submit(
		g, &(struct hv_request){.call = HV_CALL_GET_CPU, .guest = g->uuid}, NULL);
}

static void get_cpu_done(struct guest *g, const struct hv_result *r)
{
	struct guest_sample *s = guest_sample(g);

	if (r->error < 0)
		return;
	s->cpu_weight = r->cpu_weight;
	s->cpu_quota = r->cpu_quota_permyriad;
	g->cpu = r->cpu;
	original_seen(g);
	if (!g->cpu_id && read_is_original(g))
		original_cpu_set(g, false);
	decide_within(g->m, 20 * USEC_PER_MSEC);
}

static void soft_limit_done(struct guest *g, const struct hv_result *r)
{
	struct guest_sample *s = guest_sample(g);
	bool lift = r->bytes == BYTES_UNLIMITED;

	if (r->error >= 0) {
		if (lift && !s->soft_limited)
			original_soft_limited(g, false);
		return;
	}
	tell_failure(g, r);
	/* A later one counts. Where nobody knows, it is taken to be on: one too many is lifted
	 * again. */
	if (r->id == g->limit_id)
		s->soft_limited = lift || r->error == -ETIMEDOUT || r->error == -ENOTCONN ||
				  r->error == -ECANCELED;
}

void act_call_done(struct guest *g, const struct hv_result *r)
{
	switch (r->call) {
	case HV_CALL_SET_MEMORY:
		set_memory_done(g, r);
		break;
	case HV_CALL_SET_CPU:
		set_cpu_done(g, r);
		break;
	case HV_CALL_GET_CPU:
		get_cpu_done(g, r);
		break;
	case HV_CALL_SET_SOFT_LIMIT:
		soft_limit_done(g, r);
		break;
	case HV_CALL_SET_STATS_PERIOD:
		balloon_period_done(g, r);
		enroll_period_done(g, r);
		break;
	default:
		if (r->error < 0)
			tell_failure(g, r);
		break;
	}
}
