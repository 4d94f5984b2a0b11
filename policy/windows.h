/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/effective.h"

/* Private to policy/: a number that is another one after each change of any window, in all sets of
 * windows of this process. */
uint64_t policy_windows_epoch(const struct policy_windows *w) _nonnull_ _pure_;
