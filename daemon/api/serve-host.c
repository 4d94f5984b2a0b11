/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "daemon/api/serve.h"

#include "common/units.h"

void serve_version(const struct view_input *k, size_t index, struct json_out *o)
{
	json_out_open(o, '{');
	json_out_key_string(o, "version", PACKAGE_VERSION);
	json_out_key_u64(o, "api", 1);
	json_out_key_string(o, "libvirt", k->libvirt_version);
	json_out_key_time(o, "started", k->started_real_usec);
	json_out_close(o, '}');
}

void serve_mode(const struct view_input *k, size_t index, struct json_out *o)
{
	json_out_open(o, '{');
	json_out_key_string(o, "mode", daemon_mode_to_string(k->mode));
	json_out_close(o, '}');
}

void write_pause(struct json_out *o, const struct view_pause *p)
{
	json_out_open(o, '{');
	json_out_key_bool(o, "paused", p->on);
	json_out_key_time(o, "since", p->on ? p->since_real_usec : 0);
	json_out_key_time(o, "until", p->on ? p->until_real_usec : 0);
	json_out_key_string(o, "by", p->on ? p->by : NULL);
	json_out_key_string(o, "message", p->on ? p->message : NULL);
	json_out_close(o, '}');
}

void serve_pause(const struct view_input *k, size_t index, struct json_out *o)
{
	write_pause(o, &k->pause);
}

void write_division(struct json_out *o, const struct plan *p)
{
	uint64_t taken = p ? add_sat(p->charged_bytes, p->reserved_bytes) : 0;

	json_out_key_u64(o, "managed", p ? p->memory_bytes : UINT64_MAX);
	json_out_key_u64(o, "reserve", p ? p->reserve_bytes : UINT64_MAX);
	json_out_key_u64(o, "other", p ? p->other_bytes : UINT64_MAX);
	json_out_key_u64(o, "overhead", p ? p->overhead_bytes : UINT64_MAX);
	json_out_key_u64(o, "budget", p ? p->budget_bytes : UINT64_MAX);
	json_out_key_u64(o, "charged", p ? p->charged_bytes : UINT64_MAX);
	json_out_key_u64(o, "reserved", p ? p->reserved_bytes : UINT64_MAX);
	json_out_key_u64(o, "free", p ? sub_sat(p->budget_bytes, taken) : UINT64_MAX);
}

static void write_load(const struct view_input *k, struct json_out *o)
{
	json_out_key(o, "cpu");
	if (k->has_cpu) {
		json_out_open(o, '{');
		json_out_key_u64(o, "cpus", k->snapshot->host.cpus);
		json_out_key_u64(o, "busy_permyriad", k->cpu_busy_permyriad);
		json_out_key_u64(o, "steal_permyriad", k->cpu_steal_permyriad);
		json_out_close(o, '}');
	} else {
		json_out_null(o);
	}
	json_out_key(o, "nodes");
	if (!k->n_nodes) {
		json_out_null(o);
		return;
	}
	json_out_open(o, '[');
	for (size_t i = 0; i < k->n_nodes; i++) {
		json_out_open(o, '{');
		json_out_key_u64(o, "node", k->nodes[i].id);
		json_out_key_u64(o, "total", k->nodes[i].total_bytes);
		json_out_key_u64(o, "free", k->nodes[i].free_bytes);
		json_out_close(o, '}');
	}
	json_out_close(o, ']');
}

static void write_memory(const struct view_input *k, struct json_out *o)
{
	const struct host_sample *h = &k->snapshot->host;

	json_out_key(o, "memory");
	json_out_open(o, '{');
	json_out_key_u64(o, "total", h->memory_bytes);
	json_out_key_u64(o, "available", h->available_bytes);
	write_division(o, k->plan);
	json_out_close(o, '}');
	json_out_key(o, "swap");
	json_out_open(o, '{');
	json_out_key_u64(o, "total", h->swap_total_bytes);
	json_out_key_u64(o, "free", h->swap_free_bytes);
	json_out_close(o, '}');
	json_out_key_u64(o, "cpus", h->cpus);
	write_load(k, o);
	json_out_key(o, "psi");
	if (!h->has_psi) {
		json_out_null(o);
		return;
	}
	json_out_open(o, '{');
	json_out_key_u64(o, "memory_some_usec", h->psi_mem_some_usec);
	json_out_key_u64(o, "memory_full_usec", h->psi_mem_full_usec);
	json_out_key_u64(o, "cpu_some_usec", h->psi_cpu_some_usec);
	json_out_key_u64(o, "io_some_usec", h->psi_io_some_usec);
	json_out_close(o, '}');
}

