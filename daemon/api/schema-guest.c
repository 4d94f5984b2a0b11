/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/schema.h"

#include "daemon/api/serve.h"

const struct schema reason_schema = {"Reason", "why: a code for programs and a sentence for people",
	(const struct schema_field[]){
		{"code", SCHEMA_WORD, .words = reason_code_names + REASON_NONE + 1},
		{"text", SCHEMA_STRING},
		SCHEMA_END,
	}};

/* What a decision gives is null before the first. */
static const struct schema guest_memory = {"GuestMemory", "a guest's memory",
	(const struct schema_field[]){
		{"actual", SCHEMA_BYTES, "what it has"},
		{"target", SCHEMA_BYTES, "what it is commanded to have"},
		{"max", SCHEMA_BYTES, "what it can have"},
		{"resident", SCHEMA_BYTES, "of QEMU's process", .nullable = true},
		{"qemu", SCHEMA_BYTES, "QEMU's own"},
		{"used", SCHEMA_BYTES, .nullable = true},
		{"want", SCHEMA_BYTES, .nullable = true},
		{"floor", SCHEMA_BYTES, "it is not shrunk below this", .nullable = true},
		{"min", SCHEMA_BYTES, "effective Min", .nullable = true},
		{"limit", SCHEMA_BYTES, "effective Max; null: max", .nullable = true},
		{"share", SCHEMA_BYTES, "of the division", .nullable = true},
		{"charge", SCHEMA_BYTES, "what it is counted at", .nullable = true},
		{"stall_permyriad", SCHEMA_COUNT, .nullable = true},
		{"refaults_per_sec", SCHEMA_COUNT, .nullable = true},
		SCHEMA_END,
	}};

static const struct schema guest_cpu = {"GuestCpu", "a guest's CPUs",
	(const struct schema_field[]){
		{"vcpus", SCHEMA_COUNT},
		{"weight", SCHEMA_COUNT, "100 is usual", .nullable = true},
		{"quota_permyriad", SCHEMA_COUNT, "10000 is one CPU; 0: no limit",
			.nullable = true},
		{"time_usec", SCHEMA_COUNT, "CPU time so far", .nullable = true},
		{"delay_usec", SCHEMA_COUNT, "time for which it waited for a CPU, so far",
			.nullable = true},
		{"delay_permyriad", SCHEMA_COUNT, "the same lately, of the time", .nullable = true},
		SCHEMA_END,
	}};

static const struct schema guest_agent = {"GuestAgent", "the agent inside a guest",
	(const struct schema_field[]){
		{"enrolled", SCHEMA_BOOL, "does the guest have the agent's channel?"},
		{"connected", SCHEMA_BOOL},
		{"shut_out_until", SCHEMA_TIME, "it misbehaved and is not listened to",
			.nullable = true},
		{"version", SCHEMA_STRING, .nullable = true},
		{"os", SCHEMA_STRING, .nullable = true},
		{"kernel", SCHEMA_STRING, .nullable = true},
		SCHEMA_END,
	}};

static const struct schema report_counters = {"ReportCounters", "totals since the guest's boot",
	(const struct schema_field[]){
		{"major_faults", SCHEMA_COUNT},
		{"refaults_file", SCHEMA_COUNT},
		{"refaults_anon", SCHEMA_COUNT},
		{"oom_kills", SCHEMA_COUNT},
		{"steal_usec", SCHEMA_COUNT},
		{"running_tasks", SCHEMA_COUNT, "now"},
		SCHEMA_END,
	}};

static const struct schema report_psi = {"ReportPressure",
	"the guest kernel's totals of stall times",
	(const struct schema_field[]){
		{"memory_some_usec", SCHEMA_COUNT},
		{"memory_full_usec", SCHEMA_COUNT},
		{"cpu_some_usec", SCHEMA_COUNT},
		{"io_some_usec", SCHEMA_COUNT},
		{"io_full_usec", SCHEMA_COUNT},
		SCHEMA_END,
	}};

static const struct schema guest_report_schema = {"GuestReport", "what a guest said last",
	(const struct schema_field[]){
		{"source", SCHEMA_WORD, .words = report_source_names},
		{"why", SCHEMA_WORD, "why it was sent", .nullable = true,
			.words = report_why_names},
		{"time", SCHEMA_TIME, .nullable = true},
		{"seq", SCHEMA_COUNT},
		{"total", SCHEMA_BYTES, .nullable = true},
		{"available", SCHEMA_BYTES, .nullable = true},
		{"free", SCHEMA_BYTES, .nullable = true},
		{"anon", SCHEMA_BYTES, .nullable = true},
		{"file", SCHEMA_BYTES, .nullable = true},
		{"dirty", SCHEMA_BYTES, .nullable = true},
		{"swap_total", SCHEMA_BYTES, "null: balloon statistics do not tell",
			.nullable = true},
		{"swap_free", SCHEMA_BYTES, .nullable = true},
		{"counters", SCHEMA_OBJECT, .nullable = true, .of = &report_counters},
		{"psi", SCHEMA_OBJECT, "null where its kernel has none", .nullable = true,
			.of = &report_psi},
		SCHEMA_END,
	}};

static const struct schema guest_change = {"GuestChange", "the last command that a guest got",
	(const struct schema_field[]){
		{"time", SCHEMA_TIME},
		{"from", SCHEMA_BYTES},
		{"to", SCHEMA_BYTES},
		{"reason", SCHEMA_OBJECT, .nullable = true, .of = &reason_schema},
		SCHEMA_END,
	}};

const struct schema guest_schema = {"Guest", "a guest: what it has, wants and uses, and why",
	(const struct schema_field[]){
		{"uuid", SCHEMA_UUID},
		{"name", SCHEMA_STRING, .nullable = true},
		{"host", SCHEMA_STRING, .nullable = true},
		{"tags", SCHEMA_STRING, "from the guest's definition", .list = true},
		{"running", SCHEMA_BOOL, "not paused"},
		{"started", SCHEMA_TIME, .nullable = true},
		{"incarnation", SCHEMA_COUNT, "grows with each boot"},
		{"memory", SCHEMA_OBJECT, .of = &guest_memory},
		{"cpu", SCHEMA_OBJECT, .of = &guest_cpu},
		{"conditions", SCHEMA_WORD, .list = true, .words = guest_condition_words},
		{"fixed", SCHEMA_WORD, "why its memory cannot be moved", .nullable = true,
			.words = fixed_reason_names + FIXED_NOT + 1},
		{"net", SCHEMA_WORD, "what catches it when memory runs out", .nullable = true,
			.words = guest_net_names + GUEST_NET_UNKNOWN + 1},
		{"agent", SCHEMA_OBJECT, .of = &guest_agent},
		{"report", SCHEMA_OBJECT, "null: none came yet", .nullable = true,
			.of = &guest_report_schema},
		{"standing", SCHEMA_OBJECT, "why its share is what it is", .nullable = true,
			.of = &reason_schema},
		{"overrides", SCHEMA_COUNT, "how many settings were made by hand"},
		{"last_change", SCHEMA_OBJECT, "null: none yet", .nullable = true,
			.of = &guest_change},
		SCHEMA_END,
	}};

const struct schema guests_schema = {"Guests", "all guests, by name",
	(const struct schema_field[]){
		{"guests", SCHEMA_OBJECT, .list = true, .of = &guest_schema},
		{"next", SCHEMA_STRING,
			"where parameters were given: what to ask after for more; null: these are all",
			.optional = true, .nullable = true},
		SCHEMA_END,
	}};
