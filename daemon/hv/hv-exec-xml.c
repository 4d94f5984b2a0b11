/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-exec.h"

/* Definitions. */

int exec_xml(struct exec *x, virDomainPtr dom, unsigned flags, struct sched_answer *a,
	struct hv_guest **ret)
{
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *xml = NULL;

	hv_count(x->hv, HV_CALL_GET_XML);
	xml = virDomainGetXMLDesc(dom, flags);
	if (!xml)
		return exec_error(x, dom, a);
	a->error = hv_guest_parse(xml, strlen(xml), x->hv->channel_name, ret, &d);
	if (a->error < 0) {
		_cleanup_free_ char *where = diag_format(&d);

		snprintf(a->text, sizeof(a->text), "definition not understood: %s",
			where ? where : "out of memory");
	}
	return a->error;
}

void exec_get_xml(struct exec *x, virDomainPtr dom, struct sched_task *t)
{
	_cleanup_hv_guest_new_ struct hv_guest *g = NULL;
	struct sched_answer *a = &t->answer;
	int state, reason, autostart = 0;

	if (exec_xml(x, dom, 0, a, &g) < 0)
		return;
	if (g->id < 0) {
		a->error = -ENOENT; /* defined, but it does not run any more */
		return;
	}
	if (virDomainGetState(dom, &state, &reason, 0) < 0) {
		exec_error(x, dom, a);
		return;
	}
	g->running = state == VIR_DOMAIN_RUNNING || state == VIR_DOMAIN_BLOCKED ||
		     state == VIR_DOMAIN_SHUTDOWN;
	g->persistent = virDomainIsPersistent(dom) == 1;
	g->autostart = g->persistent && virDomainGetAutostart(dom, &autostart) == 0 && autostart;
	if (x->is_qemu)
		exec_find_process(x->hv, g);
	a->guest = TAKE_PTR(g);
}
