/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "daemon/api/serve.h"

const char *const policy_layer_words[] = {"below", "api", "above", NULL};

/* Where its file lies, seen from the layer that the API writes. NULL: there is none. */
static const char *layer_of(const struct view_input *k, const char *path)
{
	size_t n = strlen(path);
	bool above = false;

	for (size_t i = 0; k->policy_dirs && k->policy_dirs[i]; i++) {
		const char *dir = k->policy_dirs[i];
		size_t len = strlen(dir);
		bool own = k->policy_own && streq(dir, k->policy_own);

		if (len < n && strncmp(path, dir, len) == 0 && path[len] == '/' &&
			!strchr(path + len + 1, '/'))
			return !k->policy_own ? NULL : policy_layer_words[own ? 1 : above ? 2 : 0];
		above |= own;
	}
	return NULL;
}

static void write_policy(const struct view_input *k, size_t index, struct json_out *o)
{
	const struct view_policy *state = k->policies ? &k->policies[index] : NULL;
	struct policy_info info;

	policy_set_info(k->set, index, &info);
	json_out_key_string(o, "name", info.name);
	json_out_key_string(o, "path", info.path);
	json_out_key_string(o, "layer", layer_of(k, info.path));
	json_out_key_string(o, "description", info.description);
	json_out_key_string(o, "on_calendar", info.on_calendar);
	json_out_key_string(o, "condition", info.condition);
	json_out_key_u64(o, "lasting_usec", info.lasting_usec);
	json_out_key_bool(o, "has_match", info.has_match);
	json_out_key_bool(o, "stale", info.stale);
	json_out_key(o, "open");
	if (state)
		json_out_bool(o, state->open);
	else
		json_out_null(o);
	json_out_key_u64(o, "matching", state ? state->matching : UINT64_MAX);
	json_out_key_u64(o, "active", state ? state->active : UINT64_MAX);
	json_out_key_time(o, "next_change", state ? state->change_real_usec : USEC_INFINITY);
}

void write_next_change(const struct view_input *k, struct json_out *o)
{
	size_t n = k->policies ? policy_set_count(k->set) : 0, written = 0;

	json_out_key_time(o, "next_change", k->policies_change_real_usec);
	json_out_key(o, "next_changes");
	json_out_open(o, '[');
	for (size_t i = 0; i < n && written < NEXT_CHANGES_MAX; i++) {
		const struct view_policy *p = &k->policies[i];
		struct policy_info info;

		if (k->policies_change_real_usec == USEC_INFINITY ||
			p->change_real_usec != k->policies_change_real_usec)
			continue;
		policy_set_info(k->set, i, &info);
		json_out_open(o, '{');
		json_out_key_string(o, "policy", info.name);
		json_out_key_bool(o, "opens", !p->open);
		json_out_close(o, '}');
		written++;
	}
	json_out_close(o, ']');
}

/* Of one the text too: a list of them would be long. */
void serve_policy(const struct view_input *k, size_t index, struct json_out *o)
{
	const char *path, *text;
	size_t len;

	json_out_open(o, '{');
	write_policy(k, index, o);
	text = policy_set_text(k->set, index, 0, &path, &len);
	json_out_key_string(o, "text", text);
	json_out_key(o, "drop_ins");
	json_out_open(o, '[');
	for (size_t i = 1; policy_set_text(k->set, index, i, &path, &len); i++)
		json_out_string(o, path);
	json_out_close(o, ']');
	json_out_close(o, '}');
}

void serve_overrides(const struct view_input *k, size_t index, struct json_out *o)
{
	const struct snapshot *s = k->snapshot;
	const struct uuid *guest = &s->guests[index].id.uuid;
	char uuid[UUID_TEXT_MAX];

	json_out_open(o, '{');
	json_out_key_string(o, "guest", uuid_format(guest, uuid));
	json_out_key(o, "overrides");
	write_overrides(o, s->overrides, s->n_overrides, guest, s->now_boot_usec, s->now_real_usec);
	json_out_close(o, '}');
}

/* A directory has no lines. */
static void write_lost(struct json_out *o, const struct policy_set *set)
{
	const struct diag_list *lost = set ? policy_set_lost(set) : NULL;

	json_out_key(o, "bad");
	json_out_open(o, '[');
	for (size_t i = 0; lost && i < lost->n; i++) {
		const struct diag *d = &lost->items[i];

		json_out_open(o, '{');
		json_out_key_string(o, "path", d->file);
		json_out_key_u64(o, "line", d->line ? d->line : UINT64_MAX);
		json_out_key_u64(o, "column", d->col ? d->col : UINT64_MAX);
		json_out_key_string(o, "text", d->text);
		json_out_close(o, '}');
	}
	json_out_close(o, ']');
}

void serve_policies(const struct view_input *k, size_t index, struct json_out *o)
{
	size_t n = k->set ? policy_set_count(k->set) : 0;
	char digest[24];

	json_out_open(o, '{');
	json_out_key(o, "policies");
	json_out_open(o, '[');
	for (size_t i = 0; i < n; i++) {
		json_out_open(o, '{');
		write_policy(k, i, o);
		json_out_close(o, '}');
	}
	json_out_close(o, ']');
	write_lost(o, k->set);
	write_next_change(k, o);
	json_out_key_u64(o, "generation", k->set ? policy_set_generation(k->set) : UINT64_MAX);
	snprintf(digest, sizeof(digest), "%016llx",
		k->set ? (unsigned long long)policy_set_digest(k->set) : 0);
	json_out_key_string(o, "digest", k->set ? digest : NULL);
	json_out_close(o, '}');
}

/* By whichever of its two clocks it ends first, as wall time. */
static uint64_t override_end(
	const struct override *v, uint64_t now_boot_usec, uint64_t now_real_usec)
{
	const struct snapshot clocks = {
		.now_boot_usec = now_boot_usec, .now_real_usec = now_real_usec};

	return MIN(snapshot_real_usec(&clocks, v->until_boot_usec), v->until_real_usec);
}

void write_overrides(struct json_out *o, const struct override *overrides, size_t n,
	const struct uuid *guest, uint64_t now_boot_usec, uint64_t now_real_usec)
{
	json_out_open(o, '[');
	for (size_t i = 0; i < n; i++) {
		const struct override *v = &overrides[i];

		if (!uuid_equal(&v->guest, guest))
			continue;
		json_out_open(o, '{');
		json_out_key_string(o, "section", v->section);
		json_out_key_string(o, "key", v->key);
		json_out_key_string(o, "value", v->value);
		json_out_key_string(o, "by", v->by);
		json_out_key_string(o, "reason", v->reason);
		json_out_key_time(o, "until", override_end(v, now_boot_usec, now_real_usec));
		json_out_close(o, '}');
	}
	json_out_close(o, ']');
}
