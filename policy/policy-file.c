/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/policy-file.h"

#include <stdio.h>

#include "common/ini.h"
#include "common/units.h"

struct policy *policy_ref(struct policy *p)
{
	if (p)
		atomic_fetch_add(&p->refs, 1);
	return p;
}

struct policy *policy_unref(struct policy *p)
{
	if (!p || atomic_fetch_sub(&p->refs, 1) > 1)
		return NULL;
	for (size_t i = 0; i < p->n_assignments; i++)
		setting_value_clear(p->assignments[i].setting, &p->assignments[i].value);
	for (size_t i = 0; i < p->n_sources; i++)
		policy_source_unref(p->sources[i]);
	free(p->assignments);
	free(p->sources);
	free(p->name);
	free(p->description);
	free(p->on_calendar);
	match_free(p->match);
	schedule_free(p->schedule);
	condition_free(p->condition);
	free(p);
	return NULL;
}

/* A policy in the making. */
struct composer {
	struct policy *policy;
	const struct policy_source *source; /* the one being read */
	const struct zone_source *zones;
	struct diag_list *findings;
	struct policy_raw raw;
	/* Where a section begins for the first time: for what it lacks. */
	struct raw_value schedule_section;
	struct raw_value host_section;
	bool section_unknown; /* the one being read: said once, its keys are passed over */
	/* Something in that section was not understood: what it seems to lack may be just that. */
	bool schedule_bad, when_bad;
};

static void raw_clear(struct raw_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->values[i].text);
	free(l->values);
	*l = (struct raw_list){0};
}

static struct raw_list *raw_of(struct composer *c, const struct setting *s)
{
	return (struct raw_list *)((char *)&c->raw + s->offset);
}

static void composer_clear(struct composer *c)
{
	for (size_t i = 0; i < setting_table_n; i++)
		if (setting_table[i].scope == SETTING_OF_POLICY)
			raw_clear(raw_of(c, &setting_table[i]));
}

static const struct raw_value *raw_last(const struct raw_list *l)
{
	return l->n ? &l->values[l->n - 1] : NULL;
}

static int raw_add(struct raw_list *l, const struct ini_entry *e, const char *file)
{
	struct raw_value *values;
	char *text;

	if (!*e->value) {
		raw_clear(l);
		return 0;
	}
	values = reallocarray(l->values, l->n + 1, sizeof(*values));
	if (!values)
		return -ENOMEM;
	l->values = values;
	text = strdup(e->value);
	if (!text)
		return -ENOMEM;
	values[l->n++] = (struct raw_value){text, file, e->line, e->value_col};
	return 0;
}

/* The policy's word on this setting: the one that it has, or a new one. */
static struct assignment *assignment_for(struct policy *p, const struct setting *s)
{
	struct assignment *assignments;

	for (size_t i = 0; i < p->n_assignments; i++)
		if (p->assignments[i].setting == s)
			return &p->assignments[i];
	assignments = reallocarray(p->assignments, p->n_assignments + 1, sizeof(*assignments));
	if (!assignments)
		return NULL;
	p->assignments = assignments;
	assignments[p->n_assignments] = (struct assignment){.setting = s, .policy = p};
	return &assignments[p->n_assignments++];
}

static int assign(struct composer *c, const struct setting *s, const struct ini_entry *e,
	union setting_value value)
{
	struct assignment *a = assignment_for(c->policy, s);

	if (!a) {
		setting_value_clear(s, &value);
		return -ENOMEM;
	}
	setting_value_clear(s, &a->value);
	a->value = value;
	a->reset = !*e->value;
	a->file = policy_source_path(c->source);
	a->line = e->line;
	a->col = e->value_col;
	return 0;
}

static int read_header(struct composer *c, const struct ini_entry *e, struct diag *d)
{
	const struct raw_value place = {NULL, policy_source_path(c->source), e->line, e->key_col};

	c->section_unknown = !setting_section_known(e->section);
	if (c->section_unknown) {
		setting_find(e->section, "", d, e->file, e->line, e->key_col);
		return -EINVAL;
	}
	if (streq(e->section, "Schedule") && !c->schedule_section.file)
		c->schedule_section = place;
	if (streq(e->section, "Host") && !c->host_section.file)
		c->host_section = place;
	return 0;
}

