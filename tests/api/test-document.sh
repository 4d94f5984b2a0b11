#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# /v1/openapi.json of a real daemon is valid OpenAPI 3.1 by public validators.
. "$(dirname "$0")/lib.sh"
node_ready
daemon_up
SOCKET=$tmp/api.sock node "$run/validate.mjs"
