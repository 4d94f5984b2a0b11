/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/property/host-model.h"

#include <stdio.h>

#include "common/units.h"
#include "policy/divide.h"

uint64_t model_random(struct model *m, uint64_t below)
{
	/* xorshift64*: the tests' own, so that a seed means the same everywhere */
	m->rng ^= m->rng >> 12;
	m->rng ^= m->rng << 25;
	m->rng ^= m->rng >> 27;
	return below ? ((m->rng * UINT64_C(2685821657736338717)) >> 11) % below : 0;
}

static bool one_in(struct model *m, uint64_t n)
{
	return model_random(m, n) == 0;
}

static uint64_t mib_between(struct model *m, uint64_t lo, uint64_t hi)
{
	return (lo + model_random(m, hi - lo + 1)) * MIB;
}

static void guest_report(struct model *m, size_t i, enum report_why why)
{
	struct guest_sample *s = &m->guests[i];
	struct model_guest *t = &m->truth[i];
	struct guest_report *r = &s->report;
	uint64_t room = sub_sat(s->actual_bytes, 40 * MIB);

	r->source = REPORT_AGENT;
	r->why = why;
	r->arrival_usec = m->snap.now_boot_usec;
	r->guest_usec = m->snap.now_boot_usec + 7;
	r->seq++;
	r->boot_id = 1;
	r->total_bytes = s->autodeflate ? s->max_bytes - 40 * MIB : room;
	r->available_bytes = t->liar ? 0 : sub_sat(s->actual_bytes, t->used);
	r->available_bytes = MIN(r->available_bytes, r->total_bytes);
	r->free_bytes = sub_sat(r->available_bytes, t->file);
	r->anon_bytes = t->used;
	r->file_bytes = MIN(t->file, room);
	r->swap_total_bytes = t->anon_net;
	r->swap_free_bytes = t->anon_net;
	r->page_bytes = 4096;
	r->has_counters = r->has_psi = true;
	r->refaults_file = t->refaults;
	r->psi_mem_some_usec = t->stall_usec;
	r->oom_kills = t->oom;
}

static bool name_taken(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->snap.n_guests; i++)
		if (!strcmp(m->truth[i].name, name))
			return true;
	return false;
}

/* What its QEMU holds; of some the host has swapped a part of it. */
static void resident_set(struct model *m, struct guest_sample *s, const struct model_guest *t)
{
	uint64_t held = MIN(s->actual_bytes, t->used + t->file);

	s->swapped_bytes = t->swapped ? mib_between(m, 0, held / MIB) : 0;
	s->resident_bytes = held - s->swapped_bytes + s->qemu_bytes;
}

/* A new one at place i, which is free: with a name that policies may know, and a UUID that nobody
 * ever had. */
