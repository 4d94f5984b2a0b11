/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/conf.h"
#include "daemon/store/store.h"

/*
 * What guests had before Ballast touched them, where the state directory does not take it (full,
 * read-only, hanging): a file a guest in a directory beside the API's socket. That is in /run,
 * which outlives the daemon and ends with the guests, and does not share the disk that fails.
 * Writes of some 200 bytes to memory: for the main loop.
 */
#define SPARE_DIR        "originals"
#define SPARE_FILES_MAX  4096 /* more are not read */
#define SPARE_TEXT_MAX   1024 /* of one file */

/* "/run/ballast/originals", new; NULL without memory, or where conf names no socket. */
char *spare_path(const struct conf *conf) _nonnull_ _must_check_;
/* Writes one whole, or leaves what is there. Returns 0 or -errno; -ENOENT also where conf names no
 * socket. */
int spare_put(const struct conf *conf, const struct store_original *o) _nonnull_ _must_check_;
/* It may not be there; what fails is left so. */
void spare_drop(const struct conf *conf, const struct uuid *guest) _nonnull_;
/* Hands each on, in no order; o->name is "". What is garbage, somebody else's or too much is passed
 * over and a finding with file and line. Returns 0 (also where there are none), what fn returned if
 * that is not 0, or -errno where the directory cannot be read (then that is a finding too). */
int spare_load(const struct conf *conf, store_original_fn fn, void *userdata,
	struct diag_list *findings) _nonnull_args_(1, 2, 4) _must_check_;

/* One file's text. Pure. Returns its length. */
size_t spare_format(const struct store_original *o, char buf[static SPARE_TEXT_MAX]) _nonnull_;
/* Takes what spare_format() makes, to the byte. Fills all but o->guest; name is "", run points into
 * run. Returns 0, or -EBADMSG with *d filled and *ret untouched. */
#define SPARE_RUN_MAX 48
int spare_parse(const char *file, const char *text, size_t len, char run[static SPARE_RUN_MAX],
	struct store_original *ret, struct diag *d) _nonnull_args_(2, 4, 5) _must_check_;

/*
 * Into what the state file says of the same run: what the guest had stays what that says, where it
 * knows it. A spare is written when the file could not be, so it is the newer: its target counts,
 * and what either takes for Ballast's is.
 */
void spare_merge(struct store_original *o, const struct store_original *spare) _nonnull_;
