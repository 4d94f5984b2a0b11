/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The baseline to beat: a plain reactive loop of one second. Water filling on what is used and 20
 * %, a full release while a guest stalls, a dead band of 10 %, freed before granted. It stands in
 * for decide() in tests of the simulator, whose output must not change when decisions do, and the
 * simulator compares the real one with it.
 */
#include "common/units.h"
#include "policy/decide.h"

#define LOOP_USEC       USEC_PER_SEC
#define STALL_PERMYRIAD UINT64_C(500)

struct past {
	struct uuid guest;
	uint64_t arrival_usec, guest_usec, stall_usec;
	bool stalled;
};
struct decide_state {
	uint64_t next_usec;
	struct past *past;
	size_t n;
};
/* One guest while a division is made. */
struct part {
	uint64_t have_bytes, want_bytes, share_bytes;
	bool stalled, out;
};

struct decide_state *decide_state_new(void)
{
	return calloc(1, sizeof(struct decide_state));
}

struct decide_state *decide_state_free(struct decide_state *s)
{
	if (s)
		free(s->past);
	free(s);
	return NULL;
}

struct decide_state *decide_state_clone(const struct decide_state *s)
{
	struct decide_state *c = decide_state_new();

	if (!c)
		return NULL;
	*c = *s;
	c->past = calloc(s->n + 1, sizeof(*c->past));
	if (!c->past)
		return decide_state_free(c);
	memcpy(c->past, s->past, s->n * sizeof(*c->past));
	return c;
}

const struct guest_policy *decide_state_guest_policy(const struct decide_state *s,
	const struct uuid *guest)
{
	return NULL;
}

const struct policy_windows *decide_state_windows(const struct decide_state *s)
{
	return NULL;
}

static struct past *past_of(struct decide_state *s, const struct uuid *guest)
{
	struct past *grown;

	for (size_t i = 0; i < s->n; i++)
		if (uuid_equal(&s->past[i].guest, guest))
			return &s->past[i];
	grown = reallocarray(s->past, s->n + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	s->past = grown;
	s->past[s->n] = (struct past){.guest = *guest};
	return &s->past[s->n++];
}

/* Did it stall for more than 5 % of the time between its last two reports? */
static bool is_stalled(struct past *p, const struct guest_report *r)
{
	uint64_t span, stall;

	if (!r->has_psi || r->arrival_usec == p->arrival_usec)
		return p->stalled;
	span = sub_sat(r->guest_usec, p->guest_usec);
	if (r->why == REPORT_WHY_PRESSURE) /* the trigger tells of the last second */
		span = MIN(span, USEC_PER_SEC);
	stall = sub_sat(r->psi_mem_some_usec, p->stall_usec);
	p->stalled = p->arrival_usec && span &&
		     mul_div(stall, PERMYRIAD, span) >= STALL_PERMYRIAD;
	p->arrival_usec = r->arrival_usec;
	p->guest_usec = r->guest_usec;
	p->stall_usec = r->psi_mem_some_usec;
	return p->stalled;
}

static struct part part_of(const struct guest_sample *g, struct past *past)
{
	const struct guest_report *r = &g->report;
	uint64_t have = MAX(g->actual_bytes, g->target_bytes);
	uint64_t used = sub_sat(g->actual_bytes, r->available_bytes);
	struct part p = {.have_bytes = have, .want_bytes = have, .share_bytes = have};

	p.stalled = is_stalled(past, r);
	p.out = g->fixed != FIXED_NOT || r->source == REPORT_NONE;
	if (!p.out)
		p.want_bytes = p.stalled ? g->max_bytes : MIN(g->max_bytes, used + used / 5);
	return p;
}

/* Lets nobody have more than the level at which all fits. */
static void fill_to_level(struct part *parts, size_t n, uint64_t budget)
{
	uint64_t low = 0, high = budget;

	while (low < high) {
		uint64_t level = low + (high - low + 1) / 2, sum = 0;

		for (size_t i = 0; i < n; i++)
			sum += parts[i].out ? parts[i].have_bytes : MIN(parts[i].want_bytes, level);
		if (sum <= budget)
			low = level;
		else
			high = level - 1;
	}
	for (size_t i = 0; i < n; i++)
		if (!parts[i].out)
			parts[i].share_bytes = MIN(parts[i].want_bytes, low);
}

/* Everybody gets its want, from what others have beyond theirs, in proportion; or all go down to
 * one level. */
static void divide(struct part *parts, size_t n, uint64_t budget)
{
	uint64_t wants = 0, keeps = 0;

	for (size_t i = 0; i < n; i++) {
		wants += parts[i].want_bytes;
		keeps += MAX(parts[i].want_bytes, parts[i].have_bytes);
	}
	if (wants > budget) {
		fill_to_level(parts, n, budget);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		uint64_t surplus = sub_sat(parts[i].have_bytes, parts[i].want_bytes);

		parts[i].share_bytes = MAX(parts[i].want_bytes, parts[i].have_bytes);
		if (keeps > budget)
			parts[i].share_bytes -= mul_div(surplus, keeps - budget, keeps - wants);
	}
}

static struct action *add_action(struct plan *p, enum action_kind kind)
{
	struct action *grown = reallocarray(p->actions, p->n_actions + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	p->actions = grown;
	p->actions[p->n_actions] = (struct action){.kind = kind, .guest_index = SIZE_MAX};
	return &p->actions[p->n_actions++];
}

static int move(const struct snapshot *snap, struct plan *p, size_t i, uint64_t to,
	enum reason_code code)
{
	const struct guest_sample *g = &snap->guests[i];
	struct action *a = add_action(p, ACTION_MEMORY);

