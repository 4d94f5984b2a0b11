/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-priv.h"

#include <time.h>

/*
 * The control thread: one connection for events and for calls that take no job. Connects, listens,
 * lists, waits; when the connection goes, tells so and starts again, for ever.
 */

/* A call of this thread is about to be made: if it hangs, the timer says so. */
static void control_enter(struct hv *hv, enum hv_call call)
{
	hv_count(hv, call);
	hv_lock(hv);
	hv->control_since_usec = hv_now_usec();
	hv->control_told = false;
	hv_pump(hv);
	hv_unlock(hv);
}

static void control_leave(struct hv *hv)
{
	hv_lock(hv);
	hv->control_since_usec = 0;
	hv_unlock(hv);
}

/* Waits with the lock held until something is to be done or the time is over. */
static void control_wait(struct hv *hv, uint64_t usec)
{
	uint64_t until_usec = hv_now_usec() + usec;
	struct timespec until = {
		.tv_sec = (time_t)(until_usec / USEC_PER_SEC),
		.tv_nsec = (long)(until_usec % USEC_PER_SEC) * 1000,
	};

	while (!hv->stopping && !hv->closed && !hv->resync)
		if (pthread_cond_timedwait(&hv->control, &hv->lock, &until) == ETIMEDOUT)
			return;
}

static void on_close(virConnectPtr conn, int reason, void *data)
{
	static const char *const reasons[] = {
		[VIR_CONNECT_CLOSE_REASON_ERROR] = "error on the connection to libvirt",
		[VIR_CONNECT_CLOSE_REASON_EOF] = "libvirt closed the connection",
		[VIR_CONNECT_CLOSE_REASON_KEEPALIVE] = "libvirt does not answer keep-alive",
		[VIR_CONNECT_CLOSE_REASON_CLIENT] = "closed",
	};
	struct hv *hv = data;

	(void)conn;
	hv_lock(hv);
	hv->closed = true;
	snprintf(hv->close_reason, sizeof(hv->close_reason), "%s",
		reason >= 0 && (size_t)reason < ARRAY_SIZE(reasons) ? reasons[reason] : "closed");
	pthread_cond_signal(&hv->control);
	hv_unlock(hv);
}

/* All domains with their ids, as a new array. Returns how many, or -errno with libvirt's
 * words in text. */
static int list_all(virConnectPtr conn, struct listed **ret, char *text, size_t size)
{
	_cleanup_free_ struct listed *all = NULL;
	virDomainPtr *doms = NULL;
	size_t kept = 0;
	int n;

	n = virConnectListAllDomains(conn, &doms, 0);
	if (n < 0)
		return hv_error(conn, text, size);
	all = calloc((size_t)n + 1, sizeof(*all));
	for (int i = 0; i < n; i++) {
		if (all && virDomainGetUUID(doms[i], all[kept].uuid.bytes) == 0)
			all[kept++].id = (int)virDomainGetID(doms[i]);
		virDomainFree(doms[i]);
	}
	free(doms);
	if (!all)
		return -ENOMEM;
	*ret = TAKE_PTR(all);
	return (int)kept;
}

/* "9.0.0", as a new string; NULL when it is not known. */
static char *version_of(virConnectPtr conn)
{
	unsigned long v = 0;
	char *text = NULL;

	/* major * 1000000 + minor * 1000 + release */
	if (virConnectGetLibVersion(conn, &v) < 0 || v == 0 ||
		asprintf(&text, "%lu.%lu.%lu", v / 1000000, v / 1000 % 1000, v % 1000) < 0)
		return NULL;
	return text;
}

/* Lists and hands over. announce: this is the first list of a connection, so that connected() comes
 * before the guests. */
