/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The whole of hv/ against libvirt's own test driver: real library, real event loop, real threads,
 * no QEMU. */
#include "daemon/hv/hv.h"

#include <dlfcn.h>
#include <libvirt/libvirt.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "tests/test.h"

#define WAIT_MSEC 20000

/* What the callbacks saw. */
struct seen {
	unsigned connected, synced, down, down_lost, appeared, changed, gone, done, trouble;
	unsigned what;
	uint64_t generation;
	char version[32];
	enum hv_gone why;
	const struct hv_guest *guest;
	struct hv_result result;
	struct hv_balloon balloon;
	char text[256];
};

static void on_connected(void *data, uint64_t generation, const char *version)
{
	struct seen *s = data;

	s->connected++;
	s->generation = generation;
	snprintf(s->version, sizeof(s->version), "%s", version);
}
static void on_synced(void *data, uint64_t generation)
{
	struct seen *s = data;

	s->synced += s->generation == generation;
}
static void on_disconnected(void *data, const struct hv_down *down)
{
	struct seen *s = data;

	s->down++;
	s->down_lost += down->lost;
	snprintf(s->text, sizeof(s->text), "%s", down->reason);
}
static void on_appeared(void *data, const struct hv_guest *g)
{
	struct seen *s = data;

	s->appeared++;
	hv_guest_unref(s->guest);
	s->guest = hv_guest_ref(g);
}
static void on_changed(void *data, const struct hv_guest *g, unsigned what)
{
	struct seen *s = data;

	s->changed++;
	s->what = what;
	hv_guest_unref(s->guest);
	s->guest = hv_guest_ref(g);
}
static void on_gone(void *data, const struct uuid *guest, enum hv_gone why)
{
	struct seen *s = data;

	(void)guest;
	s->gone++;
	s->why = why;
}
static void on_guest(void *data, const struct uuid *guest)
{
	(void)data;
	(void)guest;
}
static void on_balloon(void *data, const struct uuid *guest, uint64_t actual_bytes)
{
	(void)data;
	(void)guest;
	(void)actual_bytes;
}
static void on_job_ended(void *data, const struct uuid *guest, bool completed)
{
	(void)data;
	(void)guest;
	(void)completed;
}
static void on_quarantined(void *data, const struct hv_overdue *o)
{
	(void)data;
	(void)o;
}
static void on_recovered(void *data, const struct uuid *guest, const struct hv_balloon *b)
{
	(void)data;
	(void)guest;
	(void)b;
}
static void on_trouble(void *data, const struct uuid *guest, const char *text)
{
	struct seen *s = data;

	(void)guest;
	s->trouble++;
	snprintf(s->text, sizeof(s->text), "%s", text);
}
static void on_done(void *data, const struct hv_result *r)
{
	struct seen *s = data;

	s->done++;
	s->result = *r;
	if (r->n_balloons > 0)
		s->balloon = r->balloons[0];
	snprintf(s->text, sizeof(s->text), "%s", r->text);
}

static const struct hv_ops ops = {
	.connected = on_connected,
	.synced = on_synced,
	.disconnected = on_disconnected,
	.guest_appeared = on_appeared,
	.guest_changed = on_changed,
	.guest_gone = on_gone,
	.guest_reset = on_guest,
	.balloon_changed = on_balloon,
	.job_started = on_guest,
	.job_ended = on_job_ended,
	.guest_quarantined = on_quarantined,
	.guest_recovered = on_recovered,
	.trouble = on_trouble,
	.call_done = on_done,
};

/* Turns the loop until *counter has reached want. */
static bool wait_for(struct hv *hv, const unsigned *counter, unsigned want)
{
	struct pollfd pfd = {.fd = hv_fd(hv), .events = POLLIN};
	struct timespec from, now;

	clock_gettime(CLOCK_MONOTONIC, &from);
	while (*counter < want) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if ((now.tv_sec - from.tv_sec) * 1000 > WAIT_MSEC || poll(&pfd, 1, WAIT_MSEC) <= 0)
			return false;
		hv_dispatch(hv, 3);
	}
	return true;
}

