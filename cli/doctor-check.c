/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/doctor.h"

#include <stdarg.h>
#include <stdio.h>

#include "cli/get.h"

/* Less free than this in the state directory is soon full: the daemon keeps up to some 60 MB
 * there. */
#define STATE_FREE_MIN (100 * MIB)
/* A certificate that ends sooner is to be renewed now. */
#define EXPIRES_SOON (14 * USEC_PER_DAY)

/* A process's start is known to a tick and the clocks' drift. A file that is newer than now tells
 * of a clock that was set back. */
#define START_ERROR (2 * USEC_PER_SEC)

void doctor_say(
	struct doctor_result *r, enum doctor_state state, const char *subject, const char *fmt, ...)
{
	struct doctor_finding *f;
	va_list ap;

	if (r->n == DOCTOR_FINDINGS_MAX) {
		r->more++;
		return;
	}
	f = &r->findings[r->n++];
	f->state = state;
	snprintf(f->subject, sizeof(f->subject), "%s", subject);
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

void doctor_mend(struct doctor_result *r, const char *fmt, ...)
{
	va_list ap;

	if (!r->n || r->more)
		return;
	va_start(ap, fmt);
	vsnprintf(r->findings[r->n - 1].remedy, sizeof(r->findings[0].remedy), fmt, ap);
	va_end(ap);
}

void doctor_fine(struct doctor_result *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->fine, sizeof(r->fine), fmt, ap);
	va_end(ap);
}

enum doctor_state doctor_worst(const struct doctor_result *r)
{
	enum doctor_state worst = DOCTOR_OK;

	for (size_t i = 0; i < r->n; i++)
		worst = MAX(worst, r->findings[i].state);
	return worst;
}

void doctor_facts_clear(struct doctor_facts *f)
{
	json_decref(f->host);
	json_decref(f->guests);
	json_decref(f->policies);
	json_decref(f->version);
	json_decref(f->whoami);
	diag_list_clear(&f->conf_findings);
	diag_list_clear(&f->policy_findings);
	diag_list_clear(&f->policy_notes);
	diag_list_clear(&f->shadowed);
	free(f->definitions);
	*f = (struct doctor_facts){0};
}

static void check_unit(const struct doctor_facts *f, struct doctor_result *r)
{
	const struct doctor_unit *u = &f->daemon;

	if (!f->systemd || !*u->load) {
		doctor_say(r, DOCTOR_UNKNOWN, "", "systemd cannot be asked here");
		return;
	}
	if (streq(u->load, "not-found")) {
		doctor_say(r, DOCTOR_BAD, "ballastd.service", "there is no such unit");
		doctor_mend(r,
			"install ballastd's package, or make install, then: systemctl daemon-reload");
		return;
	}
	if (streq(u->load, "masked")) {
		doctor_say(r, DOCTOR_BAD, "ballastd.service", "it is masked");
		doctor_mend(r, "systemctl unmask ballastd");
		return;
	}
	if (streq(u->active, "failed")) {
		doctor_say(r, DOCTOR_BAD, "ballastd.service", "it has failed");
		doctor_mend(r,
			"journalctl -u ballastd -n 50 says why; then: systemctl restart ballastd");
	} else if (!streq(u->active, "active") && !streq(u->active, "reloading")) {
		doctor_say(r, DOCTOR_BAD, "ballastd.service", "it is %s", u->active);
		doctor_mend(r, "systemctl start ballastd");
	}
	if (!streq(u->enabled, "enabled") && !streq(u->enabled, "static")) {
		doctor_say(r, DOCTOR_BAD, "ballastd.service",
			"it will not start when the host does (%s)",
			*u->enabled ? u->enabled : "not enabled");
		doctor_mend(r, "systemctl enable ballastd");
	}
}

static void check_release(const struct doctor_facts *f, struct doctor_result *r)
{
	const struct doctor_unit *u = &f->release;

	if (!f->systemd || !*u->load)
		doctor_say(r, DOCTOR_UNKNOWN, "", "systemd cannot be asked here");
	else if (!streq(u->load, "loaded"))
		doctor_say(r, DOCTOR_BAD, "ballast-release.service",
			"it is %s: should ballastd not come up again, guests stay as small as they are",
			u->load);
	else if (streq(u->active, "failed")) {
		doctor_say(r, DOCTOR_BAD, "ballast-release.service",
			"it has failed: guests may be smaller than they were");
		doctor_mend(r,
			"journalctl -u ballast-release says why; then: systemctl restart ballast-release");
	}
}

