/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include <stdarg.h>

#include "daemon/network.h"
#include "daemon/sys/notify.h"
#include "daemon/worker.h"
#include "policy/policy-set.h"

/* Reading configuration and policies, again and again. What is bad never takes effect and never
 * takes the good down with it: loudly. */

/* No finding before this one is of the same file. */
static bool is_new_file(const struct diag_list *findings, size_t i)
{
	const char *file = findings->items[i].file;

	for (size_t k = 0; k < i; k++)
		if (file && findings->items[k].file && streq(file, findings->items[k].file))
			return false;
	return true;
}

static size_t count_files(const struct diag_list *findings)
{
	size_t n = 0;

	for (size_t i = 0; i < findings->n; i++)
		n += is_new_file(findings, i);
	return n;
}

/* One reading of configuration and policies: on the worker, for whoever's disk is slow. */
struct reload_job {
	struct manager *m;
	struct api_call *call; /* NULL: a signal asked for it */
	struct reload_job *next;
	bool dry_run;
	char by[PAUSE_BY_MAX]; /* "": a signal */
	/* Of the worker while it has it. */
	struct policy_dirs dirs;
	struct policy_set *last; /* a reference to the set in force */
	/* What was read. */
	int conf_error, policy_error;
	struct conf conf;
	struct network_reading network;
	struct policy_set *set;
	struct diag_list findings;
	/* Of taking it over. */
	const char *restart[CONF_KEYS]; /* keys whose new value takes effect at a restart */
	size_t n_restart;
};

static struct reload_job *job_free(struct reload_job *j)
{
	if (!j)
		return NULL;
	policy_set_unref(j->last);
	policy_set_unref(j->set);
	conf_clear(&j->conf);
	network_reading_clear(&j->network);
	diag_list_clear(&j->findings);
	free(j);
	return NULL;
}
DEFINE_CLEANUP(struct reload_job *, job_free)

/* For building a line from its parts: cut where it is full. */
_printf_(3, 4) static void add(char *buf, size_t size, const char *fmt, ...)
{
	size_t len = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + len, size - len, fmt, ap);
	va_end(ap);
}

/* How many files are bad, and what holds in their place. would: of a dry run. */
static void bad_format(const struct diag_list *findings, const struct policy_set *set, bool would,
	char *buf, size_t size)
{
	size_t lost = policy_set_lost(set)->n, n = MAX(count_files(findings), lost),
	       kept = n - lost;
	const char *verb = would ? "would stay" : kept == 1 ? "stays" : "stay";
	char count[24];

	*buf = '\0';
	add(buf, size, "%zu file%s bad: ", n, n == 1 ? " is" : "s are");
	snprintf(count, sizeof(count), "%zu", kept);
	if (kept)
		add(buf, size, "%s %s in force in %s last good version%s", n == 1 ? "it" : count,
			verb, kept == 1 ? "its" : "their", lost ? ", " : "");
	snprintf(count, sizeof(count), "%zu", lost);
	if (lost)
		add(buf, size, "%s %s in force at all", n == 1 ? "it" : count,
			would ? "would not be" : lost == 1 ? "is not" : "are not");
}

/* The first mistake, and the files of all others: as many as fit. */
static void add_files(char *buf, size_t size, const struct diag_list *findings)
{
	static const char more[] = ", and 1000000 more (ballastctl reload -n)";
	_cleanup_free_ char *first = diag_format(&findings->items[0]);
	size_t n = count_files(findings), told = 1;

	add(buf, size, ": %s", first ? first : "out of memory");
	for (size_t i = 1; i < findings->n && told < n; i++) {
		const char *file = findings->items[i].file;

		if (!file || !is_new_file(findings, i))
			continue;
		if (strlen(buf) + strlen(file) + sizeof(more) + 4 > size) {
			add(buf, size, ", and %zu more (ballastctl reload -n)", n - told);
			return;
		}
		add(buf, size, "; %s%s", told == 1 ? "also " : "", file);
		told++;
	}
}

/* What the status line and the API's problems say until it is good again. */
static void note_findings(struct manager *m, const struct diag_list *findings)
{
	m->policy_bad = findings->n ? MAX(count_files(findings), policy_set_lost(m->set)->n) : 0;
	m->policy_lost = policy_set_lost(m->set)->n;
	if (!findings->n) {
		m->policy_problem_real_usec = 0;
		return;
	}
	if (!m->policy_problem_real_usec)
		m->policy_problem_real_usec = clock_real_usec();
	bad_format(findings, m->set, false, m->policy_problem, sizeof(m->policy_problem));
	add_files(m->policy_problem, sizeof(m->policy_problem), findings);
}

static void set_put(struct manager *m, struct policy_set *set)
{
	policy_set_unref(m->set);
	m->set = set;
}

int policies_load(struct manager *m, struct diag_list *findings)
{
	struct policy_dirs dirs = policy_dirs_of(m);
	struct policy_set *set = NULL;
	int r = policy_set_load(&dirs, m->set, &set, findings);

	if (r < 0)
		return r;
	set_put(m, set);
	return r;
}

