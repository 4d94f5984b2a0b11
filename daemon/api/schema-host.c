/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/schema.h"

#include "daemon/api/serve.h"

static const struct schema host_memory = {"HostMemory",
	"the machine's memory and how it is divided",
	(const struct schema_field[]){
		{"total", SCHEMA_BYTES},
		{"available", SCHEMA_BYTES, "as the kernel counts it"},
		SCHEMA_DIVISION_FIELDS,
		SCHEMA_END,
	}};

const struct schema division_schema = {"Division", "how the host's memory is divided",
	(const struct schema_field[]){
		SCHEMA_DIVISION_FIELDS,
		SCHEMA_END,
	}};

static const struct schema host_swap = {"HostSwap", "the machine's swap",
	(const struct schema_field[]){
		{"total", SCHEMA_BYTES},
		{"free", SCHEMA_BYTES},
		SCHEMA_END,
	}};

static const struct schema host_cpu = {"HostCpu", "all CPUs together, over ten seconds",
	(const struct schema_field[]){
		{"cpus", SCHEMA_COUNT},
		{"busy_permyriad", SCHEMA_COUNT, "waiting for a disk is not busy"},
		{"steal_permyriad", SCHEMA_COUNT, "what a hypervisor below took"},
		SCHEMA_END,
	}};

static const struct schema host_node = {"HostNode", "a NUMA node",
	(const struct schema_field[]){
		{"node", SCHEMA_COUNT},
		{"total", SCHEMA_BYTES},
		{"free", SCHEMA_BYTES, "in no use at all: page cache counts as used"},
		SCHEMA_END,
	}};

static const struct schema host_psi = {"HostPressure", "the kernel's totals of stall times",
	(const struct schema_field[]){
		{"memory_some_usec", SCHEMA_COUNT},
		{"memory_full_usec", SCHEMA_COUNT},
		{"cpu_some_usec", SCHEMA_COUNT},
		{"io_some_usec", SCHEMA_COUNT},
		SCHEMA_END,
	}};

static const struct schema host_guests = {"HostGuests", "how many guests are how",
	(const struct schema_field[]){
		{"count", SCHEMA_COUNT},
		{"running", SCHEMA_COUNT},
		{"pressed", SCHEMA_COUNT},
		{"stale", SCHEMA_COUNT},
		{"stuck", SCHEMA_COUNT},
		{"breaker", SCHEMA_COUNT},
		{"quarantined", SCHEMA_COUNT},
		SCHEMA_END,
	}};

static const struct schema host_policies = {"HostPolicies", "how many policies are how",
	(const struct schema_field[]){
		{"count", SCHEMA_COUNT},
		{"open", SCHEMA_COUNT, "their schedule is open now", .nullable = true},
		{"stale", SCHEMA_COUNT, "their file is bad, the last good version is in force"},
		{"next_change", SCHEMA_TIME, "when a schedule opens or closes next",
			.nullable = true},
		{"next_changes", SCHEMA_OBJECT, "whose, at most 16", .list = true,
			.of = &next_change_schema},
		SCHEMA_END,
	}};

static const struct schema host_problem = {"HostProblem", "what is wrong on a host",
	(const struct schema_field[]){
		{"code", SCHEMA_STRING},
		{"text", SCHEMA_STRING},
		{"remedy", SCHEMA_STRING, .nullable = true},
		{"since", SCHEMA_TIME, .nullable = true},
		SCHEMA_END,
	}};

const struct schema host_schema = {"Host", "a host: its memory, its load, its guests in figures",
	(const struct schema_field[]){
		{"name", SCHEMA_STRING},
		{"self", SCHEMA_BOOL, "is it the one that answers?"},
		{"mode", SCHEMA_WORD, .words = daemon_mode_names},
		{"pause", SCHEMA_OBJECT, .of = &pause_schema},
		{"ready", SCHEMA_BOOL, "as of /readyz"},
		{"state", SCHEMA_WORD, "null before the first decision", .nullable = true,
			.words = host_state_names},
		{"decided", SCHEMA_TIME, "when the latest decision was made", .nullable = true},
		{"started", SCHEMA_TIME, "when ballastd started", .nullable = true},
		{"version", SCHEMA_STRING, "of ballastd"},
		{"memory", SCHEMA_OBJECT, .of = &host_memory},
		{"swap", SCHEMA_OBJECT, .of = &host_swap},
		{"cpus", SCHEMA_COUNT},
		{"cpu", SCHEMA_OBJECT, "null until there are two looks", .nullable = true,
			.of = &host_cpu},
		{"nodes", SCHEMA_OBJECT, "null where the kernel has none", .nullable = true,
			.list = true, .of = &host_node},
		{"psi", SCHEMA_OBJECT, "null where the kernel has none", .nullable = true,
			.of = &host_psi},
		{"guests", SCHEMA_OBJECT, .of = &host_guests},
		{"policies", SCHEMA_OBJECT, .of = &host_policies},
		{"reservations", SCHEMA_OBJECT, .list = true, .of = &reservation_schema},
		{"problems", SCHEMA_OBJECT, .list = true, .of = &host_problem},
		SCHEMA_END,
	}};

const struct schema hosts_schema = {"Hosts", "all hosts",
	(const struct schema_field[]){
		{"hosts", SCHEMA_OBJECT, .list = true, .of = &host_schema},
		SCHEMA_END,
	}};

