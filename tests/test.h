/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/macros.h"

/*
 * A test program: TEST(name) { ... } as often as wanted, then TEST_MAIN(). Prints TAP. A failed
 * check says what it saw, ends that test (not the program) and makes the exit code 1. Names read as
 * sentences: TEST(stuck_guest_leaves_the_division).
 */
struct test_case {
	const char *name;
	void (*run)(void);
	struct test_case *next;
};
static struct test_case *test_first, **test_last = &test_first;
static int test_failed; /* of the running case */
static const char *test_skip_reason;

#define TEST(id)                                                                                   \
	static void test_run_##id(void);                                                           \
	static struct test_case test_case_##id = {#id, test_run_##id, NULL};                       \
	__attribute__((constructor)) static void test_add_##id(void)                               \
	{                                                                                          \
		*test_last = &test_case_##id;                                                      \
		test_last = &test_case_##id.next;                                                  \
	}                                                                                          \
	static void test_run_##id(void)

#define TEST_FAIL(...)                                                                             \
	do {                                                                                       \
		printf("# %s:%d: ", __FILE__, __LINE__);                                           \
		printf(__VA_ARGS__);                                                               \
		printf("\n");                                                                      \
		test_failed = 1;                                                                   \
		return;                                                                            \
	} while (0)
#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			TEST_FAIL("not true: %s", #cond);                                          \
	} while (0)
#define CHECK_INT(got, want)                                                                       \
	do {                                                                                       \
		int64_t _got = (int64_t)(got), _want = (int64_t)(want);                            \
		if (_got != _want)                                                                 \
			TEST_FAIL("%s is %" PRId64 ", wanted %" PRId64, #got, _got, _want);        \
	} while (0)
#define CHECK_U64(got, want)                                                                       \
	do {                                                                                       \
		uint64_t _got = (got), _want = (want);                                             \
		if (_got != _want)                                                                 \
			TEST_FAIL("%s is %" PRIu64 ", wanted %" PRIu64, #got, _got, _want);        \
	} while (0)
#define CHECK_STR(got, want)                                                                       \
	do {                                                                                       \
		const char *_got = (got), *_want = (want);                                         \
		if (!_got || !_want || strcmp(_got, _want) != 0)                                   \
			TEST_FAIL("%s is \"%s\", wanted \"%s\"", #got, _got ? _got : "(null)",     \
				_want ? _want : "(null)");                                         \
	} while (0)
#define CHECK_CONTAINS(got, part)                                           \
	do {                                                                \
		const char *_got = (got), *_part = (part);                  \
		if (!_got || !strstr(_got, _part))                          \
			TEST_FAIL("%s is \"%s\", which lacks \"%s\"", #got, \
				_got ? _got : "(null)", _part);             \
	} while (0)
#define TEST_SKIP(reason)                                                                          \
	do {                                                                                       \
		test_skip_reason = (reason);                                                       \
		return;                                                                            \
	} while (0)

/* Proves that each name of an enum's table is there, unique, and reads back as itself. */
#define TEST_STRTAB(name, type, max)                                                               \
	TEST(name##_names_round_trip)                                                              \
	{                                                                                          \
		for (int i = 0; i < (int)(max); i++) {                                             \
			CHECK(name##_to_string((type)i) != NULL);                                  \
			CHECK_INT(name##_from_string(name##_to_string((type)i)), i);               \
		}                                                                                  \
		CHECK(name##_to_string((type)-1) == NULL);                                         \
		CHECK(name##_to_string((type)(max)) == NULL);                                      \
		CHECK_INT(name##_from_string("no such name"), -1);                                 \
	}

static inline int test_main(void)
{
	int n = 0, failures = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (struct test_case *t = test_first; t; t = t->next) {
		test_failed = 0;
		test_skip_reason = NULL;
		t->run();
		printf("%sok %d - %s", test_failed ? "not " : "", ++n, t->name);
		if (test_skip_reason)
			printf(" # SKIP %s", test_skip_reason);
		printf("\n");
		failures += test_failed;
	}
	printf("1..%d\n", n);
	return failures ? 1 : 0;
}
#define TEST_MAIN()                                                                                \
	int main(void)                                                                             \
	{                                                                                          \
		return test_main();                                                                \
	}
