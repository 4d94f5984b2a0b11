/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include "daemon/enforcing.h"

/*
 * Observe and enforce. The mode is written before `enforce` holds, so that a daemon that comes back
 * knows it; `observe` holds at once, whatever the disk says: to stop touching guests must always be
 * possible.
 */

int mode_load(struct manager *m)
{
	_cleanup_free_ char *text = NULL;
	int r = m->store ? store_load_text(m->store, "mode", &text) : -ENOENT;
	enum daemon_mode mode;

	m->mode = MODE_OBSERVE;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	mode = daemon_mode_from_string(text);
	if (mode == MODE_INVALID) {
		journal_error(
			"the state directory says mode \"%s\", which this version does not know",
			text);
		return -EBADMSG;
	}
	if (!m->dry_run)
		m->mode = mode;
	return 0;
}

/* An `enforce` on its way to the disk holds once it is there: an `observe` of before it, written
 * behind it, would be what the next daemon finds. If it does not get there, that is told, and all
 * is put once more when the disk is well. */
void mode_put(struct manager *m)
{
	if (!m->enforce_waits)
		(void)!store_put_text(m->store, "mode", daemon_mode_to_string(m->mode), NULL, NULL);
}

/* A change on its way to the disk. */
struct mode_change {
	struct manager *m;
	struct api_call *call;
	enum daemon_mode mode;
	uint64_t observe_asked; /* the manager's count when it was asked for */
	struct release_report released;
	uint64_t until_id;      /* observe: libvirt may have had calls up to this one still */
	/* it is none: a pause begins, which waits for the same (then mode is observe) */
	bool pause;
	bool saved;             /* the disk has answered */
	int error;              /* and what */
	char text[256];
	struct mode_change *next;
};

/* The first few; the answer has them all. */
static void names_format(const json_t *left_out, char *buf, size_t size)
{
	size_t len = 0, i;
	json_t *one;

	json_array_foreach (left_out, i, one) {
		const char *name = json_string_value(json_object_get(one, "guest"));
		int n;

		if (i == 8 || len + strlen(name) + 16 > size) {
			snprintf(buf + len, size - len, " and %zu more",
				json_array_size(left_out) - i);
			return;
		}
		n = snprintf(buf + len, size - len, "%s%s", i ? ", " : "", name);
		len += (size_t)n;
	}
}

static void tell_mode(struct manager *m, const char *by, const struct release_report *released)
{
	struct tale t = {.kind = DAEMON_EVENT_MODE, .severity = SEVERITY_NOTICE, .by = by};
	char names[300] = "";

	names_format(released->left_out, names, sizeof(names));
	if (*names)
		tell(m, &t,
			"guests were given back what they had, but for %s; nothing is touched from now on",
			names);
	else
		tell(m, &t, "%s",
			m->mode == MODE_ENFORCE
				? m->pause.on ? "guests are commanded when the pause is over"
					      : "guests are commanded from now on"
			: released->left_out
				? "guests were given back what they had; nothing is touched from now on"
				: "nothing is touched from now on");
	tell_status(m);
}

void mode_mark(const struct manager *m)
{
	bool enforcing = m->mode == MODE_ENFORCE;

	/* Where the saved mode is not known, what an earlier daemon did is not either. */
	if (!m->dry_run && (enforcing || m->observe_asked || !store_unread(m->store)))
		enforcing_mark(&m->conf, enforcing);
}

void mode_drive(struct manager *m)
{
	for (size_t i = 0; manager_drives(m) && i < m->n_guests; i++)
		original_seen(m->guests[i]);
	decide_soon(m);
}

static void begin_enforce(struct manager *m, const char *by)
{
	m->mode = MODE_ENFORCE;
	reserve_judge_anew(m);
	mode_mark(m);
	tell_mode(m, by, &(struct release_report){0});
	mode_drive(m);
}

int mode_take_over(struct manager *m)
{
	/* Who asked for observe meanwhile is obeyed. */
	int r = m->observe_asked ? 0 : mode_load(m);

	if (r < 0)
		return r;
	if (m->mode == MODE_ENFORCE)
		begin_enforce(m, NULL);
	if (!manager_drives(m))
		for (size_t i = 0; i < m->n_guests; i++)
			original_seen(m->guests[i]);
	return 0;
}

