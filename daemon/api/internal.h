/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/api/call.h"

struct http;

/* What an api is made of. config never changes; `http` belongs to the HTTP thread. */
struct api {
	struct api_config config;
	struct api_queue *queue; /* a reference */
	struct http *http;
	struct histogram wait; /* main loop: how long what was asked waited for it */
};
