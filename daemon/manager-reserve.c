/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include "common/json.h"
#include "common/units.h"
#include "policy/policy-set.h"

/*
 * Room for guests that start: the libvirt hook asks before QEMU is there, decide() grants or
 * refuses in the order asked, squeezing others meanwhile; the connection waits for the answer.
 * Granted room is charged until its guest appears.
 */

/* QEMU's own memory where the asker does not say: 64 MiB and what the guest's page tables and
 * devices take, about a hundredth. */
static uint64_t qemu_guess(uint64_t bytes)
{
	return 64 * MIB + bytes / 100;
}

static uint64_t room_of(const struct reservation *r)
{
	return add_sat(r->bytes, r->qemu_bytes);
}

static void answer_granted(struct manager *m, size_t i)
{
	struct api_call *call = m->reservations.owners[i].call;

	m->reservations.owners[i].call = NULL;
	if (call)
		api_call_reply(call, 201,
			api_reservation_json(
				&m->reservations.items[i], clock_boot_usec(), clock_real_usec()));
}

/* What the others are still giving back: balloons take their time, a start waits ten seconds
 * only. */
static uint64_t still_coming(const struct manager *m)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < m->n_guests; i++)
		if (balloon_is_moving(m->guests[i]))
			sum += sub_sat(m->samples[i].actual_bytes, m->samples[i].target_bytes);
	return sum;
}

/* Who only observes stands in nobody's way, nor does who is told to let all start. */
static bool is_binding(const struct manager *m)
{
	return m->mode == MODE_ENFORCE && policy_set_host(m->set)->start_policy != START_IGNORE;
}

/* What guests could have of this host if nothing else ran on it. */
static uint64_t most_room(const struct manager *m)
{
	return m->plan ? sub_sat(m->plan->memory_bytes, m->plan->reserve_bytes)
		       : m->host_sample.memory_bytes;
}

static bool is_impossible(const struct manager *m, const struct reservation *r)
{
	uint64_t most = most_room(m);

	return most && room_of(r) > most;
}

static void answer_impossible(
	struct manager *m, struct api_call *call, const struct reservation *r)
{
	char need[SIZE_TEXT_MAX], most[SIZE_TEXT_MAX];
	bool binding = is_binding(m);

	api_call_problem_with(call, API_PROBLEM_NO_ROOM, json_pack("{s:b}", "binding", binding),
		"%s needs %s, and this host has %s for guests at all. Give it less memory, or start it elsewhere%s.",
		r->guest_name, size_format(room_of(r), need),
		size_format(most_room(m), most),
		binding			    ? ""
		: m->mode == MODE_OBSERVE ? "; in mode observe nobody is kept from starting"
					    : "; StartPolicy=ignore keeps nobody from starting");
}

static void answer_refused(struct manager *m, struct api_call *call, const struct reservation *r,
	uint64_t free_bytes)
{
	json_t *more = call ? json_pack("{s:b}", "binding", 1) : NULL;
	char need[SIZE_TEXT_MAX], have[SIZE_TEXT_MAX], later[SIZE_TEXT_MAX];
	uint64_t coming = still_coming(m);

	if (!call)
		return;
	size_format(room_of(r), need);
	size_format(free_bytes, have);
	if (coming >= MIB)
		api_call_problem_with(call, API_PROBLEM_NO_ROOM, more,
			"%s needs %s, and %s can be had by now; the other guests are still giving back %s. Start it again in a moment.",
			r->guest_name, need, have, size_format(coming, later));
	else
		api_call_problem_with(call, API_PROBLEM_NO_ROOM, more,
			"%s needs %s, and %s can be had even with the other guests squeezed. Stop or shrink another guest, start it elsewhere, "
			"or allow it with [Host] StartPolicy=ignore.",
			r->guest_name, need, have);
}

