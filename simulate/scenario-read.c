/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/scenario.h"

#include <libgen.h>
#include <stdio.h>

#include "common/ini.h"
#include "common/json.h"
#include "common/units.h"
#include "simulate/fields.h"

/* More guests than any host has; a count of a billion is a mistake. */
#define GUESTS_MAX UINT64_C(100000)
/* 2026-11-23T08:00:00Z, a Monday: 2026-11-23 is day 20780 since 1970. */
#define START_DEFAULT_USEC ((UINT64_C(20780) * 24 + 8) * USEC_PER_HOUR)
#define SEED_DEFAULT 1

static const char *const agent_words[] = {"push", "none", "silent", "liar", "flood", NULL};
static const char *const balloon_words[] = {
	"ok", "missing", "stuck", "slow", "back", "breaker", NULL};

#define AT(type, member) .offset = offsetof(struct type, member)

static const struct field host_fields[] = {
	{"memory", FIELD_SIZE, AT(scenario, memory_bytes), .required = true, .min = 1},
	{"reserve", FIELD_SIZE, AT(scenario, reserve_bytes)},
	{"cpus", FIELD_COUNT, AT(scenario, cpus), .min = 1, .max = 65536},
	{"other", FIELD_SIZE_STEPS, AT(scenario, other)},
	{.key = NULL},
};

static const struct field balloon_fields[] = {
	{"inflate_bytes_per_s", FIELD_SIZE, AT(scenario, inflate_bytes_per_s)},
	{"deflate_bytes_per_s", FIELD_SIZE, AT(scenario, deflate_bytes_per_s)},
	{.key = NULL},
};

static const struct field guest_fields[] = {
	{"name", FIELD_TEXT, AT(guest_spec, name), .required = true},
	{"count", FIELD_COUNT, AT(guest_spec, count), .min = 1, .max = GUESTS_MAX},
	{"max", FIELD_SIZE, AT(guest_spec, max_bytes), .required = true, .min = 1},
	{"current", FIELD_SIZE, AT(guest_spec, current_bytes), .min = 1},
	{"overhead", FIELD_SIZE, AT(guest_spec, overhead_bytes)},
	{"qemu", FIELD_SIZE, AT(guest_spec, qemu_bytes)},
	{"vcpus", FIELD_COUNT, AT(guest_spec, vcpus), .min = 1, .max = 4096},
	{"tags", FIELD_TEXTS, AT(guest_spec, tags)},
	{"demand", FIELD_SIZE_STEPS, AT(guest_spec, demand), .required = true},
	{"anon_pct", FIELD_PERCENT, AT(guest_spec, anon_permyriad), .max = PERMYRIAD},
	{"swap", FIELD_SIZE, AT(guest_spec, swap_bytes)},
	{"cpu_demand", FIELD_PERCENT_STEPS, AT(guest_spec, cpu_demand)},
	{"agent", FIELD_WORD, AT(guest_spec, agent), .words = agent_words},
	{"agent_from_s", FIELD_MSEC, AT(guest_spec, agent_from_msec)},
	{"balloon", FIELD_WORD, AT(guest_spec, balloon), .words = balloon_words},
	{"start_s", FIELD_MSEC, AT(guest_spec, start_msec)},
	{"stop_s", FIELD_MSEC_OR_NULL, AT(guest_spec, stop_msec)},
	{"reset_s", FIELD_MSEC_OR_NULL, AT(guest_spec, reset_msec)},
	{.key = NULL},
};

