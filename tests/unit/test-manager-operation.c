/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations, with a disk that answers when the test says so. */
#include "common/json.h"
#include "tests/test.h"
#include "tests/unit/fake-manager.h"

static api_call_ended on_end;
static void *on_end_userdata;
static const char *stored; /* in place 3 */

void api_call_on_end(struct api_call *call, api_call_ended fn, void *userdata)
{
	on_end = fn;
	on_end_userdata = userdata;
}

void api_call_location(struct api_call *call, const char *location)
{
	snprintf(call->text, sizeof(call->text), "%s", location);
}

void api_call_reply_text(struct api_call *call, unsigned status, struct json_out *o)
{
	call->status = (int)status;
	json_decref(call->body);
	call->body = json_loads(o->buf, 0, NULL);
	json_out_clear(o);
}

int store_load_text(struct store *s, const char *key, char **ret)
{
	if (!stored || !streq(key, "operation/3"))
		return -ENOENT;
	*ret = strdup(stored);
	return 0;
}

bool policy_waits(const struct manager *m, const struct api_call *call)
{
	return m->policy_running;
}

void policy_cancel(struct manager *m, const struct api_call *call, const char *by)
{
	on_end(on_end_userdata, (struct api_call *)(uintptr_t)call, 409, true,
		"{\"code\":\"conflict\"}");
}

static struct manager start(void)
{
	fake_clear();
	stored = NULL;
	return (struct manager){.store = FAKE_STORE};
}

/* What waits for the disk is answered first: it owns something. */
static void finish(struct manager *m)
{
	while (fake.n_writes)
		fake_store_answer(0);
	operations_free(m);
}

static void end(struct api_call *call)
{
	json_decref(call->body);
}
#define _cleanup_call_ _cleanup_(end)

TEST(it_is_on_the_disk_before_it_is_acknowledged)
{
	struct manager m = start();
	_cleanup_call_ struct api_call ack = {0}, work = {0}, look = {0};

	operation_begin(&m, &ack, &work, "reload");
	CHECK_INT(ack.status, 0);
	CHECK_STR(fake.writes[0].key, "operation/1");
	fake_store_answer(0);
	CHECK_INT(ack.status, 202);
	CHECK_STR(ack.text, "/v1/operations/1");
	CHECK_STR(fake_body_text(&ack, "state"), "running");
	on_end(on_end_userdata, &work, 200, false, "{\"policies\":3}");
	CHECK(fake.writes[0].done); /* written at once */
	operation_get(&m, &look, 1);
	CHECK_STR(fake_body_text(&look, "state"), "done");
	CHECK_INT(json_integer_value(
			  json_object_get(json_object_get(look.body, "result"), "policies")),
		3);
	finish(&m);
}

TEST(one_that_cannot_be_noted_is_not_acknowledged)
{
	struct manager m = start();
	_cleanup_call_ struct api_call ack = {0}, work = {0};

	operation_begin(&m, &ack, &work, "reload");
	fake_store_answer(-ENOSPC);
	CHECK_INT(ack.problem, API_PROBLEM_TIMEOUT);
	finish(&m);
}

TEST(an_end_before_the_acknowledgement_is_on_the_disk_too)
{
	struct manager m = start();
	_cleanup_call_ struct api_call ack = {0}, work = {0};

	operation_begin(&m, &ack, &work, "reload");
	on_end(on_end_userdata, &work, 422, true, "{\"code\":\"configuration-bad\"}");
	fake_store_answer(0);
	CHECK_INT(ack.status, 0);
	fake_store_answer(0);
	fake_store_answer(0);
	CHECK_INT(ack.status, 202);
	CHECK_STR(fake_body_text(&ack, "state"), "failed");
	finish(&m);
}

TEST(what_ran_when_the_daemon_ended_has_failed)
{
	struct manager m = start();
	_cleanup_call_ struct api_call look = {0}, list = {0}, ack = {0}, work = {0};

	stored =
		"{\"id\":259,\"kind\":\"mode-set\",\"by\":\"anna\",\"started\":5,\"ended\":0,\"state\":\"running\",\"status\":0,\"answer\":null}";
	CHECK_INT(operations_load(&m), 0);
	operation_get(&m, &look, 259);
	CHECK_STR(fake_body_text(&look, "state"), "failed");
	CHECK_STR(json_string_value(json_object_get(json_object_get(look.body, "problem"), "code")),
		"stopping");
	CHECK_INT((int)fake.n_writes, 1); /* and that is noted */
	operation_begin(&m, &ack, &work, "reload"); /* numbers go on */
	operation_list(&m, &list);
	CHECK_INT(json_integer_value(json_object_get(
			  json_array_get(json_object_get(list.body, "operations"), 0), "id")),
		260);
	finish(&m);
}

