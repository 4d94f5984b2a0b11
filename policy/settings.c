/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/settings.h"

DEFINE_STRTAB(surplus, enum surplus, SURPLUS_MAX, "keep", "grow", "release")
DEFINE_STRTAB(enforce, enum enforce, ENFORCE_MAX, "no", "high")
DEFINE_STRTAB(start_policy, enum start_policy, START_POLICY_MAX, "wait", "refuse", "ignore")

/* The setting table says the same as text, for people; a test proves that both agree. */
const struct settings settings_default = {
	.mem_min_bytes = 0,
	.mem_max_bytes = BYTES_UNLIMITED,
	.mem_weight = 100,
	.mem_headroom = {.is_ratio = true, .value = 2000},
	.mem_idle_tax = 7500,
	.mem_surplus = SURPLUS_KEEP,
	.mem_max_stall = {.permyriad = 1000, .usec = 10 * USEC_PER_SEC},
	.mem_boot_grace_usec = 60 * USEC_PER_SEC,
	.mem_enforce = ENFORCE_HIGH,
	.cpu_weight = 100,
	.cpu_quota = 0,
};

const struct host_settings host_settings_default = {
	.memory_bytes = BYTES_UNLIMITED,
	.reserve = {.is_ratio = false, .value = 0},
	.reserve_set = false,
	.memory_cgroup = NULL,
	.start_policy = START_WAIT,
};
