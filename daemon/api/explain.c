/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "common/units.h"
#include "common/shell-word.h"
#include "daemon/api/command.h"
#include "daemon/api/explain.h"
#include "daemon/api/internal.h"
#include "daemon/api/serve.h"

/* Effective settings and explanations of one guest. Main loop: they read its decide_state. */

static const struct guest_policy *find_policy(const struct view_input *k, size_t index)
{
	return k->state ? decide_state_guest_policy(k->state, &k->snapshot->guests[index].id.uuid)
			: NULL;
}

struct settings_writer {
	struct json_out *o;
	bool all; /* or only those that somebody set */
};

static int write_setting(const char *section, const char *key, const char *value,
	const struct origin *origin, bool in_force, void *userdata)
{
	const struct settings_writer *w = userdata;
	bool override = origin->file && streq(origin->file, "override");
	struct json_out *o = w->o;

	if (!w->all && !origin->file)
		return 0;
	json_out_open(o, '{');
	json_out_key_string(o, "section", section);
	json_out_key_string(o, "key", key);
	json_out_key_string(o, "value", value);
	json_out_key_bool(o, "in_force", in_force);
	json_out_key(o, "origin");
	json_out_open(o, '{');
	json_out_key_string(o, "kind",
		!origin->file ? "default"
		: override    ? "override"
			      : "policy");
	json_out_key_string(o, "policy", origin->policy);
	json_out_key_string(o, "file", override ? NULL : origin->file);
	json_out_key_u64(o, "line", origin->line && !override ? origin->line : UINT64_MAX);
	json_out_close(o, '}');
	json_out_close(o, '}');
	return 0;
}

static void write_settings(struct json_out *o, const struct guest_policy *gp, bool all)
{
	struct settings_writer w = {o, all};

	json_out_key(o, "settings");
	json_out_open(o, '[');
	guest_policy_visit(gp, write_setting, &w);
	json_out_close(o, ']');
}

/* Those that match, in merge order. */
static void write_policies(
	struct json_out *o, const struct view_input *k, const struct guest_policy *gp)
{
	size_t n = k->set ? policy_set_count(k->set) : 0;

	json_out_key(o, "policies");
	json_out_open(o, '[');
	for (size_t i = 0; i < n; i++) {
		struct policy_info info;

		if (!guest_policy_matches(gp, i))
			continue;
		policy_set_info(k->set, i, &info);
		json_out_open(o, '{');
		json_out_key_string(o, "name", info.name);
		json_out_key_string(o, "path", info.path);
		json_out_key_bool(o, "matches", true);
		json_out_key_bool(
			o, "open", policy_windows_open(decide_state_windows(k->state), i));
		json_out_key_bool(o, "active", guest_policy_active(gp, i));
		json_out_key_string(o, "on_calendar", info.on_calendar);
		json_out_key_string(o, "condition", info.condition);
		json_out_key_bool(o, "stale", info.stale);
		json_out_close(o, '}');
	}
	json_out_close(o, ']');
}

static void reply_undecided(struct api_call *call, const struct guest_sample *g)
{
	api_call_problem(call, API_PROBLEM_NOT_READY,
		"nothing was decided for \"%s\" yet: try again in a second", g->id.name);
}

void run_effective(struct api *a, struct api_call *call, const struct view_input *k, size_t index)
{
	const struct guest_sample *g = &k->snapshot->guests[index];
	const struct guest_policy *gp = find_policy(k, index);
	_cleanup_json_out_ struct json_out o = {0};
	char uuid[UUID_TEXT_MAX];

	if (!gp) {
		reply_undecided(call, g);
		return;
	}
	json_out_open(&o, '{');
	json_out_key_string(&o, "guest", g->id.name);
	json_out_key_string(&o, "uuid", uuid_format(&g->id.uuid, uuid));
	write_settings(&o, gp, true);
	write_policies(&o, k, gp);
	json_out_close(&o, '}');
	api_call_reply_text(call, 200, &o);
}

/* ---- sentences ---- */

