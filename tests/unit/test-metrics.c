/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The answer of /metrics, line by line and over the socket. tests/unit/test-metrics.sh has
 * Prometheus' own tools look at a real daemon's. */
#include <ctype.h>

#include "daemon/api/metric-text.h"
#include "daemon/api/response.h"
#include "daemon/api/serve.h"
#include "tests/fixture/api-test.h"

static struct http_row no_rows[128];
static struct http_stats no_stats = {.rows = no_rows};

static char *scrape_of(const struct view_input *known, bool openmetrics)
{
	struct metric_input in = {.known = known, .http = &no_stats, .openmetrics = openmetrics};
	struct json_out o = {0};

	serve_metrics(&in, &o);
	if (o.failed)
		return NULL;
	o.buf = realloc(o.buf, o.len + 1);
	o.buf[o.len] = '\0';
	return o.buf;
}

/* One guest of that name, and nothing else. */
static char *scrape_named(const char *name, bool openmetrics)
{
	struct guest_sample g = {.id = {.name = name}, .running = true, .actual_bytes = 64 * MIB};
	struct snapshot s = {.guests = &g, .n_guests = 1, .host = {.name = "host1"}};

	return scrape_of(&(struct view_input){.snapshot = &s}, openmetrics);
}

TEST_STRTAB(call_result, enum call_result, CALL_RESULT_MAX)
TEST_STRTAB(operation_state, enum operation_state, OPERATION_MAX)

TEST(every_metric_has_its_row)
{
	CHECK(n_routes < ARRAY_SIZE(no_rows));
	for (int i = 0; i < METRIC_MAX; i++) {
		const struct metric_row *m = &metric_table[i];
		size_t n = m->name ? strlen(m->name) : 0;

		CHECK(m->name && m->labels && m->help && strlen(m->help) > 10);
		CHECK(strncmp(m->name, "ballast_", 8) == 0 || strncmp(m->name, "process_", 8) == 0);
		CHECK(!strpbrk(m->help, "\\\n"));
		CHECK((m->type == METRIC_COUNTER) == (n > 6 && streq(m->name + n - 6, "_total")));
		if (m->unit == METRIC_USEC)
			CHECK_CONTAINS(m->name, "_seconds");
		if (m->unit == METRIC_PERMYRIAD)
			CHECK(streq(m->name + n - 6, "_ratio"));
		CHECK(i >= METRIC_GUEST_SINGLE_END || streq(m->labels, "domain, uuid"));
		CHECK(i < METRIC_SINGLE_BEGIN || i >= METRIC_SINGLE_END || !*m->labels);
		for (int k = 0; k < i; k++)
			CHECK(!streq(m->name, metric_table[k].name));
	}
}

TEST(the_help_of_words_names_each)
{
	for (int i = 0; guest_condition_words[i]; i++)
		CHECK_CONTAINS(metric_table[METRIC_GUEST_CONDITION].help, guest_condition_words[i]);
	for (int i = 0; i < HOST_STATE_MAX; i++)
		CHECK_CONTAINS(metric_table[METRIC_HOST_STATE].help,
			host_state_to_string((enum host_state)i));
}

static char *read_page(void)
{
	const char *srcdir = getenv("srcdir");
	char path[4096], *text = calloc(1, 1 << 18);
	FILE *f;

	snprintf(path, sizeof(path), "%s/man/ballast-metrics.7", srcdir ? srcdir : ".");
	f = fopen(path, "r");
	if (!f || !fread(text, 1, (1 << 18) - 1, f))
		printf("# %s cannot be read\n", path);
	if (f)
		fclose(f);
	return text;
}

/* The name of the entry at this line of the page, or NULL. */
static const char *entry_name(const char *line, char buf[static 128])
{
	size_t n;

	if (strncmp(line, ".BR ballast_", 12) != 0 && strncmp(line, ".BR process_", 12) != 0)
		return NULL;
	n = MIN(strcspn(line + 4, " "), (size_t)127);
	memcpy(buf, line + 4, n);
	buf[n] = '\0';
	return buf;
}

