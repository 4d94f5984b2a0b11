/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "common/diag.h"
#include "daemon/history/tick.h"
#include "policy/uuid.h"

/*
 * What must outlive the daemon: mode, overrides, each guest's original sizes, and a bounded history
 * of events and decisions. SQLite (WAL) in the state directory, with a thread of its own that
 * gathers what waits into one transaction and answers after the fsync. store_put_*() and
 * store_add_*() never block; the loaders do, and are for the time before store_start().
 *
 * A disk that is full or read-only does not stop the daemon: writes then answer with an error,
 * on_health() tells, the thread tries again every 10 s, and on_health(ok) asks the owner to put all
 * its state once more. A state file of a newer version, or one that cannot be read, is refused:
 * silently starting anew would forget the mode and the original sizes. The same holds where one was
 * made (a file `state-made` says so) and is gone or empty. Where it cannot even be seen whether
 * there is one, nothing is written before the owner has read what is there (store_unread()).
 *
 * A file that is damaged, deleted or replaced while it is open is noticed before anything is
 * acknowledged that went into it. It is kept as state.db.damaged-TIME, and a new one is written
 * with what the owner has in memory; what only the file had (older events, history) is lost, and
 * on_health() says so.
 */
struct store;

struct store_config {
	const char *dir;
	uint64_t max_events;    /* kept, each at most 4 KiB */
	uint64_t max_decisions;
	uint64_t max_bytes; /* of the file, its WAL included; 0: no bound */
};

/* Called from the event loop. text: what failed, for people; "" when ok, or, where the file is a new
 * one, what became of the old: then the owner is to put all that it has, at once. */
struct store_ops {
	void (*on_health)(void *data, bool ok, const char *text);
};

/*
 * Opens, and migrates an older version after copying it to state.db.vN. Returns 0; 1: open, but
 * nothing can be written now (*d says why; what was there is readable, or store_unread()); -EPROTO:
 * a newer version, -EBUSY: another daemon has it, -EBADMSG: damaged, -ENODATA: there was one, and
 * it is gone, empty or not complete, -EACCES and other -errno: it exists but cannot be read. *d
 * names the remedy.
 */
int store_open(const struct store_config *config, const struct store_ops *ops, void *data,
	struct store **ret, struct diag *d) _nonnull_args_(1, 2, 4, 5) _must_check_;
/* Only to read what is there, of any version, beside nobody: for `ballastd --release`. -ENOENT
 * where there is none. */
int store_open_readonly(const char *dir, struct store **ret, struct diag *d) _nonnull_ _must_check_;
/* True while nothing could be read yet. In the first on_health(ok) the loaders then work, and the
 * store's thread waits, until the owner calls store_was_read(): what he could not know must not be
 * written over. Main loop. */
bool store_unread(struct store *s) _nonnull_;
void store_was_read(struct store *s) _nonnull_;
/* A reader found the file damaged: the store's thread looks at it. Any thread. */
void store_suspect(struct store *s) _nonnull_;
/* Starts the thread; results arrive through loop. Returns 0 or -errno. */
int store_start(struct store *s, sd_event *loop) _nonnull_ _must_check_;
/* Writes what waits (at most 3 s), stops the thread, closes; answers that have not been told are
 * told now (unless the disk hangs: then what waits is left to the thread, and nobody is told).
 * Takes NULL, returns NULL. */
struct store *store_free(struct store *s);
DEFINE_CLEANUP(struct store *, store_free)
#define _cleanup_store_ _cleanup_(store_freep)

/* The answer to one write, in the main loop, after the fsync: 0 or -errno (text then says what
 * failed). */
typedef void (*store_done)(void *userdata, int error, const char *text);

/* Small named texts: "mode". done may be NULL in all of these. Each copies its arguments. Returns
 * 0, -ENOMEM, or -ENOBUFS when too much waits (then done is not called). */
