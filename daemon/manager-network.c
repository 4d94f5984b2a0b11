/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

/* The API's way to the outside: TCP sockets, certificates, tokens, and polkit's word. */

void authorize(void *userdata, struct api_call *call, const struct api_authorize_request *req)
{
	api_call_problem(call, API_PROBLEM_DENIED, "There is no polkit.");
}
