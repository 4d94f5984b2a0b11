/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/role.h"

DEFINE_STRTAB(api_role, enum api_role, API_ROLE_MAX, [API_ROLE_NONE] = "none",
	[API_ROLE_READ] = "read", [API_ROLE_OPERATE] = "operate", [API_ROLE_ADMIN] = "admin")
