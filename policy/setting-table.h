/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/setting-value.h"

/*
 * Every key that a policy file may have, declared once. The parser, `policy show`, completion and
 * the manual's test read it.
 */

enum setting_scope {
	SETTING_OF_POLICY, /* who, when, a description: place in struct policy_raw (policy-file.h)
			    */
	SETTING_OF_GUEST,  /* what: place in struct settings */
	SETTING_OF_HOST,   /* place in struct host_settings */
};

/* The place of a value that no part acts on yet: it is checked and shown, and nothing else. */
#define SETTING_NOWHERE SIZE_MAX

struct setting {
	const char *section;
	const char *key;
	enum setting_type type;
	enum setting_scope scope;
	bool in_force;
	size_t offset;
	uint64_t min; /* bounds, both allowed, in the type's unit; AMOUNT: of a ratio; STALL: of the
			 span */
	uint64_t max;
	const char *const *names; /* CHOICE */
	const char *default_text; /* "": none, or worked out by who uses it */
	const char *help;	  /* one line without a full stop */
};

/* All rows in the order of the manual; settings of a guest stand together. */
extern const struct setting setting_table[];
extern const size_t setting_table_n;
/* Position among the guests' settings, which number SETTING_GUEST_MAX: a test holds it to the
 * table. */
#define SETTING_GUEST_MAX 26
size_t setting_guest_index(const struct setting *s) _nonnull_ _pure_;
const struct setting *setting_of_guest(size_t guest_index) _pure_;

/* Names of all sections, NULL-terminated, for nearest_word(). */
extern const char *const setting_sections[];
bool setting_section_known(const char *section) _nonnull_ _pure_;

/* The row, or NULL with *d filled at this place: what was found, what is expected, the nearest
 * known word. */
const struct setting *setting_find(const char *section, const char *key, struct diag *d,
	const char *file, unsigned line, unsigned col) _nonnull_args_(1, 2);