/* What an expectation may say; which of the five it is follows from what is there. */
struct expect_raw {
	char *guest;
	uint64_t value[EXPECT_KIND_MAX]; /* UINT64_MAX: not there */
	uint64_t after_msec, within_msec;
};
#define VALUE_AT(kind) .offset = offsetof(struct expect_raw, value[kind])
static const struct field expect_fields[] = {
	{"guest", FIELD_TEXT, AT(expect_raw, guest)},
	{"at_least", FIELD_SIZE, VALUE_AT(EXPECT_AT_LEAST)},
	{"never_below", FIELD_SIZE, VALUE_AT(EXPECT_NEVER_BELOW)},
	{"host_free_at_least_pct", FIELD_PERCENT, VALUE_AT(EXPECT_HOST_FREE), .max = PERMYRIAD},
	{"flips_at_most", FIELD_COUNT, VALUE_AT(EXPECT_FLIPS_AT_MOST)},
	{"commands_at_most", FIELD_COUNT, VALUE_AT(EXPECT_COMMANDS_AT_MOST)},
	{"after_s", FIELD_MSEC, AT(expect_raw, after_msec)},
	{"within_s", FIELD_MSEC, AT(expect_raw, within_msec)},
	{.key = NULL},
};

static const struct field policy_fields[] = {
	{"file", FIELD_TEXT, AT(scenario_policy, path), .required = true},
	{.key = NULL},
};

static int read_host(struct fields_reader *r, const json_t *v, void *member)
{
	return fields_read(r, v, host_fields, r->userdata);
}

static int read_balloon(struct fields_reader *r, const json_t *v, void *member)
{
	return fields_read(r, v, balloon_fields, r->userdata);
}

/* Makes room for one entry per element of a JSON list. */
static int list_begin(struct fields_reader *r, const json_t *v, size_t entry_size, void *ret_items)
{
	void *items;

	if (!json_is_array(v))
		return fields_expected(r, v, "a list");
	items = calloc(json_array_size(v) + 1, entry_size);
	if (!items)
		return -ENOMEM;
	*(void **)ret_items = items;
	return 0;
}

static int read_policy_file(struct fields_reader *r, const json_t *v, struct scenario_policy *p)
{
	_cleanup_diag_ struct diag d = {0};
	_cleanup_free_ char *named = NULL, *here = strdup(r->file);
	int err;

	err = fields_read(r, v, policy_fields, p);
	if (err < 0)
		return err;
	named = TAKE_PTR(p->path);
	if (!here || asprintf(&p->path, "%s%s%s", named[0] == '/' ? "" : dirname(here),
			     named[0] == '/' ? "" : "/", named) < 0) {
		p->path = NULL;
		return -ENOMEM;
	}
	p->name = strdup(basename(named));
	if (!p->name)
		return -ENOMEM;
	fields_enter(r, "file", 0);
	if (ini_read_file(p->path, &p->text, &p->len, &d) < 0)
		return fields_mistake(r, "%s %s", p->path, d.text ? d.text : "cannot be read");
	return 0;
}

static int read_policy(struct fields_reader *r, const json_t *v, unsigned *n_inline,
	struct scenario_policy *p)
{
	if (json_is_object(v))
		return read_policy_file(r, v, p);
	if (!json_is_string(v))
		return fields_expected(r, v, "a policy's text, or {\"file\": \"NAME.policy\"}");
	p->text = strdup(json_string_value(v));
	if (!p->text || asprintf(&p->name, "inline-%02u", (*n_inline)++) < 0)
		return -ENOMEM;
	p->len = strlen(p->text);
	return 0;
}

static int read_policies(struct fields_reader *r, const json_t *v, void *member)
{
	struct scenario *s = r->userdata;
	unsigned n_inline = 0;
	int err = list_begin(r, v, sizeof(*s->policies), &s->policies);

	for (size_t i = 0; err >= 0 && i < json_array_size(v); i++) {
		size_t place = fields_enter(r, NULL, i);

		s->n_policies = i + 1;
		err = read_policy(r, json_array_get(v, i), &n_inline, &s->policies[i]);
		if (err >= 0)
			fields_leave(r, place);
	}
	return err;
}

