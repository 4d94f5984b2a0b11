/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/conf.h"

/* Private to conf*.c: the keys of ballast.conf, and how the text of one becomes its field. */

enum conf_type {
	CONF_TEXT,  /* char * */
	CONF_PATH,  /* char *, absolute */
	CONF_PATHS, /* char **, absolute, separated by blanks */
	CONF_ADDRESSES, /* char **, as address_parse() reads them, separated by blanks */
	CONF_FILE,  /* char *, absolute, or a name without a slash: a credential of the unit */
	CONF_BOOL,  /* bool */
	CONF_SPAN,  /* uint64_t microseconds */
	CONF_RATIO, /* uint64_t permyriad */
	CONF_COUNT, /* uint64_t */
	CONF_SIZE,  /* uint64_t bytes */
	CONF_GROUP, /* gid_t; (gid_t)-1 where none is named */
};

/* One key. min and max bound spans, ratios and counts; a value outside is an error, never
 * clamped. */
struct conf_key {
	const char *section, *key, *fallback;
	enum conf_type type;
	size_t offset;
	uint64_t min, max;
	bool restart; /* taken over at start only */
};
extern const struct conf_key conf_keys[];

/* Sets a key's field; value "" stands for the default. Returns 0, -ENOMEM, or -errno with *d saying
 * what is wrong with the value (the field is untouched). */
int conf_set(struct conf *c, const struct conf_key *k, const char *value,
	struct diag *d) _nonnull_ _must_check_;
