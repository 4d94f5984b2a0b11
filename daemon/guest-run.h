/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

struct hv_guest;

/*
 * Which run of a guest this is, so that nothing that was noted of an earlier one is applied to a
 * later: the UUID stays when a guest is started anew, or is defined anew with other sizes.
 * "PID:START@BOOT": its QEMU, and the host's boot, since both numbers begin again with that.
 * "" where its QEMU cannot be told. Returns buf.
 */
#define GUEST_RUN_MAX 48
char *guest_run_format(const struct hv_guest *hv, char buf[static GUEST_RUN_MAX]) _nonnull_;
