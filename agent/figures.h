/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/* What the agent reads of its machine: docs/agent-protocol.md tells what each figure is and where
 * it stands. */
struct figures {
	uint64_t mono_usec; /* CLOCK_MONOTONIC when they were read */
	uint64_t page_bytes;

	uint64_t total_bytes;
	uint64_t available_bytes;
	uint64_t free_bytes;
	uint64_t anon_bytes;
	uint64_t file_bytes;
	uint64_t dirty_bytes;
	uint64_t swap_total_bytes;
	uint64_t swap_free_bytes;

	bool has_counters;
	uint64_t major_faults;
	uint64_t refaults_file; /* base pages */
	uint64_t refaults_anon;
	uint64_t oom_kills;
	uint64_t steal_usec;
	uint64_t running;

	bool has_psi;
	uint64_t psi_mem_some_usec;
	uint64_t psi_mem_full_usec;
	uint64_t psi_cpu_some_usec;
	uint64_t psi_io_some_usec;
	uint64_t psi_io_full_usec;
};

/* Why a report is sent. */
enum why {
	WHY_NOT, /* it is not */
	WHY_HEARTBEAT,
	WHY_AVAILABLE,
	WHY_PRESSURE,
	WHY_REQUEST,
	WHY_MAX,
};

/* What the host told, or what holds until it does. */
struct config {
	uint64_t heartbeat_usec;
	uint64_t available_pct;
	uint64_t psi_stall_usec;
	uint64_t psi_window_usec;
};
#define CONFIG_DEFAULT                                \
	((struct config){                             \
		.heartbeat_usec = 5 * USEC_PER_SEC,   \
		.available_pct = 3,                   \
		.psi_stall_usec = 50 * USEC_PER_MSEC, \
		.psi_window_usec = USEC_PER_SEC,      \
	})