static struct hv *start(const char *uri, struct seen *s)
{
	struct hv_config config = {.uri = uri};
	struct hv *hv = NULL;

	memset(s, 0, sizeof(*s));
	if (hv_new(&config, &ops, s, &hv) < 0 || hv_start(hv) < 0)
		return hv_free(hv);
	return hv;
}

static void end(struct hv **hv)
{
	if (*hv)
		hv_stop(*hv, 5 * USEC_PER_SEC);
	hv_free(*hv);
}
#define _cleanup_end_ _cleanup_(end)

static void seen_clear(struct seen *s)
{
	hv_guest_unref(s->guest);
}
#define _cleanup_seen_ _cleanup_(seen_clear)

/* One call, to its end. */
static bool call(struct hv *hv, struct seen *s, const struct hv_request *req)
{
	uint64_t id = 0;
	int r = hv_submit(hv, req, &id);

	if (r < 0) {
		printf("# submit: %d\n", r);
		return false;
	}
	return wait_for(hv, &s->done, s->done + 1) && s->result.id == id;
}

TEST(connects_lists_and_says_when_it_has_all)
{
	_cleanup_seen_ struct seen s;
	_cleanup_end_ struct hv *hv = start("test:///default", &s);
	char version[32];

	CHECK(hv);
	CHECK(wait_for(hv, &s.synced, 1));
	CHECK_INT(s.connected, 1);
	CHECK_U64(s.generation, 1);
	/* The test driver is in our own library. */
	snprintf(version, sizeof(version), "%d.%d.%d", LIBVIR_VERSION_NUMBER / 1000000,
		LIBVIR_VERSION_NUMBER / 1000 % 1000, LIBVIR_VERSION_NUMBER % 1000);
	CHECK_STR(s.version, version);
	CHECK_INT(s.appeared, 1);
	CHECK_STR(s.guest->name, "test");
	CHECK_U64(s.guest->max_bytes, 8 * GIB);
	CHECK_U64(s.guest->actual_bytes, 2 * GIB);
	CHECK_INT(s.guest->vcpus, 2);
	CHECK_INT(s.guest->pid, 0);
	CHECK(s.guest->running);
	CHECK(s.guest->persistent);
	CHECK_INT(s.guest->channel, HV_CHANNEL_NONE);
}

TEST(sets_memory_and_reads_it_back)
{
	_cleanup_seen_ struct seen s;
	_cleanup_end_ struct hv *hv = start("test:///default", &s);
	struct hv_counters c;
	int cookie;

	CHECK(hv && wait_for(hv, &s.synced, 1));
	CHECK(call(hv, &s,
		&(struct hv_request){.call = HV_CALL_SET_MEMORY,
			.guest = s.guest->uuid,
			.bytes = 3 * GIB,
			.cookie = &cookie}));
	CHECK_STR(s.text, "");
	CHECK_INT(s.result.error, 0);
	CHECK_INT(s.result.call, HV_CALL_SET_MEMORY);
	CHECK_U64(s.result.bytes, 3 * GIB);
	CHECK(s.result.cookie == &cookie);
	CHECK(s.result.started_usec > 0 && s.result.ended_usec >= s.result.started_usec);
	CHECK(call(hv, &s,
		&(struct hv_request){.call = HV_CALL_READ_BALLOON, .guest = s.guest->uuid}));
	CHECK_INT(s.result.error, 0);
	CHECK_INT(s.result.n_balloons, 1);
	CHECK(uuid_equal(&s.balloon.guest, &s.guest->uuid));
	CHECK(s.balloon.has & HV_HAS_ACTUAL);
	CHECK_U64(s.balloon.actual_bytes, 3 * GIB);
	hv_counters(hv, &c);
	CHECK_U64(c.calls[HV_CALL_SET_MEMORY], 1);
	CHECK_U64(c.calls[HV_CALL_READ_BALLOON], 1);
	CHECK_U64(c.mutating, 1);
}

