/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-exec.h"

/*
 * Enrolling: the agent's port is plugged into the running guest and, of a persistent one, written
 * into its definition. libvirt cannot hot-plug the virtio-serial controller ("cannot be hot
 * plugged", 9.0): a guest without one gets the port with its next start, for which the definition
 * is enough: libvirt adds the controller that a channel needs.
 */

/*
 * Plugs or unplugs in one of the two worlds (VIR_DOMAIN_AFFECT_LIVE or _CONFIG), of which g is the
 * picture. What is plugged in has no path: libvirt chooses it. What is unplugged is found by all
 * that it has.
 */
static int channel_change(struct exec *x, virDomainPtr dom, struct sched_task *t,
	const struct hv_guest *g, unsigned affect)
{
	_cleanup_free_ char *xml = NULL;
	struct sched_answer *a = &t->answer;
	int r;

	a->error = hv_channel_xml(x->hv->channel_name, g->channel_path, &xml);
	if (a->error < 0)
		return a->error;
	hv_count(x->hv, t->req.call);
	if (t->req.call == HV_CALL_ATTACH_CHANNEL)
		r = virDomainAttachDeviceFlags(dom, xml, affect);
	else
		r = virDomainDetachDeviceFlags(dom, xml, affect);
	if (r < 0)
		a->error = hv_error(x->conn, a->text, sizeof(a->text));
	return a->error;
}

/* In the definition, where it is not as wanted already. */
static int channel_config(struct exec *x, virDomainPtr dom, struct sched_task *t, bool want)
{
	_cleanup_hv_guest_new_ struct hv_guest *g = NULL;

	if (exec_xml(x, dom, VIR_DOMAIN_XML_INACTIVE, &t->answer, &g) < 0)
		return t->answer.error;
	if ((g->channel != HV_CHANNEL_NONE) == want)
		return 0;
	return channel_change(x, dom, t, g, VIR_DOMAIN_AFFECT_CONFIG);
}

void exec_channel(struct exec *x, virDomainPtr dom, struct sched_task *t)
{
	_cleanup_hv_guest_new_ struct hv_guest *g = NULL;
	struct sched_answer *a = &t->answer;
	bool want = t->req.call == HV_CALL_ATTACH_CHANNEL;
	bool persistent, live;

	if (exec_xml(x, dom, 0, a, &g) < 0)
		return;
	persistent = virDomainIsPersistent(dom) == 1;
	live = (g->channel != HV_CHANNEL_NONE) != want;
	if (live && want && !g->has_virtio_serial) {
		live = false;
		a->at_next_start = true;
		if (!persistent) {
			a->error = -EOPNOTSUPP;
			snprintf(a->text, sizeof(a->text),
				"the guest has no virtio-serial controller, which cannot be "
				"plugged "
				"into a running guest, and no definition to write it into");
			return;
		}
	}
	if (!hv_may_change(x->hv, t))
		return;
	if (live && channel_change(x, dom, t, g, VIR_DOMAIN_AFFECT_LIVE) < 0)
		return;
	a->plugged = live;
	if (persistent)
		channel_config(x, dom, t, want);
}