/* "Uri= and Socket= have changed: they take effect when ballastd is restarted" behind what buf has;
 * nothing where there are none. */
static void add_restart(char *buf, size_t size, const struct reload_job *j)
{
	size_t n = j->n_restart;

	for (size_t i = 0; i < n; i++)
		add(buf, size, "%s%s=", !i ? "" : i + 1 < n ? ", " : " and ", j->restart[i]);
	if (n)
		add(buf, size,
			n == 1 ? " has changed: it takes effect when ballastd is restarted"
			       : " have changed: they take effect when ballastd is restarted");
}

/* Takes over what a reload can; says what it cannot. */
static void conf_take(struct manager *m, struct reload_job *j)
{
	char text[512] = "";

	add_restart(text, sizeof(text), j);
	if (*text)
		journal_warning("%s", text);
	m->conf.heartbeat_usec = j->conf.heartbeat_usec;
	m->conf.stall_usec = j->conf.stall_usec;
	m->conf.change_permyriad = j->conf.change_permyriad;
	agent_configure_all(m);
	network_take(m, &j->conf, &j->network, &j->findings);
}

static void tell_reload(struct manager *m, const struct diag_list *findings, const char *by)
{
	struct tale t = {.kind = DAEMON_EVENT_RELOAD, .severity = SEVERITY_INFO, .by = by};

	if (findings->n) {
		t.kind = DAEMON_EVENT_POLICY_BAD;
		t.severity = SEVERITY_ERROR;
		journal_findings(JOURNAL_POLICY_BAD, LOG_ERR, findings);
		tell(m, &t, "%s", m->policy_problem);
		return;
	}
	journal_findings(JOURNAL_PLAIN, LOG_NOTICE, policy_set_notes(m->set));
	tell(m, &t, "%zu polic%s in force", policy_set_count(m->set),
		policy_set_count(m->set) == 1 ? "y is" : "ies are");
}

/* The set in force is another one. old_cgroup: [Host] MemoryFrom= of the one before. */
static void follow(struct manager *m, const char *old_cgroup, const struct diag_list *findings)
{
	const char *cgroup = policy_set_host(m->set)->memory_cgroup;

	if (!cgroup != !old_cgroup || (cgroup && !streq(cgroup, old_cgroup)))
		(void)!sample_open_host(m);
	note_findings(m, findings);
	sample_host(m, true);
	decide_soon(m);
	tell_status(m);
}

/* The old set, and this string in it, may go. */
static char *cgroup_of(const struct manager *m)
{
	const char *cgroup = policy_set_host(m->set)->memory_cgroup;

	return cgroup ? strdup(cgroup) : NULL;
}

void reload_take(struct manager *m, struct policy_set *set, const struct diag_list *findings)
{
	_cleanup_free_ char *cgroup = cgroup_of(m);

	set_put(m, set);
	follow(m, cgroup, findings);
}

/* ---- on the worker ---- */

static void run_reload(void *userdata)
{
	struct reload_job *j = userdata;
	/* These never change. */
	const struct conf *start = &j->m->conf;

	j->conf_error = conf_load(j->m->conf_path, j->m->conf_must_exist, &j->conf, &j->findings);
	if (j->conf_error >= 0)
		network_read(j->dry_run ? &j->conf : start, &j->conf, &j->network, &j->findings);
	j->policy_error = MIN(policy_set_load(&j->dirs, j->last, &j->set, &j->findings), 0);
}

/* ---- in the main loop ---- */

static void take_over(struct manager *m, struct reload_job *j)
{
	_cleanup_free_ char *cgroup = cgroup_of(m);
	int e = j->conf_error, r = j->policy_error;

	if (e >= 0)
		conf_take(m, j);
	if (j->set)
		set_put(m, TAKE_PTR(j->set));
	if (r < 0 || (e < 0 && e != -EBADMSG && e != -ENOENT))
		journal_error(
			"cannot reload: %s; everything stays as it is", strerror(r < 0 ? -r : -e));
	follow(m, cgroup, &j->findings);
	tell_reload(m, &j->findings, *j->by ? j->by : NULL);
	tell_status(m);
}

static void answer(struct manager *m, struct reload_job *j)
{
	const struct policy_set *set = j->dry_run && j->set ? j->set : m->set;
	char text[512];

	if (!j->findings.n) {
		api_call_reply(
			j->call, 200, api_reload_json(set, &j->findings, j->restart, j->n_restart));
		return;
	}
	bad_format(&j->findings, set, j->dry_run, text, sizeof(text));
	if (!j->dry_run)
		add(text, sizeof(text), "; everything else was taken over");
	if (j->n_restart)
		add(text, sizeof(text), "; ");
	add_restart(text, sizeof(text), j);
	api_call_problem_with(j->call, API_PROBLEM_CONFIGURATION_BAD,
		json_pack("{s:o,s:o}", "findings", api_findings_json(&j->findings),
			"restart_needed", api_words_json(j->restart, j->n_restart)),
		"%s", text);
}