TEST(looking_alone_changes_nothing)
{
	_cleanup_seen_ struct seen s;
	_cleanup_end_ struct hv *hv = start("test:///default", &s);
	struct hv_counters c;

	CHECK(hv && wait_for(hv, &s.synced, 1));
	CHECK(call(hv, &s,
		&(struct hv_request){.call = HV_CALL_READ_BALLOON, .guest = s.guest->uuid}));
	CHECK(call(hv, &s, &(struct hv_request){.call = HV_CALL_GET_CPU, .guest = s.guest->uuid}));
	CHECK(call(hv, &s, &(struct hv_request){.call = HV_CALL_JOB_INFO, .guest = s.guest->uuid}));
	CHECK(!s.result.job.running);
	hv_counters(hv, &c);
	CHECK_U64(c.mutating, 0);
	CHECK_U64(c.calls[HV_CALL_LIST], 1);
	CHECK_U64(c.calls[HV_CALL_GET_XML], 1);
}

TEST(life_cycle_is_followed)
{
	_cleanup_seen_ struct seen s;
	_cleanup_end_ struct hv *hv = start("test:///default", &s);
	virConnectPtr conn;
	virDomainPtr dom;

	CHECK(hv && wait_for(hv, &s.synced, 1));
	conn = virConnectOpen("test:///default");
	dom = virDomainLookupByName(conn, "test");
	CHECK(dom);
	CHECK_INT(virDomainSuspend(dom), 0);
	CHECK(wait_for(hv, &s.changed, 1));
	CHECK_INT(s.what, HV_CHANGED_STATE);
	CHECK(!s.guest->running);
	CHECK_INT(virDomainResume(dom), 0);
	CHECK(wait_for(hv, &s.changed, 2));
	CHECK(s.guest->running);
	CHECK_INT(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_TITLE, "the first", NULL, NULL,
			  VIR_DOMAIN_AFFECT_LIVE),
		0);
	CHECK(wait_for(hv, &s.changed, 3));
	CHECK_INT(s.what, HV_CHANGED_IDENTITY);
	CHECK_STR(s.guest->title, "the first");
	CHECK_INT(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, "<tags>web gold</tags>",
			  "ballast", HV_TAGS_NAMESPACE, VIR_DOMAIN_AFFECT_LIVE),
		0);
	CHECK(wait_for(hv, &s.changed, 4));
	CHECK_STR(s.guest->tags[0], "web");
	CHECK_STR(s.guest->tags[1], "gold");
	CHECK_INT(virDomainDestroy(dom), 0);
	CHECK(wait_for(hv, &s.gone, 1));
	CHECK_INT(s.why, HV_GONE_DESTROYED);
	CHECK_INT(
		hv_submit(hv,
			&(struct hv_request){.call = HV_CALL_READ_BALLOON, .guest = s.guest->uuid},
			NULL),
		-ENOENT);
	CHECK_INT(virDomainCreate(dom), 0);
	CHECK(wait_for(hv, &s.appeared, 2));
	virDomainFree(dom);
	virConnectClose(conn);
}

TEST(guest_that_vanishes_between_two_calls_ends_the_second)
{
	_cleanup_seen_ struct seen s;
	_cleanup_end_ struct hv *hv = start("test:///default", &s);
	virConnectPtr conn;
	virDomainPtr dom;
	struct uuid uuid;

	CHECK(hv && wait_for(hv, &s.synced, 1));
	uuid = s.guest->uuid;
	conn = virConnectOpen("test:///default");
	dom = virDomainLookupByName(conn, "test");
	CHECK_INT(virDomainDestroy(dom), 0);
	/* The event is on its way but was not delivered yet. */
	for (int i = 0; i < 8; i++) {
		int r = hv_submit(hv,
			&(struct hv_request){.call = HV_CALL_SET_MEMORY,
				.guest = uuid,
				.bytes = GIB + (uint64_t)i * MIB},
			NULL);

		CHECK(r == 0 || r == -ENOENT);
		if (r == -ENOENT)
			break;
		CHECK(wait_for(hv, &s.done, s.done + 1));
		CHECK(s.result.error < 0);
	}
	CHECK(wait_for(hv, &s.gone, 1));
	CHECK_INT(virDomainCreate(dom), 0);
	CHECK(wait_for(hv, &s.appeared, 2));
	virDomainFree(dom);
	virConnectClose(conn);
}

