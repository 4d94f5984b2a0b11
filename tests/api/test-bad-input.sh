#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Bad input is answered as documented, and another client is served meanwhile.
. "$(dirname "$0")/lib.sh"
node_ready
daemon_up
SOCKET=$tmp/api.sock node "$run/bad-input.mjs" || exit 1
daemon_down || exit 1
