/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/snapshot.h"

/*
 * One line of a guest's agent, docs/agent-protocol.md. What a guest writes is hostile until proven
 * otherwise: types and ranges are strict, unknown members are skipped, nothing is allocated and
 * nothing is kept but what is in these structs. Pure: no clock, no I/O, no log.
 */

/* A line with its newline; what is longer is bad as a whole. */
#define LINE_BYTES_MAX 4096
/* A file system's mount point that is longer is cut here. */
#define FILESYSTEM_MOUNT_MAX 64
#define FILESYSTEMS_MAX 8

/* What an agent says that it can do: bits of agent_hello.caps. Names that we do not know are
 * skipped. */
enum agent_cap {
	AGENT_CAP_PSI,         /* the kernel has /proc/pressure */
	AGENT_CAP_PSI_TRIGGER, /* and lets the agent wait on it: without, it looks every 0.25 s */
	AGENT_CAP_FILESYSTEMS, /* tells file systems */
	AGENT_CAP_MAX,
	AGENT_CAP_INVALID = -1,
};
DECLARE_STRTAB(agent_cap, enum agent_cap)

/* Text is cut to its buffer, printable ASCII only (other bytes become '?'), so that it may be shown
 * anywhere. */
struct agent_hello {
	char version[32];    /* of the agent */
	char os[64];         /* PRETTY_NAME of os-release, "" when not told */
	char kernel[64];     /* uname -r */
	uint32_t proto;      /* 1 */
	uint32_t page_bytes; /* 4096 ... 65536 */
	uint64_t boot_id;    /* first half of the kernel's boot_id; never 0 */
	uint32_t caps;       /* 1 << enum agent_cap */
};

struct guest_filesystem {
	char mount[FILESYSTEM_MOUNT_MAX]; /* made printable like the texts above */
	uint64_t size_bytes;
	uint64_t free_bytes; /* what an unprivileged user may still write */
};

enum line_type {
	LINE_HELLO,
	LINE_REPORT,
	LINE_TYPE_MAX,
	LINE_TYPE_INVALID = -1,
};
DECLARE_STRTAB(line_type, enum line_type)

struct line {
	enum line_type type;
	struct agent_hello hello; /* LINE_HELLO */
	/* LINE_REPORT. source is REPORT_AGENT; arrival_usec is 0: the reader stamps it; page_bytes
	 * is 4096: the channel puts in what hello told. */
	struct guest_report report;
	bool has_ping;    /* this report answers a ping */
	uint64_t ping_id; /* which */
	bool has_filesystems;
	size_t n_filesystems;
	struct guest_filesystem filesystems[FILESYSTEMS_MAX];
};

/* Reads one line of len bytes, without its newline. Returns 0, or -EBADMSG (not of the form) or
 * -ERANGE (a number that cannot be, or that contradicts another): then *ret_reason is a constant
 * text for people, and *ret is undefined. */
int line_parse(const char *text, size_t len, struct line *ret,
	const char **ret_reason) _nonnull_ _must_check_;

/* Whether the numbers of a report can be: line_parse() has asked it. Returns 0, or -ERANGE with
 * *ret_reason as above. */
int line_check_report(const struct guest_report *r, const char **ret_reason) _nonnull_ _must_check_;

/* Whether a report may follow prev, the last accepted one of the same guest: seq grows, time and
 * counters do not run backwards, unless the boot id changed. Returns 0, or -ERANGE with *ret_reason
 * as above. */
int line_check_order(const struct guest_report *prev, const struct guest_report *next,
	const char **ret_reason) _nonnull_ _must_check_;

/* Whether next, whose boot id is another than that of prev, can be the word of a new boot that
 * nobody told the host about: it has been up no longer than since prev arrived, and the last boot
 * that the host knows of, at boot_usec (CLOCK_BOOTTIME), is a minute ago. Returns 0, or -ERANGE
 * with *ret_reason as above. */
int line_check_boot(const struct guest_report *prev, const struct guest_report *next,
	uint64_t boot_usec, const char **ret_reason) _nonnull_ _must_check_;