TEST(what_is_defined_and_does_not_run_is_listed)
{
	/* one world for all connections of a process, while there is one */
	virConnectPtr conn = virConnectOpen("test:///default");
	virDomainPtr dom = conn ? virDomainLookupByName(conn, "test") : NULL;
	struct uuid u, other = {{1}};
	_cleanup_seen_ struct seen s = {0};
	_cleanup_end_ struct hv *hv = NULL;

	CHECK(dom && virDomainGetUUID(dom, u.bytes) == 0);
	CHECK_INT(virDomainDestroy(dom), 0);
	hv = start("test:///default", &s);
	CHECK(hv && wait_for(hv, &s.synced, 1));
	CHECK_INT(s.appeared, 0);
	CHECK(hv_listed(hv, &u) && !hv_runs(hv, &u));
	CHECK(!hv_listed(hv, &other));
	CHECK_INT(virDomainCreate(dom), 0);
	CHECK(wait_for(hv, &s.appeared, 1));
	CHECK(hv_runs(hv, &u));
	virDomainFree(dom);
	virConnectClose(conn);
}

/* Stands before libvirt's own. */
static atomic_bool unreadable;
char *virDomainGetXMLDesc(virDomainPtr dom, unsigned flags)
{
	char *(*real)(virDomainPtr, unsigned) =
		(char *(*)(virDomainPtr, unsigned))dlsym(RTLD_NEXT, "virDomainGetXMLDesc");

	return unreadable || !real ? NULL : real(dom, flags);
}

/* Likewise: what this one lists is older than a start, whose event comes before it. */
static struct hv *_Atomic lists_late;
int virConnectListAllDomains(virConnectPtr conn, virDomainPtr **doms, unsigned flags)
{
	int (*real)(virConnectPtr, virDomainPtr **, unsigned) = (int (*)(virConnectPtr,
		virDomainPtr **, unsigned))dlsym(RTLD_NEXT, "virConnectListAllDomains");
	int n = real ? real(conn, doms, flags) : -1;
	struct hv *hv = atomic_exchange(&lists_late, NULL);
	virDomainPtr dom = hv ? virDomainLookupByName(conn, "test") : NULL;
	struct uuid u;

	if (!dom)
		return n;
	virDomainGetUUID(dom, u.bytes);
	if (virDomainCreate(dom) == 0)
		for (int i = 0; i < WAIT_MSEC && !hv_runs(hv, &u); i++)
			usleep(1000);
	virDomainFree(dom);
	return n;
}

TEST(one_that_starts_while_the_first_list_is_made_appears)
{
	virConnectPtr conn = virConnectOpen("test:///default");
	virDomainPtr dom = conn ? virDomainLookupByName(conn, "test") : NULL;
	struct hv_config config = {.uri = "test:///default"};
	_cleanup_seen_ struct seen s = {0};
	_cleanup_end_ struct hv *hv = NULL;

	CHECK(dom);
	CHECK_INT(virDomainDestroy(dom), 0);
	CHECK_INT(hv_new(&config, &ops, &s, &hv), 0);
	lists_late = hv;
	CHECK_INT(hv_start(hv), 0);
	CHECK(wait_for(hv, &s.synced, 1));
	CHECK_INT(s.appeared, 1);
	CHECK_INT(s.gone, 0);
	virDomainFree(dom);
	virConnectClose(conn);
}

TEST(one_that_cannot_be_read_runs_though_it_did_not_appear)
{
	_cleanup_seen_ struct seen s;
	_cleanup_end_ struct hv *hv = NULL;
	struct uuid u = {{0x66, 0x95, 0xeb, 0x01, 0xf6, 0xa4, 0x83, 0x04, 0x79, 0xaa, 0x97, 0xf2,
		0x50, 0x2e, 0x19, 0x3f}};

	unreadable = true;
	hv = start("test:///default", &s);
	CHECK(hv && wait_for(hv, &s.synced, 1));
	unreadable = false;
	CHECK_INT(s.appeared, 0);
	CHECK(s.trouble > 0);
	CHECK(hv_runs(hv, &u));
}

