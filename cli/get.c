/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/get.h"

#include <stdio.h>
#include <time.h>

#include "common/json.h"
#include "common/printable.h"

json_t *get_json(const char *text, size_t len)
{
	_cleanup_free_ char *calm = NULL;
	json_error_t error;
	json_t *value = json_loadb(text, len, 0, &error);

	if (value || json_error_code(&error) != json_error_numeric_overflow)
		return value;
	calm = malloc(len);
	if (!calm)
		return NULL;
	memcpy(calm, text, len);
	json_calm_numbers(calm, len);
	return json_loadb(calm, len, 0, NULL);
}

const json_t *get_at(const json_t *value, const char *path)
{
	char key[64];

	while (value && *path == '/') {
		size_t n = strcspn(++path, "/");

		snprintf(key, sizeof(key), "%.*s", (int)n, path);
		value = json_is_array(value) ? json_array_get(value, strtoul(key, NULL, 10))
					     : json_object_get(value, key);
		path += n;
	}
	return value;
}

const char *get_string(const json_t *value, const char *path, const char *otherwise)
{
	const char *s = json_string_value(get_at(value, path));

	return s ? s : otherwise;
}

const char *get_shown(const json_t *value, const char *path, const char *otherwise)
{
	static char shown[8][1024];
	static unsigned next;
	const char *s = get_string(value, path, otherwise);

	return s ? printable(s, "", shown[next++ % ARRAY_SIZE(shown)], sizeof(shown[0])) : NULL;
}

uint64_t get_number(const json_t *value, const char *path, uint64_t otherwise)
{
	const json_t *v = get_at(value, path);

	return json_is_integer(v) && json_integer_value(v) >= 0 ? (uint64_t)json_integer_value(v)
								: otherwise;
}

bool get_bool(const json_t *value, const char *path)
{
	return json_is_true(get_at(value, path));
}

uint64_t get_time(const json_t *value, const char *path)
{
	const char *s = get_string(value, path, NULL);
	uint64_t usec;

	return s && json_time_parse(s, &usec) == 0 ? usec : 0;
}

char *show_size(uint64_t bytes, char buf[static SIZE_TEXT_MAX])
{
	if (bytes == UINT64_MAX)
		return strcpy(buf, "-");
	return size_format(bytes, buf);
}

char *show_permyriad(uint64_t permyriad, char buf[static RATIO_TEXT_MAX])
{
	if (permyriad == UINT64_MAX)
		strcpy(buf, "-");
	else
		snprintf(buf, RATIO_TEXT_MAX, "%llu.%llu%%", (unsigned long long)permyriad / 100,
			(unsigned long long)permyriad / 10 % 10);
	return buf;
}

char *show_span(uint64_t usec, char buf[static SPAN_TEXT_MAX])
{
	uint64_t unit = usec >= USEC_PER_DAY	? USEC_PER_HOUR
			: usec >= USEC_PER_HOUR ? USEC_PER_MIN
			: usec >= USEC_PER_SEC	? USEC_PER_SEC
						: USEC_PER_MSEC * 100;

	if (usec < unit)
		return strcpy(buf, "0s");
	return span_format(usec - usec % unit, buf);
}

char *show_time(uint64_t real_usec, uint64_t now_real_usec, char buf[static SHOW_TIME_MAX])
{
	time_t t = (time_t)(real_usec / USEC_PER_SEC), now = (time_t)(now_real_usec / USEC_PER_SEC);
	struct tm tm, today;

	if (!real_usec)
		return strcpy(buf, "-");
	localtime_r(&t, &tm);
	localtime_r(&now, &today);
	if (tm.tm_year == today.tm_year && tm.tm_yday == today.tm_yday)
		strftime(buf, SHOW_TIME_MAX, "%H:%M:%S", &tm);
	else
		strftime(buf, SHOW_TIME_MAX, "%a %Y-%m-%d %H:%M:%S", &tm);
	return buf;
}
