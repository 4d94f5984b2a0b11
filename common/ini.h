/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "common/diag.h"

/*
 * systemd's dialect of INI: [Section], Key=Value, '#' and ';' comment lines, a backslash at the end
 * of a line joins the next one (as a blank). Lines are at most 64 KiB, files at most 1 MiB, UTF-8
 * without NUL. Nothing is interpreted: every assignment is handed on with the place of its value.
 */
struct ini_entry {
	const char *file;
	const char *section; /* "" before the first header */
	const char *key;     /* NULL: this is the section header itself */
	const char *value;   /* blanks around it trimmed; "" for an empty assignment */
	unsigned line;       /* of the key */
	unsigned key_col;
	unsigned value_col;
	const struct ini_map *map; /* for ini_entry_place() */
};

/* Where the byte at this offset of e->value stands in the file: a value that goes on over several
 * lines has its places in all of them. Valid inside the handler. */
void ini_entry_place(const struct ini_entry *e, size_t offset, unsigned *ret_line,
	unsigned *ret_col) _nonnull_;

/* Called in file order. A non-zero return ends the reading and is returned by it. */
typedef int (*ini_handler)(const struct ini_entry *e, void *userdata, struct diag *d);

/* Reads text of len bytes. file only names the place. Returns 0, what the handler returned, or
 * -EBADMSG with *d filled; -ENOMEM. */
int ini_parse(const char *file, const char *text, size_t len, ini_handler handler, void *userdata,
	struct diag *d) _nonnull_args_(1, 2, 4) _must_check_;

/* The same, but a mistake does not end the reading: each goes to findings in the order found, be it
 * one of form or a handler's (non-zero return with its diag filled); what stands below a bad
 * section header is passed over. Returns how many were found, or -ENOMEM. */
int ini_parse_all(const char *file, const char *text, size_t len, ini_handler handler,
	void *userdata, struct diag_list *findings) _nonnull_args_(1, 2, 4, 6) _must_check_;

/* Reads a whole file of at most 1 MiB into a new NUL-terminated string, which the caller frees.
 * Returns 0, -errno of the system call, or -EFBIG; *d names the file and the remedy. */
int ini_read_file(const char *path, char **ret_text, size_t *ret_len, struct diag *d)
	_nonnull_args_(1, 2, 3) _must_check_;