const char *doctor_silence(const struct doctor_facts *f)
{
	return streq(f->api_problem, "denied") || streq(f->api_problem, "unauthenticated")
		       ? "the daemon does not tell you"
		       : "the daemon does not answer";
}

static void check_access(const struct doctor_facts *f, struct doctor_result *r)
{
	const char *role = get_string(f->whoami, "/role", NULL);

	if (role && streq(role, "none")) {
		doctor_say(r, DOCTOR_BAD, f->user, "the daemon lets you do nothing");
		doctor_mend(r,
			"join a group that it knows: [API] AdminGroup=, OperateGroup=, ReadGroup= in ballast.conf(5)");
	} else if (role) {
		doctor_fine(r, "you are %s, with role %s", get_string(f->whoami, "/name", f->user),
			role);
	} else if (f->socket_errno == ENOENT) {
		doctor_say(r, DOCTOR_BAD, f->socket, "there is no such socket");
		doctor_mend(
			r, "is ballastd running? It makes it ([API] Socket= in ballast.conf(5))");
	} else if (f->socket_errno) {
		doctor_say(r, DOCTOR_BAD, f->socket, "%s", strerror(f->socket_errno));
	} else if (f->connect_errno == EACCES) {
		doctor_say(r, DOCTOR_BAD, f->socket, "you (%s) may not open it", f->user);
		doctor_mend(
			r, "as root: adduser %s %s, then log in anew", f->user, f->socket_group);
	} else if (f->connect_errno) {
		doctor_say(r, DOCTOR_BAD, f->socket, "nobody listens there (%s)",
			strerror(f->connect_errno));
	} else {
		doctor_say(r, DOCTOR_UNKNOWN, "", "%s", doctor_silence(f));
	}
}

static void check_answers(const struct doctor_facts *f, struct doctor_result *r)
{
	if (streq(f->api_problem, "denied") || streq(f->api_problem, "unauthenticated")) {
		doctor_say(r, DOCTOR_UNKNOWN, "", "it is up and does not tell you how it is");
		doctor_mend(r, "%s", f->api_said);
		return;
	}
	if (*f->api_problem) {
		doctor_say(r, DOCTOR_BAD, "", "%s", *f->api_said ? f->api_said : f->api_problem);
		if (streq(f->api_problem, "stuck"))
			doctor_mend(r,
				"its main loop does not turn: journalctl -u ballastd; systemd restarts it by its watchdog within 20 s");
		return;
	}
	if (!get_bool(f->host, "/ready")) {
		doctor_say(r, DOCTOR_BAD, "", "it is up and has not decided anything yet");
		doctor_mend(
			r, "it waits for libvirt and its guests; ballastctl status says for what");
		return;
	}
	doctor_fine(r, "ballastd %s on %s", get_string(f->version, "/version", "?"),
		get_string(f->host, "/name", "?"));
}

/* What the daemon itself complains of, but for what a check of ours names better. */
static void check_problems(const struct doctor_facts *f, struct doctor_result *r)
{
	static const char *const elsewhere[] = {"libvirt-unreachable", "policy-bad"};
	const json_t *p;
	size_t i;

	if (!f->host) {
		doctor_say(r, DOCTOR_UNKNOWN, "", "%s", doctor_silence(f));
		return;
	}
	json_array_foreach (get_at(f->host, "/problems"), i, p) {
		const char *code = get_string(p, "/code", "problem");

		if (streq(code, elsewhere[0]) || streq(code, elsewhere[1]))
			continue;
		doctor_say(r, streq(code, "restarted") ? DOCTOR_NOTE : DOCTOR_BAD, code, "%s",
			get_string(p, "/text", ""));
		doctor_mend(r, "%s", get_string(p, "/remedy", ""));
	}
}

static void check_mode(const struct doctor_facts *f, struct doctor_result *r)
{
	const char *mode = get_string(f->host, "/mode", NULL);

	if (!mode)
		doctor_say(r, DOCTOR_UNKNOWN, "", "%s", doctor_silence(f));
	else if (!streq(mode, "enforce"))
		doctor_say(
			r, DOCTOR_NOTE, "", "mode is %s: all is shown, nothing is touched", mode);
	else
		doctor_fine(r, "memory and CPU follow need and policy");
}

