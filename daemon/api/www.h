/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <microhttpd.h>

#include "common/macros.h"

/*
 * The dashboard: the files of daemon/www/, which the linker put into the program, so that serving
 * them reads no disk. They hold no data of the host and are open to everybody; what they show comes
 * from /v1, by the role of whoever looks.
 */

struct www;
/* The answers of all files, made once. NULL without memory. */
struct www *www_new(void) _must_check_;
struct www *www_free(struct www *w); /* takes NULL, returns NULL */
/* Index of a file, "" is the page itself. Returns it or -ENOENT. */
int www_find(const char *name) _nonnull_ _must_check_;
/* Its answer: the file, or 304 where the request has it already. The response stays w's. */
struct MHD_Response *www_answer(const struct www *w, int file, const char *if_none_match,
	unsigned *ret_status) _nonnull_args_(1, 4) _must_check_;
