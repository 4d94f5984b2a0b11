/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/strtab.h"

/* Who may do what with the API, from less to more. */
enum api_role {
	API_ROLE_NONE, /* health only */
	API_ROLE_READ,
	API_ROLE_OPERATE, /* overrides, enroll, reload, reservations */
	API_ROLE_ADMIN,	  /* mode, policies */
	API_ROLE_MAX,
	API_ROLE_INVALID = -1,
};
DECLARE_STRTAB(api_role, enum api_role)
