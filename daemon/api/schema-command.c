/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/schema.h"

const struct schema mode_schema = {"Mode", "observe: look only; enforce: act",
	(const struct schema_field[]){
		{"mode", SCHEMA_WORD, .words = daemon_mode_names},
		SCHEMA_END,
	}};

const struct schema pause_schema = {"Pause",
	"no guest is commanded for a while; all but paused null: none",
	(const struct schema_field[]){
		{"paused", SCHEMA_BOOL},
		{"since", SCHEMA_TIME, .nullable = true},
		{"until", SCHEMA_TIME, .nullable = true},
		{"by", SCHEMA_STRING, "who asked", .nullable = true},
		{"message", SCHEMA_STRING, "why; empty: not said", .nullable = true},
		SCHEMA_END,
	}};

static const struct schema given_schema = {"GivenBack",
	"a guest that got back what it had before Ballast",
	(const struct schema_field[]){
		{"guest", SCHEMA_STRING, "its name"},
		{"from", SCHEMA_BYTES,
			"null: not its size, but its CPU weight, quota or soft limit",
			.nullable = true},
		{"to", SCHEMA_BYTES, .nullable = true},
		SCHEMA_END,
	}};

static const struct schema left_out_schema = {"LeftOut", "a guest that did not get all of it back",
	(const struct schema_field[]){
		{"guest", SCHEMA_STRING, "its name"},
		{"why", SCHEMA_STRING},
		SCHEMA_END,
	}};

const struct schema mode_set_schema = {"ModeSet",
	"the new mode, and with release what was given back",
	(const struct schema_field[]){
		{"mode", SCHEMA_WORD, .words = daemon_mode_names},
		{"given_back", SCHEMA_COUNT, "guests; with release only", .optional = true},
		{"given", SCHEMA_OBJECT, "with release only", .optional = true, .list = true,
			.of = &given_schema},
		{"left_out", SCHEMA_OBJECT, "with release only", .optional = true, .list = true,
			.of = &left_out_schema},
		SCHEMA_END,
	}};

const struct schema enrolled_schema = {"Enrolled",
	"a guest has its agent channel and statistics period",
	(const struct schema_field[]){
		{"enrolled", SCHEMA_BOOL},
		{"changes", SCHEMA_STRING, "what was done, in sentences", .list = true},
		{"restart_needed", SCHEMA_BOOL,
			"does it take effect at the guest's next start only?"},
		SCHEMA_END,
	}};

const struct schema finding_schema = {"Finding", "a mistake in a file",
	(const struct schema_field[]){
		{"file", SCHEMA_STRING, .nullable = true},
		{"line", SCHEMA_COUNT, .nullable = true},
		{"column", SCHEMA_COUNT, .nullable = true},
		{"text", SCHEMA_STRING, .nullable = true},
		SCHEMA_END,
	}};

const struct schema reloaded_schema = {"Reloaded", "policies and configuration were read again",
	(const struct schema_field[]){
		{"policies", SCHEMA_COUNT, "how many there are"},
		{"findings", SCHEMA_OBJECT, .list = true, .of = &finding_schema},
		{"restart_needed", SCHEMA_STRING,
			"keys of ballast.conf that take effect when ballastd is restarted",
			.list = true},
		SCHEMA_END,
	}};

const struct schema reservation_schema = {"Reservation", "room for a guest that is to start",
	(const struct schema_field[]){
		{"id", SCHEMA_COUNT},
		{"guest", SCHEMA_STRING, "its name", .nullable = true},
		{"uuid", SCHEMA_UUID, .nullable = true},
		{"bytes", SCHEMA_BYTES, "its full memory"},
		{"qemu", SCHEMA_BYTES, "QEMU's own beside it"},
		{"granted", SCHEMA_BOOL},
		{"asked", SCHEMA_TIME, .nullable = true},
		{"deadline", SCHEMA_TIME, .nullable = true},
		SCHEMA_END,
	}};

const struct schema reservations_schema = {"Reservations", "room that is kept, or asked for",
	(const struct schema_field[]){
		{"reservations", SCHEMA_OBJECT, .list = true, .of = &reservation_schema},
		SCHEMA_END,
	}};

static const char *const operation_words[] = {"running", "done", "failed", "cancelled", NULL};

#define OPERATION_FIELDS                                                                   \
	{"id", SCHEMA_COUNT}, {"kind", SCHEMA_STRING, "the name of the route"},            \
		{"by", SCHEMA_STRING, "who asked"}, {"started", SCHEMA_TIME},              \
		{"ended", SCHEMA_TIME, .nullable = true},                                  \
		{"state", SCHEMA_WORD, .words = operation_words},                          \
		{"progress_permyriad", SCHEMA_COUNT, "null: not known", .nullable = true}, \
	{                                                                                  \
		"status", SCHEMA_COUNT, "of its answer", .nullable = true                  \
	}

static const struct schema operation_item = {"OperationItem",
	"an operation, without what it answered",
	(const struct schema_field[]){
		OPERATION_FIELDS,
		SCHEMA_END,
	}};

const struct schema operation_schema = {"Operation",
	"a command that goes on without its asker, or did",
	(const struct schema_field[]){
		OPERATION_FIELDS,
		{"result", SCHEMA_ANY, "what it would have been answered with, up to 16 KiB",
			.nullable = true},
		{"problem", SCHEMA_ANY, "why it failed", .nullable = true},
		SCHEMA_END,
	}};

const struct schema operations_schema = {"Operations", "the last 256, newest first",
	(const struct schema_field[]){
		{"operations", SCHEMA_OBJECT, .list = true, .of = &operation_item},
		SCHEMA_END,
	}};
