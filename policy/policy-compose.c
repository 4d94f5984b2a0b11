/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can only be said of a policy when all of its files were read. */
#include "policy/policy-composer.h"

#include <stdio.h>

#include "common/units.h"

static const struct raw_value *raw_last(const struct raw_list *l)
{
	return l->n ? &l->values[l->n - 1] : NULL;
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
	if (condition) {
		r = condition_parse(condition->text, &c->policy->condition, NULL);
		c->policy->condition_file = condition->file;
		c->policy->condition_line = condition->line;
		c->policy->condition_col = condition->col;
	}
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

/* What this policy assigns to the setting at that place, or NULL. */
static const struct assignment *assigned(
	const struct composer *c, enum setting_scope scope, size_t offset)
{
	const struct assignment *found = NULL;

	for (size_t i = 0; i < c->policy->n_assignments; i++) {
		const struct assignment *as = &c->policy->assignments[i];

		if (as->setting->scope == scope && as->setting->offset == offset && !as->reset)
			found = as;
	}
	return found;
}

static int check_reserve(const struct composer *c, struct diag *d)
{
	const struct assignment *memory =
		assigned(c, SETTING_OF_HOST, offsetof(struct host_settings, memory_bytes));
	const struct assignment *reserve =
		assigned(c, SETTING_OF_HOST, offsetof(struct host_settings, reserve));
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX];

	if (!memory || !reserve || reserve->value.amount.is_ratio ||
		reserve->value.amount.value < memory->value.number)
		return 0;
	return diag_set(d, EINVAL, reserve->file, reserve->line, reserve->col,
		"Reserve=%s leaves guests nothing of Memory=%s (%s:%u); expected less",
		size_format_exact(reserve->value.amount.value, a),
		size_format_exact(memory->value.number, b), memory->file, memory->line);
}

static int check_min_max(const struct composer *c, struct diag *d)
{
	const struct assignment *min =
		assigned(c, SETTING_OF_GUEST, offsetof(struct settings, mem_min_bytes));
	const struct assignment *max =
		assigned(c, SETTING_OF_GUEST, offsetof(struct settings, mem_max_bytes));
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX];

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

int composer_finish(struct composer *c, bool *bad)
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
	if (r == 0)
		r = take_finding(c, check_reserve(c, &d), &d, bad);
	return r;
}
