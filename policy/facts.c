/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/facts.h"

#define NO_WHOLE FACT_INVALID

/* One row a fact: name, type, what 100 % of it is. To add one: a row here, a name in facts.h, and
 * its value where facts are filled. */
#define FACTS(ROW)                                                                                 \
	ROW(FACT_HOST_MEM_TOTAL, "host.mem_total", SIZE, NO_WHOLE)                                 \
	ROW(FACT_HOST_MEM_AVAILABLE, "host.mem_available", SIZE, FACT_HOST_MEM_TOTAL)              \
	ROW(FACT_HOST_SWAP_USED, "host.swap_used", SIZE, FACT_HOST_SWAP_TOTAL)                     \
	ROW(FACT_HOST_SWAP_TOTAL, "host.swap_total", SIZE, NO_WHOLE)                               \
	ROW(FACT_HOST_PSI_MEM_SOME, "host.psi_mem_some", RATIO, NO_WHOLE)                          \
	ROW(FACT_HOST_PSI_CPU_SOME, "host.psi_cpu_some", RATIO, NO_WHOLE)                          \
	ROW(FACT_HOST_PSI_IO_SOME, "host.psi_io_some", RATIO, NO_WHOLE)                            \
	ROW(FACT_HOST_GUESTS, "host.guests", COUNT, NO_WHOLE)                                      \
	ROW(FACT_GUEST_MEM_MAX, "guest.mem_max", SIZE, NO_WHOLE)                                   \
	ROW(FACT_GUEST_MEM_ACTUAL, "guest.mem_actual", SIZE, FACT_GUEST_MEM_MAX)                   \
	ROW(FACT_GUEST_MEM_USED, "guest.mem_used", SIZE, FACT_GUEST_MEM_ACTUAL)                    \
	ROW(FACT_GUEST_MEM_AVAILABLE, "guest.mem_available", SIZE, FACT_GUEST_MEM_ACTUAL)          \
	ROW(FACT_GUEST_SWAP_USED, "guest.swap_used", SIZE, FACT_GUEST_SWAP_TOTAL)                  \
	ROW(FACT_GUEST_SWAP_TOTAL, "guest.swap_total", SIZE, NO_WHOLE)                             \
	ROW(FACT_GUEST_PSI_MEM_SOME, "guest.psi_mem_some", RATIO, NO_WHOLE)                        \
	ROW(FACT_GUEST_PSI_MEM_FULL, "guest.psi_mem_full", RATIO, NO_WHOLE)                        \
	ROW(FACT_GUEST_PSI_CPU_SOME, "guest.psi_cpu_some", RATIO, NO_WHOLE)                        \
	ROW(FACT_GUEST_PSI_IO_SOME, "guest.psi_io_some", RATIO, NO_WHOLE)                          \
	ROW(FACT_GUEST_REFAULTS, "guest.refaults", COUNT, NO_WHOLE)                                \
	ROW(FACT_GUEST_VCPU_DELAY, "guest.vcpu_delay", RATIO, NO_WHOLE)                            \
	ROW(FACT_GUEST_VCPUS, "guest.vcpus", COUNT, NO_WHOLE)                                      \
	ROW(FACT_GUEST_AGE, "guest.age", SPAN, NO_WHOLE)

#define FACT_NAME(id, name, type, whole) [id] = (name),
DEFINE_STRTAB(fact, enum fact, FACT_MAX, FACTS(FACT_NAME))

DEFINE_STRTAB(fact_type, enum fact_type, FACT_TYPE_MAX, [FACT_TYPE_SIZE] = "size",
	[FACT_TYPE_RATIO] = "ratio", [FACT_TYPE_SPAN] = "span", [FACT_TYPE_COUNT] = "count")

enum fact_type fact_type(enum fact f)
{
#define FACT_TYPE_ENTRY(id, name, type, whole) [id] = FACT_TYPE_##type,
	static const enum fact_type types[FACT_MAX] = {FACTS(FACT_TYPE_ENTRY)};

	return (int)f >= 0 && f < FACT_MAX ? types[f] : FACT_TYPE_INVALID;
}

enum fact fact_whole(enum fact f)
{
#define FACT_WHOLE_ENTRY(id, name, type, whole) [id] = (whole),
	static const enum fact wholes[FACT_MAX] = {FACTS(FACT_WHOLE_ENTRY)};

	return (int)f >= 0 && f < FACT_MAX ? wholes[f] : FACT_INVALID;
}

bool fact_is_of_guest(enum fact f)
{
	const char *name = fact_to_string(f);

	return name && strncmp(name, "guest.", 6) == 0;
}