static void tell_refused(
	struct manager *m, const struct reservation *r, const struct reason *reason)
{
	tell(m,
		&(struct tale){.kind = DAEMON_EVENT_REFUSED,
			.severity = SEVERITY_WARNING,
			.room = r,
			.reason = reason},
		"no room for %s", r->guest_name);
}

static void grant(struct manager *m, size_t i)
{
	struct reservation *r = &m->reservations.items[i];

	reservations_grant(&m->reservations, i, clock_boot_usec());
	tell(m, &(struct tale){.kind = DAEMON_EVENT_RESERVED, .severity = SEVERITY_INFO, .room = r},
		"%llu MiB are reserved for %s",
		(unsigned long long)(room_of(r) / MIB), r->guest_name);
	answer_granted(m, i);
}

static void replace_old(struct manager *m, const struct uuid *guest)
{
	ssize_t old = reservations_find_guest(&m->reservations, guest);
	struct api_call *call;

	if (old < 0)
		return;
	call = reservations_remove(&m->reservations, (size_t)old);
	if (call)
		api_call_problem(call, API_PROBLEM_CONFLICT,
			"Room for the same guest was asked for again, by a later request.");
}

/* What could be had with everybody squeezed to its floor, as the last decision saw them: what is
 * not given already. */
static uint64_t squeezed_room(const struct manager *m)
{
	const struct plan *p = m->plan;
	uint64_t firm = p->reserved_bytes;

	for (size_t i = 0; i < p->n_guests; i++)
		firm = add_sat(firm, p->guests[i].left_out ? p->guests[i].charge_bytes :
			MIN(p->guests[i].floor_bytes, p->guests[i].charge_bytes));
	return sub_sat(p->budget_bytes, firm);
}

/* What a reservation would most likely be answered. */
static void dry_run(struct manager *m, struct api_call *call, const struct reservation *item)
{
	enum start_policy policy = policy_set_host(m->set)->start_policy;
	struct reservation granted = *item;
	uint64_t room = UINT64_MAX;

	if (is_binding(m) && m->plan)
		room = policy == START_WAIT && manager_drives(m)
			       ? squeezed_room(m)
			       : sub_sat(m->plan->budget_bytes,
					 add_sat(m->plan->charged_bytes, m->plan->reserved_bytes));
	if (room_of(item) > room) {
		answer_refused(m, call, item, room);
		return;
	}
	granted.granted = true;
	granted.deadline_usec = add_sat(item->asked_usec, RESERVATION_IDLE_USEC);
	api_call_reply(
		call, 201, api_reservation_json(&granted, item->asked_usec, clock_real_usec()));
}

static ssize_t asked_find(const struct manager *m, const struct uuid *guest)
{
	for (size_t i = 0; i < ARRAY_SIZE(m->asked); i++)
		if (uuid_equal(&m->asked[i], guest))
			return (ssize_t)i;
	return -ENOENT;
}

static void asked_forget(struct manager *m, const struct uuid *guest)
{
	ssize_t i = asked_find(m, guest);

	if (i >= 0)
		m->asked[i] = (struct uuid){0};
}

/* Whoever asks shows that the hook is in force. */
static void asked_note(struct manager *m, const struct uuid *guest)
{
	m->unasked[0] = '\0';
	if (asked_find(m, guest) < 0)
		m->asked[m->asked_next++ % ARRAY_SIZE(m->asked)] = *guest;
}

