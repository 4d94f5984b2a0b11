/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "cli/doctor-gather.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "cli/client.h"
#include "cli/doctor-probe.h"
#include "cli/endpoint.h"
#include "cli/get.h"
#include "common/conf.h"
#include "policy/policy-set.h"

/* Definitions that are asked for: each is a process, some 30 ms. */
#define DEFINITIONS_MAX 64

static void ask(struct cli *c, const char *path, json_t **ret, struct doctor_facts *f)
{
	_cleanup_answer_ struct client_answer answer = {0};

	if (*f->api_problem && !streq(path, "/v1/whoami"))
		return;
	c->timeout_msec = 5000;
	if (client_ask(c, &(struct client_ask){.method = "GET", .path = path, .quiet = true},
		    &answer) == CLI_OK) {
		*ret = TAKE_PTR(answer.body);
		return;
	}
	snprintf(f->api_problem, sizeof(f->api_problem), "%s", answer.problem);
	snprintf(f->api_said, sizeof(f->api_said), "%s",
		get_string(answer.body, "/detail",
			streq(answer.problem, "unreachable") ? "no answer" : answer.problem));
}

static void gather_api(struct cli *c, struct doctor_facts *f)
{
	ask(c, "/v1/hosts/self", &f->host, f);
	ask(c, "/v1/guests", &f->guests, f);
	ask(c, "/v1/policies", &f->policies, f);
	ask(c, "/v1/version", &f->version, f);
	ask(c, "/v1/whoami", &f->whoami, f);
}

static void gather_socket(const struct endpoint *e, struct doctor_facts *f)
{
	const struct passwd *pw = getpwuid(geteuid());
	const struct group *g;
	struct stat st;

	snprintf(f->user, sizeof(f->user), "%s", pw ? pw->pw_name : "you");
	snprintf(f->socket, sizeof(f->socket), "%s", e->socket);
	if (stat(e->socket, &st) < 0) {
		f->socket_errno = errno;
		return;
	}
	g = getgrgid(st.st_gid);
	snprintf(f->socket_group, sizeof(f->socket_group), "%s", g ? g->gr_name : "ballast");
	f->connect_errno = probe_socket(e->socket);
}

static void gather_units(struct doctor_facts *f)
{
	f->systemd = access("/run/systemd/system", F_OK) == 0 &&
		     probe_unit("ballastd.service", &f->daemon) &&
		     probe_unit("ballast-release.service", &f->release);
}

static void gather_libvirt(struct doctor_facts *f)
{
	static const char *const daemons[] = {"libvirtd", "virtqemud", NULL};
	static const char *const sockets[] = {
		"/run/libvirt/virtqemud-sock", "/run/libvirt/libvirt-sock"};
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(sockets); i++) {
		if (stat(sockets[i], &st) < 0 && i + 1 < ARRAY_SIZE(sockets))
			continue;
		snprintf(f->libvirt_socket, sizeof(f->libvirt_socket), "%s", sockets[i]);
		f->libvirt_errno = probe_socket(sockets[i]);
		break;
	}
	f->libvirt_started_usec = probe_started(daemons, f->now_usec);
	snprintf(f->hook, sizeof(f->hook), SYSCONFDIR "/libvirt/hooks/qemu.d/ballast");
	if (stat(f->hook, &st) < 0) {
		f->hook_errno = errno;
		return;
	}
	f->hook_errno = st.st_mode & S_IXUSR ? 0 : ENOEXEC;
	f->hook_changed_usec =
		(uint64_t)st.st_ctim.tv_sec * USEC_PER_SEC + (uint64_t)st.st_ctim.tv_nsec / 1000;
}

static bool file_has_word(const char *path, const char *word)
{
	char text[512] = "", *save;
	FILE *f = fopen(path, "re");
	bool found = false;

	if (f && fgets(text, sizeof(text), f))
		for (char *w = strtok_r(text, " \t\n", &save); w;
			w = strtok_r(NULL, " \t\n", &save))
			found = found || streq(w, word);
	if (f)
		fclose(f);
	return found;
}

