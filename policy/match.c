/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/match.h"

#include "common/utf8.h"
#include "policy/effective.h"

/* Takes one character; a byte that is not UTF-8 is one of its own, equal to no other's. */
static uint32_t take_char(const char **p)
{
	const unsigned char *s = (const unsigned char *)*p;
	size_t n = utf8_length(s, strnlen(*p, 4));
	uint32_t c;

	*p += n ? n : 1;
	if (n <= 1)
		return n ? *s : UINT32_C(0x110000) + *s;
	c = *s & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		c = c << 6 | (s[i] & 0x3f);
	return c;
}

/* The bracket at p ("[...]") against one character. Returns what follows it, or NULL when it does
 * not end. */
static const char *bracket(const char *p, uint32_t c, bool *ret_matches)
{
	bool negated = false, matches = false;
	const char *first;

	p++;
	if (*p == '!' || *p == '^') {
		negated = true;
		p++;
	}
	for (first = p; *p && (*p != ']' || p == first);) {
		uint32_t lo = take_char(&p), hi = lo;

		if (p[0] == '-' && p[1] && p[1] != ']') {
			p++;
			hi = take_char(&p);
		}
		if (lo <= c && c <= hi)
			matches = true;
	}
	if (*p != ']')
		return NULL;
	*ret_matches = matches != negated;
	return p + 1;
}

/* One element of the pattern that is not "*" against one character. Both move on only where it
 * matches. */
static bool match_one(const char **pattern, const char **text)
{
	const char *p = *pattern, *t = *text;
	uint32_t c = take_char(&t);
	bool matches = true;

	if (*p == '[') {
		p = bracket(p, c, &matches);
		if (!p)
			return false;
	} else if (*p == '?') {
		p++;
	} else {
		if (*p == '\\' && p[1])
			p++;
		matches = take_char(&p) == c;
	}
	if (!matches)
		return false;
	*pattern = p;
	*text = t;
	return true;
}

bool glob_match(const char *pattern, const char *text)
{
	/* Only the last "*" needs to be tried again: what an earlier one could take, it can take
	 * too. */
	const char *star = NULL, *retry = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = text;
			continue;
		}
		if (*pattern && match_one(&pattern, &text))
			continue;
		if (!star)
			return false;
		pattern = star;
		take_char(&retry);
		text = retry;
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

struct pattern {
	bool negated;
	char *glob; /* owned; NULL for a UUID */
	struct uuid uuid;
};

struct match {
	struct pattern *patterns[MATCH_KEY_MAX];
	size_t n[MATCH_KEY_MAX];
};

struct match *match_new(void)
{
	return calloc(1, sizeof(struct match));
}

struct match *match_free(struct match *m)
{
	if (!m)
		return NULL;
	for (int k = 0; k < MATCH_KEY_MAX; k++) {
		for (size_t i = 0; i < m->n[k]; i++)
			free(m->patterns[k][i].glob);
		free(m->patterns[k]);
	}
	free(m);
	return NULL;
}

static int check_glob(const char *glob, unsigned col, struct diag *d)
{
	char found[EXCERPT_MAX];
	size_t len = strlen(glob);
	const char *end;
	bool ignored;

	if (*glob == ',' || glob[len - 1] == ',')
		return diag_set(d, EINVAL, NULL, 0, col,
			"\"%s\": comma; expected names or patterns separated by blanks",
			excerpt(glob, found));
	for (const char *p = glob; *p; p++) {
		if (*p == '\\' && !p[1])
			return diag_set(d, EINVAL, NULL, 0, col + (unsigned)(p - glob),
				"\"%s\": nothing follows \"\\\"; expected a character to be taken "
				"as it is",
				excerpt(glob, found));
		if (*p == '\\') {
			p++;
		} else if (*p == '[') {
			end = bracket(p, 0, &ignored);
			if (!end)
				return diag_set(d, EINVAL, NULL, 0, col + (unsigned)(p - glob),
					"\"%s\": \"[\" does not end; expected \"]\" after it",
					excerpt(glob, found));
			p = end - 1;
		}
	}
	return 0;
}

