/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_WIRE_CAPTURE_H
#define VS_WIRE_CAPTURE_H

/*
 * Captures and wire taps.
 *
 * VS_OP_CAPTURE makes a capture and returns one end of a SOCK_SEQPACKET pair, its control socket. There the
 * program sends the files, which it has opened with its own rights, one with each message, and starts it:
 *
 *     program                                  thread of the capture
 *     VS_CAPTURE_FILE + descriptor ──────────▶ keeps it
 *     VS_CAPTURE_START ──────────────────────▶ checks, begins
 *                        ◀──────────────────── struct vs_wire_capture_answer
 *     VS_CAPTURE_COUNT ──────────────────────▶
 *                        ◀──────────────────── the counters so far
 *     VS_CAPTURE_STOP ───────────────────────▶ writes what it has, ends
 *                        ◀──────────────────── the last counters; then end of file
 *
 * A capture that ends by itself sends its last counters, too: an answer without a question. The hang-up of
 * all copies of the program's end is a VS_CAPTURE_STOP, unless VS_CAPTURE_KEPT was wanted and it has started.
 */

#include <stdint.h>

#define VS_CAPTURE_FILES_MAX 64
#define VS_CAPTURE_COMMENT_BYTES 512
#define VS_CAPTURE_SNAP_MAX 262144u
#define VS_CAPTURE_BUFFER_LEAST 65536u
#define VS_CAPTURE_BUFFER_MOST (256u << 20)

#define VS_CAPTURE_KEPT 1u /* flag */

struct vs_wire_capture {
	uint64_t file_bytes;   /* of each file; 0: no limit */
	uint64_t buffer_bytes; /* between the pump and the thread that writes */
	uint64_t frames;       /* it ends after so many; 0: no limit */
	uint32_t snaplen;      /* bytes of a frame that are kept */
	uint32_t flags;
	char comment[VS_CAPTURE_COMMENT_BYTES];
};

enum vs_capture_question {
	VS_CAPTURE_FILE = 0x63617001,
	VS_CAPTURE_START,
	VS_CAPTURE_COUNT,
	VS_CAPTURE_STOP,
};

struct vs_wire_capture_answer {
	uint32_t question;   /* that it answers; VS_CAPTURE_STOP: nothing follows */
	int32_t result;      /* of START: 0 or -errno. Else why it has ended: 0, or a positive errno */
	uint64_t seen;       /* frames that passed */
	uint64_t written;    /* frames in files */
	uint64_t dropped;    /* frames that did not fit into the buffer, or could not be written */
	uint64_t os_dropped; /* frames that the kernel had no room for */
	uint64_t bytes;      /* written to files */
	uint32_t file;       /* the one that is written, counted from 0 */
	uint32_t files_used; /* how often another file was begun */
};

/* ---- wire taps ---- */

#define VS_WIRETAP_RX 1         /* the frames that the stack receives, too; with a header */
#define VS_WIRETAP_HEADER 2    /* each message begins with a struct vdestack_tap_header */
#define VS_WIRETAP_TO_NETWORK 4 /* what is written goes to the network */
#define VS_WIRETAP_ALONE 8     /* the network sees nothing, and nothing comes from it */
#define VS_WIRETAP_FLAGS 15

#endif
