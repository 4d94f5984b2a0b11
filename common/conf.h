/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "common/diag.h"

/*
 * ballast.conf(5): what the daemon needs to know before it can ask anybody. Read by the main thread
 * at start and on reload; immutable in between; by ballastctl for what it does without the daemon.
 * Everything that is said about guests is said in policies, not here.
 */
struct conf {
	/* [Daemon] */
	char *uri;                /* Uri: libvirt connection */
	char *state_dir;          /* StateDirectory */
	char **policy_dirs;       /* PolicyPath: lowest layer first, NULL-terminated */
	char *host_name;          /* HostName; NULL: the kernel's */
	/* [API] */
	char *socket;             /* Socket: path of the UNIX socket */
	gid_t admin_gid;          /* AdminGroup; (gid_t)-1: the daemon's own */
	gid_t operate_gid;        /* OperateGroup; (gid_t)-1: nobody */
	gid_t read_gid;           /* ReadGroup; (gid_t)-1: nobody */
	char **listen;            /* Listen: addresses of TCP sockets; empty: none */
	char *certificate, *key;  /* Certificate, Key: files, or credentials of the unit */
	char *client_authority;   /* ClientAuthority: likewise; NULL: no client certificates */
	char *tokens;             /* Tokens: path of the file of tokens and certificates' roles */
	bool loopback_without_tls; /* LoopbackWithoutTls */
	uint64_t max_connections; /* MaxConnections */
	uint64_t max_per_client;  /* MaxConnectionsPerClient */
	/* [Agent] */
	uint64_t heartbeat_usec;  /* HeartbeatSec */
	/* StallSec: of memory stall within a second that an agent reports at once */
	uint64_t stall_usec;
	uint64_t change_permyriad; /* AvailableChange: of total memory, reported at once */
	/* [Libvirt] */
	uint64_t call_timeout_usec; /* CallTimeoutSec: then a guest is quarantined */
	/* [History] */
	uint64_t max_events;      /* Events: kept in the state directory */
	uint64_t max_decisions;   /* Decisions: likewise */
	uint64_t sample_usec;     /* SampleSec: between two samples of guests and host */
	uint64_t max_bytes;       /* MaxSize: of the state file */
};

/* Frees what is inside and leaves it empty. Takes NULL. */
void conf_clear(struct conf *c);
#define _cleanup_conf_ _cleanup_(conf_clear)

/*
 * Defaults, then path, then path.d/(*).conf in lexical order; later wins, an empty assignment
 * resets to the default. A main file that is not there is an empty one unless must_exist. Every
 * mistake is a finding (file:line:col, nearest known key). Returns 0 with *ret filled; -EBADMSG
 * with findings and *ret untouched; -errno when a file, or the drop-ins' directory, cannot be read
 * (a finding names it), -ENOMEM.
 */
int conf_load(const char *path, bool must_exist, struct conf *ret, struct diag_list *findings)
	_nonnull_ _must_check_;
/*
 * The same for who must go on whatever the files say (`ballastd --release`): *ret is filled with
 * what is good in them, and defaults for the rest; findings say what is not. Returns 0, 1 where a
 * whole file, or the drop-ins' directory, could not be read, or -ENOMEM (then *ret is untouched).
 */
int conf_load_good(const char *path, bool must_exist, struct conf *ret, struct diag_list *findings)
	_nonnull_ _must_check_;

/* What this host is called: HostName=, or the kernel's name. Returns 0 or -errno. */
int conf_host_name(const struct conf *c, char *buf, size_t size) _nonnull_ _must_check_;
/* The path of something beside the API's socket, where what is to be found again by the next daemon
 * of this boot lies. A new string; NULL without memory, or where there is no socket. */
char *conf_beside_socket(const struct conf *c, const char *name) _nonnull_ _must_check_;

/* Every key with its default as text, in table order: for the manual's test. fn may stop by
 * returning non-zero. */
typedef int (*conf_visitor)(
	const char *section, const char *key, const char *fallback, void *userdata);
int conf_visit(conf_visitor fn, void *userdata) _nonnull_args_(1);

#define CONF_KEYS 24
/* Fills ret with the names of the keys whose new value needs a restart to take effect, in table
 * order: the rest is taken over by a reload. Returns how many. */
size_t conf_needs_restart(const struct conf *old, const struct conf *new,
	const char *ret[static CONF_KEYS]) _nonnull_;
