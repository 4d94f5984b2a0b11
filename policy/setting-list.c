/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/setting-list.h"

static void line_clear(struct setting_line *line)
{
	free(line->section);
	free(line->key);
	free(line->value);
	free(line->file);
	free(line->policy);
}

void setting_list_clear(struct setting_list *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++)
		line_clear(&l->lines[i]);
	free(l->lines);
	*l = (struct setting_list){0};
}

static int list_grow(struct setting_list *l)
{
	size_t allocated = l->allocated ? 2 * l->allocated : 32;
	struct setting_line *lines = reallocarray(l->lines, allocated, sizeof(*lines));

	if (!lines)
		return -ENOMEM;
	l->lines = lines;
	l->allocated = allocated;
	return 0;
}

int setting_list_record(const char *section, const char *key, const char *value,
	const struct origin *origin, bool in_force, void *list)
{
	struct setting_list *l = list;
	struct setting_line line = {.line = origin->line, .in_force = in_force};

	if (l->n == l->allocated && list_grow(l) < 0)
		return -ENOMEM;
	line.section = strdup(section);
	line.key = strdup(key);
	line.value = strdup(value);
	line.file = origin->file ? strdup(origin->file) : NULL;
	line.policy = origin->policy ? strdup(origin->policy) : NULL;
	if (!line.section || !line.key || !line.value || (origin->file && !line.file) ||
		(origin->policy && !line.policy)) {
		line_clear(&line);
		return -ENOMEM;
	}
	l->lines[l->n++] = line;
	return 0;
}

const struct setting_line *setting_list_find(
	const struct setting_list *l, const char *section, const char *key)
{
	for (size_t i = 0; i < l->n; i++)
		if (streq(l->lines[i].section, section) && streq(l->lines[i].key, key))
			return &l->lines[i];
	return NULL;
}

int setting_list_diff(const struct setting_list *before, const struct setting_list *after,
	setting_diff_visitor fn, void *userdata)
{
	int r = 0;

	for (size_t i = 0; i < before->n && r == 0; i++) {
		const struct setting_line *a = &before->lines[i];
		const struct setting_line *b = setting_list_find(after, a->section, a->key);

		if (!b || !streq(a->value, b->value))
			r = fn(a, b, userdata);
	}
	for (size_t i = 0; i < after->n && r == 0; i++) {
		const struct setting_line *b = &after->lines[i];

		if (!setting_list_find(before, b->section, b->key))
			r = fn(NULL, b, userdata);
	}
	return r;
}
