/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/calm.h"
#include "agent/figures.h"
#include "agent/fs.h"
#include "agent/hostline.h"
#include "agent/line.h"
#include "agent/look.h"
#include "agent/port.h"
#include "agent/proc.h"

/* The agent as a whole: one thread, one struct, one place where it sleeps. */
struct agent {
	const char *proc_dir;
	struct proc proc;
	struct port port;
	struct look look;
	struct config config;
	struct hostline hostline;
	struct calm calm;
	struct figures figures;
	int epoll_fd;
	int psi_fd; /* -1: no trigger */

	bool has_calm;    /* page faults are counted */
	bool host;        /* somebody holds the other end */
	bool told_port;   /* why the port cannot be opened was said */
	bool told_memory; /* that meminfo cannot be read was said */
	bool trigger;     /* it fired since the last look */
	bool want_hello, want_report, want_ping;
	uint64_t ping_id;

	uint64_t seq;
	uint64_t boot_id;
	struct fs_list fs; /* as told last */
	bool fs_told;
	uint64_t fs_usec; /* when they were looked at last */

	char os[128], kernel[128]; /* the latter holds all of utsname's */
	char line[AGENT_LINE_MAX];
};

/* Reads what does not change and opens what can be opened. */
void agent_init(
	struct agent *a, const char *port, const char *proc_dir, const char *sys_dir) _nonnull_;

/* Runs for ever. Returns -errno when it cannot even sleep. */
int agent_run(struct agent *a) _nonnull_ _must_check_;

/* One hello and one report into *t. Returns 0 or -errno. */
int agent_once(struct agent *a, struct text *t) _nonnull_ _must_check_;

/* "ballast-agent: WHAT: strerror" on stderr. error may be 0. */
void say(const char *what, int error) _nonnull_;
