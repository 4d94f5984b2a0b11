#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every route of a real daemon answers as /v1/openapi.json says, whatever it is asked.
. "$(dirname "$0")/lib.sh"
node_ready
daemon_up
SOCKET=$tmp/api.sock POLICY_PATH=$tmp/policy.d node "$run/routes.mjs" || exit 1
daemon_down || exit 1
