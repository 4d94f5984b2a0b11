/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/channel/intake.h"

#define RESYNC 0xff

void intake_reset(struct intake *in)
{
	free(in->partial);
	*in = (struct intake){};
}

/* Cuts off everything up to the last RESYNC in a stretch without newline; what was kept before it
 * goes as well. */
static void intake_resync(struct intake *in, const char **data, size_t *len)
{
	const char *mark = memrchr(*data, RESYNC, *len);

	if (!mark)
		return;
	intake_reset(in);
	*len -= (size_t)(mark + 1 - *data);
	*data = mark + 1;
}

/* Adds a stretch to the line that began. */
static void intake_keep(struct intake *in, const char *data, size_t len)
{
	if (len == 0)
		return;
	if (!in->partial && !in->overlong)
		in->partial = malloc(LINE_BYTES_MAX);
	/* One byte is the newline's, which counts in LINE_BYTES_MAX. */
	if (!in->partial || in->used + len > LINE_BYTES_MAX - 1) {
		free(TAKE_PTR(in->partial));
		in->overlong = true;
		return;
	}
	memcpy(in->partial + in->used, data, len);
	in->used += len;
}

bool intake_next(struct intake *in, const char **data, size_t *len, struct intake_line *ret)
{
	const char *begin = *data, *newline;
	size_t stretch;

	if (in->handed)
		intake_reset(in);
	if (*len == 0)
		return false;
	newline = memchr(begin, '\n', *len);
	stretch = newline ? (size_t)(newline - begin) : *len;
	*data += newline ? stretch + 1 : stretch;
	*len -= newline ? stretch + 1 : stretch;
	intake_resync(in, &begin, &stretch);
	if (!newline) {
		intake_keep(in, begin, stretch);
		return false;
	}
	if (!in->partial && !in->overlong) {
		*ret = (struct intake_line){.text = begin, .len = stretch};
		if (stretch > LINE_BYTES_MAX - 1)
			ret->text = NULL;
		return true;
	}
	intake_keep(in, begin, stretch);
	*ret = (struct intake_line){.text = in->partial, .len = in->used};
	in->handed = true;
	return true;
}