/* What the fields cannot say one by one. */
static int check_guest(struct fields_reader *r, struct guest_spec *g)
{
	if (g->swap_bytes == BYTES_UNLIMITED)
		g->swap_bytes = g->max_bytes;
	if (g->current_bytes == BYTES_UNLIMITED || g->balloon == BALLOON_MISSING)
		g->current_bytes = g->max_bytes;
	if (g->current_bytes > g->max_bytes)
		return fields_mistake(r, "\"current\" is larger than \"max\"");
	if (g->overhead_bytes > g->current_bytes)
		return fields_mistake(r, "\"overhead\" is larger than \"current\"");
	if (g->stop_msec <= g->start_msec)
		return fields_mistake(r, "\"stop_s\" is not after \"start_s\"");
	if (g->reset_msec <= g->start_msec)
		return fields_mistake(r, "\"reset_s\" is not after \"start_s\"");
	return 0;
}

static int read_guests(struct fields_reader *r, const json_t *v, void *member)
{
	struct scenario *s = r->userdata;
	int err = list_begin(r, v, sizeof(*s->specs), &s->specs);

	for (size_t i = 0; err >= 0 && i < json_array_size(v); i++) {
		size_t place = fields_enter(r, NULL, i);
		struct guest_spec *g = &s->specs[i];

		*g = (struct guest_spec){
			.count = 1,
			.current_bytes = BYTES_UNLIMITED,
			.overhead_bytes = 64 * MIB,
			.swap_bytes = BYTES_UNLIMITED,
			.vcpus = 2,
			.anon_permyriad = 7000,
			.stop_msec = MSEC_NEVER,
			.reset_msec = MSEC_NEVER,
		};
		s->n_specs = i + 1;
		err = fields_read(r, json_array_get(v, i), guest_fields, g);
		if (err >= 0)
			err = check_guest(r, g);
		if (err >= 0)
			fields_leave(r, place);
	}
	return err;
}

/* Whether this kind of expectation has a use for the word. */
static bool expect_takes(enum expect_kind kind, bool guest)
{
	if (guest)
		return kind != EXPECT_HOST_FREE;
	return kind == EXPECT_AT_LEAST || kind == EXPECT_HOST_FREE;
}

static int expect_from_raw(struct fields_reader *r, struct expect_raw *raw, struct expect *e)
{
	int kind = -1;

	for (int k = 0; k < EXPECT_KIND_MAX; k++) {
		if (raw->value[k] == UINT64_MAX)
			continue;
		if (kind >= 0)
			return fields_mistake(r, "says two things; make it two expectations");
		kind = k;
	}
	if (kind < 0)
		return fields_mistake(r, "says nothing to expect, such as \"at_least\"");
	if (raw->guest && !expect_takes(kind, true))
		return fields_mistake(r, "\"guest\" has no meaning here");
	if (raw->within_msec != MSEC_NEVER && !expect_takes(kind, false))
		return fields_mistake(r, "\"within_s\" has no meaning here");
	if (!raw->guest && (kind == EXPECT_AT_LEAST || kind == EXPECT_NEVER_BELOW))
		return fields_mistake(r, "\"guest\" is missing");
	*e = (struct expect){
		.kind = kind,
		.guest = TAKE_PTR(raw->guest),
		.value = raw->value[kind],
		.after_msec = raw->after_msec,
		.within_msec = raw->within_msec,
	};
	return 0;
}

static int read_expects(struct fields_reader *r, const json_t *v, void *member)
{
	struct scenario *s = r->userdata;
	int err = list_begin(r, v, sizeof(*s->expects), &s->expects);

	for (size_t i = 0; err >= 0 && i < json_array_size(v); i++) {
		struct expect_raw raw = {.within_msec = MSEC_NEVER};
		size_t place = fields_enter(r, NULL, i);

		memset(raw.value, 0xff, sizeof(raw.value));
		err = fields_read(r, json_array_get(v, i), expect_fields, &raw);
		if (err >= 0)
			err = expect_from_raw(r, &raw, &s->expects[i]);
		free(raw.guest);
		if (err >= 0)
			fields_leave(r, place);
		s->n_expects = i + 1;
	}
	return err;
}

