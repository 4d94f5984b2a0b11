/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include "common/units.h"
#include "policy/policy-set.h"

/*
 * What the host shows by itself: its memory every half second to two seconds, its pressure for each
 * decision, resident size and run-queue delay of each guest every second while anything moves, else
 * every five; for show, CPUs and nodes every ten seconds. Nothing here asks libvirt or QEMU.
 *
 * What the host itself uses is what is neither available nor resident in a QEMU: both must be of
 * the same instant, or a guest that fills its memory between two looks would pass for the host. So
 * all residents are looked at together, and whenever available memory moved (look.h).
 */
/* Which may be so much earlier, in parts, as somebody else wakes the daemon: at rest, and while
 * anything moves. */
#define TICK_REST_PARTS 4
#define TICK_BUSY_PARTS 10
/* Two readings of pressure that are closer say nothing: decide() itself takes no shorter span. */
#define PRESSURE_USEC  USEC_PER_SEC
/* CPUs and nodes are looked at so often; at first sooner, so that something is shown. */
#define LOAD_USEC	(10 * USEC_PER_SEC)
#define LOAD_FIRST_USEC USEC_PER_SEC
/* A move that is worth a decision: parts of memory, and at least so much. */
#define MOVED_PARTS     200
#define MOVED_MIN_BYTES (32 * MIB)
/* Guests whose agent's silence is looked for at a tick: all within four seconds, few all at
 * once. */
#define FALLBACK_PARTS 2
#define FALLBACK_FEW   32

/* So many guests are looked at in less than the 0.2 ms that the host's own figures take. */
#define SAME_INSTANT_GUESTS 32

/* QEMU's own memory: before anything is seen, and what is believed of a guest that is ballooned.
 * Seen: 40-100 MiB with KVM, 160-210 MiB with TCG, whose code cache grows up to 1 GiB, or to what
 * its command line says: then 24 MiB of program, 33 MiB of heap and the whole cache were seen at
 * most (121 MiB with a cache of 64), and twice the heap is allowed. Beyond that it is guest memory
 * that the balloon did not give back. */
#define QEMU_START_BYTES     (48 * MIB)
#define QEMU_CAP_KVM_BYTES   (160 * MIB)
#define QEMU_CAP_TCG_BYTES   (320 * MIB)
#define QEMU_BESIDE_TB_BYTES (96 * MIB)
#define QEMU_TB_MAX_MIB      1024
#define QEMU_FADE          128 /* a part of the difference is forgotten at each look */

int sample_open_host(struct manager *m)
{
	const char *cgroup = m->set ? policy_set_host(m->set)->memory_cgroup : NULL;
	_cleanup_free_ char *from = NULL;
	struct host *host = NULL;
	int r;

	if (cgroup && asprintf(&from, "cgroup:%s", cgroup) < 0)
		return -ENOMEM;
	r = host_new("/", from, &host);
	if (r >= 0) {
		if (*m->host_problem)
			journal_info("the memory of control group %s can be read now",
				cgroup ? cgroup : "/");
		m->host_problem[0] = '\0';
		host_free(m->host);
		m->host = host;
		m->host_is_cgroup = cgroup != NULL;
		return 0;
	}
	/* The group may come with the first guest: sample_host() tries again. Until then there must
	 * be something to go by. */
	if (!cgroup || (!m->host && host_new("/", NULL, &m->host) < 0)) {
		journal_error("cannot read the host's memory: %s", strerror(-r));
		return r;
	}
	if (!*m->host_problem) {
		m->host_problem_real_usec = clock_real_usec();
		snprintf(m->host_problem, sizeof(m->host_problem),
			"[Host] MemoryFrom=cgroup:%s cannot be read (%s): %s", cgroup, strerror(-r),
			m->host_is_cgroup ? "the last source stays in use"
					  : "the whole host's figures are used");
		journal_error("%s; tried again until it can", m->host_problem);
	}
	return 0;
}

/* The most that is believed to be this QEMU's own. */
static uint64_t qemu_cap(pid_t pid)
{
	uint64_t tb_mib;

	if (!process_cmdline_contains("/", pid, "tcg"))
		return QEMU_CAP_KVM_BYTES;
	if (process_cmdline_number("/", pid, "tcg,tb-size=", &tb_mib) < 0)
		return QEMU_CAP_TCG_BYTES;
	return QEMU_BESIDE_TB_BYTES + MIN(tb_mib, (uint64_t)QEMU_TB_MAX_MIB) * MIB;
}

