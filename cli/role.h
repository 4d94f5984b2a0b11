/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/* One request of a command, and the role that the daemon wants for it. */
struct role_need {
	int (*run)(struct cli *c); /* of the command, and of those that do as it does */
	const char *route;	   /* as in the daemon's OpenAPI document: "PUT /v1/mode" */
	const char *role;
};
extern const struct role_need role_needs[];
extern const size_t role_n_needs;
