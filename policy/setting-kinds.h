/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/setting-table.h"

/* Private to setting-*.c: how each type of setting is read and written. To add one: a row in enum
 * setting_type, a kind here, its functions in setting-numbers.c or setting-words.c, and its line in
 * setting-value.c. */
struct setting_kind {
	int (*parse)(const struct setting *s, const char *text, union setting_value *ret,
		struct diag *d);
	char *(*format)(const struct setting *s, const union setting_value *v);
	void (*expect)(const struct setting *s, char buf[static EXPECTED_MAX]);
	size_t size; /* of what lies in the struct */
	bool owns_text;
};

extern const struct setting_kind setting_kind_number;
extern const struct setting_kind setting_kind_size;
extern const struct setting_kind setting_kind_ratio;
extern const struct setting_kind setting_kind_quota;
extern const struct setting_kind setting_kind_span;
extern const struct setting_kind setting_kind_msec;
extern const struct setting_kind setting_kind_amount;
extern const struct setting_kind setting_kind_stall;
extern const struct setting_kind setting_kind_choice;
extern const struct setting_kind setting_kind_flag;
extern const struct setting_kind setting_kind_cgroup;
extern const struct setting_kind setting_kind_globs;
extern const struct setting_kind setting_kind_uuids;
extern const struct setting_kind setting_kind_words;
extern const struct setting_kind setting_kind_text;
extern const struct setting_kind setting_kind_condition;
extern const struct setting_kind setting_kind_calendar;

/* Fills *d with what was found (text), what is wrong with it and what this setting expects; returns
 * -err. */
int setting_value_wrong(const struct setting *s, const char *text, int err, unsigned col,
	const char *problem, struct diag *d) _nonnull_args_(1, 2, 5);
