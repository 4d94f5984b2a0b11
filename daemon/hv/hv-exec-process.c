/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-exec.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>

/*
 * The process behind a guest. Anybody may start one with the guest's words on its command line, and
 * what is believed of it is believed of the guest: how much it holds, and that it is stopped. So it
 * must belong to whom libvirt runs that guest's QEMU as.
 */

/* libvirt gives this directory to the user whom QEMU runs as where its definition names no
 * other. */
#define LIBVIRT_DIR "/var/lib/libvirt/qemu"

static bool read_number(const char *s, uid_t *ret)
{
	unsigned long long n;
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	n = strtoull(s, &end, 10);
	/* The last one is no user: chown(2) and setresuid(2) take it for "as it is". */
	if (errno || *end || n >= (uid_t)-1)
		return false;
	*ret = (uid_t)n;
	return true;
}

/* As libvirt reads it: "+64055" is a number, "qemu" a name, "107" a name first. */
static bool read_user(const char *user, uid_t *ret)
{
	struct passwd pw, *found = NULL;
	char text[4096];

	if (*user == '+')
		return read_number(user + 1, ret);
	if (getpwnam_r(user, &pw, text, sizeof(text), &found) == 0 && found) {
		*ret = pw.pw_uid;
		return true;
	}
	return read_number(user, ret);
}

/* Whose its QEMU may be. Returns how many. */
static size_t find_users(const struct hv *hv, const struct hv_guest *g, uid_t ret[static 2])
{
	char path[PATH_MAX];
	struct stat st;

	if (g->user && read_user(g->user, &ret[0]))
		return 1;
	ret[0] = 0;
	snprintf(path, sizeof(path), "%s%s", hv->proc_root, LIBVIRT_DIR);
	if (stat(path, &st) < 0)
		return 1;
	ret[1] = st.st_uid;
	return 2;
}

static int compare_qemu(const void *a, const void *b)
{
	return memcmp(((const struct qemu_process *)a)->uuid.bytes,
		((const struct qemu_process *)b)->uuid.bytes, sizeof(struct uuid));
}

/* In the last look through /proc: a process of that UUID that still is the same one, this run's,
 * and libvirt's. Scan lock held. */
static bool scan_has(struct hv *hv, struct hv_guest *g, const uid_t *users, size_t n_users)
{
	struct qemu_process key = {.uuid = g->uuid};
	struct qemu_process *found, *end = hv->scan + hv->n_scan;
	char part[32];

	g->stranger_pid = 0;
	found = hv->n_scan ? bsearch(&key, hv->scan, hv->n_scan, sizeof(key), compare_qemu) : NULL;
	if (!found)
		return false;
	while (found > hv->scan && uuid_equal(&found[-1].uuid, &g->uuid))
		found--;
	/* libvirt keeps a run's files in ".../domain-ID-NAME/", which is on the command line. */
	snprintf(part, sizeof(part), "/domain-%d-", g->id);
	for (; found < end && uuid_equal(&found->uuid, &g->uuid); found++) {
		uid_t stranger;
		int r = process_is_qemu(hv->proc_root, found, part, users, n_users, &stranger);

		if (r == -EPERM && !g->stranger_pid) {
			g->stranger_pid = found->pid;
			g->stranger_uid = stranger;
		}
		if (r < 0)
			continue;
		g->pid = found->pid;
		g->pid_start_ticks = found->start_ticks;
		g->stranger_pid = 0;
		return true;
	}
	return false;
}

/* Many guests that appear at once share one look through /proc. */
void exec_find_process(struct hv *hv, struct hv_guest *g)
{
	uid_t users[2];
	/* a name is looked up before the lock is taken */
	size_t n_users = find_users(hv, g, users);

	pthread_mutex_lock(&hv->scan_lock);
	if (!scan_has(hv, g, users, n_users)) {
		struct qemu_process *scan;
		size_t n;

		if (process_find_qemus(hv->proc_root, &scan, &n) == 0) {
			free(hv->scan);
			hv->scan = scan;
			hv->n_scan = n;
			scan_has(hv, g, users, n_users);
		}
	}
	pthread_mutex_unlock(&hv->scan_lock);
	if (g->pid > 0 &&
		process_find_vcpus(hv->proc_root, g->pid, &g->vcpu_tids, &g->n_vcpu_tids) < 0)
		g->n_vcpu_tids = 0;
}
