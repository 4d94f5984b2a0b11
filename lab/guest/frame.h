/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * What lab-shell (in the guest) and lab-mux (on the host) say to each other over the virtio-serial
 * port, and lab-run to lab-mux over a packet socket. Either end may die in the middle of a frame
 * and come back, so frames are delimited (SLIP, RFC 1055) and carry their length: after any cut the
 * next delimiter is a clean start.
 *
 * A stream is one command as one client sees it; the host chooses its number. A job is a command
 * that outlives its client; the guest chooses its number.
 */
enum frame_type {
	/* host to guest */
	/* stream 0, nonce: a new host end; foreground commands of the old one are killed */
	FRAME_HELLO,
	FRAME_ARG,    /* a piece of the NUL-terminated arguments, in order */
	FRAME_RUN,    /* start what the FRAME_ARGs said; payload: one byte of enum run_flags */
	FRAME_STDIN,  /* input for the command; empty: end of input */
	FRAME_ATTACH, /* payload: job number as text; its output so far, then live, then its exit */
	FRAME_SIGNAL, /* payload: "SIGNAL JOB" as text */
	FRAME_LIST,   /* one line for each job */
	FRAME_DROP,   /* the client went: kill a foreground command, let go of a job */
	/* guest to host */
	FRAME_ACK,    /* stream 0, the nonce of the HELLO; none: this end is new, say HELLO */
	FRAME_JOB,    /* the job's number as text; the stream ends */
	FRAME_OUT,    /* standard output */
	FRAME_ERR,    /* standard error */
	FRAME_CREDIT, /* payload: text, so many more bytes of input may be sent */
	FRAME_EXIT,   /* payload: one byte, the exit code as a shell gives it; the stream ends */
	FRAME_FAIL,   /* payload: why, as text; the stream ends */
	_FRAME_TYPE_MAX,
	_FRAME_TYPE_INVALID = -EINVAL,
};

enum run_flags {
	RUN_DETACHED = 1 << 0, /* a job: runs on when the client goes */
	RUN_STDIN = 1 << 1,    /* the client sends input; without it standard input is empty */
};

/* A port takes a write of this size whole or not at all, even with every byte escaped. */
#define FRAME_PAYLOAD_MAX 960
#define FRAME_WIRE_MAX    (2 * (FRAME_PAYLOAD_MAX + 7) + 2)
/* Input that a client may send before the guest asks for more. */
#define FRAME_STDIN_WINDOW 16384

struct frame {
	uint32_t stream;
	uint8_t type;
	uint16_t size;
	uint8_t data[FRAME_PAYLOAD_MAX + 1]; /* room for a NUL that text readers put behind it */
};

struct frame_decoder {
	uint8_t raw[FRAME_PAYLOAD_MAX + 7];
	size_t size;
	bool escaped, broken;
};

/* Fills a frame; size above FRAME_PAYLOAD_MAX is cut. */
_nonnull_args_(1) void frame_set(
	struct frame *f, uint8_t type, uint32_t stream, const void *data, size_t size);

/* Writes the frame as it goes over the port; out has FRAME_WIRE_MAX bytes. Returns the bytes
 * used. */
_nonnull_ size_t frame_encode(const struct frame *f, uint8_t *out);

/* Takes one byte; true when it completed a valid frame, now in *ret. Damaged frames are dropped in
 * silence. */
_nonnull_ bool frame_decode(struct frame_decoder *d, uint8_t byte, struct frame *ret);
