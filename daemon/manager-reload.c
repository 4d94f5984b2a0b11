/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include "daemon/sys/notify.h"
#include "policy/policy-set.h"

/* Reading configuration and policies, again and again. What is bad never takes effect and never takes the good down with it: loudly. */

static size_t count_files(const struct diag_list *findings)
{
	size_t n = 0;

	for (size_t i = 0; i < findings->n; i++) {
		size_t k = 0;

		while (k < i && !(findings->items[i].file && findings->items[k].file &&
					streq(findings->items[i].file, findings->items[k].file)))
			k++;
		n += k == i;
	}
	return n;
}

/* What the status line and the API's problems say until it is good again. */
static void note_findings(struct manager *m, const struct diag_list *findings)
{
	m->policy_bad = count_files(findings);
	if (!findings->n) {
		m->policy_problem_real_usec = 0;
		return;
	}
	if (!m->policy_problem_real_usec)
		m->policy_problem_real_usec = clock_real_usec();
	{
		_cleanup_free_ char *first = diag_format(&findings->items[0]);

		snprintf(m->policy_problem, sizeof(m->policy_problem),
			"%zu configuration file%s bad, last good version%s in force: %s", m->policy_bad,
			m->policy_bad == 1 ? " is" : "s are", m->policy_bad == 1 ? "" : "s",
			first ? first : "out of memory");
	}
}

int policies_load(struct manager *m, struct diag_list *findings)
{
	struct policy_dirs dirs = {.dirs = (const char *const *)m->conf.policy_dirs};
	struct policy_set *set = NULL;
	int r = policy_set_load(&dirs, m->set, &set, findings);

	if (r < 0)
		return r;
	policy_set_unref(m->set);
	m->set = set;
	return r;
}

/* Takes over what a reload can; says what it cannot. */
static int conf_reload(struct manager *m, struct diag_list *findings)
{
	_cleanup_conf_ struct conf next = {0};
	const char *restart;
	int r = conf_load(m->conf_path, m->conf_must_exist, &next, findings);

	if (r < 0)
		return r;
	restart = conf_needs_restart(&m->conf, &next);
	if (restart)
		journal_warning("%s= has changed: it takes effect when ballastd is restarted", restart);
	m->conf.heartbeat_usec = next.heartbeat_usec;
	m->conf.stall_usec = next.stall_usec;
	m->conf.change_permyriad = next.change_permyriad;
	agent_configure_all(m);
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

static void reload(struct manager *m, struct diag_list *findings, const char *by)
{
	_cleanup_free_ char *cgroup = NULL;
	const char *before = policy_set_host(m->set)->memory_cgroup, *after;
	int r, e;

	/* The old set, and this string in it, may go. */
	cgroup = before ? strdup(before) : NULL;
	e = conf_reload(m, findings);
	r = policies_load(m, findings);
	if (r < 0 || (e < 0 && e != -EBADMSG && e != -ENOENT))
		journal_error("cannot reload: %s; everything stays as it is", strerror(r < 0 ? -r : -e));
	after = policy_set_host(m->set)->memory_cgroup;
	if (!cgroup != !after || (after && !streq(cgroup, after)))
		(void)!sample_open_host(m);
	note_findings(m, findings);
	tell_reload(m, findings, by);
	sample_host(m, true);
	decide_soon(m);
	tell_status(m);
}

void manager_reload(struct manager *m)
{
	_cleanup_diag_list_ struct diag_list findings = {0};

	notify_reloading();
	reload(m, &findings, NULL);
	notify_ready("reloaded");
	tell_status(m);
}

void reload_call(void *userdata, struct api_call *call)
{
	struct manager *m = userdata;
	_cleanup_diag_list_ struct diag_list findings = {0};

	if (api_call_dry_run(call)) {
		struct policy_dirs dirs = {.dirs = (const char *const *)m->conf.policy_dirs};
		_cleanup_policy_set_ struct policy_set *set = NULL;
		_cleanup_conf_ struct conf conf = {0};

		(void)!conf_load(m->conf_path, m->conf_must_exist, &conf, &findings);
		if (policy_set_load(&dirs, m->set, &set, &findings) < 0)
			set = policy_set_ref(m->set);
		if (!findings.n) {
			api_call_reply(call, 200, api_reload_json(set, &findings));
			return;
		}
	} else {
		reload(m, &findings, api_call_by(call));
		if (!findings.n) {
			api_call_reply(call, 200, api_reload_json(m->set, &findings));
			return;
		}
	}
	{
		json_t *more = json_pack("{s:o}", "findings", api_findings_json(&findings));

		api_call_problem_with(call, API_PROBLEM_CONFIGURATION_BAD, more,
			"%zu file%s bad; %s", count_files(&findings),
			count_files(&findings) == 1 ? " is" : "s are",
			api_call_dry_run(call) ? "its last good version would stay in force" :
						 "the last good version stays in force, everything else was taken over");
	}
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