static const struct schema plan_action = {"PlanAction", "what the latest decision does",
	(const struct schema_field[]){
		{"kind", SCHEMA_WORD, .words = action_kind_names},
		{"guest", SCHEMA_STRING, "its name", .nullable = true},
		{"uuid", SCHEMA_UUID},
		{"from", SCHEMA_BYTES, "memory only", .optional = true},
		{"to", SCHEMA_BYTES, "memory only", .optional = true},
		{"weight", SCHEMA_COUNT, "cpu only", .optional = true},
		{"quota_permyriad", SCHEMA_COUNT, "cpu only; 10000 is one CPU, 0 no limit",
			.optional = true, .nullable = true},
		{"bytes", SCHEMA_BYTES, "soft-limit only; null: lifted", .optional = true,
			.nullable = true},
		{"reservation", SCHEMA_COUNT, "grant and refuse only: its number",
			.optional = true},
		{"reason", SCHEMA_OBJECT, .nullable = true, .of = &reason_schema},
		SCHEMA_END,
	}};

static const struct schema plan_guest_schema = {"PlanGuest", "how the latest decision sees a guest",
	(const struct schema_field[]){
		{"guest", SCHEMA_STRING, "its name", .nullable = true},
		{"uuid", SCHEMA_UUID},
		{"actual", SCHEMA_BYTES, .nullable = true},
		{"used", SCHEMA_BYTES, "null: not known", .nullable = true},
		{"want", SCHEMA_BYTES, .nullable = true},
		{"floor", SCHEMA_BYTES, .nullable = true},
		{"share", SCHEMA_BYTES, .nullable = true},
		{"charge", SCHEMA_BYTES, .nullable = true},
		{"target", SCHEMA_BYTES, .nullable = true},
		{"conditions", SCHEMA_WORD, .list = true, .words = guest_condition_words},
		{"standing", SCHEMA_OBJECT, "why its share is what it is", .nullable = true,
			.of = &reason_schema},
		SCHEMA_END,
	}};

const struct schema plan_schema = {"Plan", "the latest decision with its reasons",
	(const struct schema_field[]){
		{"time", SCHEMA_TIME, "null before the first", .nullable = true},
		{"state", SCHEMA_WORD, .nullable = true, .words = host_state_names},
		{"enforce", SCHEMA_BOOL, "is it carried out?"},
		{"settled", SCHEMA_BOOL, "is nothing on its way?"},
		{"memory", SCHEMA_OBJECT, .of = &division_schema},
		{"actions", SCHEMA_OBJECT, .list = true, .of = &plan_action},
		{"guests", SCHEMA_OBJECT, .list = true, .of = &plan_guest_schema},
		SCHEMA_END,
	}};

static const struct schema preview_state = {"PreviewState", "how a decision sees a guest",
	(const struct schema_field[]){
		{"target", SCHEMA_BYTES, "what it is commanded to have"},
		{"share", SCHEMA_BYTES, "of the division"},
		{"floor", SCHEMA_BYTES},
		{"min", SCHEMA_BYTES, "effective Min"},
		{"limit", SCHEMA_BYTES, "effective Max; null: its own maximum", .nullable = true},
		{"cpu_weight", SCHEMA_COUNT, .nullable = true},
		{"cpu_quota_permyriad", SCHEMA_COUNT, "10000 is one CPU, 0 no limit",
			.nullable = true},
		SCHEMA_END,
	}};

static const struct schema preview_guest = {"PreviewGuest",
	"a guest that would be treated otherwise, or was asked for",
	(const struct schema_field[]){
		{"guest", SCHEMA_STRING, "its name"},
		{"uuid", SCHEMA_UUID},
		{"now", SCHEMA_OBJECT, "as the latest decision sees it", .of = &preview_state},
		{"without", SCHEMA_OBJECT, "after as many decisions without the change",
			.of = &preview_state},
		{"then", SCHEMA_OBJECT, "after these decisions with it", .of = &preview_state},
		{"reason", SCHEMA_OBJECT, "of its last memory command; null: none",
			.nullable = true, .of = &reason_schema},
		{"standing", SCHEMA_OBJECT, "why its share is what it is then", .nullable = true,
			.of = &reason_schema},
		SCHEMA_END,
	}};

static const struct schema preview_division = {"PreviewDivision",
	"how the host's memory is divided",
	(const struct schema_field[]){
		{"state", SCHEMA_WORD, .words = host_state_names},
		SCHEMA_DIVISION_FIELDS,
		SCHEMA_END,
	}};

static const struct schema preview_host = {"PreviewHost",
	"the host now, without the change, and then",
	(const struct schema_field[]){
		{"now", SCHEMA_OBJECT, .of = &preview_division},
		{"without", SCHEMA_OBJECT, .of = &preview_division},
		{"then", SCHEMA_OBJECT, .of = &preview_division},
		SCHEMA_END,
	}};

const struct schema preview_schema = {"Preview",
	"what would be decided if something were otherwise",
	(const struct schema_field[]){
		{"time", SCHEMA_TIME, "of what it begins with"},
		{"enforce", SCHEMA_BOOL, "would it be carried out?"},
		{"decisions", SCHEMA_COUNT, "how many were made, at most 8"},
		{"settled", SCHEMA_BOOL, "did the last one move nothing?"},
		{"host", SCHEMA_OBJECT, .of = &preview_host},
		{"guests", SCHEMA_OBJECT, .list = true, .of = &preview_guest},
		{"unchanged", SCHEMA_COUNT, "guests that are not listed"},
		SCHEMA_END,
	}};
