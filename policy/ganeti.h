/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/diag.h"
#include "policy/placement.h"

/*
 * A cluster as ganeti-htools describe it (the text backend of hbal(1), `hbal -S`): sections of
 * groups, nodes, instances, tags and limits, each ended by an empty line, fields by "|", memory in
 * MiB. Of nodes: memory, free memory, CPUs, whether it is offline (then it is to be left), its
 * group, its own CPUs. Of instances: memory, virtual CPUs, state, node, disk template. Of limits:
 * the ratio of virtual CPUs.
 *
 * Instances whose disks only their node reaches (plain, file) and such as do not run stay where
 * they are. A pair of local disks (drbd) is refused: it ties an instance to two nodes, and to move
 * it means to copy disks, which Ballast does not do.
 */
#define GANETI_HOSTS_MAX  PLACEMENT_HOSTS_MAX
#define GANETI_GUESTS_MAX 65536

struct ganeti_cluster {
	struct placement_host *hosts;
	size_t n_hosts;
	struct placement_guest *guests;
	size_t n_guests;
	char *text; /* where the names are */
};

/* Returns 0, -ENOMEM, or -EBADMSG with file, line and column of what was found in *d. `file` is for
 * that alone. */
int ganeti_parse(const char *file, const char *text, size_t len, struct ganeti_cluster **ret,
	struct diag *d) _nonnull_args_(2, 4) _must_check_;
struct ganeti_cluster *ganeti_cluster_free(struct ganeti_cluster *c); /* takes NULL, returns NULL */
DEFINE_CLEANUP(struct ganeti_cluster *, ganeti_cluster_free)
#define _cleanup_ganeti_cluster_ _cleanup_(ganeti_cluster_freep)
