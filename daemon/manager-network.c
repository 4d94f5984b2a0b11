/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include <libgen.h>
#include <sys/inotify.h>

#include "daemon/network.h"
#include "daemon/polkit.h"
#include "daemon/worker.h"

/* The API's way to the outside: TCP sockets, certificates and tokens. */

/* ---- tokens ---- */

static void note_tokens(struct manager *m, const struct diag_list *findings, size_t n)
{
	_cleanup_free_ char *first = findings->n ? diag_format(&findings->items[0]) : NULL;
	bool was_bad = *m->tokens_problem;

	journal_findings(JOURNAL_ACCESS, LOG_ERR, findings);
	if (!findings->n) {
		*m->tokens_problem = '\0';
		if (was_bad)
			journal_write(JOURNAL_ACCESS, LOG_NOTICE, NULL,
				"%s is good again: %zu of its lines %s in force", m->conf.tokens, n,
				n == 1 ? "is" : "are");
		return;
	}
	snprintf(m->tokens_problem, sizeof(m->tokens_problem), "%s",
		first ? first : "out of memory");
	if (!was_bad)
		m->tokens_problem_real_usec = clock_real_usec();
}

/* What the file says now is what holds: of one that cannot be trusted, nothing. Takes tokens. */
static void take_tokens(struct manager *m, struct token_table *tokens,
	const struct diag_list *findings, bool no_memory)
{
	if (no_memory) {
		journal_error(
			"%s: out of memory; the tokens of before stay in force", m->conf.tokens);
		return;
	}
	note_tokens(m, findings, tokens ? tokens->n : 0);
	api_set_tokens(m->api, tokens);
}

static void load_tokens(struct manager *m)
{
	_cleanup_diag_list_ struct diag_list findings = {0};
	struct token_table *tokens = NULL;
	int r = network_load_tokens(&m->conf, &tokens, &findings);

	take_tokens(m, tokens, &findings, r == -ENOMEM);
}

struct tokens_job {
	struct manager *m;
	struct conf conf; /* nothing in it but where they are */
	struct token_table *tokens;
	struct diag_list findings;
	int error;
};

static void run_tokens(void *userdata)
{
	struct tokens_job *j = userdata;

	j->error = network_load_tokens(&j->conf, &j->tokens, &j->findings);
}

static void tokens_done(void *userdata, bool ran)
{
	struct tokens_job *j = userdata;

	/* Those of a file that is not the one any more are not the ones that hold. */
	if (ran && streq(j->conf.tokens, j->m->conf.tokens))
		take_tokens(j->m, TAKE_PTR(j->tokens), &j->findings, j->error == -ENOMEM);
	free(j->tokens);
	diag_list_clear(&j->findings);
	conf_clear(&j->conf);
	free(j);
}

/* An editor writes several times, and by other names. */
#define TOKENS_SETTLE_USEC (50 * USEC_PER_MSEC)

/* On the worker; here where there is none, or it has too much to do: a token that was taken out
 * must go. */
static int on_tokens_settled(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct manager *m = userdata;
	struct tokens_job *j = m->worker ? calloc(1, sizeof(*j)) : NULL;

	if (j) {
		j->m = m;
		j->conf.tokens = strdup(m->conf.tokens);
		if (j->conf.tokens && worker_submit(m->worker, run_tokens, tokens_done, j) >= 0)
			return 0;
		conf_clear(&j->conf);
		free(j);
	}
	load_tokens(m);
	return 0;
}

static int on_tokens_dir(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
	struct manager *m = userdata;
	const char *name = strrchr(m->conf.tokens, '/') + 1;

	if (event->len && !streq(event->name, name) &&
		!(event->mask & (IN_Q_OVERFLOW | IN_IGNORED)))
		return 0;
	sd_event_source_set_time_relative(m->tokens_timer, TOKENS_SETTLE_USEC);
	return sd_event_source_set_enabled(m->tokens_timer, SD_EVENT_ONESHOT);
}

/* The directory: files are replaced, not written to. */
static void watch_tokens(struct manager *m)
{
	_cleanup_free_ char *dir = strdup(m->conf.tokens);
	int r;

	m->tokens_source = sd_event_source_disable_unref(m->tokens_source);
	if (!dir)
		return;
	r = sd_event_add_inotify(m->loop, &m->tokens_source, dirname(dir),
		IN_ONLYDIR | IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
			IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF,
		on_tokens_dir, m);
	/* Without a directory there are no tokens, and a reload looks again. */
	if (r < 0 && r != -ENOENT)
		journal_warning("%s is not watched: %s; after a change: ballastctl reload",
			m->conf.tokens, strerror(-r));
}

/* ---- start and reload ---- */

static void note_tls(struct manager *m, const struct tls *tls)
{
	m->tls_expires_real_usec = tls->expires_real_usec;
	snprintf(m->tls_name, sizeof(m->tls_name), "%s", tls->name);
	memcpy(m->tls_digest, tls->digest, sizeof(m->tls_digest));
	if (tls->expires_real_usec <= clock_real_usec())
		journal_write(JOURNAL_ACCESS, LOG_ERR, NULL,
			"%s has expired: clients will refuse it; renew it, then: systemctl reload ballastd",
			tls->name);
}

