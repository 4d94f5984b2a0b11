/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/conf.h"

#include <dirent.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>

#include "common/ini.h"
#include "common/units.h"

enum conf_type {
	CONF_TEXT,  /* char * */
	CONF_PATH,  /* char *, absolute */
	CONF_PATHS, /* char **, absolute, separated by blanks */
	CONF_SPAN,  /* uint64_t microseconds */
	CONF_RATIO, /* uint64_t permyriad */
	CONF_COUNT, /* uint64_t */
	CONF_GROUP, /* gid_t; (gid_t)-1 where none is named */
};

/* One key. min and max bound spans, ratios and counts; a value outside is an error, never clamped. */
struct conf_key {
	const char *section, *key, *fallback;
	enum conf_type type;
	size_t offset;
	uint64_t min, max;
	bool restart; /* taken over at start only */
};

#define AT(field) offsetof(struct conf, field)
static const struct conf_key conf_keys[] = {
	{"Daemon", "Uri", "qemu:///system", CONF_TEXT, AT(uri), 0, 0, true},
	{"Daemon", "StateDirectory", LOCALSTATEDIR "/lib/ballast", CONF_PATH, AT(state_dir), 0, 0, true},
	{"Daemon", "PolicyPath",
		PREFIX "/lib/ballast/policy.d " RUNSTATEDIR "/ballast/policy.d " LOCALSTATEDIR
		       "/lib/ballast/policy.d " SYSCONFDIR "/ballast/policy.d",
		CONF_PATHS, AT(policy_dirs), 0, 0, true},
	{"Daemon", "HostName", "", CONF_TEXT, AT(host_name), 0, 0, true},
	{"API", "Socket", RUNSTATEDIR "/ballast/api.sock", CONF_PATH, AT(socket), 0, 0, true},
	{"API", "AdminGroup", "", CONF_GROUP, AT(admin_gid), 0, 0, true},
	{"API", "OperateGroup", "", CONF_GROUP, AT(operate_gid), 0, 0, true},
	{"API", "ReadGroup", "", CONF_GROUP, AT(read_gid), 0, 0, true},
	/* A heartbeat is also the unit of staleness (three of them): longer than a minute would leave a dead agent unnoticed for long. */
	{"Agent", "HeartbeatSec", "5s", CONF_SPAN, AT(heartbeat_usec), USEC_PER_SEC, USEC_PER_MIN, false},
	/* The kernel takes thresholds up to the window, which is 1 s; below 1 ms every page fault would wake the agent. */
	{"Agent", "StallSec", "50ms", CONF_SPAN, AT(stall_usec), USEC_PER_MSEC, USEC_PER_SEC, false},
	{"Agent", "AvailableChange", "3%", CONF_RATIO, AT(change_permyriad), 100, 5000, false},
	/* A healthy setMemory takes 1.5-45 ms (60 calls measured); libvirt itself gives up after 30 s. */
	{"Libvirt", "CallTimeoutSec", "2500ms", CONF_SPAN, AT(call_timeout_usec), 500 * USEC_PER_MSEC,
		20 * USEC_PER_SEC, true},
	{"History", "Events", "10000", CONF_COUNT, AT(max_events), 100, 1000000, true},
	{"History", "Decisions", "50000", CONF_COUNT, AT(max_decisions), 100, 10000000, true},
};

static char **strv_free(char **v)
{
	for (size_t i = 0; v && v[i]; i++)
		free(v[i]);
	free(v);
	return NULL;
}

void conf_clear(struct conf *c)
{
	if (!c)
		return;
	free(c->uri);
	free(c->socket);
	free(c->state_dir);
	free(c->host_name);
	strv_free(c->policy_dirs);
	*c = (struct conf){0};
}

