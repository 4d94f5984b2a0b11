/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/counters.h"

#include <errno.h>

DEFINE_STRTAB(call_result, enum call_result,
	CALL_RESULT_MAX, [CALL_OK] = "ok", [CALL_TIMEOUT] = "timeout", [CALL_BUSY] = "busy",
	[CALL_GONE] = "gone", [CALL_DISCONNECTED] = "disconnected", [CALL_WITHDRAWN] = "withdrawn",
	[CALL_UNSUPPORTED] = "unsupported", [CALL_DENIED] = "denied", [CALL_FAILED] = "failed")

DEFINE_STRTAB(operation_state, enum operation_state,
	OPERATION_MAX, [OPERATION_RUNNING] = "running", [OPERATION_DONE] = "done",
	[OPERATION_FAILED] = "failed", [OPERATION_CANCELLED] = "cancelled")

enum call_result call_result_of(int error)
{
	switch (error) {
	case 0:
		return CALL_OK;
	case -ETIMEDOUT:
		return CALL_TIMEOUT;
	case -EBUSY:
		return CALL_BUSY;
	case -ENOENT:
		return CALL_GONE;
	case -ENOTCONN:
		return CALL_DISCONNECTED;
	case -ECANCELED:
		return CALL_WITHDRAWN;
	case -EOPNOTSUPP:
		return CALL_UNSUPPORTED;
	case -EACCES:
		return CALL_DENIED;
	default:
		return CALL_FAILED;
	}
}
