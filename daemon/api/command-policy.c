/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands about policies: written, removed, tried. */
#include <ctype.h>
#include <stdio.h>

#include "common/units.h"
#include "daemon/api/command.h"
#include "daemon/api/internal.h"

static const char suffix[] = ".policy";

const struct json_field policy_fields[] = {
	{.name = "text",
		.type = JSON_WANT_STRING,
		.required = true,
		.min = 1,
		.max = API_POLICY_TEXT_MAX,
		.summary = "the whole file, as ballast.policy(5) has it"},
	{.name = NULL},
};

const struct json_field validate_fields[] = {
	POLICY_TRIAL_FIELDS,
	{.name = "at",
		.type = JSON_WANT_TIME,
		.summary = "what would hold at this time; now unless told"},
	{.name = NULL},
};

/* Letters that no file system, shell or log makes anything of; what begins with a dot is not
 * read. */
static bool name_is_good(const char *name, size_t len)
{
	if (!len || name[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("_.-", name[i]))
			return false;
	return true;
}

/* With its suffix, which people leave away. Returns 0 or -EINVAL. */
static int take_name(const char *word, char name[static API_POLICY_NAME_MAX + 1])
{
	size_t n = strlen(word), s = sizeof(suffix) - 1;
	bool has = n > s && streq(word + n - s, suffix);

	if (!name_is_good(word, n) || n + (has ? 0 : s) > API_POLICY_NAME_MAX)
		return -EINVAL;
	snprintf(name, API_POLICY_NAME_MAX + 1, "%s%s", word, has ? "" : suffix);
	return 0;
}

#define NAME_RULE \
	"a policy's name is of letters, digits, \"_\", \"-\" and \".\", does not begin with a dot, and has at most 128 bytes with its .policy"

/* text NULL: it has none. */
static void take_text(struct api_policy_request *req, const json_t *from)
{
	const json_t *text = json_object_get(from, "text");

	req->text = json_string_value(text);
	req->len = json_string_length(text);
}

int prepare_policy(struct api_call *call, struct problem *p)
{
	if (take_name(call->value, call->request.policy.name) < 0) {
		problem_set(p, API_PROBLEM_QUERY_INVALID, "\"%.128s\": " NAME_RULE, call->value);
		snprintf(p->parameter, sizeof(p->parameter), "policy");
		return -1;
	}
	if (call->body)
		take_text(&call->request.policy, call->body);
	return 0;
}

int take_policy(
	struct api_policy_request *req, const json_t *from, const char *pointer, struct problem *p)
{
	const char *name = json_string_value(json_object_get(from, "name"));

	if (take_name(name ? name : "new", req->name) < 0) {
		problem_set(p, API_PROBLEM_BODY_INVALID, "%s: " NAME_RULE, pointer);
		p->has_pointer = true;
		snprintf(p->pointer, sizeof(p->pointer), "%s", pointer);
		return -1;
	}
	take_text(req, from);
	if (req->text || name)
		return 0;
	problem_set(p, API_PROBLEM_BODY_INVALID,
		"%.*s/text: missing; only of a policy with a name it can be asked what would be if it were gone",
		(int)(strrchr(pointer, '/') - pointer), pointer);
	p->has_pointer = true;
	snprintf(p->pointer, sizeof(p->pointer), "%.*s/text",
		(int)(strrchr(pointer, '/') - pointer), pointer);
	return -1;
}

int prepare_validate(struct api_call *call, struct problem *p)
{
	const char *at = json_string_value(json_object_get(call->body, "at"));
	struct api_policy_request *req = &call->request.policy;

	if (at && json_time_parse(at, &req->at_real_usec) < 0)
		return problem_set(p, API_PROBLEM_BODY_INVALID, "/at: not a time");
	return take_policy(req, call->body, "/name", p);
}

void run_policy_put(struct api *a, struct api_call *call, const struct view_input *k, size_t index)
{
	a->config.ops->policy_put(a->config.userdata, call, &call->request.policy);
}

void run_policy_delete(
	struct api *a, struct api_call *call, const struct view_input *k, size_t index)
{
	a->config.ops->policy_delete(a->config.userdata, call, &call->request.policy);
}

void run_validate(struct api *a, struct api_call *call, const struct view_input *k, size_t index)
{
	a->config.ops->policy_validate(a->config.userdata, call, &call->request.policy);
}