static const struct {
	const char *word, *sentence;
} condition_sentences[] = {
	{"pressed", "it is short of memory, by its own word: it is served before others and "
		    "not shrunk"},
	{"stale",
		"nothing is heard of its agent: it is not shrunk below what it last used, and its "
		"headroom"},
	{"stuck", "its balloon does not move: it is left out of the division and tried again, with "
		  "growing pauses"},
	{"breaker", "it holds more memory on the host than it is charged for: it is counted at its "
		    "maximum"},
	{"not-credible",
		"it asks for memory without using what it was given: its pressure counts less"},
	{"booting", "it is starting: counted at its maximum until its driver and its agent have "
		    "answered"},
	{"unknown", "nothing was heard of its use of memory: it is left as it is"},
	{"quarantined", "a libvirt call on it is overdue: it gets no command until it answers"},
	{"refused",
		"libvirt refused its last memory command: it gets the next one after a pause, longer each "
		"time (its events say why)"},
	{"job", "a libvirt job runs on it (save, dump, migration): it gets no memory command until that "
		"ends"},
	{"paused", "it is not running: counted, never commanded"},
};

static void say_condition(const char *word, void *userdata)
{
	for (size_t i = 0; i < ARRAY_SIZE(condition_sentences); i++)
		if (streq(condition_sentences[i].word, word))
			explain_say(userdata, "%s: %s", word, condition_sentences[i].sentence);
}

static void say_shut_out(struct json_out *o, const struct guest_sample *g, uint64_t now_boot_usec)
{
	uint64_t left = sub_sat(g->shut_out_usec, now_boot_usec);
	char span[SPAN_TEXT_MAX], word[SHELL_WORD_MAX];

	if (g->shut_out_usec)
		explain_say(o, "its agent is not listened to for another %s, for it misbehaved "
		       "(ballastctl events --guest %s --kind channel-shut says how)",
			span_format(left - left % USEC_PER_SEC, span),
			shell_word(g->id.name, word));
}

static void say_last_change(struct json_out *o, const struct view_guest *v, uint64_t now_real_usec)
{
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX], text[REASON_TEXT_MAX], ago[SPAN_TEXT_MAX];
	uint64_t usec;

	if (!v || !v->changed_real_usec)
		return;
	usec = sub_sat(now_real_usec, v->changed_real_usec);
	explain_say(o, "its last command came %s ago: from %s to %s, %s",
		span_format(usec - usec % USEC_PER_SEC, ago), size_format(v->changed_from_bytes, a),
		size_format(v->changed_to_bytes, b), reason_format(&v->changed_reason, text));
}

static void say_host(struct json_out *o, const struct view_input *k)
{
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX], until[JSON_TIME_MAX];

	if (k->mode == MODE_OBSERVE)
		explain_say(o, "mode is observe: this is what would be done, nothing is touched "
		       "(ballastctl mode enforce goes live)");
	else if (k->pause.on)
		explain_say(o,
			"Ballast is paused until %s by %s%s%s: this is what would be done, nothing is touched "
			"(ballastctl pause --clear ends it)",
			json_time_format(k->pause.until_real_usec, until),
			k->pause.by ? k->pause.by : "?",
			k->pause.message && *k->pause.message ? ", for " : "",
			k->pause.message ? k->pause.message : "");
	if (k->plan)
		explain_say(o, "the host is %s: guests count for %s of a budget of %s",
			host_state_to_string(k->plan->host_state),
			size_format(k->plan->charged_bytes, a),
			size_format(k->plan->budget_bytes, b));
}

static void say_policies(
	struct json_out *o, const struct view_input *k, const struct guest_policy *gp)
{
	size_t n = k->set ? policy_set_count(k->set) : 0;

