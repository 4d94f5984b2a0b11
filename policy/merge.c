/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/merge.h"

void merged_reset(struct merged *m)
{
	m->settings = settings_default;
	memset(m->from, 0, sizeof(m->from));
}

void merged_apply(struct merged *m, const struct assignment *a)
{
	union setting_value value = a->value;

	if (a->setting->scope != SETTING_OF_GUEST)
		return;
	m->from[setting_guest_index(a->setting)] = a;
	if (a->reset)
		setting_value_load(a->setting, &settings_default, &value);
	setting_value_store(a->setting, &value, &m->settings);
}

void merged_apply_policy(struct merged *m, const struct policy *p)
{
	for (size_t i = 0; i < p->n_assignments; i++)
		merged_apply(m, &p->assignments[i]);
}

/* Who said the setting that lies at this offset of struct settings. */
static const struct assignment *said_at(const struct merged *m, size_t offset)
{
	for (size_t i = 0; i < SETTING_GUEST_MAX; i++)
		if (setting_of_guest(i)->offset == offset)
			return m->from[i];
	return NULL;
}

static bool is_set_at(const struct merged *m, size_t offset)
{
	const struct assignment *a = said_at(m, offset);

	return a && !a->reset;
}

void merged_finish(struct merged *m)
{
	m->settings.mem_min_bytes = MIN(m->settings.mem_min_bytes, m->settings.mem_max_bytes);
	m->settings.cpu_weight_set = is_set_at(m, offsetof(struct settings, cpu_weight));
	m->settings.cpu_quota_set = is_set_at(m, offsetof(struct settings, cpu_quota));
}

bool merged_min_cut(const struct merged *m, uint64_t *ret_asked_bytes)
{
	const struct assignment *min = said_at(m, offsetof(struct settings, mem_min_bytes));

	if (!min || min->reset || min->value.number <= m->settings.mem_min_bytes)
		return false;
	*ret_asked_bytes = min->value.number;
	return true;
}

static struct origin origin_of(const struct assignment *a)
{
	if (!a)
		return (struct origin){0};
	return (struct origin){a->file, a->line, a->policy ? a->policy->name : NULL};
}

/* The value that holds, in a new string. */
static char *value_text(const struct merged *m, size_t i)
{
	const struct setting *s = setting_of_guest(i);
	union setting_value value;

	if (!s->in_force) {
		if (!m->from[i] || m->from[i]->reset)
			return strdup(s->default_text);
		return setting_value_format(s, &m->from[i]->value);
	}
	setting_value_load(s, &m->settings, &value);
	return setting_value_format(s, &value);
}

int merged_visit(const struct merged *m, setting_visitor fn, void *userdata)
{
	const struct assignment *max = said_at(m, offsetof(struct settings, mem_max_bytes));
	uint64_t asked;
	bool cut = merged_min_cut(m, &asked);
	int r = 0;

	for (size_t i = 0; i < SETTING_GUEST_MAX && r == 0; i++) {
		const struct setting *s = setting_of_guest(i);
		bool is_min = s->offset == offsetof(struct settings, mem_min_bytes);
		struct origin origin = origin_of(is_min && cut ? max : m->from[i]);
		_cleanup_free_ char *text = value_text(m, i);

		if (!text)
			return -ENOMEM;
		r = fn(s->section, s->key, text, &origin, s->in_force, userdata);
	}
	return r;
}