/*
 * What waits in hv must not go out behind the answer; how each of those ended is taken in at once,
 * for that is what a release begins with. What an earlier release sent is not taken back by an
 * `observe` without one.
 */
static void withdraw(struct manager *m, bool release)
{
	if (!manager_drives(m) && !release)
		return;
	m->left_until_usec = 0;
	hv_withdraw(m->hv, &m->withdrawn_id);
	hv_dispatch(m->hv, 0);
}

/* Its target stays what QEMU has. */
static void guest_let_go(struct guest *g)
{
	g->was_commanded |= g->commanded;
	g->commanded = false;
}

/* Nobody drives from now on. */
static void let_go(struct manager *m)
{
	m->brakes_usec = 0;
	release_brakes(m);
	for (size_t i = 0; i < m->n_guests; i++)
		guest_let_go(m->guests[i]);
}

void mode_hold(struct manager *m, const struct pause *p)
{
	bool drove = manager_drives(m);

	withdraw(m, false);
	if (drove)
		release_as_it_is(m);
	m->pause = *p;
	let_go(m);
	decide_soon(m);
}

/* A release is one in mode observe too: what was left on guests when they were let go goes back. */
static struct release_report begin_observe(struct manager *m, const char *by, bool release)
{
	struct release_report released = {0};
	bool was = m->mode == MODE_ENFORCE, drove = manager_drives(m);

	withdraw(m, release);
	if (release)
		(void)!release_originals(m, false, &released);
	else if (drove)
		release_as_it_is(m);
	m->mode = MODE_OBSERVE;
	mode_mark(m);
	let_go(m);
	if (was || json_array_size(released.given) || json_array_size(released.left_out))
		tell_mode(m, by, &released);
	decide_soon(m);
	return released;
}

static void answer(
	struct api_call *call, enum daemon_mode mode, const struct release_report *released)
{
	json_t *body = api_mode_json(mode);

	api_call_tag(call, api_tag_mode(mode));

	if (released->left_out) {
		json_object_set_new(body, "given_back",
			json_integer((json_int_t)json_array_size(released->given)));
		json_object_set(body, "given", released->given);
		json_object_set(body, "left_out", released->left_out);
	}
	api_call_reply(call, 200, body);
}

static void pause_answer(struct mode_change *c)
{
	if (c->error >= 0)
		api_call_reply(c->call, 200, pause_json(c->m, &c->m->pause));
	else
		api_call_problem(c->call, API_PROBLEM_STATE_UNWRITABLE,
			"No guest is commanded from now on, but that could not be saved (%s): after a restart of ballastd guests would be "
			"commanded again. Make sure that the state directory can be written, and try again.",
			c->text);
}

/* The disk has answered, and libvirt is done with what it had. */
static void mode_end(struct mode_change *c)
{
	bool withdrawn = c->mode == MODE_ENFORCE && c->observe_asked != c->m->observe_asked;

	if (c->mode == MODE_ENFORCE && !withdrawn)
		c->m->enforce_waits--;
	if (c->pause) {
		pause_answer(c);
	} else if (withdrawn) {
		/* `observe` was acknowledged since, or is about to be, and is on the disk behind
		 * this one. */
		api_call_problem(c->call, API_PROBLEM_CONFLICT,
			"A later request set the mode to observe, and that holds. Ask again if guests are to be commanded.");
	} else if (c->error >= 0) {
		if (c->mode == MODE_ENFORCE && c->m->mode != MODE_ENFORCE && !c->m->stopping)
			begin_enforce(c->m, api_call_by(c->call));
		answer(c->call, c->mode, &c->released);
	} else if (c->mode == MODE_OBSERVE) {
		api_call_problem(c->call, API_PROBLEM_STATE_UNWRITABLE,
			"Nothing is touched from now on, but that could not be saved (%s): after a restart of ballastd guests would be "
			"commanded again. Make sure that the state directory can be written, and try again.",
			c->text);
	} else {
		api_call_problem(c->call, API_PROBLEM_STATE_UNWRITABLE,
			"The mode stays %s: it could not be saved (%s). Make sure that the state directory can be written, and try again.",
			daemon_mode_to_string(c->m->mode), c->text);
	}
	release_report_clear(&c->released);
	free(c);
}