static void check_libvirt(const struct doctor_facts *f, struct doctor_result *r)
{
	const json_t *p;
	size_t i;

	json_array_foreach (get_at(f->host, "/problems"), i, p)
		if (streq(get_string(p, "/code", ""), "libvirt-unreachable")) {
			doctor_say(r, DOCTOR_BAD, "", "ballastd does not reach it: %s",
				get_string(p, "/text", ""));
			if (f->remote || !*f->libvirt_socket)
				return;
			if (f->libvirt_errno == 0)
				doctor_mend(r,
					"it answers you here: is user ballast in group libvirt (systemd-sysusers), and is Uri= in ballast.conf right?");
			return;
		}
	if (f->host) {
		doctor_fine(r, "libvirt %s", get_string(f->version, "/libvirt", "?"));
		return;
	}
	if (f->remote || !*f->libvirt_socket)
		doctor_say(r, DOCTOR_UNKNOWN, "",
			"ballastd does not answer, and it is not known where libvirt listens");
	else if (f->libvirt_errno == EACCES)
		doctor_say(
			r, DOCTOR_UNKNOWN, f->libvirt_socket, "you may not open it: ask as root");
	else if (f->libvirt_errno)
		doctor_say(r, DOCTOR_BAD, f->libvirt_socket, "%s", strerror(f->libvirt_errno));
	else
		doctor_fine(r, "%s takes connections", f->libvirt_socket);
}

static void check_hook(const struct doctor_facts *f, struct doctor_result *r)
{
	if (f->hook_errno == ENOENT) {
		doctor_say(r, DOCTOR_BAD, f->hook,
			"it is not there: guests start without asking for room");
		doctor_mend(r,
			"install it (make install puts it there), then: systemctl restart libvirtd");
	} else if (f->hook_errno == EACCES) {
		doctor_say(r, DOCTOR_UNKNOWN, f->hook, "only root can look");
	} else if (f->hook_errno) {
		doctor_say(r, DOCTOR_BAD, f->hook,
			"it cannot be run: guests start without asking for room");
		doctor_mend(r, "chmod 755 %s, then: systemctl restart libvirtd", f->hook);
	} else if (f->libvirt_started_usec &&
		   f->hook_changed_usec > f->libvirt_started_usec + START_ERROR &&
		   f->hook_changed_usec <= f->now_usec) {
		doctor_say(r, DOCTOR_BAD, f->hook,
			"libvirt has started before it came, and does not know of it");
		doctor_mend(r, "systemctl restart libvirtd (or virtqemud); running guests go on");
	}
}

static void check_psi(const struct doctor_facts *f, struct doctor_result *r)
{
	if (f->psi_errno == ENOENT || f->psi_errno == EOPNOTSUPP) {
		doctor_say(r, DOCTOR_NOTE, "",
			"this kernel tells no pressure (/proc/pressure/memory)");
		doctor_mend(r, "boot it with psi=1 (a kernel of 4.20 or newer)");
	} else if (f->psi_errno) {
		doctor_say(
			r, DOCTOR_UNKNOWN, "", "/proc/pressure/memory: %s", strerror(f->psi_errno));
	}
}

static void check_cgroup(const struct doctor_facts *f, struct doctor_result *r)
{
	switch (f->cgroup) {
	case DOCTOR_CGROUP_V2:
	case DOCTOR_CGROUP_V1:
		doctor_fine(r, "version %d", f->cgroup == DOCTOR_CGROUP_V2 ? 2 : 1);
		if (f->cgroup_cpu)
			return;
		doctor_say(r, DOCTOR_BAD, "",
			"the kernel has no cpu controller for control groups: CPU weights and quotas do nothing");
		doctor_mend(r,
			"boot without cgroup_disable=cpu; on version 2 it must be in /sys/fs/cgroup/cgroup.controllers");
		return;
	case DOCTOR_CGROUP_NONE:
		doctor_say(r, DOCTOR_BAD, "",
			"no control groups are mounted at /sys/fs/cgroup: CPU weights and quotas do nothing");
		return;
	default:
		doctor_say(r, DOCTOR_UNKNOWN, "", "/sys/fs/cgroup cannot be read");
	}
}

