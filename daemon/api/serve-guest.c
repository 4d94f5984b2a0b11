/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/serve.h"

#include "common/units.h"

void write_reason(struct json_out *o, const char *key, const struct reason *r)
{
	char text[REASON_TEXT_MAX];

	json_out_key(o, key);
	if (!r || r->code == REASON_NONE) {
		json_out_null(o);
		return;
	}
	json_out_open(o, '{');
	json_out_key_string(o, "code", reason_code_to_string(r->code));
	json_out_key_string(o, "text", reason_format(r, text));
	json_out_close(o, '}');
}

const char *const guest_condition_words[] = {"pressed", "stale", "stuck", "breaker", "not-credible",
	"booting", "unknown", "quarantined", "refused", "job", "paused", NULL};

void guest_conditions_hold(const struct guest_sample *g, const struct plan_guest *p,
	bool ret[static GUEST_CONDITIONS])
{
	/* In the order of guest_condition_words. */
	const bool holds[GUEST_CONDITIONS] = {
		p && p->pressed,
		p && p->stale,
		p && p->stuck,
		p && p->breaker,
		p && p->not_credible,
		p && p->booting,
		p && !p->known,
		g->quarantined,
		p && p->refused,
		g->job_running,
		!g->running,
	};

	_Static_assert(
		ARRAY_SIZE(holds) + 1 == ARRAY_SIZE(guest_condition_words), "each has its word");
	memcpy(ret, holds, sizeof(holds));
}

void guest_conditions(const struct guest_sample *g, const struct plan_guest *p,
	condition_visitor fn, void *userdata)
{
	bool holds[GUEST_CONDITIONS];

	guest_conditions_hold(g, p, holds);
	for (size_t i = 0; i < ARRAY_SIZE(holds); i++)
		if (holds[i])
			fn(guest_condition_words[i], userdata);
}

const struct reason *guest_standing(const struct plan_guest *p)
{
	/* "uses 0 B" of a guest that never said what it uses would be a lie. */
	return p && (p->known || p->standing.code != REASON_NEED) ? &p->standing : NULL;
}

static void write_condition(const char *word, void *userdata)
{
	json_out_string(userdata, word);
}

void write_conditions(struct json_out *o, const struct guest_sample *g, const struct plan_guest *p)
{
	json_out_key(o, "conditions");
	json_out_open(o, '[');
	guest_conditions(g, p, write_condition, o);
	json_out_close(o, ']');
}

static void write_memory(struct json_out *o, const struct view_input *k,
	const struct guest_sample *g, const struct plan_guest *p)
{
	uint64_t limit = p ? p->max_bytes : UINT64_MAX;
	/* A plan's target is commanded only where plans are carried out. */
	bool commanded = p && k->mode == MODE_ENFORCE && !k->pause.on;

	json_out_key(o, "memory");
	json_out_open(o, '{');
	json_out_key_u64(o, "actual", g->actual_bytes);
	json_out_key_u64(o, "target", commanded ? p->target_bytes : g->target_bytes);
	json_out_key_u64(o, "max", g->max_bytes);
	json_out_key_u64(o, "resident", g->resident_bytes ? g->resident_bytes : UINT64_MAX);
	json_out_key_u64(o, "qemu", g->qemu_bytes);
	json_out_key_u64(o, "used", p && p->known ? p->used_bytes : UINT64_MAX);
	json_out_key_u64(o, "want", p ? p->want_bytes : UINT64_MAX);
	json_out_key_u64(o, "floor", p ? p->floor_bytes : UINT64_MAX);
	json_out_key_u64(o, "min", p ? p->min_bytes : UINT64_MAX);
	json_out_key_u64(o, "limit", limit < g->max_bytes ? limit : UINT64_MAX);
	json_out_key_u64(o, "share", p ? p->share_bytes : UINT64_MAX);
	json_out_key_u64(o, "charge", p ? p->charge_bytes : UINT64_MAX);
	json_out_key_u64(o, "stall_permyriad", p ? p->stall_permyriad : UINT64_MAX);
	json_out_key_u64(o, "refaults_per_sec", p ? p->refaults_per_sec : UINT64_MAX);
	json_out_close(o, '}');
}

static void write_cpu(struct json_out *o, const struct guest_sample *g, const struct plan_guest *p)
{
	uint64_t weight = p ? p->cpu_weight : g->cpu_weight;
	bool sampled = g->vcpu_sample_usec;

	json_out_key(o, "cpu");
	json_out_open(o, '{');
	json_out_key_u64(o, "vcpus", g->vcpus);
	json_out_key_u64(o, "weight", weight ? weight : UINT64_MAX);
	json_out_key_u64(o, "quota_permyriad", p ? p->cpu_quota : g->cpu_quota);
	json_out_key_u64(o, "time_usec", sampled ? g->vcpu_time_usec : UINT64_MAX);
	json_out_key_u64(o, "delay_usec", sampled ? g->vcpu_delay_usec : UINT64_MAX);
	json_out_key_u64(o, "delay_permyriad", sampled && p ? p->vcpu_delay_permyriad : UINT64_MAX);
	json_out_close(o, '}');
}

static void write_agent(struct json_out *o, const struct snapshot *s, const struct guest_sample *g,
	const struct view_guest *v)
{
	json_out_key(o, "agent");
	json_out_open(o, '{');
	json_out_key_bool(o, "enrolled", v && v->enrolled);
	json_out_key_bool(o, "connected", g->channel_open);
	json_out_key_time(o, "shut_out_until", snapshot_real_usec(s, g->shut_out_usec));
	json_out_key_string(o, "version", v ? v->agent_version : NULL);
	json_out_key_string(o, "os", v ? v->os : NULL);
	json_out_key_string(o, "kernel", v ? v->kernel : NULL);
	json_out_close(o, '}');
}

