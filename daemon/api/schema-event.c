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
		{"numbers", SCHEMA_COUNTS, "the figures of the text; their names depend on kind and reason"},
		{"reason", SCHEMA_OBJECT, .nullable = true, .of = &reason_schema},
		{"text", SCHEMA_STRING, .nullable = true},
		SCHEMA_END,
	}};

const struct schema events_schema = {"Events", "events, oldest first",
	(const struct schema_field[]){
		{"events", SCHEMA_OBJECT, .list = true, .of = &event_schema},
		{"last", SCHEMA_STRING, "what to ask after next"},
		{"lost", SCHEMA_BOOL, "are some after `after` gone?"},
		{"more", SCHEMA_BOOL, "are there more than fitted?"},
		SCHEMA_END,
	}};
