/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"
#include "common/conf.h"

/* Reads ballastd's own configuration (--config, or where ballastd looks), for verbs that do without
 * a daemon: where its policies are, what its host is called. What is wrong with it is noted and the
 * rest taken, for these verbs are not about it. Returns CLI_OK with *ret, or the exit code after a
 * message. */
int daemon_conf_read(struct cli *c, struct conf *ret) _nonnull_;