static void check_clock(const struct doctor_facts *f, struct doctor_result *r)
{
	if (f->clock < 0)
		doctor_say(r, DOCTOR_UNKNOWN, "", "the kernel does not tell");
	else if (!f->clock)
		doctor_say(r, DOCTOR_NOTE, "",
			"nobody keeps this host's clock in time: schedules open and close by it");
}

static void add_diags(struct doctor_result *r, enum doctor_state state, const struct diag_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct diag *d = &l->items[i];
		char place[80] = "";
		const char *file = d->file ? d->file : "";

		if (*file && d->line)
			snprintf(place, sizeof(place), "%.60s:%u:%u", file, d->line, d->col);
		else
			snprintf(place, sizeof(place), "%.79s", file);
		doctor_say(r, state, place, "%s", d->text ? d->text : "");
	}
}

static void check_conf(const struct doctor_facts *f, struct doctor_result *r)
{
	add_diags(r, DOCTOR_BAD, &f->conf_findings);
}

static void check_policy(const struct doctor_facts *f, struct doctor_result *r)
{
	if (f->elsewhere) {
		size_t n = json_array_size(get_at(f->policies, "/policies"));

		doctor_say(r, DOCTOR_UNKNOWN, "",
			"ballastd has %zu polic%s, by another ballast.conf than the one that was read",
			n, n == 1 ? "y" : "ies");
		doctor_mend(r, "name the one that it was started with: ballastctl doctor --config=FILE");
		return;
	}
	add_diags(r, DOCTOR_BAD, &f->policy_findings);
	add_diags(r, DOCTOR_NOTE, &f->policy_notes);
	doctor_fine(r, "%zu polic%s", f->n_policies, f->n_policies == 1 ? "y" : "ies");
}

/* Policies that are in nobody's way, and in nobody's service. */
static void check_policy_use(const struct doctor_facts *f, struct doctor_result *r)
{
	const json_t *p;
	size_t i;

	if (!f->elsewhere)
		add_diags(r, DOCTOR_NOTE, &f->shadowed);
	if (!f->policies && !f->shadowed.n)
		doctor_say(
			r, DOCTOR_UNKNOWN, "", "which guests they are for only the daemon knows");
	json_array_foreach (get_at(f->policies, "/policies"), i, p) {
		const char *name = get_string(p, "/name", "?");

		if (get_bool(p, "/stale")) {
			doctor_say(r, DOCTOR_BAD, name,
				"its file is bad now: its last good version holds, and is gone at a restart");
			doctor_mend(r,
				"ballastctl policy check says what is wrong; then: ballastctl reload");
		}
		if (get_number(p, "/matching", 1) == 0 && get_bool(p, "/has_match")) {
			doctor_say(r, DOCTOR_NOTE, name, "it is for no guest of this host");
			doctor_mend(r,
				"is its [Match] right? ballastctl policy explain GUEST says what each guest gets");
		}
	}
	json_array_foreach (get_at(f->policies, "/bad"), i, p) {
		doctor_say(r, DOCTOR_BAD, get_string(p, "/path", "?"),
			"nothing of it is in force: %s", get_string(p, "/text", ""));
		doctor_mend(r, "ballastctl policy check; then: ballastctl reload");
	}
}

static void check_state(const struct doctor_facts *f, struct doctor_result *r)
{
	char size[SIZE_TEXT_MAX];

	if (f->state_errno == EACCES) {
		doctor_say(r, DOCTOR_UNKNOWN, f->state_dir, "only root and ballastd can look");
		return;
	}
	if (f->state_errno == ENOENT) {
		doctor_say(r, DOCTOR_BAD, f->state_dir, "it is not there");
		doctor_mend(r, "systemctl start ballastd makes it (StateDirectory= of the unit)");
		return;
	}
	if (f->state_errno) {
		doctor_say(r, DOCTOR_BAD, f->state_dir, "%s", strerror(f->state_errno));
		return;
	}
	doctor_fine(r, "%s free", size_format(f->state_free_bytes, size));
	if (f->state_free_bytes < STATE_FREE_MIN) {
		doctor_say(r, DOCTOR_BAD, f->state_dir,
			"only %s free: when it is full, mode and settings by hand cannot be kept",
			size);
		doctor_mend(r, "make room on its file system");
	} else if (f->state_files_free == 0) {
		doctor_say(r, DOCTOR_BAD, f->state_dir, "its file system has no inodes left");
		doctor_mend(r, "remove some files there");
	}
}

