/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/override.h"

#include "common/units.h"

int override_parse(const char *section, const char *key, const char *value, struct assignment *ret,
	struct diag *d)
{
	const struct setting *s = setting_find(section, key, d, NULL, 0, 0);
	char found[EXCERPT_MAX], expected[EXPECTED_MAX];
	struct assignment a = {.setting = s, .file = "override"};
	int r;

	if (!s)
		return -EINVAL;
	if (s->scope != SETTING_OF_GUEST)
		return diag_set(d, EINVAL, NULL, 0, 0,
			"%s= in [%s] is not of one guest; expected a setting of [Memory] or [CPU]",
			key, section);
	if (!s->in_force)
		return diag_set(d, EINVAL, NULL, 0, 0,
			"%s= in [%s] is not in force in this version; expected a setting of "
			"[Memory] or [CPU]",
			key, section);
	if (!value[strspn(value, " \t")])
		return diag_set(d, EINVAL, NULL, 0, 0, "\"%s\": value missing; expected %s",
			excerpt(value, found), setting_value_expected(s, expected));
	r = setting_value_parse(s, value, &a.value, d);
	if (r < 0)
		return r == -ENOMEM ? r : -EINVAL;
	*ret = a;
	return 0;
}

int override_check(const char *section, const char *key, const char *value, struct diag *d)
{
	struct assignment ignored;

	return override_parse(section, key, value, &ignored, d);
}

bool override_holds(
	const struct override *o, uint64_t now_boot_usec, uint64_t now_real_usec, uint64_t *wake)
{
	if (now_boot_usec >= o->until_boot_usec || now_real_usec >= o->until_real_usec)
		return false;
	*wake = MIN(*wake, o->until_boot_usec);
	if (o->until_real_usec != USEC_INFINITY)
		*wake = MIN(*wake, add_sat(now_boot_usec, o->until_real_usec - now_real_usec));
	return true;
}

uint64_t overrides_hash(const struct override *overrides, size_t n, uint64_t now_boot_usec,
	uint64_t now_real_usec, uint64_t *wake)
{
	uint64_t h = 0;

	for (size_t i = 0; i < n; i++) {
		const struct override *o = &overrides[i];

		if (override_holds(o, now_boot_usec, now_real_usec, wake))
			h = hash_string(
				hash_string(hash_string(h + 1, o->section), o->key), o->value);
	}
	return h;
}
