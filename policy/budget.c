/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/units.h"
#include "policy/decision.h"

/* Kept free where no policy says how much: 5 %, at least 256 MiB, at most 4 GiB. */
#define RESERVE_DEFAULT_PERMYRIAD 500
#define RESERVE_MIN_BYTES         (256 * MIB)
#define RESERVE_MAX_BYTES         (4 * GIB)
/* The host's own use: every rise counts at once; a fall counts when it is large (1 % of memory) or
 * has lasted. */
#define OTHER_FALL_PARTS     100
#define OTHER_FALL_HOLD_USEC (10 * USEC_PER_SEC)
#define PSI_MIN_USEC         USEC_PER_SEC

uint64_t host_reserve_bytes(const struct host_settings *h, uint64_t memory_bytes)
{
	if (!h->reserve_set)
		return MIN(memory_bytes,
			CLAMP(mul_div(memory_bytes, RESERVE_DEFAULT_PERMYRIAD, PERMYRIAD),
				RESERVE_MIN_BYTES, RESERVE_MAX_BYTES));
	return MIN(memory_bytes, h->reserve.is_ratio
					 ? mul_div(memory_bytes, h->reserve.value, PERMYRIAD)
					 : h->reserve.value);
}

static uint64_t other_filtered(struct decide_state *st, const struct host_sample *h, uint64_t now)
{
	uint64_t fall = sub_sat(st->other_bytes, h->other_bytes);

	if (st->decisions > 1 &&
		h->other_bytes > st->other_bytes + h->memory_bytes / OTHER_FALL_PARTS)
		st->other_rose_usec = now;
	if (!fall || fall > h->memory_bytes / OTHER_FALL_PARTS ||
		sub_sat(now, st->other_high_usec) >= OTHER_FALL_HOLD_USEC) {
		st->other_bytes = h->other_bytes;
		st->other_high_usec = now;
	}
	return st->other_bytes;
}

/* So long after it rose what is taken is taken for that. */
#define OTHER_ROSE_USEC (30 * USEC_PER_SEC)

bool budget_host_rose(const struct decision *d)
{
	return d->state->other_rose_usec && d->now - d->state->other_rose_usec < OTHER_ROSE_USEC;
}

static void psi_update(struct decide_state *st, const struct host_sample *h)
{
	uint64_t span = sub_sat(h->sample_usec, st->psi_usec);

	if (!h->has_psi || (st->psi_usec && span < PSI_MIN_USEC))
		return;
	if (st->psi_usec) {
		st->psi_mem_permyriad =
			mul_div(sub_sat(h->psi_mem_some_usec, st->psi_mem), PERMYRIAD, span);
		st->psi_cpu_permyriad =
			mul_div(sub_sat(h->psi_cpu_some_usec, st->psi_cpu), PERMYRIAD, span);
		st->psi_io_permyriad =
			mul_div(sub_sat(h->psi_io_some_usec, st->psi_io), PERMYRIAD, span);
	}
	st->psi_usec = h->sample_usec;
	st->psi_mem = h->psi_mem_some_usec;
	st->psi_cpu = h->psi_cpu_some_usec;
	st->psi_io = h->psi_io_some_usec;
}

