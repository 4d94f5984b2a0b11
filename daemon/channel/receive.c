/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/channel/channel-private.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

/*
 * What comes from the guest: read, cut into lines, judged, handed on. Every call back may close or
 * free the channel; the generation tells, and whatever was still to be done with the old
 * connection's bytes is dropped.
 */

static bool gone(const struct channel *c, unsigned generation)
{
	return c->doomed || c->generation != generation;
}

static void refuse_line(struct channel *c, uint64_t now_usec, const char *reason)
{
	unsigned generation = c->generation;

	channel_count(c, bad_lines, 1);
	if (!c->told_bad_usec || now_usec - c->told_bad_usec >= USEC_PER_MIN) {
		c->told_bad_usec = now_usec;
		channel_tell(
			c, CHANNEL_EVENT_BAD_LINE, "a line of the agent was refused: %s", reason);
		if (gone(c, generation))
			return;
	}
	if (penalty_bad_line(&c->penalty, now_usec))
		channel_shut_out(c, now_usec, "ten refused lines within a minute");
}

void channel_refuse(struct channel *c, const char *reason)
{
	refuse_line(c, clock_boot_usec(), reason);
}

/* Hands a fresh report on, and before the first one what it stands on. fs may be NULL. */
static void hand_on(struct channel *c, const struct guest_report *report, const struct line *fs)
{
	unsigned generation = c->generation;

	if (!c->up) {
		c->up = true;
		c->retry_delay_usec = CHANNEL_RETRY_MIN_USEC;
		if (c->state == CHANNEL_WAITING)
			c->state = CHANNEL_LIVE;
		channel_tell(c, CHANNEL_EVENT_UP, "the agent answers");
		if (gone(c, generation))
			return;
	}
	if (c->hello_untold) {
		c->hello_untold = false;
		c->ops->on_hello(c->userdata, &c->hello);
		if (gone(c, generation))
			return;
	}
	channel_count(c, reports, 1);
	/* One that was lost or refused: without it nobody knows what version and system this is. */
	if (!c->has_hello &&
		report->arrival_usec >= c->hello_asked_usec + CHANNEL_HELLO_AGAIN_USEC) {
		c->hello_asked_usec = report->arrival_usec;
		channel_ask_hello(c);
	}
	c->ops->on_report(c->userdata, report);
	if (fs && fs->has_filesystems && !gone(c, generation))
		c->ops->on_filesystems(c->userdata, fs->filesystems, fs->n_filesystems);
}

/* Decides whether a report that is in order is news: hands it on, or drops it and sees that a fresh
 * one comes. */
static void judge_report(
	struct channel *c, const struct guest_report *report, bool answers, const struct line *fs)
{
	uint64_t now_usec = report->arrival_usec;

	if (answers && !c->synced) {
		c->synced = true;
		c->ping_usec = USEC_INFINITY;
		c->backlog_bytes = 0;
		channel_arm(c);
		freshness_anchor(&c->freshness, now_usec, report->guest_usec);
	} else if (!c->synced) {
		channel_count(c, stale_lines, 1);
		/* There is an agent by now, which had not been there when it was asked last. */
		if (now_usec - c->asked_usec >= CHANNEL_PING_MIN_USEC)
			channel_sync(c, now_usec);
		return;
	} else if (freshness_age(&c->freshness, now_usec, report->guest_usec) >
		   FRESHNESS_LIMIT_USEC) {
		channel_count(c, stale_lines, 1);
		channel_sync(c, now_usec);
		return;
	}
	hand_on(c, report, fs);
}

static void take_hello(struct channel *c, const struct agent_hello *hello, uint64_t now_usec)
{
	c->hello = *hello;
	c->has_hello = c->hello_untold = true;
	if (c->synced) {
		c->hello_untold = false;
		c->ops->on_hello(c->userdata, &c->hello);
	} else if (now_usec - c->asked_usec >= CHANNEL_PING_MIN_USEC) {
		channel_sync(c, now_usec);
	}
}

static void take_report(struct channel *c, struct line *line, uint64_t now_usec)
{
	struct guest_report *report = &line->report;
	bool answers = line->has_ping && line->ping_id >= c->sync_id && line->ping_id <= c->ping_id;
	const char *reason;

	report->arrival_usec = now_usec;
	if (c->has_hello && c->hello.boot_id == report->boot_id)
		report->page_bytes = c->hello.page_bytes;
	if (c->has_last && line_check_order(&c->last, report, &reason) < 0) {
		refuse_line(c, now_usec, reason);
		return;
	}
	c->last = *report;
	c->has_last = true;
	if (!c->draining) {
		judge_report(c, report, answers, line);
		return;
	}
	channel_count(c, stale_lines, c->has_held);
	c->held = *report;
	c->has_held = true;
	c->held_answers = answers;
}

