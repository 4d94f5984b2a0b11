/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/problem.h"
#include "daemon/api/schema.h"

static const struct schema_field unknown_members[] = {
	{"nearest", SCHEMA_STRING, "the name that is most like it", .nullable = true},
	SCHEMA_END,
};

static const struct schema_field *const members[API_PROBLEM_MAX] = {
	[API_PROBLEM_DENIED] =
		(const struct schema_field[]){
			{"role", SCHEMA_WORD, "what the asker has", .words = api_role_names},
			{"needed", SCHEMA_WORD, "what it takes", .words = api_role_names},
			SCHEMA_END,
		},
	[API_PROBLEM_QUERY_INVALID] =
		(const struct schema_field[]){
			{"parameter", SCHEMA_STRING, "its name"},
			{"kinds", SCHEMA_STRING,
				"all kinds of event, where one was asked for that is none",
				.optional = true, .list = true},
			SCHEMA_END,
		},
	[API_PROBLEM_BODY_MALFORMED] =
		(const struct schema_field[]){
			{"line", SCHEMA_COUNT, "where it is not JSON", .optional = true},
			{"column", SCHEMA_COUNT, "where it is not JSON", .optional = true},
			SCHEMA_END,
		},
	[API_PROBLEM_BODY_INVALID] =
		(const struct schema_field[]){
			{"pointer", SCHEMA_STRING, "the place (RFC 6901)"},
			SCHEMA_END,
		},
	[API_PROBLEM_HOST_UNKNOWN] = unknown_members,
	[API_PROBLEM_GUEST_UNKNOWN] = unknown_members,
	[API_PROBLEM_POLICY_UNKNOWN] = unknown_members,
	[API_PROBLEM_PRECONDITION_FAILED] =
		(const struct schema_field[]){
			{"etag", SCHEMA_STRING, "of what there is; null: nothing",
				.nullable = true},
			SCHEMA_END,
		},
	[API_PROBLEM_PRECONDITION_REQUIRED] =
		(const struct schema_field[]){
			{"etag", SCHEMA_STRING, "of what there is", .nullable = true},
			SCHEMA_END,
		},
	[API_PROBLEM_NO_ROOM] =
		(const struct schema_field[]){
			{"binding", SCHEMA_BOOL,
				"false: nobody is kept from starting for it (mode observe, StartPolicy=ignore)"},
			SCHEMA_END,
		},
	[API_PROBLEM_CONFIGURATION_BAD] =
		(const struct schema_field[]){
			{"findings", SCHEMA_OBJECT, .list = true, .of = &finding_schema},
			{"restart_needed", SCHEMA_STRING, "as of Reloaded", .list = true},
			SCHEMA_END,
		},
};

const struct schema_field *problem_members(enum api_problem code)
{
	return members[code];
}
