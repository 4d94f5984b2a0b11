/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hv-probe [URI]: libvirt as ballastd sees it, by hand. Prints every event and result, one a line
 * with the seconds since its start, and takes calls from standard input: `help` lists them. Ends
 * with the end of its input, after the calls under way.
 */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <uthash.h>

#include "common/units.h"
#include "daemon/hv/hv.h"

struct guest {
	struct uuid uuid;
	const struct hv_guest *g;
	UT_hash_handle hh;
};

struct probe {
	struct hv *hv;
	struct guest *guests;
	uint64_t start_usec;
	unsigned under_way;
};

static uint64_t now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static void say(struct probe *p, const char *fmt, ...) _printf_(2, 3);
static void say(struct probe *p, const char *fmt, ...)
{
	uint64_t msec = (now_usec() - p->start_usec) / 1000;
	va_list ap;

	printf("%" PRIu64 ".%03" PRIu64 " ", msec / 1000, msec % 1000);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

static struct guest *guest_find(struct probe *p, const struct uuid *uuid)
{
	struct guest *g;

	HASH_FIND(hh, p->guests, uuid->bytes, sizeof(uuid->bytes), g);
	return g;
}

static const char *name_of(struct probe *p, const struct uuid *uuid)
{
	static char text[UUID_TEXT_MAX];
	struct guest *g = guest_find(p, uuid);

	return g ? g->g->name : uuid_format(uuid, text);
}

/* --- Events --- */

static void on_connected(void *data, uint64_t generation, const char *version)
{
	say(data, "connected generation=%" PRIu64, generation);
}

static void on_synced(void *data, uint64_t generation)
{
	say(data, "synced generation=%" PRIu64, generation);
}

static void on_disconnected(void *data, const struct hv_down *down)
{
	say(data, "disconnected lost=%d retry=%" PRIu64 "ms reason=%s", down->lost,
		down->retry_usec / 1000, down->reason);
}

static void say_guest(struct probe *p, const char *what, const struct hv_guest *g, unsigned mask)
{
	say(p,
		"%s %s id=%d changed=0x%x running=%d max=%" PRIu64 "M actual=%" PRIu64
		"M fixed=%s balloon=%s autodeflate=%d fpr=%d period=%" PRIu64 " vcpus=%u tids=%zu "
		"shares=%" PRIu64 " pid=%d channel=%s path=%s serial=%d persistent=%d autostart=%d "
		"tags=%s title=%s",
		what, g->name, g->id, mask, g->running, g->max_bytes / MIB, g->actual_bytes / MIB,
		fixed_reason_to_string(g->fixed), hv_balloon_model_to_string(g->balloon),
		g->autodeflate, g->free_page_reporting, g->stats_period_sec, g->vcpus,
		g->n_vcpu_tids, g->cpu_shares, g->pid, hv_channel_state_to_string(g->channel),
		g->channel_path ? g->channel_path : "-", g->has_virtio_serial, g->persistent,
		g->autostart, g->tags[0] ? g->tags[0] : "-", g->title);
}

static void on_appeared(void *data, const struct hv_guest *hg)
{
	struct probe *p = data;
	struct guest *g = calloc(1, sizeof(*g));

	g->uuid = hg->uuid;
	g->g = hv_guest_ref(hg);
	HASH_ADD(hh, p->guests, uuid, sizeof(g->uuid), g);
	say_guest(p, "appeared", hg, 0);
}

static void on_changed(void *data, const struct hv_guest *hg, unsigned what)
{
	struct guest *g = guest_find(data, &hg->uuid);

	if (g) {
		hv_guest_unref(g->g);
		g->g = hv_guest_ref(hg);
	}
	say_guest(data, "changed", hg, what);
}

static void on_gone(void *data, const struct uuid *uuid, enum hv_gone why)
{
	struct probe *p = data;
	struct guest *g = guest_find(p, uuid);

	say(p, "gone %s why=%s", name_of(p, uuid), hv_gone_to_string(why));
	if (!g)
		return;
	HASH_DEL(p->guests, g);
	hv_guest_unref(g->g);
	free(g);
}

static void on_reset(void *data, const struct uuid *uuid)
{
	say(data, "reset %s", name_of(data, uuid));
}

static void on_balloon(void *data, const struct uuid *uuid, uint64_t bytes)
{
	say(data, "balloon %s actual=%" PRIu64 "M", name_of(data, uuid), bytes / MIB);
}

static void on_job_started(void *data, const struct uuid *uuid)
{
	say(data, "job-started %s", name_of(data, uuid));
}

static void on_job_ended(void *data, const struct uuid *uuid, bool completed)
{
	say(data, "job-ended %s completed=%d", name_of(data, uuid), completed);
}

static void on_quarantined(void *data, const struct hv_overdue *o)
{
	say(data, "quarantined %s call=%s bytes=%" PRIu64 "M overdue=%u why=%s",
		name_of(data, &o->guest), hv_call_to_string(o->call), o->bytes / MIB, o->overdue,
		o->why);
}

static void say_balloon(struct probe *p, const char *what, const struct hv_balloon *b)
{
	say(p,
		"%s %s has=0x%x actual=%" PRIu64 "M total=%" PRIu64 "M available=%" PRIu64
		"M free=%" PRIu64 "M resident=%" PRIu64 "M",
		what, name_of(p, &b->guest), b->has, b->actual_bytes / MIB, b->total_bytes / MIB,
		b->available_bytes / MIB, b->free_bytes / MIB, b->resident_bytes / MIB);
}

static void on_recovered(void *data, const struct uuid *uuid, const struct hv_balloon *b)
{
	(void)uuid;
	say_balloon(data, "recovered", b);
}

static void on_trouble(void *data, const struct uuid *uuid, const char *text)
{
	say(data, "trouble %s: %s", uuid ? name_of(data, uuid) : "-", text);
}

static void on_done(void *data, const struct hv_result *r)
{
	struct probe *p = data;

	p->under_way--;
	say(p,
		"done %s %s error=%s took=%" PRIu64 "us weight=%" PRIu64 " quota=%" PRIu64
		" job=%d out=%d next=%d text=%s",
		hv_call_to_string(r->call),
		r->call == HV_CALL_READ_BALLOONS ? "-" : name_of(p, &r->guest),
		r->error ? strerrorname_np(-r->error) : "0",
		r->started_usec ? r->ended_usec - r->started_usec : 0, r->cpu_weight,
		r->cpu_quota_permyriad, r->job.running, r->job.migration_out, r->at_next_start,
		r->text);
	for (size_t i = 0; i < r->n_balloons; i++)
		say_balloon(p, "figures", &r->balloons[i]);
}

static const struct hv_ops ops = {
	.connected = on_connected,
	.synced = on_synced,
	.disconnected = on_disconnected,
	.guest_appeared = on_appeared,
	.guest_changed = on_changed,
	.guest_gone = on_gone,
	.guest_reset = on_reset,
	.balloon_changed = on_balloon,
	.job_started = on_job_started,
	.job_ended = on_job_ended,
	.guest_quarantined = on_quarantined,
	.guest_recovered = on_recovered,
	.trouble = on_trouble,
	.call_done = on_done,
};

/* --- Commands: CALL GUEST [VALUE] --- */

static void submit(struct probe *p, struct hv_request *req)
{
	int r = hv_submit(p->hv, req, NULL);

	if (r == 0)
		p->under_way++;
	else
		say(p, "refused %s %s error=%s", hv_call_to_string(req->call),
			name_of(p, &req->guest), strerrorname_np(-r));
}

static void submit_bulk(struct probe *p)
{
	struct uuid all[HV_BULK_MAX];
	struct hv_request req = {.call = HV_CALL_READ_BALLOONS, .guests = all};
	struct guest *g, *tmp;

	HASH_ITER (hh, p->guests, g, tmp)
		if (req.n_guests < HV_BULK_MAX)
			all[req.n_guests++] = g->uuid;
	submit(p, &req);
}

static void say_counters(struct probe *p)
{
	struct hv_counters c;

	hv_counters(p->hv, &c);
	say(p,
		"counters mutating=%" PRIu64 " events=%" PRIu64 " timeouts=%" PRIu64
		" reconnects=%" PRIu64 " replaced=%" PRIu64 " overdue=%u quarantined=%u threads=%u",
		c.mutating, c.events, c.timeouts, c.reconnects, c.replaced, c.overdue,
		c.quarantined, c.threads);
	for (int i = 0; i < HV_CALL_MAX; i++)
		if (c.calls[i])
			say(p, "count %s %" PRIu64, hv_call_to_string((enum hv_call)i), c.calls[i]);
}

static bool fill(struct hv_request *req, const char *value)
{
	char *end;

	switch (req->call) {
	case HV_CALL_SET_MEMORY:
	case HV_CALL_SET_SOFT_LIMIT:
		return size_parse(value, &req->bytes, NULL) == 0;
	case HV_CALL_SET_STATS_PERIOD:
		req->period_sec = (unsigned)strtoul(value, &end, 10);
		return *value && !*end;
	case HV_CALL_SET_CPU: /* WEIGHT[:QUOTA%] */
		req->set_weight = true;
		req->cpu_weight = strtoul(value, &end, 10);
		req->set_quota = *end == ':';
		return *value &&
		       (!*end || (req->set_quota && ratio_parse(end + 1, 100 * PERMYRIAD,
							    &req->cpu_quota_permyriad, NULL) == 0));
	default:
		return !*value;
	}
}

/* True: go on. */
static bool command(struct probe *p, const char *line)
{
	char verb[32] = "", name[256] = "", value[64] = "";
	struct hv_request req = {0};
	struct guest *g, *tmp;

	sscanf(line, "%31s %255s %63s", verb, name, value);
	req.call = hv_call_from_string(verb);
	if (streq(verb, "quit"))
		return false;
	if (streq(verb, "counters"))
		say_counters(p);
	else if (req.call == HV_CALL_READ_BALLOONS)
		submit_bulk(p);
	else if (!hv_call_is_public(req.call) || !*name || !fill(&req, value))
		say(p, "help: set-memory G SIZE | read-balloon G | read-balloons | "
		       "set-stats-period G S | "
		       "set-cpu G WEIGHT[:QUOTA%%] | get-cpu G | set-soft-limit G SIZE | "
		       "attach-channel G | detach-channel G | job-info G | counters | quit");
	else
		HASH_ITER (hh, p->guests, g, tmp)
			if (streq(g->g->name, name) || streq(name, "*")) {
				req.guest = g->uuid;
				submit(p, &req);
			}
	return true;
}

/* Takes whole lines out of what was read so far. */
static bool commands(struct probe *p, char *buf, size_t *len)
{
	char *line = buf, *eol;

	buf[*len] = '\0';
	while ((eol = strchr(line, '\n'))) {
		*eol = '\0';
		if (!command(p, line))
			return false;
		line = eol + 1;
	}
	*len -= (size_t)(line - buf);
	memmove(buf, line, *len);
	return true;
}

static void turn(struct probe *p)
{
	struct pollfd fds[2] = {
		{.fd = hv_fd(p->hv), .events = POLLIN}, {.fd = 0, .events = POLLIN}};
	char buf[4096];
	size_t len = 0;
	bool on = true;

	while (on || p->under_way > 0) {
		if (poll(fds, on ? 2 : 1, -1) < 0)
			return;
		if (fds[0].revents)
			hv_dispatch(p->hv, 0);
		if (on && fds[1].revents) {
			ssize_t n = read(0, buf + len, sizeof(buf) - 1 - len);

			len += n > 0 ? (size_t)n : 0;
			on = n > 0 && commands(p, buf, &len);
		}
	}
}

int main(int argc, char **argv)
{
	struct hv_config config = {.uri = argc > 1 ? argv[1] : NULL,
		.ignore_process_state = getenv("HV_IGNORE_PROCESS_STATE") != NULL};
	struct probe p = {.start_usec = now_usec()};
	int r;

	setvbuf(stdout, NULL, _IOLBF, 0);
	r = hv_new(&config, &ops, &p, &p.hv);
	if (r == 0)
		r = hv_start(p.hv);
	if (r < 0) {
		fprintf(stderr, "hv-probe: %s\n", strerror(-r));
		return 1;
	}
	turn(&p);
	hv_stop(p.hv, 2 * USEC_PER_SEC);
	hv_dispatch(p.hv, 0);
	say_counters(&p);
	while (p.guests) {
		struct guest *g = p.guests;

		HASH_DEL(p.guests, g);
		hv_guest_unref(g->g);
		free(g);
	}
	hv_free(p.hv);
	return 0;
}