TEST(bulk_leaves_out_whom_it_does_not_know)
{
	_cleanup_seen_ struct seen s;
	_cleanup_end_ struct hv *hv = start("test:///default", &s);
	struct uuid two[2];

	CHECK(hv && wait_for(hv, &s.synced, 1));
	memset(&two[0], 0x77, sizeof(two[0]));
	two[1] = s.guest->uuid;
	CHECK(call(hv, &s,
		&(struct hv_request){.call = HV_CALL_READ_BALLOONS, .guests = two, .n_guests = 2}));
	CHECK_INT(s.result.error, 0);
	CHECK_INT(s.result.n_balloons, 1);
	CHECK(uuid_equal(&s.balloon.guest, &two[1]));
}

TEST(bad_requests_are_refused_at_once)
{
	_cleanup_seen_ struct seen s;
	_cleanup_end_ struct hv *hv = start("test:///default", &s);
	struct uuid nobody = {{9}};

	CHECK(hv && wait_for(hv, &s.synced, 1));
	CHECK_INT(hv_submit(hv,
			  &(struct hv_request){.call = HV_CALL_SET_MEMORY, .guest = s.guest->uuid},
			  NULL),
		-EINVAL);
	CHECK_INT(
		hv_submit(hv,
			&(struct hv_request){
				.call = HV_CALL_SET_MEMORY, .guest = s.guest->uuid, .bytes = 4097},
			NULL),
		-EINVAL);
	CHECK_INT(hv_submit(hv, &(struct hv_request){.call = HV_CALL_LIST, .guest = s.guest->uuid},
			  NULL),
		-EINVAL);
	CHECK_INT(hv_submit(hv,
			  &(struct hv_request){.call = HV_CALL_SET_CPU,
				  .guest = s.guest->uuid,
				  .set_weight = true},
			  NULL),
		-EINVAL);
	CHECK_INT(
		hv_submit(hv, &(struct hv_request){.call = HV_CALL_GET_CPU, .guest = nobody}, NULL),
		-ENOENT);
}

TEST(libvirt_that_is_not_there_is_tried_again)
{
	_cleanup_seen_ struct seen s;
	_cleanup_end_ struct hv *hv = start("test:///there/is/no/such/file.xml", &s);
	struct uuid nobody = {{9}};

	CHECK(hv);
	CHECK(wait_for(hv, &s.down, 3));
	CHECK_INT(s.down_lost, 0);
	CHECK_INT(s.connected, 0);
	CHECK_CONTAINS(s.text, "file.xml");
	CHECK_INT(
		hv_submit(hv, &(struct hv_request){.call = HV_CALL_GET_CPU, .guest = nobody}, NULL),
		-ENOTCONN);
}

/* A file brings a world of its own, for benches: all of hv must live in one connection there. */
TEST(hundred_guests_of_a_file_appear_and_answer)
{
	enum { N = 100 };
	char path[] = "/tmp/test-hv-XXXXXX", uri[64];
	_cleanup_close_ int fd = mkstemp(path);
	_cleanup_seen_ struct seen s;
	struct hv_counters c;
	struct hv *hv;
	FILE *f;

	CHECK(fd >= 0);
	f = fdopen(dup(fd), "w");
	fprintf(f, "<node>");
	for (int i = 0; i < N; i++)
		fprintf(f,
			"<domain type='test'><name>guest%d</name>"
			"<uuid>00000000-0000-4000-8000-%012d</uuid><memory>1048576</memory>"
			"<os><type>hvm</type></os></domain>",
			i, i);
	fprintf(f, "</node>");
	fclose(f);
	snprintf(uri, sizeof(uri), "test://%s", path);
	hv = start(uri, &s);
	if (!hv || !wait_for(hv, &s.synced, 1) || s.appeared != N)
		TEST_FAIL("%u appeared: %s", s.appeared, s.text);
	for (int i = 0; i < N; i++) {
		struct hv_request req = {.call = HV_CALL_SET_MEMORY, .bytes = 512 * MIB};
		char text[UUID_TEXT_MAX];

		snprintf(text, sizeof(text), "00000000-0000-4000-8000-%012d", i);
		CHECK_INT(uuid_parse(text, &req.guest), 0);
		CHECK_INT(hv_submit(hv, &req, NULL), 0);
	}
	CHECK(wait_for(hv, &s.done, N));
	CHECK_INT(s.result.error, 0);
	hv_counters(hv, &c);
	CHECK_U64(c.calls[HV_CALL_SET_MEMORY], N);
	CHECK(c.threads <= 2 + 3);
	end(&hv);
	unlink(path);
}

