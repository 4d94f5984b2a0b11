/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/channel/hub.h"

#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>

#include "common/units.h"
#include "daemon/sys/clock.h"

/* Served of the crowd, and of the slow ones, before it is seen who else has something. */
#define FAST_EVENTS 32
#define SLOW_EVENTS 4
/* The mean time between two reads goes a quarter of the way to the newest one. */
#define GAP_SHIFT 2

struct hub {
	sd_event *loop;
	/* epoll: members, sd-event's descriptor (data NULL), and slow (data the hub) while it is
	 * armed */
	int fast;
	int slow; /* epoll: members that are read too often */
	int loop_fd; /* sd-event's */
	bool news;
	bool loop_ready;         /* sd-event's descriptor was readable */
	uint64_t now_usec;       /* when the last wait ended */
	/* the same, until it is counted how long that turn took; 0: it is */
	uint64_t woken_usec;
	struct histogram turns;
	uint64_t along_usec;     /* from then on a member takes the loop along */
	uint64_t served_usec;    /* the last time that a member of the crowd was */
	uint64_t gap_usec;       /* mean time between two such reads */
	uint64_t pause_usec;     /* nobody of the crowd is looked at before */
	/* the slow ones are looked at then; USEC_INFINITY: when they have something */
	uint64_t slow_due_usec;

	/* What epoll said and was not served yet: who leaves is struck out. */
	struct epoll_event *events;
	int n_events;
};

static int control(int epoll_fd, int op, int fd, uint32_t events, void *data)
{
	struct epoll_event e = {.events = events, .data.ptr = data};

	return epoll_ctl(epoll_fd, op, fd, &e) < 0 ? -errno : 0;
}

int hub_new(sd_event *loop, struct hub **ret)
{
	_cleanup_(hub_freep) struct hub *hub = calloc(1, sizeof(*hub));
	int r, fd = sd_event_get_fd(loop);

	if (!hub || fd < 0)
		return hub ? fd : -ENOMEM;
	hub->gap_usec = USEC_PER_SEC;
	hub->slow_due_usec = hub->along_usec = USEC_INFINITY;
	hub->loop_fd = fd;
	hub->slow = -1;
	hub->fast = epoll_create1(EPOLL_CLOEXEC);
	if (hub->fast < 0)
		return -errno;
	hub->slow = epoll_create1(EPOLL_CLOEXEC);
	if (hub->slow < 0)
		return -errno;
	r = control(hub->fast, EPOLL_CTL_ADD, fd, EPOLLIN, NULL);
	if (r >= 0)
		r = control(hub->fast, EPOLL_CTL_ADD, hub->slow, EPOLLIN | EPOLLONESHOT, hub);
	if (r < 0)
		return r;
	hub->loop = sd_event_ref(loop);
	*ret = TAKE_PTR(hub);
	return 0;
}

struct hub *hub_free(struct hub *hub)
{
	if (!hub)
		return NULL;
	closep(&hub->fast);
	closep(&hub->slow);
	sd_event_unref(hub->loop);
	free(hub);
	return NULL;
}

sd_event *hub_event(const struct hub *hub)
{
	return hub->loop;
}

void hub_news(struct hub *hub)
{
	hub->news = true;
}

void hub_along(struct hub *hub, uint64_t boot_usec)
{
	hub->along_usec = boot_usec;
}

const struct histogram *hub_turns(const struct hub *hub)
{
	return &hub->turns;
}

uint64_t hub_pause_usec(uint64_t gap_usec)
{
	return gap_usec < HUB_CROWD_USEC
		       ? CLAMP(HUB_TOGETHER * gap_usec, HUB_PAUSE_USEC, HUB_PAUSE_MAX_USEC)
		       : 0;
}

/* --- Members --- */

static int member_set(const struct hub *hub, bool slow)
{
	return slow ? hub->slow : hub->fast;
}

int hub_add(struct hub *hub, struct hub_member *m, int fd, uint32_t events)
{
	m->fd = fd;
	m->slow = false;
	m->events = 0;
	m->hub = hub;
	return hub_watch(m, events);
}

