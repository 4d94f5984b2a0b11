/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/diag.h"

/*
 * A described host: what `ballastctl simulate` reads. MODEL.md has the format and what the world
 * does with it. All times are whole milliseconds from the start; 0 is the start, MSEC_NEVER no time
 * at all.
 */
#define MSEC_NEVER UINT64_MAX
#define MSEC_PER_TICK UINT64_C(100)

/* A value that holds from a time until the next step. Before the first step it is 0. */
struct step {
	uint64_t at_msec;
	uint64_t value;
};
struct steps {
	struct step *items; /* owned, times strictly growing */
	size_t n;
};
uint64_t steps_at(const struct steps *s, uint64_t at_msec) _nonnull_ _pure_;

enum agent_mode {
	AGENT_PUSH,   /* as ballast-agent */
	AGENT_NONE,   /* no agent: balloon statistics */
	AGENT_SILENT, /* neither */
	AGENT_LIAR,   /* says that it uses all and stalls */
	AGENT_FLOOD,  /* 200 lines a second */
	AGENT_MODE_MAX,
	AGENT_MODE_INVALID = -1,
};

enum balloon_kind {
	BALLOON_OK,
	BALLOON_MISSING, /* actual is max for ever */
	BALLOON_STUCK,   /* never moves */
	BALLOON_SLOW,    /* a tenth of the speed */
	BALLOON_BACK,    /* takes memory back by itself (deflate-on-oom) */
	BALLOON_BREAKER, /* says that it shrinks, and keeps its pages */
	BALLOON_KIND_MAX,
	BALLOON_KIND_INVALID = -1,
};

/* One entry of "guests"; several guests where count > 1. */
struct guest_spec {
	char *name;
	uint64_t count;
	uint64_t max_bytes, current_bytes, overhead_bytes, qemu_bytes, swap_bytes;
	uint64_t vcpus;
	char **tags; /* NULL-terminated, or NULL */
	struct steps demand;     /* bytes */
	struct steps cpu_demand; /* permyriad of one CPU */
	uint64_t anon_permyriad;
	int agent;   /* enum agent_mode */
	uint64_t agent_from_msec;
	int balloon; /* enum balloon_kind */
	uint64_t start_msec, stop_msec;
	uint64_t reset_msec; /* its kernel boots anew; MSEC_NEVER: no */
};

struct scenario_guest {
	char *name; /* expanded: "busy-2" */
	const struct guest_spec *spec;
};

enum expect_kind {
	/* actual of each matching guest, in the window and on to the next demand step */
	EXPECT_AT_LEAST,
	EXPECT_NEVER_BELOW,   /* actual of each matching guest while it runs */
	EXPECT_HOST_FREE,     /* free memory of the host, as at_least */
	EXPECT_FLIPS_AT_MOST,
	EXPECT_COMMANDS_AT_MOST,
	EXPECT_KIND_MAX,
};
struct expect {
	enum expect_kind kind;
	char *guest;        /* glob over expanded names; NULL: all */
	uint64_t value;     /* bytes, permyriad of the host's memory, or a count */
	uint64_t after_msec;
	uint64_t within_msec; /* MSEC_NEVER: no limit */
};

struct scenario_policy {
	char *name; /* "inline-00" or the file's base name */
	char *path; /* NULL: inline */
	char *text;
	size_t len;
};

struct scenario {
	char *name;
	uint64_t start_real_usec; /* wall clock at 0, since 1970 */
	uint64_t duration_msec;
	uint64_t seed;
	uint64_t noise_permyriad;

	uint64_t memory_bytes;
	uint64_t reserve_bytes; /* BYTES_UNLIMITED: not given, policies and decide() say */
	uint64_t cpus;
	struct steps other; /* bytes that the host itself uses */
	uint64_t inflate_bytes_per_s, deflate_bytes_per_s; /* 0: at once */

	struct scenario_policy *policies;
	size_t n_policies;
	struct guest_spec *specs;
	size_t n_specs;
	struct scenario_guest *guests; /* expanded, in file order */
	size_t n_guests;
	struct expect *expects;
	size_t n_expects;
};

/* Reads one file; policies named in it are read too, beside it. Returns 0 and a scenario that the
 * caller frees, -errno of a file that cannot be read, or -EBADMSG: *d has file, line and column of
 * broken JSON, else a JSON Pointer to the place, what is there, what is expected, the nearest known
 * word. */
int scenario_load(const char *path, struct scenario **ret, struct diag *d) _nonnull_ _must_check_;
/* The same from memory: path names it in messages and is what policy files are relative to. */
int scenario_parse(const char *path, const char *text, size_t len, struct scenario **ret,
	struct diag *d) _nonnull_ _must_check_;
struct scenario *scenario_free(struct scenario *s); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct scenario *, scenario_free)
#define _cleanup_scenario_ _cleanup_(scenario_freep)

/* Does an expectation's glob mean this guest? */
bool expect_matches(const struct expect *e, const char *guest) _nonnull_ _pure_;
/* Is some guest's demand stepping at exactly this time, or (after) when does the next step come? */
uint64_t scenario_next_demand_step(const struct scenario *s, uint64_t after_msec) _nonnull_ _pure_;