int store_put_text(struct store *s, const char *key, const char *value, store_done done,
	void *userdata) _nonnull_args_(1, 2, 3) _must_check_;
/* A new string, or -ENOENT. Before store_start(). */
int store_load_text(struct store *s, const char *key, char **ret) _nonnull_ _must_check_;

/* All overrides of one guest as one text (JSON, the owner's form), so that they are replaced as a
 * whole or not at all. NULL: it has none any more. */
int store_put_overrides(struct store *s, const struct uuid *guest, const char *text,
	store_done done, void *userdata) _nonnull_args_(1, 2) _must_check_;
typedef int (*store_overrides_fn)(const struct uuid *guest, const char *text, void *userdata);
int store_load_overrides(struct store *s, store_overrides_fn fn, void *userdata)
	_nonnull_args_(1, 2) _must_check_;

/* What a guest had before Ballast touched it, for each of its runs. */
struct store_original {
	struct uuid guest;
	const char *name;
	const char *run; /* which run of it this holds for: guest_run_format(); "" if not known */
	uint64_t bytes;      /* its target then */
	uint64_t cpu_weight; /* 0: not known */
	uint64_t cpu_quota;  /* permyriad; 0: none */
	uint64_t target_bytes; /* last commanded by us; 0: never */
	bool soft_limited;   /* a soft limit of ours is on it */
	bool cpu_ours;       /* its CPU weight or quota is ours, or may be */
	/* what libvirt said that weight and quota above were made of; 0: not known */
	uint64_t cpu_shares;
	uint64_t cpu_period_usec; /* 0: not known, and cpu_quota_usec neither */
	int64_t cpu_quota_usec;   /* -1: none */
	bool period_ours;    /* its balloon statistics' period is ours */
};
int store_put_original(struct store *s, const struct store_original *o, store_done done,
	void *userdata) _nonnull_args_(1, 2) _must_check_;
int store_delete_original(struct store *s, const struct uuid *guest) _nonnull_ _must_check_;
typedef int (*store_original_fn)(const struct store_original *o, void *userdata);
int store_load_originals(struct store *s, store_original_fn fn, void *userdata) _nonnull_args_(1, 2)
	_must_check_;

/* What nobody waits for (done is NULL, and all history) is gathered for up to a second. History
 * is dropped (and counted) while nothing can be written. text: one JSON object: -E2BIG beyond 4
 * KiB. */
int store_add_event(struct store *s, uint64_t real_usec, const char *text) _nonnull_ _must_check_;
int store_add_decision(struct store *s, uint64_t real_usec, const struct uuid *guest,
	const char *text) _nonnull_ _must_check_;
/* Samples of one time. Takes t, also on failure. */
int store_add_tick(struct store *s, struct tick *t) _nonnull_ _must_check_;
/* The highest number that an event on the disk has or had; 0: none. Returns 0 or -errno (-ENOENT
 * where the file is of an older version, and can only be read). Before store_start(). */
int store_load_last_number(struct store *s, uint64_t *ret) _nonnull_ _must_check_;
typedef int (*store_event_fn)(uint64_t seq, uint64_t real_usec, const char *text, void *userdata);
/* The newest max events and decisions together by wall time, oldest first; seq is that of the one
 * or the other. Before store_start(). */
int store_load_events(struct store *s, uint64_t max, store_event_fn fn, void *userdata)
	_nonnull_args_(1, 3) _must_check_;

/* Any thread. */
struct store_counters {
	uint64_t commits;
	uint64_t written;  /* rows */
	uint64_t lost;     /* history that could not be written */
	uint64_t failures; /* transactions that failed */
	unsigned waiting;  /* now */
	uint64_t bytes;	    /* of the file, its WAL included; 0: not known yet */
	uint64_t max_bytes; /* as configured */
	uint64_t oldest_sec; /* of the samples; 0: there are none */
};
void store_counters(struct store *s, struct store_counters *ret) _nonnull_;
