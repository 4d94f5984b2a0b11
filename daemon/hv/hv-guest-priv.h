/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/hv/hv-guest.h"

/* The making of a guest, for hv/ alone: mutable until it is handed out. */

/* An empty one with one reference, NULL without memory. Strings are "" and tags an empty list, all
 * owned. */
struct hv_guest *hv_guest_new(void) _must_check_;
static inline void hv_guest_dropp(struct hv_guest **g)
{
	hv_guest_unref(*g);
}
#define _cleanup_hv_guest_new_ _cleanup_(hv_guest_dropp)

/*
 * Reads a domain's XML as virDomainGetXMLDesc() gives it: everything but uuid's incarnation (id is
 * read where the XML is a live one), running, persistent, autostart and the process. channel_name:
 * the port that is the agent's. Returns 0, -ENOMEM, or -EBADMSG with *d filled (the line in the
 * XML, what was expected).
 */
int hv_guest_parse(const char *xml, size_t len, const char *channel_name, struct hv_guest **ret,
	struct diag *d) _nonnull_args_(1, 3, 4) _must_check_;

/* The device XML of a channel of that name, with its socket where path is not NULL. 0 or -ENOMEM;
 * free() it. */
int hv_channel_xml(const char *name, const char *path, char **ret)
	_nonnull_args_(1, 3) _must_check_;
