/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-priv.h"

/* libvirt's callbacks, on libvirt's thread. They copy what matters under the lock and are gone;
 * nothing here asks libvirtd. */

/* Locks, counts, and finds the guest; NULL: not known. The caller unlocks either way. */
static struct known *event_guest(struct hv *hv, virDomainPtr dom, struct uuid *ret_uuid)
{
	hv_lock(hv);
	atomic_fetch_add_explicit(&hv->events, 1, memory_order_relaxed);
	if (virDomainGetUUID(dom, ret_uuid->bytes) < 0)
		return NULL;
	return hv_known(hv, ret_uuid);
}

static void event_done(struct hv *hv)
{
	hv_pump(hv);
	hv_unlock(hv);
}

static enum hv_gone gone_why(int detail)
{
	switch (detail) {
	case VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN:
		return HV_GONE_SHUTDOWN;
	case VIR_DOMAIN_EVENT_STOPPED_CRASHED:
		return HV_GONE_CRASHED;
	case VIR_DOMAIN_EVENT_STOPPED_MIGRATED:
		return HV_GONE_MIGRATED;
	case VIR_DOMAIN_EVENT_STOPPED_SAVED:
	case VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT:
		return HV_GONE_SAVED;
	case VIR_DOMAIN_EVENT_STOPPED_FAILED:
		return HV_GONE_FAILED;
	default:
		return HV_GONE_DESTROYED;
	}
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *data)
{
	struct hv *hv = data;
	struct uuid uuid;
	struct known *k = event_guest(hv, dom, &uuid);

	(void)conn;
	switch (event) {
	case VIR_DOMAIN_EVENT_STARTED:
		hv_guest_runs(hv, &uuid, (int)virDomainGetID(dom), false);
		break;
	case VIR_DOMAIN_EVENT_STOPPED:
		if (k)
			hv_guest_gone(hv, k, gone_why(detail));
		break;
	case VIR_DOMAIN_EVENT_SHUTDOWN:
		break; /* its system ended; STOPPED follows */
	case VIR_DOMAIN_EVENT_RESUMED:
		/* The first that is heard of one that was migrated in, in some versions. */
		hv_guest_runs(hv, &uuid, (int)virDomainGetID(dom), false);
		break;
	case VIR_DOMAIN_EVENT_SUSPENDED:
		/* By hand, or by a job that is of no event: virsh save. */
		if (k) {
			hv_guest_refresh(hv, k);
			(void)!sched_submit_own(&hv->sched, k->sg, HV_CALL_JOB_INFO);
		}
		break;
	default:
		if (k)
			hv_guest_refresh(hv, k);
		break;
	}
	event_done(hv);
	return 0;
}

static void on_reboot(virConnectPtr conn, virDomainPtr dom, void *data)
{
	struct hv *hv = data;
	struct uuid uuid;
	struct known *k = event_guest(hv, dom, &uuid);

	(void)conn;
	if (k && k->guest)
		hv_push(hv, ITEM_RESET, &uuid);
	event_done(hv);
}

static void on_balloon(
	virConnectPtr conn, virDomainPtr dom, unsigned long long actual_kib, void *data)
{
	struct hv *hv = data;
	struct uuid uuid;
	struct known *k = event_guest(hv, dom, &uuid);

	(void)conn;
	if (k && k->guest) {
		struct item *i = hv_push(hv, ITEM_BALLOON, &uuid);

		if (i)
			i->number = (uint64_t)actual_kib * KIB;
	}
	hv_unlock(hv);
}

static void refresh_on_event(struct hv *hv, virDomainPtr dom)
{
	struct uuid uuid;
	struct known *k = event_guest(hv, dom, &uuid);

	if (k)
		hv_guest_refresh(hv, k);
	event_done(hv);
}

static void on_device(virConnectPtr conn, virDomainPtr dom, const char *alias, void *data)
{
	(void)conn;
	(void)alias;
	refresh_on_event(data, dom);
}

static void on_metadata(virConnectPtr conn, virDomainPtr dom, int type, const char *uri, void *data)
{
	(void)conn;
	(void)type;
	(void)uri;
	refresh_on_event(data, dom);
}

static void on_migration_iteration(virConnectPtr conn, virDomainPtr dom, int iteration, void *data)
{
	struct hv *hv = data;
	struct uuid uuid;
	struct known *k = event_guest(hv, dom, &uuid);

	(void)conn;
	(void)iteration;
	if (k)
		hv_guest_job(hv, k, true, false);
	event_done(hv);
}

static void on_job_completed(
	virConnectPtr conn, virDomainPtr dom, virTypedParameterPtr params, int n_params, void *data)
{
	struct hv *hv = data;
	struct uuid uuid;
	struct known *k = event_guest(hv, dom, &uuid);

	(void)conn;
	(void)params;
	(void)n_params;
	if (k)
		hv_guest_job(hv, k, false, true);
	event_done(hv);
}

static const struct {
	int id;
	virConnectDomainEventGenericCallback callback;
	const char *name;
} events[] = {
	{VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), "lifecycle"},
	{VIR_DOMAIN_EVENT_ID_REBOOT, VIR_DOMAIN_EVENT_CALLBACK(on_reboot), "reboot"},
	{VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(on_balloon), "balloon"},
	{VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK(on_device), "device-added"},
	{VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_device),
		"device-removed"},
	{VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(on_metadata), "metadata"},
	{VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION, VIR_DOMAIN_EVENT_CALLBACK(on_migration_iteration),
		"migration"},
	{VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, VIR_DOMAIN_EVENT_CALLBACK(on_job_completed), "job"},
};
_Static_assert(ARRAY_SIZE(events) == HV_EVENTS_MAX, "one id an event");

/* Returns 0, or -errno when not even life-cycle events can be had. */
int hv_events_register(struct hv *hv, virConnectPtr conn, int ids[static HV_EVENTS_MAX])
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		ids[i] = virConnectDomainEventRegisterAny(
			conn, NULL, events[i].id, events[i].callback, hv, NULL);
		if (ids[i] < 0 && events[i].id == VIR_DOMAIN_EVENT_ID_LIFECYCLE)
			r = -EOPNOTSUPP;
	}
	return r;
}

void hv_events_deregister(virConnectPtr conn, const int ids[static HV_EVENTS_MAX])
{
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (ids[i] >= 0)
			virConnectDomainEventDeregisterAny(conn, ids[i]);
}
