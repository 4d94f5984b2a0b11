/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/eventlog.h"

#include <pthread.h>
#include <stdatomic.h>

#include "common/json.h"
#include "tests/test.h"

TEST_STRTAB(daemon_event, enum daemon_event, DAEMON_EVENT_MAX)
TEST_STRTAB(severity, enum severity, SEVERITY_MAX)

static const struct uuid web = {{1}}, mail = {{2}};

static struct eventlog_page read_page(struct eventlog *l, struct eventlog_filter f)
{
	struct eventlog_page page = {0};

	if (!f.limit)
		f.limit = 10000;
	if (eventlog_read(l, &f, &page) < 0)
		page.text = strdup("failed");
	return page;
}

/* The page as an array of objects; NULL when it is not JSON. */
static json_t *objects(const struct eventlog_page *page)
{
	_cleanup_free_ char *text = NULL;
	json_t *value = NULL;

	if (asprintf(&text, "[%s]", page->text) < 0 ||
		json_read(text, strlen(text), &value, NULL) < 0)
		return NULL;
	return value;
}

TEST(the_two_tables_of_kinds_share_one_space_of_names)
{
	for (int i = 0; i < EVENT_KIND_MAX; i++) {
		CHECK_INT(daemon_event_from_string(event_kind_to_string((enum event_kind)i)), -1);
		CHECK(eventlog_kind(event_kind_to_string((enum event_kind)i)));
	}
	CHECK(eventlog_kind("command"));
	CHECK(!eventlog_kind("nonsense"));
}

TEST(an_empty_log_reads_as_nothing)
{
	struct eventlog *l = eventlog_new("host1", "0badcafe");
	struct eventlog_page page = read_page(l, (struct eventlog_filter){0});

	CHECK_STR(page.text, "");
	CHECK(page.n == 0 && page.last == 0 && !page.lost && !page.more);
	CHECK_U64(eventlog_head(l), 0);
	free(page.text);
	eventlog_free(l);
}

TEST(an_event_is_kept_as_the_object_that_is_shown)
{
	struct eventlog *l = eventlog_new("host1", "0badcafe");
	struct reason reason = {.code = REASON_MIN, .arg = {512 * MIB}};
	struct event_number numbers[] = {{"from", 1}, {"to", UINT64_MAX}};
	struct eventlog_page page;

	CHECK_U64(eventlog_append(l, &(struct event){.kind = "command",
					     .severity = SEVERITY_INFO,
					     .time_real_usec = UINT64_C(1795334400000000),
					     .guest = &web,
					     .guest_name = "we\"b",
					     .numbers = numbers,
					     .n_numbers = 2,
					     .reason = &reason,
					     .by = "uid 0",
					     .text = "moved"}),
		1);
	page = read_page(l, (struct eventlog_filter){0});
	CHECK_STR(page.text,
		"{\"id\":\"host1:0badcafe:1\",\"seq\":1,\"time\":\"2026-11-22T08:00:00.000Z\","
		"\"kind\":\"command\",\"severity\":\"info\",\"guest\":\"we\\\"b\","
		"\"uuid\":\"01000000-0000-0000-0000-000000000000\",\"by\":\"uid 0\","
		"\"numbers\":{\"from\":1,\"to\":null},"
		"\"reason\":{\"code\":\"min\",\"text\":\"Min= gives it at least 512 "
		"MiB\"},\"text\":\"moved\"}");
	free(page.text);
	eventlog_free(l);
}

TEST(events_of_a_plan_name_their_numbers)
{
	struct eventlog *l = eventlog_new("h", "b");
	struct plan_event e = {
		.kind = EVENT_STUCK, .of_guest = true, .guest = web, .arg = {MIB, 2 * MIB}};
	struct eventlog_page page;

	eventlog_append_plan(l, &e, "web1", USEC_PER_SEC);
	page = read_page(l, (struct eventlog_filter){.kind = "stuck"});
	CHECK_CONTAINS(page.text, "\"severity\":\"warning\",\"guest\":\"web1\"");
	CHECK_CONTAINS(page.text, "\"numbers\":{\"actual\":1048576,\"target\":2097152}");
	CHECK_CONTAINS(page.text, "does not move from 1 MiB");
	free(page.text);
	for (int k = 0; k < EVENT_KIND_MAX; k++) {
		e = (struct plan_event){.kind = (enum event_kind)k};
		CHECK(eventlog_append_plan(l, &e, NULL, 1) > 0);
	}
	eventlog_free(l);
}

