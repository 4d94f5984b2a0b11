/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include "common/json.h"
#include "common/units.h"

/*
 * A pause: the mode stays, and until its end no guest is commanded. It begins as mode observe does
 * (what is on its way down is told to stay, soft limits are lifted: a brake must not stay where
 * nobody drives) and holds at once, whatever the disk says. A guest in distress is shown, and told
 * of, and is not helped: who says "not now" must be able to rely on it. Guests that start are
 * answered as ever, but nobody is squeezed for them.
 */

static struct override_clock clock_now(const struct manager *m)
{
	return (struct override_clock){m->boot_id, clock_boot_usec(), clock_real_usec()};
}

int pause_load(struct manager *m)
{
	_cleanup_free_ char *text = NULL;
	struct override_clock now = clock_now(m);
	int r = m->store ? store_load_text(m->store, "pause", &text) : -ENOENT;

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	if (pause_from_text(text, &now, &m->pause) < 0)
		journal_warning("a stored pause is left out: it is not understood");
	pause_arm(m);
	return 0;
}

static int put(struct manager *m, const struct pause *p, store_done done, void *userdata)
{
	struct override_clock now = clock_now(m);
	_cleanup_free_ char *text = pause_to_text(p, &now);

	if (!text)
		return -ENOMEM;
	return m->store ? store_put_text(m->store, "pause", text, done, userdata) : -EROFS;
}

void pause_put(struct manager *m)
{
	if (!m->pause_waits)
		(void)!put(m, &m->pause, NULL, NULL);
}

static void resume(struct manager *m, const char *by)
{
	m->pause = (struct pause){0};
	pause_arm(m);
	mode_drive(m);
	tell(m, &(struct tale){.kind = DAEMON_EVENT_RESUMED, .severity = SEVERITY_NOTICE, .by = by},
		"the pause is over%s",
		m->mode == MODE_ENFORCE ? ": guests are commanded again" : "");
	tell_status(m);
}

void pause_tick(struct manager *m)
{
	if (!m->pause.on || !pause_is_over(&m->pause, clock_boot_usec(), clock_real_usec()))
		return;
	resume(m, NULL);
	pause_put(m);
}

static int on_end(sd_event_source *source, uint64_t usec, void *userdata)
{
	pause_tick(userdata);
	return 0;
}

/* Where this fails, the tick of the host's figures finds it, some seconds late. */
void pause_arm(struct manager *m)
{
	bool by_boot = m->pause.until_boot_usec != USEC_INFINITY;

	m->pause_timer = sd_event_source_disable_unref(m->pause_timer);
	if (!m->pause.on || !m->loop)
		return;
	(void)!sd_event_add_time(m->loop, &m->pause_timer,
		by_boot ? CLOCK_BOOTTIME : CLOCK_REALTIME,
		by_boot ? m->pause.until_boot_usec : m->pause.until_real_usec, USEC_PER_MSEC,
		on_end, m);
	hub_news(m->hub);
}

json_t *pause_json(const struct manager *m, const struct pause *p)
{
	struct view_pause shown = pause_view(m, p);

	return api_pause_json(&shown);
}

struct view_pause pause_view(const struct manager *m, const struct pause *p)
{
	if (!p->on)
		return (struct view_pause){0};
	return (struct view_pause){
		.on = true,
		.since_real_usec = p->since_real_usec,
		.until_real_usec = pause_end(p, clock_boot_usec(), clock_real_usec()),
		.number = p->until_boot_usec ^ p->until_real_usec,
		.by = p->by,
		.message = p->message,
	};
}

/* With an end by elapsed time each is another one. */
static bool is_same(const struct pause *a, const struct pause *b)
{
	return a->on && b->on && a->until_boot_usec == b->until_boot_usec &&
	       a->until_real_usec == b->until_real_usec && streq(a->by, b->by) &&
	       streq(a->message, b->message);
}

static void begin(struct manager *m, const struct pause *p)
{
	bool same = is_same(&m->pause, p);
	char when[JSON_TIME_MAX];

	if (!m->pause.on)
		mode_hold(m, p);
	else
		m->pause = *p;
	pause_arm(m);
	if (same) /* put again, it is put on the disk again, and nothing happened */
		return;
	tell(m,
		&(struct tale){
			.kind = DAEMON_EVENT_PAUSED, .severity = SEVERITY_NOTICE, .by = p->by},
		"no guest is commanded until %s%s%s",
		json_time_format(pause_end(p, clock_boot_usec(), clock_real_usec()), when),
		*p->message ? ": " : "", p->message);
	tell_status(m);
}

static bool may_replace(struct manager *m, struct api_call *call)
{
	struct view_pause is = pause_view(m, &m->pause);

	return api_call_may_replace(call, &(uint64_t){api_tag_pause(&is)}, false);
}

void pause_set(void *userdata, struct api_call *call, const struct api_pause_request *req)
{
	struct manager *m = userdata;
	_cleanup_free_ char *text = NULL;
	struct override_clock now = clock_now(m);
	struct pause p = {
		.on = true,
		.since_real_usec = m->pause.on ? m->pause.since_real_usec : now.real_usec,
		.until_boot_usec = req->for_usec == USEC_INFINITY
					   ? USEC_INFINITY
					   : add_sat(now.boot_usec, req->for_usec),
		.until_real_usec = req->until_real_usec,
	};

	if (!may_replace(m, call))
		return;
	snprintf(p.by, sizeof(p.by), "%s", api_call_by(call));
	snprintf(p.message, sizeof(p.message), "%s", req->message);
	if (api_call_dry_run(call)) {
		api_call_reply(call, 200, pause_json(m, &p));
		return;
	}
	text = pause_to_text(&p, &now);
	if (!text) {
		api_call_problem(call, API_PROBLEM_INTERNAL, "Out of memory.");
		return;
	}
	m->pauses_asked++;
	begin(m, &p);
	mode_save_pause(m, call, text);
}

/* Who waits for its end to be on the disk. */
struct pause_end_wait {
	struct manager *m;
	struct api_call *call;
	uint64_t asked;
};

static void end_saved(void *userdata, int error, const char *text)
{
	_cleanup_free_ struct pause_end_wait *w = userdata;
	struct manager *m = w->m;

	m->pause_waits--;
	if (w->asked != m->pauses_asked) {
		api_call_problem(w->call, API_PROBLEM_CONFLICT,
			"A later request paused anew, and that holds.");
	} else if (error < 0) {
		api_call_problem(w->call, API_PROBLEM_STATE_UNWRITABLE,
			"The pause stays: its end could not be saved (%s). Make sure that the state directory can be written, and try again.",
			text);
	} else {
		if (m->pause.on)
			resume(m, api_call_by(w->call));
		api_call_reply(w->call, 204, NULL);
	}
}

/* Holds when it is on the disk: a daemon that comes back must not find the pause that it was told
 * is over. */
void pause_clear(void *userdata, struct api_call *call)
{
	struct manager *m = userdata;
	struct pause_end_wait *w;
	int r;

	if (!may_replace(m, call))
		return;
	if (api_call_dry_run(call) || !m->pause.on) {
		api_call_reply(call, 204, NULL);
		return;
	}
	w = calloc(1, sizeof(*w));
	r = w ? 0 : -ENOMEM;
	if (w) {
		*w = (struct pause_end_wait){m, call, m->pauses_asked};
		r = put(m, &(struct pause){0}, end_saved, w);
	}
	if (r >= 0) {
		m->pause_waits++;
		return;
	}
	free(w);
	api_call_problem(
		call, API_PROBLEM_BUSY, "It cannot be saved now: %s. Try again.", strerror(-r));
}
