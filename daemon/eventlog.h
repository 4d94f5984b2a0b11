/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/plan.h"

/*
 * What happened, newest last: a bounded ring of event objects. The main loop appends; any thread
 * reads by sequence. Each event is kept as the very JSON object that the list, the stream and
 * `ballastctl events --json` show, written once when it is appended (about a microsecond). The ring
 * holds EVENTLOG_EVENTS events or EVENTLOG_BYTES of text, whichever fills first; the oldest go.
 */
#define EVENTLOG_EVENTS 2048
#define EVENTLOG_BYTES (512 * KIB)

/* What the daemon itself tells, beside the decision's own events (enum event_kind). Both tables
 * share one space of names. */
enum daemon_event {
	DAEMON_EVENT_COMMAND,	     /* memory of a guest was commanded: from, to, reason */
	DAEMON_EVENT_CPU,	     /* weight or quota was set: weight, quota_permyriad, reason */
	DAEMON_EVENT_SOFT_LIMIT,     /* a breaker was given a soft limit, or it was lifted: bytes,
					reason */
	DAEMON_EVENT_COMMAND_FAILED, /* libvirt refused or timed out */
	DAEMON_EVENT_GUEST_STARTED,
	DAEMON_EVENT_GUEST_STOPPED,
	DAEMON_EVENT_GUEST_CHANGED,   /* defined anew, device came or went */
	DAEMON_EVENT_AGENT_CONNECTED, /* its hello was read */
	DAEMON_EVENT_AGENT_LOST,      /* channel closed by the other side */
	DAEMON_EVENT_CHANNEL_SHUT,    /* closed by us: flood or garbage */
	DAEMON_EVENT_QUARANTINE,      /* a call on the guest is overdue */
	DAEMON_EVENT_QUARANTINE_OVER,
	DAEMON_EVENT_LIBVIRT_LOST,
	DAEMON_EVENT_LIBVIRT_BACK,
	DAEMON_EVENT_MODE,	 /* observe or enforce */
	DAEMON_EVENT_PAUSED,	 /* no guest is commanded for a while */
	DAEMON_EVENT_RESUMED,	 /* that is over, by its time or by hand */
	DAEMON_EVENT_RELOAD,	 /* policies and configuration were read again */
	DAEMON_EVENT_POLICY_WRITTEN, /* by the API */
	DAEMON_EVENT_POLICY_REMOVED,
	DAEMON_EVENT_POLICY_BAD, /* a file is bad; its last good version stays, if it has one */
	DAEMON_EVENT_OVERRIDE_SET,
	DAEMON_EVENT_OVERRIDE_CLEARED,
	DAEMON_EVENT_OVERRIDE_EXPIRED,
	DAEMON_EVENT_ENROLLED,
	DAEMON_EVENT_RESERVED, /* room was granted */
	DAEMON_EVENT_REFUSED,  /* room was refused */
	DAEMON_EVENT_RESERVATION_FREED,
	DAEMON_EVENT_START_UNASKED, /* a guest started without asking for room: no hook */
	DAEMON_EVENT_STATE_UNWRITABLE, /* the state directory is full or read-only */
	DAEMON_EVENT_STATE_WRITABLE,
	DAEMON_EVENT_CLOCK_SET, /* wall time jumped: schedules were judged anew */
	DAEMON_EVENT_STARTED,
	DAEMON_EVENT_STOPPING,
	DAEMON_EVENT_MAX,
	DAEMON_EVENT_INVALID = -1,
};
DECLARE_STRTAB(daemon_event, enum daemon_event)

enum severity {
	SEVERITY_INFO,	  /* the daemon at its work */
	SEVERITY_NOTICE,  /* worth a look */
	SEVERITY_WARNING, /* something is wrong; Ballast copes */
	SEVERITY_ERROR,	  /* something is wrong and stays so until somebody acts */
	SEVERITY_MAX,
	SEVERITY_INVALID = -1,
};
DECLARE_STRTAB(severity, enum severity)

/* A named number of an event. */
struct event_number {
	const char *name; /* "from"; sizes in bytes bear no unit, others do ("weight",
			     "quota_permyriad") */
	uint64_t value;	  /* UINT64_MAX is written as null */
};

/* An event to append. Pointers are read during the call only. */
struct event {
	const char *kind; /* event_kind_to_string() or daemon_event_to_string() */
	enum severity severity;
	uint64_t time_real_usec;
	const struct uuid *guest; /* NULL: of the host */
	const char *guest_name;	  /* with guest */
	const struct event_number *numbers;
	size_t n_numbers;	     /* at most 8 */
	const struct reason *reason; /* NULL: none */
	const char *by;		     /* who asked: api_call_by(); NULL: Ballast itself */
	const char *text;	     /* one sentence without a full stop; cut at 512 bytes */
};

struct eventlog;
/*
 * host: this host's name in ids. boot: tells one run of the daemon from another (eight hex digits,
 * random); an id is "host:boot:seq", seq starting from 1, or as eventlog_go_on() says. Both are
 * copied. NULL without memory.
 */
struct eventlog *eventlog_new(const char *host, const char *boot) _nonnull_ _must_check_;
struct eventlog *eventlog_free(
	struct eventlog *l); /* takes NULL, returns NULL; no reader may be left */
DEFINE_CLEANUP(struct eventlog *, eventlog_free)

/* Appends (main loop). Returns the sequence number. An event that does not fit in 4 KiB loses its
 * text's end, never its numbers. */
uint64_t eventlog_append(struct eventlog *l, const struct event *e) _nonnull_;
/* The same for an event of a plan: kind, numbers and text by event_format(), severity from one
 * table. name: the guest's, or NULL. */
