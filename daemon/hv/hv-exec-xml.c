/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-exec.h"

/* Definitions, and the process behind each. */

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

static int compare_qemu(const void *a, const void *b)
{
	return memcmp(((const struct qemu_process *)a)->uuid.bytes,
		((const struct qemu_process *)b)->uuid.bytes, sizeof(struct uuid));
}

/* In the last look through /proc: a process of that UUID that still is the same one, and this
 * run's. Scan lock held. */
static bool scan_has(struct hv *hv, struct hv_guest *g)
{
	struct qemu_process key = {.uuid = g->uuid};
	struct qemu_process *found, *end = hv->scan + hv->n_scan;
	char part[32];

	found = hv->n_scan ? bsearch(&key, hv->scan, hv->n_scan, sizeof(key), compare_qemu) : NULL;
	if (!found)
		return false;
	while (found > hv->scan && uuid_equal(&found[-1].uuid, &g->uuid))
		found--;
	/* libvirt keeps a run's files in ".../domain-ID-NAME/", which is on the command line. */
	snprintf(part, sizeof(part), "/domain-%d-", g->id);
	for (; found < end && uuid_equal(&found->uuid, &g->uuid); found++) {
		uint64_t ticks;

		if (process_start_ticks(hv->proc_root, found->pid, &ticks) < 0 ||
			ticks != found->start_ticks ||
			!process_cmdline_contains(hv->proc_root, found->pid, part))
			continue;
		g->pid = found->pid;
		g->pid_start_ticks = found->start_ticks;
		return true;
	}
	return false;
}

/* Its QEMU and that one's vCPU threads. Many guests that appear at once share one look through
 * /proc. */
static void find_process(struct hv *hv, struct hv_guest *g)
{
	pthread_mutex_lock(&hv->scan_lock);
	if (!scan_has(hv, g)) {
		struct qemu_process *scan;
		size_t n;

		if (process_find_qemus(hv->proc_root, &scan, &n) == 0) {
			free(hv->scan);
			hv->scan = scan;
			hv->n_scan = n;
			scan_has(hv, g);
		}
	}
	pthread_mutex_unlock(&hv->scan_lock);
	if (g->pid > 0 &&
		process_find_vcpus(hv->proc_root, g->pid, &g->vcpu_tids, &g->n_vcpu_tids) < 0)
		g->n_vcpu_tids = 0;
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
		find_process(x->hv, g);
	a->guest = TAKE_PTR(g);
}
