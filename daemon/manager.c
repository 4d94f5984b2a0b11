/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include <sys/random.h>
#include <sys/timerfd.h>
#include <systemd/sd-id128.h>

#include "daemon/policy-files.h"
#include "daemon/sys/notify.h"
#include "daemon/worker.h"
#include "policy/policy-set.h"

/* How many of libvirt's results are taken in one turn of the loop: a flood must not keep agents
 * waiting. */
#define HV_DISPATCH_MAX 64
/* What waits for the worker: changes of policies come one by one, trials a few. */
#define WORKER_JOBS_MAX 8
#define STOP_USEC       (3 * USEC_PER_SEC)
#define STOP_LOOK_USEC  (50 * USEC_PER_MSEC)

/* What could not be read at the start can be now. What cannot be understood is as bad as at the
 * start, and is not written over. */
static void state_take_over(struct manager *m)
{
	int r = override_load(m);

	if (r >= 0)
		r = original_load(m);
	if (r >= 0)
		r = operations_load(m);
	if (r >= 0)
		r = pause_load(m);
	if (r >= 0)
		r = mode_take_over(m);
	if (r < 0) {
		journal_error("cannot read the state in %s: %s", m->conf.state_dir, strerror(-r));
		sd_event_exit(m->loop, r);
		return;
	}
	if (m->synced)
		original_prune(m);
	store_was_read(m->store);
}

static void on_health(void *data, bool ok, const char *text)
{
	struct manager *m = data;
	bool unread = store_unread(m->store);

	if (ok) {
		m->state_problem[0] = '\0';
		if (unread)
			state_take_over(m);
		if (store_unread(m->store))
			return;
		/* Whatever was set meanwhile. */
		mode_put(m);
		pause_put(m);
		operations_put_all(m);
		override_put_all(m);
		if (*text)
			original_put_known(m);
		original_put_all(m);
		if (*text) {
			snprintf(m->state_lost, sizeof(m->state_lost), "%s", text);
			m->state_lost_real_usec = clock_real_usec();
			m->state_lost_boot_usec = clock_boot_usec();
			tell(m,
				&(struct tale){.kind = DAEMON_EVENT_STATE_UNWRITABLE,
					.severity = SEVERITY_ERROR},
				"%s", text);
		}
		tell(m,
			&(struct tale){
				.kind = DAEMON_EVENT_STATE_WRITABLE, .severity = SEVERITY_NOTICE},
			"%s", *text ? "state is written into a new file"
				    : "state can be written again");
	} else {
		snprintf(m->state_problem, sizeof(m->state_problem), "%s%s", text,
			unread ? "; until then mode is observe, and nothing is saved" : "");
		m->state_problem_real_usec = clock_real_usec();
		tell(m,
			&(struct tale){
				.kind = DAEMON_EVENT_STATE_UNWRITABLE, .severity = SEVERITY_ERROR},
			"%s%s", m->state_problem,
			unread ? "" : "; guests are looked after all the same");
		if (!unread)
			original_spare_all(m);
	}
	tell_status(m);
}

static int open_state(struct manager *m)
{
	struct store_config config = {
		m->conf.state_dir, m->conf.max_events, m->conf.max_decisions, m->conf.max_bytes};
	static const struct store_ops ops = {on_health};
	_cleanup_diag_ struct diag d = {0};
	int r;

	if (m->dry_run)
		r = store_open_readonly(m->conf.state_dir, &m->store, &d);
	else
		r = store_open(&config, &ops, m, &m->store, &d);
	if (r < 0 && !(m->dry_run && r == -ENOENT)) {
		_cleanup_free_ char *text = diag_format(&d);

		journal_error("%s",
			d.text && text ? text : strerror(-r));
		return r;
	}
	if (r >= 0 && !m->dry_run)
		tell_recall(m);
	if (r > 0) {
		_cleanup_free_ char *text = diag_format(&d);

		on_health(m, false, text ? text : "state cannot be written");
	}
	r = mode_load(m);
	if (r >= 0)
		r = operations_load(m);
	if (r >= 0)
		r = pause_load(m);
	if (r >= 0)
		r = override_load(m);
	if (r >= 0)
		r = original_load(m);
	if (r < 0)
		journal_error("cannot read the state in %s: %s",
			m->conf.state_dir, strerror(-r));
	if (m->dry_run)
		m->store = store_free(m->store);
	return r;
}