static void guest_init(struct model *m, size_t i)
{
	struct guest_sample *s = &m->guests[i];
	struct model_guest *t = &m->truth[i];
	size_t number = 0;

	memset(s, 0, sizeof(*s));
	memset(t, 0, sizeof(*t));
	do
		snprintf(t->name, sizeof(t->name), "g%zu", number++);
	while (name_taken(m, t->name));
	s->id.name = t->name;
	for (size_t b = 0; b < sizeof(s->id.uuid.bytes); b++)
		s->id.uuid.bytes[b] = (uint8_t)model_random(m, 256);
	s->id.uuid.bytes[0] = (uint8_t)m->n_born++;
	s->running = !one_in(m, 20);
	s->balloon_answered = !one_in(m, 20);
	s->autodeflate = one_in(m, 4);
	s->job_running = one_in(m, 25);
	s->quarantined = one_in(m, 25);
	s->refused_until_usec =
		one_in(m, 25) ? m->snap.now_boot_usec + model_random(m, 60 * USEC_PER_SEC) : 0;
	s->fixed = one_in(m, 15) ? FIXED_VFIO : FIXED_NOT;
	s->max_bytes = mib_between(m, 128, 8192);
	s->actual_bytes = s->target_bytes = mib_between(m, 100, s->max_bytes / MIB);
	if (s->fixed && one_in(m, 2)) /* the others' drivers claim what they like */
		s->actual_bytes = s->target_bytes = s->max_bytes;
	s->qemu_bytes = mib_between(m, 0, 64);
	s->vcpus = 1 + (uint32_t)model_random(m, 4);
	s->started_usec =
		one_in(m, 4) ? m->snap.now_boot_usec - model_random(m, 90) * USEC_PER_SEC : 0;
	t->used = mib_between(m, 50, s->actual_bytes / MIB);
	t->file = mib_between(m, 0, 1024);
	t->anon_net = one_in(m, 3) ? 0 : mib_between(m, 0, 8192);
	t->liar = one_in(m, 8);
	t->silent = one_in(m, 8);
	t->swapped = one_in(m, 8);
	t->stuck = one_in(m, 8);
	t->slow = one_in(m, 4);
	t->breaker = one_in(m, 10);
	t->takes_back = s->autodeflate && one_in(m, 3);
	s->channel_open = !one_in(m, 6);
	resident_set(m, s, t);
	if (!one_in(m, 12))
		guest_report(m, i, REPORT_WHY_REQUEST);
}

static int policies_init(struct model *m)
{
	char texts[MODEL_GUESTS_MAX][256];
	struct policy_text list[MODEL_GUESTS_MAX];
	_cleanup_diag_list_ struct diag_list findings = {0};
	static const char *const surplus[] = {"keep", "keep", "grow", "release"};
	size_t n = model_random(m, MODEL_GUESTS_MAX);

	for (size_t i = 0; i < n; i++) {
		uint64_t min = model_random(m, 1024);

		snprintf(texts[i], sizeof(texts[i]),
			"[Match]\nGuest=g%zu\n[Memory]\nMin=%lluM\nMax=%lluM\nWeight=%llu\nHeadroom=%llu%%\n"
			"Surplus=%s\n",
			i, (unsigned long long)min,
			(unsigned long long)(min + 1 + model_random(m, 8192)),
			(unsigned long long)(1 + model_random(m, 10000)),
			(unsigned long long)model_random(m, 60), surplus[model_random(m, 4)]);
		list[i] = (struct policy_text){
			.name = "case", .text = texts[i], .len = strlen(texts[i])};
	}
	return policy_set_from_texts(list, n, NULL, &m->set, &findings);
}

/* Somebody sets a weight by hand, in the place of what was set there before. */
static void override_set(struct model *m, size_t i)
{
	size_t guest = model_random(m, m->snap.n_guests);

	m->weights[i] = 1 + model_random(m, 10000);
	snprintf(m->weight_texts[i], sizeof(m->weight_texts[i]), "%llu",
		(unsigned long long)m->weights[i]);
	m->overrides[i] = (struct override){.guest = m->guests[guest].id.uuid,
		.section = "Memory",
		.key = "Weight",
		.value = m->weight_texts[i],
		.by = "",
		.reason = "",
		.until_boot_usec = USEC_INFINITY,
		.until_real_usec = USEC_INFINITY};
}

static void overrides_init(struct model *m)
{
	m->snap.overrides = m->overrides;
	m->snap.n_overrides = one_in(m, 3) ? 0 : model_random(m, MODEL_OVERRIDES_MAX + 1);
	for (size_t i = 0; i < m->snap.n_overrides; i++)
		override_set(m, i);
}

