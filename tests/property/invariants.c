/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/property/invariants.h"

#include "common/units.h"
#include "policy/divide.h"

char invariant_failure[256];

static uint64_t resident_part(const struct guest_sample *s)
{
	return sub_sat(s->resident_bytes, s->qemu_bytes);
}

/* The most a guest may come to hold when the command (0: none) completes at any time or never. */
static uint64_t worst(const struct guest_sample *s, uint64_t target, uint64_t command)
{
	uint64_t w = MAX(MAX(target, s->actual_bytes), MAX(command, resident_part(s)));

	return s->fixed || !s->balloon_answered ? MAX(w, s->max_bytes) : w;
}

const struct action *memory_action(const struct plan *p, size_t guest)
{
	for (size_t i = 0; i < p->n_actions; i++)
		if (p->actions[i].kind == ACTION_MEMORY && p->actions[i].guest_index == guest)
			return &p->actions[i];
	return NULL;
}

/* Rounding a size that was reached up to whole MiB is no growth. */
static bool grows(const struct guest_sample *s, const struct action *a)
{
	return a && a->to_bytes >= MAX(s->target_bytes, s->actual_bytes) + MIB;
}

/* Taking back a target that the balloon never reached takes nothing from the guest. */
static bool shrinks(const struct guest_sample *s, const struct action *a)
{
	return a && a->to_bytes < MIN(s->target_bytes, s->actual_bytes);
}

/* What a person needs to see why: one line a guest, MiB. */
void plan_print(const struct model *m, const struct plan *p)
{
	printf("# budget %" PRIu64 " charged %" PRIu64 " reserved %" PRIu64 " other %" PRIu64
	       " %s\n",
		p->budget_bytes / MIB, p->charged_bytes / MIB, p->reserved_bytes / MIB,
		p->other_bytes / MIB, host_state_to_string(p->host_state));
	for (size_t i = 0; i < m->snap.n_guests; i++) {
		const struct guest_sample *s = &m->guests[i];
		const struct plan_guest *g = &p->guests[i];
		const struct action *a = memory_action(p, i);

		printf("# g%zu max %" PRIu64 "/%" PRIu64 " actual %" PRIu64 " target %" PRIu64
		       " resident %" PRIu64 " used %" PRIu64 " floor %" PRIu64 " want %" PRIu64
		       " share %" PRIu64 " charge %" PRIu64 " -> %" PRIu64 " %s%s%s%s%s%s%s\n",
			i, g->max_bytes / MIB, s->max_bytes / MIB, s->actual_bytes / MIB,
			s->target_bytes / MIB, resident_part(s) / MIB, g->used_bytes / MIB,
			g->floor_bytes / MIB, g->want_bytes / MIB, g->share_bytes / MIB,
			g->charge_bytes / MIB, a ? a->to_bytes / MIB : 0,
			a ? reason_code_to_string(a->reason.code) : "",
			g->pressed ? " pressed" : "", g->stale ? " stale" : "",
			g->stuck ? " stuck" : "", g->breaker ? " breaker" : "",
			s->fixed ? " fixed" : "", s->balloon_answered ? "" : " mute");
	}
}

/* 1: after a plan that makes anything grow, or grants room, all may complete in any order and the
 * host still has its reserve. */
static bool promise_holds(const struct model *m, const struct plan *p)
{
	uint64_t sum = 0, before = 0;
	bool growth = false;

	for (size_t i = 0; i < m->snap.n_guests; i++) {
		const struct guest_sample *s = &m->guests[i];
		const struct action *a = memory_action(p, i);

		growth |= grows(s, a);
		before += worst(s, s->target_bytes, 0);
		sum += worst(s, s->target_bytes, a ? a->to_bytes : 0);
	}
	for (size_t i = 0; i < m->snap.n_reservations; i++)
		if (m->reservations[i].granted)
			before += m->reservations[i].bytes + m->reservations[i].qemu_bytes;
	for (size_t i = 0; i < p->n_actions; i++)
		growth |= p->actions[i].kind == ACTION_GRANT;
	sum += p->reserved_bytes;
	REQUIRE(!growth || sum <= p->budget_bytes, "I1 promise: %" PRIu64 " of %" PRIu64, sum,
		p->budget_bytes);
	REQUIRE(sum <= MAX(before, p->budget_bytes) + m->snap.n_guests * MIB,
		"I1 promise grew over the budget");
	return true;
}

