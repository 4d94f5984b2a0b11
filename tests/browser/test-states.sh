#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the page shows as things go on, and what can be done from it, in a real browser at a real daemon.
. "$(dirname "$0")/../api/lib.sh"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/serve.sh"
browser_ready
page_up
page_run states.mjs || exit 1
daemon_down || exit 1
