/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "common/units.h"

/* An answer as it came; what is no JSON is NULL. A number that cannot be read is null: the others
 * say what they say. */
json_t *get_json(const char *text, size_t len) _nonnull_ _must_check_;
/* Reading of answers. path is a JSON Pointer without escapes ("/memory/actual"). What is not there
 * reads as nothing: a newer or older daemon must not end the client. */
const json_t *get_at(const json_t *value, const char *path) _nonnull_args_(2);
const char *get_string(const json_t *value, const char *path, const char *otherwise)
	_nonnull_args_(2);
/* The same to be printed as it is: made printable (common/printable.h). Good until the eighth call
 * after it. */
const char *get_shown(const json_t *value, const char *path, const char *otherwise)
	_nonnull_args_(2);
/* null and what is not there: otherwise. */
uint64_t get_number(const json_t *value, const char *path, uint64_t otherwise) _nonnull_args_(2);
bool get_bool(const json_t *value, const char *path) _nonnull_args_(2);
/* RFC 3339 to microseconds; 0: none. */
uint64_t get_time(const json_t *value, const char *path) _nonnull_args_(2);

/* For people; "-" for what is not known (UINT64_MAX). Returns buf. */
char *show_size(uint64_t bytes, char buf[static SIZE_TEXT_MAX]);
char *show_permyriad(uint64_t permyriad, char buf[static RATIO_TEXT_MAX]);
/* Two units at most: "3min 20s". */
char *show_span(uint64_t usec, char buf[static SPAN_TEXT_MAX]);
#define SHOW_TIME_MAX 48
/* Local wall time; the date only when it is not the day of now (0: always with date). */
char *show_time(uint64_t real_usec, uint64_t now_real_usec, char buf[static SHOW_TIME_MAX]);