/* 2: nobody below its floor by our hand, unless floors do not fit or its policy forbids more. */
static bool floors_hold(const struct model *m, const struct plan *p)
{
	for (size_t i = 0; i < m->snap.n_guests; i++) {
		const struct action *a = memory_action(p, i);
		const struct plan_guest *g = &p->guests[i];

		if (!shrinks(&m->guests[i], a))
			continue;
		if (a->reason.code == REASON_OUT_OF_PUFF || a->reason.code == REASON_TOOK_BACK)
			continue;
		REQUIRE(a->to_bytes >= MIN(g->floor_bytes, g->max_bytes) ||
				p->host_state == HOST_CRITICAL,
			"I2 floor: guest %zu to %" PRIu64 ", floor %" PRIu64, i, a->to_bytes,
			g->floor_bytes);
	}
	return true;
}

/* What it says that it uses; of one that was not heard of, what the host sees of it. */
static uint64_t use_seen(const struct guest_sample *s, const struct plan_guest *g)
{
	uint64_t seen = sub_sat(s->resident_bytes, s->qemu_bytes) + s->swapped_bytes;

	return g->known ? g->used_bytes
			: MIN(s->actual_bytes, s->resident_bytes ? seen : UINT64_MAX);
}

/* 3: a guest that fell silent is not shrunk below what it used by its last word. 4: one without a
 * net never to where it dies. */
static bool silent_and_netless_safe(const struct model *m, const struct plan *p)
{
	for (size_t i = 0; i < m->snap.n_guests; i++) {
		const struct guest_sample *s = &m->guests[i];
		const struct guest_report *r = &s->report;
		const struct action *a = memory_action(p, i);
		const struct plan_guest *g = &p->guests[i];
		uint64_t burst = MIN(512 * MIB, s->max_bytes / 4), need;

		if (!shrinks(s, a))
			continue;
		if (a->reason.code == REASON_OUT_OF_PUFF || a->reason.code == REASON_TOOK_BACK)
			continue;
		REQUIRE(!g->stale || a->to_bytes >= MIN(g->used_bytes, g->max_bytes) ||
				p->host_state == HOST_CRITICAL,
			"I3 stale: guest %zu below its last use", i);
		need = MIN(mib_down(s->max_bytes), use_seen(s, g) + burst);
		REQUIRE(s->autodeflate || (g->known && r->swap_free_bytes >= burst) ||
				a->to_bytes + MIB >= need,
			"I4 no net: guest %zu to %" PRIu64 ", used %" PRIu64 " + burst", i,
			a->to_bytes, use_seen(s, g));
	}
	return true;
}

static const struct settings *settings_of(
	const struct model *m, const struct decide_state *state, size_t i)
{
	return guest_policy_settings(decide_state_guest_policy(state, &m->guests[i].id.uuid));
}

/* 5: a pressed guest is not shrunk while one that is neither pressed nor was so of late has more
 * than its floor, nor below what its weight gives it beside one that was. */
static bool pressed_last(
	const struct model *m, const struct plan *p, const struct decide_state *state)
{
	for (size_t i = 0; i < m->snap.n_guests; i++) {
		const struct action *a = memory_action(p, i);

		if (!p->guests[i].pressed || !shrinks(&m->guests[i], a))
			continue;
		if (a->reason.code == REASON_OUT_OF_PUFF || a->reason.code == REASON_TOOK_BACK ||
			m->guests[i].target_bytes > p->guests[i].max_bytes)
			continue;
		for (size_t k = 0; k < m->snap.n_guests; k++) {
			const struct plan_guest *g = &p->guests[k];
			uint64_t of_i = settings_of(m, state, i)->mem_weight,
				 of_k = settings_of(m, state, k)->mem_weight;

			if (k == i || g->left_out || g->share_bytes <= g->floor_bytes + MIB)
				continue;
			REQUIRE(g->pressed || g->proved,
				"I5 pressed: guest %zu shrunk while %zu has slack", i, k);
			REQUIRE(g->share_bytes / of_k <=
					(p->guests[i].share_bytes + MIB) / of_i + MIB / of_k,
				"I5 weight: guest %zu shrunk while %zu has more by its weight", i,
				k);
		}
	}
	return true;
}

/* 6: commands make sense: whole MiB, within the guest's maximum and policy Max, never to one that
 * must not be touched. */
