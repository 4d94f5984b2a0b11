/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/command.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/printable.h"
#include "common/units.h"
#include "daemon/api/internal.h"
#include "daemon/sys/clock.h"

/* As daemon/pause.h has it. */
#define PAUSE_MAX_SEC (UINT64_C(31) * 86400)
#define YEAR_SEC (UINT64_C(366) * 86400)

const struct json_field mode_fields[] = {
	{.name = "mode",
		.type = JSON_WANT_ENUM,
		.required = true,
		.words = daemon_mode_names,
		.summary = "observe: look only; enforce: act"},
	{.name = "release",
		.type = JSON_WANT_BOOL,
		.summary = "with observe: first give every guest the size it had before Ballast"},
	{.name = NULL},
};

const struct json_field pause_fields[] = {
	{.name = "for_s",
		.type = JSON_WANT_COUNT,
		.min = 1,
		.max = PAUSE_MAX_SEC,
		.summary = "ends after so many seconds"},
	{.name = "until", .type = JSON_WANT_TIME, .summary = "ends at this time"},
	{.name = "message", .type = JSON_WANT_STRING, .summary = "why, for those who look later"},
	{.name = NULL},
};

static const struct json_field override_memory_fields[] = {
	{.name = "min", .type = JSON_WANT_SIZE, .summary = "not less than this"},
	{.name = "max", .type = JSON_WANT_SIZE, .min = 1, .summary = "not more than this"},
	{.name = "weight",
		.type = JSON_WANT_COUNT,
		.min = 1,
		.max = 10000,
		.summary = "share when memory is short; 100 is usual"},
	{.name = "headroom_permyriad",
		.type = JSON_WANT_COUNT,
		.max = 10000,
		.summary = "kept over what it uses, of that"},
	{.name = NULL},
};

static const struct json_field override_cpu_fields[] = {
	{.name = "weight",
		.type = JSON_WANT_COUNT,
		.min = 1,
		.max = 10000,
		.summary = "share when CPUs are short; 100 is usual"},
	{.name = "quota_permyriad",
		.type = JSON_WANT_COUNT,
		.min = 100,
		.max = 10000 * 1024,
		.summary = "at most so much CPU time; 10000 is one CPU"},
	{.name = NULL},
};

const struct json_field override_fields[] = {
	{.name = "memory",
		.type = JSON_WANT_OBJECT,
		.fields = override_memory_fields,
		.summary = "settings of [Memory]"},
	{.name = "cpu",
		.type = JSON_WANT_OBJECT,
		.fields = override_cpu_fields,
		.summary = "settings of [CPU]"},
	{.name = "for_s",
		.type = JSON_WANT_COUNT,
		.min = 1,
		.max = YEAR_SEC,
		.summary = "ends after so many seconds"},
	{.name = "until", .type = JSON_WANT_TIME, .summary = "ends at this time"},
	{.name = "reason", .type = JSON_WANT_STRING, .summary = "why, for those who look later"},
	{.name = NULL},
};

static const struct json_field preview_override_fields[] = {
	{.name = "memory",
		.type = JSON_WANT_OBJECT,
		.fields = override_memory_fields,
		.summary = "settings of [Memory]"},
	{.name = "cpu",
		.type = JSON_WANT_OBJECT,
		.fields = override_cpu_fields,
		.summary = "settings of [CPU]"},
	{.name = NULL},
};

static const struct json_field preview_policy_fields[] = {
	POLICY_TRIAL_FIELDS,
	{.name = NULL},
};

const struct json_field preview_fields[] = {
	{.name = "guest",
		.type = JSON_WANT_STRING,
		.min = 1,
		.summary = "with overrides: whose, by UUID or name"},
	{.name = "overrides",
		.type = JSON_WANT_OBJECT,
		.fields = preview_override_fields,
		.summary = "if these were all that is set by hand of this guest"},
	{.name = "policy",
		.type = JSON_WANT_OBJECT,
		.fields = preview_policy_fields,
		.summary = "if this policy were there, or gone"},
	{.name = "mode",
		.type = JSON_WANT_ENUM,
		.words = daemon_mode_names,
		.summary = "if this were the mode"},
	{.name = NULL},
};

