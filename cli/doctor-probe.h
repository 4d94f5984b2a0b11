/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/doctor.h"

/* Looks at things of this host; each takes two seconds at most. */

/* What a program prints on its standard output, at most 1 MiB, a new string; NULL where it cannot
 * be run, fails, or takes longer. */
char *probe_output(const char *const *argv) _nonnull_;
/* What systemctl says of a unit. Returns false where it cannot be asked. */
bool probe_unit(const char *name, struct doctor_unit *ret) _nonnull_;
/* Connects to a UNIX socket and hangs up. Returns 0 or an errno. */
int probe_socket(const char *path) _nonnull_;
/* When the first process of one of these names started, wall time; 0: none does. */
uint64_t probe_started(const char *const *names, uint64_t now_usec) _nonnull_;
/* Asks an address of Listen= for its certificate and whether it speaks. */
void probe_listener(const char *address, bool without_tls, struct doctor_listener *ret) _nonnull_;
/* -1: not known, 0: not kept in time, 1: it is. */
int probe_clock(void);
