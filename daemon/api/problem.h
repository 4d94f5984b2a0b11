/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/json.h"
#include "daemon/api/api.h"

/* An answer that is an error (RFC 9457). Zeroed but for code and detail, members are left out of
 * the body. */
struct problem {
	enum api_problem code;
	char detail[512];
	char parameter[64]; /* query-invalid */
	bool has_pointer;
	char pointer[256];     /* body-invalid */
	unsigned line, column; /* body-malformed */
	bool has_nearest;
	char nearest[128]; /* "": null */
	bool has_role;
	enum api_role role, needed; /* denied */
	char allow[64];		    /* method-not-allowed: goes into the header of that name */
	uint64_t retry_usec; /* goes into the header Retry-After; 0: as the status has it */
	json_t *more;		    /* owned: further members */
};

unsigned problem_status(enum api_problem code) _const_;
const char *problem_title(enum api_problem code) _const_;

/* Starts a problem and returns -1, so that a check ends in `return problem_set(p, ...)`. */
int problem_set(struct problem *p, enum api_problem code, const char *fmt, ...) _nonnull_args_(1, 3)
	_printf_(3, 4);
/* query-invalid: parameter "NAME": TEXT. */
int problem_set_query(struct problem *p, const char *parameter, const char *text) _nonnull_;
/* "there is no WHAT "WORD"; the nearest name is ..." */
int problem_set_unknown(struct problem *p, enum api_problem code, const char *what,
	const char *word, const char *nearest) _nonnull_args_(1, 3, 4);
/* Frees what is inside. */
void problem_clear(struct problem *p) _nonnull_;
#define _cleanup_problem_ _cleanup_(problem_clear)
/* The body. instance: the path that was asked for. */
void problem_write(const struct problem *p, const char *instance, struct json_out *o) _nonnull_;
