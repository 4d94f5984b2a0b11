/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/release.h"

#include "common/units.h"
#include "daemon/enforcing.h"
#include "daemon/host/process.h"
#include "daemon/release-private.h"
#include "daemon/spare.h"
#include "daemon/sys/clock.h"
#include "daemon/sys/journal.h"
#include "daemon/view.h"

/* A small daemon of its own, with nothing that could have kept the large one from starting: no API,
 * no writing, and of the policies only what [Host] says of memory, where that can be read. */

#define LISTEN_USEC  (5 * USEC_PER_SEC / 2) /* for agents to say what they use */
#define CONNECT_USEC (6 * USEC_PER_SEC)
#define END_USEC     (9 * USEC_PER_SEC)

static uint64_t resident_bytes(const struct hv_guest *hv)
{
	_cleanup_process_ struct process *p = NULL;
	struct process_reading reading;

	if (!hv->pid || process_open("/", hv->pid, hv->pid_start_ticks, NULL, 0, &p) < 0 ||
		process_read(p, false, &reading) < 0)
		return 0;
	return reading.resident_bytes;
}

static void fill(const struct released *g, struct release_guest *ret)
{
	*ret = (struct release_guest){
		.max_bytes = g->hv->max_bytes,
		.have_bytes = g->actual_bytes,
		.settled_bytes = g->actual_bytes,
		.used_bytes = g->report.source == REPORT_NONE
				      ? 0
				      : sub_sat(g->actual_bytes, g->report.available_bytes),
		.original_bytes = g->original.bytes,
		.resident_bytes = resident_bytes(g->hv),
		.fixed = g->hv->fixed != FIXED_NOT || !g->hv->running,
	};
}

static void soft_limit_lift(struct release *r, const struct released *g)
{
	struct hv_request req = {
		.call = HV_CALL_SET_SOFT_LIMIT, .guest = g->hv->uuid, .bytes = BYTES_UNLIMITED};
	struct journal_fields fields = {&g->hv->uuid, g->hv->name, NULL};

	if (!g->original.soft_limited || hv_submit(r->hv, &req, NULL) < 0)
		return;
	r->waiting++;
	journal_write(JOURNAL_RELEASED, LOG_NOTICE, &fields, "its soft limit is lifted");
}

/* Word for word where that is known. */
static void cpu_back(struct release *r, const struct released *g)
{
	const struct store_original *o = &g->original;
	struct hv_request req = {
		.call = HV_CALL_SET_CPU,
		.guest = g->hv->uuid,
		.set_weight = true,
		.set_quota = true,
		.cpu_weight = o->cpu_weight,
		.cpu_quota_permyriad = o->cpu_quota,
		.cpu = {o->cpu_shares, o->cpu_period_usec, o->cpu_quota_usec},
	};
	struct journal_fields fields = {&g->hv->uuid, g->hv->name, NULL};

	if (!o->cpu_ours || !o->cpu_weight || hv_submit(r->hv, &req, NULL) < 0)
		return;
	r->waiting++;
	journal_write(
		JOURNAL_RELEASED, LOG_NOTICE, &fields, "its CPU weight and quota are given back");
}

/* Nobody reads them any more. */
static void statistics_stop(struct release *r, const struct released *g)
{
	struct hv_request req = {.call = HV_CALL_SET_STATS_PERIOD, .guest = g->hv->uuid};

	if (g->original.period_ours && hv_submit(r->hv, &req, NULL) >= 0)
		r->waiting++;
}