const struct json_field reservation_fields[] = {
	{.name = "uuid",
		.type = JSON_WANT_UUID,
		.required = true,
		.summary = "of the guest that comes"},
	{.name = "name",
		.type = JSON_WANT_STRING,
		.required = true,
		.min = 1,
		.summary = "of the guest that comes"},
	{.name = "bytes",
		.type = JSON_WANT_SIZE,
		.required = true,
		.min = 1,
		.summary = "its full memory"},
	{.name = "qemu", .type = JSON_WANT_SIZE, .summary = "QEMU's own memory beside it"},
	{.name = "wait_s",
		.type = JSON_WANT_COUNT,
		.max = 60,
		.summary = "refused if there is no room by then; 10 unless told"},
	{.name = NULL},
};

_printf_(3, 4) static int bad_field(struct problem *p, const char *pointer, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	problem_set(p, API_PROBLEM_BODY_INVALID, "%s: %s", *pointer ? pointer : "the body", text);
	p->has_pointer = true;
	snprintf(p->pointer, sizeof(p->pointer), "%s", pointer);
	return -1;
}

/* Words for people stand in lines of logs and on screens. */
static int check_words(const char *words, const char *pointer, struct problem *p)
{
	return printable_is(words) ? 0
				   : bad_field(p, pointer,
					     "control characters, line breaks and what turns text around are not possible here");
}

static uint64_t get_u64(const json_t *object, const char *key, uint64_t otherwise)
{
	const json_t *v = json_object_get(object, key);

	return v ? (uint64_t)json_integer_value(v) : otherwise;
}

int prepare_mode(struct api_call *call, struct problem *p)
{
	struct api_mode_request *req = &call->request.mode;

	req->mode = daemon_mode_from_string(json_string_value(json_object_get(call->body, "mode")));
	req->release = json_is_true(json_object_get(call->body, "release"));
	if (req->release && req->mode != MODE_OBSERVE)
		return bad_field(p, "/release", "goes with mode \"observe\" only");
	return 0;
}

/* How each field of an override reads in a policy file. */
static const struct {
	const char *object, *field, *section, *key;
	char *(*format)(uint64_t value, char *buf);
} override_settings[] = {
	{"memory", "min", "Memory", "Min", size_format_exact},
	{"memory", "max", "Memory", "Max", size_format_exact},
	{"memory", "weight", "Memory", "Weight", NULL},
	{"memory", "headroom_permyriad", "Memory", "Headroom", ratio_format},
	{"cpu", "weight", "CPU", "Weight", NULL},
	{"cpu", "quota_permyriad", "CPU", "Quota", ratio_format},
};
_Static_assert(ARRAY_SIZE(override_settings) <= API_OVERRIDE_SETTINGS_MAX, "room for all");

/* base: where in the body the objects are. */
static int take_setting(struct api_call *call, struct api_override_request *req, const char *base,
	size_t which, uint64_t value, struct problem *p)
{
	struct api_override_setting *s = &req->settings[req->n_settings];
	char *text = call->values[req->n_settings];
	_cleanup_diag_ struct diag d = {0};
	char pointer[64];

	if (override_settings[which].format)
		override_settings[which].format(value, text);
	else
		snprintf(text, sizeof(call->values[0]), "%llu", (unsigned long long)value);
	*s = (struct api_override_setting){
		override_settings[which].section, override_settings[which].key, text};
	req->n_settings++;
	if (override_check(s->section, s->key, s->value, &d) == 0)
		return 0;
	snprintf(pointer, sizeof(pointer), "%s/%s/%s", base, override_settings[which].object,
		override_settings[which].field);
	return bad_field(p, pointer, "%s", d.text ? d.text : "not possible");
}

/* for_s or until, or neither: when something ends. */
static int prepare_end(const struct api_call *call, uint64_t *ret_for_usec,
	uint64_t *ret_until_real_usec, struct problem *p)
{
	const json_t *until = json_object_get(call->body, "until");
	const json_t *for_s = json_object_get(call->body, "for_s");

	*ret_for_usec = *ret_until_real_usec = USEC_INFINITY;
	if (until && for_s)
		return bad_field(p, "/until", "give either until or for_s");
	if (for_s)
		*ret_for_usec = (uint64_t)json_integer_value(for_s) * USEC_PER_SEC;
	if (!until)
		return 0;
	if (json_time_parse(json_string_value(until), ret_until_real_usec) < 0)
		return bad_field(p, "/until", "not a time");
	if (*ret_until_real_usec <= clock_real_usec())
		return bad_field(p, "/until", "%s is in the past", json_string_value(until));
	return 0;
}