static int control_list(struct hv *hv, virConnectPtr conn, bool announce, char *text, size_t size)
{
	_cleanup_free_ struct listed *all = NULL;
	_cleanup_free_ char *version = NULL;
	int n;

	control_enter(hv, HV_CALL_LIST);
	hv_lock(hv);
	hv_list_begins(hv);
	hv_unlock(hv);
	n = list_all(conn, &all, text, size);
	if (n >= 0 && announce)
		version = version_of(conn);
	control_leave(hv);
	if (n < 0)
		return n;
	hv_lock(hv);
	hv->resync = false;
	if (announce && !hv->stopping) {
		struct item *i;

		hv->generation++;
		hv->connected = true;
		hv->shared = hv->one_connection ? conn : NULL;
		sched_connect(&hv->sched);
		i = hv_push(hv, ITEM_CONNECTED, NULL);
		if (i) {
			i->number = hv->generation;
			i->text = TAKE_PTR(version);
		}
	}
	if (hv->connected) {
		hv_guests_listed(hv, all, (size_t)n);
		hv_sync_check(hv);
		hv_pump(hv);
	}
	hv_unlock(hv);
	return 0;
}

/* Connected until it is not. The reason is in hv->close_reason. Called and left with the lock
 * held. */
static void control_stay(struct hv *hv, virConnectPtr conn)
{
	char text[128] = "";

	while (!hv->stopping && !hv->closed) {
		int r;

		control_wait(hv, HV_RESYNC_USEC);
		if (hv->stopping || hv->closed)
			return;
		hv_unlock(hv);
		r = control_list(hv, conn, false, text, sizeof(text));
		hv_lock(hv);
		if (r < 0) {
			hv->closed = true;
			snprintf(hv->close_reason, sizeof(hv->close_reason), "%s", text);
		}
	}
}

static void control_lost(struct hv *hv)
{
	hv_lock(hv);
	if (hv->connected) {
		hv->connected = false;
		hv->shared = NULL;
		sched_disconnect(&hv->sched, hv_now_usec(), hv->stopping ? -ECANCELED : -ENOTCONN);
		if (!hv->stopping)
			hv_push_down(hv, hv->close_reason, true, HV_BACKOFF_MIN_USEC);
	}
	hv_unlock(hv);
}

/* One connection's life. Returns true when it came to be connected; else text says why not. */
static bool control_session(struct hv *hv, char *text, size_t size)
{
	int ids[HV_EVENTS_MAX];
	bool was_connected = false, has_close;
	virConnectPtr conn;

	control_enter(hv, HV_CALL_OPEN);
	conn = hv_open(hv, text, size);
	control_leave(hv);
	if (!conn)
		return false;
	hv_lock(hv);
	hv->closed = false;
	hv_unlock(hv);
	/* The test driver has neither of the two, and needs neither. */
	has_close = virConnectRegisterCloseCallback(conn, on_close, hv, NULL) == 0;
	virConnectSetKeepAlive(conn, HV_KEEPALIVE_SEC, HV_KEEPALIVE_COUNT);

	/*
	 * Events first, so that nothing is missed. What happens while the list is made is told
	 * before it comes, and may be missing in it all the same: libvirt looks at one domain after
	 * the other, and waits up to ten seconds for one whose start hook runs. hv_guests_listed()
	 * knows.
	 */
	if (hv_events_register(hv, conn, ids) < 0)
		hv_error(conn, text, size);
	else if (control_list(hv, conn, true, text, size) == 0) {
		hv_lock(hv);
		was_connected = hv->connected;
		control_stay(hv, conn);
		hv_unlock(hv);
		control_lost(hv);
	}
	hv_events_deregister(conn, ids);
	if (has_close)
		virConnectUnregisterCloseCallback(conn, on_close);
	virConnectClose(conn);
	return was_connected;
}

void *hv_control_run(void *data)
{
	struct hv *hv = data;
	uint64_t pause_usec = HV_BACKOFF_MIN_USEC;

	hv_lock(hv);
	while (!hv->stopping) {
		char text[256] = "";

		hv_unlock(hv);
		if (control_session(hv, text, sizeof(text))) {
			pause_usec = HV_BACKOFF_MIN_USEC;
			hv_lock(hv);
		} else {
			hv_lock(hv);
			if (!hv->stopping)
				hv_push_down(hv, text, false, pause_usec);
		}
		if (hv->stopping)
			break;
		hv->closed = hv->resync = false;
		control_wait(hv, pause_usec);
		pause_usec = MIN(2 * pause_usec, HV_BACKOFF_MAX_USEC);
	}
	hv_thread_ends(hv);
	return NULL;
}
