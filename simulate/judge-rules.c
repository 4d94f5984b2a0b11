/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a single memory command may not do. */
#include "simulate/judge-parts.h"

#include "common/units.h"

/* Less than that is no slack, and no shrinking either. */
#define SLACK_BYTES_MIN (64 * MIB)
#define SLOP_BYTES      MIB

static const struct settings *settings_of(const struct judge *j, size_t i)
{
	const struct settings *s = j->settings_of(j->userdata, i);

	return s ? s : &settings_default;
}

static uint64_t max_of(const struct judge *j, size_t i)
{
	return MIN(settings_of(j, i)->mem_max_bytes, j->world->guests[i].spec->max_bytes);
}

static uint64_t min_of(const struct judge *j, size_t i)
{
	return MIN(settings_of(j, i)->mem_min_bytes, max_of(j, i));
}

static uint64_t headroom_of(const struct judge *j, size_t i, uint64_t used)
{
	const struct amount *a = &settings_of(j, i)->mem_headroom;

	return a->is_ratio ? mul_div(used, a->value, PERMYRIAD) : a->value;
}

/* Only a command that makes the guest smaller than it is shrinks it. */
static bool shrinks(const struct judge *j, const struct judged_command *c)
{
	return c->to_bytes < c->from_bytes &&
	       c->to_bytes + SLOP_BYTES < j->world->guests[c->guest].actual_bytes;
}

/* One that falls silent later moves and needs like any other until then. */
static bool can_move(const struct judge *j, const struct world_guest *g)
{
	bool silent = g->spec->agent == AGENT_SILENT &&
		      j->world->now_msec >= g->spec->agent_from_msec;

	return g->life == LIFE_RUNNING && g->spec->balloon != BALLOON_MISSING &&
	       g->spec->balloon != BALLOON_STUCK && !silent;
}

/* Would everybody's least fit: Min, and (with_used) what is used? */
static bool least_fits(const struct judge *j, bool with_used)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < j->world->n_guests; i++) {
		const struct world_guest *g = &j->world->guests[i];
		uint64_t least = min_of(j, i);

		if (g->life == LIFE_ASKED && g->granted)
			sum += g->spec->current_bytes + g->spec->qemu_bytes;
		if (g->life != LIFE_RUNNING)
			continue;
		if (with_used)
			least = MAX(least, MIN(guest_need_bytes(g), max_of(j, i)));
		sum += (can_move(j, g) ? least : g->actual_bytes) + g->spec->qemu_bytes;
	}
	return sum <= judge_limit_bytes(j);
}

/* Has somebody who is not pressed more than it needs with headroom, that the daemon could take? */
static bool somebody_has_slack(const struct judge *j, size_t but)
{
	for (size_t i = 0; i < j->world->n_guests; i++) {
		const struct world_guest *g = &j->world->guests[i];
		uint64_t keeps = g->demand_bytes + headroom_of(j, i, g->demand_bytes) +
				 g->spec->overhead_bytes;

		if (i == but || !can_move(j, g) || g->missing_bytes > 0)
			continue;
		keeps = MAX(keeps, min_of(j, i));
		if (MIN(g->actual_bytes, g->target_bytes) > keeps + SLACK_BYTES_MIN)
			return true;
	}
	return false;
}

static int check_used(struct judge *j, const struct judged_command *c)
{
	const struct world_guest *g = &j->world->guests[c->guest];
	uint64_t used = guest_used_bytes(g) + g->spec->overhead_bytes;

	if (c->to_bytes + SLOP_BYTES >= used || c->to_bytes >= max_of(j, c->guest) ||
		!least_fits(j, true))
		return 0;
	return judge_violation(j, c->at_msec, RULE_USED, g->name, used - c->to_bytes);
}

static int check_pressed(struct judge *j, const struct judged_command *c)
{
	const struct world_guest *g = &j->world->guests[c->guest];

	if (g->missing_bytes == 0 || c->to_bytes >= max_of(j, c->guest) ||
		!somebody_has_slack(j, c->guest))
		return 0;
	return judge_violation(j, c->at_msec, RULE_PRESSED, g->name, g->actual_bytes - c->to_bytes);
}

static int check_stale(struct judge *j, const struct judged_command *c)
{
	const struct world_guest *g = &j->world->guests[c->guest];
	uint64_t used = sub_sat(c->known_used_bytes, g->spec->overhead_bytes);
	uint64_t keeps = c->known_used_bytes ? c->known_used_bytes + headroom_of(j, c->guest, used)
					     : g->actual_bytes;

	if (c->heard || c->to_bytes + SLOP_BYTES >= keeps || c->to_bytes >= max_of(j, c->guest))
		return 0;
	return judge_violation(j, c->at_msec, RULE_STALE, g->name, keeps - c->to_bytes);
}

static int check_shrink(struct judge *j, const struct judged_command *c)
{
	const struct world_guest *g = &j->world->guests[c->guest];
	uint64_t min = min_of(j, c->guest);
	int err = 0;

	if (c->to_bytes < min && least_fits(j, false))
		err = judge_violation(j, c->at_msec, RULE_FLOOR, g->name, min - c->to_bytes);
	if (err >= 0)
		err = check_used(j, c);
	if (err >= 0)
		err = check_pressed(j, c);
	return err < 0 ? err : check_stale(j, c);
}

int judge_rules(struct judge *j, const struct judged_command *c)
{
	const char *name = j->world->guests[c->guest].name;
	uint64_t limit = judge_limit_bytes(j), max = max_of(j, c->guest);
	int err = 0;

	if (c->promised_after > c->promised_before && c->promised_after > limit)
		err = judge_violation(j, c->at_msec, RULE_PROMISE, name, c->promised_after - limit);
	if (err >= 0 && c->to_bytes > c->from_bytes && c->to_bytes > max)
		err = judge_violation(j, c->at_msec, RULE_ABOVE_MAX, name, c->to_bytes - max);
	if (err >= 0 && shrinks(j, c))
		err = check_shrink(j, c);
	return err;
}
