/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/strtab.h"

/*
 * Why something is done. Every change in a plan and every event carries one: a code for programs,
 * numbers, and one line for people, written from one table of templates (reason.c).
 */
enum reason_code {
	REASON_NONE,
	/* memory, more */
	REASON_NEED,           /* it uses more than its share leaves room for */
	REASON_STALL,          /* it stalls on memory: released at once */
	REASON_REFAULT,        /* its page cache is too small: pages come back too soon */
	REASON_LOW,            /* available memory ran low */
	REASON_MIN,            /* policy Min */
	REASON_SURPLUS,        /* policy Surplus=grow and there is memory to spare */
	REASON_STALE_ROOM,     /* silent, and short by its last word or by what it has filled */
	REASON_RETURN,         /* memory that was lent comes back */
	/* memory, less */
	REASON_LEND,           /* others need what it does not use */
	REASON_HOST,           /* the host itself needs memory */
	/* more is held than there is for guests: a guest took it, or policy leaves less */
	REASON_OVER,
	/* another one may take more than it says: it was started anew, or keeps what it gave */
	REASON_DOUBT,
	REASON_MAX_POLICY,     /* policy Max */
	REASON_MAX_UNSAFE,     /* policy Max would kill it: as near to that as is safe */
	REASON_RESERVE,        /* room for a guest that starts or arrives */
	REASON_SETTLE,         /* a release was more than needed: one correction */
	REASON_RELEASE,        /* policy Surplus=release */
	REASON_NOT_CREDIBLE,   /* asks without using what it got */
	/* memory, the balloon's own */
	REASON_OUT_OF_PUFF,    /* the balloon stopped short: target set to what it reached */
	REASON_RETRY,          /* a stuck balloon is tried again */
	REASON_TOOK_BACK,      /* it grew by itself (autodeflate): targeted again */
	REASON_BREAKER,        /* holds more than it is charged: a soft limit */
	REASON_RESTORE,        /* mode observe --release */
	REASON_STOPPING,       /* orderly stop: what it uses, and room to breathe */
	REASON_LEFT,           /* mode observe: who is on its way down stays where it is */
	/* CPU */
	REASON_CPU_POLICY,     /* weight or quota by policy */
	REASON_CPU_PRESSED,    /* starved on the host while others have more than they need */
	REASON_CPU_BACK,       /* pressure is gone: weight by policy again */
	/* reservations */
	REASON_ROOM,           /* granted: there is room */
	REASON_NO_ROOM,        /* refused: even squeezed there is none */
	REASON_CODE_MAX,
	REASON_CODE_INVALID = -1,
};
DECLARE_STRTAB(reason_code, enum reason_code)

#define REASON_ARGS_MAX 4
struct reason {
	enum reason_code code;
	uint64_t arg[REASON_ARGS_MAX]; /* what each means is in reason.c's table */
	char other[48]; /* another guest's or a policy's name, shortened; "" if none */
};
#define REASON_TEXT_MAX 256
/* One sentence without a full stop: "stalled 12 % of the last second; released to 2 GiB". Returns
 * buf. */
char *reason_format(const struct reason *r, char buf[static REASON_TEXT_MAX]) _nonnull_;
