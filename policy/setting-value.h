/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/diag.h"
#include "policy/settings.h"

/* Private to policy/: what a setting's value may be, and its way from text into a struct and
 * back. */

enum setting_type {
	SETTING_NUMBER,	   /* a whole number within bounds */
	SETTING_SIZE,	   /* bytes; "infinity" where max is BYTES_UNLIMITED */
	SETTING_RATIO,	   /* permyriad */
	SETTING_QUOTA,	   /* permyriad of one CPU; "infinity" is kept as 0 */
	SETTING_SPAN,	   /* microseconds */
	SETTING_MSEC,	   /* microseconds; a bare number is milliseconds */
	SETTING_AMOUNT,	   /* a size, or a ratio within bounds */
	SETTING_STALL,	   /* "10% over 10s" */
	SETTING_CHOICE,	   /* one of names: an enum with a string table */
	SETTING_FLAG,	   /* yes or no */
	SETTING_CGROUP,	   /* "host" (NULL) or "cgroup:/PATH" (the path) */
	SETTING_GLOBS,	   /* patterns, each perhaps with "!" before it; kept as text */
	SETTING_UUIDS,	   /* UUIDs, likewise */
	SETTING_WORDS,	   /* names of groups; kept as text */
	SETTING_TEXT,	   /* free text */
	SETTING_CONDITION, /* an expression, see condition.h; kept as text */
	SETTING_CALENDAR,  /* times and zones, checked together with their section */
	SETTING_TYPE_MAX,
	SETTING_TYPE_INVALID = -1,
};

/* As it lies in struct settings or struct host_settings: storing copies the bytes of one member. */
union setting_value {
	uint64_t number;
	struct amount amount;
	struct stall_limit stall;
	int choice;
	bool flag;
	char *text; /* owned; NULL: none */
};

/* One row of the table (setting-table.c). */
struct setting;

/* Parses text, which is not empty. Returns 0 and a value to be cleared by setting_value_clear(),
 * -ENOMEM, or fills *d (column from the start of text; what was found, what was expected) and
 * returns -EINVAL, -ERANGE, or what condition_parse() returns. */
int setting_value_parse(const struct setting *s, const char *text, union setting_value *ret,
	struct diag *d) _nonnull_args_(1, 2, 3) _must_check_;
/* Frees what the value owns. */
void setting_value_clear(const struct setting *s, union setting_value *v) _nonnull_;
/* The value as text that parses back to it, in a new string; "" for a text that is not there. NULL
 * without memory. */
char *setting_value_format(
	const struct setting *s, const union setting_value *v) _nonnull_ _must_check_;
/* What is expected, for messages and manuals: "a whole number from 1 to 10000". Returns buf. */
#define EXPECTED_MAX 160
char *setting_value_expected(const struct setting *s, char buf[static EXPECTED_MAX]) _nonnull_;

/* Between a value and its place in the struct at base. The struct borrows texts. */
void setting_value_store(
	const struct setting *s, const union setting_value *v, void *base) _nonnull_;
void setting_value_load(
	const struct setting *s, const void *base, union setting_value *ret) _nonnull_;
