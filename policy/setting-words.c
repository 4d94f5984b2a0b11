/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/setting-kinds.h"

#include <stdio.h>

#include "policy/condition.h"
#include "policy/match.h"

/* --- words --- */

static int parse_choice(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	char problem[EXCERPT_MAX];
	const char *near;

	for (int i = 0; s->names[i]; i++) {
		if (streq(s->names[i], text)) {
			ret->choice = i;
			return 0;
		}
	}
	near = nearest_word(text, s->names);
	if (!near)
		return setting_value_wrong(s, text, EINVAL, 1, "unknown word", d);
	snprintf(problem, sizeof(problem), "unknown word, did you mean %s?", near);
	return setting_value_wrong(s, text, EINVAL, 1, problem, d);
}

static char *format_choice(const struct setting *s, const union setting_value *v)
{
	return strdup(s->names[v->choice]);
}

static void expect_choice(const struct setting *s, char buf[static EXPECTED_MAX])
{
	size_t n = (size_t)snprintf(buf, EXPECTED_MAX, "one of");

	for (int i = 0; s->names[i]; i++)
		n += (size_t)snprintf(
			buf + n, EXPECTED_MAX - n, "%s %s", i ? "," : "", s->names[i]);
}

static int parse_flag(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	static const char *const yes[] = {"yes", "true", "on", "1"};
	static const char *const no[] = {"no", "false", "off", "0"};

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (streq(text, yes[i]) || streq(text, no[i])) {
			ret->flag = streq(text, yes[i]);
			return 0;
		}
	}
	return setting_value_wrong(s, text, EINVAL, 1, "unknown word", d);
}

static char *format_flag(const struct setting *s, const union setting_value *v)
{
	return strdup(v->flag ? "yes" : "no");
}

static void expect_flag(const struct setting *s, char buf[static EXPECTED_MAX])
{
	strcpy(buf, "yes or no");
}

/* --- texts that are kept as they are --- */

static int keep_text(const char *text, union setting_value *ret)
{
	ret->text = strdup(text);
	return ret->text ? 0 : -ENOMEM;
}

static char *format_text(const struct setting *s, const union setting_value *v)
{
	return strdup(v->text ? v->text : "");
}

static int parse_text(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	return keep_text(text, ret);
}

static void expect_text(const struct setting *s, char buf[static EXPECTED_MAX])
{
	strcpy(buf, "text");
}

static int parse_patterns(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	enum match_key key = s->type == SETTING_UUIDS ? MATCH_UUID : MATCH_GUEST;
	_cleanup_match_ struct match *m = match_new();
	int r = m ? match_add(m, key, text, d) : -ENOMEM;

	return r < 0 ? r : keep_text(text, ret);
}

static void expect_globs(const struct setting *s, char buf[static EXPECTED_MAX])
{
	strcpy(buf, "names or patterns like web* or !web1, separated by blanks");
}

static void expect_uuids(const struct setting *s, char buf[static EXPECTED_MAX])
{
	strcpy(buf, "UUIDs like 1b4e28ba-2fa1-11d2-883f-0016d3cca427, separated by blanks");
}

static int parse_words(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._- \t";
	size_t n = strspn(text, allowed);

	if (text[n])
		return setting_value_wrong(
			s, text, EINVAL, (unsigned)n + 1, "character not allowed", d);
	return keep_text(text, ret);
}

static void expect_words(const struct setting *s, char buf[static EXPECTED_MAX])
{
	strcpy(buf, "names of groups (letters, digits, dots, dashes), separated by blanks");
}

static int parse_cgroup(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	static const char prefix[] = "cgroup:/";
	const char *path = text + strlen(prefix) - 1, *p;

	ret->text = NULL;
	if (streq(text, "host"))
		return 0;
	if (strncmp(text, prefix, strlen(prefix)) != 0)
		return setting_value_wrong(s, text, EINVAL, 1, "neither host nor a cgroup", d);
	/* The path is put below the place where cgroups are mounted: it must not climb out of
	 * it. */
	for (p = strstr(path, "/.."); p; p = strstr(p + 1, "/.."))
		if (p[3] == '\0' || p[3] == '/')
			return setting_value_wrong(s, text, EINVAL, (unsigned)(p - text) + 2,
				"\"..\" is not allowed", d);
	return keep_text(path, ret);
}

static char *format_cgroup(const struct setting *s, const union setting_value *v)
{
	char *text;

	if (!v->text)
		return strdup("host");
	return asprintf(&text, "cgroup:%s", v->text) < 0 ? NULL : text;
}

static void expect_cgroup(const struct setting *s, char buf[static EXPECTED_MAX])
{
	strcpy(buf, "host, or cgroup:PATH with the path of a cgroup like cgroup:/machine.slice");
}

static int parse_condition(
	const struct setting *s, const char *text, union setting_value *ret, struct diag *d)
{
	_cleanup_condition_ struct condition *c = NULL;
	int r = condition_parse(text, &c, d);

	return r < 0 ? r : keep_text(text, ret);
}

static void expect_condition(const struct setting *s, char buf[static EXPECTED_MAX])
{
	strcpy(buf, "a condition like host.mem_available < 40%");
}

static void expect_calendar(const struct setting *s, char buf[static EXPECTED_MAX])
{
	strcpy(buf, "a time like Mon..Fri 20:00, a span or a zone");
}

const struct setting_kind setting_kind_choice = {
	parse_choice, format_choice, expect_choice, sizeof(int), false};
const struct setting_kind setting_kind_flag = {
	parse_flag, format_flag, expect_flag, sizeof(bool), false};
const struct setting_kind setting_kind_cgroup = {
	parse_cgroup, format_cgroup, expect_cgroup, sizeof(char *), true};
const struct setting_kind setting_kind_globs = {
	parse_patterns, format_text, expect_globs, sizeof(char *), true};
const struct setting_kind setting_kind_uuids = {
	parse_patterns, format_text, expect_uuids, sizeof(char *), true};
const struct setting_kind setting_kind_words = {
	parse_words, format_text, expect_words, sizeof(char *), true};
const struct setting_kind setting_kind_text = {
	parse_text, format_text, expect_text, sizeof(char *), true};
const struct setting_kind setting_kind_calendar = {
	parse_text, format_text, expect_calendar, sizeof(char *), true};
const struct setting_kind setting_kind_condition = {
	parse_condition, format_text, expect_condition, sizeof(char *), true};
