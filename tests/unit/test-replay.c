/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/replay.h"

#include <stdio.h>

#include "tests/test.h"

#define SEC UINT64_C(1000000)

static enum replay_found begin(struct replay_table *t, const char *client, const char *key,
	uint64_t request, uint64_t now, struct replay **r)
{
	*r = NULL;
	return replay_begin(t,
		&(struct replay_ask){
			.client = client, .key = key, .path = "/v1/x", .request = request},
		now, r);
}

TEST(the_same_request_gets_the_same_answer)
{
	struct replay_table t = {0};
	struct replay *r;

	CHECK_INT(begin(&t, "anna", "k1", 7, SEC, &r), REPLAY_NEW);
	CHECK_INT(begin(&t, "anna", "k1", 7, SEC, &r), REPLAY_UNDER_WAY);
	CHECK_INT(begin(&t, "anna", "k1", 8, SEC, &r), REPLAY_MISMATCH);
	CHECK_INT(begin(&t, "anna", "k1", 7, SEC, &r), REPLAY_UNDER_WAY);
	replay_store(&t, r, 201, false, "{}", 2, SEC);
	CHECK_INT(begin(&t, "anna", "k1", 7, 2 * SEC, &r), REPLAY_STORED);
	CHECK_INT((int)r->status, 201);
	CHECK_STR(r->text, "{}");
	CHECK_INT(begin(&t, "anna", "k1", 9, 2 * SEC, &r), REPLAY_MISMATCH);
	/* A key is a client's own. */
	CHECK_INT(begin(&t, "bert", "k1", 9, 2 * SEC, &r), REPLAY_NEW);
	replay_clear(&t);
	CHECK_INT((int)t.n, 0);
	CHECK_U64(t.bytes, 0);
}

TEST(one_that_was_not_carried_out_can_be_sent_again)
{
	struct replay_table t = {0};
	struct replay *r;

	CHECK_INT(begin(&t, "anna", "k", 7, SEC, &r), REPLAY_NEW);
	replay_forget(&t, r);
	CHECK_INT(begin(&t, "anna", "k", 8, SEC, &r), REPLAY_NEW);
	replay_clear(&t);
}

/* Whoever is to answer it holds it. */
TEST(what_is_under_way_stays_and_its_answer_is_kept_from_then_on)
{
	struct replay_table t = {0};
	struct replay *r, *again;

	CHECK_INT(begin(&t, "anna", "k", 7, SEC, &r), REPLAY_NEW);
	CHECK_INT(begin(&t, "anna", "k", 7, SEC + 2 * REPLAY_USEC, &again), REPLAY_UNDER_WAY);
	CHECK(again == r);
	replay_store(&t, r, 200, false, NULL, 0, SEC + 2 * REPLAY_USEC);
	CHECK_INT(begin(&t, "anna", "k", 7, SEC + 3 * REPLAY_USEC - 1, &again), REPLAY_STORED);
	CHECK_INT(begin(&t, "anna", "k", 7, SEC + 3 * REPLAY_USEC, &again), REPLAY_NEW);
	replay_clear(&t);
}

TEST(after_ten_minutes_it_is_forgotten)
{
	struct replay_table t = {0};
	struct replay *r;

	CHECK_INT(begin(&t, "anna", "k", 7, SEC, &r), REPLAY_NEW);
	replay_store(&t, r, 204, false, NULL, 0, SEC);
	CHECK_INT(begin(&t, "anna", "k", 7, SEC + REPLAY_USEC - 1, &r), REPLAY_STORED);
	CHECK_INT(begin(&t, "anna", "k", 7, SEC + REPLAY_USEC, &r), REPLAY_NEW);
	replay_clear(&t);
}

TEST(one_client_takes_a_quarter_and_pushes_out_its_own)
{
	struct replay_table t = {0};
	struct replay *r;
	char key[16];

	CHECK_INT(begin(&t, "bert", "his", 7, SEC, &r), REPLAY_NEW);
	replay_store(&t, r, 204, false, NULL, 0, SEC);
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "%d", i);
		CHECK_INT(begin(&t, "anna", key, 7, SEC, &r), REPLAY_NEW);
		replay_store(&t, r, 204, false, NULL, 0, SEC);
	}
	CHECK_INT((int)t.n, REPLAY_CLIENT_MAX + 1);
	CHECK_INT(begin(&t, "bert", "his", 7, SEC, &r), REPLAY_STORED);
	CHECK_INT(begin(&t, "anna", "999", 7, SEC, &r), REPLAY_STORED);
	CHECK_INT(begin(&t, "anna", "0", 7, SEC, &r), REPLAY_NEW);
	replay_clear(&t);
}

TEST(what_is_under_way_is_never_pushed_out)
{
	struct replay_table t = {0};
	struct replay *r;
	char key[16];

	for (int i = 0; i < REPLAY_CLIENT_MAX; i++) {
		snprintf(key, sizeof(key), "%d", i);
		CHECK_INT(begin(&t, "anna", key, 7, SEC, &r), REPLAY_NEW);
	}
	CHECK_INT(begin(&t, "anna", "more", 7, SEC, &r), REPLAY_FULL);
	CHECK_INT(begin(&t, "anna", "0", 7, SEC, &r), REPLAY_UNDER_WAY);
	CHECK_INT(begin(&t, "bert", "more", 7, SEC, &r), REPLAY_NEW);
	replay_clear(&t);
}

TEST(long_answers_push_out_the_oldest)
{
	static char text[1 << 20];
	struct replay_table t = {0};
	struct replay *r;
	char key[16];

	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 10; i++) {
		snprintf(key, sizeof(key), "%d", i);
		CHECK_INT(begin(&t, "anna", key, 7, SEC, &r), REPLAY_NEW);
		replay_store(&t, r, 200, false, text, sizeof(text), SEC);
		CHECK(t.bytes <= REPLAY_BYTES_MAX);
	}
	CHECK_INT((int)t.n, 4);
	CHECK_INT(begin(&t, "anna", "9", 7, SEC, &r), REPLAY_STORED);
	replay_clear(&t);
}

TEST(keys_are_of_what_can_be_seen)
{
	char longest[REPLAY_KEY_MAX + 2];

	memset(longest, 'k', sizeof(longest));
	longest[REPLAY_KEY_MAX] = '\0';
	CHECK(replay_key_is_good("8e03978e-40d5-43dd-bc93-6894a57f9324"));
	CHECK(replay_key_is_good(longest));
	longest[REPLAY_KEY_MAX] = 'k';
	longest[REPLAY_KEY_MAX + 1] = '\0';
	CHECK(!replay_key_is_good(longest));
	CHECK(!replay_key_is_good(""));
	CHECK(!replay_key_is_good("a b"));
	CHECK(!replay_key_is_good("\xc3\xa4"));
}

TEST_MAIN()