static bool commands_sane(const struct model *m, const struct plan *p)
{
	for (size_t i = 0; i < p->n_actions; i++) {
		const struct action *a = &p->actions[i];
		const struct guest_sample *s;

		if (a->kind != ACTION_MEMORY)
			continue;
		REQUIRE(a->guest_index < m->snap.n_guests, "I6 no such guest");
		s = &m->guests[a->guest_index];
		REQUIRE(a->to_bytes % MIB == 0 && a->to_bytes, "I6 not whole MiB");
		REQUIRE(a->to_bytes <= s->max_bytes, "I6 above the guest's maximum");
		REQUIRE(!grows(s, a) || a->to_bytes <= p->guests[a->guest_index].max_bytes,
			"I6 grown above policy Max");
		REQUIRE(!s->fixed && s->running && !s->quarantined && !s->job_running &&
				s->balloon_answered,
			"I6 command to a guest that must be left alone");
		REQUIRE(s->refused_until_usec <= m->snap.now_boot_usec,
			"I6 command to a guest whose last was just refused");
		REQUIRE(a->from_bytes == s->target_bytes, "I6 from is not the last target");
		REQUIRE(a->reason.code != REASON_NONE, "I6 no reason");
		REQUIRE(memory_action(p, a->guest_index) == a, "I6 two commands to one guest");
	}
	return true;
}

/* 7: shares of those who are divided fit into what the others leave, unless even what would kill
 * does not fit. */
static bool shares_fit(const struct model *m, const struct plan *p)
{
	uint64_t sum = 0;
	bool divided = false;

	for (size_t i = 0; i < m->snap.n_guests; i++) {
		sum += p->guests[i].share_bytes;
		divided |= !p->guests[i].left_out;
	}
	REQUIRE(!divided || sum <= p->budget_bytes || p->host_state == HOST_CRITICAL,
		"I7 shares exceed the budget: %" PRIu64 " of %" PRIu64 ", %s", sum, p->budget_bytes,
		host_state_to_string(p->host_state));
	return true;
}

static bool own_move(const struct action *a)
{
	return a->reason.code == REASON_OUT_OF_PUFF || a->reason.code == REASON_TOOK_BACK;
}

/* 11: the budget is what the host has without its reserve, its own use and what the QEMUs take
 * beside their guests. */
static bool budget_right(const struct model *m, const struct plan *p)
{
	uint64_t overhead = 0, memory = m->snap.host.memory_bytes;

	for (size_t i = 0; i < m->snap.n_guests; i++)
		overhead += m->guests[i].qemu_bytes;
	REQUIRE(p->other_bytes >= m->snap.host.other_bytes,
		"I11 budget forgets the host's own use");
	REQUIRE(p->reserve_bytes >= MIN(memory, 256 * MIB), "I11 no reserve");
	REQUIRE(p->budget_bytes == sub_sat(memory, p->reserve_bytes + p->other_bytes + overhead),
		"I11 budget %" PRIu64, p->budget_bytes);
	return true;
}

/* Three heartbeats of 5 s without a word. */
static bool silent(const struct model *m, const struct guest_sample *s)
{
	return s->report.source != REPORT_NONE &&
	       m->snap.now_boot_usec - s->report.arrival_usec > 15 * USEC_PER_SEC;
}

/* 12: policy's Min and Max, what is used, boot grace: judged from the settings themselves. */
static bool policy_kept(
	const struct model *m, const struct plan *p, const struct decide_state *state)
{
	for (size_t i = 0; i < m->snap.n_guests; i++) {
		const struct guest_sample *s = &m->guests[i];
		const struct plan_guest *g = &p->guests[i];
		const struct settings *set = settings_of(m, state, i);
		const struct action *a = memory_action(p, i);
		uint64_t max = MIN(s->max_bytes, set->mem_max_bytes), headroom;
		bool no_net = !s->autodeflate &&
			      s->report.swap_free_bytes < MIN(512 * MIB, s->max_bytes / 4);

		if (!a || own_move(a))
			continue;
		REQUIRE(!grows(s, a) || a->to_bytes <= max || no_net,
			"I12 guest %zu grown above policy Max", i);
		if (!shrinks(s, a) || p->host_state == HOST_CRITICAL || s->target_bytes > max)
			continue;
		REQUIRE(a->to_bytes >= MIN(set->mem_min_bytes, mib_down(max)),
			"I12 guest %zu below policy Min", i);
		REQUIRE(a->to_bytes + MIB >= MIN(use_seen(s, g), max),
			"I12 guest %zu below its use", i);
		REQUIRE(!s->started_usec ||
				m->snap.now_boot_usec - s->started_usec >= set->mem_boot_grace_usec,
			"I12 guest %zu shrunk in its boot grace", i);
		REQUIRE(g->stale == silent(m, s), "I3 guest %zu: silence not judged rightly", i);
		headroom = set->mem_headroom.value * g->used_bytes / PERMYRIAD;
		REQUIRE(!g->stale || a->to_bytes + MIB >= MIN(g->used_bytes + headroom, max),
			"I3 stale: guest %zu below last use + headroom", i);
	}
	return true;
}