void budget_host(struct decision *d)
{
	const struct host_sample *h = &d->snap->host;
	const struct host_settings *hs = policy_set_host(d->set);
	struct plan *p = d->plan;
	uint64_t running = 0;

	psi_update(d->state, h);
	p->memory_bytes = MIN(h->memory_bytes, hs->memory_bytes);
	p->reserve_bytes = host_reserve_bytes(hs, p->memory_bytes);
	p->other_bytes = other_filtered(d->state, h, d->now);
	for (size_t i = 0; i < d->snap->n_guests; i++) {
		p->overhead_bytes = add_sat(p->overhead_bytes, d->work[i].s->qemu_bytes);
		p->charged_bytes = add_sat(p->charged_bytes, d->work[i].charge_bytes);
		running += d->work[i].s->running;
		if (!d->work[i].out)
			continue;
		d->out_bytes = add_sat(d->out_bytes, d->work[i].held_bytes);
		/* As much again as it holds: room is made ahead of it as it takes it, not for all
		 * that it ever may. */
		d->doubt_bytes = add_sat(d->doubt_bytes, MIN(d->work[i].held_bytes,
			sub_sat(d->work[i].charge_bytes, d->work[i].held_bytes)));
	}
	p->budget_bytes =
		sub_sat(sub_sat(sub_sat(p->memory_bytes, p->reserve_bytes), p->other_bytes),
			p->overhead_bytes);
	facts_set(&d->host_facts, FACT_HOST_MEM_TOTAL, p->memory_bytes);
	facts_set(&d->host_facts, FACT_HOST_MEM_AVAILABLE,
		sub_sat(p->budget_bytes + p->reserve_bytes, p->charged_bytes));
	facts_set(&d->host_facts, FACT_HOST_SWAP_TOTAL, h->swap_total_bytes);
	facts_set(&d->host_facts, FACT_HOST_SWAP_USED,
		sub_sat(h->swap_total_bytes, h->swap_free_bytes));
	facts_set(&d->host_facts, FACT_HOST_GUESTS, running);
	if (!h->has_psi)
		return;
	facts_set(&d->host_facts, FACT_HOST_PSI_MEM_SOME, d->state->psi_mem_permyriad);
	facts_set(&d->host_facts, FACT_HOST_PSI_CPU_SOME, d->state->psi_cpu_permyriad);
	facts_set(&d->host_facts, FACT_HOST_PSI_IO_SOME, d->state->psi_io_permyriad);
}

void budget_total(struct decision *d)
{
	d->division_bytes = sub_sat(d->plan->budget_bytes,
		add_sat(d->out_bytes, add_sat(d->plan->reserved_bytes, d->pending_bytes)));
}

static uint64_t level_total(const struct decision *d, enum level level)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < d->n_divs; i++)
		sum = add_sat(sum, d->divs[i].level[level]);
	return sum;
}

/* What surplus is divided of. Whoever was started anew, or keeps what it says it gave, may come to
 * hold its maximum: room for that is made of what nobody wants, and of nothing else, or starting
 * anew would be a way to empty one's neighbours. */
uint64_t budget_beyond_doubt(const struct decision *d)
{
	uint64_t asked;

	if (!d->doubt_bytes)
		return d->division_bytes;
	asked = MIN(level_total(d, LEVEL_ASK), d->division_bytes);
	return MAX(asked, sub_sat(d->division_bytes, d->doubt_bytes));
}

/* A state is left for a better one only with 2 % of the budget to spare: hysteresis on each
 * border. */
void budget_state(struct decision *d)
{
	uint64_t budget = d->division_bytes, spare = budget / 50;
	enum host_state was = d->state->host_state, now;
	const uint64_t need[] = {
		[HOST_AMPLE] = add_sat(level_total(d, LEVEL_KEEP), budget / 20),
		[HOST_TIGHT] = level_total(d, LEVEL_WANT),
		[HOST_SHORT] = level_total(d, LEVEL_FLOOR),
	};
	struct plan_event *e;

	for (now = HOST_AMPLE; now < HOST_CRITICAL; now++)
		if (add_sat(need[now], now < was ? spare : 0) <= budget)
			break;
	d->plan->host_state = d->state->host_state = now;
	if (now == was || d->state->decisions <= 1)
		return;
	e = decision_event(d, EVENT_HOST_STATE, NULL);
	if (!e)
		return;
	e->arg[0] = sub_sat(
		d->plan->budget_bytes, add_sat(d->plan->charged_bytes, d->plan->reserved_bytes));
	e->arg[1] = d->plan->budget_bytes;
	e->arg[2] = d->plan->reserved_bytes;
	e->arg[3] = budget;
	strncpy(e->detail, host_state_to_string(now), sizeof(e->detail) - 1);
}