static void append(struct eventlog *l, const struct uuid *guest, enum daemon_event kind)
{
	eventlog_append_text(
		l, kind, SEVERITY_INFO, USEC_PER_SEC, guest, guest ? "g" : NULL, "x%d", 1);
}

TEST(filters_pages_and_the_newest)
{
	struct eventlog *l = eventlog_new("h", "b");
	struct eventlog_page page;

	for (int i = 0; i < 10; i++) {
		append(l, &web, DAEMON_EVENT_COMMAND);
		append(l, &mail, DAEMON_EVENT_CPU);
		append(l, NULL, DAEMON_EVENT_RELOAD);
	}
	CHECK_U64(eventlog_head(l), 30);

	page = read_page(l, (struct eventlog_filter){.guest = &web, .limit = 4});
	CHECK_U64(page.n, 4);
	CHECK_U64(page.last, 12); /* 1 4 7 10, and 11 and 12 are not of it */
	CHECK(page.more);
	free(page.text);
	page = read_page(l, (struct eventlog_filter){.guest = &web, .after = 12});
	CHECK_U64(page.n, 6);
	CHECK_U64(page.last, 30);
	CHECK(!page.more);
	free(page.text);
	page = read_page(l, (struct eventlog_filter){.kind = "cpu", .limit = 2, .newest = true});
	CHECK_U64(page.n, 2);
	CHECK_CONTAINS(page.text, "\"seq\":26");
	CHECK_CONTAINS(page.text, "\"seq\":29");
	free(page.text);
	page = read_page(l, (struct eventlog_filter){.kind = "cpu", .guest = &web});
	CHECK_U64(page.n, 0);
	CHECK_U64(page.last, 30);
	free(page.text);
	page = read_page(l, (struct eventlog_filter){.guest_name = "g"});
	CHECK_U64(page.n, 20);
	free(page.text);
	page = read_page(l, (struct eventlog_filter){.guest_name = "h"});
	CHECK_U64(page.n, 0);
	free(page.text);
	page = read_page(l, (struct eventlog_filter){.after = 99});
	CHECK_U64(page.n, 0);
	CHECK_U64(page.last, 30);
	free(page.text);
	eventlog_free(l);
}

TEST(the_oldest_go_when_there_are_too_many)
{
	struct eventlog *l = eventlog_new("h", "b");
	struct eventlog_page page;

	for (int i = 0; i < EVENTLOG_EVENTS + 100; i++)
		append(l, NULL, DAEMON_EVENT_RELOAD);
	page = read_page(l, (struct eventlog_filter){0});
	CHECK(page.lost);
	CHECK(page.n <= EVENTLOG_EVENTS);
	CHECK(page.n > EVENTLOG_EVENTS / 2);
	CHECK_U64(page.last, EVENTLOG_EVENTS + 100);
	free(page.text);
	page = read_page(l, (struct eventlog_filter){.after = EVENTLOG_EVENTS});
	CHECK(!page.lost);
	CHECK_U64(page.n, 100);
	free(page.text);
	eventlog_free(l);
}

/* Objects of all lengths wrap around many times: what is there always is a gapless run of whole
 * objects. */
TEST(the_ring_of_text_never_tears_an_object)
{
	struct eventlog *l = eventlog_new("h", "b");
	unsigned seed = 3;

	for (int i = 1; i <= 20000; i++) {
		char text[700];
		size_t n = (size_t)rand_r(&seed) % sizeof(text);

		memset(text, rand_r(&seed) % 4 ? 'a' : 1, n); /* \u0001 grows six times */
		text[n ? n - 1 : 0] = '\0';
		CHECK_INT(eventlog_append(l, &(struct event){.kind = "reload", .text = text}), i);
		if (i % 613 == 0) {
			struct eventlog_page page = read_page(l, (struct eventlog_filter){0});
			json_t *all = objects(&page);

			CHECK(all);
			CHECK_U64(json_array_size(all), page.n);
			for (size_t k = 0; k < page.n; k++)
				CHECK_INT(json_integer_value(
						  json_object_get(json_array_get(all, k), "seq")),
					(uint64_t)i - page.n + 1 + k);
			json_decref(all);
			free(page.text);
		}
	}
	eventlog_free(l);
}

