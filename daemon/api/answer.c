/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/api.h"
#include "daemon/api/serve.h"

/* Bodies that ops answer with. Written by the same serializers as everywhere, then read into
 * jansson's values. */

static json_t *value_of(struct json_out *o)
{
	json_t *value = o->failed ? NULL : json_loadb(o->buf, o->len, 0, NULL);

	json_out_clear(o);
	return value;
}

json_t *api_mode_json(enum daemon_mode mode)
{
	return json_pack("{s:s}", "mode", daemon_mode_to_string(mode));
}

json_t *api_pause_json(const struct view_pause *p)
{
	struct json_out o = {0};

	write_pause(&o, p);
	return value_of(&o);
}

json_t *api_findings_json(const struct diag_list *findings)
{
	struct json_out o = {0};

	json_out_open(&o, '[');
	for (size_t i = 0; i < findings->n; i++) {
		const struct diag *d = &findings->items[i];

		json_out_open(&o, '{');
		json_out_key_string(&o, "file", d->file);
		json_out_key_u64(&o, "line", d->line ? d->line : UINT64_MAX);
		json_out_key_u64(&o, "column", d->col ? d->col : UINT64_MAX);
		json_out_key_string(&o, "text", d->text);
		json_out_close(&o, '}');
	}
	json_out_close(&o, ']');
	return value_of(&o);
}

json_t *api_words_json(const char *const *words, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++)
		json_array_append_new(list, json_string(words[i]));
	return list;
}

json_t *api_reload_json(const struct policy_set *set, const struct diag_list *findings,
	const char *const *restart, size_t n_restart)
{
	return json_pack("{s:I,s:o,s:o}", "policies",
		(json_int_t)(set ? policy_set_count(set) : 0), "findings",
		api_findings_json(findings), "restart_needed", api_words_json(restart, n_restart));
}

json_t *api_policy_put_json(const char *name, const char *path, bool created,
	const char *shadowed_by, const struct diag_list *notes)
{
	return json_pack("{s:s,s:s,s:b,s:s?,s:o}", "name", name, "path", path, "created",
		(int)created, "shadowed_by", shadowed_by, "notes",
		notes ? api_findings_json(notes) : json_array());
}

json_t *api_overrides_json(const struct override *overrides, size_t n, const struct uuid *guest,
	uint64_t now_boot_usec, uint64_t now_real_usec)
{
	struct json_out o = {0};
	char uuid[UUID_TEXT_MAX];

	json_out_open(&o, '{');
	json_out_key_string(&o, "guest", uuid_format(guest, uuid));
	json_out_key(&o, "overrides");
	write_overrides(&o, overrides, n, guest, now_boot_usec, now_real_usec);
	json_out_close(&o, '}');
	return value_of(&o);
}

json_t *api_reservation_json(
	const struct reservation *r, uint64_t now_boot_usec, uint64_t now_real_usec)
{
	struct json_out o = {0};

	write_reservation(&o, r, now_boot_usec, now_real_usec);
	return value_of(&o);
}
