/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/setting-value.h"

#include "policy/setting-kinds.h"

static const struct setting_kind *const kinds[SETTING_TYPE_MAX] = {
	[SETTING_NUMBER] = &setting_kind_number,
	[SETTING_SIZE] = &setting_kind_size,
	[SETTING_RATIO] = &setting_kind_ratio,
	[SETTING_QUOTA] = &setting_kind_quota,
	[SETTING_SPAN] = &setting_kind_span,
	[SETTING_MSEC] = &setting_kind_msec,
	[SETTING_AMOUNT] = &setting_kind_amount,
	[SETTING_STALL] = &setting_kind_stall,
	[SETTING_CHOICE] = &setting_kind_choice,
	[SETTING_FLAG] = &setting_kind_flag,
	[SETTING_CGROUP] = &setting_kind_cgroup,
	[SETTING_GLOBS] = &setting_kind_globs,
	[SETTING_UUIDS] = &setting_kind_uuids,
	[SETTING_WORDS] = &setting_kind_words,
	[SETTING_TEXT] = &setting_kind_text,
	[SETTING_CONDITION] = &setting_kind_condition,
	[SETTING_CALENDAR] = &setting_kind_calendar,
};

int setting_value_wrong(const struct setting *s, const char *text, int err, unsigned col,
	const char *problem, struct diag *d)
{
	char found[EXCERPT_MAX], expected[EXPECTED_MAX];

	return diag_set(d, err, NULL, 0, col, "\"%s\": %s; expected %s", excerpt(text, found),
		problem, setting_value_expected(s, expected));
}

int setting_value_parse(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	memset(ret, 0, sizeof(*ret));
	return kinds[s->type]->parse(s, text, ret, d);
}

void setting_value_clear(const struct setting *s, union setting_value *v)
{
	if (kinds[s->type]->owns_text)
		free(v->text);
	memset(v, 0, sizeof(*v));
}

char *setting_value_format(const struct setting *s, const union setting_value *v)
{
	return kinds[s->type]->format(s, v);
}

char *setting_value_expected(const struct setting *s, char buf[static EXPECTED_MAX])
{
	kinds[s->type]->expect(s, buf);
	return buf;
}

void setting_value_store(const struct setting *s, const union setting_value *v, void *base)
{
	if (s->offset != SETTING_NOWHERE)
		memcpy((char *)base + s->offset, v, kinds[s->type]->size);
}

void setting_value_load(const struct setting *s, const void *base, union setting_value *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (s->offset != SETTING_NOWHERE)
		memcpy(ret, (const char *)base + s->offset, kinds[s->type]->size);
}
