/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/judge-parts.h"

#include "common/units.h"

DEFINE_STRTAB(rule, enum rule, RULE_MAX, [RULE_PROMISE] = "promise", [RULE_FLOOR] = "floor",
	[RULE_ABOVE_MAX] = "max", [RULE_USED] = "used", [RULE_PRESSED] = "pressed",
	[RULE_STALE] = "stale", [RULE_OOM] = "oom")

int judge_violation(struct judge *j, uint64_t at_msec, enum rule rule, const char *guest,
	uint64_t bytes)
{
	if (j->n_violations == j->allocated) {
		size_t n = MAX((size_t)16, 2 * j->allocated);
		struct violation *grown = reallocarray(j->violations, n, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		j->violations = grown;
		j->allocated = n;
	}
	j->violations[j->n_violations++] = (struct violation){at_msec, rule, guest, bytes};
	return 0;
}

struct judge *judge_new(const struct world *w,
	const struct settings *(*settings_of)(void *userdata, size_t guest), void *userdata)
{
	struct judge *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->world = w;
	j->settings_of = settings_of;
	j->userdata = userdata;
	j->over_msec = MSEC_NEVER;
	if (w->scenario->reserve_bytes != BYTES_UNLIMITED)
		j->reserve_bytes = w->scenario->reserve_bytes;
	j->guests = calloc(w->n_guests + 1, sizeof(*j->guests));
	if (!j->guests || judge_expect_begin(j) < 0)
		return judge_free(j);
	for (size_t i = 0; i < w->n_guests; i++)
		j->guests[i].stall_msec = MSEC_NEVER;
	return j;
}

struct judge *judge_free(struct judge *j)
{
	if (!j)
		return NULL;
	judge_expect_free(j);
	free(j->guests);
	free(j->violations);
	free(j);
	return NULL;
}

void judge_set_reserve(struct judge *j, uint64_t bytes)
{
	if (j->world->scenario->reserve_bytes == BYTES_UNLIMITED)
		j->reserve_bytes = bytes;
}

/* What is short now is short until the next tick. */
static void add_shortage(struct judge *j)
{
	uint64_t left = sub_sat(j->world->scenario->duration_msec, j->world->now_msec);

	for (size_t i = 0; i < j->world->n_guests; i++) {
		const struct world_guest *g = &j->world->guests[i];

		if (g->life == LIFE_RUNNING)
			j->short_byte_msec +=
				(unsigned __int128)sub_sat(guest_need_bytes(g), g->actual_bytes) *
				MIN(left, MSEC_PER_TICK);
	}
}

int judge_tick(struct judge *j)
{
	int err = 0;

	add_shortage(j);
	judge_expect_tick(j);
	for (size_t i = 0; err >= 0 && i < j->world->n_guests; i++) {
		const struct world_guest *g = &j->world->guests[i];

		if (g->oom)
			err = judge_violation(j, j->world->now_msec, RULE_OOM, g->name, 0);
	}
	return err < 0 ? err : judge_promise(j);
}

int judge_command(struct judge *j, const struct judged_command *c)
{
	bool flip = judge_is_flip(j, c);

	j->commands++;
	j->flips += flip;
	judge_expect_command(j, c, flip);
	return judge_rules(j, c);
}

int judge_grant(struct judge *j, uint64_t at_msec, size_t guest, uint64_t promised_before,
	uint64_t promised_after)
{
	uint64_t limit = judge_limit_bytes(j);

	if (promised_after <= promised_before || promised_after <= limit)
		return 0;
	return judge_violation(j, at_msec, RULE_PROMISE, j->world->guests[guest].name,
		promised_after - limit);
}

void judge_end(struct judge *j)
{
	judge_expect_end(j);
}

uint64_t judge_commands(const struct judge *j)
{
	return j->commands;
}

uint64_t judge_flips(const struct judge *j)
{
	return j->flips;
}

uint64_t judge_short_byte_s(const struct judge *j)
{
	return (uint64_t)(j->short_byte_msec / 1000);
}

const struct violation *judge_violations(const struct judge *j, size_t *ret_n)
{
	*ret_n = j->n_violations;
	return j->violations;
}

const struct verdict *judge_verdict(const struct judge *j, size_t expect)
{
	return &j->verdicts[expect];
}

bool judge_passed(const struct judge *j)
{
	for (size_t i = 0; i < j->world->scenario->n_expects; i++)
		if (!j->verdicts[i].met)
			return false;
	for (size_t i = 0; i < j->n_violations; i++)
		if (j->violations[i].rule == RULE_OOM || j->violations[i].rule == RULE_PROMISE)
			return false;
	return true;
}
