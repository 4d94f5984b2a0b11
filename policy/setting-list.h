/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/effective.h"

/* The settings of one guest as text, and how two of them differ. Filled by a visit (of a guest, of
 * a what-if) or from what the API said. */

struct setting_line {
	char *section;
	char *key;
	char *value;
	char *file; /* NULL: built-in default */
	unsigned line;
	char *policy; /* NULL: none */
	bool in_force;
};

/* Owns its lines. */
struct setting_list {
	struct setting_line *lines;
	size_t n;
	size_t allocated;
};
void setting_list_clear(struct setting_list *l); /* takes NULL */
#define _cleanup_setting_list_ _cleanup_(setting_list_clear)

/* A setting_visitor whose userdata is the list: copies all. Returns 0 or -ENOMEM. */
int setting_list_record(const char *section, const char *key, const char *value,
	const struct origin *origin, bool in_force, void *list);
const struct setting_line *setting_list_find(
	const struct setting_list *l, const char *section, const char *key) _nonnull_ _pure_;

/* Calls fn for each setting whose value differs, in before's order, then for those that only after
 * has. Either side is NULL where that list has no such setting. Two lists with the same values and
 * other origins do not differ. Stops with what fn returns when it is not 0. */
typedef int (*setting_diff_visitor)(
	const struct setting_line *before, const struct setting_line *after, void *userdata);
int setting_list_diff(const struct setting_list *before, const struct setting_list *after,
	setting_diff_visitor fn, void *userdata) _nonnull_args_(1, 2, 3);
