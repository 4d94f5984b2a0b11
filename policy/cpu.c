/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/cpu.h"

#include "common/units.h"

#define WEIGHT_MAX     10000
#define BOOST_MAX      4
/* A shorter look at the threads' run times is noise. */
#define SAMPLE_MIN_USEC (USEC_PER_SEC / 2)
/* Waiting that counts, per vCPU; and how far below its entitlement a guest has to be to be
 * raised. */
#define DELAY_ON_PERMYRIAD 2000
#define ENTITLED_PERMYRIAD 8000
/* One step up a second; back after ten without waiting. */
#define STEP_USEC USEC_PER_SEC
/* Looks at a second scatter, the more so the less of the CPUs is left for guests (seen: 58 to 42 of
 * two equals beside ten busy processes): four in a row are no accident. */
#define SHORT_USEC (3 * USEC_PER_SEC)
/* A raised guest that waits on is tried without after this; each time that fails, after twice as
 * long. */
#define TRIAL_USEC     (30 * USEC_PER_SEC)
#define TRIAL_MAX_USEC (960 * USEC_PER_SEC)
#define BACK_USEC (10 * USEC_PER_SEC)
#define CONTENDS_PERMYRIAD 200

void cpu_observe(struct cpu_state *c, const struct guest_sample *s)
{
	uint64_t span;

	if (!s->vcpu_sample_usec)
		return;
	span = sub_sat(s->vcpu_sample_usec, c->sample_usec);
	if (c->sample_usec && span < SAMPLE_MIN_USEC)
		return;
	/* Counters that run backwards are those of another process. */
	c->known = c->sample_usec && s->vcpu_time_usec >= c->time_usec &&
		   s->vcpu_delay_usec >= c->delay_usec;
	if (c->known) {
		c->busy_permyriad = mul_div(s->vcpu_time_usec - c->time_usec, PERMYRIAD, span);
		c->delay_permyriad = mul_div(s->vcpu_delay_usec - c->delay_usec, PERMYRIAD, span);
	}
	c->sample_usec = s->vcpu_sample_usec;
	c->time_usec = s->vcpu_time_usec;
	c->delay_usec = s->vcpu_delay_usec;
}

bool cpu_contends(const struct cpu_state *c)
{
	return c->known && c->busy_permyriad + c->delay_permyriad > CONTENDS_PERMYRIAD;
}

static bool by_policy(const struct settings *set)
{
	return set->cpu_weight_set || set->cpu_quota_set;
}

uint64_t cpu_base_weight(const struct cpu_state *c, const struct guest_sample *s,
	const struct settings *set)
{
	if (set->cpu_weight_set || !s->cpu_weight)
		return set->cpu_weight;
	return c->managed ? c->original_weight : s->cpu_weight;
}

static bool waits(const struct cpu_state *c, const struct guest_sample *s)
{
	return c->delay_permyriad >= DELAY_ON_PERMYRIAD * s->vcpus;
}

bool cpu_at_rest(
	const struct cpu_state *c, const struct guest_sample *s, const struct settings *set)
{
	return !c->managed && !s->cpu_ours && c->boost <= 1 && !c->short_usec && !by_policy(set) &&
	       !(c->known && waits(c, s));
}

static void boost_raise(struct cpu_state *c, uint64_t now_usec)
{
	c->relieved_usec = 0;
	if (!c->short_usec)
		c->short_usec = c->sample_usec;
	if (c->sample_usec - c->short_usec < SHORT_USEC || c->boost >= BOOST_MAX ||
		sub_sat(now_usec, c->boost_usec) < STEP_USEC)
		return;
	if (c->boost == 1)
		c->trial_usec = CLAMP(2 * c->trial_usec, TRIAL_USEC, TRIAL_MAX_USEC);
	c->boost *= 2;
	c->boost_usec = now_usec;
}

static void boost_update(struct cpu_state *c, const struct guest_sample *s, uint64_t base_weight,
	uint64_t entitled, uint64_t now_usec)
{
	uint64_t demand = c->busy_permyriad + c->delay_permyriad;
	bool short_of =
		c->busy_permyriad < mul_div(MIN(entitled, demand), ENTITLED_PERMYRIAD, PERMYRIAD);

	if (!c->boost || base_weight != c->base_weight) { /* another policy: judged anew */
		c->base_weight = base_weight;
		c->boost = 1;
		c->short_usec = c->relieved_usec = c->trial_usec = 0;
	}
	if (!c->known)
		return;
	if (waits(c, s) && short_of) {
		boost_raise(c, now_usec);
		return;
	}
	c->short_usec = 0;
	if (waits(c, s) || c->boost == 1) {
		c->relieved_usec = 0;
		/* A raised weight may be what keeps it at its entitlement, or it was raised for
		 * what has passed. */
		if (c->boost > 1 && sub_sat(now_usec, c->boost_usec) >= c->trial_usec)
			c->boost = 1;
		return;
	}
	if (!c->relieved_usec)
		c->relieved_usec = now_usec;
	if (sub_sat(now_usec, c->relieved_usec) >= BACK_USEC) {
		c->boost = 1;
		c->trial_usec = 0;
		c->boost_usec = now_usec;
	}
}

bool cpu_decide(struct cpu_state *c, const struct guest_sample *s, const struct settings *set,
	uint64_t entitled_permyriad, uint64_t now_usec, uint64_t *ret_weight, uint64_t *ret_quota,
	struct reason *ret_reason)
{
	uint64_t old_boost = c->boost ? c->boost : 1, weight, quota;

	memset(ret_reason, 0, sizeof(*ret_reason));
	*ret_weight = s->cpu_weight;
	*ret_quota = s->cpu_quota;
	if (!s->cpu_weight || !s->running || s->quarantined || s->cpu_refused_until_usec > now_usec)
		return false;
	boost_update(c, s, cpu_base_weight(c, s, set), entitled_permyriad, now_usec);
	if (!c->managed) {
		/* What the administrator set in the domain stays; ours goes back, though no policy
		 * of now set it: whose policy went while the daemon was down, or whose way back was
		 * refused for a job. */
		if (!by_policy(set) && c->boost == 1 && !s->cpu_ours)
			return false;
		c->managed = true;
		/* After a crash, what is set now may be our own. */
		c->original_weight =
			s->cpu_original_weight ? s->cpu_original_weight : s->cpu_weight;
		c->original_quota = s->cpu_original_weight ? s->cpu_original_quota : s->cpu_quota;
	}
	weight = MIN(cpu_base_weight(c, s, set) * c->boost, (uint64_t)WEIGHT_MAX);
	quota = set->cpu_quota_set ? set->cpu_quota : c->original_quota;
	if (!by_policy(set) && c->boost == 1)
		c->managed = false;
	if (weight == s->cpu_weight && quota == s->cpu_quota)
		return false;
	*ret_weight = weight;
	*ret_quota = quota;
	ret_reason->code = c->boost > old_boost   ? REASON_CPU_PRESSED
			   : c->boost < old_boost ? REASON_CPU_BACK
						  : REASON_CPU_POLICY;
	ret_reason->arg[0] = weight;
	ret_reason->arg[1] = quota;
	ret_reason->arg[2] = c->delay_permyriad;
	return true;
}
