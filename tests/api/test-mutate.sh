#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# MUTATIONS mutated requests against a real daemon: no 5xx, no crash, and with sanitizers no bad access and no leak.
. "$(dirname "$0")/lib.sh"
node_ready
daemon_up
SOCKET=$tmp/api.sock DAEMON_PID=$daemon_pid MUTATIONS=${MUTATIONS:-100000} node "$run/mutate.mjs"
code=$?
daemon_down || { echo "not ok - ballastd ends well: see above"; exit 1; }
exit $code