static void command(struct release *r, struct released *g, const struct release_guest *want)
{
	struct hv_request req = {
		.call = HV_CALL_SET_MEMORY, .guest = g->hv->uuid, .bytes = want->to_bytes};
	struct journal_fields fields = {&g->hv->uuid, g->hv->name, NULL};
	char uses[48];

	/* Where it is now becomes its target as well: one that was on its way down stops there. */
	if (want->fixed || hv_submit(r->hv, &req, NULL) < 0)
		return;
	r->waiting++;
	if (g->report.source == REPORT_NONE)
		snprintf(uses, sizeof(uses), "what it uses is not known");
	else
		snprintf(uses, sizeof(uses), "uses %llu",
			(unsigned long long)(want->used_bytes / MIB));
	journal_write(JOURNAL_RELEASED, LOG_NOTICE, &fields, "given %llu MiB (had %llu, %s)",
		(unsigned long long)(want->to_bytes / MIB),
		(unsigned long long)(g->actual_bytes / MIB), uses);
}

/* Left all 0, so that nothing is given out, where the host cannot be read. */
static void look_at_host(const struct release *r, struct release_host *ret)
{
	const struct host_settings *set = &r->host_settings;
	struct host_reading h = {0};

	if (host_read_memory(r->host, &h) < 0)
		return;
	*ret = (struct release_host){
		.total_bytes = h.total_bytes,
		.available_bytes = h.available_bytes,
		.memory_bytes = set->memory_bytes,
		.reserve_bytes = host_reserve_bytes(set, MIN(h.total_bytes, set->memory_bytes)),
		.cgroup = set->memory_cgroup != NULL,
	};
}

static void take_originals(struct release *r)
{
	_cleanup_diag_list_ struct diag_list findings = {0};

	if (r->store)
		(void)!store_load_originals(r->store, release_take_original, r);
	(void)!spare_load(r->conf, release_take_original, r, &findings);
	journal_findings(JOURNAL_RELEASED, LOG_WARNING, &findings);
	/* Also where the state cannot be read: who is not known has what it uses made sure of all
	 * the same. */
	for (size_t i = 0; i < r->n; i++)
		if (r->guests[i]->known)
			r->goal = RELEASE_TO_ORIGINAL;
}

static void command_all(struct release *r)
{
	_cleanup_free_ struct release_guest *want = calloc(r->n + 1, sizeof(*want));
	struct release_host h = {0};

	r->commanded = true;
	take_originals(r);
	for (size_t i = 0; want && i < r->n; i++) {
		fill(r->guests[i], &want[i]);
		/* Nobody is shrunk here: what was grown may be in use by now. */
		if (want[i].original_bytes && want[i].original_bytes < want[i].settled_bytes)
			want[i].original_bytes = want[i].settled_bytes;
	}
	look_at_host(r, &h);
	if (want)
		release_plan(want, r->n, release_free(&h, want, r->n), r->goal);
	for (size_t i = 0; want && i < r->n; i++)
		command(r, r->guests[i], &want[i]);
	for (size_t i = 0; i < r->n; i++) {
		soft_limit_lift(r, r->guests[i]);
		cpu_back(r, r->guests[i]);
		statistics_stop(r, r->guests[i]);
	}
}

/* Has everybody spoken who can? */
static bool all_heard(const struct release *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (!r->guests[i]->read ||
			(r->guests[i]->channel && r->guests[i]->report.source != REPORT_AGENT))
			return false;
	return true;
}

