/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/decide.h"

/*
 * What decide() would make of the present host if something were otherwise: a few decisions on
 * copies, a second apart, whose guests obey at once, go on using what they use, and do not stall
 * any more once they were given memory. Pure; for a thread that may take its time.
 */
#define PREVIEW_DECISIONS_MAX 8

struct preview {
	unsigned decisions;   /* that were made */
	bool settled;	      /* the last one moved nothing */
	struct plan *plan;    /* the last one; owned */
	/* of each guest's last memory command; REASON_NONE: none. As many as the plan has guests */
	struct reason *reasons;
};
void preview_clear(struct preview *p) _nonnull_;
#define _cleanup_preview_ _cleanup_(preview_clear)

/* snap's guests are written to; state is used up. enforce false: nothing is carried out. Returns 0,
 * -ENOMEM, or what decide() returns. */
int preview_run(struct snapshot *snap, const struct policy_set *set, struct decide_state *state,
	struct preview *ret) _nonnull_ _must_check_;