int model_init(struct model *m, uint64_t seed)
{
	size_t n_guests;

	memset(m, 0, sizeof(*m));
	m->rng = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
	m->snap.now_boot_usec = 100000 * USEC_PER_SEC;
	m->snap.now_real_usec = UINT64_C(1795000000) * USEC_PER_SEC;
	m->snap.enforce = true;
	m->snap.guests = m->guests;
	n_guests = 1 + model_random(m, MODEL_GUESTS_MAX);
	m->snap.reservations = m->reservations;
	m->snap.n_reservations = one_in(m, 3) ? 1 + model_random(m, 4) : 0;
	for (; m->snap.n_guests < n_guests; m->snap.n_guests++)
		guest_init(m, m->snap.n_guests);
	for (size_t i = 0; i < m->snap.n_reservations; i++)
		m->reservations[i] = (struct reservation){.id = i + 1, .guest_name = "new",
			.bytes = mib_between(m, 64, 2048), .qemu_bytes = mib_between(m, 0, 64),
			.asked_usec = m->snap.now_boot_usec - model_random(m, 5) * USEC_PER_SEC,
			.deadline_usec = m->snap.now_boot_usec + 10 * USEC_PER_SEC,
			.granted = one_in(m, 4)};
	overrides_init(m);
	m->snap.host.name = "host";
	m->snap.host.cpus = 8;
	m->snap.host.memory_bytes = 0;
	for (size_t i = 0; i < m->snap.n_guests; i++)
		m->snap.host.memory_bytes += m->guests[i].actual_bytes + m->guests[i].qemu_bytes;
	/* From hopelessly short to ample. */
	m->snap.host.memory_bytes = m->snap.host.memory_bytes * (50 + model_random(m, 150)) / 100;
	m->snap.host.other_bytes = model_random(m, m->snap.host.memory_bytes / 8);
	return policies_init(m);
}

void model_clear(struct model *m)
{
	policy_set_unref(m->set);
}

static void guest_command(struct model *m, const struct action *a)
{
	struct guest_sample *s = &m->guests[a->guest_index];

	/* Now and then a command is lost on its way. */
	if (one_in(m, 30))
		return;
	m->truth[a->guest_index].sent_bytes =
		MAX(m->truth[a->guest_index].sent_bytes, s->target_bytes);
	s->target_bytes = a->to_bytes;
}

static void guest_move(struct model *m, size_t i)
{
	struct guest_sample *s = &m->guests[i];
	struct model_guest *t = &m->truth[i];
	uint64_t distance;

	s->identity_changed = false;
	/* Readings take their time: the last one may be older than the last command. */
	if (t->sent_bytes && one_in(m, 3))
		return;
	t->sent_bytes = 0;
	s->actual_usec = m->snap.now_boot_usec;
	if (s->fixed || t->stuck || !s->balloon_answered)
		return;
	if (s->actual_bytes > s->target_bytes) {
		distance = s->actual_bytes - s->target_bytes;
		s->actual_bytes -= t->slow ? model_random(m, distance / 8 + 1) : distance;
	} else {
		distance = s->target_bytes - s->actual_bytes;
		s->actual_bytes += t->slow ? model_random(m, distance / 8 + 1) : distance;
	}
	if (t->takes_back && one_in(m, 4))
		s->actual_bytes = MIN(s->max_bytes, s->actual_bytes + mib_between(m, 1, 256));
}

static void guest_live(struct model *m, size_t i)
{
	struct guest_sample *s = &m->guests[i];
	struct model_guest *t = &m->truth[i];
	enum report_why why = REPORT_WHY_HEARTBEAT;

	if (one_in(m, 3))
		t->used = mib_between(m, 30, MAX(s->actual_bytes / MIB, UINT64_C(31)));
	if (one_in(m, 4)) {
		t->stall_usec += model_random(m, 400) * USEC_PER_MSEC;
		t->refaults += model_random(m, 20000);
		why = REPORT_WHY_PRESSURE;
	}
	t->oom += one_in(m, 50);
	if (!t->breaker)
		resident_set(m, s, t);
	else if (one_in(m, 4))
		s->resident_bytes = s->max_bytes + s->qemu_bytes;
	if (one_in(m, 40)) {
		s->incarnation++;
		t->sent_bytes = 0;
		s->started_usec = m->snap.now_boot_usec;
		s->balloon_answered = one_in(m, 2);
	} else if (!s->balloon_answered) {
		s->balloon_answered = one_in(m, 3);
	}
	s->quarantined = s->quarantined ? !one_in(m, 4) : one_in(m, 60);
	s->job_running = s->job_running ? !one_in(m, 4) : one_in(m, 60);
	if (one_in(m, 60))
		s->refused_until_usec = m->snap.now_boot_usec + model_random(m, 60 * USEC_PER_SEC);
	if (!t->silent && !one_in(m, 5))
		guest_report(m, i, why);
}