TEST(the_page_lists_every_metric_with_its_type_and_labels_and_no_other)
{
	static const char *const types[] = {"gauge", "counter", "histogram"};
	_cleanup_free_ char *page = read_page();
	int n = 0;

	for (int i = 0; i < METRIC_MAX; i++) {
		const struct metric_row *m = &metric_table[i];
		char entry[512];

		snprintf(entry, sizeof(entry), "\n.BR %s \" (%s%s%s)\"\n", m->name, types[m->type],
			*m->labels ? "; " : "", m->labels);
		CHECK_CONTAINS(page, entry);
	}
	for (const char *line = page; line; line = strchr(line, '\n'), line += line != NULL) {
		char name[128];

		n += entry_name(line, name) != NULL;
	}
	CHECK_INT(n, METRIC_MAX);
}

TEST(names_of_guests_cannot_break_out_of_their_label)
{
	_cleanup_free_ char *quoted = scrape_named("a\"} 1\nb\\", false),
			    *bytes = scrape_named("x\xff\xc3(\xed\xa0\x80y", false);

	CHECK_CONTAINS(quoted,
		"ballast_guest_running{domain=\"a\\\"} 1\\nb\\\\\",uuid=\"00000000-0000-0000-0000-000000000000\"} 1\n");
	CHECK_CONTAINS(bytes,
		"{domain=\"x\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdy\",");
}

TEST(a_name_of_any_length_leaves_the_text_whole)
{
	static char name[8192];
	_cleanup_free_ char *text = NULL;

	memset(name, '"', sizeof(name) - 1);
	text = scrape_named(name, false);
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		const char *end = strchr(line, '\n'),
			   *space = memrchr(line, ' ', (size_t)(end - line));

		CHECK(end);
		CHECK(*line == '#' || (space && isdigit((unsigned char)space[1])));
		CHECK(*line == '#' || strncmp(line, "ballast_guest_", 14) != 0 ||
			(space[-1] == '}' && space[-2] == '"'));
	}
}

TEST(what_is_not_known_has_no_sample)
{
	_cleanup_free_ char *text = scrape_named("g", false);

	CHECK_CONTAINS(text, "# TYPE ballast_guest_memory_used_bytes gauge\n");
	CHECK(!strstr(text, "ballast_guest_memory_used_bytes{"));
	CHECK(!strstr(text, "ballast_guest_oom_kills_total{"));
	CHECK(!strstr(text, "\nballast_host_memory_budget_bytes "));
	CHECK(!strstr(text, "18446744073709551615"));
}

TEST(openmetrics_names_families_of_counters_without_total_and_has_an_end)
{
	_cleanup_free_ char *text = scrape_named("g", true), *plain = scrape_named("g", false);

	CHECK_CONTAINS(text, "# TYPE ballast_guest_oom_kills counter\n");
	CHECK_CONTAINS(text, "\nballast_http_connections_accepted_total 0\n");
	CHECK_STR(text + strlen(text) - 6, "# EOF\n");
	CHECK_CONTAINS(plain, "# TYPE ballast_guest_oom_kills_total counter\n");
	CHECK(!strstr(plain, "# EOF"));
}

TEST(values_are_written_in_base_units)
{
	struct guest_sample g = {.id = {.name = "g"},
		.vcpu_sample_usec = 1,
		.vcpu_time_usec = 81000001,
		.vcpu_delay_usec = 1500000,
		.cpu_quota = 15000};
	struct snapshot s = {.guests = &g, .n_guests = 1};
	struct view_input k = {.snapshot = &s,
		.has_cpu = true,
		.cpu_busy_permyriad = 5,
		.cpu_steal_permyriad = 10000};
	_cleanup_free_ char *text = scrape_of(&k, false);

	CHECK_CONTAINS(text,
		"vcpu_time_seconds_total{domain=\"g\",uuid=\"00000000-0000-0000-0000-000000000000\"} 81.000001\n");
	CHECK_CONTAINS(text,
		"vcpu_delay_seconds_total{domain=\"g\",uuid=\"00000000-0000-0000-0000-000000000000\"} 1.5\n");
	CHECK_CONTAINS(text,
		"cpu_quota_ratio{domain=\"g\",uuid=\"00000000-0000-0000-0000-000000000000\"} 1.5\n");
	CHECK_CONTAINS(text, "\nballast_host_cpu_busy_ratio 0.0005\n");
	CHECK_CONTAINS(text, "\nballast_host_cpu_steal_ratio 1\n");
}

