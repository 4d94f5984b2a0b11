/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/channel/intake.h"

#define RESYNC 0xff

void intake_reset(struct intake *in)
{
	in->used = 0;
	in->overlong = false;
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
	/* One byte is the newline's, which counts in LINE_BYTES_MAX. */
	if (in->used + len > sizeof(in->partial) - 1)
		in->overlong = true;
	if (in->overlong)
		return;
	memcpy(in->partial + in->used, data, len);
	in->used += len;
}

bool intake_next(struct intake *in, const char **data, size_t *len, struct intake_line *ret)
{
	const char *begin = *data, *newline;
	size_t stretch;

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
	if (in->used == 0 && !in->overlong) {
		*ret = (struct intake_line){.text = begin, .len = stretch};
		if (stretch > LINE_BYTES_MAX - 1)
			ret->text = NULL;
		return true;
	}
	intake_keep(in, begin, stretch);
	*ret = (struct intake_line){.text = in->overlong ? NULL : in->partial, .len = in->used};
	intake_reset(in);
	return true;
}
