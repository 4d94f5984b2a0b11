/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/serve.h"

static void write_guest_ref(struct json_out *o, const char *name, const struct uuid *uuid)
{
	char text[UUID_TEXT_MAX];

	json_out_key_string(o, "guest", name);
	json_out_key_string(o, "uuid", uuid_format(uuid, text));
}

/* A reservation's guest is not in the snapshot yet: its name is in the reservation. */
static const char *action_name(const struct snapshot *s, const struct action *a)
{
	if (a->guest_index < s->n_guests)
		return s->guests[a->guest_index].id.name;
	for (size_t i = 0; i < s->n_reservations; i++)
		if (s->reservations[i].id == a->reservation)
			return s->reservations[i].guest_name;
	return NULL;
}

static void write_action(struct json_out *o, const struct snapshot *s, const struct action *a)
{
	json_out_open(o, '{');
	json_out_key_string(o, "kind", action_kind_to_string(a->kind));
	write_guest_ref(o, action_name(s, a), &a->guest);
	switch (a->kind) {
	case ACTION_MEMORY:
		json_out_key_u64(o, "from", a->from_bytes);
		json_out_key_u64(o, "to", a->to_bytes);
		break;
	case ACTION_CPU:
		json_out_key_u64(o, "weight", a->cpu_weight);
		json_out_key_u64(o, "quota_permyriad", a->cpu_quota);
		break;
	case ACTION_SOFT_LIMIT:
		json_out_key_u64(o, "bytes", a->to_bytes);
		break;
	case ACTION_GRANT:
	case ACTION_REFUSE:
		json_out_key_u64(o, "reservation", a->reservation);
		break;
	case ACTION_KIND_MAX:
	case ACTION_KIND_INVALID:
		break;
	}
	write_reason(o, "reason", &a->reason);
	json_out_close(o, '}');
}

static void write_standing(
	struct json_out *o, const struct guest_sample *g, const struct plan_guest *p)
{
	json_out_open(o, '{');
	write_guest_ref(o, g->id.name, &g->id.uuid);
	json_out_key_u64(o, "actual", g->actual_bytes);
	json_out_key_u64(o, "used", p->known ? p->used_bytes : UINT64_MAX);
	json_out_key_u64(o, "want", p->want_bytes);
	json_out_key_u64(o, "floor", p->floor_bytes);
	json_out_key_u64(o, "share", p->share_bytes);
	json_out_key_u64(o, "charge", p->charge_bytes);
	json_out_key_u64(o, "target", p->target_bytes);
	write_conditions(o, g, p);
	write_reason(o, "standing", guest_standing(p));
	json_out_close(o, '}');
}

void serve_plan(const struct view_input *k, size_t index, struct json_out *o)
{
	const struct snapshot *s = k->snapshot;
	const struct plan *p = k->plan;

	json_out_open(o, '{');
	json_out_key_time(o, "time", p ? s->now_real_usec : 0);
	json_out_key_string(o, "state", p ? host_state_to_string(p->host_state) : NULL);
	json_out_key_bool(o, "enforce", k->mode == MODE_ENFORCE && !k->pause.on);
	json_out_key_bool(o, "settled", p && p->settled);
	json_out_key(o, "memory");
	json_out_open(o, '{');
	write_division(o, p);
	json_out_close(o, '}');
	json_out_key(o, "actions");
	json_out_open(o, '[');
	for (size_t i = 0; p && i < p->n_actions; i++)
		write_action(o, s, &p->actions[i]);
	json_out_close(o, ']');
	json_out_key(o, "guests");
	json_out_open(o, '[');
	for (size_t i = 0; p && i < s->n_guests && i < p->n_guests; i++)
		write_standing(o, &s->guests[i], &p->guests[i]);
	json_out_close(o, ']');
	json_out_close(o, '}');
}
