/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/channel/channel-private.h"

#include <stdio.h>
#include <sys/socket.h>

/*
 * What goes to the guest: the newest configuration, the newest ping. Nothing is queued behind them,
 * so a guest that does not read costs one line of memory, and never a wait.
 */

/* Puts the next line that is wanted into c->send. */
static void compose(struct channel *c)
{
	const char *resync = c->want_resync ? "\xff" : "";
	int n = 0;

	if (c->want_config) {
		n = snprintf(c->send, sizeof(c->send),
			"%s{\"type\":\"config\",\"heartbeat_ms\":%" PRIu64
			",\"available_pct\":%" PRIu32 ",\"psi_stall_us\":%" PRIu64
			",\"psi_window_us\":%" PRIu64 "}\n",
			resync, c->config.heartbeat_usec / USEC_PER_MSEC, c->config.available_pct,
			c->config.psi_stall_usec, c->config.psi_window_usec);
		c->want_config = false;
	} else if (c->want_ping) {
		n = snprintf(c->send, sizeof(c->send),
			"%s{\"type\":\"ping\",\"id\":%" PRIu64 "%s}\n", resync, c->ping_id,
			c->want_hello ? ",\"hello\":true" : "");
		c->want_ping = c->want_hello = false;
	}
	c->sending = (size_t)n;
	c->want_resync = c->want_resync && n == 0;
}

static void poll_out(struct channel *c, bool on)
{
	if (c->polling_out == on)
		return;
	c->polling_out = on;
	if (c->throttle_usec != USEC_INFINITY)
		return; /* left alone; the next look goes on with it */
	(void)hub_watch(&c->member, on ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

int channel_flush(struct channel *c)
{
	for (;;) {
		ssize_t n;

		if (c->sending == 0)
			compose(c);
		if (c->sending == 0) {
			poll_out(c, false);
			return 0;
		}
		n = send(c->fd, c->send, c->sending, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			poll_out(c, true);
			return -EAGAIN;
		}
		/* A broken connection is noticed, and told, by the next read. */
		if (n < 0)
			return -errno;
		c->sending -= (size_t)n;
		memmove(c->send, c->send + n, c->sending);
	}
}

static void ask(struct channel *c, bool hello)
{
	c->ping_id++;
	c->want_ping = true;
	c->want_hello = c->want_hello || hello;
	(void)channel_flush(c);
}

void channel_ask_hello(struct channel *c)
{
	ask(c, true);
}

/* Sends the ping whose answer ends the holding back, and waits for it until the next one. */
static void ask_for_sync(struct channel *c, uint64_t now_usec)
{
	ask(c, true);
	c->sync_id = c->ping_id;
	c->asked_usec = now_usec;
	c->ping_usec = now_usec + c->ping_delay_usec;
	c->ping_delay_usec = MIN(2 * c->ping_delay_usec, CHANNEL_PING_MAX_USEC);
	channel_arm(c);
}

void channel_sync(struct channel *c, uint64_t now_usec)
{
	c->synced = false;
	c->ping_delay_usec = CHANNEL_PING_MIN_USEC;
	ask_for_sync(c, now_usec);
}

void channel_sync_again(struct channel *c, uint64_t now_usec)
{
	ask_for_sync(c, now_usec);
}

int channel_ping(struct channel *c)
{
	if (!channel_connected(c))
		return -ENOTCONN;
	if (c->want_ping)
		return -ENOBUFS;
	ask(c, false);
	return 0;
}

int channel_configure(struct channel *c, const struct agent_config *config)
{
	if (config->heartbeat_usec < USEC_PER_SEC || config->heartbeat_usec > USEC_PER_HOUR ||
		config->available_pct < 1 || config->available_pct > 50 ||
		config->psi_window_usec < 500 * USEC_PER_MSEC ||
		config->psi_window_usec > 10 * USEC_PER_SEC || config->psi_stall_usec < 1 ||
		config->psi_stall_usec > config->psi_window_usec)
		return -EINVAL;
	c->config = *config;
	if (channel_connected(c)) {
		c->want_config = true;
		(void)channel_flush(c);
	}
	return 0;
}
