/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/schema.h"

#include "daemon/api/serve.h"
#include "policy/what-if.h"

static const char *const origin_words[] = {"default", "policy", "override", NULL};

/* What both have that stand in a list and those that were asked for. */
/* clang-format off */
#define POLICY_FIELDS \
	{"name", SCHEMA_STRING, "of its file"}, \
	{"path", SCHEMA_STRING}, \
	{"layer", SCHEMA_WORD, "seen from the one that the API writes: one above it wins over PUT; " \
		"null where it writes none", .nullable = true, .words = policy_layer_words}, \
	{"description", SCHEMA_STRING, .nullable = true}, \
	{"on_calendar", SCHEMA_STRING, "when it is open", .nullable = true}, \
	{"condition", SCHEMA_STRING, .nullable = true}, \
	{"lasting_usec", SCHEMA_COUNT, "for so long the condition must hold", .nullable = true}, \
	{"has_match", SCHEMA_BOOL, "is it for some guests only?"}, \
	{"stale", SCHEMA_BOOL, "its file is bad now and this is its last good version"}, \
	{"open", SCHEMA_BOOL, "null when not counted yet, as the next two", .nullable = true}, \
	{"matching", SCHEMA_COUNT, "how many guests", .nullable = true}, \
	{"active", SCHEMA_COUNT, "how many guests", .nullable = true}, \
	{"next_change", SCHEMA_TIME, "when its schedule opens or closes next", .nullable = true}
/* clang-format on */

const struct schema policy_schema = {"Policy", "a policy and its state",
	(const struct schema_field[]){
		POLICY_FIELDS,
		{"text", SCHEMA_STRING, "of its file, without drop-ins", .nullable = true},
		{"drop_ins", SCHEMA_STRING, "paths of files that add to it", .list = true},
		SCHEMA_END,
	}};

static const struct schema policy_item = {"PolicyItem", "a policy and its state, without its text",
	(const struct schema_field[]){
		POLICY_FIELDS,
		SCHEMA_END,
	}};

const struct schema policy_put_schema = {"PolicyPut", "a policy's file was written",
	(const struct schema_field[]){
		{"name", SCHEMA_STRING},
		{"path", SCHEMA_STRING, "of the file that was written"},
		{"created", SCHEMA_BOOL, "did the API have no such file before?"},
		{"shadowed_by", SCHEMA_STRING,
			"a file of a higher layer that is in force in its place", .nullable = true},
		{"notes", SCHEMA_OBJECT, "no mistakes, but worth a look", .list = true,
			.of = &finding_schema},
		SCHEMA_END,
	}};

static const struct schema matched_schema = {"MatchedGuest", "a guest that a policy is for",
	(const struct schema_field[]){
		{"guest", SCHEMA_STRING, "its name"},
		{"uuid", SCHEMA_UUID},
		{"verdict", SCHEMA_WORD, .words = policy_verdict_names},
		SCHEMA_END,
	}};

static const struct schema changed_setting_schema = {"ChangedSetting",
	"an effective setting that would be another one",
	(const struct schema_field[]){
		{"guest", SCHEMA_STRING, "its name"},
		{"uuid", SCHEMA_UUID},
		{"section", SCHEMA_STRING},
		{"key", SCHEMA_STRING},
		{"from", SCHEMA_STRING, "as a policy file writes it"},
		{"to", SCHEMA_STRING},
		{"origin", SCHEMA_STRING, "file and line of the new value; default",
			.nullable = true},
		SCHEMA_END,
	}};

const struct schema validation_schema = {"Validation",
	"what is wrong with a policy's text, and what it would change",
	(const struct schema_field[]){
		{"name", SCHEMA_STRING},
		{"ok", SCHEMA_BOOL, "can it be taken?"},
		{"findings", SCHEMA_OBJECT, "mistakes", .list = true, .of = &finding_schema},
		{"notes", SCHEMA_OBJECT, "no mistakes, but worth a look", .list = true,
			.of = &finding_schema},
		{"shadowed_by", SCHEMA_STRING,
			"a file of a higher layer that stays in force in its place",
			.nullable = true},
		{"at", SCHEMA_TIME, "for what time the rest is"},
		{"guests", SCHEMA_COUNT, "how many were looked at"},
		{"matches", SCHEMA_OBJECT, "those it is for", .list = true, .of = &matched_schema},
		{"changes", SCHEMA_OBJECT, .list = true, .of = &changed_setting_schema},
		{"conditions_unknown", SCHEMA_STRING,
			"policies left out: what their condition asks is not known here",
			.list = true},
		{"truncated", SCHEMA_BOOL, "are there more changes than are listed?"},
		SCHEMA_END,
	}};

static const struct schema bad_policy = {"BadPolicy",
	"what is bad and has no last good version: its first mistake",
	(const struct schema_field[]){
		{"path", SCHEMA_STRING, .nullable = true},
		{"line", SCHEMA_COUNT, .nullable = true},
		{"column", SCHEMA_COUNT, .nullable = true},
		{"text", SCHEMA_STRING, .nullable = true},
		SCHEMA_END,
	}};

