/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/diag.h"
#include "policy/settings.h"

/*
 * All policies of a host as read: immutable and reference counted (atomically: the HTTP thread
 * shows what the main loop decides by). Merge order is the order of the set: layers by directory,
 * lexical by file name within all (systemd's rule: name decides, not directory).
 */
struct policy_set;

struct policy_set *policy_set_ref(struct policy_set *set);
struct policy_set *policy_set_unref(struct policy_set *set); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct policy_set *, policy_set_unref)
#define _cleanup_policy_set_ _cleanup_(policy_set_unrefp)

/* A policy's own file that is taken to be there, or not to be: what would be read if it were so.
 * Strings stay the asker's. */
struct policy_change {
	const char *dir;  /* one of the layers */
	const char *name; /* "60-night.policy" */
	const char *text; /* NULL: there is none */
	size_t len;
};

/* A layer that is not looked at on the disk: this is what is in it. Strings stay the asker's. */
struct policy_given {
	const char *dir; /* one of the layers */
	const struct policy_change *files;
	size_t n;
};

/* The layers, lowest first: /usr/lib, /run, STATEDIR (written by the API), /etc. NULL-terminated
 * list of directories; one that is not there is an empty layer. `NAME.policy.d/(*).conf` drop-ins
 * come from all layers. */
struct policy_dirs {
	const char *const *dirs;
	const struct policy_change *change; /* NULL: as the files are */
	const char *own;		    /* the one of them that the API writes; NULL: none */
	const struct policy_given *given;   /* NULL: none */
	size_t n_given;
	const char *zoneinfo;  /* NULL: /usr/share/zoneinfo */
	const char *localtime; /* NULL: /etc/localtime */
};

/*
 * Reads all. last_good (may be NULL) is the set in force: a file that is bad now keeps the version
 * it had there, every good file takes effect. findings gets one diag per mistake, in reading order.
 * Returns the number of files that are bad (0: all good), or -errno when nothing could be read;
 * *ret_set is a new reference whenever the result is >= 0.
 */
int policy_set_load(const struct policy_dirs *dirs, struct policy_set *last_good,
	struct policy_set **ret_set, struct diag_list *findings) _nonnull_args_(1, 3) _must_check_;

/* One policy from memory. */
struct policy_text {
	const char *name; /* "inline-00", or a file's base name; the place in messages */
	const char *path; /* shown as the origin; NULL: the name */
	const char *text;
	size_t len;
};
/* A set from texts, merged in the order given: the simulator's inline policies, a policy that is to
 * be checked, tests. Returns 0 or -EBADMSG with findings; zone files are read from dirs (may be
 * NULL: the system's). */
int policy_set_from_texts(const struct policy_text *texts, size_t n, const struct policy_dirs *dirs,
	struct policy_set **ret_set, struct diag_list *findings) _nonnull_args_(4) _must_check_;

/* A number that differs between any two sets of one process. */
uint64_t policy_set_generation(const struct policy_set *set) _nonnull_ _pure_;
/* SHA-256 is not needed: 64 bits over names and texts, equal on all hosts for equal input. */
uint64_t policy_set_digest(const struct policy_set *set) _nonnull_ _pure_;
/* What is no mistake and should be said all the same when the set is checked or loaded: settings
 * that this version accepts and does not act on, policies in force in their last good version,
 * drop-ins without a policy. Lives as long as the set. */
const struct diag_list *policy_set_notes(const struct policy_set *set) _nonnull_ _pure_;
/* What is bad and has no last good version, so that nothing of it is in force: a diag each with the
 * first mistake of it, its file first of all. A file, or a directory that could not be read at the
 * first load. Lives as long as the set. */
const struct diag_list *policy_set_lost(const struct policy_set *set) _nonnull_ _pure_;
/* [Host] settings: no schedule or condition of a policy holds for them; merged in set order. */
const struct host_settings *policy_set_host(const struct policy_set *set) _nonnull_ _pure_;

/* For lists: what one policy is. Strings live as long as the set. */
struct policy_info {
	const char *name;        /* "60-night-backup.policy" */
	const char *path;        /* the file in force */
	const char *description; /* "" if none */
	const char *condition;   /* source text, "" if none */
	uint64_t lasting_usec;   /* how long the condition must have been true */
	const char *on_calendar; /* source text(s) joined by "; ", "" if none */
	bool has_match;
	bool stale;              /* its file is bad now: this is its last good version */
};
/* Text of its file (k 0) or of the drop-in k; *ret_path as policy_info's. NULL beyond the last.
 * Lives as long as the set. */
const char *policy_set_text(const struct policy_set *set, size_t i, size_t k, const char **ret_path,
	size_t *ret_len) _nonnull_;
/* Text of the file of the same name in the layer `own` of the load, where another layer's is in
 * force; NULL: there is none. Lives as long as the set. */
const char *policy_set_own_text(const struct policy_set *set, size_t i, size_t *ret_len) _nonnull_;
size_t policy_set_count(const struct policy_set *set) _nonnull_ _pure_;
void policy_set_info(const struct policy_set *set, size_t i, struct policy_info *ret) _nonnull_;
/* Index by name ("60-night-backup" or with ".policy"), or -ENOENT. */
int policy_set_find(const struct policy_set *set, const char *name) _nonnull_ _pure_;
