/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include "common/units.h"

/* `guest set`: overrides of a guest's settings, until they are cleared or their time is over. They
 * hold once they are on disk. */

/* Each is looked at by each decision about its guest. A thousand guests have some hundreds at
 * most. */
#define OVERRIDES_MAX 4096
/* A guest that libvirt does not know at all may be made anew (one without a definition, one that
 * travels): so long its overrides wait for it; for one that is defined and does not run, the
 * longer. */
#define GONE_USEC (USEC_PER_DAY)
#define UNSEEN_USEC (30 * USEC_PER_DAY)
/* When it is noted once more that a guest runs. */
#define SEEN_USEC (12 * USEC_PER_HOUR)

static struct override_clock clock_now(const struct manager *m)
{
	return (struct override_clock){m->boot_id, clock_boot_usec(), clock_real_usec()};
}

static int take_stored(const struct uuid *guest, const char *text, void *userdata)
{
	struct manager *m = userdata;
	struct override_clock now = clock_now(m);
	_cleanup_diag_ struct diag d = {0};
	int r = overrides_from_text(&m->overrides, guest, text, &now, &d);

	if (r == -EBADMSG) { /* of another version: said, and left on disk */
		journal_warning(
			"a stored override is left out: %s", d.text ? d.text : "not understood");
		return 0;
	}
	return r;
}

int override_load(struct manager *m)
{
	return m->store ? store_load_overrides(m->store, take_stored, m) : 0;
}

static int put(struct manager *m, const struct overrides *from, const struct uuid *guest,
	store_done done, void *userdata)
{
	struct override_clock now = clock_now(m);
	_cleanup_free_ char *text = NULL;

	if (overrides_count(from, guest) && !(text = overrides_to_text(from, guest, &now)))
		return -ENOMEM;
	return m->store ? store_put_overrides(m->store, guest, text, done, userdata) : -EROFS;
}

void override_put_all(struct manager *m)
{
	for (size_t i = 0; i < m->overrides.n; i++)
		(void)!put(m, &m->overrides, &m->overrides.items[i].guest, NULL, NULL);
}

/* New overrides of one guest on their way to the disk. */
struct override_change {
	struct manager *m;
	struct api_call *call;
	struct uuid guest;
	struct overrides next; /* what it will have: of this guest only */
};

static struct override_change *change_free(struct override_change *c)
{
	if (c)
		overrides_free(&c->next);
	free(c);
	return NULL;
}
DEFINE_CLEANUP(struct override_change *, change_free)

static void describe(const struct overrides *o, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < o->n && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s[%s] %s=%s", i ? ", " : "",
			o->items[i].section, o->items[i].key, o->items[i].value);
}

/* What is told of a guest that does not run names it in its own words. */
static const char *name_before(
	const struct manager *m, const struct override *o, char *buf, size_t size)
{
	char uuid[UUID_TEXT_MAX];

	buf[0] = '\0';
	if (!manager_find(m, &o->guest))
		snprintf(buf, size, "%s: ",
			o->guest_name && *o->guest_name ? o->guest_name
							: uuid_format(&o->guest, uuid));
	return buf;
}

/* The first of a guest's, or NULL. */
static const struct override *first_of(const struct manager *m, const struct uuid *guest)
{
	for (size_t i = 0; i < m->overrides.n; i++)
		if (uuid_equal(&m->overrides.items[i].guest, guest))
			return &m->overrides.items[i];
	return NULL;
}

static void tell_set(const struct override_change *c, const char *name, const char *what)
{
	tell(c->m,
		&(struct tale){
			.kind = c->next.n ? DAEMON_EVENT_OVERRIDE_SET
					  : DAEMON_EVENT_OVERRIDE_CLEARED,
			.severity = SEVERITY_NOTICE,
			.guest = manager_find(c->m, &c->guest),
			.by = api_call_by(c->call),
		},
		"%s%s", name, c->next.n ? what : "its overrides are cleared");
}

static void saved(void *userdata, int error, const char *text)
{
	_cleanup_(change_freep) struct override_change *c = userdata;
	struct manager *m = c->m;
	const struct override *before = first_of(m, &c->guest);
	bool same = overrides_are(&m->overrides, &c->guest, c->next.items, c->next.n);
	char what[256], name[256] = "";

	if (error < 0) {
		api_call_problem(c->call, API_PROBLEM_STATE_UNWRITABLE,
			"Nothing was changed: it could not be saved (%s). Make sure that the state directory can be written, and try again.",
			text);
		return;
	}
	if (before)
		name_before(m, before, name, sizeof(name));
	if (overrides_replace(&m->overrides, &c->guest, c->next.items, c->next.n) < 0) {
		api_call_problem(c->call, API_PROBLEM_INTERNAL, "Out of memory.");
		return;
	}
	describe(&c->next, what, sizeof(what));
	if (!same) /* else it was put on the disk again, and nothing happened */
		tell_set(c, name, what);
	decide_soon(m);
	api_call_tag(c->call, api_tag_overrides(m->overrides.items, m->overrides.n, &c->guest));
	if (c->next.n)
		api_call_reply(c->call, 200,
			api_overrides_json(m->overrides.items, m->overrides.n, &c->guest,
				clock_boot_usec(), clock_real_usec()));
	else
		api_call_reply(c->call, 204, NULL);
}

