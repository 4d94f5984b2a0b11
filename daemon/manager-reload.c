/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include <stdarg.h>

#include "daemon/sys/notify.h"
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

/* One reading of configuration and policies. */
struct reading {
	struct diag_list findings;
	const char *restart[CONF_KEYS]; /* keys whose new value takes effect at a restart */
	size_t n_restart;
};

static void reading_clear(struct reading *rd)
{
	diag_list_clear(&rd->findings);
}
#define _cleanup_reading_ _cleanup_(reading_clear)

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
	m->policy_loads++;
}

int policies_load(struct manager *m, struct diag_list *findings)
{
	struct policy_dirs dirs = {.dirs = (const char *const *)m->conf.policy_dirs};
	struct policy_set *set = NULL;
	int r = policy_set_load(&dirs, m->set, &set, findings);

	if (r < 0)
		return r;
	set_put(m, set);
	return r;
}

/* "Uri= and Socket= have changed: they take effect when ballastd is restarted" behind what buf has;
 * nothing where there are none. */
static void add_restart(char *buf, size_t size, const struct reading *rd)
{
	size_t n = rd->n_restart;

	for (size_t i = 0; i < n; i++)
		add(buf, size, "%s%s=", !i ? "" : i + 1 < n ? ", " : " and ", rd->restart[i]);
	if (n)
		add(buf, size,
			n == 1 ? " has changed: it takes effect when ballastd is restarted"
			       : " have changed: they take effect when ballastd is restarted");
}

/* Takes over what a reload can; says what it cannot. */
static int conf_reload(struct manager *m, struct reading *rd)
{
	_cleanup_conf_ struct conf next = {0};
	int r = conf_load(m->conf_path, m->conf_must_exist, &next, &rd->findings);
	char text[512] = "";

	if (r < 0)
		return r;
	rd->n_restart = conf_needs_restart(&m->conf, &next, rd->restart);
	add_restart(text, sizeof(text), rd);
	if (*text)
		journal_warning("%s", text);
	m->conf.heartbeat_usec = next.heartbeat_usec;
	m->conf.stall_usec = next.stall_usec;
	m->conf.change_permyriad = next.change_permyriad;
	agent_configure_all(m);
	network_reload(m, &next, &rd->findings);
	return 0;
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

void reload_policies(struct manager *m, struct diag_list *findings)
{
	_cleanup_free_ char *cgroup = cgroup_of(m);
	int r = policies_load(m, findings);

	if (r < 0)
		journal_error("cannot read policies: %s; everything stays as it is", strerror(-r));
	follow(m, cgroup, findings);
}

static void reload(struct manager *m, struct reading *rd, const char *by)
{
	struct diag_list *findings = &rd->findings;
	_cleanup_free_ char *cgroup = cgroup_of(m);
	int r, e;

	e = conf_reload(m, rd);
	r = policies_load(m, findings);
	if (r < 0 || (e < 0 && e != -EBADMSG && e != -ENOENT))
		journal_error(
			"cannot reload: %s; everything stays as it is", strerror(r < 0 ? -r : -e));
	follow(m, cgroup, findings);
	tell_reload(m, findings, by);
	tell_status(m);
}

void manager_reload(struct manager *m)
{
	_cleanup_reading_ struct reading rd = {0};

	notify_reloading();
	reload(m, &rd, NULL);
	notify_ready("reloaded");
	tell_status(m);
}

/* Reads all and takes over nothing. Returns a new reference to the set that would be in force. */
static struct policy_set *reload_try(struct manager *m, struct reading *rd)
{
	struct policy_dirs dirs = {.dirs = (const char *const *)m->conf.policy_dirs};
	_cleanup_conf_ struct conf next = {0};
	struct policy_set *set = NULL;

	if (conf_load(m->conf_path, m->conf_must_exist, &next, &rd->findings) >= 0) {
		rd->n_restart = conf_needs_restart(&m->conf, &next, rd->restart);
		network_reload_try(m, &next, &rd->findings);
	}
	if (policy_set_load(&dirs, m->set, &set, &rd->findings) < 0)
		set = policy_set_ref(m->set);
	return set;
}

void reload_call(void *userdata, struct api_call *call)
{
	struct manager *m = userdata;
	_cleanup_policy_set_ struct policy_set *set = NULL;
	_cleanup_reading_ struct reading rd = {0};
	bool would = api_call_dry_run(call);
	char text[512];

	if (would) {
		set = reload_try(m, &rd);
	} else {
		reload(m, &rd, api_call_by(call));
		set = policy_set_ref(m->set);
	}
	if (!rd.findings.n) {
		api_call_reply(
			call, 200, api_reload_json(set, &rd.findings, rd.restart, rd.n_restart));
		return;
	}
	bad_format(&rd.findings, set, would, text, sizeof(text));
	if (!would)
		add(text, sizeof(text), "; everything else was taken over");
	if (rd.n_restart)
		add(text, sizeof(text), "; ");
	add_restart(text, sizeof(text), &rd);
	api_call_problem_with(call, API_PROBLEM_CONFIGURATION_BAD,
		json_pack("{s:o,s:o}", "findings", api_findings_json(&rd.findings),
			"restart_needed", api_words_json(rd.restart, rd.n_restart)),
		"%s", text);
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