static void check_expiry(
	const struct doctor_facts *f, const struct doctor_listener *l, struct doctor_result *r)
{
	char span[SPAN_TEXT_MAX];

	if (!l->expires_usec)
		return;
	if (l->expires_usec <= f->now_usec) {
		doctor_say(r, DOCTOR_BAD, l->address, "its certificate has ended %s ago",
			show_span(f->now_usec - l->expires_usec, span));
		doctor_mend(r,
			"put a new one where Certificate= and Key= say, then: systemctl reload ballastd");
	} else if (l->expires_usec - f->now_usec < EXPIRES_SOON) {
		doctor_say(r, DOCTOR_NOTE, l->address, "its certificate ends in %s",
			show_span(l->expires_usec - f->now_usec, span));
		doctor_mend(r,
			"put a new one where Certificate= and Key= say, then: systemctl reload ballastd");
	}
}

static void check_network(const struct doctor_facts *f, struct doctor_result *r)
{
	if (!f->n_listeners) {
		doctor_fine(r, "none: only this host asks, on the socket");
		return;
	}
	doctor_fine(r, "%zu address%s", f->n_listeners, f->n_listeners == 1 ? "" : "es");
	for (size_t i = 0; i < f->n_listeners; i++) {
		const struct doctor_listener *l = &f->listeners[i];

		if (*l->error) {
			doctor_say(r, DOCTOR_BAD, l->address, "%s", l->error);
			doctor_mend(r,
				"journalctl -u ballastd says why it does not listen there; a new Listen= takes effect at a restart");
		}
		check_expiry(f, l, r);
	}
	if (f->tokens_errno == ENOENT && !f->client_authority) {
		doctor_say(r, DOCTOR_BAD, f->tokens,
			"there are neither tokens nor a ClientAuthority=: nobody can ask over the network");
		doctor_mend(r, "see [API] Tokens= and ClientAuthority= in ballast.conf(5)");
	} else if (!f->tokens_errno && (f->tokens_mode & 027)) {
		doctor_say(r, DOCTOR_BAD, f->tokens, "others can read or change it (mode %04o)",
			f->tokens_mode & 07777);
		doctor_mend(r, "chmod 640 %s, and chown root:ballast", f->tokens);
	}
}

const struct doctor_check doctor_checks[] = {
	{"daemon-unit", "ballastd runs, and will when the host starts", true, check_unit, NULL},
	{"release-unit", "guests are released should ballastd not come up", true, check_release,
		"install it with ballastd, then: systemctl daemon-reload"},
	{"access", "you may ask the daemon", true, check_access, "systemctl status ballastd"},
	{"daemon", "the daemon answers", false, check_answers, "systemctl status ballastd"},
	{"daemon-problems", "the daemon complains of nothing", false, check_problems, NULL},
	{"mode", "mode is enforce", false, check_mode, "to go live: ballastctl mode enforce"},
	{"libvirt", "libvirt is reached", false, check_libvirt,
		"systemctl status libvirtd (or virtqemud)"},
	{"start-hook", "libvirt asks for room before guests start", true, check_hook, NULL},
	{"pressure", "the host's kernel tells pressure", true, check_psi, NULL},
	{"cgroup", "control groups have the cpu controller", true, check_cgroup, NULL},
	{"clock", "the clock is kept in time", true, check_clock,
		"run a time service: timedatectl set-ntp true, or chrony"},
	{"configuration", "ballast.conf is good", true, check_conf,
		"mend the line, then: systemctl reload ballastd"},
	{"policy-files", "policy files are good", true, check_policy,
		"mend the line, then: ballastctl reload"},
	{"policy-use", "every policy is of use", true, check_policy_use, NULL},
	{"state", "the state directory has room", true, check_state, NULL},
	{"network", "the network is served as configured", true, check_network, NULL},
	{"sizes", "what guests must have fits", false, doctor_check_sizes, NULL},
	{"guest-balloon", "every guest's memory can be moved", false, doctor_check_balloon, NULL},
	{"guest-agent", "every guest's agent is heard", false, doctor_check_agent, NULL},
	{"guest-net", "every guest has a safety net", false, doctor_check_net, NULL},
	{"guest-pressure", "every guest's kernel tells pressure", false, doctor_check_guest_psi,
		NULL},
	{"guest-reporting", "guests give back what they free", true, doctor_check_reporting, NULL},
};
const size_t doctor_n_checks = ARRAY_SIZE(doctor_checks);