/* A dry run only finds out what of the tokens would be bad. */
static int find_tokens(struct reload_job *j)
{
	struct diag_list *found = &j->network.token_findings;
	int r = 0;

	for (size_t i = 0; i < found->n && r >= 0; i++)
		r = diag_list_take(&j->findings, &found->items[i]);
	return r;
}

static void ended(struct manager *m, struct reload_job *j)
{
	if (j->conf_error >= 0)
		j->n_restart = conf_needs_restart(&m->conf, &j->conf, j->restart);
	if (!j->dry_run)
		take_over(m, j);
	else if (find_tokens(j) < 0)
		journal_error("out of memory");
	if (j->call)
		answer(m, j);
}

static void reload_done(void *userdata, bool ran)
{
	_cleanup_(job_freep) struct reload_job *j = userdata;
	struct manager *m = j->m;

	m->policy_running = false;
	if (ran)
		ended(m, j);
	else if (j->call)
		api_call_problem(
			j->call, API_PROBLEM_STOPPING, "ballastd is stopping; nothing was read.");
	if (!j->call && ran) {
		notify_ready("reloaded");
		tell_status(m);
	}
	policy_next(m);
}

/* What a signal asked for is done in any case, here where there is no worker or it has too much to
 * do. */
static void begin(struct manager *m, struct reload_job *j)
{
	int r = -ENXIO;

	j->last = policy_set_ref(m->set);
	if (m->worker)
		r = worker_submit(m->worker, run_reload, reload_done, j);
	if (r >= 0) {
		m->policy_running = true;
	} else if (j->call && m->worker) {
		api_call_problem(j->call, API_PROBLEM_BUSY, "It cannot be read now: %s. Try again.",
			strerror(-r));
		job_free(j);
	} else {
		run_reload(j);
		reload_done(j, true);
	}
}

void reload_next(struct manager *m)
{
	while (m->reload_first && !m->policy_running) {
		struct reload_job *j = m->reload_first;

		m->reload_first = j->next;
		m->n_reload_waiting--;
		begin(m, j);
	}
}

void reload_stop(struct manager *m)
{
	while (m->reload_first) {
		struct reload_job *j = m->reload_first;

		m->reload_first = j->next;
		if (j->call)
			api_call_problem(j->call, API_PROBLEM_STOPPING,
				"ballastd is stopping; nothing was read.");
		job_free(j);
	}
	m->n_reload_waiting = 0;
}

/* Behind those that wait. Returns 0 or -ENOMEM. */
static int append(struct manager *m, struct api_call *call)
{
	struct reload_job *j = calloc(1, sizeof(*j)), **last = &m->reload_first;

	if (!j)
		return -ENOMEM;
	j->m = m;
	j->call = call;
	j->dirs = policy_dirs_of(m);
	if (call) {
		j->dry_run = api_call_dry_run(call);
		snprintf(j->by, sizeof(j->by), "%s", api_call_by(call));
	}
	while (*last)
		last = &(*last)->next;
	*last = j;
	m->n_reload_waiting++;
	return 0;
}

/* One that has not begun yet reads what this one would. */
static bool signal_waits(const struct manager *m)
{
	for (const struct reload_job *j = m->reload_first; j; j = j->next)
		if (!j->call)
			return true;
	return false;
}

void manager_reload(struct manager *m)
{
	notify_reloading();
	if (!signal_waits(m) && append(m, NULL) < 0) {
		journal_error("cannot reload: out of memory; everything stays as it is");
		notify_ready("not reloaded");
		return;
	}
	reload_next(m);
}

/* Each reads all files, and has the main loop look and decide anew: a person's, or a script's. */
#define RELOADS_A_SECOND 10
#define RELOADS_MAX 8 /* that wait */

void reload_call(void *userdata, struct api_call *call)
{
	struct manager *m = userdata;

	if (!second_take(&m->reloads, RELOADS_A_SECOND))
		api_call_problem(call, API_PROBLEM_TOO_MANY_REQUESTS,
			"%d reloads a second are possible. Try again.", RELOADS_A_SECOND);
	else if (m->n_reload_waiting >= RELOADS_MAX)
		api_call_problem(
			call, API_PROBLEM_BUSY, "%d reloads wait already. Try again.", RELOADS_MAX);
	else if (append(m, call) < 0)
		api_call_problem(call, API_PROBLEM_INTERNAL, "Out of memory.");
	else
		reload_next(m);
}

int reload_first(struct manager *m)
{
	_cleanup_diag_list_ struct diag_list findings = {0};
	int r = policies_load(m, &findings);

	journal_findings(JOURNAL_POLICY_BAD, LOG_ERR, &findings);
	/* Another start would say the same. */
	if (r < 0)
		return findings.n ? -EBADMSG : r;
	note_findings(m, &findings);
	journal_findings(JOURNAL_PLAIN, LOG_NOTICE, policy_set_notes(m->set));
	return 0;
}
