/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/schema.h"

const struct schema event_schema = {"Event", "something that happened",
	(const struct schema_field[]){
		{"id", SCHEMA_STRING, "host:boot:number"},
		{"seq", SCHEMA_COUNT, "its number"},
		{"time", SCHEMA_TIME, .nullable = true},
		{"kind", SCHEMA_STRING, "one of the words that a wrong kind= is answered with"},
		{"severity", SCHEMA_WORD, .words = severity_names},
		{"guest", SCHEMA_STRING, "its name", .nullable = true},
		{"uuid", SCHEMA_UUID, "the guest's", .nullable = true},
		{"by", SCHEMA_STRING, "who asked for it", .nullable = true},
		{"numbers", SCHEMA_COUNTS,
			"the figures of the text; their names depend on kind and reason"},
		{"reason", SCHEMA_OBJECT, .nullable = true, .of = &reason_schema},
		{"text", SCHEMA_STRING, .nullable = true},
		SCHEMA_END,
	}};

static const struct schema stream_state_schema = {"StreamState",
	"what views show is other than before",
	(const struct schema_field[]){
		{"generation", SCHEMA_COUNT},
		SCHEMA_END,
	}};

static const char *const reset_words[] = {"too-old", "unknown", NULL};
static const struct schema stream_reset_schema = {"StreamReset",
	"events before the next one are gone",
	(const struct schema_field[]){
		{"reason", SCHEMA_WORD, .words = reset_words},
		{"text", SCHEMA_STRING},
		SCHEMA_END,
	}};

static const char *const end_words[] = {"stopping", NULL};
static const struct schema stream_end_schema = {"StreamEnd", "the stream ends: connect anew",
	(const struct schema_field[]){
		{"reason", SCHEMA_WORD, .words = end_words},
		{"text", SCHEMA_STRING},
		SCHEMA_END,
	}};

const struct schema events_schema = {"Events",
	"events, oldest first; as a stream with Accept: text/event-stream",
	(const struct schema_field[]){
		{"events", SCHEMA_OBJECT, .list = true, .of = &event_schema},
		{"last", SCHEMA_STRING, "what to ask after next"},
		{"lost", SCHEMA_BOOL, "are some after `after` gone?"},
		{"more", SCHEMA_BOOL, "are there more than fitted?"},
		SCHEMA_END,
	},
	.events = (const struct schema_stream[]){
		{NULL, &event_schema},
		{"state", &stream_state_schema},
		{"reset", &stream_reset_schema},
		{"end", &stream_end_schema},
		{NULL, NULL},
	}};