TEST(the_state_file_and_operations_are_told)
{
	struct counters c = {.store_there = true,
		.store_bytes = 1000,
		.store_max_bytes = 5000,
		.store_oldest_sec = 1795334400,
		.operations_running = 2,
		.operations = {[OPERATION_DONE] = 7, [OPERATION_FAILED] = 1}};
	struct snapshot s = {.n_guests = 0};
	struct view_input k = {.snapshot = &s, .counters = &c};
	_cleanup_free_ char *text = scrape_of(&k, false), *none = NULL;

	CHECK_CONTAINS(text, "\nballast_store_size_bytes 1000\n");
	CHECK_CONTAINS(text, "\nballast_store_limit_bytes 5000\n");
	CHECK_CONTAINS(text, "\nballast_store_history_oldest_time_seconds 1795334400\n");
	CHECK_CONTAINS(text, "\nballast_operations_running 2\n");
	CHECK_CONTAINS(text, "\nballast_operations_total{outcome=\"done\"} 7\n");
	CHECK_CONTAINS(text, "\nballast_operations_total{outcome=\"failed\"} 1\n");
	CHECK_CONTAINS(text, "\nballast_operations_total{outcome=\"cancelled\"} 0\n");
	CHECK(!strstr(text, "outcome=\"running\""));
	c.store_oldest_sec = c.store_bytes = 0;
	none = scrape_of(&k, false);
	CHECK(!strstr(none, "\nballast_store_size_bytes "));
	CHECK(!strstr(none, "\nballast_store_history_oldest_time_seconds "));
}

TEST(a_histogram_counts_up_to_each_bound)
{
	struct histogram h = {0};
	struct metric_text t = {0};

	histogram_add(&h, 100);
	histogram_add(&h, 101);
	histogram_add(&h, 2500000);
	histogram_add(&h, UINT32_MAX);
	CHECK_U64(histogram_count(&h), 4);
	metric_histogram(&t, METRIC_HTTP_TIME, "{route=\"guest\"", &h);
	t.buf = realloc(t.buf, t.len + 1);
	t.buf[t.len] = '\0';
	CHECK_CONTAINS(t.buf, "_bucket{route=\"guest\",le=\"0.0001\"} 1\n");
	CHECK_CONTAINS(t.buf, "_bucket{route=\"guest\",le=\"0.00025\"} 2\n");
	CHECK_CONTAINS(t.buf, "_bucket{route=\"guest\",le=\"0.5\"} 2\n");
	CHECK_CONTAINS(t.buf, "_bucket{route=\"guest\",le=\"2.5\"} 3\n");
	CHECK_CONTAINS(t.buf, "_bucket{route=\"guest\",le=\"10.0\"} 3\n");
	CHECK_CONTAINS(t.buf, "_bucket{route=\"guest\",le=\"+Inf\"} 4\n");
	CHECK_CONTAINS(t.buf, "_count{route=\"guest\"} 4\n");
	CHECK_CONTAINS(t.buf, "_sum{route=\"guest\"} 4297.467496\n");
	free(t.buf);
}

TEST(who_names_a_type_gets_it_unless_it_weighs_nothing)
{
	CHECK(accept_names("text/html, a/b;v=1;q=0.5", "a/b"));
	CHECK(accept_names("A/B", "a/b"));
	CHECK(accept_names("a/b; q=0.001", "a/b"));
	CHECK(!accept_names("a/b;q=0", "a/b"));
	CHECK(!accept_names("a/b; v=1; q=0.000, */*", "a/b"));
	CHECK(!accept_names("a/bc", "a/b"));
	CHECK(!accept_names("*/*", "a/b"));
	CHECK(!accept_names(NULL, "a/b"));
}

