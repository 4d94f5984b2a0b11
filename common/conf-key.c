/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/conf-key.h"

#include <grp.h>
#include <limits.h>
#include <stdio.h>

#include "common/address.h"
#include "common/units.h"

#define AT(field) offsetof(struct conf, field)
const struct conf_key conf_keys[] = {
	{"Daemon", "Uri", "qemu:///system", CONF_TEXT, AT(uri), 0, 0, true},
	{"Daemon", "StateDirectory", LOCALSTATEDIR "/lib/ballast", CONF_PATH, AT(state_dir), 0, 0,
		true},
	{"Daemon", "PolicyPath",
		PREFIX "/lib/ballast/policy.d " RUNSTATEDIR "/ballast/policy.d " LOCALSTATEDIR
		       "/lib/ballast/policy.d " SYSCONFDIR "/ballast/policy.d",
		CONF_PATHS, AT(policy_dirs), 0, 0, true},
	{"Daemon", "HostName", "", CONF_TEXT, AT(host_name), 0, 0, true},
	{"API", "Socket", RUNSTATEDIR "/ballast/api.sock", CONF_PATH, AT(socket), 0, 0, true},
	{"API", "AdminGroup", "", CONF_GROUP, AT(admin_gid), 0, 0, true},
	{"API", "OperateGroup", "", CONF_GROUP, AT(operate_gid), 0, 0, true},
	{"API", "ReadGroup", "", CONF_GROUP, AT(read_gid), 0, 0, true},
	{"API", "Listen", "", CONF_ADDRESSES, AT(listen), 0, 0, true},
	{"API", "Certificate", "api.crt", CONF_FILE, AT(certificate), 0, 0, false},
	{"API", "Key", "api.key", CONF_FILE, AT(key), 0, 0, false},
	{"API", "ClientAuthority", "", CONF_FILE, AT(client_authority), 0, 0, false},
	{"API", "Tokens", SYSCONFDIR "/ballast/tokens", CONF_PATH, AT(tokens), 0, 0, false},
	{"API", "LoopbackWithoutTls", "no", CONF_BOOL, AT(loopback_without_tls), 0, 0, true},
	/* 200 pages that listen to events, and as many again; each costs a descriptor (of 65536)
	   and some 20 kB, over TLS 60. */
	{"API", "MaxConnections", "512", CONF_COUNT, AT(max_connections), 32, 8192, true},
	{"API", "MaxConnectionsPerClient", "256", CONF_COUNT, AT(max_per_client), 4, 8192, true},
	/* A heartbeat is also the unit of staleness (three of them): longer than a minute would
	   leave a dead agent unnoticed for long. */
	{"Agent", "HeartbeatSec", "5s", CONF_SPAN, AT(heartbeat_usec), USEC_PER_SEC, USEC_PER_MIN,
		false},
	/* The kernel takes thresholds up to the window, which is 1 s; below 1 ms every page fault
	   would wake the agent. */
	{"Agent", "StallSec", "50ms", CONF_SPAN, AT(stall_usec), USEC_PER_MSEC, USEC_PER_SEC,
		false},
	{"Agent", "AvailableChange", "3%", CONF_RATIO, AT(change_permyriad), 100, 5000, false},
	/* A healthy setMemory takes 1.5-45 ms (60 calls measured); libvirt itself gives up after 30
	   s. */
	{"Libvirt", "CallTimeoutSec", "2500ms", CONF_SPAN, AT(call_timeout_usec),
		500 * USEC_PER_MSEC, 20 * USEC_PER_SEC, true},
	{"History", "Events", "10000", CONF_COUNT, AT(max_events), 100, 1000000, true},
	{"History", "Decisions", "50000", CONF_COUNT, AT(max_decisions), 100, 10000000, true},
	/* Whole seconds. A sample of 1000 guests is 15 kB (tests/unit/test-series). */
	{"History", "SampleSec", "10s", CONF_SPAN, AT(sample_usec), 5 * USEC_PER_SEC, USEC_PER_MIN,
		true},
	/* 30 days of 1000 guests take 155 MiB (tests/unit/test-history), the events 30. */
	{"History", "MaxSize", "256M", CONF_SIZE, AT(max_bytes), 32 * MIB, 64 * GIB, true},
};
_Static_assert(ARRAY_SIZE(conf_keys) == CONF_KEYS, "CONF_KEYS counts them");

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
	strv_free(c->listen);
	free(c->certificate);
	free(c->key);
	free(c->client_authority);
	free(c->tokens);
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