static void write_counters(struct json_out *o, const struct guest_report *r)
{
	json_out_key(o, "counters");
	if (!r->has_counters) {
		json_out_null(o);
	} else {
		json_out_open(o, '{');
		json_out_key_u64(o, "major_faults", r->major_faults);
		json_out_key_u64(o, "refaults_file", r->refaults_file);
		json_out_key_u64(o, "refaults_anon", r->refaults_anon);
		json_out_key_u64(o, "oom_kills", r->oom_kills);
		json_out_key_u64(o, "steal_usec", r->steal_usec);
		json_out_key_u64(o, "running_tasks", r->running_tasks);
		json_out_close(o, '}');
	}
	json_out_key(o, "psi");
	if (!r->has_psi) {
		json_out_null(o);
		return;
	}
	json_out_open(o, '{');
	json_out_key_u64(o, "memory_some_usec", r->psi_mem_some_usec);
	json_out_key_u64(o, "memory_full_usec", r->psi_mem_full_usec);
	json_out_key_u64(o, "cpu_some_usec", r->psi_cpu_some_usec);
	json_out_key_u64(o, "io_some_usec", r->psi_io_some_usec);
	json_out_key_u64(o, "io_full_usec", r->psi_io_full_usec);
	json_out_close(o, '}');
}

static void write_report(struct json_out *o, const struct snapshot *s, const struct guest_report *r)
{
	json_out_key(o, "report");
	if (r->source == REPORT_NONE) {
		json_out_null(o);
		return;
	}
	json_out_open(o, '{');
	json_out_key_string(o, "source", report_source_to_string(r->source));
	json_out_key_string(o, "why", report_why_to_string(r->why));
	json_out_key_time(o, "time", snapshot_real_usec(s, r->arrival_usec));
	json_out_key_u64(o, "seq", r->seq);
	json_out_key_u64(o, "total", r->total_bytes);
	json_out_key_u64(o, "available", r->available_bytes);
	json_out_key_u64(o, "free", r->free_bytes);
	json_out_key_u64(o, "anon", r->anon_bytes);
	json_out_key_u64(o, "file", r->file_bytes);
	json_out_key_u64(o, "dirty", r->dirty_bytes);
	json_out_key_u64(o, "swap_total", r->has_swap ? r->swap_total_bytes : UINT64_MAX);
	json_out_key_u64(o, "swap_free", r->has_swap ? r->swap_free_bytes : UINT64_MAX);
	write_counters(o, r);
	json_out_close(o, '}');
}

static void write_last_change(struct json_out *o, const struct view_guest *v)
{
	json_out_key(o, "last_change");
	if (!v || !v->changed_real_usec) {
		json_out_null(o);
		return;
	}
	json_out_open(o, '{');
	json_out_key_time(o, "time", v->changed_real_usec);
	json_out_key_u64(o, "from", v->changed_from_bytes);
	json_out_key_u64(o, "to", v->changed_to_bytes);
	write_reason(o, "reason", &v->changed_reason);
	json_out_close(o, '}');
}

static uint64_t count_overrides(const struct snapshot *s, const struct uuid *guest)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->n_overrides; i++)
		n += uuid_equal(&s->overrides[i].guest, guest);
	return n;
}

static void write_identity(
	struct json_out *o, const struct snapshot *s, const struct guest_sample *g)
{
	char uuid[UUID_TEXT_MAX];

	json_out_key_string(o, "uuid", uuid_format(&g->id.uuid, uuid));
	json_out_key_string(o, "name", g->id.name);
	json_out_key_string(o, "host", g->id.host ? g->id.host : s->host.name);
	json_out_key(o, "tags");
	json_out_open(o, '[');
	for (const char *const *t = g->id.tags; t && *t; t++)
		json_out_string(o, *t);
	json_out_close(o, ']');
	json_out_key_bool(o, "running", g->running);
	json_out_key_time(o, "started", snapshot_real_usec(s, g->started_usec));
	json_out_key_u64(o, "incarnation", g->incarnation);
}

void serve_guest(const struct view_input *k, size_t index, struct json_out *o)
{
	const struct snapshot *s = k->snapshot;
	const struct guest_sample *g = &s->guests[index];
	const struct view_guest *v = k->guests ? &k->guests[index] : NULL;
	const struct plan_guest *p = plan_guest(k, index);

	json_out_open(o, '{');
	write_identity(o, s, g);
	write_memory(o, k, g, p);
	write_cpu(o, g, p);
	write_conditions(o, g, p);
	json_out_key_string(
		o, "fixed", g->fixed == FIXED_NOT ? NULL : fixed_reason_to_string(g->fixed));
	json_out_key_string(
		o, "net", !p || p->net == GUEST_NET_UNKNOWN ? NULL : guest_net_to_string(p->net));
	write_agent(o, s, g, v);
	write_report(o, s, &g->report);
	write_reason(o, "standing", guest_standing(p));
	json_out_key_u64(o, "overrides", count_overrides(s, &g->id.uuid));
	write_last_change(o, v);
	json_out_close(o, '}');
}

/* Sorts indexes by name; equal names (a conflict, shown as it is) by place. */