/* How many guests are how. */
static void write_guest_counts(const struct view_input *k, struct json_out *o)
{
	uint64_t running = 0, pressed = 0, stale = 0, stuck = 0, breaker = 0, quarantined = 0;

	for (size_t i = 0; i < k->snapshot->n_guests; i++) {
		const struct guest_sample *g = &k->snapshot->guests[i];
		const struct plan_guest *p = plan_guest(k, i);

		running += g->running;
		quarantined += g->quarantined;
		pressed += p && p->pressed;
		stale += p && p->stale;
		stuck += p && p->stuck;
		breaker += p && p->breaker;
	}
	json_out_key(o, "guests");
	json_out_open(o, '{');
	json_out_key_u64(o, "count", k->snapshot->n_guests);
	json_out_key_u64(o, "running", running);
	json_out_key_u64(o, "pressed", pressed);
	json_out_key_u64(o, "stale", stale);
	json_out_key_u64(o, "stuck", stuck);
	json_out_key_u64(o, "breaker", breaker);
	json_out_key_u64(o, "quarantined", quarantined);
	json_out_close(o, '}');
}

static void write_policy_counts(const struct view_input *k, struct json_out *o)
{
	size_t n = k->set ? policy_set_count(k->set) : 0;
	uint64_t open = 0, stale = 0;

	for (size_t i = 0; i < n; i++) {
		struct policy_info info;

		policy_set_info(k->set, i, &info);
		stale += info.stale;
		open += k->policies && k->policies[i].open;
	}
	json_out_key(o, "policies");
	json_out_open(o, '{');
	json_out_key_u64(o, "count", n);
	json_out_key_u64(o, "open", k->policies ? open : UINT64_MAX);
	json_out_key_u64(o, "stale", stale);
	write_next_change(k, o);
	json_out_close(o, '}');
}

static void write_problems(const struct view_input *k, struct json_out *o)
{
	json_out_key(o, "problems");
	json_out_open(o, '[');
	for (size_t i = 0; i < k->n_problems; i++) {
		json_out_open(o, '{');
		json_out_key_string(o, "code", k->problems[i].code);
		json_out_key_string(o, "text", k->problems[i].text);
		json_out_key_string(o, "remedy", k->problems[i].remedy);
		json_out_key_time(o, "since", k->problems[i].since_real_usec);
		json_out_close(o, '}');
	}
	json_out_close(o, ']');
}

static const char *uuid_or_null(const struct uuid *u, char buf[static UUID_TEXT_MAX])
{
	static const struct uuid none;

	return uuid_equal(u, &none) ? NULL : uuid_format(u, buf);
}

void write_reservation(struct json_out *o, const struct reservation *r, uint64_t now_boot_usec,
	uint64_t now_real_usec)
{
	const struct snapshot clocks = {
		.now_boot_usec = now_boot_usec, .now_real_usec = now_real_usec};
	char uuid[UUID_TEXT_MAX];

	json_out_open(o, '{');
	json_out_key_u64(o, "id", r->id);
	json_out_key_string(o, "guest", r->guest_name);
	json_out_key_string(o, "uuid", uuid_or_null(&r->guest, uuid));
	json_out_key_u64(o, "bytes", r->bytes);
	json_out_key_u64(o, "qemu", r->qemu_bytes);
	json_out_key_bool(o, "granted", r->granted);
	json_out_key_time(o, "asked", snapshot_real_usec(&clocks, r->asked_usec));
	json_out_key_time(o, "deadline", snapshot_real_usec(&clocks, r->deadline_usec));
	json_out_close(o, '}');
}

static void write_reservations(struct json_out *o, const struct snapshot *s)
{
	json_out_key(o, "reservations");
	json_out_open(o, '[');
	for (size_t i = 0; i < s->n_reservations; i++)
		write_reservation(o, &s->reservations[i], s->now_boot_usec, s->now_real_usec);
	json_out_close(o, ']');
}

void serve_reservations(const struct view_input *k, size_t index, struct json_out *o)
{
	json_out_open(o, '{');
	write_reservations(o, k->snapshot);
	json_out_close(o, '}');
}

void serve_host(const struct view_input *k, size_t index, struct json_out *o)
{
	const struct snapshot *s = k->snapshot;

	json_out_open(o, '{');
	json_out_key_string(o, "name", s->host.name);
	json_out_key_bool(o, "self", true);
	json_out_key_string(o, "mode", daemon_mode_to_string(k->mode));
	json_out_key(o, "pause");
	write_pause(o, &k->pause);
	json_out_key_bool(o, "ready", k->ready);
	json_out_key_string(o, "state", k->plan ? host_state_to_string(k->plan->host_state) : NULL);
	json_out_key_time(o, "decided", k->plan ? s->now_real_usec : 0);
	json_out_key_time(o, "started", k->started_real_usec);
	json_out_key_string(o, "version", PACKAGE_VERSION);
	write_memory(k, o);
	write_guest_counts(k, o);
	write_policy_counts(k, o);
	write_reservations(o, s);
	write_problems(k, o);
	json_out_close(o, '}');
}

void serve_hosts(const struct view_input *k, size_t index, struct json_out *o)
{
	json_out_open(o, '{');
	json_out_key(o, "hosts");
	json_out_open(o, '[');
	serve_host(k, 0, o);
	json_out_close(o, ']');
	json_out_close(o, '}');
}