TEST(an_event_never_grows_beyond_its_bound)
{
	struct eventlog *l = eventlog_new("h", "b");
	struct event_number numbers[20];
	struct eventlog_page page;
	char bad[2000];

	memset(bad, 1, sizeof(bad) - 1);
	bad[sizeof(bad) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		numbers[i] = (struct event_number){"a_number", UINT64_MAX - 1};
	eventlog_append(l, &(struct event){.kind = "reload",
				   .guest = &web,
				   .guest_name = bad,
				   .by = bad,
				   .text = bad,
				   .numbers = numbers,
				   .n_numbers = ARRAY_SIZE(numbers)});
	page = read_page(l, (struct eventlog_filter){0});
	CHECK(page.len <= 4096);
	CHECK_CONTAINS(page.text, "\"a_number\":9223372036854775807");
	free(page.text);
	eventlog_free(l);
}

TEST(a_character_cut_in_two_is_mended)
{
	struct eventlog *l = eventlog_new("h", "b");
	struct eventlog_page page;
	char text[600];
	json_t *all;

	memset(text, 'a', sizeof(text));
	strcpy(text + 511, "\xc3\xa9 tail");
	eventlog_append(l, &(struct event){.kind = "reload", .text = text});
	page = read_page(l, (struct eventlog_filter){0});
	all = objects(&page);
	CHECK(all);
	json_decref(all);
	free(page.text);
	eventlog_free(l);
}

TEST(ids_are_read_back_and_foreign_ones_are_known)
{
	struct eventlog *l = eventlog_new("a:b", "0badcafe");
	char buf[EVENTLOG_ID_MAX];
	uint64_t seq = 9;

	CHECK_STR(eventlog_format_id(l, 42, buf), "a:b:0badcafe:42");
	CHECK_INT(eventlog_parse_id(l, buf, &seq), 0);
	CHECK_U64(seq, 42);
	CHECK_INT(eventlog_parse_id(l, "17", &seq), 0);
	CHECK_U64(seq, 17);
	CHECK_INT(eventlog_parse_id(l, "a:b:00000000:42", &seq), 1);
	CHECK_U64(seq, 0);
	CHECK_INT(eventlog_parse_id(l, "", &seq), -EINVAL);
	CHECK_INT(eventlog_parse_id(l, "x", &seq), -EINVAL);
	CHECK_INT(eventlog_parse_id(l, "-1", &seq), -EINVAL);
	CHECK_INT(eventlog_parse_id(l, "1x", &seq), -EINVAL);
	CHECK_INT(eventlog_parse_id(l, "a:b:0badcafe:", &seq), -EINVAL);
	CHECK_INT(eventlog_parse_id(l, "99999999999999999999", &seq), -EINVAL);
	CHECK_INT(eventlog_parse_id(l, "18446744073709551615", &seq), -EINVAL);
	eventlog_free(l);
}

static const char *after_of(struct eventlog *l, const char *id, char text[static 24])
{
	uint64_t seq = 0;
	int r = eventlog_find(l, id, &seq);

	if (r < 0)
		return r == -ENOENT ? "not here" : r == -ENXIO ? "not yet" : "no id";
	snprintf(text, 24, "%llu", (unsigned long long)seq);
	return text;
}

/* Two runs were before: one told up to 41, of which some are here; the other was killed. */
TEST(numbers_go_on_rising_over_restarts)
{
	_cleanup_(eventlog_freep) struct eventlog *l = eventlog_new("h", "c");
	static const int before[] = {39, 40, 41, 42, 43};
	struct eventlog_page page;
	char text[160], buf[24], id[EVENTLOG_ID_MAX];

	CHECK(l);
	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		snprintf(text, sizeof(text), "{\"id\":\"h:%s:%d\",\"seq\":%d,\"kind\":\"reload\"}",
			before[i] < 42 ? "a" : "b", before[i], before[i]);
		CHECK(eventlog_recall(l, text));
	}
	CHECK_INT(eventlog_go_on(l, 3), -EINVAL);
	CHECK_INT(eventlog_go_on(l, 1001), 0);
	CHECK_INT(eventlog_go_on(l, 2001), -EALREADY);
	append(l, NULL, DAEMON_EVENT_RELOAD);
	append(l, NULL, DAEMON_EVENT_MODE);
	CHECK_U64(eventlog_head(l), 1002);
	page = read_page(l, (struct eventlog_filter){.limit = 100});
	CHECK_U64(page.n, 7);
	CHECK_CONTAINS(page.text, "\"id\":\"h:a:39\"");
	CHECK_CONTAINS(page.text, "\"id\":\"h:c:1001\",\"seq\":1001");
	CHECK_STR(page.last_id, "h:c:1002");
	free(page.text);
	/* A number alone is one event's, of whatever run. */
	CHECK_STR(after_of(l, "1001", buf), "1001");
	CHECK_STR(after_of(l, "1003", buf), "not yet");
	CHECK_STR(after_of(l, "41", buf), after_of(l, "h:a:41", id));
	CHECK_STR(after_of(l, "43", buf), "1000");
	CHECK_STR(after_of(l, "42", buf), "999");
	CHECK_STR(after_of(l, "50", buf), "1000"); /* told, and never written */
	CHECK_STR(after_of(l, "38", buf), "995");
	CHECK_STR(after_of(l, "37", buf), "not here");
	CHECK_STR(after_of(l, "h:b:43", buf), "1000");
	/* For the disk. */
	CHECK_STR(eventlog_whole_id(l, "1001", id), "h:c:1001");
	CHECK_STR(eventlog_whole_id(l, "41", id), "41");
	CHECK_STR(eventlog_whole_id(l, "h:a:41", id), "h:a:41");
	CHECK_STR(eventlog_whole_id(l, "x", id), "x");
}