static int on_hv(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct manager *m = userdata;

	hv_dispatch(m->hv, HV_DISPATCH_MAX);
	return 0;
}

static int on_api(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct manager *m = userdata;

	api_dispatch(m->api);
	return 0;
}

/* A timer that never comes, cancelled by whoever sets the wall clock. */
static int arm_clock(int fd)
{
	struct itimerspec far = {.it_value.tv_sec = (time_t)(INT64_MAX / 2 / 1000000000)};

	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL) < 0
		       ? -errno
		       : 0;
}

static int on_clock(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct manager *m = userdata;
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0 && errno == ECANCELED) {
		tell(m, &(struct tale){.kind = DAEMON_EVENT_CLOCK_SET, .severity = SEVERITY_NOTICE},
			"the wall clock was set: schedules are judged anew");
		decide_soon(m);
	}
	return arm_clock(fd);
}

static int watch_clock(struct manager *m)
{
	_cleanup_close_ int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = arm_clock(fd);
	if (r >= 0)
		r = sd_event_add_io(m->loop, &m->clock_source, fd, EPOLLIN, on_clock, m);
	if (r >= 0)
		r = sd_event_source_set_io_fd_own(m->clock_source, true);
	if (r >= 0)
		TAKE_FD(fd);
	return r;
}

static const struct api_ops api_ops = {
	.look = view_look,
	.look_guest = view_look_guest,
	.mode_set = mode_set,
	.pause_set = pause_set,
	.pause_clear = pause_clear,
	.reload = reload_call,
	.policy_put = policy_put,
	.policy_delete = policy_delete,
	.policy_validate = policy_validate,
	.plan_preview = plan_preview,
	.operation_begin = operation_begin,
	.operation_list = operation_list,
	.operation_get = operation_get,
	.operation_cancel = operation_cancel,
	.override_set = override_set,
	.override_clear = override_clear,
	.enroll = enroll,
	.reserve = reserve,
	.unreserve = unreserve,
	.names_wanted = names_wanted,
	.authorize = authorize,
};

static int start_api(struct manager *m, int listen_fd)
{
	struct api_config config = {
		.listen_fd = listen_fd,
		.views = m->views,
		.events = m->events,
		.past_ask = m->reader ? reader_ask : NULL,
		.past = m->reader,
		.sample_sec = m->conf.sample_usec / USEC_PER_SEC,
		.ops = &api_ops,
		.userdata = m,
		.access = {.admin_gid = m->conf.admin_gid,
			.operate_gid = m->conf.operate_gid,
			.read_gid = m->conf.read_gid,
			.others = API_ROLE_NONE},
	};
	int r = network_open(m, &config);

	if (r < 0)
		return r;
	r = api_start(&config, &m->api);
	for (size_t i = 0; r < 0 && i < config.n_listeners; i++)
		close(config.listeners[i].fd);
	if (r >= 0)
		r = network_start(m);
	return r < 0 ? r
		     : sd_event_add_io(m->loop, &m->api_source, api_fd(m->api), EPOLLIN, on_api, m);
}

static int make_hv(struct manager *m)
{
	struct hv_config config = {.uri = m->conf.uri, .deadline_usec = m->conf.call_timeout_usec};
	int r = hv_new(&config, &manager_hv_ops, m, &m->hv);

	return r < 0 ? r : sd_event_add_io(m->loop, &m->hv_source, hv_fd(m->hv), EPOLLIN, on_hv, m);
}

static int make_names(struct manager *m)
{
	sd_id128_t boot;
	uint32_t run = 0;
	char text[9];
	int r = sd_id128_get_boot(&boot);

	if (r < 0)
		return r;
	sd_id128_to_string(boot, m->boot_id);
	r = conf_host_name(&m->conf, m->host_name, sizeof(m->host_name));
	if (r < 0)
		return r;
	(void)!getrandom(&run, sizeof(run), GRND_NONBLOCK);
	snprintf(text, sizeof(text), "%08x", run);
	m->events = eventlog_new(m->host_name, text);
	m->views = view_store_new();
	m->state = decide_state_new();
	return m->events && m->views && m->state ? 0 : -ENOMEM;
}

