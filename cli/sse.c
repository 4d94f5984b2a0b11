/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/sse.h"

#include <stdio.h>

void sse_clear(struct sse *s)
{
	free(s->buf);
	*s = (struct sse){0};
}

/* "name: value" of a line; NULL for another name. A blank behind the colon is none of the value. */
static const char *field(const char *line, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(line, name, n) != 0 || line[n] != ':')
		return NULL;
	return line + n + 1 + (line[n + 1] == ' ');
}

/* A block of lines, each ended by a newline; it is written to. */
static void take_block(char *block, sse_event_fn fn, void *userdata)
{
	char event[64] = "message", id[256] = "", *save = NULL, *data = block, *to = block;
	const char *value;
	bool any = false;

	for (char *line = strtok_r(block, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		line[strcspn(line, "\r")] = '\0';
		if ((value = field(line, "event"))) {
			snprintf(event, sizeof(event), "%s", value);
		} else if ((value = field(line, "id"))) {
			snprintf(id, sizeof(id), "%s", value);
		} else if ((value = field(line, "data"))) {
			/* The first stays where it is; others join it, over lines that were
			 * read. */
			if (!any)
				data = to = (char *)(uintptr_t)value;
			else
				*to++ = '\n';
			memmove(to, value, strlen(value) + 1);
			to += strlen(to);
			any = true;
		}
	}
	if (any)
		fn(event, id, data, userdata);
}

int sse_feed(struct sse *s, const char *bytes, size_t len, sse_event_fn fn, void *userdata)
{
	char *end;

	if (s->len + len + 1 > s->allocated) {
		size_t size = MAX(2 * s->allocated, s->len + len + 1024);
		char *grown = realloc(s->buf, size);

		if (!grown)
			return -ENOMEM;
		s->buf = grown;
		s->allocated = size;
	}
	memcpy(s->buf + s->len, bytes, len);
	s->len += len;
	s->buf[s->len] = '\0';
	/* text has no NUL: one would hide what follows */
	for (size_t i = s->len - len; i < s->len; i++)
		if (!s->buf[i])
			s->buf[i] = '?';
	while ((end = strstr(s->buf, "\n\n"))) {
		size_t n = (size_t)(end - s->buf) + 2;

		end[1] = '\0';
		take_block(s->buf, fn, userdata);
		memmove(s->buf, s->buf + n, s->len - n + 1);
		s->len -= n;
	}
	return s->len > SSE_MAX ? -EMSGSIZE : 0;
}
