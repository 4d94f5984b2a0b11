/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/json.h"
#include "daemon/api/api.h"

/*
 * What the API answers, as tables: each object once, its fields in the order in which they are
 * written. The OpenAPI document (openapi.h) is made from them, and tests/api/ holds every answer of
 * a real daemon against it: a field that is written and not declared, or declared and not written,
 * fails there. What clients send is described by the tables of struct json_field (common/json.h)
 * that check it. One noun a file: schema-guest.c and so on.
 */
enum schema_type {
	SCHEMA_STRING,
	SCHEMA_UUID,
	SCHEMA_TIME,   /* RFC 3339 */
	SCHEMA_BOOL,
	SCHEMA_COUNT,  /* an integer >= 0; the name tells its unit (_usec, _permyriad, ...) */
	SCHEMA_BYTES,  /* the same, of bytes */
	SCHEMA_WORD,   /* one of `words` */
	SCHEMA_OBJECT, /* of `of` */
	SCHEMA_COUNTS, /* an object of integers whose names are not known before */
	SCHEMA_ANY,    /* JSON that is described elsewhere */
};

struct schema;
struct schema_stream;
struct schema_field {
	const char *name;
	enum schema_type type;
	const char *summary; /* NULL: the name says it */
	bool nullable;	     /* null: not known, not limited, none */
	bool list;	     /* an array of these; then nullable is the array */
	bool optional;	     /* not always there; the summary says when */
	const char *const *words; /* WORD: NULL-terminated, the table that writes them */
	const struct schema *of;  /* OBJECT */
};

struct schema {
	const char *name; /* of the component: "Guest" */
	const char *summary;
	/* ends with an entry without a name; NULL: not an object */
	const struct schema_field *fields;
	const char *media;		   /* NULL: application/json */
	const char *stream;		    /* also as this media type, when asked for; NULL: no */
	/* also as server-sent events, when asked for; ends without a schema */
	const struct schema_stream *events;
};
/* The data of an event's name; NULL: of all that are not named. */
struct schema_stream {
	const char *event;
	const struct schema *of;
};
#define SCHEMA_END {.name = NULL}
static inline const char *schema_media(const struct schema *s)
{
	return s && s->media ? s->media : "application/json";
}

/* schema-daemon.c */
extern const struct schema health_schema, ready_schema, version_schema, openapi_schema, page_schema,
	page_file_schema, whoami_schema, metrics_schema;
/* schema-host.c */
extern const struct schema host_schema, hosts_schema, plan_schema, preview_schema, division_schema;
/* schema-guest.c */
extern const struct schema guest_schema, guests_schema, reason_schema;
/* schema-policy.c */
extern const struct schema policy_schema, policy_put_schema, validation_schema, policies_schema,
	effective_schema, explain_schema, override_schema, overrides_schema, applied_policy_schema,
	origin_setting_schema, next_change_schema;
/* schema-event.c */
extern const struct schema event_schema, events_schema;
/* schema-history.c */
extern const struct schema guest_history_schema, host_history_schema;
/* schema-command.c: what commands answer */
extern const struct schema mode_schema, mode_set_schema, pause_schema, operation_schema,
	operations_schema, enrolled_schema, reloaded_schema, reservation_schema,
	reservations_schema, finding_schema;

/* Members that a problem of this code has beside those that all have. NULL: none. */
const struct schema_field *problem_members(enum api_problem code) _const_;

/* The parts of the host's memory, in an object: what write_division() writes. */
#define SCHEMA_DIVISION_FIELDS                                                               \
	{"managed", SCHEMA_BYTES, "what guests and host share", .nullable = true},           \
		{"reserve", SCHEMA_BYTES, "kept for the host", .nullable = true},            \
		{"other", SCHEMA_BYTES, "what the host itself uses", .nullable = true},      \
		{"overhead", SCHEMA_BYTES, "QEMU's own", .nullable = true},                  \
		{"budget", SCHEMA_BYTES, "managed - reserve - other - overhead",             \
			.nullable = true},                                                   \
		{"charged", SCHEMA_BYTES, "what the guests count for", .nullable = true},    \
		{"reserved", SCHEMA_BYTES, "of guests that are to start", .nullable = true}, \
	{                                                                                    \
		"free", SCHEMA_BYTES, "budget - charged - reserved, 0 when negative",        \
			.nullable = true                                                     \
	}
