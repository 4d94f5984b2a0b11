/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of a policy's files, one by one: which setting it is, whether its value can be read,
 * and where it stands. */
#include "policy/policy-composer.h"

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

void composer_clear(struct composer *c)
{
	for (size_t i = 0; i < setting_table_n; i++)
		if (setting_table[i].scope == SETTING_OF_POLICY)
			raw_clear(raw_of(c, &setting_table[i]));
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

int composer_read(const struct ini_entry *e, void *composer, struct diag *d)
{
	struct composer *c = composer;
	int r = read_one(e, c, d);

	if (r < 0) {
		c->schedule_bad |= streq(e->section, "Schedule");
		c->when_bad |= streq(e->section, "When");
	}
	return r;
}