int prepare_pause(struct api_call *call, struct problem *p)
{
	struct api_pause_request *req = &call->request.pause;
	const char *message = json_string_value(json_object_get(call->body, "message"));

	if (prepare_end(call, &req->for_usec, &req->until_real_usec, p) < 0)
		return -1;
	if (req->for_usec == USEC_INFINITY && req->until_real_usec == USEC_INFINITY)
		return bad_field(p, "/for_s",
			"missing: a pause has an end, give for_s or until (without one it is mode observe)");
	if (req->until_real_usec != USEC_INFINITY &&
		req->until_real_usec > clock_real_usec() + PAUSE_MAX_SEC * USEC_PER_SEC)
		return bad_field(p, "/until", "more than 31 days ahead: that is mode observe");
	req->message = message ? message : "";
	return check_words(req->message, "/message", p);
}

static int take_settings(struct api_call *call, struct api_override_request *req,
	const json_t *from, const char *base, struct problem *p)
{
	const json_t *memory = json_object_get(from, "memory");
	uint64_t min = get_u64(memory, "min", 0), max = get_u64(memory, "max", BYTES_UNLIMITED);
	char pointer[64];

	if (min > max) {
		snprintf(pointer, sizeof(pointer), "%s/memory/min", base);
		return bad_field(p, pointer, "%llu is more than max, %llu", (unsigned long long)min,
			(unsigned long long)max);
	}
	for (size_t i = 0; i < ARRAY_SIZE(override_settings); i++) {
		const json_t *object = json_object_get(from, override_settings[i].object);
		const json_t *value = json_object_get(object, override_settings[i].field);

		if (value && take_setting(call, req, base, i, (uint64_t)json_integer_value(value),
				     p) < 0)
			return -1;
	}
	return 0;
}

int prepare_override(struct api_call *call, struct problem *p)
{
	struct api_override_request *req = &call->request.override;
	const char *reason = json_string_value(json_object_get(call->body, "reason"));

	if (take_settings(call, req, call->body, "", p) < 0)
		return -1;
	if (!req->n_settings)
		return bad_field(p, "", "nothing to set: give at least one field of memory or cpu");
	req->reason = reason ? reason : "";
	if (check_words(req->reason, "/reason", p) < 0)
		return -1;
	return prepare_end(call, &req->for_usec, &req->until_real_usec, p);
}

int prepare_preview(struct api_call *call, struct problem *p)
{
	struct api_preview_request *req = &call->request.preview;
	const json_t *overrides = json_object_get(call->body, "overrides"),
		     *policy = json_object_get(call->body, "policy");
	const char *mode = json_string_value(json_object_get(call->body, "mode"));

	req->guest_name = json_string_value(json_object_get(call->body, "guest"));
	req->has_overrides = overrides;
	req->has_policy = policy;
	req->has_mode = mode;
	if (req->has_overrides + req->has_policy + req->has_mode != 1)
		return bad_field(p, "", "give one of overrides (with guest), policy and mode");
	if (req->has_overrides != !!req->guest_name)
		return bad_field(p, "/guest",
			req->guest_name ? "goes with overrides" : "missing: whose overrides?");
	if (mode)
		req->mode = daemon_mode_from_string(mode);
	if (policy)
		return take_policy(&req->policy, policy, "/policy/name", p);
	return overrides ? take_settings(call, &req->override, overrides, "/overrides", p) : 0;
}

/* As libvirt has it; what else is in a name that exists must not keep its guest from asking. */
static bool is_domain_name(const char *name)
{
	return !strpbrk(name, "/\n") && name[strspn(name, " \t\r")];
}

int prepare_reserve(struct api_call *call, struct problem *p)
{
	struct api_reserve_request *req = &call->request.reserve;

	if (uuid_parse(json_string_value(json_object_get(call->body, "uuid")), &req->guest) < 0)
		return bad_field(p, "/uuid", "not a UUID");
	req->guest_name = json_string_value(json_object_get(call->body, "name"));
	if (!is_domain_name(req->guest_name))
		return bad_field(p, "/name",
			"not a name that libvirt has for a guest: no / and no line break is possible, nor blanks alone");
	req->bytes = get_u64(call->body, "bytes", 0);
	req->qemu_bytes = get_u64(call->body, "qemu", 0);
	req->wait_usec = get_u64(call->body, "wait_s", 10) * USEC_PER_SEC;
	call->extra_usec = req->wait_usec;
	return 0;
}

int prepare_unreserve(struct api_call *call, struct problem *p)
{
	struct api_unreserve_request *req = &call->request.unreserve;
	const char *s = call->value;
	char *end = NULL;

	if (uuid_parse(s, &req->guest) == 0)
		return 0;
	if (*s >= '1' && *s <= '9' && strlen(s) < 19)
		req->id = strtoull(s, &end, 10);
	if (!end || *end)
		return problem_set(p, API_PROBLEM_RESERVATION_UNKNOWN,
			"there is no reservation \"%.60s\": give its number, or its guest's UUID",
			s);
	return 0;
}