static void on_damage(void *data)
{
	store_suspect(data);
}

static int read_past(struct manager *m)
{
	int r = reader_new(m->conf.state_dir, &m->reader);

	if (r >= 0)
		reader_watch(m->reader, on_damage, m->store);
	return r;
}

int manager_new(const struct manager_config *config, struct manager **ret)
{
	_cleanup_(manager_freep) struct manager *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->conf = *config->conf;
	*config->conf = (struct conf){0};
	m->loop = sd_event_ref(config->loop);
	m->conf_path = config->conf_path;
	m->conf_must_exist = config->conf_must_exist;
	m->dry_run = config->dry_run;
	m->trace = config->trace;
	m->started_real_usec = clock_real_usec();
	m->started_boot_usec = clock_boot_usec();
	m->policy_own = policy_files_dir(m->conf.state_dir);
	if ((r = hub_new(m->loop, &m->hub)) < 0 || (r = make_names(m)) < 0 ||
		(r = open_state(m)) < 0 || (r = reload_first(m)) < 0 || (r = decide_start(m)) < 0 ||
		(r = balloon_start(m)) < 0 || (r = sample_start(m)) < 0 ||
		(r = watch_clock(m)) < 0 || (r = make_hv(m)) < 0)
		return r;
	if (!m->dry_run &&
		((r = store_start(m->store, m->loop)) < 0 || (r = history_start(m)) < 0 ||
			(r = read_past(m)) < 0 ||
			(r = worker_new(m->loop, "ballast-worker", WORKER_JOBS_MAX, &m->worker)) <
				0))
		return r;
	if (config->listen_fd >= 0 && (r = start_api(m, config->listen_fd)) < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}

static int manager_start(struct manager *m)
{
	int r = hv_start(m->hv);

	if (r < 0)
		return r;
	journal_begin(JOURNAL_SOCKET);
	if (m->store)
		mode_mark(m);
	tell(m,
		&(struct tale){.kind = DAEMON_EVENT_STARTED,
			.severity = m->killed_before ? SEVERITY_WARNING : SEVERITY_INFO},
		"ballastd " PACKAGE_VERSION " looks %s %s %s%s%s", m->dry_run ? "at" : "after",
		m->host_name, m->dry_run ? "in a dry run: nothing is touched" : "in mode ",
		/* the host's own mode is none of a dry run's */
		m->dry_run ? "" : daemon_mode_to_string(m->mode),
		m->killed_before
			? "; the run before ended without a stop (killed, crashed, or the host went down)"
			: "");
	notify_ready("starting");
	tell_status(m);
	return notify_watchdog(m->loop);
}

int manager_run(struct manager *m)
{
	int r = manager_start(m);

	return r < 0 ? r : hub_loop(m->hub);
}

/* All commands have been carried out, and what makes guests grow has arrived there. */
static bool all_grown(const struct manager *m)
{
	for (size_t i = 0; i < m->n_guests; i++) {
		const struct guest_sample *s = &m->samples[i];

		if ((m->guests[i]->n_sent || m->guests[i]->cpu_id) && !s->quarantined)
			return false;
		if (m->guests[i]->original.soft_limited && !s->soft_limited && !s->quarantined)
			return false; /* its soft limit is being lifted */
		if (m->guests[i]->commanded && !s->quarantined && s->balloon_answered &&
			s->actual_bytes + 2 * MIB < s->target_bytes)
			return false;
	}
	return true;
}

static int on_stop_look(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct manager *m = userdata;
	uint64_t now = clock_boot_usec();

	if (all_grown(m) || now >= m->stop_until_usec)
		return sd_event_exit(m->loop, 0);
	sd_event_source_set_time(source, now + STOP_LOOK_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

void manager_stop(struct manager *m)
{
	if (m->stopping) {
		sd_event_exit(m->loop, 0); /* asked twice: at once */
		return;
	}
	notify_stopping();
	tell(m, &(struct tale){.kind = DAEMON_EVENT_STOPPING, .severity = SEVERITY_INFO},
		"stopping: guests keep at least what they use");
	release_to_used(m);
	m->stopping = true;
	reserve_stop(m);
	m->stop_until_usec = clock_boot_usec() + STOP_USEC;
	if (sd_event_add_time(
		    m->loop, &m->stop_timer, CLOCK_BOOTTIME, 0, USEC_PER_MSEC, on_stop_look, m) < 0)
		sd_event_exit(m->loop, 0);
}

static bool all_heard(const struct manager *m)
{
	for (size_t i = 0; i < m->n_guests; i++)
		if (m->samples[i].report.source == REPORT_NONE && m->guests[i]->channel)
			return false;
	return m->decided_synced;
}

int manager_print_plan(struct manager *m, FILE *to)
{
	char reason[REASON_TEXT_MAX];
	uint64_t waited = clock_boot_usec() - m->started_boot_usec;

	if (!m->synced && waited >= 2 * m->conf.heartbeat_usec) {
		journal_error("nothing is known of the guests: libvirt cannot be reached%s%s",
			*m->libvirt_reason ? ": " : "", m->libvirt_reason);
		return -ENOTCONN;
	}
	if (!m->plan || !m->decided_synced ||
		(!all_heard(m) && waited < 2 * m->conf.heartbeat_usec))
		return 0;
	fprintf(to, "%zu guest%s, host is %s\n", m->n_guests, m->n_guests == 1 ? "" : "s",
		host_state_to_string(m->plan->host_state));
	for (size_t i = 0; i < m->plan->n_actions; i++) {
		const struct action *a = &m->plan->actions[i];
		const struct guest *g = manager_find(m, &a->guest);

		if (g && a->kind == ACTION_MEMORY)
			fprintf(to, "%s: memory %llu -> %llu MiB: %s\n", g->hv->name,
				(unsigned long long)(a->from_bytes / MIB),
				(unsigned long long)(a->to_bytes / MIB),
				reason_format(&a->reason, reason));
		else if (g && a->kind == ACTION_CPU)
			fprintf(to, "%s: CPU weight %llu: %s\n", g->hv->name,
				(unsigned long long)a->cpu_weight,
				reason_format(&a->reason, reason));
	}
	if (!m->plan->n_actions)
		fprintf(to, "nothing would be changed\n");
	return 1;
}

struct manager *manager_free(struct manager *m)
{
	if (!m)
		return NULL;
	reserve_stop(m);
	for (size_t i = 0; i < m->n_guests; i++) {
		enroll_gone(m->guests[i]);
		m->guests[i]->left_id = 0; /* nobody hears of its end any more */
	}
	if (m->hv)
		hv_stop(m->hv, 500 * USEC_PER_MSEC);
	mode_calls_ended(m);
	policy_stop(m);
	reload_stop(m);
	m->worker = worker_free(m->worker);
	if (m->reader)
		reader_watch(m->reader, NULL, NULL);
	m->store = store_free(m->store); /* answers what waits, through the API */
	sd_event_source_disable_unref(m->hv_source);
	sd_event_source_disable_unref(m->api_source);
	sd_event_source_disable_unref(m->clock_source);
	sd_event_source_disable_unref(m->decide_now);
	sd_event_source_disable_unref(m->decide_timer);
	sd_event_source_disable_unref(m->host_timer);
	sd_event_source_disable_unref(m->history_timer);
	sd_event_source_disable_unref(m->poll_timer);
	sd_event_source_disable_unref(m->stop_timer);
	sd_event_source_disable_unref(m->pause_timer);
	network_stop(m);
	m->api = api_stop(m->api);
	m->reader = reader_free(m->reader);
	hv_free(m->hv);
	manager_guests_free(m);
	original_free(m);
	overrides_free(&m->overrides);
	operations_free(m);
	reservations_free(&m->reservations);
	plan_free(m->plan);
	decide_state_free(m->state);
	policy_set_unref(m->set);
	host_free(m->host);
	eventlog_free(m->events);
	view_store_free(m->views);
	free(m->policy_own);
	free(m->view_guests);
	free(m->view_policies);
	conf_clear(&m->conf);
	hub_free(m->hub);
	sd_event_unref(m->loop);
	free(m);
	return NULL;
}