TEST(the_answer_has_its_type_and_what_is_known)
{
	_cleanup_reply_ struct reply text = {0}, open = {0};

	start(NULL);
	text = ask("GET", "/metrics", NULL);
	CHECK_INT(text.status, 200);
	CHECK_STR(text.content_type, METRIC_CONTENT_TYPE_TEXT);
	CHECK_CONTAINS(text.body,
		"\nballast_guest_memory_actual_bytes{domain=\"web1\",uuid=\"11110000-0000-0000-0000-000000000001\"} 1073741824\n");
	CHECK_CONTAINS(text.body,
		"\nballast_guest_condition{domain=\"web1\",uuid=\"11110000-0000-0000-0000-000000000001\",condition=\"pressed\"} 1\n");
	CHECK_CONTAINS(text.body,
		"\nballast_guest_info{domain=\"old1\",uuid=\"11110000-0000-0000-0000-000000000004\",host=\"host1\",source=\"none\",fixed=\"no-balloon\",net=\"\"} 1\n");
	CHECK_CONTAINS(text.body, "\nballast_host_state{state=\"short\"} 1\n");
	CHECK_CONTAINS(text.body, "\nballast_problem{code=\"policy-bad\"} 1\n");
	CHECK_CONTAINS(text.body, "\nballast_policy_open{policy=\"50-day.policy\"} 0\n");
	CHECK(!strstr(text.body, "gotcha")); /* what a guest calls its system */
	client_request(socket_path, "GET", "/metrics", NULL,
		"Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5", &open);
	CHECK_STR(open.content_type, METRIC_CONTENT_TYPE_OPENMETRICS);
	CHECK_CONTAINS(open.body, "# EOF\n");
	stop();
}

/* As long as the view is the same one: 50 ms. */
TEST(it_is_made_once_for_a_view)
{
	bool unchanged = false;

	start(NULL);
	for (int i = 0; i < 100 && !unchanged; i++) {
		_cleanup_reply_ struct reply first = ask("GET", "/metrics", NULL), second = {0};
		char header[96];

		snprintf(header, sizeof(header), "If-None-Match: %s", first.etag);
		client_request(socket_path, "GET", "/metrics", NULL, header, &second);
		unchanged = second.status == 304;
	}
	CHECK(unchanged);
	stop();
}

/* A scraper sees by its age that the main loop hangs, not by an error. */
TEST(a_main_loop_that_hangs_shows_in_the_age_of_the_view)
{
	_cleanup_reply_ struct reply fresh = {0}, old = {0};
	const char *at;

	start(NULL);
	fresh = ask("GET", "/metrics", NULL);
	CHECK_CONTAINS(fresh.body, "\nballast_view_age_seconds 0");
	fake_daemon_freeze(fake, true);
	/* The view is taken as fresh for 50 ms. */
	for (at = NULL; !at || strtod(at, NULL) < 1;) {
		reply_clear(&old);
		old = ask("GET", "/metrics", NULL);
		CHECK_INT(old.status, 200);
		at = strstr(old.body, "\nballast_view_age_seconds ");
		CHECK(at);
		at += strlen("\nballast_view_age_seconds ");
	}
	fake_daemon_freeze(fake, false);
	stop();
}

TEST(requests_are_counted_by_route_and_status)
{
	_cleanup_reply_ struct reply r = {0};

	start(NULL);
	for (int i = 0; i < 3; i++) {
		_cleanup_reply_ struct reply one = ask("GET", "/v1/guests/web1", NULL);
	}
	for (int i = 0; i < 2; i++) {
		_cleanup_reply_ struct reply none = ask("GET", "/v1/guests/nobody", NULL);
		_cleanup_reply_ struct reply nowhere = ask("GET", "/nowhere", NULL);
	}
	r = ask("GET", "/metrics", NULL);
	CHECK_CONTAINS(r.body, "\nballast_http_requests_total{route=\"guest\",code=\"200\"} 3\n");
	CHECK_CONTAINS(r.body, "\nballast_http_requests_total{route=\"guest\",code=\"404\"} 2\n");
	CHECK_CONTAINS(r.body, "\nballast_http_requests_total{route=\"none\",code=\"404\"} 2\n");
	CHECK_CONTAINS(
		r.body, "\nballast_http_request_duration_seconds_count{route=\"guest\"} 5\n");
	CHECK(!strstr(r.body, "{route=\"plan\""));
	CHECK_CONTAINS(r.body, "\nballast_http_problems_total{problem=\"guest-unknown\"} 2\n");
	CHECK_CONTAINS(r.body, "\nballast_http_problems_total{problem=\"route-unknown\"} 2\n");
	CHECK_CONTAINS(r.body, "\nballast_http_problems_total{problem=\"unauthenticated\"} 0\n");
	CHECK_CONTAINS(r.body, "\nballast_http_problems_total{problem=\"too-many-requests\"} 0\n");
	stop();
}

API_TEST_MAIN()
