/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/decide-hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/units.h"

#define STEP_USEC	    (100 * USEC_PER_MSEC)
#define PRESSED_ONE_IN	    50
#define POLICIES	    20
#define OVERRIDES_PER_GUEST 3
/* The kernel's own share of a guest: actual - MemTotal. */
#define KERNEL_BYTES (40 * MIB)

DEFINE_STRTAB(host_mix, enum host_mix, MIX_MAX, [MIX_CALM] = "calm", [MIX_PRESSED] = "few pressed",
	[MIX_CRYING] = "all pressed", [MIX_OVER] = "overcommitted", [MIX_BY_HAND] = "by hand")

/* The truth behind a guest's reports. */
struct host_guest {
	char name[32];
	uint64_t used_bytes;
	bool stalls;
};

struct host {
	uint64_t rng;
	enum host_mix mix;
	struct snapshot snap;
	struct guest_sample *guests;
	struct host_guest *truth;
	struct override *overrides;
	struct policy_set *set;
};

static uint64_t host_random(struct host *h, uint64_t below)
{
	/* xorshift64*, as in the property tests: a seed means the same everywhere */
	h->rng ^= h->rng >> 12;
	h->rng ^= h->rng << 25;
	h->rng ^= h->rng >> 27;
	return ((h->rng * UINT64_C(2685821657736338717)) >> 11) % below;
}

static uint64_t mib_between(struct host *h, uint64_t lo, uint64_t hi)
{
	return (lo + host_random(h, hi - lo + 1)) * MIB;
}

/* What it uses wanders by a hundredth, within what it has; half a second of each one is stall where
 * it stalls. */
static void guest_report(struct host *h, size_t i)
{
	struct guest_sample *s = &h->guests[i];
	struct host_guest *t = &h->truth[i];
	struct guest_report *r = &s->report;
	uint64_t room = s->actual_bytes - KERNEL_BYTES;
	uint64_t used = t->used_bytes + host_random(h, t->used_bytes / 100);

	used = t->stalls ? room : MIN(used, room);
	r->source = REPORT_AGENT;
	r->why = t->stalls ? REPORT_WHY_PRESSURE : REPORT_WHY_HEARTBEAT;
	r->arrival_usec = r->guest_usec = h->snap.now_boot_usec;
	r->seq++;
	r->boot_id = 1;
	r->total_bytes = room;
	r->available_bytes = r->free_bytes = room - used;
	r->anon_bytes = used;
	r->file_bytes = used / 4;
	r->has_swap = true;
	r->swap_total_bytes = r->swap_free_bytes = GIB;
	r->page_bytes = 4096;
	r->has_counters = r->has_psi = true;
	r->psi_mem_some_usec += t->stalls ? STEP_USEC / 2 : 0;
	r->refaults_file += t->stalls ? 500 : 0;
	s->resident_bytes = used + KERNEL_BYTES + s->qemu_bytes;
	s->vcpu_time_usec += host_random(h, STEP_USEC);
	s->vcpu_delay_usec += host_random(h, STEP_USEC / 10);
	s->vcpu_sample_usec = h->snap.now_boot_usec;
}

static void guest_init(struct host *h, size_t i)
{
	struct guest_sample *s = &h->guests[i];
	struct host_guest *t = &h->truth[i];

	snprintf(t->name, sizeof(t->name), "c%zu-g%zu", i % POLICIES, i);
	s->id.name = t->name;
	for (size_t b = 0; b < sizeof(s->id.uuid.bytes); b++)
		s->id.uuid.bytes[b] = (uint8_t)host_random(h, 256);
	s->running = s->balloon_answered = s->channel_open = true;
	s->max_bytes = mib_between(h, 512, 8192);
	s->actual_bytes = s->target_bytes = mib_between(h, 384, s->max_bytes / MIB);
	s->qemu_bytes = 32 * MIB;
	s->vcpus = 1 + (uint32_t)host_random(h, 4);
	s->cpu_weight = 100;
	t->used_bytes = mib_between(h, s->actual_bytes / MIB / 4, s->actual_bytes / MIB * 3 / 4);
	t->stalls = h->mix == MIX_CRYING || ((h->mix == MIX_PRESSED || h->mix == MIX_BY_HAND) &&
						    i % PRESSED_ONE_IN == 0);
}

