/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lab/guest/frame.h"

enum {
	SLIP_END = 0xc0,
	SLIP_ESC = 0xdb,
	SLIP_ESC_END = 0xdc,
	SLIP_ESC_ESC = 0xdd,
	HEADER_SIZE = 7,
};

void frame_set(struct frame *f, uint8_t type, uint32_t stream, const void *data, size_t size)
{
	f->type = type;
	f->stream = stream;
	f->size = (uint16_t)MIN(size, (size_t)FRAME_PAYLOAD_MAX);
	if (f->size > 0)
		memcpy(f->data, data, f->size);
	f->data[f->size] = 0;
}

static size_t put(uint8_t *out, uint8_t byte)
{
	if (byte != SLIP_END && byte != SLIP_ESC) {
		out[0] = byte;
		return 1;
	}
	out[0] = SLIP_ESC;
	out[1] = byte == SLIP_END ? SLIP_ESC_END : SLIP_ESC_ESC;
	return 2;
}

size_t frame_encode(const struct frame *f, uint8_t *out)
{
	const uint8_t header[HEADER_SIZE] = {
		f->type,
		(uint8_t)(f->stream >> 24),
		(uint8_t)(f->stream >> 16),
		(uint8_t)(f->stream >> 8),
		(uint8_t)f->stream,
		(uint8_t)(f->size >> 8),
		(uint8_t)f->size,
	};
	size_t n = 0;

	/* A delimiter in front as well: it ends whatever half frame a dead writer left behind. */
	out[n++] = SLIP_END;
	for (size_t i = 0; i < sizeof(header); i++)
		n += put(out + n, header[i]);
	for (size_t i = 0; i < f->size; i++)
		n += put(out + n, f->data[i]);
	out[n++] = SLIP_END;
	return n;
}

static bool finish(struct frame_decoder *d, struct frame *ret)
{
	const uint8_t *raw = d->raw;
	bool whole = !d->broken && !d->escaped && d->size >= HEADER_SIZE;
	size_t size = whole ? (size_t)raw[5] << 8 | raw[6] : 0;
	uint32_t stream;

	whole = whole && d->size == HEADER_SIZE + size && raw[0] < _FRAME_TYPE_MAX;
	if (whole) {
		stream = (uint32_t)raw[1] << 24 | (uint32_t)raw[2] << 16 | (uint32_t)raw[3] << 8 |
			 raw[4];
		frame_set(ret, raw[0], stream, raw + HEADER_SIZE, size);
	}
	*d = (struct frame_decoder){0};
	return whole;
}

bool frame_decode(struct frame_decoder *d, uint8_t byte, struct frame *ret)
{
	if (byte == SLIP_END)
		return finish(d, ret);
	if (byte == SLIP_ESC && !d->escaped) {
		d->escaped = true;
		return false;
	}
	if (d->escaped) {
		d->escaped = false;
		if (byte == SLIP_ESC_END)
			byte = SLIP_END;
		else if (byte == SLIP_ESC_ESC)
			byte = SLIP_ESC;
		else
			d->broken = true;
	}
	if (d->size == sizeof(d->raw))
		d->broken = true;
	else
		d->raw[d->size++] = byte;
	return false;
}