static int fill_next(struct override_change *c, const struct api_override_request *req)
{
	struct override items[API_OVERRIDE_SETTINGS_MAX];
	const struct guest *g = manager_find(c->m, &req->guest);
	uint64_t until = req->for_usec == USEC_INFINITY ? USEC_INFINITY :
							  add_sat(clock_boot_usec(), req->for_usec);

	for (size_t i = 0; i < req->n_settings; i++)
		items[i] = (struct override){
			.guest = req->guest,
			.section = req->settings[i].section,
			.key = req->settings[i].key,
			.value = req->settings[i].value,
			.by = api_call_by(c->call),
			.reason = req->reason,
			.until_boot_usec = until,
			.until_real_usec = req->until_real_usec,
			.guest_name = g ? g->hv->name : NULL,
			.seen_real_usec = clock_real_usec(),
		};
	return overrides_replace(&c->next, &req->guest, items, req->n_settings);
}

/* req NULL: clears. */
static void change(struct manager *m, struct api_call *call, const struct uuid *guest,
	const struct api_override_request *req)
{
	_cleanup_(change_freep) struct override_change *c = calloc(1, sizeof(*c));
	int r = c ? 0 : -ENOMEM;

	if (c) {
		*c = (struct override_change){.m = m, .call = call, .guest = *guest};
		if (req)
			r = fill_next(c, req);
	}
	if (r >= 0 && api_call_dry_run(call)) {
		if (req)
			api_call_reply(call, 200,
				api_overrides_json(c->next.items, c->next.n, guest,
					clock_boot_usec(), clock_real_usec()));
		else
			api_call_reply(call, 204, NULL);
		return;
	}
	if (r >= 0)
		r = put(m, &c->next, guest, saved, c);
	if (r >= 0)
		c = NULL; /* saved() has it now */
	else
		api_call_problem(call, API_PROBLEM_BUSY, "It cannot be saved now: %s. Try again.",
			strerror(-r));
}

static bool may_replace(struct manager *m, struct api_call *call, const struct uuid *guest)
{
	return api_call_may_replace(call,
		&(uint64_t){api_tag_overrides(m->overrides.items, m->overrides.n, guest)}, false);
}

void override_set(void *userdata, struct api_call *call, const struct api_override_request *req)
{
	struct manager *m = userdata;

	if (!may_replace(m, call, &req->guest))
		return;
	if (m->overrides.n - overrides_count(&m->overrides, &req->guest) + req->n_settings >
		OVERRIDES_MAX) {
		api_call_problem(call, API_PROBLEM_CONFLICT,
			"Others have %zu settings by hand already, and %d are possible: clear some, or say it in a policy.",
			m->overrides.n - overrides_count(&m->overrides, &req->guest),
			OVERRIDES_MAX);
		return;
	}
	change(m, call, &req->guest, req);
}

void override_clear(void *userdata, struct api_call *call, const struct uuid *guest)
{
	struct manager *m = userdata;

	if (!overrides_count(&m->overrides, guest)) {
		const struct guest *g = manager_find(m, guest);

		api_call_problem(call, API_PROBLEM_OVERRIDE_UNKNOWN, "%s has no overrides.",
			g ? g->hv->name : "It");
		return;
	}
	if (may_replace(m, call, guest))
		change(m, call, guest, NULL);
}

void override_gone(const struct guest *g)
{
	struct manager *m = g->m;

	if (overrides_count(&m->overrides, &g->uuid) &&
		overrides_see(&m->overrides, &g->uuid, g->hv->name, clock_real_usec()) >= 0)
		(void)!put(m, &m->overrides, &g->uuid, NULL, NULL);
}

/* Whose overrides are these? Returns true where they were dropped. */
static bool judge_guest(struct manager *m, const struct override *o)
{
	uint64_t now = clock_real_usec(), unseen = sub_sat(now, o->seen_real_usec);
	const struct guest *g = manager_find(m, &o->guest);
	struct uuid guest = o->guest;
	char name[256];

	if (g) {
		if (unseen >= SEEN_USEC)
			override_gone(g);
		return false;
	}
	if (hv_runs(m->hv, &guest) || unseen < (hv_listed(m->hv, &guest) ? UNSEEN_USEC : GONE_USEC))
		return false;
	tell(m, &(struct tale){.kind = DAEMON_EVENT_OVERRIDE_CLEARED, .severity = SEVERITY_NOTICE},
		"%sits overrides are dropped: it has not run for %llu days%s",
		name_before(m, o, name, sizeof(name)), (unsigned long long)(unseen / USEC_PER_DAY),
		hv_listed(m->hv, &guest) ? "" : ", and libvirt does not know it");
	if (overrides_replace(&m->overrides, &guest, NULL, 0) >= 0)
		(void)!put(m, &m->overrides, &guest, NULL, NULL);
	return true;
}

void override_prune(struct manager *m)
{
	/* One is looked at for each of its settings: that costs nothing. Dropping moves those
	 * behind. */
	for (size_t i = 0; i < m->overrides.n;)
		i += !judge_guest(m, &m->overrides.items[i]);
}

void override_expire(struct manager *m)
{
	struct uuid guests[16];
	size_t n;

	if (!m->overrides.n)
		return;
	do {
		n = overrides_expire(&m->overrides, clock_boot_usec(), clock_real_usec(), guests,
			ARRAY_SIZE(guests));
		for (size_t i = 0; i < n; i++) {
			(void)!put(m, &m->overrides, &guests[i], NULL, NULL);
			tell(m,
				&(struct tale){
					.kind = DAEMON_EVENT_OVERRIDE_EXPIRED,
					.severity = SEVERITY_INFO,
					.guest = manager_find(m, &guests[i]),
				},
				"the time of an override is over");
		}
	} while (n == ARRAY_SIZE(guests));
}
