/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/channel/channel-private.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>

DEFINE_STRTAB(channel_state, enum channel_state, CHANNEL_STATE_MAX, "connecting", "waiting", "live",
	"throttled", "closed")
DEFINE_STRTAB(channel_event_kind, enum channel_event_kind, CHANNEL_EVENT_KIND_MAX, "up", "down",
	"unreachable", "unanswered", "bad-line", "throttled", "closed", "reopened")

static void destroy(struct channel *c)
{
	channel_disconnect(c);
	sd_event_source_disable_unref(c->timer);
	free(c);
}

void channel_enter(struct channel *c)
{
	c->depth++;
}

struct channel *channel_leave(struct channel *c)
{
	if (--c->depth > 0 || !c->doomed)
		return c;
	destroy(c);
	return NULL;
}

void channel_tell(struct channel *c, enum channel_event_kind kind, const char *fmt, ...)
{
	char detail[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	c->ops->on_event(c->userdata, kind, detail);
}

void channel_arm(struct channel *c)
{
	uint64_t next_usec = MIN(c->retry_usec, c->throttle_usec);

	next_usec = MIN(next_usec, c->ping_usec);
	if (next_usec == c->armed_usec)
		return;
	c->armed_usec = next_usec;
	hub_news(c->hub);
	if (next_usec == USEC_INFINITY) {
		(void)sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
		return;
	}
	(void)sd_event_source_set_time(c->timer, next_usec);
	(void)sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
}

void channel_disconnect(struct channel *c)
{
	c->generation++;
	hub_remove(&c->member);
	closep(&c->fd);
	c->throttle_usec = c->ping_usec = USEC_INFINITY;
	c->up = c->synced = c->draining = false;
	c->has_last = c->has_held = c->has_hello = c->hello_untold = false;
	c->want_resync = c->want_config = c->want_ping = c->want_hello = c->polling_out = false;
	c->sending = 0;
	intake_reset(&c->intake);
}

/* Comes back to connecting after a while that grows up to CHANNEL_RETRY_MAX_USEC. */
static void retry_later(struct channel *c)
{
	c->state = CHANNEL_CONNECTING;
	c->retry_usec = clock_boot_usec() + c->retry_delay_usec;
	c->retry_delay_usec = MIN(2 * c->retry_delay_usec, CHANNEL_RETRY_MAX_USEC);
	channel_arm(c);
}

void channel_lost(struct channel *c, const char *why)
{
	bool was_up = c->up;

	channel_disconnect(c);
	retry_later(c);
	if (was_up)
		channel_tell(c, CHANNEL_EVENT_DOWN, "the agent's channel is gone: %s", why);
}

void channel_shut_out(struct channel *c, uint64_t now_usec, const char *why)
{
	uint64_t length_usec = penalty_begin(&c->penalty, now_usec);

	channel_count(c, closures, 1);
	channel_disconnect(c);
	c->state = CHANNEL_CLOSED;
	c->retry_usec = c->penalty.until_usec;
	channel_arm(c);
	channel_tell(c, CHANNEL_EVENT_CLOSED, "the agent is shut out for %" PRIu64 " s: %s",
		length_usec / USEC_PER_SEC, why);
}

static bool on_io(struct hub_member *member, uint32_t revents)
{
	struct channel *c = (struct channel *)((char *)member - offsetof(struct channel, member));
	bool more = false;

	channel_enter(c);
	if (revents & EPOLLOUT)
		(void)channel_flush(c);
	if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
		more = channel_receive(c);
	(void)channel_leave(c);
	return more;
}

static void cannot_connect(struct channel *c, int error)
{
	bool transient = error == ENOENT || error == ECONNREFUSED || error == EAGAIN;

	channel_disconnect(c);
	retry_later(c);
	if (c->told_errno == error || (transient && ++c->retries < CHANNEL_RETRIES_UNTOLD))
		return;
	c->told_errno = error;
	channel_tell(c, CHANNEL_EVENT_UNREACHABLE, "%s: %s", c->address.sun_path, strerror(error));
}

static void connect_now(struct channel *c)
{
	uint64_t now_usec = clock_boot_usec();

	c->retry_usec = USEC_INFINITY;
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&c->address, sizeof(c->address)) < 0) {
		cannot_connect(c, errno);
		return;
	}
	if (hub_add(c->hub, &c->member, c->fd, EPOLLIN) < 0) {
		cannot_connect(c, ENOMEM);
		return;
	}
	c->state = CHANNEL_WAITING;
	channel_count(c, connects, 1);
	c->connected_usec = c->hello_asked_usec = now_usec;
	c->retries = 0;
	c->told_errno = 0;
	c->told_unanswered = false;
	c->backlog_bytes = CHANNEL_BACKLOG_BYTES;
	c->want_resync = c->want_config = true;
	channel_sync(c, now_usec);
}