static void gather_kernel(struct doctor_facts *f)
{
	char byte;
	int fd = open("/proc/pressure/memory", O_RDONLY | O_CLOEXEC);

	/* Where it is switched off the file is there, and reading fails. */
	f->psi_errno = fd < 0 || read(fd, &byte, 1) < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	if (access("/sys/fs/cgroup/cgroup.controllers", R_OK) == 0) {
		f->cgroup = DOCTOR_CGROUP_V2;
		f->cgroup_cpu = file_has_word("/sys/fs/cgroup/cgroup.controllers", "cpu");
	} else if (access("/sys/fs/cgroup/cpu", F_OK) == 0 ||
		   access("/sys/fs/cgroup/memory", F_OK) == 0) {
		f->cgroup = DOCTOR_CGROUP_V1;
		f->cgroup_cpu = access("/sys/fs/cgroup/cpu/cpu.shares", F_OK) == 0 ||
				access("/sys/fs/cgroup/cpu", F_OK) == 0;
	} else if (access("/sys/fs/cgroup", R_OK) == 0 || errno == ENOENT) {
		f->cgroup = DOCTOR_CGROUP_NONE;
	}
	f->clock = probe_clock();
}

static int note_file(struct diag_list *l, const char *file, bool masked, const char *by)
{
	_cleanup_diag_ struct diag d = {0};

	diag_set(&d, EEXIST, file, 0, 0, "%s%s%s", masked ? "it is masked by " : "", by,
		masked ? "" : " stands for it");
	return diag_list_take(l, &d);
}

/* A file of the same name in a higher directory stands for one in a lower. */
static int gather_shadowed(char *const *dirs, struct doctor_facts *f)
{
	for (size_t low = 0; dirs[low]; low++) {
		DIR *d = opendir(dirs[low]);
		struct dirent *e;

		while (d && (e = readdir(d))) {
			size_t n = strlen(e->d_name);
			char path[PATH_MAX], file[PATH_MAX], target[32] = "";
			int r = 0;

			if (n < 8 || !streq(e->d_name + n - 7, ".policy"))
				continue;
			for (size_t high = low + 1; dirs[high]; high++) {
				snprintf(path, sizeof(path), "%s/%s", dirs[high], e->d_name);
				if (access(path, F_OK) < 0 &&
					readlink(path, target, sizeof(target) - 1) < 0)
					continue;
				snprintf(file, sizeof(file), "%s/%s", dirs[low], e->d_name);
				r = note_file(&f->shadowed, file,
					readlink(path, target, sizeof(target) - 1) == 9 &&
						streq(target, "/dev/null"),
					path);
				break;
			}
			if (r < 0) {
				closedir(d);
				return r;
			}
		}
		if (d)
			closedir(d);
	}
	return 0;
}

static int gather_policies(const struct conf *conf, struct doctor_facts *f)
{
	const struct policy_dirs dirs = {.dirs = (const char *const *)conf->policy_dirs};
	_cleanup_policy_set_ struct policy_set *set = NULL;
	int r = policy_set_load(&dirs, NULL, &set, &f->policy_findings);

	if (r == -ENOMEM)
		return r;
	f->n_policies = set ? policy_set_count(set) : 0;
	for (size_t i = 0; set && i < policy_set_notes(set)->n; i++) {
		const struct diag *note = &policy_set_notes(set)->items[i];
		_cleanup_diag_ struct diag d = {0};

		diag_set(&d, EINVAL, note->file, note->line, note->col, "%s", note->text);
		r = diag_list_take(&f->policy_notes, &d);
		if (r < 0)
			return r;
	}
	return gather_shadowed(conf->policy_dirs, f);
}

static void gather_state(const struct conf *conf, struct doctor_facts *f)
{
	struct statvfs fs;
	struct stat st;

	snprintf(f->state_dir, sizeof(f->state_dir), "%s", conf->state_dir);
	if (stat(conf->state_dir, &st) < 0 || statvfs(conf->state_dir, &fs) < 0) {
		f->state_errno = errno;
		return;
	}
	f->state_free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	f->state_files_free = fs.f_files ? fs.f_favail : UINT64_MAX;
}