static int on_look(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct release *r = userdata;
	uint64_t now, waited;

	hv_dispatch(r->hv, 0); /* may note a time: only then is it asked what time it is */
	now = clock_boot_usec();
	waited = now - r->started_usec;
	if (!r->synced && waited > CONNECT_USEC)
		return sd_event_exit(r->loop, -ENOTCONN);
	if (r->synced && !r->commanded && (all_heard(r) || now - r->synced_usec > LISTEN_USEC))
		command_all(r);
	if ((r->commanded && !r->waiting) || waited > END_USEC)
		return sd_event_exit(r->loop, r->waiting ? -ETIMEDOUT : 0);
	sd_event_source_set_time(source, now + 50 * USEC_PER_MSEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void release_clear(struct release *r)
{
	if (r->hv)
		hv_stop(r->hv, 500 * USEC_PER_MSEC);
	hv_free(r->hv);
	for (size_t i = 0; i < r->n; i++) {
		channel_free(r->guests[i]->channel);
		hv_guest_unref(r->guests[i]->hv);
		free(r->guests[i]);
	}
	host_free(r->host);
	policy_set_unref(r->set);
	store_free(r->store);
	hub_free(r->hub);
	sd_event_unref(r->loop);
}

/* Returns 1 when there is something to do, 0 in observe mode, -errno where that cannot be known:
 * then no guest is touched. */
static int read_state(struct release *r, const struct conf *conf, bool whole)
{
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *mode = NULL, *why = NULL;
	int e = store_open_readonly(conf->state_dir, &r->store, &d);

	if (e >= 0)
		e = store_load_text(r->store, "mode", &mode);
	r->goal = RELEASE_TO_ORIGINAL;
	if (e >= 0 && streq(mode, daemon_mode_to_string(MODE_ENFORCE)))
		return 1;
	if (!whole && (e >= 0 || e == -ENOENT)) {
		e = diag_set(&d, EBADMSG, NULL, 0, 0,
			"the configuration cannot, which may name another");
	} else if (e >= 0 || e == -ENOENT) {
		journal_info("mode is observe, says %s: no guest was touched, none is released",
			conf->state_dir);
		return 0;
	}
	r->goal = RELEASE_TO_USED;
	if (d.text)
		why = diag_format(&d);
	if (enforcing_marked(conf)) {
		journal_write(JOURNAL_RELEASED, LOG_ERR, NULL,
			"the state in %s cannot be read (%s): only what guests use is made sure of",
			conf->state_dir, why ? why : strerror(-e));
		return 1;
	}
	journal_write(JOURNAL_RELEASED, LOG_ERR, NULL,
		"the state in %s cannot be read (%s), and nothing shows that guests were commanded: none is touched",
		conf->state_dir, why ? why : strerror(-e));
	return e;
}

/* Where there are no policies to be read, or the group is not there, the host's own memory and the
 * default reserve hold. */
static int open_host(struct release *r, const struct conf *conf)
{
	struct policy_dirs dirs = {.dirs = (const char *const *)conf->policy_dirs};
	_cleanup_diag_list_ struct diag_list findings = {0};
	_cleanup_free_ char *from = NULL;

	r->host_settings = host_settings_default;
	if (policy_set_load(&dirs, NULL, &r->set, &findings) >= 0)
		r->host_settings = *policy_set_host(r->set);
	journal_findings(JOURNAL_PLAIN, LOG_ERR, &findings);
	if (r->host_settings.memory_cgroup &&
		asprintf(&from, "cgroup:%s", r->host_settings.memory_cgroup) >= 0 &&
		host_new("/", from, &r->host) >= 0)
		return 0;
	r->host_settings.memory_cgroup = NULL;
	return host_new("/", NULL, &r->host);
}

int release_run(const struct conf *conf, bool whole)
{
	_cleanup_(release_clear) struct release r = {
		.started_usec = clock_boot_usec(), .conf = conf};
	struct hv_config config = {.uri = conf->uri, .deadline_usec = conf->call_timeout_usec};
	int e = read_state(&r, conf, whole);

	if (e <= 0)
		return e;
	e = sd_event_new(&r.loop);
	if (e >= 0)
		e = hub_new(r.loop, &r.hub);
	if (e >= 0)
		e = open_host(&r, conf);
	if (e >= 0)
		e = hv_new(&config, &release_hv_ops, &r, &r.hv);
	if (e >= 0)
		e = sd_event_add_time(r.loop, NULL, CLOCK_BOOTTIME, 0, USEC_PER_MSEC, on_look, &r);
	if (e >= 0)
		e = hv_start(r.hv);
	if (e >= 0)
		e = hub_loop(r.hub);
	if (e < 0)
		journal_write(JOURNAL_RELEASED, LOG_ERR, NULL, "guests could not be released: %s",
			strerror(-e));
	return e;
}
