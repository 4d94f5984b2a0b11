/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <syslog.h>

#include "common/diag.h"
#include "policy/uuid.h"

/*
 * What the daemon says in the journal; each kind has its MESSAGE_ID, and systemd/ballast.catalog a
 * text that says what it means and what to do. Where standard error is not the journal (a terminal,
 * a test) the same lines go there. Any thread may write; begin and end are the main one's.
 */
enum journal_message {
	JOURNAL_PLAIN, /* no id */
	JOURNAL_STARTED,
	JOURNAL_STOPPING,
	JOURNAL_MODE,
	JOURNAL_PAUSE,          /* began */
	JOURNAL_RESUMED,
	JOURNAL_RELOADED,
	JOURNAL_POLICY,         /* written through the API */
	JOURNAL_POLICY_REMOVED,
	JOURNAL_POLICY_BAD,
	JOURNAL_LIBVIRT_LOST,
	JOURNAL_LIBVIRT_BACK,
	JOURNAL_STATE_UNWRITABLE,
	JOURNAL_STATE_WRITABLE,
	JOURNAL_COMMAND,        /* memory was moved */
	JOURNAL_CPU,
	JOURNAL_SOFT_LIMIT,
	JOURNAL_COMMAND_FAILED,
	JOURNAL_QUARANTINE,
	JOURNAL_QUARANTINE_OVER,
	JOURNAL_AGENT,          /* came */
	JOURNAL_AGENT_LOST,
	JOURNAL_CHANNEL_SHUT,
	JOURNAL_OVERRIDE,       /* set */
	JOURNAL_OVERRIDE_CLEARED,
	JOURNAL_OVERRIDE_EXPIRED,
	JOURNAL_RESERVATION,    /* granted */
	JOURNAL_REFUSED,
	JOURNAL_RESERVATION_FREED,
	JOURNAL_START_UNASKED,
	JOURNAL_CLOCK_SET,
	JOURNAL_GUEST,          /* started */
	JOURNAL_GUEST_STOPPED,
	JOURNAL_GUEST_CHANGED,
	JOURNAL_ENROLLED,
	JOURNAL_STUCK,          /* what decisions tell, from here on */
	JOURNAL_UNSTUCK,
	JOURNAL_STALE,
	JOURNAL_FRESH,
	JOURNAL_BREAKER,
	JOURNAL_BREAKER_GONE,
	JOURNAL_NOT_CREDIBLE,
	JOURNAL_CREDIBLE,
	JOURNAL_TOOK_BACK,
	JOURNAL_OOM,
	JOURNAL_PRESSED,
	JOURNAL_RELIEVED,
	JOURNAL_POLICY_WINDOW,
	JOURNAL_REBOOT,
	JOURNAL_FLOOR_CUT,
	JOURNAL_HOST_STATE,
	JOURNAL_RELEASED,       /* guests were given their memory back */
	/* a credential was refused, or what tokens and certificates hold has changed */
	JOURNAL_ACCESS,
	JOURNAL_MESSAGE_MAX,
};

/* Once, first. level: the least important priority that is written (LOG_INFO, LOG_DEBUG). */
void journal_init(int level);
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
/* From now on lines carry ids and fields, and nobody who writes one waits for the journal to read
 * it (outbox.h). Before, and in a process that ends soon, they go to standard error: the journal
 * looks at who sent a message when it reads it, and does not find the unit of a process that has
 * ended by then. socket: JOURNAL_SOCKET, or a test's. */
void journal_begin(const char *socket) _nonnull_;
/* Before the process ends: gives what still waits to be read a second. */
void journal_end(void);
/* How many lines found no room so far, because nobody read those before. */
uint64_t journal_dropped(void);
/* The id as 32 hex digits, or NULL for JOURNAL_PLAIN: for the catalog's test. */
const char *journal_message_id(enum journal_message m) _const_;

/* Fields beside the text, all optional. */
struct journal_fields {
	const struct uuid *guest;
	const char *guest_name;
	const char *event; /* name of an event of the event list */
	const char *object; /* and the event itself, as the list has it: JSON */
};
/* The text becomes one line, in which control characters are escapes (common/printable.h). */
void journal_write(enum journal_message m, int priority, const struct journal_fields *fields,
	const char *fmt, ...) _printf_(4, 5);
#define journal_info(...)    journal_write(JOURNAL_PLAIN, LOG_INFO, NULL, __VA_ARGS__)
#define journal_warning(...) journal_write(JOURNAL_PLAIN, LOG_WARNING, NULL, __VA_ARGS__)
#define journal_error(...)   journal_write(JOURNAL_PLAIN, LOG_ERR, NULL, __VA_ARGS__)
#define journal_debug(...)   journal_write(JOURNAL_PLAIN, LOG_DEBUG, NULL, __VA_ARGS__)
/* Each finding as a line of its own. */
void journal_findings(
	enum journal_message m, int priority, const struct diag_list *findings) _nonnull_;
