/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/client.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

DEFINE_STRTAB(client_how, enum client_how,
	CLIENT_HOW_MAX, [CLIENT_SOCKET] = "socket", [CLIENT_CERTIFICATE] = "certificate",
	[CLIENT_TOKEN] = "token", [CLIENT_LOOPBACK] = "loopback", [CLIENT_NETWORK] = "network")

/* The groups of one process, as they were when it connected. */
struct groups {
	gid_t *gids;
	size_t n;
	gid_t primary;
};

static bool in_group(const struct groups *g, gid_t gid)
{
	if (gid == (gid_t)-1)
		return false;
	if (g->primary == gid)
		return true;
	for (size_t i = 0; i < g->n; i++)
		if (g->gids[i] == gid)
			return true;
	return false;
}

static int get_groups(int fd, struct groups *g)
{
	socklen_t len = 32 * sizeof(gid_t);

	for (int attempt = 0; attempt < 2; attempt++) {
		free(g->gids);
		g->gids = malloc(len);
		if (!g->gids)
			return -ENOMEM;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, g->gids, &len) == 0) {
			g->n = len / sizeof(gid_t);
			return 0;
		}
		if (errno != ERANGE) /* then len is what is needed */
			return -errno;
	}
	return -ERANGE;
}

static enum api_role role_of(uid_t uid, const struct groups *g, const struct api_access *access)
{
	gid_t admin = access->admin_gid == (gid_t)-1 ? getegid() : access->admin_gid;

	if (uid == 0 || uid == geteuid() || in_group(g, admin))
		return API_ROLE_ADMIN;
	if (in_group(g, access->operate_gid))
		return API_ROLE_OPERATE;
	if (in_group(g, access->read_gid))
		return API_ROLE_READ;
	return access->others;
}

int client_of_socket(int fd, const struct api_access *access, struct client *ret)
{
	_cleanup_free_ gid_t *gids = NULL;
	struct groups groups = {0};
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	r = get_groups(fd, &groups);
	gids = groups.gids;
	if (r < 0)
		return r;
	groups.primary = cred.gid;
	*ret = (struct client){.how = CLIENT_SOCKET,
		.uid = cred.uid,
		.pid = cred.pid,
		.role = role_of(cred.uid, &groups, access),
		.expires_real_usec = USEC_INFINITY};
	snprintf(ret->key, sizeof(ret->key), "uid %u", (unsigned)cred.uid);
	return 0;
}

void client_of_address(const struct address *address, struct client *ret)
{
	struct address net = *address;
	bool local = address_is_loopback(address);

	*ret = (struct client){.how = local ? CLIENT_LOOPBACK : CLIENT_NETWORK,
		.role = API_ROLE_NONE,
		.expires_real_usec = USEC_INFINITY};
	address_host_format(address, ret->address);
	snprintf(ret->key, sizeof(ret->key), "%s", ret->address);
	if (local || !strchr(ret->address, ':'))
		return;
	memset(((struct sockaddr_in6 *)&net.storage)->sin6_addr.s6_addr + 8, 0, 8);
	address_host_format(&net, ret->key);
	strcat(ret->key, "/64");
}

void client_of_token(const struct token_entry *e, struct client *ret)
{
	ret->how = CLIENT_TOKEN;
	ret->role = e->role;
	ret->expires_real_usec = e->expires_real_usec;
	memcpy(ret->hash, e->hash, sizeof(ret->hash));
	snprintf(ret->key, sizeof(ret->key), "token %s", e->name);
}

void client_of_certificate(
	const char *common_name, enum api_role role, uint64_t expires_real_usec, struct client *ret)
{
	ret->how = CLIENT_CERTIFICATE;
	ret->role = role;
	ret->expires_real_usec = expires_real_usec;
	snprintf(ret->key, sizeof(ret->key), "cert CN=%s", common_name);
}

char *client_by(const struct client *c, const struct names *names, char buf[static CLIENT_BY_MAX])
{
	const char *user = c->how == CLIENT_SOCKET ? names_user(names, c->uid) : NULL;

	if (user)
		snprintf(buf, CLIENT_BY_MAX, "uid %u (%s)", (unsigned)c->uid, user);
	else if (c->how == CLIENT_SOCKET)
		snprintf(buf, CLIENT_BY_MAX, "uid %u", (unsigned)c->uid);
	else
		snprintf(buf, CLIENT_BY_MAX, "%s", client_is_known(c) ? c->key : c->address);
	return buf;
}

static void socket_remedy(const struct api_access *access, const struct names *names,
	enum api_role needed, char buf[static CLIENT_REMEDY_MAX])
{
	gid_t own = needed == API_ROLE_READ	 ? access->read_gid
		    : needed == API_ROLE_OPERATE ? access->operate_gid
						 : (gid_t)-1;
	gid_t admin = access->admin_gid == (gid_t)-1 ? getegid() : access->admin_gid;
	const char *key = needed == API_ROLE_READ      ? "ReadGroup"
			  : needed == API_ROLE_OPERATE ? "OperateGroup"
						       : NULL;
	bool has_own = own != (gid_t)-1;
	gid_t gid = has_own ? own : admin;
	const char *name = names_group(names, gid);
	char group[64];

	/* "ballast", or "998" where no local group is that. */
	if (name)
		snprintf(group, sizeof(group), "%s", name);
	else
		snprintf(group, sizeof(group), "%u", (unsigned)gid);
	snprintf(buf, CLIENT_REMEDY_MAX,
		"join group \"%s\"%s (adduser NAME %s, then log in anew)%s%s%s", group,
		has_own || !key ? "" : ", which may do everything", group,
		has_own || !key ? "" : ", or set ", has_own || !key ? "" : key,
		has_own || !key ? "" : "= in ballast.conf(5)");
}

char *client_remedy(const struct client *c, const struct api_access *access,
	const struct names *names, enum api_role needed, char buf[static CLIENT_REMEDY_MAX])
{
	const char *role = api_role_to_string(needed);

	if (c->how == CLIENT_SOCKET)
		socket_remedy(access, names, needed, buf);
	else if (c->how == CLIENT_CERTIFICATE)
		snprintf(buf, CLIENT_REMEDY_MAX,
			"give it more in the file of Tokens= in ballast.conf(5), by the line: cert:%s %s",
			c->key + strlen("cert CN="), role);
	else
		snprintf(buf, CLIENT_REMEDY_MAX,
			"use another token (ballastctl token new NAME --role %s makes one)", role);
	return buf;
}
