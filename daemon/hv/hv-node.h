/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "common/diag.h"

/* Private to hv-xml.c and hv-node.c: elements of libvirt's XML, their text, numbers and sizes. */

static inline void xml_string_freep(xmlChar **s)
{
	if (*s)
		xmlFree(*s);
}
#define _cleanup_xml_string_ _cleanup_(xml_string_freep)

bool node_is(const xmlNode *n, const char *name) _nonnull_;
/* The next element of that name at or after n, or NULL. */
xmlNode *node_seek(xmlNode *n, const char *name) _nonnull_args_(2);
/* The first child of that name, or NULL; NULL of NULL. */
xmlNode *node_child(const xmlNode *n, const char *name) _nonnull_args_(2);
#define NODE_FOREACH(var, parent, name) \
	for (xmlNode *var = node_child(parent, name); var; var = node_seek(var->next, name))

/* Has it an attribute of exactly that value? NULL has none. */
bool prop_is(xmlNode *n, const char *name, const char *want) _nonnull_args_(2, 3);

/* All of s as a number. Returns 0, or -EBADMSG. */
int number_of(const char *s, uint64_t *ret) _nonnull_ _must_check_;
/* The element's text as a number; as bytes by its unit attribute (none: KiB). Returns 0, -ENOMEM,
 * or -EBADMSG with what was found. */
int node_number(xmlNode *n, uint64_t *ret, struct diag *d) _nonnull_args_(1, 2) _must_check_;
int node_size(xmlNode *n, uint64_t *ret_bytes, struct diag *d) _nonnull_args_(1, 2) _must_check_;
/* Replaces *slot by the element's text; leaves it where there is no such element. Returns 0 or
 * -ENOMEM. */
int node_text(xmlNode *n, char **slot) _nonnull_args_(2) _must_check_;
