/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/api/api.h"

/* Who is at the other end of a UNIX socket, by the kernel's word. */
struct peer {
	uid_t uid;
	enum api_role role;
};
/* Returns 0 or -errno. Asks the kernel only: no name service, which could hang the HTTP thread. */
int peer_get(int fd, const struct api_access *access, struct peer *ret) _nonnull_ _must_check_;

/* What somebody can do who lacks this role: which group to join, and which key of ballast.conf could name one. Local groups only, as peer_by(). Returns
 * buf. */
#define PEER_REMEDY_MAX 256
char *peer_remedy(const struct api_access *access, enum api_role needed, char buf[static PEER_REMEDY_MAX]) _nonnull_;

#define PEER_BY_MAX 64
/* "uid 1000 (anna)"; the name only if it is in the local user database. Returns buf. */
char *peer_by(uid_t uid, char buf[static PEER_BY_MAX]);
