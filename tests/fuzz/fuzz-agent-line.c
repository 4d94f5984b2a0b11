/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest may write: the first byte is the size of the pieces in which the rest arrives. The
 * same lines come out as in one piece, and what is accepted is printable and does not contradict
 * itself. */
#include "daemon/channel/intake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *s, size_t size)
{
	if (!memchr(s, '\0', size))
		abort();
	for (; *s; s++)
		if (*s < 0x20 || *s > 0x7e)
			abort();
}

static void check_accepted(const struct line *line)
{
	const struct guest_report *r = &line->report;
	const char *reason;

	if (line->type == LINE_HELLO) {
		check_text(line->hello.version, sizeof(line->hello.version));
		check_text(line->hello.os, sizeof(line->hello.os));
		check_text(line->hello.kernel, sizeof(line->hello.kernel));
		if (line->hello.proto != 1 || line->hello.boot_id == 0 ||
			line->hello.page_bytes < 4096)
			abort();
		return;
	}
	if (line_check_report(r, &reason) < 0 || r->boot_id == 0 || r->source != REPORT_AGENT ||
		r->arrival_usec != 0 || line->n_filesystems > FILESYSTEMS_MAX)
		abort();
	for (size_t i = 0; i < line->n_filesystems; i++)
		check_text(line->filesystems[i].mount, sizeof(line->filesystems[i].mount));
	/* Nothing follows itself. */
	if (line_check_order(r, r, &reason) == 0)
		abort();
}

/* Sums up every line and its verdict. */
static uint64_t digest(struct intake *in, const char *data, size_t len, uint64_t sum)
{
	struct intake_line text;

	while (intake_next(in, &data, &len, &text)) {
		const char *reason = NULL;
		struct line line;
		int r = text.text ? line_parse(text.text, text.len, &line, &reason) : -EMSGSIZE;

		if (r == 0)
			check_accepted(&line);
		else if (text.text && (!reason || (r != -EBADMSG && r != -ERANGE)))
			abort();
		sum = sum * 31 + (uint64_t)(-r) * 7 + (text.text ? text.len : 0);
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct intake in;
	size_t piece, len = size - 1;
	const char *text = (const char *)data + 1;
	uint64_t whole, pieces = 0;

	if (size < 1)
		return 0;
	piece = data[0] ? data[0] : 4096;
	intake_reset(&in);
	whole = digest(&in, text, len, 0);
	intake_reset(&in);
	for (size_t at = 0; at < len; at += piece)
		pieces = digest(&in, text + at, MIN(piece, len - at), pieces);
	intake_reset(&in);
	if (whole != pieces)
		abort();
	return 0;
}
