/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/sse.h"

#include <stdio.h>

static void put(struct json_out *o, const char *text, size_t len)
{
	o->comma = false; /* no array of values */
	json_out_raw(o, text, len);
}

/* A field ends at a line break: what comes after one in a word of ours would be another field. */
static void put_field(struct json_out *o, const char *name, const char *value, size_t len)
{
	put(o, name, strlen(name));
	put(o, ": ", 2);
	put(o, value, len);
	put(o, "\n", 1);
}

static void put_word(struct json_out *o, const char *name, const char *value)
{
	put_field(o, name, value, strcspn(value, "\r\n"));
}

void sse_event(struct json_out *o, const char *id, const char *event, const char *data, size_t len)
{
	if (id)
		put_word(o, "id", id);
	put_word(o, "event", event);
	for (const char *end = data + len, *line = data;; line++) {
		const char *stop = line;

		while (stop < end && *stop != '\n' && *stop != '\r')
			stop++;
		put_field(o, "data", line, (size_t)(stop - line));
		if (stop == end)
			break;
		line = stop;
	}
	put(o, "\n", 1);
}

void sse_comment(struct json_out *o, const char *text)
{
	put_word(o, "", text);
	put(o, "\n", 1);
}

void sse_retry(struct json_out *o, unsigned msec)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", msec);
	put_word(o, "retry", text);
	put(o, "\n", 1);
}