void run_mode(struct api *a, struct api_call *call, const struct view_input *k, size_t index)
{
	a->config.ops->mode_set(a->config.userdata, call, &call->request.mode);
}

void run_pause_set(struct api *a, struct api_call *call, const struct view_input *k, size_t index)
{
	a->config.ops->pause_set(a->config.userdata, call, &call->request.pause);
}

void run_pause_clear(struct api *a, struct api_call *call, const struct view_input *k, size_t index)
{
	a->config.ops->pause_clear(a->config.userdata, call);
}

void run_reload(struct api *a, struct api_call *call, const struct view_input *k, size_t index)
{
	a->config.ops->reload(a->config.userdata, call);
}

/* What a policy says of many guests is cut to each; what is said of one by hand is meant. */
static int check_fits(
	const json_t *memory, const char *base, const struct guest_sample *g, struct problem *p)
{
	static const char *const fields[] = {"min", "max"};
	char wanted[SIZE_TEXT_MAX], most[SIZE_TEXT_MAX], pointer[48];

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		uint64_t bytes = get_u64(memory, fields[i], 0);

		if (bytes <= g->max_bytes)
			continue;
		snprintf(pointer, sizeof(pointer), "%s/memory/%s", base, fields[i]);
		return bad_field(p, pointer,
			"%s is more than %s can have, %s: choose less, or raise its maximum with "
			"virsh setmaxmem --config and start it anew",
			size_format(bytes, wanted), g->id.name, size_format(g->max_bytes, most));
	}
	return 0;
}

void run_override_set(
	struct api *a, struct api_call *call, const struct view_input *k, size_t index)
{
	const struct guest_sample *g = &k->snapshot->guests[index];
	struct problem p = {0};

	if (check_fits(json_object_get(call->body, "memory"), "", g, &p) < 0) {
		api_call_reply_problem(call, &p);
		return;
	}
	call->request.override.guest = g->id.uuid;
	a->config.ops->override_set(a->config.userdata, call, &call->request.override);
}

/* The guest is in the body: there is no noun in the path. */
void run_preview(struct api *a, struct api_call *call, const struct view_input *k, size_t index)
{
	struct api_preview_request *req = &call->request.preview;
	const json_t *memory = json_object_get(json_object_get(call->body, "overrides"), "memory");
	struct view_input known = {0};
	struct problem p = {0};
	ssize_t i;

	if (req->has_overrides) {
		i = a->config.ops->look_guest(a->config.userdata, req->guest_name, &known);
		if (i < 0) {
			problem_set_unknown(&p, API_PROBLEM_GUEST_UNKNOWN, "guest", req->guest_name,
				known.snapshot
					? snapshot_nearest_guest(known.snapshot, req->guest_name)
					: NULL);
			api_call_reply_problem(call, &p);
			return;
		}
		if (check_fits(memory, "/overrides", &known.snapshot->guests[i], &p) < 0) {
			api_call_reply_problem(call, &p);
			return;
		}
		req->override.guest = known.snapshot->guests[i].id.uuid;
	}
	a->config.ops->plan_preview(a->config.userdata, call, req);
}

void run_override_clear(
	struct api *a, struct api_call *call, const struct view_input *k, size_t index)
{
	const struct snapshot *s = k->snapshot;
	struct uuid guest = index < s->n_guests ? s->guests[index].id.uuid
						: s->overrides[index - s->n_guests].guest;

	a->config.ops->override_clear(a->config.userdata, call, &guest);
}

void run_enroll(struct api *a, struct api_call *call, const struct view_input *k, size_t index)
{
	struct uuid guest = k->snapshot->guests[index].id.uuid;

	a->config.ops->enroll(a->config.userdata, call, &guest);
}

void run_reserve(struct api *a, struct api_call *call, const struct view_input *k, size_t index)
{
	a->config.ops->reserve(a->config.userdata, call, &call->request.reserve);
}

void run_unreserve(struct api *a, struct api_call *call, const struct view_input *k, size_t index)
{
	a->config.ops->unreserve(a->config.userdata, call, &call->request.unreserve);
}

void run_authorize(struct api *a, struct api_call *call, const struct view_input *k, size_t index)
{
	a->config.ops->authorize(a->config.userdata, call, &call->request.authorize);
}