uint64_t eventlog_append_plan(struct eventlog *l, const struct plan_event *e, const char *name,
	uint64_t time_real_usec) _nonnull_args_(1, 2);
/* How bad an event of a plan is: what eventlog_append_plan() writes. */
enum severity eventlog_plan_severity(enum event_kind kind) _const_;
/* Appends an object that an earlier run of the daemon wrote, as it is: its id stays that run's.
 * Returns its kind's name, NULL where it is not one of ours (then nothing is appended). */
const char *eventlog_recall(struct eventlog *l, const char *object) _nonnull_;
/* After what was recalled, and before anything else: this run's first event has that number, which
 * is above all that earlier runs gave. Returns 0, -EINVAL (it is not), -EALREADY or -ENOMEM. */
int eventlog_go_on(struct eventlog *l, uint64_t first) _nonnull_ _must_check_;
/* A short form for events without numbers of their own. guest may be NULL. */
uint64_t eventlog_append_text(struct eventlog *l, enum daemon_event kind, enum severity severity,
	uint64_t time_real_usec, const struct uuid *guest, const char *guest_name, const char *fmt,
	...) _nonnull_args_(1, 7) _printf_(7, 8);

#define EVENTLOG_ID_MAX 128
/* Which events to read. */
struct eventlog_filter {
	uint64_t after;		  /* sequence numbers above this */
	uint64_t since_real_usec; /* from the first that happened then or later on; 0: all */
	bool newest;		  /* of those that fit, the last `limit` instead of the first */
	size_t limit;		  /* at most this many */
	const struct uuid *guest; /* NULL: all */
	const char *guest_name;	  /* NULL: all; the name it had at the time of the event */
	const char *kind;	  /* NULL: all */
};
struct eventlog_page {
	char *text; /* the objects joined by ",", in order; the caller frees */
	size_t len;
	size_t n;
	uint64_t last; /* sequence of the last one looked at: the next `after` */
	char last_id[EVENTLOG_ID_MAX]; /* and its id */
	bool lost;     /* some events after filter->after are gone from the ring */
	bool more;     /* there are more behind `last` */
};
/* Reads by sequence (any thread). Returns 0 or -ENOMEM. */
int eventlog_read(struct eventlog *l, const struct eventlog_filter *f,
	struct eventlog_page *ret) _nonnull_ _must_check_;
/*
 * The same without a copy, for streams: calls fn for each event after *seq that fits guest,
 * guest_name and kind, until it returns false, and moves *seq on to the last one that needs not be
 * seen again. fn runs with the log locked: it copies and returns. False: some after *seq are gone;
 * nothing was done.
 */
struct eventlog_object {
	const char *text; /* not terminated */
	size_t len;
	const char *kind;
	uint64_t seq;
	char id[EVENTLOG_ID_MAX];
};
typedef bool (*eventlog_visitor)(const struct eventlog_object *object, void *userdata);
/* id: becomes that of *seq, where it moved. */
bool eventlog_visit(struct eventlog *l, const struct eventlog_filter *f, uint64_t *seq,
	char id[static EVENTLOG_ID_MAX], eventlog_visitor fn, void *userdata)
	_nonnull_args_(1, 2, 3, 5) _must_check_;
/* The sequence after which the last f->limit begin that fit (f->newest), or the first since
 * f->since_real_usec. */
uint64_t eventlog_start(struct eventlog *l, const struct eventlog_filter *f) _nonnull_;
/*
 * Where an id, also one of an earlier run, stands in the ring: *ret_after is the sequence after
 * which all that came after it is. Returns 0; -ENOENT: what came after it is not (all) here;
 * -ENXIO: this run has not come that far; -EINVAL: it is no id.
 */
int eventlog_find(struct eventlog *l, const char *id, uint64_t *ret_after) _nonnull_ _must_check_;
/* A bare number of this run becomes the whole id, in buf; all else stays what it is. A number of an
 * earlier run is that run's: numbers go on rising from one to the next. */
const char *eventlog_whole_id(const struct eventlog *l, const char *after,
	char buf[static EVENTLOG_ID_MAX]) _nonnull_args_(1, 2);
/* From now on the first event that is appended pokes this eventfd, then nothing does until
 * eventlog_listen() is called again: one poke a batch, however long it is. -1: nobody listens, and
 * nothing is poked. */
void eventlog_listen(struct eventlog *l, int fd) _nonnull_;
/* Sequence of the oldest event in the ring, and its time (0: there is none). */
uint64_t eventlog_oldest(struct eventlog *l, uint64_t *ret_real_usec) _nonnull_;
/* Its id, "" where there is none. Returns buf. */
char *eventlog_oldest_id(struct eventlog *l, char buf[static EVENTLOG_ID_MAX]) _nonnull_;
/* Sequence of the newest event; 0: none yet. */
uint64_t eventlog_head(struct eventlog *l) _nonnull_;
/*
 * "host:boot:seq" or a plain number to the sequence to read after. Returns 0; 1 for an id of
 * another run of the daemon (*ret is 0: all there is); -EINVAL.
 */
int eventlog_parse_id(
	const struct eventlog *l, const char *text, uint64_t *ret) _nonnull_ _must_check_;
/* "host:boot:seq" of a sequence number. Returns buf. */
char *eventlog_format_id(const struct eventlog *l, uint64_t seq, char buf[static EVENTLOG_ID_MAX]);
/* The tables' own copy of this name of an event, NULL where there is none. Takes NULL. */
const char *eventlog_kind(const char *kind) _pure_;