/* A setting's own column becomes the file's. */
static int at_value(const struct ini_entry *e, int r, struct diag *inner, struct diag *d)
{
	unsigned line, col;

	if (r == -ENOMEM)
		return r;
	ini_entry_place(e, inner->col ? inner->col - 1 : 0, &line, &col);
	return diag_set(d, -r, e->file, line, col, "%s", inner->text);
}

static int read_one(const struct ini_entry *e, struct composer *c, struct diag *d)
{
	_cleanup_diag_ struct diag inner = {0};
	char found[EXCERPT_MAX];
	const struct setting *s;
	union setting_value value = {0};
	int r;

	if (!e->key)
		return read_header(c, e, d);
	if (!*e->section)
		return diag_set(d, EINVAL, e->file, e->line, e->key_col,
			"\"%s\" stands before any section; expected a header like [Memory] first",
			excerpt(e->key, found));
	if (c->section_unknown)
		return 0;
	s = setting_find(e->section, e->key, d, e->file, e->line, e->key_col);
	if (!s)
		return -EINVAL;
	if (*e->value) {
		r = setting_value_parse(s, e->value, &value, &inner);
		if (r < 0)
			return at_value(e, r, &inner, d);
	}
	if (s->scope != SETTING_OF_POLICY)
		return assign(c, s, e, value);
	setting_value_clear(s, &value);
	return raw_add(raw_of(c, s), e, policy_source_path(c->source));
}

static int read_entry(const struct ini_entry *e, void *userdata, struct diag *d)
{
	struct composer *c = userdata;
	int r = read_one(e, c, d);

	if (r < 0) {
		c->schedule_bad |= streq(e->section, "Schedule");
		c->when_bad |= streq(e->section, "When");
	}
	return r;
}

static int compose_match(struct composer *c)
{
	_cleanup_match_ struct match *m = match_new();
	bool any = false;

	if (!m)
		return -ENOMEM;
	for (int k = 0; k < MATCH_KEY_MAX; k++) {
		for (size_t i = 0; i < c->raw.match[k].n; i++) {
			/* Was checked when it was read. */
			int r = match_add(m, k, c->raw.match[k].values[i].text, NULL);

			if (r < 0)
				return r;
			any = true;
		}
	}
	c->policy->match = any ? TAKE_PTR(m) : NULL;
	return 0;
}

static struct schedule_value value_of(const struct raw_value *v)
{
	return v ? (struct schedule_value){v->text, v->file, v->line, v->col}
		 : (struct schedule_value){0};
}

static char *join_texts(const struct raw_list *l)
{
	size_t len = 1, n = 0;
	char *joined;

	for (size_t i = 0; i < l->n; i++)
		len += strlen(l->values[i].text) + 2;
	joined = malloc(len);
	if (!joined)
		return NULL;
	joined[0] = '\0';
	for (size_t i = 0; i < l->n; i++)
		n += (size_t)snprintf(
			joined + n, len - n, "%s%s", i ? "; " : "", l->values[i].text);
	return joined;
}

static int compose_schedule(struct composer *c, struct diag *d)
{
	const struct policy_raw *raw = &c->raw;
	struct schedule_spec spec = {
		.n_on_calendar = raw->on_calendar.n,
		.until = value_of(raw_last(&raw->until)),
		.duration = value_of(raw_last(&raw->duration)),
		.timezone = value_of(raw_last(&raw->timezone)),
		.section = value_of(&c->schedule_section),
	};
	_cleanup_free_ struct schedule_value *events = NULL;

	if (!raw->on_calendar.n && !raw->until.n && !raw->duration.n && !raw->timezone.n)
		return 0;
	events = calloc(raw->on_calendar.n + 1, sizeof(*events));
	if (!events)
		return -ENOMEM;
	for (size_t i = 0; i < raw->on_calendar.n; i++)
		events[i] = value_of(&raw->on_calendar.values[i]);
	spec.on_calendar = events;
	return schedule_new(&spec, c->zones, &c->policy->schedule, d);
}

static int compose_when(struct composer *c, struct diag *d)
{
	const struct raw_value *condition = raw_last(&c->raw.condition);
	const struct raw_value *lasting = raw_last(&c->raw.lasting);
	int r = 0;

	if (lasting && !condition)
		return diag_set(d, EINVAL, lasting->file, lasting->line, lasting->col,
			"LastingSec= without a condition; expected Condition= in [When]");
	/* Both were checked when they were read. */
	if (condition)
		r = condition_parse(condition->text, &c->policy->condition, NULL);
	if (r == 0 && lasting)
		r = span_parse(lasting->text, &c->policy->lasting_usec, NULL);
	return r;
}

