/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/schema.h"

/* The figures of daemon/history/series.c, in its order: tests/unit/test-history holds them
 * together. */

#define FIGURE(name, type, summary) {name, type, summary, .nullable = true}

static const struct schema guest_point_schema = {"GuestPoint",
	"what is known of the time from `time` to the next point; null: nothing",
	(const struct schema_field[]){
		{"time", SCHEMA_TIME, "where the point begins"},
		FIGURE("actual", SCHEMA_BYTES, "memory that the balloon leaves it"),
		FIGURE("used", SCHEMA_BYTES, "memory that it used"),
		FIGURE("used_min", SCHEMA_BYTES, NULL),
		FIGURE("used_max", SCHEMA_BYTES, NULL),
		FIGURE("want", SCHEMA_BYTES, "memory that it wanted"),
		FIGURE("target", SCHEMA_BYTES, "memory that it was commanded to have, at the end"),
		FIGURE("stall_permyriad", SCHEMA_COUNT,
			"of the time somebody in it waited for memory"),
		FIGURE("stall_max_permyriad", SCHEMA_COUNT, NULL),
		FIGURE("refaults_per_sec", SCHEMA_COUNT, "pages that it read anew"),
		FIGURE("cpu_weight", SCHEMA_COUNT, "at the end"),
		FIGURE("cpu_permyriad", SCHEMA_COUNT, "CPU time, of one CPU"),
		FIGURE("cpu_max_permyriad", SCHEMA_COUNT, NULL),
		FIGURE("delay_permyriad", SCHEMA_COUNT,
			"time in which its vCPUs waited for a CPU, of one CPU"),
		FIGURE("delay_max_permyriad", SCHEMA_COUNT, NULL),
		SCHEMA_END,
	}};

static const struct schema host_point_schema = {"HostPoint",
	"what is known of the time from `time` to the next point; null: nothing",
	(const struct schema_field[]){
		{"time", SCHEMA_TIME, "where the point begins"},
		FIGURE("total", SCHEMA_BYTES, "memory of the machine"),
		FIGURE("charged", SCHEMA_BYTES, "what the guests count for"),
		FIGURE("charged_max", SCHEMA_BYTES, NULL),
		FIGURE("free", SCHEMA_BYTES, "budget - charged - reserved"),
		FIGURE("free_min", SCHEMA_BYTES, NULL),
		FIGURE("reserved", SCHEMA_BYTES, "of guests that are to start"),
		FIGURE("memory_some_permyriad", SCHEMA_COUNT,
			"of the time somebody waited for memory"),
		FIGURE("memory_some_max_permyriad", SCHEMA_COUNT, NULL),
		FIGURE("memory_full_permyriad", SCHEMA_COUNT, "of the time all waited for memory"),
		FIGURE("memory_full_max_permyriad", SCHEMA_COUNT, NULL),
		FIGURE("cpu_some_permyriad", SCHEMA_COUNT, "of the time somebody waited for a CPU"),
		FIGURE("io_some_permyriad", SCHEMA_COUNT, "of the time somebody waited for a disk"),
		FIGURE("cpu_busy_permyriad", SCHEMA_COUNT, "of all CPUs"),
		FIGURE("cpu_busy_max_permyriad", SCHEMA_COUNT, NULL),
		FIGURE("guests", SCHEMA_COUNT, "how many ran, at the end"),
		FIGURE("decisions", SCHEMA_COUNT, "made in this time"),
		FIGURE("commands", SCHEMA_COUNT, "given in this time: memory, CPU, soft limits"),
		SCHEMA_END,
	}};

#define RANGE_FIELDS(point)                                                                    \
	{"step_s", SCHEMA_COUNT, "seconds from one point to the next"}, {"from", SCHEMA_TIME}, \
		{"until", SCHEMA_TIME},                                                        \
	{                                                                                      \
		"points", SCHEMA_OBJECT, .list = true, .of = &(point)                          \
	}

const struct schema guest_history_schema = {"GuestHistory", "a guest's figures over time",
	(const struct schema_field[]){
		{"guest", SCHEMA_STRING, "its name"},
		{"uuid", SCHEMA_UUID},
		RANGE_FIELDS(guest_point_schema),
		SCHEMA_END,
	}};

const struct schema host_history_schema = {"HostHistory", "the host's figures over time",
	(const struct schema_field[]){
		{"host", SCHEMA_STRING, "its name"},
		RANGE_FIELDS(host_point_schema),
		SCHEMA_END,
	}};