static int set_file(char **field, const char *value, struct diag *d)
{
	if (value[0] != '/' && strchr(value, '/'))
		return diag_set(d, EINVAL, NULL, 0, 1,
			"\"%s\" is neither an absolute path nor the name of a credential", value);
	return set_text(field, value);
}

static int check_path(const char *word, unsigned col, struct diag *d)
{
	return word[0] == '/'
		       ? 0
		       : diag_set(d, EINVAL, NULL, 0, col, "\"%s\" is not an absolute path", word);
}

#define LISTEN_MAX 8 /* as api.h's API_LISTENERS_MAX */
static int check_address(const char *word, unsigned col, struct diag *d)
{
	struct address a;
	int r = address_parse(word, &a, d);

	if (r < 0)
		d->col += col - 1;
	return r;
}

static int set_words(char ***field, const char *value,
	int (*check)(const char *word, unsigned col, struct diag *d), size_t max, struct diag *d)
{
	_cleanup_free_ char *copy = strdup(value);
	char **v = calloc(strlen(value) / 2 + 2, sizeof(*v));
	char *save = NULL;
	size_t n = 0;
	int r = copy && v ? 0 : -ENOMEM;

	for (char *p = r ? NULL : strtok_r(copy, " \t", &save); p && !r;
		p = strtok_r(NULL, " \t", &save)) {
		unsigned col = (unsigned)(p - copy) + 1;

		r = check(p, col, d);
		if (r >= 0 && n == max)
			r = diag_set(d, EINVAL, NULL, 0, col, "too many, at most %zu", max);
		if (r >= 0 && !(v[n++] = strdup(p)))
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

static int set_bool(bool *field, const char *value, struct diag *d)
{
	static const char *const words[] = {"yes", "no", "true", "false", "on", "off", "1", "0"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (streq(words[i], value)) {
			*field = i % 2 == 0;
			return 0;
		}
	return diag_set(d, EINVAL, NULL, 0, 1, "\"%s\" is neither yes nor no", value);
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

	char size[SIZE_TEXT_MAX];

	if (k->type == CONF_SPAN)
		span_format(v, buf);
	else if (k->type == CONF_SIZE)
		snprintf(buf, SPAN_TEXT_MAX, "%s", size_format(v, size));
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
	else if (k->type == CONF_SIZE)
		r = size_parse(value, &v, d);
	else if (k->type == CONF_RATIO)
		r = ratio_parse(value, PERMYRIAD, &v, d);
	else
		r = count_parse(value, &v, d);
	if (r < 0)
		return r;
	if (v < k->min || v > k->max) {
		bound_format(k, k->min, lo);
		bound_format(k, k->max, hi);
		return diag_set(d, ERANGE, NULL, 0, 1, "%s=%s is out of range, expected %s to %s",
			k->key, value, lo, hi);
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

int conf_set(struct conf *c, const struct conf_key *k, const char *value, struct diag *d)
{
	void *field = (char *)c + k->offset;

	if (!*value)
		value = k->fallback;
	switch (k->type) {
	case CONF_TEXT:
		return set_text(field, value);
	case CONF_PATH:
		return set_path(field, value, d);
	case CONF_FILE:
		return set_file(field, value, d);
	case CONF_PATHS:
		return set_words(field, value, check_path, SIZE_MAX, d);
	case CONF_ADDRESSES:
		return set_words(field, value, check_address, LISTEN_MAX, d);
	case CONF_BOOL:
		return set_bool(field, value, d);
	case CONF_GROUP:
		return set_group(field, value, d);
	default:
		return set_number(k, field, value, d);
	}
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
	case CONF_FILE:
		return text_equal(*(char *const *)a, *(char *const *)b);
	case CONF_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case CONF_PATHS:
	case CONF_ADDRESSES:
		for (x = *(char **const *)a, y = *(char **const *)b; *x && *y && streq(*x, *y);
			x++, y++)
			;
		return !*x && !*y;
	case CONF_GROUP:
		return *(const gid_t *)a == *(const gid_t *)b;
	default:
		return *(const uint64_t *)a == *(const uint64_t *)b;
	}
}

size_t conf_needs_restart(
	const struct conf *old, const struct conf *new, const char *ret[static CONF_KEYS])
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(conf_keys); i++) {
		const struct conf_key *k = &conf_keys[i];

		if (k->restart && !field_equal(k, (const char *)old + k->offset,
					  (const char *)new + k->offset))
			ret[n++] = k->key;
	}
	return n;
}
