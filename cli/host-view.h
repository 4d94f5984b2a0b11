/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/* What status and top say of the host. host is GET /v1/hosts/self. */
void host_print_header(const struct cli *c, FILE *f, const json_t *host) _nonnull_;
void host_print_memory(const struct cli *c, FILE *f, const json_t *host) _nonnull_;
/* How busy its CPUs are; and its NUMA nodes, where it has several. */
void host_print_load(const struct cli *c, FILE *f, const json_t *host) _nonnull_;
/* The daemon says that room it keeps for guests that start is what the others lack. */
bool host_is_short_for_reservations(const json_t *host) _nonnull_;
/* All that is wrong, worst first, and what Ballast does about each. Returns how many lines there
 * were. */
unsigned host_print_wrong(
	const struct cli *c, FILE *f, const json_t *host, const json_t *guests) _nonnull_;
