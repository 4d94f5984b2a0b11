/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/server.h"

#include "daemon/api/framing.h"
#include "daemon/api/http.h"

/* Idle longer than this, as the library counts it, and a connection is closed. */
#define IDLE_SEC 30

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent signs of path and query; a NUL would cut the text, so that one stays as it is. */
static size_t unescape(void *cls, struct MHD_Connection *connection, char *s)
{
	char *from = s, *to = s;

	while (*from) {
		int high = *from == '%' ? hex_digit(from[1]) : -1;
		int low = high >= 0 ? hex_digit(from[2]) : -1;

		if (low >= 0 && (high || low)) {
			*to++ = (char)(high << 4 | low);
			from += 3;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
	return (size_t)(to - s);
}

/* What goes wrong on a connection is its client's: a port scan must not fill the journal. That
 * something did is what the library calls before it answers, and the one place where a wrong
 * Content-Length can be answered in its stead. */
_printf_(2, 0) static void drop_log(void *cls, const char *fmt, va_list ap)
{
	struct http *h = http_of_this_thread();

	if (h)
		framing_refuse_lengths(h);
}

struct server *server_new(struct http *h, const struct tls *tls)
{
	struct MHD_OptionItem tls_options[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, tls ? tls->certificate : NULL},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, tls ? tls->key : NULL},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
		/* With it the client is asked for a certificate, and may have none. */
		{tls && tls->client_authority ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0,
			tls ? tls->client_authority : NULL},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_OptionItem no_options[] = {{MHD_OPTION_END, 0, NULL}};
	struct server *s = calloc(1, sizeof(*s));
	const union MHD_DaemonInfo *info;

	if (!s)
		return NULL;
	s->tls = tls;
	s->authority = tls && tls->client_authority ? strdup(tls->client_authority) : NULL;
	if (tls && tls->client_authority && !s->authority)
		return server_free(s);
	s->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
					  MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
					  (tls ? MHD_USE_TLS : 0),
		0, NULL, NULL, request_handle, h, MHD_OPTION_EXTERNAL_LOGGER, drop_log, NULL,
		MHD_OPTION_URI_LOG_CALLBACK, request_begin, h, MHD_OPTION_UNESCAPE_CALLBACK,
		unescape, h, MHD_OPTION_NOTIFY_COMPLETED, request_end, h,
		MHD_OPTION_NOTIFY_CONNECTION, conns_notify, h, MHD_OPTION_CONNECTION_LIMIT,
		h->api->config.max_connections + 1, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)IDLE_SEC, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY_BYTES, MHD_OPTION_ARRAY, tls ? tls_options : no_options,
		MHD_OPTION_END);
	info = s->mhd ? MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info)
		return server_free(s);
	s->fd = info->epoll_fd;
	return s;
}

struct server *server_free(struct server *s)
{
	if (!s)
		return NULL;
	if (s->mhd)
		MHD_stop_daemon(s->mhd);
	free(s->authority);
	free(s);
	return NULL;
}
