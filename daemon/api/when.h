/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/api/problem.h"

/* A time in a query: RFC 3339, or a span before now ("1h"). Returns 0, or -1 with *p. */
int when_parse(const char *parameter, const char *text, uint64_t now_real_usec,
	uint64_t *ret_real_usec, struct problem *p) _nonnull_ _must_check_;