static void gather_network(const struct conf *conf, struct doctor_facts *f)
{
	struct stat st;

	for (size_t i = 0; conf->listen && conf->listen[i] && f->n_listeners < DOCTOR_LISTENERS_MAX;
		i++) {
		const char *address = conf->listen[i];
		bool loopback =
			strncmp(address, "127.", 4) == 0 || strncmp(address, "[::1]", 5) == 0;

		probe_listener(address, loopback && conf->loopback_without_tls,
			&f->listeners[f->n_listeners++]);
	}
	f->client_authority = conf->client_authority && *conf->client_authority;
	snprintf(f->tokens, sizeof(f->tokens), "%s", conf->tokens ? conf->tokens : "");
	if (stat(f->tokens, &st) < 0)
		f->tokens_errno = errno;
	else
		f->tokens_mode = st.st_mode;
}

/* <memballoon ...>...</memballoon>: what doctor judges by stands in its first tag. */
static void read_definition(const char *xml, struct doctor_definition *d)
{
	const char *at = strstr(xml, "<memballoon");
	char tag[256] = "";

	if (at)
		snprintf(tag, sizeof(tag), "%.*s", (int)strcspn(at, ">"), at);
	d->balloon = *tag && !strstr(tag, "model='none'");
	d->autodeflate = strstr(tag, "autodeflate='on'");
	d->reporting = strstr(tag, "freePageReporting='on'");
}

static void gather_definitions(const struct conf *conf, struct doctor_facts *f)
{
	const json_t *guests = get_at(f->guests, "/guests"), *g;
	size_t i;

	f->definitions = calloc(DEFINITIONS_MAX, sizeof(*f->definitions));
	json_array_foreach (guests, i, g) {
		const char *name = get_string(g, "/name", "?");
		const char *const argv[] = {"virsh", "-r", "-c", conf->uri, "dumpxml",
			get_string(g, "/uuid", name), NULL};
		_cleanup_free_ char *xml = NULL;

		if (!f->definitions || f->n_definitions == DEFINITIONS_MAX)
			return;
		xml = probe_output(argv);
		if (!xml)
			return; /* nor will it for the next */
		snprintf(f->definitions[f->n_definitions].name, sizeof(f->definitions[0].name),
			"%s", name);
		read_definition(xml, &f->definitions[f->n_definitions++]);
	}
}

/* Nobody named the daemon's ballast.conf: is it the usual one? Its socket and its policies say. */
static bool is_elsewhere(
	const struct endpoint *e, const struct conf *conf, const struct doctor_facts *f)
{
	const json_t *p;
	size_t i;

	if (!f->policies)
		return false;
	if (conf->socket && !streq(conf->socket, e->socket))
		return true;
	json_array_foreach (get_at(f->policies, "/policies"), i, p) {
		const char *path = get_string(p, "/path", ""), *slash = strrchr(path, '/');
		bool known = !slash;

		for (char *const *d = conf->policy_dirs; !known && *d; d++)
			known = strlen(*d) == (size_t)(slash - path) &&
				strncmp(*d, path, strlen(*d)) == 0;
		if (!known)
			return true;
	}
	return false;
}

static int gather_local(struct cli *c, const struct endpoint *e, struct doctor_facts *f)
{
	const char *named = cli_value(c, OPT_CONFIG);
	_cleanup_conf_ struct conf conf = {0};
	int r = conf_load_good(named ? named : SYSCONFDIR "/ballast/ballast.conf", named, &conf,
		&f->conf_findings);

	if (r < 0)
		return r;
	f->elsewhere = !named && is_elsewhere(e, &conf, f);
	gather_socket(e, f);
	gather_units(f);
	gather_libvirt(f);
	gather_kernel(f);
	gather_state(&conf, f);
	gather_network(&conf, f);
	gather_definitions(&conf, f);
	return gather_policies(&conf, f);
}

int doctor_gather(struct cli *c, struct doctor_facts *ret)
{
	struct timespec now;
	struct endpoint *e;
	int r = endpoint_get(c, &e);

	if (r != CLI_OK)
		return r;
	clock_gettime(CLOCK_REALTIME, &now);
	ret->now_usec = (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000;
	ret->remote = e->remote;
	gather_api(c, ret);
	if (!e->remote && gather_local(c, e, ret) < 0)
		return cli_fail(c, CLI_FAILED, "out of memory");
	return CLI_OK;
}
