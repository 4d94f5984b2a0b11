/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/polkit.h"

#include <systemd/sd-bus.h>

#include "daemon/sys/clock.h"
#include "daemon/sys/journal.h"

/* The API waits 5 s. */
#define ANSWER_USEC (4 * USEC_PER_SEC)
/* Open questions together, and of one user: the bus allows some hundred. */
#define ASKS_MAX     16
#define ASKS_OF_USER 4
/* Where there is none, it is looked for again after this. */
#define AWAY_USEC (10 * USEC_PER_SEC)

struct ask {
	struct polkit *p;
	struct api_call *call; /* NULL: free */
	sd_bus_slot *slot;
	uid_t uid;
};
struct polkit {
	sd_event *loop;
	sd_bus *bus;
	uint64_t away_until_usec;
	struct ask asks[ASKS_MAX];
};

int polkit_new(sd_event *loop, struct polkit **ret)
{
	struct polkit *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->loop = sd_event_ref(loop);
	*ret = p;
	return 0;
}

static void no(struct api_call *call, const char *why)
{
	api_call_problem(call, API_PROBLEM_DENIED, "%s", why);
}

/* Frees the place first: who hears the answer may ask again. */
static void ask_end(struct ask *a, bool granted, const char *why)
{
	struct api_call *call = TAKE_PTR(a->call);

	a->slot = sd_bus_slot_unref(a->slot);
	if (granted)
		api_call_reply(call, 204, NULL);
	else
		no(call, why);
}

static void close_bus(struct polkit *p)
{
	if (!p->bus)
		return;
	sd_bus_detach_event(p->bus);
	sd_bus_close(p->bus); /* not flush: that waits */
	p->bus = sd_bus_unref(p->bus);
}

struct polkit *polkit_free(struct polkit *p)
{
	if (!p)
		return NULL;
	for (size_t i = 0; i < ASKS_MAX; i++)
		if (p->asks[i].call)
			ask_end(&p->asks[i], false, "ballastd is stopping");
	close_bus(p);
	sd_event_unref(p->loop);
	free(p);
	return NULL;
}

static void away(struct polkit *p, const char *why)
{
	p->away_until_usec = clock_usec(CLOCK_MONOTONIC) + AWAY_USEC;
	journal_debug("polkit is not asked: %s", why);
}

static int open_bus(struct polkit *p)
{
	int r;

	if (p->bus && sd_bus_is_open(p->bus) > 0)
		return 0;
	close_bus(p);
	/* Begins to connect; the rest is done as the loop turns. */
	r = sd_bus_open_system(&p->bus);
	if (r >= 0)
		r = sd_bus_attach_event(p->bus, p->loop, SD_EVENT_PRIORITY_NORMAL);
	if (r < 0)
		close_bus(p);
	return r;
}

/* Nobody is there who could be asked: anything else is of this one question, and a client that can
 * provoke it must not keep others from asking. */
static bool is_absent(const sd_bus_error *e)
{
	return sd_bus_error_has_names(e, SD_BUS_ERROR_SERVICE_UNKNOWN,
		SD_BUS_ERROR_NAME_HAS_NO_OWNER, SD_BUS_ERROR_NO_SERVER,
		"org.freedesktop.DBus.Error.Spawn.ServiceNotFound",
		"org.freedesktop.systemd1.NoSuchUnit", "org.freedesktop.systemd1.UnitMasked");
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct ask *a = userdata;
	const sd_bus_error *error = sd_bus_message_get_error(m);
	int authorized = 0, challenge = 0;

	if (error) {
		if (is_absent(error))
			away(a->p, error->message ? error->message : error->name);
		else
			journal_debug("polkit does not answer: %s",
				error->message ? error->message : error->name);
		ask_end(a, false, "polkit does not answer");
		return 0;
	}
	if (sd_bus_message_enter_container(m, 'r', "bba{ss}") < 0 ||
		sd_bus_message_read(m, "bb", &authorized, &challenge) < 0)
		authorized = 0;
	ask_end(a, authorized, "polkit says no");
	return 0;
}

static int send_ask(struct ask *a, const struct api_authorize_request *req)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	char action[32];
	int r = sd_bus_message_new_method_call(a->p->bus, &m, "org.freedesktop.PolicyKit1",
		"/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority",
		"CheckAuthorization");

	snprintf(action, sizeof(action), "org.ballast.%s", api_role_to_string(req->role));
	/* The start time makes the number of a process its name; the user is said since a process
	 * may change it. */
	if (r >= 0)
		r = sd_bus_message_append(m, "(sa{sv})sa{ss}us", "unix-process", 3, "pid", "u",
			(uint32_t)req->pid, "start-time", "t", req->start_ticks, "uid", "i",
			(int32_t)req->uid, action, 0, UINT32_C(0), "");
	if (r >= 0)
		r = sd_bus_call_async(a->p->bus, &a->slot, m, on_answer, a, ANSWER_USEC);
	return r;
}

/* A free place, or NULL. */
static struct ask *take_place(struct polkit *p, uid_t uid)
{
	struct ask *free_place = NULL;
	unsigned mine = 0;

	for (size_t i = 0; i < ASKS_MAX; i++) {
		if (!p->asks[i].call)
			free_place = &p->asks[i];
		else
			mine += p->asks[i].uid == uid;
	}
	return mine < ASKS_OF_USER ? free_place : NULL;
}

void polkit_ask(struct polkit *p, struct api_call *call, const struct api_authorize_request *req)
{
	struct ask *a = take_place(p, req->uid);
	int r;

	if (!a) {
		no(call, "polkit has too many questions to answer already");
		return;
	}
	if (clock_usec(CLOCK_MONOTONIC) < p->away_until_usec) {
		no(call, "polkit is not there");
		return;
	}
	*a = (struct ask){.p = p, .call = call, .uid = req->uid};
	r = open_bus(p);
	if (r < 0)
		away(p, strerror(-r));
	else
		r = send_ask(a, req);
	if (r < 0)
		ask_end(a, false, "polkit cannot be asked");
}