int network_open(struct manager *m, struct api_config *config)
{
	_cleanup_diag_list_ struct diag_list findings = {0};
	int r = network_load_tls(&m->conf, &m->tls, &findings);

	journal_findings(JOURNAL_ACCESS, LOG_ERR, &findings);
	if (r < 0)
		return r;
	config->max_connections = (unsigned)m->conf.max_connections;
	config->max_per_client = (unsigned)m->conf.max_per_client;
	m->host_names[0] = m->host_name;
	config->host_names = m->host_names;
	return network_listen(&m->conf, config->listeners, &config->n_listeners);
}

int network_start(struct manager *m)
{
	int r = 0;

	if (m->tls) {
		r = api_set_tls(m->api, m->tls);
		note_tls(m, m->tls);
		m->tls = tls_free(m->tls);
	}
	if (r >= 0)
		r = sd_event_add_time_relative(m->loop, &m->tokens_timer, CLOCK_BOOTTIME, 0,
			USEC_PER_MSEC, on_tokens_settled, m);
	if (r >= 0)
		r = sd_event_source_set_enabled(m->tokens_timer, SD_EVENT_OFF);
	if (r < 0)
		return r;
	watch_tokens(m);
	load_tokens(m);
	return 0;
}

static void take_text(char **to, char **from)
{
	char *old = *to;

	*to = *from;
	*from = old;
}

void network_take(
	struct manager *m, struct conf *next, struct network_reading *r, struct diag_list *findings)
{
	take_text(&m->conf.certificate, &next->certificate);
	take_text(&m->conf.key, &next->key);
	take_text(&m->conf.client_authority, &next->client_authority);
	take_text(&m->conf.tokens, &next->tokens);
	if (!m->api)
		return;
	if (r->tls) {
		/* The same again needs no new server: of too many the oldest goes, with its
		 * connections. */
		if (memcmp(r->tls->digest, m->tls_digest, sizeof(r->tls->digest)) != 0 &&
			api_set_tls(m->api, r->tls) < 0) {
			_cleanup_diag_ struct diag d = {0};

			diag_set(&d, EBADMSG, r->tls->name, 0, 0,
				"the TLS library does not take this certificate with its key");
			(void)!diag_list_take(findings, &d);
		} else {
			note_tls(m, r->tls);
		}
	}
	watch_tokens(m);
	take_tokens(m, TAKE_PTR(r->tokens), &r->token_findings, r->no_memory);
	if (r->names)
		api_set_names(m->api, TAKE_PTR(r->names));
}

/* ---- names of users ---- */

struct names_job {
	struct manager *m;
	struct names *names;
};

static void run_names(void *userdata)
{
	struct names_job *j = userdata;

	j->names = names_load();
}

static void names_done(void *userdata, bool ran)
{
	_cleanup_free_ struct names_job *j = userdata;

	if (j->names)
		api_set_names(j->m->api, j->names);
}

/* Once more later, where it cannot be done now: who asks goes by his number until then. */
void names_wanted(void *userdata)
{
	struct manager *m = userdata;
	struct names_job *j = m->worker ? calloc(1, sizeof(*j)) : NULL;

	if (!j)
		return;
	j->m = m;
	if (worker_submit(m->worker, run_names, names_done, j) < 0)
		free(j);
}

/* From this long before its end it is told: certificates of public authorities are renewed 30 days
 * before theirs. */
#define CERTIFICATE_SOON_USEC (14 * USEC_PER_DAY)

size_t network_problems(
	struct manager *m, struct view_problem problems[static NETWORK_PROBLEMS_MAX])
{
	uint64_t now = clock_real_usec(), end = m->tls_expires_real_usec;
	size_t n = 0;

	if (*m->tokens_problem)
		problems[n++] = (struct view_problem){
			.code = "tokens",
			.text = m->tokens_problem,
			.remedy = "correct the file: it is watched",
			.since_real_usec = m->tokens_problem_real_usec,
		};
	if (end && end != USEC_INFINITY && end < now + CERTIFICATE_SOON_USEC) {
		unsigned long long days = (end > now ? end - now : now - end) / USEC_PER_DAY;

		snprintf(m->tls_problem, sizeof(m->tls_problem), "%s %s %llu day%s%s", m->tls_name,
			end > now ? "expires in" : "has expired", days, days == 1 ? "" : "s",
			end > now ? "" : " ago");
		problems[n++] = (struct view_problem){
			.code = "certificate",
			.text = m->tls_problem,
			.remedy = "renew it, then: systemctl reload ballastd",
		};
	}
	return n;
}

void network_stop(struct manager *m)
{
	m->polkit = polkit_free(m->polkit);
	m->tokens_source = sd_event_source_disable_unref(m->tokens_source);
	m->tokens_timer = sd_event_source_disable_unref(m->tokens_timer);
	m->tls = tls_free(m->tls);
}

void authorize(void *userdata, struct api_call *call, const struct api_authorize_request *req)
{
	struct manager *m = userdata;

	if (!m->polkit && polkit_new(m->loop, &m->polkit) < 0)
		api_call_problem(call, API_PROBLEM_DENIED, "out of memory");
	else
		polkit_ask(m->polkit, call, req);
}