/* Nobody answered the last ping. */
static void ping_again(struct channel *c, uint64_t now_usec)
{
	channel_sync_again(c, now_usec);
	if (c->up || c->told_unanswered || now_usec - c->connected_usec < CHANNEL_UNANSWERED_USEC)
		return;
	c->told_unanswered = true;
	channel_tell(c, CHANNEL_EVENT_UNANSWERED,
		"connected, but no agent answers: not installed, not running, or another reader "
	        "has %s",
		c->address.sun_path);
}

static void reopen(struct channel *c)
{
	unsigned generation = c->generation;

	if (c->state == CHANNEL_CLOSED) {
		c->state = CHANNEL_CONNECTING;
		c->retry_usec = USEC_INFINITY;
		channel_tell(c, CHANNEL_EVENT_REOPENED, "the agent is listened to again");
	}
	if (!c->doomed && c->generation == generation)
		connect_now(c);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct channel *c = userdata;
	uint64_t now_usec = clock_boot_usec();

	channel_enter(c);
	c->armed_usec = USEC_INFINITY; /* it is a oneshot */
	if (c->retry_usec <= now_usec)
		reopen(c);
	else if (c->throttle_usec <= now_usec)
		channel_look(c);
	else if (c->ping_usec <= now_usec)
		ping_again(c, now_usec);
	if (!c->doomed)
		channel_arm(c);
	(void)channel_leave(c);
	return 0;
}

static int set_address(struct channel *c, const char *path)
{
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(c->address.sun_path))
		return -ENAMETOOLONG;
	c->address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(c->address.sun_path, path, len + 1);
	return 0;
}

/* Any number that an earlier daemon's backlog of answers does not hold. */
static uint64_t first_ping_id(void)
{
	uint64_t id = 0;

	if (getrandom(&id, sizeof(id), GRND_NONBLOCK) != sizeof(id))
		id = clock_boot_usec();
	return id >> 16; /* 48 bits: far from JSON_INTEGER_MAX */
}

int channel_new(struct hub *hub, const char *path, const struct channel_ops *ops, void *userdata,
	struct channel **ret)
{
	static const struct agent_config defaults = AGENT_CONFIG_DEFAULT;
	_cleanup_channel_ struct channel *c = calloc(1, sizeof(*c));
	uint64_t now_usec = clock_boot_usec();
	int r;

	if (!c)
		return -ENOMEM;
	c->fd = -1;
	c->ops = ops;
	c->userdata = userdata;
	c->hub = hub;
	c->member.ready = on_io;
	c->config = defaults;
	c->ping_id = first_ping_id();
	c->retry_delay_usec = CHANNEL_RETRY_MIN_USEC;
	c->retry_usec = c->throttle_usec = c->ping_usec = USEC_INFINITY;
	bucket_init(&c->bucket, now_usec);
	r = set_address(c, path);
	if (r < 0)
		return r;
	r = sd_event_add_time(hub_event(hub), &c->timer, CLOCK_BOOTTIME, now_usec, USEC_PER_MSEC,
		on_timer, c);
	if (r < 0)
		return r;
	hub_news(hub);
	c->retry_usec = c->armed_usec = now_usec;
	*ret = TAKE_PTR(c);
	return 0;
}

struct channel *channel_free(struct channel *c)
{
	if (!c)
		return NULL;
	c->doomed = true;
	channel_disconnect(c);
	if (c->depth == 0)
		destroy(c);
	return NULL;
}

/* Connects from the loop as soon as it turns; who is shut out waits for the end of that. */
static void connect_soon(struct channel *c)
{
	c->retry_delay_usec = CHANNEL_RETRY_MIN_USEC;
	if (c->state == CHANNEL_CONNECTING)
		c->retry_usec = clock_boot_usec();
	channel_arm(c);
}

int channel_set_path(struct channel *c, const char *path)
{
	int r;

	if (streq(path, c->address.sun_path)) {
		channel_retry(c);
		return 0;
	}
	r = set_address(c, path);
	if (r < 0)
		return r;
	channel_disconnect(c);
	c->retries = 0;
	c->told_errno = 0;
	if (c->state != CHANNEL_CLOSED)
		c->state = CHANNEL_CONNECTING;
	connect_soon(c);
	return 0;
}

void channel_reset(struct channel *c)
{
	c->has_last = c->has_held = false;
	if (channel_connected(c))
		channel_sync(c, clock_boot_usec());
}

void channel_retry(struct channel *c)
{
	if (!channel_connected(c))
		connect_soon(c);
}

enum channel_state channel_state(const struct channel *c)
{
	return c->state;
}

const char *channel_path(const struct channel *c)
{
	return c->address.sun_path;
}

struct channel_counters channel_sum;

const struct channel_counters *channel_counters_all(void)
{
	return &channel_sum;
}

const struct channel_counters *channel_counters(const struct channel *c)
{
	return &c->counters;
}

const struct agent_hello *channel_hello(const struct channel *c)
{
	return c->has_hello ? &c->hello : NULL;
}

uint64_t channel_closed_until(const struct channel *c)
{
	return c->state == CHANNEL_CLOSED ? c->penalty.until_usec : 0;
}