	for (size_t i = 0; i < n; i++) {
		struct policy_info info;

		if (!guest_policy_matches(gp, i))
			continue;
		policy_set_info(k->set, i, &info);
		if (guest_policy_active(gp, i))
			explain_say(o, "policy %s is in force%s", info.name,
				info.stale ? " (its last good version: the file is bad now)" : "");
		else if (!policy_windows_open(decide_state_windows(k->state), i))
			explain_say(o, "policy %s matches, but its schedule is closed (%s)",
				info.name, info.on_calendar);
		else
			explain_say(o, "policy %s matches, but its condition does not hold (%s)",
				info.name, info.condition);
	}
}

static void say_overrides(struct json_out *o, const struct view_input *k, const struct uuid *guest)
{
	const struct snapshot *s = k->snapshot;
	char left[SPAN_TEXT_MAX];
	uint64_t usec;

	for (size_t i = 0; i < s->n_overrides; i++) {
		const struct override *v = &s->overrides[i];

		if (!uuid_equal(&v->guest, guest))
			continue;
		usec = MIN(sub_sat(v->until_boot_usec, s->now_boot_usec),
			sub_sat(v->until_real_usec, s->now_real_usec));
		span_format(usec - usec % USEC_PER_SEC, left);
		if (usec > 3660 * USEC_PER_DAY)
			snprintf(left, sizeof(left), "until it is cleared");
		explain_say(o, "%s=%s was set by hand by %s, %s%s%s%s", v->key, v->value, v->by,
			usec > 3660 * USEC_PER_DAY ? "" : "for another ", left,
			*v->reason ? ": " : "", v->reason);
	}
}

static void write_text(
	struct json_out *o, const struct view_input *k, size_t index, const struct guest_policy *gp)
{
	const struct guest_sample *g = &k->snapshot->guests[index];

	json_out_key(o, "text");
	json_out_open(o, '[');
	explain_sizes(o, g, plan_guest(k, index), guest_policy_settings(gp));
	guest_conditions(g, plan_guest(k, index), say_condition, o);
	say_shut_out(o, g, k->snapshot->now_boot_usec);
	say_last_change(o, k->guests ? &k->guests[index] : NULL, k->snapshot->now_real_usec);
	say_overrides(o, k, &g->id.uuid);
	say_policies(o, k, gp);
	say_host(o, k);
	json_out_close(o, ']');
}

static void write_changes(struct json_out *o, struct eventlog *log, const struct uuid *guest)
{
	const struct eventlog_filter f = {.newest = true,
		.limit = 10,
		.guest = guest,
		.kind = daemon_event_to_string(DAEMON_EVENT_COMMAND)};
	struct eventlog_page page = {0};

	json_out_key(o, "changes");
	json_out_open(o, '[');
	if (eventlog_read(log, &f, &page) < 0)
		o->failed = true;
	else if (page.n)
		json_out_raw(o, page.text, page.len);
	free(page.text);
	json_out_close(o, ']');
}

static void write_host(struct json_out *o, const struct view_input *k)
{
	json_out_key(o, "host");
	json_out_open(o, '{');
	json_out_key_string(o, "mode", daemon_mode_to_string(k->mode));
	json_out_key_string(o, "state", k->plan ? host_state_to_string(k->plan->host_state) : NULL);
	write_division(o, k->plan);
	json_out_close(o, '}');
}

void run_explain(struct api *a, struct api_call *call, const struct view_input *k, size_t index)
{
	const struct snapshot *s = k->snapshot;
	const struct guest_sample *g = &s->guests[index];
	const struct guest_policy *gp = find_policy(k, index);
	_cleanup_json_out_ struct json_out o = {0};

	if (!gp) {
		reply_undecided(call, g);
		return;
	}
	json_out_open(&o, '{');
	json_out_key(&o, "guest");
	serve_guest(k, index, &o);
	write_host(&o, k);
	write_policies(&o, k, gp);
	write_settings(&o, gp, false);
	json_out_key(&o, "overrides");
	write_overrides(
		&o, s->overrides, s->n_overrides, &g->id.uuid, s->now_boot_usec, s->now_real_usec);
	write_changes(&o, a->config.events, &g->id.uuid);
	write_text(&o, k, index, gp);
	json_out_close(&o, '}');
	api_call_reply_text(call, 200, &o);
}