void reserve(void *userdata, struct api_call *call, const struct api_reserve_request *req)
{
	struct manager *m = userdata;
	uint64_t now = clock_boot_usec();
	struct reservation item = {
		.guest = req->guest,
		.guest_name = req->guest_name,
		.bytes = req->bytes,
		.qemu_bytes = req->qemu_bytes ? req->qemu_bytes : qemu_guess(req->bytes),
		.asked_usec = now,
		.deadline_usec = add_sat(now, req->wait_usec),
	};
	ssize_t i;

	if (manager_find(m, &req->guest)) {
		api_call_problem(call, API_PROBLEM_CONFLICT, "%s runs already.", req->guest_name);
		return;
	}
	if (!api_call_dry_run(call))
		asked_note(m, &req->guest);
	if (is_impossible(m, &item)) {
		if (is_binding(m) && !api_call_dry_run(call))
			tell_refused(m, &item,
				&(struct reason){.code = REASON_NO_ROOM,
					.arg = {room_of(&item), most_room(m)}});
		answer_impossible(m, call, &item);
		return;
	}
	if (api_call_dry_run(call)) {
		dry_run(m, call, &item);
		return;
	}
	replace_old(m, &req->guest);
	i = reservations_add(&m->reservations, &item, call);
	if (i < 0) {
		api_call_problem(call, API_PROBLEM_BUSY,
			"Too many reservations wait (%d). Try again.", RESERVATIONS_MAX);
		return;
	}
	/* Who only observes stands in nobody's way. */
	if (m->mode == MODE_OBSERVE)
		grant(m, (size_t)i);
	sample_host(m, true);
	decide_soon(m);
}

void reserve_answered(struct manager *m, const struct action *a)
{
	ssize_t i = reservations_find(&m->reservations, a->reservation);
	struct reservation *r;

	if (i < 0 || m->reservations.items[i].granted)
		return;
	r = &m->reservations.items[i];
	if (a->kind == ACTION_GRANT) {
		grant(m, (size_t)i);
		return;
	}
	tell_refused(m, r, &a->reason);
	answer_refused(m, m->reservations.owners[i].call, r, a->reason.arg[1]);
	m->reservations.owners[i].call = NULL;
	reservations_remove(&m->reservations, (size_t)i);
}

void unreserve(void *userdata, struct api_call *call, const struct api_unreserve_request *req)
{
	struct manager *m = userdata;
	ssize_t i = req->id ? reservations_find(&m->reservations, req->id)
			    : reservations_find_guest(&m->reservations, &req->guest);
	struct api_call *waiting;

	if (i < 0) {
		if (req->id)
			api_call_problem(call, API_PROBLEM_RESERVATION_UNKNOWN,
				"There is no reservation %llu.", (unsigned long long)req->id);
		else
			api_call_problem(call, API_PROBLEM_RESERVATION_UNKNOWN,
				"No room is reserved for this guest.");
		return;
	}
	if (!api_call_dry_run(call)) {
		asked_forget(m, &m->reservations.items[i].guest);
		tell(m,
			&(struct tale){.kind = DAEMON_EVENT_RESERVATION_FREED,
				.severity = SEVERITY_INFO,
				.room = &m->reservations.items[i],
				.by = api_call_by(call)},
			"the room for %s is free again", m->reservations.items[i].guest_name);
		waiting = reservations_remove(&m->reservations, (size_t)i);
		if (waiting)
			api_call_problem(
				waiting, API_PROBLEM_CONFLICT, "The reservation was withdrawn.");
		decide_soon(m);
	}
	api_call_reply(call, 204, NULL);
}

void reserve_arrived(struct manager *m, const struct uuid *guest)
{
	ssize_t i = reservations_find_guest(&m->reservations, guest);

	if (i < 0)
		return;
	/* It started without waiting for the answer. */
	if (m->reservations.owners[i].call)
		answer_granted(m, (size_t)i);
	reservations_remove(&m->reservations, (size_t)i);
}

/* Migrations that come in and restores run the hook as well. One that asks while we are away is not
 * told from one that does not, but found running when we come. */
void reserve_unasked(struct guest *g)
{
	struct manager *m = g->m;
	bool asked = asked_find(m, &g->uuid) >= 0;

	asked_forget(m, &g->uuid);
	if (asked || m->mode != MODE_ENFORCE || m->dry_run ||
		policy_set_host(m->set)->start_policy == START_IGNORE)
		return;
	snprintf(m->unasked, sizeof(m->unasked), "%s", g->hv->name);
	m->unasked_real_usec = clock_real_usec();
	tell(m,
		&(struct tale){.kind = DAEMON_EVENT_START_UNASKED,
			.severity = SEVERITY_WARNING,
			.guest = g},
		"it started without asking for room, because libvirt does not run ballastd's start hook: %s",
		START_HOOK_REMEDY);
}

