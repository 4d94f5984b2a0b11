/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/tag.h"

#include <stdio.h>

#include "policy/policy-set.h"

uint64_t tag_hash(const void *data, size_t len)
{
	const char *s = data;
	uint64_t h = len * UINT64_C(0x9e3779b97f4a7c15), w;

	for (; len >= sizeof(w); s += sizeof(w), len -= sizeof(w)) {
		memcpy(&w, s, sizeof(w));
		h = (h ^ w) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 32;
	}
	for (w = 0; len; len--)
		w = w << 8 | (unsigned char)*s++;
	h = (h ^ w) * UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 33;
}

char *tag_format(uint64_t tag, char buf[static API_TAG_MAX])
{
	snprintf(buf, API_TAG_MAX, "%016llx", (unsigned long long)tag);
	return buf;
}

bool tag_matches(const char *header, const char *tag)
{
	size_t n = strlen(tag);

	for (const char *s = header; *s; s += strcspn(s, ",")) {
		s += strspn(s, ", \t");
		if (*s == '*')
			return true;
		/* A weak one is never the same (RFC 9110, 13.1.1): it begins with W. */
		if (*s == '"' && strncmp(s + 1, tag, n) == 0 &&
			(s[n + 1] == '"' || s[n + 1] == '-'))
			return true;
	}
	return false;
}

/* One hash for several things, in order. */
static uint64_t more(uint64_t h, uint64_t next)
{
	return tag_hash((uint64_t[]){h, next}, 2 * sizeof(h));
}

static uint64_t more_text(uint64_t h, const char *s)
{
	return more(h, s ? tag_hash(s, strlen(s)) : 0);
}

uint64_t api_tag_mode(enum daemon_mode mode)
{
	return more(1, (uint64_t)mode);
}

/* Its end as wall time moves with the clocks: since when it is, by whom and why tell one from
 * another. */
uint64_t api_tag_pause(const struct view_pause *p)
{
	return p->on ? more_text(more_text(more(more(2, p->since_real_usec), p->number), p->by),
			       p->message)
		     : 0;
}

uint64_t api_tag_overrides(const struct override *overrides, size_t n, const struct uuid *guest)
{
	uint64_t h = 3;

	for (size_t i = 0; i < n; i++) {
		const struct override *o = &overrides[i];

		if (!uuid_equal(&o->guest, guest))
			continue;
		h = more_text(more_text(more_text(h, o->section), o->key), o->value);
		h = more_text(
			more_text(more(more(h, o->until_boot_usec), o->until_real_usec), o->by),
			o->reason);
	}
	return h;
}

uint64_t api_tag_policy(const struct policy_set *set, size_t i)
{
	const char *path, *text;
	size_t len;

	/* Where a higher layer hides what the API has, that is what would be replaced. */
	text = policy_set_own_text(set, i, &len);
	if (!text)
		text = policy_set_text(set, i, 0, &path, &len);
	return text ? tag_hash(text, len) : 0;
}

uint64_t tag_mode(const struct view_input *k, size_t index)
{
	return api_tag_mode(k->mode);
}

uint64_t tag_pause(const struct view_input *k, size_t index)
{
	return api_tag_pause(&k->pause);
}

uint64_t tag_overrides(const struct view_input *k, size_t index)
{
	const struct snapshot *s = k->snapshot;

	return api_tag_overrides(s->overrides, s->n_overrides, &s->guests[index].id.uuid);
}

uint64_t tag_policy(const struct view_input *k, size_t index)
{
	return api_tag_policy(k->set, index);
}
