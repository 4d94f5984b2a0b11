/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lab/guest/frame.h"

#include "tests/test.h"

/* Feeds bytes; returns how many frames came out, the last one in *ret. */
static int feed(struct frame_decoder *d, const uint8_t *bytes, size_t n, struct frame *ret)
{
	int frames = 0;

	for (size_t i = 0; i < n; i++)
		frames += frame_decode(d, bytes[i], ret);
	return frames;
}

TEST(every_payload_comes_back)
{
	uint8_t data[FRAME_PAYLOAD_MAX], wire[FRAME_WIRE_MAX];
	struct frame_decoder d = {0};
	struct frame f, got;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t size = 0; size <= sizeof(data); size += 37) {
		frame_set(&f, FRAME_OUT, 0xc0dbdcdd, data, size);
		CHECK_INT(feed(&d, wire, frame_encode(&f, wire), &got), 1);
		CHECK_INT(got.type, FRAME_OUT);
		CHECK_U64(got.stream, 0xc0dbdcdd);
		CHECK_U64(got.size, size);
		CHECK(memcmp(got.data, data, size) == 0);
	}
}

TEST(the_worst_payload_fits_the_wire)
{
	uint8_t data[FRAME_PAYLOAD_MAX], wire[FRAME_WIRE_MAX];
	struct frame_decoder d = {0};
	struct frame f, got;
	size_t n;

	memset(data, 0xc0, sizeof(data));
	frame_set(&f, FRAME_OUT, 0xc0c0c0c0, data, sizeof(data) + 5);
	CHECK_U64(f.size, FRAME_PAYLOAD_MAX);
	n = frame_encode(&f, wire);
	CHECK(n <= FRAME_WIRE_MAX);
	CHECK_INT(feed(&d, wire, n, &got), 1);
	CHECK(memcmp(got.data, data, sizeof(data)) == 0);
}

TEST(a_cut_frame_costs_only_itself)
{
	uint8_t wire[FRAME_WIRE_MAX];
	struct frame f, got;
	size_t n;

	frame_set(&f, FRAME_ERR, 7, "hello", 5);
	n = frame_encode(&f, wire);
	for (size_t cut = 0; cut < n - 1; cut++) { /* without its last byte it is whole */
		struct frame_decoder d = {0};

		CHECK_INT(feed(&d, wire, cut, &got), 0);
		CHECK_INT(feed(&d, wire, n, &got), 1);
		CHECK_STR((const char *)got.data, "hello");
	}
}

TEST(damage_is_dropped_and_the_next_frame_is_whole)
{
	const uint8_t end = 0xc0;
	uint8_t wire[FRAME_WIRE_MAX], junk[3 * FRAME_PAYLOAD_MAX];
	struct frame f, got;
	size_t n;

	frame_set(&f, FRAME_EXIT, 1, "\0", 1);
	n = frame_encode(&f, wire);
	for (unsigned int seed = 1; seed < 300; seed++) {
		struct frame_decoder d = {0};
		size_t size = seed * 9 % sizeof(junk);

		for (size_t i = 0; i < size; i++)
			junk[i] = (uint8_t)(seed * 2654435761U >> (i % 24));
		feed(&d, junk, size, &got);
		feed(&d, &end, 1, &got);
		CHECK_INT(feed(&d, wire, n, &got), 1);
		CHECK_INT(got.type, FRAME_EXIT);
	}
}

TEST(an_unknown_type_is_dropped)
{
	uint8_t wire[FRAME_WIRE_MAX];
	struct frame_decoder d = {0};
	struct frame f, got;

	frame_set(&f, _FRAME_TYPE_MAX, 1, "x", 1);
	CHECK_INT(feed(&d, wire, frame_encode(&f, wire), &got), 0);
}

TEST_MAIN()
