/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/snapshot.h"

DEFINE_STRTAB(report_source, enum report_source, REPORT_SOURCE_MAX, [REPORT_NONE] = "none",
	[REPORT_AGENT] = "agent", [REPORT_BALLOON] = "balloon")

DEFINE_STRTAB(report_why, enum report_why, REPORT_WHY_MAX, [REPORT_WHY_HEARTBEAT] = "heartbeat",
	[REPORT_WHY_AVAILABLE] = "available", [REPORT_WHY_PRESSURE] = "pressure",
	[REPORT_WHY_REQUEST] = "request")

DEFINE_STRTAB(fixed_reason, enum fixed_reason, FIXED_REASON_MAX, [FIXED_NOT] = "no",
	[FIXED_NO_BALLOON] = "no-balloon", [FIXED_VFIO] = "passed-through-device",
	[FIXED_LOCKED] = "locked-memory", [FIXED_HUGEPAGES] = "huge-pages")