const struct schema next_change_schema = {"NextChange", "a policy whose schedule opens or closes",
	(const struct schema_field[]){
		{"policy", SCHEMA_STRING, "its name"},
		{"opens", SCHEMA_BOOL, "or closes"},
		SCHEMA_END,
	}};

const struct schema policies_schema = {"Policies", "all policies, in merge order",
	(const struct schema_field[]){
		{"policies", SCHEMA_OBJECT, .list = true, .of = &policy_item},
		{"bad", SCHEMA_OBJECT, .list = true, .of = &bad_policy},
		{"next_change", SCHEMA_TIME, "when a schedule opens or closes next",
			.nullable = true},
		{"next_changes", SCHEMA_OBJECT, "whose, at most 16", .list = true,
			.of = &next_change_schema},
		{"generation", SCHEMA_COUNT, "grows with each reload", .nullable = true},
		{"digest", SCHEMA_STRING, "16 hex digits, equal on hosts with equal policies",
			.nullable = true},
		SCHEMA_END,
	}};

static const struct schema origin_schema = {"Origin", "where the value of a setting comes from",
	(const struct schema_field[]){
		{"kind", SCHEMA_WORD, .words = origin_words},
		{"policy", SCHEMA_STRING, .nullable = true},
		{"file", SCHEMA_STRING, .nullable = true},
		{"line", SCHEMA_COUNT, .nullable = true},
		SCHEMA_END,
	}};

const struct schema origin_setting_schema = {"EffectiveSetting", "a setting of a guest",
	(const struct schema_field[]){
		{"section", SCHEMA_STRING},
		{"key", SCHEMA_STRING},
		{"value", SCHEMA_STRING, "as a policy file writes it"},
		{"in_force", SCHEMA_BOOL, "does this version act on it?"},
		{"origin", SCHEMA_OBJECT, .of = &origin_schema},
		SCHEMA_END,
	}};

const struct schema applied_policy_schema = {"MatchingPolicy", "a policy that matches a guest",
	(const struct schema_field[]){
		{"name", SCHEMA_STRING},
		{"path", SCHEMA_STRING},
		{"matches", SCHEMA_BOOL},
		{"open", SCHEMA_BOOL, "its schedule"},
		{"active", SCHEMA_BOOL, "in force for the guest"},
		{"on_calendar", SCHEMA_STRING, .nullable = true},
		{"condition", SCHEMA_STRING, .nullable = true},
		{"stale", SCHEMA_BOOL},
		SCHEMA_END,
	}};

const struct schema effective_schema = {"Effective",
	"every setting of a guest with its value and origin",
	(const struct schema_field[]){
		{"guest", SCHEMA_STRING, "its name", .nullable = true},
		{"uuid", SCHEMA_UUID},
		{"settings", SCHEMA_OBJECT, .list = true, .of = &origin_setting_schema},
		{"policies", SCHEMA_OBJECT, "those that match, in merge order", .list = true,
			.of = &applied_policy_schema},
		SCHEMA_END,
	}};

const struct schema override_schema = {"Override", "a setting that was made by hand",
	(const struct schema_field[]){
		{"section", SCHEMA_STRING},
		{"key", SCHEMA_STRING},
		{"value", SCHEMA_STRING, "as a policy file writes it"},
		{"by", SCHEMA_STRING, "who made it"},
		{"reason", SCHEMA_STRING},
		{"until", SCHEMA_TIME, "null: until it is cleared", .nullable = true},
		SCHEMA_END,
	}};

const struct schema overrides_schema = {"Overrides",
	"all settings of a guest that were made by hand",
	(const struct schema_field[]){
		{"guest", SCHEMA_UUID},
		{"overrides", SCHEMA_OBJECT, .list = true, .of = &override_schema},
		SCHEMA_END,
	}};

static const struct schema explain_host = {"ExplainHost", "the host of an explanation",
	(const struct schema_field[]){
		{"mode", SCHEMA_WORD, .words = daemon_mode_names},
		{"state", SCHEMA_WORD, .nullable = true, .words = host_state_names},
		SCHEMA_DIVISION_FIELDS,
		SCHEMA_END,
	}};

const struct schema explain_schema = {"Explain", "why a guest has what it has",
	(const struct schema_field[]){
		{"guest", SCHEMA_OBJECT, .of = &guest_schema},
		{"host", SCHEMA_OBJECT, .of = &explain_host},
		{"policies", SCHEMA_OBJECT, "those that match, in merge order", .list = true,
			.of = &applied_policy_schema},
		{"settings", SCHEMA_OBJECT, "those whose origin is not default", .list = true,
			.of = &origin_setting_schema},
		{"overrides", SCHEMA_OBJECT, .list = true, .of = &override_schema},
		{"changes", SCHEMA_OBJECT, "its last 10 commands, newest last", .list = true,
			.of = &event_schema},
		{"text", SCHEMA_STRING, "the whole explanation in sentences", .list = true},
		SCHEMA_END,
	}};