static int set_text(char **field, const char *value)
{
	char *copy = *value ? strdup(value) : NULL;

	if (*value && !copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

static int set_path(char **field, const char *value, struct diag *d)
{
	if (value[0] != '/')
		return diag_set(d, EINVAL, NULL, 0, 1, "\"%s\" is not an absolute path", value);
	return set_text(field, value);
}

static int set_paths(char ***field, const char *value, struct diag *d)
{
	_cleanup_free_ char *copy = strdup(value);
	char **v = calloc(strlen(value) / 2 + 2, sizeof(*v));
	char *save = NULL;
	size_t n = 0;
	int r = copy && v ? 0 : -ENOMEM;

	for (char *p = r ? NULL : strtok_r(copy, " \t", &save); p && !r; p = strtok_r(NULL, " \t", &save)) {
		if (p[0] != '/')
			r = diag_set(d, EINVAL, NULL, 0, (unsigned)(p - copy) + 1,
				"\"%s\" is not an absolute path", p);
		else if (!(v[n++] = strdup(p)))
			r = -ENOMEM;
	}
	if (r < 0) {
		strv_free(v);
		return r;
	}
	strv_free(*field);
	*field = v;
	return 0;
}

static int count_parse(const char *value, uint64_t *ret, struct diag *d)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(value, &end, 10);
	if (errno || end == value || *end || *value < '0' || *value > '9')
		return diag_set(d, EINVAL, NULL, 0, 1, "\"%s\" is not a whole number", value);
	*ret = n;
	return 0;
}

/* Bounds as the user would write them. */
static void bound_format(const struct conf_key *k, uint64_t v, char buf[static SPAN_TEXT_MAX])
{
	char ratio[RATIO_TEXT_MAX];

	if (k->type == CONF_SPAN)
		span_format(v, buf);
	else if (k->type == CONF_RATIO)
		snprintf(buf, SPAN_TEXT_MAX, "%s", ratio_format(v, ratio));
	else
		snprintf(buf, SPAN_TEXT_MAX, "%llu", (unsigned long long)v);
}

static int set_number(const struct conf_key *k, uint64_t *field, const char *value, struct diag *d)
{
	char lo[SPAN_TEXT_MAX], hi[SPAN_TEXT_MAX];
	uint64_t v = 0;
	int r;

	if (k->type == CONF_SPAN)
		r = span_parse(value, &v, d);
	else if (k->type == CONF_RATIO)
		r = ratio_parse(value, PERMYRIAD, &v, d);
	else
		r = count_parse(value, &v, d);
	if (r < 0)
		return r;
	if (v < k->min || v > k->max) {
		bound_format(k, k->min, lo);
		bound_format(k, k->max, hi);
		return diag_set(d, ERANGE, NULL, 0, 1, "%s=%s is out of range, expected %s to %s", k->key,
			value, lo, hi);
	}
	*field = v;
	return 0;
}

/* A group that does not exist is an error: a slip would silently lock people out. */
static int set_group(gid_t *field, const char *value, struct diag *d)
{
	const struct group *g = *value ? getgrnam(value) : NULL;

	if (*value && !g)
		return diag_set(d, EINVAL, NULL, 0, 1,
			"there is no group \"%s\" on this host: groupadd --system it, or correct the name",
			value);
	*field = g ? g->gr_gid : (gid_t)-1;
	return 0;
}

/* value "" stands for the default. */
static int conf_set(struct conf *c, const struct conf_key *k, const char *value, struct diag *d)
{
	void *field = (char *)c + k->offset;

	if (!*value)
		value = k->fallback;
	switch (k->type) {
	case CONF_TEXT:
		return set_text(field, value);
	case CONF_PATH:
		return set_path(field, value, d);
	case CONF_PATHS:
		return set_paths(field, value, d);
	case CONF_GROUP:
		return set_group(field, value, d);
	default:
		return set_number(k, field, value, d);
	}
}

struct reading {
	struct conf *conf;
	struct diag_list *findings;
};

static int unknown_section(const struct ini_entry *e, struct diag *d)
{
	const char *known[ARRAY_SIZE(conf_keys) + 1] = {0}, *near;

	for (size_t i = 0; i < ARRAY_SIZE(conf_keys); i++)
		known[i] = conf_keys[i].section;
	near = nearest_word(e->section, known);
	return diag_set(d, EBADMSG, e->file, e->line, e->key_col,
		near ? "unknown section [%s], did you mean [%s]?" : "unknown section [%s]", e->section,
		near);
}

static int unknown_key(const struct ini_entry *e, struct diag *d)
{
	const char *known[ARRAY_SIZE(conf_keys) + 1] = {0}, *near;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(conf_keys); i++)
		if (streq(conf_keys[i].section, e->section))
			known[n++] = conf_keys[i].key;
	if (!n)
		return *e->section ? 0 /* its header was reported */ :
			diag_set(d, EBADMSG, e->file, e->line, e->key_col,
				"%s= stands before any section, expected [Daemon] or another first", e->key);
	near = nearest_word(e->key, known);
	return diag_set(d, EBADMSG, e->file, e->line, e->key_col,
		near ? "unknown key \"%s\" in [%s], did you mean \"%s\"?" : "unknown key \"%s\" in [%s]",
		e->key, e->section, near);
}

static bool section_known(const char *section)
{
	for (size_t i = 0; i < ARRAY_SIZE(conf_keys); i++)
		if (streq(conf_keys[i].section, section))
			return true;
	return false;
}