TEST(the_oldest_go_and_what_runs_stays)
{
	struct manager m = start();
	_cleanup_call_ struct api_call look = {0}, gone = {0}, last = {0}, first = {0}, list = {0},
				       next = {0};
	const json_t *all;
	static struct api_call works[OPERATIONS_MAX + 1];

	for (int i = 0; i < OPERATIONS_MAX; i++) {
		struct api_call ack = {0};

		operation_begin(&m, &ack, &works[i], "reload");
		fake_store_answer(0);
		end(&ack);
		if (i)
			on_end(on_end_userdata, &works[i], 200, false, NULL);
		while (fake.n_writes)
			fake_store_answer(0);
	}
	/* Number 1 still runs, and its place would be the next one's: that one takes the next. */
	operation_begin(&m, &last, &works[OPERATIONS_MAX], "reload");
	fake_store_answer(0);
	CHECK_INT(last.status, 202);
	CHECK_STR(last.text, "/v1/operations/258");
	operation_get(&m, &look, 1);
	CHECK_STR(fake_body_text(&look, "state"), "running");
	operation_get(&m, &gone, 2);
	CHECK_INT(gone.problem, API_PROBLEM_OPERATION_UNKNOWN);
	operation_list(&m, &list);
	all = json_object_get(list.body, "operations");
	CHECK_INT((int)json_array_size(all), OPERATIONS_MAX);
	CHECK_INT(json_integer_value(json_object_get(json_array_get(all, 0), "id")), 258);
	CHECK_INT(
		json_integer_value(json_object_get(json_array_get(all, OPERATIONS_MAX - 1), "id")),
		1);
	/* When it has ended its place is free again. */
	on_end(on_end_userdata, &works[0], 200, false, NULL);
	m.operation_last = 2 * OPERATIONS_MAX;
	operation_begin(&m, &first, &works[0], "reload");
	operation_get(&m, &next, 2 * OPERATIONS_MAX + 1);
	CHECK_STR(fake_body_text(&next, "state"), "running");
	finish(&m);
}

TEST(as_many_as_there_are_places_run_at_once)
{
	struct manager m = start();
	_cleanup_call_ struct api_call last = {0};
	static struct api_call works[OPERATIONS_MAX + 1];

	for (int i = 0; i < OPERATIONS_MAX; i++) {
		struct api_call ack = {0};

		operation_begin(&m, &ack, &works[i], "reload");
		fake_store_answer(0);
		CHECK_INT(ack.status, 202);
		end(&ack);
	}
	operation_begin(&m, &last, &works[OPERATIONS_MAX], "reload");
	CHECK_INT(last.problem, API_PROBLEM_TIMEOUT);
	finish(&m);
}

TEST(what_has_not_begun_can_be_cancelled)
{
	struct manager m = start();
	_cleanup_call_ struct api_call ack = {0}, work = {.role = API_ROLE_ADMIN},
				       no = {.role = API_ROLE_ADMIN},
				       yes = {.role = API_ROLE_ADMIN}, look = {0},
				       late = {.role = API_ROLE_ADMIN},
				       other = {.role = API_ROLE_OPERATE},
				       other_dry = {.role = API_ROLE_OPERATE, .dry_run = true};

	operation_begin(&m, &ack, &work, "policy-put");
	fake_store_answer(0);
	operation_cancel(&m, &no, 1);
	CHECK_INT(no.problem, API_PROBLEM_CONFLICT);
	m.policy_running = true;
	/* What an admin has asked for is not for others to cancel, not even as a trial. */
	operation_cancel(&m, &other, 1);
	CHECK_INT(other.problem, API_PROBLEM_DENIED);
	CHECK_CONTAINS(other.text, "Operation 1 is a policy-put");
	operation_cancel(&m, &other_dry, 1);
	CHECK_INT(other_dry.problem, API_PROBLEM_DENIED);
	operation_cancel(&m, &yes, 1);
	CHECK_INT(yes.status, 204);
	operation_get(&m, &look, 1);
	CHECK_STR(fake_body_text(&look, "state"), "cancelled");
	operation_cancel(&m, &late, 1);
	CHECK_INT(late.problem, API_PROBLEM_CONFLICT);
	finish(&m);
}

TEST_MAIN()