/* One that is not watched leaves the set: a hang-up would be told all the same. */
int hub_watch(struct hub_member *m, uint32_t events)
{
	int op = !events ? EPOLL_CTL_DEL : m->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, r;

	if (events == m->events)
		return 0;
	r = control(member_set(m->hub, m->slow), op, m->fd, events, m);
	if (r >= 0)
		m->events = events;
	return r;
}

void hub_remove(struct hub_member *m)
{
	struct hub *hub = m->hub;

	if (!hub)
		return;
	(void)hub_watch(m, 0);
	for (int i = 0; i < hub->n_events; i++)
		if (hub->events[i].data.ptr == m)
			hub->events[i].data.ptr = NULL;
	m->hub = NULL;
}

/* Into the other set. One that is lost on the way (no memory) is not served any more, as if it said
 * nothing. */
static void member_move(struct hub_member *m, bool slow)
{
	uint32_t events = m->events;

	(void)hub_watch(m, 0);
	m->slow = slow;
	(void)hub_watch(m, events);
}

/* Accounts for a read. What is paid in advance is what came too often. */
static void member_judge(struct hub_member *m, uint64_t now)
{
	m->paid_usec = MAX(m->paid_usec, now) + HUB_READ_USEC;
	if (!m->slow && m->paid_usec > now + HUB_READ_BURST * HUB_READ_USEC)
		member_move(m, true);
	else if (m->slow && m->paid_usec <= now + HUB_READ_USEC)
		member_move(m, false);
	else if (m->slow) /* no more than it takes to come to rest in a second */
		m->paid_usec = MIN(m->paid_usec, now + HUB_READ_BURST * HUB_READ_USEC);
}

/* --- Turning --- */

/* Before each wait. */
static void turn_ends(struct hub *hub)
{
	uint64_t now = clock_boot_usec();

	if (hub->woken_usec)
		histogram_add(&hub->turns, now - hub->woken_usec);
	hub->woken_usec = 0;
	hub->now_usec = now;
}

static void turn_begins(struct hub *hub)
{
	hub->woken_usec = hub->now_usec = clock_boot_usec();
}

/* Serves what epoll said. Returns how many members, and whether one wants more. */
static int serve(struct hub *hub, struct epoll_event *events, int n, uint64_t now, bool *ret_more)
{
	int served = 0;

	hub->events = events;
	hub->n_events = n;
	for (int i = 0; i < n; i++) {
		struct hub_member *m = events[i].data.ptr;

		if (!m || m == (void *)hub)
			continue;
		served++;
		member_judge(m, now);
		*ret_more |= m->ready(m, events[i].events);
	}
	hub->n_events = 0;
	return served;
}

/* How often the crowd comes, and whether it is to come together from now on. */
static void crowd_judge(struct hub *hub, int served, uint64_t now, bool at_once)
{
	uint64_t gap = (now - hub->served_usec) / (uint64_t)served;

	hub->served_usec = now;
	gap = MIN(gap, USEC_PER_SEC);
	hub->gap_usec += (gap >> GAP_SHIFT) - (hub->gap_usec >> GAP_SHIFT);
	if (!at_once)
		hub->pause_usec = now + hub_pause_usec(hub->gap_usec);
}

/* What is not a member: sd-event has something, or one of the slow ones. */
static void mark(struct hub *hub, const struct epoll_event *events, int n, uint64_t now)
{
	for (int i = 0; i < n; i++)
		if (!events[i].data.ptr)
			hub->loop_ready = true;
		else if (events[i].data.ptr == hub)
			hub->slow_due_usec = now;
}

static int milliseconds(uint64_t usec)
{
	return usec >= (uint64_t)INT_MAX * USEC_PER_MSEC ? -1 : (int)((usec + 999) / USEC_PER_MSEC);
}

/* Waits for the crowd and for sd-event, or in a pause for sd-event alone. Returns how many members
 * were served, or -errno. */