bool reserve_is_missed(const struct manager *m)
{
	return *m->unasked && m->mode == MODE_ENFORCE &&
	       policy_set_host(m->set)->start_policy != START_IGNORE;
}

void reserve_expire(struct manager *m)
{
	uint64_t next;
	ssize_t i;

	while ((i = reservations_idle(&m->reservations, clock_boot_usec(), &next)) >= 0) {
		tell(m,
			&(struct tale){.kind = DAEMON_EVENT_RESERVATION_FREED,
				.severity = SEVERITY_NOTICE,
				.room = &m->reservations.items[i]},
			"the room for %s was not taken up: it is free again",
			m->reservations.items[i].guest_name);
		reservations_remove(&m->reservations, (size_t)i);
		decide_soon(m);
	}
}

void reserve_judge_anew(struct manager *m)
{
	if (reservations_reopen(&m->reservations, clock_boot_usec()))
		decide_soon(m);
}

/* What guests must have, or want: what no reservation is to take. */
static uint64_t guests_need(const struct plan *p)
{
	uint64_t need = 0;

	for (size_t i = 0; i < p->n_guests; i++) {
		const struct plan_guest *g = &p->guests[i];

		need = add_sat(need, g->left_out ? g->charge_bytes :
			p->host_state == HOST_CRITICAL ? g->floor_bytes : g->want_bytes);
	}
	return need;
}

bool reserve_is_short(const struct manager *m)
{
	const struct plan *p = m->plan;
	uint64_t need, room = 0;

	if (!p || !m->reservations.n || p->host_state < HOST_SHORT)
		return false;
	for (size_t i = 0; i < m->reservations.n; i++)
		room = add_sat(room, room_of(&m->reservations.items[i]));
	need = guests_need(p);
	/* A state is left for a better one only with a fiftieth to spare. */
	return need <= p->budget_bytes &&
	       add_sat(need, add_sat(room, p->budget_bytes / 50)) > p->budget_bytes;
}

struct view_problem reserve_problem(struct manager *m)
{
	const struct reservations *all = &m->reservations;
	const struct reservation *r = &all->items[0];
	uint64_t boot = clock_boot_usec(), real = clock_real_usec(), sum = 0;
	char size[SIZE_TEXT_MAX], total[SIZE_TEXT_MAX], until[JSON_TIME_MAX], more[96] = "";

	for (size_t i = 0; i < all->n; i++) {
		sum = add_sat(sum, room_of(&all->items[i]));
		if (room_of(&all->items[i]) > room_of(r))
			r = &all->items[i];
	}
	if (all->n > 1)
		snprintf(more, sizeof(more), ", and %zu more, %s in all", all->n - 1,
			size_format(sum, total));
	snprintf(m->reserve_problem, sizeof(m->reserve_problem),
		"guests are short for room that is kept for others that are to start: %s for %.128s until %s%s",
		size_format(room_of(r), size), r->guest_name,
		json_time_format(real + sub_sat(r->deadline_usec, boot), until), more);
	snprintf(m->reserve_remedy, sizeof(m->reserve_remedy),
		"if it is not about to start: ballastctl reservation cancel %llu%s",
		(unsigned long long)r->id,
		all->n > 1 ? " (ballastctl reservation list shows all)" : "");
	return (struct view_problem){
		.code = "reservations",
		.text = m->reserve_problem,
		.remedy = m->reserve_remedy,
		.since_real_usec = sub_sat(real, sub_sat(boot, r->asked_usec)),
	};
}

void reserve_stop(struct manager *m)
{
	while (m->reservations.n) {
		struct api_call *call = reservations_remove(&m->reservations, 0);

		if (call)
			api_call_problem(call, API_PROBLEM_STOPPING, "ballastd is stopping.");
	}
}
