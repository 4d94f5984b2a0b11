/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "daemon/api/api.h"

/*
 * polkit's word on clients of the socket whose role is too small, asked over the system bus from
 * the main loop, which never waits. Where there is no bus or no polkit the answer is no. Actions:
 * org.ballast.read, .operate, .admin (polkit/org.ballast.policy). Nobody is asked for a password:
 * an HTTP client has no place for it; rules grant.
 */
struct polkit;

/* Opens nothing yet: that is for the first question. Returns 0 or -ENOMEM. */
int polkit_new(sd_event *loop, struct polkit **ret) _nonnull_ _must_check_;
/* Answers what is open with no. Takes NULL, returns NULL. */
struct polkit *polkit_free(struct polkit *p);
/* Answers the call, now or later: 204, or API_PROBLEM_DENIED. */
void polkit_ask(
	struct polkit *p, struct api_call *call, const struct api_authorize_request *req) _nonnull_;