static int fast_turn(struct hub *hub, uint64_t timeout_usec)
{
	struct pollfd loop = {.fd = hub->loop_fd, .events = POLLIN};
	struct epoll_event events[FAST_EVENTS];
	bool more = false;
	int n, served;

	if (hub->pause_usec > hub->now_usec) {
		n = timeout_usec ? poll(&loop, 1,
					   milliseconds(MIN(
						   timeout_usec, hub->pause_usec - hub->now_usec)))
				 : 0;
		hub->loop_ready |= n > 0;
		turn_begins(hub);
		if (hub->pause_usec > hub->now_usec)
			return n < 0 && errno != EINTR ? -errno : 0;
		timeout_usec = 0;
	}
	n = epoll_wait(hub->fast, events, FAST_EVENTS, milliseconds(timeout_usec));
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	turn_begins(hub);
	mark(hub, events, n, hub->now_usec);
	served = serve(hub, events, n, hub->now_usec, &more);
	if (served)
		crowd_judge(hub, served, hub->now_usec, more || n == FAST_EVENTS);
	return served;
}

/* A few of the slow ones. When none has anything, the set is armed again. */
static int slow_turn(struct hub *hub)
{
	struct epoll_event events[SLOW_EVENTS];
	uint64_t now = hub->now_usec;
	bool more = false;
	int n = epoll_wait(hub->slow, events, SLOW_EVENTS, 0), served;

	if (n <= 0) {
		hub->slow_due_usec = USEC_INFINITY;
		(void)control(hub->fast, EPOLL_CTL_MOD, hub->slow, EPOLLIN | EPOLLONESHOT, hub);
		return 0;
	}
	served = serve(hub, events, n, now, &more);
	hub->slow_due_usec = more || n == SLOW_EVENTS ? now : now + HUB_PAUSE_USEC;
	return served;
}

/* The loop has something to do, or may as well do it now that somebody was served. */
static bool loop_is_due(const struct hub *hub, int served)
{
	return hub->loop_ready || hub->news || (served && hub->now_usec >= hub->along_usec);
}

/* Members, until it is time for sd-event; or only until one was served. */
static int serve_until(struct hub *hub, uint64_t until_usec, bool stay)
{
	uint64_t wait_usec;
	int total = 0, r;

	do {
		turn_ends(hub);
		wait_usec = until_usec == USEC_INFINITY ? USEC_INFINITY
							: sub_sat(until_usec, hub->now_usec);
		if (hub->slow_due_usec != USEC_INFINITY)
			wait_usec = MIN(wait_usec, sub_sat(hub->slow_due_usec, hub->now_usec));
		r = fast_turn(hub, wait_usec);
		if (r < 0)
			return r;
		total += r;
		if (hub->slow_due_usec <= hub->now_usec)
			total += slow_turn(hub);
	} while ((stay || !total) && !loop_is_due(hub, total) && hub->now_usec < until_usec);
	return total;
}

static int turn(struct hub *hub, uint64_t timeout_usec, bool stay)
{
	uint64_t until_usec =
		timeout_usec < USEC_INFINITY ? clock_boot_usec() + timeout_usec : USEC_INFINITY;
	int served, r = sd_event_prepare(hub->loop);
	bool pending = r > 0;

	if (r < 0)
		return r;
	hub->news = false;
	served = serve_until(hub, pending ? 0 : until_usec, stay);
	if (served < 0)
		return served;
	hub->loop_ready = false;
	if (hub->now_usec >= hub->along_usec)
		hub->along_usec = USEC_INFINITY;
	if (!pending)
		r = sd_event_wait(hub->loop, 0);
	if (r > 0)
		r = sd_event_dispatch(hub->loop);
	return r < 0 ? r : r > 0 || served > 0;
}

int hub_turn(struct hub *hub, uint64_t timeout_usec)
{
	return turn(hub, timeout_usec, false);
}

int hub_loop(struct hub *hub)
{
	int r, code = 0;

	while (sd_event_get_state(hub->loop) != SD_EVENT_FINISHED) {
		r = turn(hub, USEC_INFINITY, true);
		if (r < 0)
			return r;
	}
	r = sd_event_get_exit_code(hub->loop, &code);
	return r < 0 ? r : code;
}