/* 12: a weight that was set by hand is its guest's, and the one that was set last. */
static bool overrides_kept(const struct model *m, const struct decide_state *state)
{
	for (size_t k = 0; k < m->snap.n_overrides; k++) {
		bool last = true;

		for (size_t i = k + 1; i < m->snap.n_overrides; i++)
			last &= !uuid_equal(&m->overrides[i].guest, &m->overrides[k].guest);
		for (size_t i = 0; last && i < m->snap.n_guests; i++)
			REQUIRE(!uuid_equal(&m->guests[i].id.uuid, &m->overrides[k].guest) ||
					settings_of(m, state, i)->mem_weight == m->weights[k],
				"I12 guest %zu: not the weight that was set by hand", i);
	}
	return true;
}

/* 1: whatever it was sent to since its size was last read, it may have come to. */
static bool charged_for_what_it_was_sent_to(const struct model *m, const struct plan *p)
{
	for (size_t i = 0; i < m->snap.n_guests; i++)
		REQUIRE(p->guests[i].charge_bytes >= m->truth[i].sent_bytes,
			"I1 guest %zu is charged less than it may have come to", i);
	return true;
}

/* 13: who is out of the division is not told anything but where its balloon stands. */
static bool left_alone(const struct model *m, const struct plan *p)
{
	for (size_t i = 0; i < m->snap.n_guests; i++) {
		const struct action *a = memory_action(p, i);

		REQUIRE(!a || own_move(a) || !p->guests[i].left_out,
			"I13 guest %zu is out and told to move", i);
		REQUIRE(!p->guests[i].breaker || p->guests[i].left_out,
			"I13 breaker %zu is divided", i);
		REQUIRE(!p->guests[i].breaker ||
				p->guests[i].charge_bytes >= m->guests[i].max_bytes,
			"I13 breaker %zu is trusted", i);
	}
	return true;
}

/* 13: for what somebody may take but does not hold yet, nobody gives more than what it does not
 * want. */
static bool doubt_takes_surplus(const struct model *m, const struct plan *p)
{
	for (size_t i = 0; i < p->n_actions; i++) {
		const struct action *a = &p->actions[i];

		REQUIRE(a->kind != ACTION_MEMORY || a->reason.code != REASON_DOUBT ||
				m->guests[a->guest_index].actual_bytes >
					m->guests[a->guest_index].target_bytes ||
				a->to_bytes >= p->guests[a->guest_index].want_bytes ||
				p->charged_bytes <= p->budget_bytes || p->host_state >= HOST_SHORT,
			"I13 guest %zu loses what it wants for a doubt", a->guest_index);
	}
	return true;
}

/* 14: nobody is shrunk for nothing: somebody gets more, room is being made, the host is over its
 * budget, or policy says so. */
static bool shrinks_for_a_reason(const struct model *m, const struct plan *p)
{
	uint64_t held = p->reserved_bytes;
	bool wanted = m->snap.n_reservations > 0;

	for (size_t i = 0; i < m->snap.n_guests; i++) {
		const struct plan_guest *g = &p->guests[i];

		held += MAX(MAX(m->guests[i].target_bytes, m->guests[i].actual_bytes),
			g->left_out ? MAX(g->share_bytes, g->charge_bytes) : 0);
		wanted |= g->share_bytes > m->guests[i].target_bytes;
	}
	if (wanted || held + MIB * m->snap.n_guests > p->budget_bytes)
		return true;
	for (size_t i = 0; i < m->snap.n_guests; i++) {
		const struct action *a = memory_action(p, i);

		REQUIRE(!a || !shrinks(&m->guests[i], a) || own_move(a) ||
				a->reason.code == REASON_MAX_POLICY ||
				a->reason.code == REASON_MAX_UNSAFE ||
				a->reason.code == REASON_RELEASE,
			"I14 guest %zu shrunk for nothing", i);
	}
	return true;
}

/* One whose balloon stands below its target stands there. */
static bool grows_beyond_floor(const struct model *m, const struct plan *p, size_t i)
{
	const struct guest_sample *s = &m->guests[i];
	const struct action *a = memory_action(p, i);

	return grows(s, a) && !own_move(a) && a->to_bytes > p->guests[i].floor_bytes &&
	       MIN(s->target_bytes, s->actual_bytes) >= p->guests[i].floor_bytes;
}