static int policies_init(struct host *h)
{
	char texts[POLICIES][256];
	struct policy_text list[POLICIES];
	_cleanup_diag_list_ struct diag_list findings = {0};
	const char *when =
		h->mix == MIX_BY_HAND
			? "[When]\nCondition=host.mem_available < 40% and guest.psi_mem_some < 90%\n"
			: "";

	for (size_t i = 0; i < POLICIES; i++) {
		snprintf(texts[i], sizeof(texts[i]),
			"[Match]\nGuest=c%zu-*\n%s[Memory]\nMin=%zuM\nWeight=%zu\nHeadroom=%zu%%\n",
			i, when, 128 + 8 * i, 50 + 40 * i, 10 + i);
		list[i] = (struct policy_text){
			.name = "class", .text = texts[i], .len = strlen(texts[i])};
	}
	return policy_set_from_texts(list, POLICIES, NULL, &h->set, &findings);
}

/* Each guest's three are spread over the list, as an operator's commands of a day would be. */
static void overrides_init(struct host *h)
{
	static const char *const keys[OVERRIDES_PER_GUEST][2] = {
		{"Min", "200M"}, {"Weight", "700"}, {"Headroom", "25%"}};
	size_t n = h->snap.n_guests;

	for (size_t k = 0; k < n * OVERRIDES_PER_GUEST; k++)
		h->overrides[k] = (struct override){.guest = h->guests[(k * 7919) % n].id.uuid,
			.section = "Memory", .key = keys[k / n][0], .value = keys[k / n][1],
			.by = "uid 0 (root)", .reason = "", .until_boot_usec = USEC_INFINITY,
			.until_real_usec = USEC_INFINITY};
	h->snap.overrides = h->overrides;
	h->snap.n_overrides = n * OVERRIDES_PER_GUEST;
}

static void memory_init(struct host *h)
{
	uint64_t held = 0, used = 0, qemu = 0;

	for (size_t i = 0; i < h->snap.n_guests; i++) {
		held += h->guests[i].actual_bytes;
		used += h->truth[i].used_bytes;
		qemu += h->guests[i].qemu_bytes;
	}
	h->snap.host.other_bytes = 2 * GIB;
	h->snap.host.memory_bytes = 6 * GIB + qemu;
	h->snap.host.memory_bytes += h->mix == MIX_CALM	  ? held / 4 * 5
				     : h->mix == MIX_OVER ? used / 10 * 9
							  : held;
}

struct host *host_new(enum host_mix mix, size_t n_guests, uint64_t seed)
{
	_cleanup_host_ struct host *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->rng = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
	h->mix = mix;
	h->guests = calloc(n_guests, sizeof(*h->guests));
	h->truth = calloc(n_guests, sizeof(*h->truth));
	h->overrides = calloc(n_guests * OVERRIDES_PER_GUEST, sizeof(*h->overrides));
	if (!h->guests || !h->truth || !h->overrides)
		return NULL;
	h->snap = (struct snapshot){.now_boot_usec = 100000 * USEC_PER_SEC,
		.now_real_usec = UINT64_C(1795000000) * USEC_PER_SEC,
		.enforce = true,
		.guests = h->guests,
		.n_guests = n_guests,
		.host = {.name = "host", .cpus = 64}};
	for (size_t i = 0; i < n_guests; i++) {
		guest_init(h, i);
		guest_report(h, i);
	}
	memory_init(h);
	if (mix == MIX_BY_HAND)
		overrides_init(h);
	return policies_init(h) < 0 ? NULL : TAKE_PTR(h);
}

struct host *host_free(struct host *h)
{
	if (!h)
		return NULL;
	policy_set_unref(h->set);
	free(h->overrides);
	free(h->truth);
	free(h->guests);
	free(h);
	return NULL;
}

const struct snapshot *host_snapshot(const struct host *h)
{
	return &h->snap;
}

const struct policy_set *host_policies(const struct host *h)
{
	return h->set;
}

void host_step(struct host *h, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_actions; i++) {
		const struct action *a = &plan->actions[i];
		struct guest_sample *s;

		if (a->guest_index == SIZE_MAX)
			continue;
		s = &h->guests[a->guest_index];
		if (a->kind == ACTION_MEMORY) {
			s->target_bytes = s->actual_bytes = a->to_bytes;
			s->actual_usec = h->snap.now_boot_usec + 1; /* read after the command */
		} else if (a->kind == ACTION_CPU) {
			s->cpu_weight = a->cpu_weight;
		}
	}
	h->snap.now_boot_usec += STEP_USEC;
	h->snap.now_real_usec += STEP_USEC;
	for (size_t i = 0; i < h->snap.n_guests; i++)
		guest_report(h, i);
}