/* Calls while the guest ends and starts: whatever was accepted ends once, and each start is
 * told. */
TEST(guest_that_comes_and_goes_under_load_loses_no_call)
{
	enum { ROUNDS = 100 };
	_cleanup_seen_ struct seen s;
	_cleanup_end_ struct hv *hv = start("test:///default", &s);
	unsigned accepted = 0, appeared;
	virConnectPtr conn;
	virDomainPtr dom;
	struct uuid uuid;

	CHECK(hv && wait_for(hv, &s.synced, 1));
	uuid = s.guest->uuid;
	appeared = s.appeared;
	conn = virConnectOpen("test:///default");
	dom = virDomainLookupByName(conn, "test");
	CHECK(dom);
	for (unsigned i = 1; i <= ROUNDS; i++) {
		struct hv_request set = {
			.call = HV_CALL_SET_MEMORY, .guest = uuid, .bytes = GIB + i * MIB};
		struct hv_request bulk = {
			.call = HV_CALL_READ_BALLOONS, .guests = &uuid, .n_guests = 1};
		struct hv_request get = {.call = HV_CALL_READ_BALLOON, .guest = uuid};

		accepted += hv_submit(hv, &set, NULL) == 0;
		accepted += hv_submit(hv, &get, NULL) == 0;
		accepted += hv_submit(hv, &bulk, NULL) == 0;
		CHECK_INT(virDomainDestroy(dom), 0);
		accepted += hv_submit(hv, &get, NULL) == 0;
		CHECK_INT(virDomainCreate(dom), 0);
		accepted += hv_submit(hv, &set, NULL) == 0;
		hv_dispatch(hv, i % 4);
	}
	CHECK(wait_for(hv, &s.done, accepted));
	/* Some starts may have been overtaken by their end, the last one not. */
	CHECK(wait_for(hv, &s.appeared, appeared + 1));
	while (hv_submit(hv, &(struct hv_request){.call = HV_CALL_GET_CPU, .guest = uuid}, NULL) <
		0)
		CHECK(wait_for(hv, &s.appeared, s.appeared + 1));
	CHECK(wait_for(hv, &s.done, ++accepted));
	CHECK_INT(s.done, accepted);
	virDomainFree(dom);
	virConnectClose(conn);
}

TEST(stop_ends_what_waits)
{
	_cleanup_seen_ struct seen s;
	struct hv *hv = start("test:///default", &s);
	unsigned accepted = 0;

	CHECK(hv && wait_for(hv, &s.synced, 1));
	for (int i = 0; i < 40; i++)
		accepted += hv_submit(hv,
				    &(struct hv_request){
					    .call = HV_CALL_READ_BALLOON, .guest = s.guest->uuid},
				    NULL) == 0;
	CHECK_INT(accepted, 40);
	hv_stop(hv, 5 * USEC_PER_SEC);
	hv_dispatch(hv, 0);
	CHECK_INT(s.done, accepted);
	CHECK_INT(
		hv_submit(hv,
			&(struct hv_request){.call = HV_CALL_READ_BALLOON, .guest = s.guest->uuid},
			NULL),
		-ENOTCONN);
	hv_free(hv);
}

TEST_STRTAB(hv_call, enum hv_call, HV_CALL_MAX)
TEST_STRTAB(hv_gone, enum hv_gone, HV_GONE_MAX)
TEST_STRTAB(hv_balloon_model, enum hv_balloon_model, HV_BALLOON_MODEL_MAX)
TEST_STRTAB(hv_channel_state, enum hv_channel_state, HV_CHANNEL_STATE_MAX)

TEST_MAIN()
