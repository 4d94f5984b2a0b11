/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/rights.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

/* From linux/capability.h, which musl-gcc does not see. */
#define CAPABILITY_VERSION_3 0x20080522
#define CAP_BIT_IPC_LOCK     (UINT64_C(1) << 14)
#define CAP_BIT_SYS_RESOURCE (UINT64_C(1) << 24)
#define CAP_BIT_PERFMON      (UINT64_C(1) << 38)
#define KEPT                 (CAP_BIT_IPC_LOCK | CAP_BIT_SYS_RESOURCE | CAP_BIT_PERFMON)

struct cap_header {
	uint32_t version;
	int pid;
};

/* Two of them are 64 bits of each set. */
struct cap_half {
	uint32_t effective, permitted, inheritable;
};

int rights_drop(void)
{
	struct cap_header header = {.version = CAPABILITY_VERSION_3};
	struct cap_half half[2];

	/* Or root would get all of it back by exec. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capget, &header, half) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		half[i].permitted &= (uint32_t)(KEPT >> 32 * i);
		half[i].effective &= half[i].permitted;
		half[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, half) < 0 ? -errno : 0;
}
