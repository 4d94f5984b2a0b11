/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/conf.h"

/*
 * A mark beside the API's socket that guests were commanded since the host started: `ballastd
 * --release` looks at it where the state cannot tell. It is in /run, so that it ends with the
 * guests that it is about and does not share a full or failing disk.
 */

/* Sets it or takes it away; what fails is left so. Nothing where conf names no socket. */
void enforcing_mark(const struct conf *conf, bool enforcing) _nonnull_;
bool enforcing_marked(const struct conf *conf) _nonnull_;
