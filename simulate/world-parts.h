/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "simulate/world.h"

/* The steps of a tick, each in a file of its own; for world.c and their tests only. */

/* Anonymous memory grows for one tick towards the need that held until now; what does not fit
 * kills. */
void guest_grow(struct world *w, struct world_guest *g) _nonnull_;
/* Sets what is needed from now on. */
void guest_set_demand(struct world *w, struct world_guest *g) _nonnull_;
/* Divides what the guest has among its anonymous memory and its cache, and says how it stalls. */
void guest_compose(struct world_guest *g) _nonnull_;
/* Adds what the rates brought since the last tick. */
void guest_count(struct world_guest *g) _nonnull_;
/* Moves the balloon for one tick. */
void balloon_move(struct world *w, struct world_guest *g) _nonnull_;
/* Divides the host's CPUs for one tick by weight. */
void world_divide_cpus(struct world *w) _nonnull_;