static void take_line(struct channel *c, const struct intake_line *text, uint64_t now_usec)
{
	const char *reason = "longer than 4096 bytes";
	struct line line;

	if (!text->text || line_parse(text->text, text->len, &line, &reason) < 0)
		refuse_line(c, now_usec, reason);
	else if (line.type == LINE_HELLO)
		take_hello(c, &line.hello, now_usec);
	else
		take_report(c, &line, now_usec);
}

static void throttle(struct channel *c, uint64_t now_usec)
{
	c->state = CHANNEL_THROTTLED;
	(void)hub_watch(&c->member, 0);
	c->throttle_usec = now_usec + CHANNEL_THROTTLE_USEC;
	channel_arm(c);
}

/* Every line counts: the usual case. */
static void receive_all(struct channel *c, const char *data, size_t len, uint64_t now_usec)
{
	unsigned generation = c->generation;
	struct intake_line text;
	size_t bytes = len;

	while (intake_next(&c->intake, &data, &len, &text)) {
		take_line(c, &text, now_usec);
		if (gone(c, generation))
			return;
	}
	if (!c->synced && c->backlog_bytes >= bytes) {
		c->backlog_bytes -= bytes;
		return;
	}
	if (bucket_take(&c->bucket, now_usec, bytes))
		return;
	channel_count(c, throttles, 1);
	(void)penalty_over(&c->penalty, now_usec);
	throttle(c, now_usec);
	if (!c->told_throttled_usec || now_usec - c->told_throttled_usec >= USEC_PER_MIN) {
		c->told_throttled_usec = now_usec;
		channel_tell(c, CHANNEL_EVENT_THROTTLED, "the agent sends more than 8 KiB/s");
	}
}

/* Only the last whole line counts; those before it are not even parsed. */
static void receive_newest(struct channel *c, const char *data, size_t len, uint64_t now_usec)
{
	unsigned generation = c->generation;
	struct intake_line text;

	while (intake_next(&c->intake, &data, &len, &text)) {
		if (len > 0 && memchr(data, '\n', len)) {
			channel_count(c, stale_lines, 1);
			continue;
		}
		take_line(c, &text, now_usec);
		if (gone(c, generation))
			return;
	}
}

/* A look at a throttled channel is over: the newest line counts, and the guest's manners are
 * judged. */
static void finish_look(struct channel *c, uint64_t now_usec)
{
	bool within = c->backlog_bytes < CHANNEL_BACKLOG_BYTES &&
	              bucket_take(&c->bucket, now_usec, c->backlog_bytes);
	unsigned generation = c->generation;

	c->draining = false;
	if (c->has_held) {
		c->has_held = false;
		judge_report(c, &c->held, c->held_answers, NULL);
		if (gone(c, generation))
			return;
	}
	if (within) {
		penalty_within(&c->penalty);
		c->state = c->up ? CHANNEL_LIVE : CHANNEL_WAITING;
		/* What was left unread may have been a hello, or file systems. */
		channel_ask_hello(c);
	} else if (penalty_over(&c->penalty, now_usec)) {
		channel_shut_out(c, now_usec, "more than 8 KiB/s for five seconds");
	} else {
		throttle(c, now_usec);
	}
}

void channel_look(struct channel *c)
{
	c->throttle_usec = USEC_INFINITY;
	c->draining = true;
	c->has_held = false;
	c->backlog_bytes = 0;
	(void)hub_watch(&c->member, c->polling_out ? EPOLLIN | EPOLLOUT : EPOLLIN);
	(void)channel_receive(c);
}

/* Whether a look has seen all there is, or enough. */
static bool look_ends(const struct channel *c, ssize_t n)
{
	int left = 0;

	if (n < CHANNEL_READ_BYTES || c->backlog_bytes >= CHANNEL_BACKLOG_BYTES)
		return true;
	return ioctl(c->fd, FIONREAD, &left) < 0 || left == 0;
}

bool channel_receive(struct channel *c)
{
	unsigned generation = c->generation;
	char data[CHANNEL_READ_BYTES];
	ssize_t n = recv(c->fd, data, sizeof(data), MSG_DONTWAIT);
	uint64_t now_usec = clock_boot_usec();

	if (n == 0) {
		channel_lost(c, "QEMU closed the connection");
		return false;
	}
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			channel_lost(c, strerror(errno));
		else if (c->draining && errno == EAGAIN)
			finish_look(c, now_usec);
		return false;
	}
	channel_count(c, bytes, n);
	if (!c->draining) {
		receive_all(c, data, (size_t)n, now_usec);
		return !gone(c, generation) && n == CHANNEL_READ_BYTES;
	}
	c->backlog_bytes += (uint64_t)n;
	receive_newest(c, data, (size_t)n, now_usec);
	if (!gone(c, generation) && look_ends(c, n))
		finish_look(c, now_usec);
	return !gone(c, generation) && c->draining;
}
