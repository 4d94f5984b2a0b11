/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/conf.h"

/*
 * `ballastd --release`, run by ballast-release.service when ballastd could not be started again:
 * within ten seconds every guest has what it uses and room to breathe, floors first, then what it
 * had before Ballast touched it, as far as the host's free memory goes. Nobody is shrunk. Soft
 * limits, CPU weights and quotas, and balloon statistics' periods that are Ballast's go back too.
 * In observe mode it does nothing; where the state cannot be read, only what guests use is made
 * sure of, and what spare.h has of them given back, and that only where enforcing.h shows that they
 * were commanded. whole: all of the configuration could be read; else the state may be elsewhere,
 * and "observe" is no answer. Writes to the journal what it did. Returns 0, or -errno when the
 * state or libvirt could not be asked.
 */
int release_run(const struct conf *conf, bool whole) _nonnull_ _must_check_;
