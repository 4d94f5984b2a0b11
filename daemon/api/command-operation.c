/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands that nobody waits for any more, and what becomes of them. */
#include "daemon/api/command.h"
#include "daemon/api/internal.h"

/* Beside the answer that the work has already, or 202. */
static void run_ack(struct api *a, struct api_call *ack, const struct view_input *k, size_t index)
{
	struct api_call *work = api_call_converted(ack);

	if (work)
		a->config.ops->operation_begin(a->config.userdata, ack, work, work->route->name);
}

const struct route operation_ack_route = {"POST", "", "operation-ack",
	"a command goes on without its asker", .kind = ROUTE_COMMAND, .status = 202,
	.changes = true, .run = run_ack};

int prepare_operation(struct api_call *call, struct problem *p)
{
	const char *s = call->value;
	char *end = NULL;

	if (*s >= '1' && *s <= '9' && strlen(s) < 19)
		call->request.operation = strtoull(s, &end, 10);
	if (!end || *end)
		return problem_set(p, API_PROBLEM_OPERATION_UNKNOWN,
			"there is no operation \"%.60s\": give its number", s);
	return 0;
}

void run_operations(struct api *a, struct api_call *call, const struct view_input *k, size_t index)
{
	a->config.ops->operation_list(a->config.userdata, call);
}

void run_operation(struct api *a, struct api_call *call, const struct view_input *k, size_t index)
{
	a->config.ops->operation_get(a->config.userdata, call, call->request.operation);
}

void run_operation_cancel(
	struct api *a, struct api_call *call, const struct view_input *k, size_t index)
{
	a->config.ops->operation_cancel(a->config.userdata, call, call->request.operation);
}