/* Two change places; the names that samples point to go with them. */
static void guests_swap(struct model *m, size_t i, size_t k)
{
	struct guest_sample s = m->guests[i];
	struct model_guest t = m->truth[i];

	m->guests[i] = m->guests[k];
	m->truth[i] = m->truth[k];
	m->guests[k] = s;
	m->truth[k] = t;
	m->guests[i].id.name = m->truth[i].name;
	m->guests[k].id.name = m->truth[k].name;
}

/* The host lists its guests in another order, one is gone, or one came: at the end of the list or
 * in its midst. */
static void guests_come_and_go(struct model *m)
{
	size_t *n = &m->snap.n_guests, many = model_random(m, 4) + 1;

	if (*n > 1 && one_in(m, 3)) {
		guests_swap(m, model_random(m, *n), *n - 1);
		(*n)--;
	}
	if (*n < MODEL_GUESTS_MAX && one_in(m, 3)) {
		guest_init(m, *n);
		(*n)++;
	}
	while (many--) {
		size_t i = model_random(m, *n);

		guests_swap(m, i, model_random(m, *n));
	}
}

void model_step(struct model *m, const struct plan *plan)
{
	size_t kept = 0;

	for (size_t i = 0; i < plan->n_actions; i++) {
		const struct action *a = &plan->actions[i];

		if (a->kind == ACTION_MEMORY)
			guest_command(m, a);
		else if (a->kind == ACTION_SOFT_LIMIT && !one_in(m, 4)) /* else the call fails */
			m->guests[a->guest_index].soft_limited = a->to_bytes != BYTES_UNLIMITED;
		for (size_t k = 0; k < m->snap.n_reservations; k++)
			if (m->reservations[k].id == a->reservation && a->kind == ACTION_GRANT)
				m->reservations[k].granted = true;
			else if (m->reservations[k].id == a->reservation &&
				 a->kind == ACTION_REFUSE)
				m->reservations[k].id = 0;
	}
	for (size_t k = 0; k < m->snap.n_reservations; k++)
		if (m->reservations[k].id && !(m->reservations[k].granted && one_in(m, 5)))
			m->reservations[kept++] = m->reservations[k];
	m->snap.n_reservations = kept;
	m->snap.now_boot_usec += USEC_PER_MSEC; /* no two looks at one instant */
	m->snap.now_boot_usec += one_in(m, 4) ? model_random(m, 20) * USEC_PER_SEC
					      : (1 + model_random(m, 20)) * 50 * USEC_PER_MSEC;
	m->snap.now_real_usec += USEC_PER_SEC;
	if (one_in(m, 4))
		m->snap.host.other_bytes = model_random(m, m->snap.host.memory_bytes / 4);
	if (m->snap.n_overrides && one_in(m, 4))
		override_set(m, model_random(m, m->snap.n_overrides));
	else if (m->snap.n_overrides && one_in(m, 8))
		m->snap.n_overrides--;
	for (size_t i = 0; i < m->snap.n_guests; i++) {
		guest_move(m, i);
		guest_live(m, i);
		if (plan->guests[i].ask && !m->truth[i].silent && one_in(m, 2))
			guest_report(m, i, REPORT_WHY_REQUEST);
	}
	if (one_in(m, 5))
		guests_come_and_go(m);
}