static const struct field scenario_fields[] = {
	{"name", FIELD_TEXT, AT(scenario, name)},
	{"start", FIELD_TIME, AT(scenario, start_real_usec)},
	{"duration_s", FIELD_MSEC, AT(scenario, duration_msec), .required = true, .min = 1},
	{"seed", FIELD_COUNT, AT(scenario, seed)},
	{"noise_pct", FIELD_PERCENT, AT(scenario, noise_permyriad), .max = PERMYRIAD},
	{"host", FIELD_OTHER, .required = true, .read = read_host},
	{"balloon", FIELD_OTHER, .read = read_balloon},
	{"policies", FIELD_OTHER, .read = read_policies},
	{"guests", FIELD_OTHER, .required = true, .read = read_guests},
	{"expect", FIELD_OTHER, .read = read_expects},
	{.key = NULL},
};

/* One entry of guests[] for every one that count asks for, in file order. */
static int expand_guests(struct fields_reader *r, struct scenario *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->n_specs; i++)
		n += s->specs[i].count;
	if (n > GUESTS_MAX)
		return fields_mistake(r, "more than %llu guests", (unsigned long long)GUESTS_MAX);
	s->guests = calloc(n + 1, sizeof(*s->guests));
	if (!s->guests)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_specs; i++) {
		const struct guest_spec *g = &s->specs[i];

		for (uint64_t k = 1; k <= g->count; k++) {
			struct scenario_guest *to = &s->guests[s->n_guests++];
			int len = g->count == 1 ? asprintf(&to->name, "%s", g->name)
						: asprintf(&to->name, "%s-%llu", g->name,
							  (unsigned long long)k);

			to->spec = g;
			if (len < 0) {
				to->name = NULL;
				return -ENOMEM;
			}
		}
	}
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_names(struct fields_reader *r, const struct scenario *s)
{
	_cleanup_free_ const char **names = calloc(s->n_guests + 1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_guests; i++)
		names[i] = s->guests[i].name;
	qsort(names, s->n_guests, sizeof(*names), compare_names);
	for (size_t i = 1; i < s->n_guests; i++)
		if (streq(names[i - 1], names[i]))
			return fields_mistake(r, "two guests are named \"%s\"", names[i]);
	return 0;
}

/* A glob that means nobody is a slip of the pen: what it expects would always hold. */
static int check_expects(struct fields_reader *r, const struct scenario *s)
{
	for (size_t i = 0; i < s->n_expects; i++) {
		bool found = s->expects[i].guest == NULL;
		size_t place = fields_enter(r, "expect", 0);

		for (size_t g = 0; !found && g < s->n_guests; g++)
			found = expect_matches(&s->expects[i], s->guests[g].name);
		fields_enter(r, NULL, i);
		fields_enter(r, "guest", 0);
		if (!found)
			return fields_mistake(r, "no guest is named \"%s\"", s->expects[i].guest);
		fields_leave(r, place);
	}
	return 0;
}

int scenario_parse(const char *path, const char *text, size_t len, struct scenario **ret,
	struct diag *d)
{
	_cleanup_scenario_ struct scenario *s = calloc(1, sizeof(*s));
	struct fields_reader r = {.file = path, .d = d, .userdata = s};
	json_t *root = NULL;
	int err;

	if (!s)
		return -ENOMEM;
	s->start_real_usec = START_DEFAULT_USEC;
	s->seed = SEED_DEFAULT;
	s->cpus = 16;
	s->reserve_bytes = BYTES_UNLIMITED;
	err = json_read(text, len, &root, d);
	if (err < 0) {
		if (err == -EBADMSG && d->text && !d->file)
			d->file = strdup(path);
		return err;
	}
	err = fields_read(&r, root, scenario_fields, s);
	json_decref(root);
	if (err >= 0)
		err = expand_guests(&r, s);
	if (err >= 0)
		err = check_names(&r, s);
	if (err >= 0)
		err = check_expects(&r, s);
	if (err >= 0 && !s->name && !(s->name = strdup(path)))
		err = -ENOMEM;
	if (err < 0)
		return err;
	*ret = TAKE_PTR(s);
	return 0;
}

int scenario_load(const char *path, struct scenario **ret, struct diag *d)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int err = ini_read_file(path, &text, &len, d);

	return err < 0 ? err : scenario_parse(path, text, len, ret, d);
}
