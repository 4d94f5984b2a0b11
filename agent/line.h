/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/figures.h"
#include "agent/fs.h"
#include "agent/text.h"

/* The lines that the agent writes, as docs/agent-protocol.md has them. Each ends with a newline and
 * fits AGENT_LINE_MAX. */
#define AGENT_LINE_MAX 4096

struct hello {
	const char *os; /* "": left out */
	const char *kernel;
	uint64_t page_bytes;
	uint64_t boot_id;
	bool psi, psi_trigger;
};

struct report {
	uint64_t seq;
	uint64_t boot_id;
	enum why why; /* not WHY_NOT */
	bool has_ping;
	uint64_t ping_id;
	const struct figures *figures;
	const struct fs_list *fs; /* NULL: not told */
};

void line_hello(struct text *t, const struct hello *h) _nonnull_;
void line_report(struct text *t, const struct report *r) _nonnull_;
