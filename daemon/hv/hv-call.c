/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-call.h"

#include "daemon/hv/hv.h"

DEFINE_STRTAB(hv_call, enum hv_call, HV_CALL_MAX, "set-memory", "read-balloon", "read-balloons",
	"set-stats-period", "set-cpu", "get-cpu", "set-soft-limit", "attach-channel",
	"detach-channel", "job-info", "open", "list", "get-xml")

DEFINE_STRTAB(hv_gone, enum hv_gone, HV_GONE_MAX, "shutdown", "destroyed", "crashed", "migrated",
	"saved", "failed", "unseen")

bool hv_call_mutates(enum hv_call c)
{
	switch (c) {
	case HV_CALL_SET_MEMORY:
	case HV_CALL_SET_STATS_PERIOD:
	case HV_CALL_SET_CPU:
	case HV_CALL_SET_SOFT_LIMIT:
	case HV_CALL_ATTACH_CHANNEL:
	case HV_CALL_DETACH_CHANNEL:
		return true;
	default:
		return false;
	}
}

bool hv_call_is_public(enum hv_call c)
{
	return (int)c >= 0 && c <= HV_CALL_JOB_INFO;
}