void sample_guest_opened(struct guest *g)
{
	const struct hv_guest *hv = g->hv;
	int r;

	g->process = process_close(g->process);
	g->m->look.usec = 0;
	if (!hv->pid)
		return;
	r = process_open(
		"/", hv->pid, hv->pid_start_ticks, hv->vcpu_tids, hv->n_vcpu_tids, &g->process);
	if (r < 0 && r != -ESRCH)
		journal_warning(
			"%s: cannot read its process %d: %s", hv->name, (int)hv->pid, strerror(-r));
	g->qemu_cap_bytes = qemu_cap(hv->pid);
}

/* A guest that holds all of its memory shows QEMU's own in full; one that is ballooned shows it
 * too, unless it keeps what the balloon took: there only so much is believed, and only at rest. */
static uint64_t qemu_estimate(struct guest *g, const struct guest_sample *s)
{
	uint64_t beyond_max = sub_sat(s->resident_bytes, s->max_bytes), seen = beyond_max;

	if (distance(s->actual_bytes, s->target_bytes) <= 2 * MIB && !s->inflight_bytes)
		seen = MAX(seen, MIN(host_qemu_bytes(s->resident_bytes, s->actual_bytes),
					 g->qemu_cap_bytes));
	if (seen >= g->qemu_seen_bytes)
		g->qemu_seen_bytes = seen;
	else
		g->qemu_seen_bytes -= (g->qemu_seen_bytes - seen) / QEMU_FADE;
	return MAX(g->qemu_seen_bytes, QEMU_START_BYTES);
}

static void sample_guest(struct guest *g, uint64_t now)
{
	struct guest_sample *s = guest_sample(g);
	struct process_reading p;
	int r;

	if (!g->process)
		return;
	r = process_read(g->process, true, &p);
	if (r < 0) {
		if (r == -ESRCH)
			g->process = process_close(g->process);
		return;
	}
	s->resident_bytes = p.resident_bytes;
	/* Whose it is would cost a larger file each time: it may be this one's. */
	s->swapped_bytes =
		sub_sat(g->m->host_reading.swap_total_bytes, g->m->host_reading.swap_free_bytes);
	s->qemu_bytes = qemu_estimate(g, s);
	g->cpus = p.cpus;
	s->cpus = p.n_cpus > 0 && p.n_cpus < g->m->host_sample.cpus ? &g->cpus : NULL;
	if (!p.has_vcpu)
		return;
	s->vcpu_time_usec = p.vcpu_time_usec;
	s->vcpu_delay_usec = p.vcpu_delay_usec;
	s->vcpu_sample_usec = now;
}

static bool is_busy(const struct manager *m)
{
	return !m->plan || !m->plan->settled || !m->look.usec || m->reservations.n || m->polling;
}

/* A part of them at each tick. */
static void fall_back(struct manager *m, uint64_t now)
{
	size_t n = MIN(m->n_guests, MAX(m->n_guests / FALLBACK_PARTS + 1, (size_t)FALLBACK_FEW));

	for (size_t i = 0; i < n; i++) {
		m->fallback_next = m->fallback_next + 1 < m->n_guests ? m->fallback_next + 1 : 0;
		balloon_fallback(m->guests[m->fallback_next], now);
	}
}

static uint64_t resident_sum(const struct manager *m)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < m->n_guests; i++)
		sum += m->samples[i].resident_bytes;
	return sum;
}

/*
 * [Host] Memory= gives guests and host a part of the machine. What the host uses is outside of that
 * part first, and counts only as far as it does not fit there; with MemoryFrom=cgroup:PATH what the
 * group uses beside the guests counts.
 */
static uint64_t other_bytes(
	const struct manager *m, const struct host_reading *r, uint64_t resident)
{
	const struct host_settings *h = policy_set_host(m->set);
	uint64_t other = host_other_bytes(r->total_bytes, r->available_bytes, resident);

	if (m->host_is_cgroup || h->memory_bytes >= r->total_bytes)
		return other;
	return sub_sat(other, r->total_bytes - h->memory_bytes);
}

static bool moved(uint64_t a, uint64_t b, uint64_t total)
{
	return distance(a, b) >= MAX(total / MOVED_PARTS, MOVED_MIN_BYTES);
}

