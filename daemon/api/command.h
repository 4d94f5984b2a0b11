/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/api/route.h"

/* Commands: what their bodies are, how a call is prepared (HTTP thread) and run (main loop).
 * Signatures: route.h. */
extern const struct json_field mode_fields[];
extern const struct json_field pause_fields[];
extern const struct json_field policy_fields[];
/* A policy that is tried: its name and its text. */
#define POLICY_TRIAL_FIELDS                                                                     \
	{.name = "name",                                                                        \
		.type = JSON_WANT_STRING,                                                       \
		.min = 1,                                                                       \
		.max = API_POLICY_NAME_MAX,                                                     \
		.summary = "under which it would be there; new.policy unless told"},            \
	{                                                                                       \
		.name = "text", .type = JSON_WANT_STRING, .min = 1, .max = API_POLICY_TEXT_MAX, \
		.summary = "the whole file; left out: if the API's file of that name were gone" \
	}
extern const struct json_field validate_fields[];
extern const struct json_field preview_fields[];
extern const struct json_field override_fields[];
extern const struct json_field reservation_fields[];

int prepare_mode(struct api_call *call, struct problem *p);
int prepare_pause(struct api_call *call, struct problem *p);
int prepare_override(struct api_call *call, struct problem *p);
int prepare_reserve(struct api_call *call, struct problem *p);
int prepare_unreserve(struct api_call *call, struct problem *p);

int prepare_policy(struct api_call *call, struct problem *p);
int prepare_operation(struct api_call *call, struct problem *p);
int prepare_validate(struct api_call *call, struct problem *p);
int prepare_preview(struct api_call *call, struct problem *p);
/* Name and text of a policy in a body. */
int take_policy(
	struct api_policy_request *req, const json_t *from, const char *pointer, struct problem *p);

void run_policy_put(struct api *a, struct api_call *call, const struct view_input *k, size_t index);
void run_policy_delete(
	struct api *a, struct api_call *call, const struct view_input *k, size_t index);
void run_validate(struct api *a, struct api_call *call, const struct view_input *k, size_t index);
void run_preview(struct api *a, struct api_call *call, const struct view_input *k, size_t index);
void run_operations(struct api *a, struct api_call *call, const struct view_input *k, size_t index);
void run_operation(struct api *a, struct api_call *call, const struct view_input *k, size_t index);
void run_operation_cancel(
	struct api *a, struct api_call *call, const struct view_input *k, size_t index);
void run_mode(struct api *a, struct api_call *call, const struct view_input *k, size_t index);
void run_pause_set(struct api *a, struct api_call *call, const struct view_input *k, size_t index);
void run_pause_clear(
	struct api *a, struct api_call *call, const struct view_input *k, size_t index);
void run_reload(struct api *a, struct api_call *call, const struct view_input *k, size_t index);
void run_override_set(
	struct api *a, struct api_call *call, const struct view_input *k, size_t index);
void run_override_clear(
	struct api *a, struct api_call *call, const struct view_input *k, size_t index);
void run_enroll(struct api *a, struct api_call *call, const struct view_input *k, size_t index);
void run_reserve(struct api *a, struct api_call *call, const struct view_input *k, size_t index);
void run_unreserve(struct api *a, struct api_call *call, const struct view_input *k, size_t index);
/* These two only read; they are here because the merge of policies belongs to the main loop. */
void run_effective(struct api *a, struct api_call *call, const struct view_input *k, size_t index);
void run_explain(struct api *a, struct api_call *call, const struct view_input *k, size_t index);
/* Of no route: what stands before one. */
void run_authorize(struct api *a, struct api_call *call, const struct view_input *k, size_t index);