/* One word of a list, col columns from the start of the value. */
static int parse_pattern(enum match_key key, const char *word, size_t len, unsigned col,
	struct pattern *ret, struct diag *d)
{
	struct pattern p = {.negated = *word == '!'};
	_cleanup_free_ char *text = strndup(word + p.negated, len - p.negated);
	char found[EXCERPT_MAX];
	int r;

	if (!text)
		return -ENOMEM;
	col += p.negated;
	if (!*text)
		return diag_set(d, EINVAL, NULL, 0, col,
			"nothing follows \"!\"; expected a name or pattern after it");
	if (key == MATCH_UUID) {
		if (uuid_parse(text, &p.uuid) < 0)
			return diag_set(d, EINVAL, NULL, 0, col,
				"\"%s\" is not a UUID; expected one like "
				"1b4e28ba-2fa1-11d2-883f-0016d3cca427",
				excerpt(text, found));
	} else {
		r = check_glob(text, col, d);
		if (r < 0)
			return r;
		p.glob = TAKE_PTR(text);
	}
	*ret = p;
	return 0;
}

int match_add(struct match *m, enum match_key key, const char *value, struct diag *d)
{
	const char *p = value + strspn(value, " \t");

	while (*p) {
		size_t len = strcspn(p, " \t"), n = m->n[key];
		struct pattern *patterns = reallocarray(m->patterns[key], n + 1, sizeof(*patterns));
		int r;

		if (!patterns)
			return -ENOMEM;
		m->patterns[key] = patterns;
		r = parse_pattern(key, p, len, (unsigned)(p - value) + 1, &patterns[n], d);
		if (r < 0)
			return r;
		m->n[key]++;
		p += len;
		p += strspn(p, " \t");
	}
	return 0;
}

static bool pattern_matches(
	const struct pattern *p, enum match_key key, const struct guest_identity *id)
{
	switch (key) {
	case MATCH_GUEST:
		return glob_match(p->glob, id->name);
	case MATCH_UUID:
		return uuid_equal(&p->uuid, &id->uuid);
	case MATCH_TAG:
		for (const char *const *tag = id->tags; tag && *tag; tag++)
			if (glob_match(p->glob, *tag))
				return true;
		return false;
	case MATCH_HOST:
		return id->host && glob_match(p->glob, id->host);
	case MATCH_KEY_MAX:
		break;
	}
	return false;
}

/* Whatever it is called, or wherever it is: "*" matches. It may have no tag. */
static bool matches_any(const struct pattern *p, enum match_key key)
{
	return p->glob && key != MATCH_TAG && !p->glob[strspn(p->glob, "*")];
}

static enum match_answer pattern_judge(
	const struct pattern *p, enum match_key key, const struct guest_identity *id, bool unknown)
{
	if (unknown)
		return matches_any(p, key) ? MATCH_YES : MATCH_UNKNOWN;
	return pattern_matches(p, key, id) ? MATCH_YES : MATCH_NO;
}

static enum match_answer key_judge(
	const struct match *m, enum match_key key, const struct guest_identity *id, bool unknown)
{
	enum match_answer plain = MATCH_NO, negated = MATCH_YES;
	bool any_plain = false;

	for (size_t i = 0; i < m->n[key]; i++) {
		const struct pattern *p = &m->patterns[key][i];
		enum match_answer a = pattern_judge(p, key, id, unknown);

		if (p->negated) {
			negated = MIN(negated, MATCH_YES - a);
		} else {
			any_plain = true;
			plain = MAX(plain, a);
		}
	}
	return any_plain ? MIN(plain, negated) : negated;
}

enum match_answer match_judge(
	const struct match *m, const struct guest_identity *id, unsigned unknown_keys)
{
	enum match_answer all = MATCH_YES;

	for (int k = 0; k < MATCH_KEY_MAX && all != MATCH_NO; k++)
		all = MIN(all, key_judge(m, k, id, unknown_keys & 1u << k));
	return all;
}

bool match_guest(const struct match *m, const struct guest_identity *id)
{
	return match_judge(m, id, 0) == MATCH_YES;
}