/* All guests and available memory, at the same instant. */
static int look_at_all(struct manager *m, uint64_t now)
{
	int e = 0;

	for (size_t i = 0; i < m->n_guests; i++)
		sample_guest(m->guests[i], now);
	/* Which took a few microseconds each: few guests are soon looked at. */
	if (m->n_guests > SAME_INSTANT_GUESTS)
		e = host_read_memory(m->host, &m->host_reading);
	if (e < 0)
		return e;
	m->look = (struct look){now, m->host_reading.available_bytes};
	m->host_sample.other_bytes = other_bytes(m, &m->host_reading, resident_sum(m));
	return 0;
}

static int sample_memory(struct manager *m, bool force)
{
	struct host_reading *r = &m->host_reading;
	uint64_t now = clock_boot_usec();
	int e = host_read_memory(m->host, r);

	if (e >= 0 && (force || look_due(&m->look, now, r->available_bytes,
					look_worth_bytes(r->total_bytes, m->n_guests), is_busy(m))))
		e = look_at_all(m, now);
	return e;
}

void sample_host(struct manager *m, bool force)
{
	struct host_reading *r = &m->host_reading;
	int e;

	if (*m->host_problem)
		(void)!sample_open_host(m);
	e = sample_memory(m, force);
	if (e < 0) {
		if (m->host_error != e)
			journal_error(
				"cannot read the host's memory: %s; the last figures stay in use",
				strerror(-e));
		m->host_error = e;
		return;
	}
	m->host_error = 0;
	host_reading_to_sample(r, &m->host_sample);
	m->host_sample.name = m->host_name;
	/* What the host takes for itself was promised to others until it is decided anew. */
	if (moved(r->available_bytes, m->available_decided_bytes, r->total_bytes) ||
		m->host_sample.other_bytes >= m->other_decided_bytes + LOOK_MIN_BYTES)
		decide_within(m, 20 * USEC_PER_MSEC);
}

void sample_pressure(struct manager *m)
{
	uint64_t now = clock_boot_usec();

	if (m->host_sample.sample_usec && now - m->host_sample.sample_usec < PRESSURE_USEC)
		return;
	host_read_pressure(m->host, &m->host_reading);
	host_reading_to_sample(&m->host_reading, &m->host_sample);
	m->host_sample.sample_usec = now;
}

void sample_load(struct manager *m, uint64_t now)
{
	struct host_load before = m->load;

	if (m->load_usec &&
		now - m->load_usec < (m->load.has_cpu && !m->has_cpu ? LOAD_FIRST_USEC : LOAD_USEC))
		return;
	host_read_load(m->host, &m->load);
	m->has_cpu = m->load_usec && host_cpu_share(&before, &m->load, &m->cpu_busy_permyriad,
					     &m->cpu_steal_permyriad);
	m->load_usec = now;
}

/* When the host is looked at again. A report that comes along in the last part of the time takes
 * the tick along. */
static int tick_arm(struct manager *m)
{
	bool busy = is_busy(m);
	uint64_t tick = look_tick_usec(m->host_reading.available_bytes, busy);
	uint64_t early = tick / (busy ? TICK_BUSY_PARTS : TICK_REST_PARTS),
		 from = clock_boot_usec() + tick - early;
	int r = sd_event_source_set_time(m->host_timer, from);

	if (r >= 0)
		r = sd_event_source_set_time_accuracy(m->host_timer, early);
	if (r >= 0)
		r = sd_event_source_set_enabled(m->host_timer, SD_EVENT_ONESHOT);
	hub_along(m->hub, from);
	m->tick_at_rest = !busy;
	return r;
}

void sample_hasten(struct manager *m)
{
	if (m->tick_at_rest && is_busy(m))
		(void)!tick_arm(m);
}

static int on_host(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct manager *m = userdata;

	sample_host(m, false);
	sample_load(m, clock_boot_usec());
	view_store_touch(m->views);
	fall_back(m, clock_boot_usec());
	reserve_expire(m);
	tell_status(m);
	tell_held(m, clock_boot_usec());
	release_brakes(m);
	mode_tick(m);
	pause_tick(m);
	original_tick(m);
	if (m->trace)
		fflush(m->trace);
	return tick_arm(m);
}

int sample_start(struct manager *m)
{
	int r = sample_open_host(m);

	if (r < 0)
		return r;
	sample_host(m, true);
	sample_load(m, clock_boot_usec());
	r = sd_event_add_time(
		m->loop, &m->host_timer, CLOCK_BOOTTIME, USEC_INFINITY, 0, on_host, m);
	return r < 0 ? r : tick_arm(m);
}