	if (!a)
		return -ENOMEM;
	a->guest = g->id.uuid;
	a->guest_index = i;
	a->from_bytes = g->target_bytes;
	a->to_bytes = to;
	a->reason.code = code;
	return 0;
}

/* Shrinks first; grows from what is free already. */
static int plan_moves(const struct snapshot *snap, struct plan *p, const struct part *parts)
{
	uint64_t left = p->budget_bytes;
	int err = 0;

	for (size_t i = 0; i < snap->n_guests; i++)
		left = sub_sat(left, parts[i].have_bytes);
	for (size_t i = 0; err >= 0 && i < snap->n_guests; i++) {
		uint64_t to = parts[i].share_bytes / MIB * MIB, have = parts[i].have_bytes;

		if (!parts[i].out && to < have && have - to > have / 10)
			err = move(snap, p, i, to, REASON_LEND);
	}
	for (size_t i = 0; err >= 0 && i < snap->n_guests; i++) {
		uint64_t have = parts[i].have_bytes, to = MIN(parts[i].share_bytes, have + left);

		to = to / MIB * MIB;
		if (parts[i].out || to <= have || (to - have <= have / 10 && !parts[i].stalled))
			continue;
		left -= to - have;
		err = move(snap, p, i, to, parts[i].stalled ? REASON_STALL : REASON_NEED);
	}
	return err;
}

static int plan_reservations(const struct snapshot *snap, struct plan *p)
{
	uint64_t left = sub_sat(p->budget_bytes, p->charged_bytes);

	for (size_t i = 0; i < snap->n_reservations; i++) {
		const struct reservation *r = &snap->reservations[i];
		struct action *a;

		if (r->granted || r->bytes + r->qemu_bytes > left)
			continue;
		left -= r->bytes + r->qemu_bytes;
		a = add_action(p, ACTION_GRANT);
		if (!a)
			return -ENOMEM;
		a->guest = r->guest;
		a->reservation = r->id;
		a->reason.code = REASON_ROOM;
	}
	return 0;
}

static void fill_budget(const struct snapshot *snap, const struct policy_set *set, struct plan *p)
{
	const struct host_settings *host = policy_set_host(set);

	p->memory_bytes = snap->host.memory_bytes;
	p->other_bytes = snap->host.other_bytes;
	if (host->reserve_set)
		p->reserve_bytes = host->reserve.is_ratio ? mul_div(p->memory_bytes,
								    host->reserve.value, PERMYRIAD)
							  : host->reserve.value;
	for (size_t i = 0; i < snap->n_guests; i++) {
		const struct guest_sample *g = &snap->guests[i];

		p->overhead_bytes += g->qemu_bytes;
		p->charged_bytes += MAX(g->actual_bytes, g->target_bytes);
	}
	for (size_t i = 0; i < snap->n_reservations; i++)
		if (snap->reservations[i].granted)
			p->reserved_bytes += snap->reservations[i].bytes +
					     snap->reservations[i].qemu_bytes;
	p->budget_bytes = sub_sat(p->memory_bytes, p->reserve_bytes + p->other_bytes +
							   p->overhead_bytes + p->reserved_bytes);
	p->host_state = p->charged_bytes > p->budget_bytes ? HOST_CRITICAL : HOST_AMPLE;
}

static int loop(const struct snapshot *snap, struct decide_state *state, struct plan *p)
{
	_cleanup_free_ struct part *parts = calloc(snap->n_guests + 1, sizeof(*parts));
	int err;

	if (!parts)
		return -ENOMEM;
	for (size_t i = 0; i < snap->n_guests; i++) {
		struct past *past = past_of(state, &snap->guests[i].id.uuid);

		if (!past)
			return -ENOMEM;
		parts[i] = part_of(&snap->guests[i], past);
	}
	divide(parts, snap->n_guests, p->budget_bytes);
	err = plan_reservations(snap, p);
	return err < 0 ? err : plan_moves(snap, p, parts);
}

int decide(const struct snapshot *snap, const struct policy_set *set, struct decide_state *state,
	struct plan **ret_plan)
{
	_cleanup_plan_ struct plan *p = calloc(1, sizeof(*p));
	int err = 0;

	if (!p)
		return -ENOMEM;
	p->guests = calloc(snap->n_guests + 1, sizeof(*p->guests));
	if (!p->guests)
		return -ENOMEM;
	p->n_guests = snap->n_guests;
	fill_budget(snap, set, p);
	if (snap->now_boot_usec >= state->next_usec) {
		err = loop(snap, state, p);
		state->next_usec = snap->now_boot_usec + LOOP_USEC;
	}
	p->wake_boot_usec = state->next_usec;
	if (err < 0)
		return err;
	*ret_plan = TAKE_PTR(p);
	return 0;
}