static int judge_entry(struct conf *c, const struct ini_entry *e, struct diag *d)
{
	int r;

	if (!e->key)
		return section_known(e->section) ? 0 : unknown_section(e, d);
	for (size_t i = 0; i < ARRAY_SIZE(conf_keys); i++) {
		if (!streq(conf_keys[i].section, e->section) || !streq(conf_keys[i].key, e->key))
			continue;
		r = conf_set(c, &conf_keys[i], e->value, d);
		if (r < 0 && r != -ENOMEM) {
			/* The parser counted from the start of the value. */
			_cleanup_free_ char *text = TAKE_PTR(d->text);
			unsigned col = d->col ? d->col - 1 : 0;

			return diag_set(d, EBADMSG, e->file, e->line, e->value_col + col, "%s: %s",
				e->key, text ? text : "bad value");
		}
		return r;
	}
	return unknown_key(e, d);
}

/* Collects findings, so that one reading shows all mistakes. */
static int conf_entry(const struct ini_entry *e, void *userdata, struct diag *d)
{
	struct reading *rd = userdata;
	_cleanup_diag_ struct diag found = {0};
	int r = judge_entry(rd->conf, e, &found);

	if (r == -EBADMSG)
		return diag_list_take(rd->findings, &found);
	return r;
}

static int conf_read_file(const char *path, bool must_exist, struct reading *rd)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_diag_ struct diag d = {0};
	size_t len = 0;
	int r;

	r = ini_read_file(path, &text, &len, &d);
	if (r == -ENOENT && !must_exist)
		return 0;
	if (r >= 0)
		r = ini_parse(path, text, len, conf_entry, rd, &d);
	if (r < 0 && d.text && diag_list_take(rd->findings, &d) < 0)
		return -ENOMEM;
	return r == -EBADMSG ? 0 : r; /* the others are still read, for their findings */
}

static int is_dropin(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return e->d_name[0] != '.' && len > 5 && streq(e->d_name + len - 5, ".conf");
}

static int conf_read_dropins(const char *path, struct reading *rd)
{
	struct dirent **entries = NULL;
	char dir[PATH_MAX], file[PATH_MAX];
	int n, r = 0;

	if ((size_t)snprintf(dir, sizeof(dir), "%s.d", path) >= sizeof(dir))
		return -ENAMETOOLONG;
	n = scandir(dir, &entries, is_dropin, alphasort);
	for (int i = 0; i < n; i++) {
		if ((size_t)snprintf(file, sizeof(file), "%s/%s", dir, entries[i]->d_name) >= sizeof(file))
			r = -ENAMETOOLONG;
		if (r >= 0)
			r = conf_read_file(file, true, rd);
		free(entries[i]);
	}
	free(entries);
	return r;
}

static int conf_defaults(struct conf *c)
{
	_cleanup_diag_ struct diag d = {0};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(conf_keys) && r >= 0; i++)
		r = conf_set(c, &conf_keys[i], "", &d);
	return r;
}

int conf_load(const char *path, bool must_exist, struct conf *ret, struct diag_list *findings)
{
	_cleanup_conf_ struct conf c = {0};
	struct reading rd = {&c, findings};
	int r = conf_defaults(&c);

	if (r >= 0)
		r = conf_read_file(path, must_exist, &rd);
	if (r >= 0)
		r = conf_read_dropins(path, &rd);
	if (r < 0)
		return r;
	if (findings->n)
		return -EBADMSG;
	*ret = c;
	c = (struct conf){0};
	return 0;
}

int conf_load_good(const char *path, bool must_exist, struct conf *ret, struct diag_list *findings)
{
	_cleanup_conf_ struct conf c = {0};
	struct reading rd = {&c, findings};
	int r = conf_defaults(&c);

	if (r < 0)
		return r;
	if (conf_read_file(path, must_exist, &rd) == -ENOMEM || conf_read_dropins(path, &rd) == -ENOMEM)
		return -ENOMEM;
	*ret = c;
	c = (struct conf){0};
	return 0;
}

int conf_visit(conf_visitor fn, void *userdata)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(conf_keys) && !r; i++)
		r = fn(conf_keys[i].section, conf_keys[i].key, conf_keys[i].fallback, userdata);
	return r;
}

static bool text_equal(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

static bool field_equal(const struct conf_key *k, const void *a, const void *b)
{
	char *const *x, *const *y;

	switch (k->type) {
	case CONF_TEXT:
	case CONF_PATH:
		return text_equal(*(char *const *)a, *(char *const *)b);
	case CONF_PATHS:
		for (x = *(char **const *)a, y = *(char **const *)b; *x && *y && streq(*x, *y); x++, y++)
			;
		return !*x && !*y;
	case CONF_GROUP:
		return *(const gid_t *)a == *(const gid_t *)b;
	default:
		return *(const uint64_t *)a == *(const uint64_t *)b;
	}
}

const char *conf_needs_restart(const struct conf *old, const struct conf *new)
{
	for (size_t i = 0; i < ARRAY_SIZE(conf_keys); i++) {
		const struct conf_key *k = &conf_keys[i];

		if (k->restart && !field_equal(k, (const char *)old + k->offset, (const char *)new + k->offset))
			return k->key;
	}
	return NULL;
}
