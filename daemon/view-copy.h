/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/view.h"

/*
 * Private to view*.c: all that a view knows, copied into one piece of memory that is aligned for
 * anything. ret's pointers lead into it, but for the set, of which no reference is taken, and
 * state, which is NULL. False: the piece is too small (what is in it then is not a view).
 */
bool view_copy(void *memory, size_t size, const struct view_input *in,
	struct view_input *ret) _nonnull_ _must_check_;