/* Guests are being told to stay as they are: each such call ends, be it by its deadline. */
static bool is_leaving(const struct manager *m)
{
	for (size_t i = 0; i < m->n_guests; i++)
		if (m->guests[i]->left_id)
			return true;
	return false;
}

/* "Nothing is touched from now on" is not said before it is so. */
void mode_calls_ended(struct manager *m)
{
	if (!m->observe_first || is_leaving(m))
		return;
	for (struct mode_change **link = &m->observe_first; *link;) {
		struct mode_change *c = *link;

		if (!c->saved || hv_changing(m->hv, c->until_id)) {
			link = &c->next;
			continue;
		}
		*link = c->next;
		mode_end(c);
	}
}

/* Where so many guests hang that libvirt is not even asked for the others, what waits has no
 * deadline of its own. */
void mode_tick(struct manager *m)
{
	if (m->left_until_usec && clock_boot_usec() >= m->left_until_usec) {
		m->left_until_usec = 0;
		if (!manager_drives(m) && is_leaving(m))
			hv_withdraw(m->hv, &m->withdrawn_id);
	}
	mode_calls_ended(m);
}

static void mode_saved(void *userdata, int error, const char *text)
{
	struct mode_change *c = userdata;

	c->saved = true;
	c->error = error;
	snprintf(c->text, sizeof(c->text), "%s", text);
	if (c->mode == MODE_OBSERVE)
		mode_calls_ended(c->m);
	else
		mode_end(c);
}

/* Takes what released owns. pause: its text, or NULL. */
static void save(struct manager *m, struct api_call *call, enum daemon_mode mode, const char *pause,
	struct release_report released)
{
	struct mode_change *c = calloc(1, sizeof(*c));
	int r = c ? 0 : -ENOMEM;

	if (c) {
		*c = (struct mode_change){
			.m = m,
			.call = call,
			.mode = mode,
			.pause = pause,
			.observe_asked = m->observe_asked,
			.released = released,
			.until_id = m->withdrawn_id,
		};
		r = store_put_text(m->store, pause ? "pause" : "mode",
			pause ? pause : daemon_mode_to_string(mode), mode_saved, c);
	}
	if (r >= 0 && mode == MODE_OBSERVE) {
		c->next = m->observe_first;
		m->observe_first = c;
		return;
	}
	if (r >= 0) {
		m->enforce_waits++;
		return;
	}
	release_report_clear(&released);
	free(c);
	api_call_problem(call, API_PROBLEM_BUSY, "The %s cannot be saved now: %s. Try again.",
		pause ? "pause" : "mode", strerror(-r));
}

void mode_save_pause(struct manager *m, struct api_call *call, const char *text)
{
	save(m, call, MODE_OBSERVE, text, (struct release_report){0});
}

void mode_set(void *userdata, struct api_call *call, const struct api_mode_request *req)
{
	struct manager *m = userdata;
	struct release_report released = {0};

	if (req->release && req->mode != MODE_OBSERVE) {
		api_call_problem(call, API_PROBLEM_CONFLICT,
			"\"release\" goes with mode observe only: it gives guests back what they had before.");
		return;
	}
	if (req->release && !m->connected) {
		api_call_problem(call, API_PROBLEM_LIBVIRT,
			"libvirt cannot be reached (%s), so nothing can be given back to the guests.",
			m->libvirt_reason);
		return;
	}
	if (req->release && !manager_knows(m)) {
		api_call_problem(call, API_PROBLEM_NOT_READY,
			"Guests are being read still, so nothing can be given back to them yet. Try again in a few seconds.");
		return;
	}
	if (req->release && store_unread(m->store)) {
		api_call_problem(call, API_PROBLEM_STATE_UNWRITABLE,
			"What guests had before cannot be read (%s), so nothing can be given back to them.",
			m->state_problem);
		return;
	}
	if (!api_call_may_replace(call, &(uint64_t){api_tag_mode(m->mode)}, false))
		return;
	if (api_call_dry_run(call)) {
		if (req->release)
			(void)!release_originals(m, true, &released);
		answer(call, req->mode, &released);
		release_report_clear(&released);
		return;
	}
	if (req->mode == MODE_OBSERVE) {
		m->observe_asked++;
		m->enforce_waits = 0;
		released = begin_observe(m, api_call_by(call), req->release);
	}
	save(m, call, req->mode, NULL, released);
}
