/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

/*
 * Observe and enforce. The mode is written before `enforce` holds, so that a daemon that comes back knows it; `observe` holds at once, whatever
 * the disk says: to stop touching guests must always be possible.
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
		journal_error("the state directory says mode \"%s\", which this version does not know", text);
		return -EBADMSG;
	}
	if (!m->dry_run)
		m->mode = mode;
	return 0;
}

/* A change on its way to the disk. */
struct mode_change {
	struct manager *m;
	struct api_call *call;
	enum daemon_mode mode;
	uint64_t observe_asked; /* the manager's count when it was asked for */
	json_t *left_out;       /* of a release: who did not get all back; NULL: none was asked for */
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
			snprintf(buf + len, size - len, " and %zu more", json_array_size(left_out) - i);
			return;
		}
		n = snprintf(buf + len, size - len, "%s%s", i ? ", " : "", name);
		len += (size_t)n;
	}
}

/* left_out: of a release, NULL where none was made. */
static void tell_mode(struct manager *m, const char *by, const json_t *left_out)
{
	struct tale t = {.kind = DAEMON_EVENT_MODE, .severity = SEVERITY_NOTICE, .by = by};
	char names[300] = "";

	names_format(left_out, names, sizeof(names));
	if (*names)
		tell(m, &t, "guests were given back what they had, but for %s; nothing is touched from now on", names);
	else
		tell(m, &t, "%s",
			m->mode == MODE_ENFORCE ? "guests are commanded from now on" :
			left_out ? "guests were given back what they had; nothing is touched from now on" :
				   "nothing is touched from now on");
	tell_status(m);
}

static void begin_enforce(struct manager *m, const char *by)
{
	m->mode = MODE_ENFORCE;
	for (size_t i = 0; i < m->n_guests; i++)
		original_seen(m->guests[i]);
	tell_mode(m, by, NULL);
	decide_soon(m);
}

static json_t *begin_observe(struct manager *m, const char *by, bool release)
{
	bool was = m->mode == MODE_ENFORCE;
	json_t *left_out = was && release ? release_originals(m) : NULL;

	m->mode = MODE_OBSERVE;
	for (size_t i = 0; i < m->n_guests; i++)
		m->guests[i]->commanded = false;
	if (was)
		tell_mode(m, by, left_out);
	decide_soon(m);
	return left_out;
}

static void answer(struct mode_change *c)
{
	json_t *body = api_mode_json(c->mode);

	if (c->left_out)
		json_object_set_new(body, "left_out", TAKE_PTR(c->left_out));
	api_call_reply(c->call, 200, body);
}

static void mode_saved(void *userdata, int error, const char *text)
{
	struct mode_change *c = userdata;
	bool withdrawn = c->mode == MODE_ENFORCE && c->observe_asked != c->m->observe_asked;

	if (withdrawn) {
		/* `observe` was acknowledged since, or is about to be, and is on the disk behind this one. */
		api_call_problem(c->call, API_PROBLEM_CONFLICT,
			"A later request set the mode to observe, and that holds. Ask again if guests are to be commanded.");
	} else if (error >= 0) {
		if (c->mode == MODE_ENFORCE && c->m->mode != MODE_ENFORCE && !c->m->stopping)
			begin_enforce(c->m, api_call_by(c->call));
		answer(c);
	} else if (c->mode == MODE_OBSERVE) {
		api_call_problem(c->call, API_PROBLEM_STATE_UNWRITABLE,
			"Nothing is touched from now on, but that could not be saved (%s): after a restart of ballastd guests would be "
			"commanded again. Make room in the state directory and try again.",
			text);
	} else {
		api_call_problem(c->call, API_PROBLEM_STATE_UNWRITABLE,
			"The mode stays %s: it could not be saved (%s). Make room in the state directory and try again.",
			daemon_mode_to_string(c->m->mode), text);
	}
	json_decref(c->left_out);
	free(c);
}

/* Takes left_out. */
static void mode_save(struct manager *m, struct api_call *call, enum daemon_mode mode, json_t *left_out)
{
	struct mode_change *c = malloc(sizeof(*c));
	int r = c ? 0 : -ENOMEM;

	if (c) {
		*c = (struct mode_change){m, call, mode, m->observe_asked, left_out};
		r = store_put_text(m->store, "mode", daemon_mode_to_string(mode), mode_saved, c);
	}
	if (r >= 0)
		return;
	json_decref(left_out);
	free(c);
	api_call_problem(call, API_PROBLEM_BUSY, "The mode cannot be saved now: %s. Try again.",
		strerror(-r));
}

void mode_set(void *userdata, struct api_call *call, const struct api_mode_request *req)
{
	struct manager *m = userdata;
	json_t *left_out = NULL;

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
	if (req->release && m->mode == MODE_ENFORCE && !manager_may_act(m)) {
		api_call_problem(call, API_PROBLEM_NOT_READY,
			"Guests are being read still, so nothing can be given back to them yet. Try again in a few seconds.");
		return;
	}
	if (api_call_dry_run(call)) {
		api_call_reply(call, 200, api_mode_json(req->mode));
		return;
	}
	if (req->mode == MODE_OBSERVE) {
		m->observe_asked++;
		left_out = begin_observe(m, api_call_by(call), req->release);
	}
	mode_save(m, call, req->mode, left_out);
}
