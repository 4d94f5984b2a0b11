/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/api/route.h"
#include "daemon/api/schema.h"

/*
 * The OpenAPI 3.1 document, made from the tables: routes (route.c), what they answer (schema-*.c),
 * what they take (struct json_field, struct route_param) and what can go wrong (problem.c,
 * schema-problem.c). It is the same as long as the daemon runs. openapi.c writes the document and
 * its components, openapi-route.c the paths, openapi-schema.c schemas.
 */
void serve_openapi(const struct view_input *k, size_t index, struct json_out *o);

/* ---- between these files ---- */

/* The values of a type, a reference to its component where it is an object that has one. */
void openapi_write_schema_ref(struct json_out *o, const char *name) _nonnull_;
/* {"type": "object", "required": [...], "properties": {...}} */
void openapi_write_object(struct json_out *o, const struct schema *s) _nonnull_;
/* The same of what a client may send, where unknown fields are refused. */
void openapi_write_body(struct json_out *o, const struct json_field *fields) _nonnull_;
/* A problem of one code with its members. */
void openapi_write_problem(struct json_out *o, enum api_problem code) _nonnull_args_(1);
void openapi_write_param_schema(struct json_out *o, const struct route_param *p) _nonnull_;
/* The value of "paths". */
void openapi_write_paths(struct json_out *o) _nonnull_;
/* The tag of a path: "guests" of /v1/guests/{guest}. NULL: it has none, which a test refuses. */
const char *openapi_tag(const char *path) _nonnull_;
/* The member "schema" of what is just text. */
void openapi_write_string_schema(struct json_out *o) _nonnull_;
/* {"$ref": "#/components/KIND/NAME"} */
void openapi_write_ref(struct json_out *o, const char *kind, const char *name) _nonnull_;
/* A response that is one of these problems, a bit per enum api_problem; all have the same
 * status. */
void openapi_write_problems(struct json_out *o, uint64_t codes) _nonnull_;
/* ---- openapi-example.c ---- */

/* What an answer may look like. */
void openapi_write_example(struct json_out *o, const struct schema *s) _nonnull_;
/* The same of what is no object, by its media type, and of a body (JSON). NULL: none, which a test
 * refuses. */
const char *openapi_text_example(const char *media) _nonnull_;
const char *openapi_body_example(const struct route *r) _nonnull_;
/* For the {word} of a path. */
const char *openapi_path_example(enum route_noun noun);
/* What the component of a problem's schema is called: this and its code. */
#define OPENAPI_PROBLEM_PREFIX "Problem."
