/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "common/diag.h"
#include "common/units.h"

/*
 * `doctor`: is all set up as it must be? Gathering (doctor-gather.c) fills the facts; each check is
 * a row of a table and a pure function from facts to findings, so that it is tested with facts that
 * are made up.
 */

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_UNKNOWN, /* it could not be looked at, and why */
	DOCTOR_NOTE,	/* works, and could be better */
	DOCTOR_BAD,
	DOCTOR_STATE_MAX,
};

struct doctor_finding {
	enum doctor_state state;
	char subject[80]; /* a guest, a file; "" where the check's name says it */
	char text[400];
	char remedy[400];
};
#define DOCTOR_FINDINGS_MAX 40
struct doctor_result {
	struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
	size_t n, more; /* more: those that found no room */
	char fine[200]; /* what is said where nothing is found */
};
/* Adds one. */
void doctor_say(struct doctor_result *r, enum doctor_state state, const char *subject,
	const char *fmt, ...) _nonnull_args_(1, 3, 4) _printf_(4, 5);
/* What helps against the last one. */
void doctor_mend(struct doctor_result *r, const char *fmt, ...) _nonnull_args_(1, 2) _printf_(2, 3);
void doctor_fine(struct doctor_result *r, const char *fmt, ...) _nonnull_args_(1, 2) _printf_(2, 3);
/* The worst of a result. */
enum doctor_state doctor_worst(const struct doctor_result *r) _nonnull_ _pure_;

/* A unit of systemd as `systemctl show` has it; "" where that is not known. */
struct doctor_unit {
	char load[24], active[24], enabled[24];
};
/* A guest's definition, for what the daemon does not tell. */
struct doctor_definition {
	char name[128];
	bool balloon, autodeflate, reporting;
};
/* An address that Listen= names, as it answers. */
struct doctor_listener {
	char address[128];
	char error[256]; /* "" : it answers */
	bool tls;
	uint64_t expires_usec; /* of its certificate, wall time; 0: not known */
};
#define DOCTOR_LISTENERS_MAX 8

enum doctor_cgroup {
	DOCTOR_CGROUP_UNKNOWN,
	DOCTOR_CGROUP_V2,
	DOCTOR_CGROUP_V1,
	DOCTOR_CGROUP_NONE,
};

struct doctor_facts {
	uint64_t now_usec; /* wall time */
	/* the daemon is on another host: what is looked at here says nothing of it */
	bool remote;

	/* What the daemon says; NULL where it does not. */
	char api_problem[64], api_said[512]; /* "" : it answers */
	json_t *host, *guests, *policies, *version, *whoami;

	/* systemd */
	bool systemd;
	struct doctor_unit daemon, release;

	/* The socket, and who asks. */
	char socket[256], socket_group[64], user[64];
	int socket_errno, connect_errno; /* 0: it is there; it takes connections */

	/* libvirt's own sockets */
	char libvirt_socket[128];
	int libvirt_errno;	     /* of connecting; 0: it answers */
	uint64_t libvirt_started_usec; /* its daemon, wall time; 0: not known */
	char hook[256];
	int hook_errno;		     /* 0: it is there and may be run */
	uint64_t hook_changed_usec;

	/* The kernel */
	int psi_errno; /* 0: /proc/pressure/memory can be read */
	enum doctor_cgroup cgroup;
	bool cgroup_cpu;
	int clock; /* -1: not known, 0: nobody sets it, 1: it is kept in time */

	/* Files */
	struct diag_list conf_findings, policy_findings, policy_notes, shadowed;
	size_t n_policies;
	/* the daemon that answers was started with another ballast.conf than what was read, for no
	 * --config named it: these files are not its own */
	bool elsewhere;
	char state_dir[256];
	int state_errno;	/* of looking; EACCES: only ballastd may */
	uint64_t state_free_bytes, state_files_free;

	/* The network */
	struct doctor_listener listeners[DOCTOR_LISTENERS_MAX];
	size_t n_listeners;
	char tokens[256];
	int tokens_errno;
	unsigned tokens_mode;
	bool client_authority;

	/* Definitions, where virsh could be asked */
	struct doctor_definition *definitions;
	size_t n_definitions;
};
/* Why nothing is known that only the daemon could tell. */
const char *doctor_silence(const struct doctor_facts *f) _nonnull_ _pure_;
/* Frees what is inside. */
void doctor_facts_clear(struct doctor_facts *f) _nonnull_;
#define _cleanup_doctor_facts_ _cleanup_(doctor_facts_clear)

struct doctor_check {
	const char *name;  /* stable, for programs */
	const char *title; /* what is well where nothing is found */
	bool local;	   /* looks at this machine: says nothing of a daemon elsewhere */
	void (*run)(const struct doctor_facts *f, struct doctor_result *r);
	const char *remedy; /* for findings that bring none of their own; or NULL */
};
extern const struct doctor_check doctor_checks[];
extern const size_t doctor_n_checks;

/* The checks of guests (doctor-guest.c). */
void doctor_check_balloon(const struct doctor_facts *f, struct doctor_result *r) _nonnull_;
void doctor_check_agent(const struct doctor_facts *f, struct doctor_result *r) _nonnull_;
void doctor_check_net(const struct doctor_facts *f, struct doctor_result *r) _nonnull_;
void doctor_check_guest_psi(const struct doctor_facts *f, struct doctor_result *r) _nonnull_;
void doctor_check_reporting(const struct doctor_facts *f, struct doctor_result *r) _nonnull_;
void doctor_check_sizes(const struct doctor_facts *f, struct doctor_result *r) _nonnull_;