/* It has less than that by more than a trifle, though its share allows it, and is told nothing. */
static bool left_waiting(
	const struct model *m, const struct plan *p, size_t i, uint64_t until, uint64_t trifle)
{
	const struct guest_sample *s = &m->guests[i];
	const struct plan_guest *g = &p->guests[i];

	return !g->left_out && s->target_bytes + trifle < until &&
	       s->target_bytes == s->actual_bytes && g->share_bytes >= until &&
	       !memory_action(p, i);
}

/* 15: what is free goes to those below their floor, then to the pressed, before it goes to anybody
 * else. */
static bool urgent_first(const struct model *m, const struct plan *p)
{
	bool pressed_grew = false, calm_grew = false;

	for (size_t i = 0; i < m->snap.n_guests; i++)
		if (grows_beyond_floor(m, p, i))
			*(p->guests[i].pressed ? &pressed_grew : &calm_grew) = true;
	for (size_t i = 0; i < m->snap.n_guests; i++) {
		const struct plan_guest *g = &p->guests[i];

		REQUIRE(!(pressed_grew || calm_grew) ||
				!left_waiting(m, p, i, g->floor_bytes, 8 * MIB),
			"I15 guest %zu stays below its floor while another grows beyond its own",
			i);
		/* A lender is told when it is worth a sixth of what it has. */
		REQUIRE(!calm_grew || !g->pressed ||
				!left_waiting(
					m, p, i, g->share_bytes, MAX(g->target_bytes / 6, 8 * MIB)),
			"I15 guest %zu is pressed and waits while a calm one grows", i);
	}
	return true;
}

/* 16: use is what the newest report says, bounded by what the host sees: no less, or floors would
 * be too low. */
static bool use_right(const struct model *m, const struct plan *p)
{
	for (size_t i = 0; i < m->snap.n_guests; i++) {
		const struct guest_sample *s = &m->guests[i];
		const struct guest_report *r = &s->report;
		uint64_t says = sub_sat(s->actual_bytes, r->available_bytes);

		if (r->source != REPORT_AGENT || r->arrival_usec != m->snap.now_boot_usec ||
			s->autodeflate)
			continue;
		says = MIN(says, s->resident_bytes + s->swapped_bytes);
		REQUIRE(p->guests[i].used_bytes + MIB >= says,
			"I16 guest %zu uses %" PRIu64 ", not %" PRIu64, i, says,
			p->guests[i].used_bytes);
	}
	return true;
}

/* 17: one plan frees what floors lack, from page caches too: when all have done as they are told
 * there is room for every floor. Steps too small for a command are left, but where nothing else is
 * taken. */
static bool floors_are_freed_at_once(const struct model *m, const struct plan *p)
{
	uint64_t sum = 0, trifles = 0;
	bool lacks = false;

	if (m->snap.n_reservations || p->host_state == HOST_CRITICAL)
		return true;
	for (size_t i = 0; i < m->snap.n_guests; i++) {
		const struct plan_guest *g = &p->guests[i];
		const struct action *a = memory_action(p, i);
		uint64_t floor = MIN(g->floor_bytes, g->share_bytes);

		/* where its balloon stands is told first, and taken of by the next plan */
		if (a && own_move(a))
			return true;
		if (g->left_out) {
			sum += g->share_bytes;
			continue;
		}
		sum += MAX(g->target_bytes, floor);
		lacks |= m->guests[i].target_bytes + 8 * MIB < floor;
		trifles += MAX(m->guests[i].target_bytes / 200, 8 * MIB) + MIB;
	}
	REQUIRE(!lacks || sum <= p->budget_bytes + trifles,
		"I17 floors lack %" PRIu64 " MiB that nobody is told to give",
		(sum - p->budget_bytes) / MIB);
	return true;
}

bool invariants_hold(const struct model *m, const struct plan *p, const struct decide_state *state)
{
	return budget_right(m, p) && promise_holds(m, p) && floors_hold(m, p) &&
	       silent_and_netless_safe(m, p) && pressed_last(m, p, state) && commands_sane(m, p) &&
	       shares_fit(m, p) && policy_kept(m, p, state) && overrides_kept(m, state) &&
	       charged_for_what_it_was_sent_to(m, p) && left_alone(m, p) &&
	       doubt_takes_surplus(m, p) && shrinks_for_a_reason(m, p) && urgent_first(m, p) &&
	       use_right(m, p) && floors_are_freed_at_once(m, p);
}