struct reading {
	struct eventlog *log;
	atomic_bool stop;
	int bad;
};

static void *follow(void *arg)
{
	struct reading *r = arg;
	uint64_t after = 0;

	while (!atomic_load(&r->stop)) {
		struct eventlog_page page =
			read_page(r->log, (struct eventlog_filter){.after = after, .limit = 50});
		json_t *all = objects(&page);

		/* Gapless: what is lost is said. */
		if (!all || json_array_size(all) != page.n ||
			(!page.lost && page.last != after + page.n) || page.last < after)
			r->bad++;
		json_decref(all);
		free(page.text);
		after = page.last;
	}
	return NULL;
}

TEST(a_follower_sees_all_or_is_told)
{
	struct reading r = {.log = eventlog_new("h", "b")};
	pthread_t thread;

	CHECK_INT(pthread_create(&thread, NULL, follow, &r), 0);
	for (int i = 0; i < 20000; i++)
		append(r.log, &web, DAEMON_EVENT_COMMAND);
	atomic_store(&r.stop, true);
	pthread_join(thread, NULL);
	CHECK_INT(r.bad, 0);
	eventlog_free(r.log);
}

TEST(what_an_earlier_run_wrote_is_found_again_as_it_was)
{
	_cleanup_(eventlog_freep) struct eventlog *l = eventlog_new("h1", "0000beef");
	static const char old[] =
		"{\"id\":\"h1:0000cafe:7\",\"seq\":7,\"kind\":\"command\",\"guest\":\"web\","
		"\"uuid\":\"11110000-0000-4000-8000-000000000001\",\"text\":\"memory 1 -> 2 MiB\"}";
	struct uuid id;
	struct eventlog_filter f = {.limit = 10, .guest = &id, .kind = "command"};
	struct eventlog_page page = {0};

	CHECK(l);
	CHECK_INT(uuid_parse("11110000-0000-4000-8000-000000000001", &id), 0);
	CHECK_STR(eventlog_recall(l, old), "command");
	CHECK(!eventlog_recall(l, "{\"kind\":\"of-a-newer-version\"}"));
	CHECK(!eventlog_recall(l, "{\"kind\":\"command\",\"uuid\":\"x\"}"));
	CHECK(!eventlog_recall(l, "not JSON"));
	CHECK_INT(eventlog_read(l, &f, &page), 0);
	CHECK_STR(page.text, old);
	free(page.text);
	f.guest = NULL;
	f.guest_name = "web";
	CHECK_INT(eventlog_read(l, &f, &page), 0);
	CHECK_U64(page.n, 1);
	free(page.text);
}

TEST_MAIN()