/* [Host] holds always and for the whole host: what narrows the policy would say the contrary. */
static int check_host(const struct composer *c, struct diag *d)
{
	const struct policy *p = c->policy;
	bool of_host = false;

	for (size_t i = 0; i < p->n_assignments; i++)
		of_host = of_host || p->assignments[i].setting->scope == SETTING_OF_HOST;
	if (!of_host || (!p->match && !p->schedule && !p->condition))
		return 0;
	return diag_set(d, EINVAL, c->host_section.file, c->host_section.line, c->host_section.col,
		"[Host] together with [%s]; expected [Host] in a policy of its own, since it holds "
		"always and for the whole host",
		p->match      ? "Match"
		: p->schedule ? "Schedule"
			      : "When");
}

static int check_min_max(const struct composer *c, struct diag *d)
{
	const struct assignment *min = NULL, *max = NULL;
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX];

	for (size_t i = 0; i < c->policy->n_assignments; i++) {
		const struct assignment *as = &c->policy->assignments[i];

		if (as->setting->scope != SETTING_OF_GUEST || as->reset)
			continue;
		if (as->setting->offset == offsetof(struct settings, mem_min_bytes))
			min = as;
		if (as->setting->offset == offsetof(struct settings, mem_max_bytes))
			max = as;
	}
	if (!min || !max || min->value.number <= max->value.number)
		return 0;
	return diag_set(d, EINVAL, min->file, min->line, min->col,
		"Min=%s is more than Max=%s (%s:%u); expected at most as much",
		size_format_exact(min->value.number, a), size_format_exact(max->value.number, b),
		max->file, max->line);
}

/* Adds what a step found to the findings, and goes on. */
static int take_finding(struct composer *c, int r, struct diag *d, bool *bad)
{
	if (r >= 0 || r == -ENOMEM)
		return MIN(r, 0);
	*bad = true;
	return diag_list_take(c->findings, d);
}

/* What can only be said of the whole; each mistake by itself, whatever else was found. */
static int compose_whole(struct composer *c, bool *bad)
{
	const struct raw_value *description = raw_last(&c->raw.description);
	_cleanup_diag_ struct diag d = {0};
	struct policy *p = c->policy;
	int r;

	p->description = strdup(description ? description->text : "");
	p->on_calendar = join_texts(&c->raw.on_calendar);
	if (!p->description || !p->on_calendar)
		return -ENOMEM;
	r = compose_match(c);
	if (r == 0 && !c->schedule_bad)
		r = take_finding(c, compose_schedule(c, &d), &d, bad);
	if (r == 0 && !c->when_bad)
		r = take_finding(c, compose_when(c, &d), &d, bad);
	if (r == 0)
		r = take_finding(c, check_host(c, &d), &d, bad);
	if (r == 0)
		r = take_finding(c, check_min_max(c, &d), &d, bad);
	return r;
}

static struct policy *policy_new(const char *name, struct policy_source *const *sources, size_t n)
{
	struct policy *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->refs = 1;
	p->name = strdup(name);
	p->sources = calloc(n, sizeof(*p->sources));
	if (!p->name || !p->sources)
		return policy_unref(p);
	for (; p->n_sources < n; p->n_sources++)
		p->sources[p->n_sources] = policy_source_ref(sources[p->n_sources]);
	return p;
}

int policy_compose(const char *name, struct policy_source *const *sources, size_t n,
	const struct zone_source *zones, struct policy **ret, struct diag_list *findings, bool *bad)
{
	_cleanup_policy_ struct policy *p = policy_new(name, sources, n);
	_cleanup_(composer_clear) struct composer c = {
		.policy = p, .zones = zones, .findings = findings};
	bool any_bad = false;
	int r;

	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		size_t len;
		const char *text = policy_source_text(sources[i], &len);

		c.source = sources[i];
		c.section_unknown = false;
		r = ini_parse_all(
			policy_source_path(c.source), text, len, read_entry, &c, findings);
		if (r < 0)
			return r;
		bad[i] = r > 0;
		any_bad = any_bad || bad[i];
	}
	r = compose_whole(&c, &any_bad);
	if (r < 0)
		return r;
	if (any_bad)
		return -EBADMSG;
	*ret = TAKE_PTR(p);
	return 0;
}
