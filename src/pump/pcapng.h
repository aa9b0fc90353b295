/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_PCAPNG_H
#define VS_PUMP_PCAPNG_H

/*
 * The file format pcapng (draft-ietf-opsawg-pcapng), as far as a capture of one interface needs it. Pure:
 * blocks are put into memory. Numbers have the byte order of this machine, as the format allows.
 *
 *	section header, interface description      at the start of each file
 *	enhanced packet block                      for each frame
 *	interface statistics                       at the end of each file
 *
 * Each function puts one block. False: it does not fit, and nothing was put.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Longer texts of options are cut. */
#define VS_PCAPNG_TEXT_MAX 512
/* More comments of one block are left out. */
#define VS_PCAPNG_COMMENTS_MAX 16
/* Bytes of a block beside the frame that it holds, at most. */
#define VS_PCAPNG_BLOCK_MAX (128 + (VS_PCAPNG_COMMENTS_MAX + 4) * (VS_PCAPNG_TEXT_MAX + 8))

/* Where blocks go. */
struct vs_pcapng {
	unsigned char *bytes;
	size_t size;
	size_t len;
};

/* Comments of a block, each a text. */
struct vs_pcapng_comments {
	const char *text[VS_PCAPNG_COMMENTS_MAX];
	size_t n;
};

struct vs_pcapng_frame {
	int64_t time_ns;      /* since 1970 */
	const struct iovec *iov;
	int n_iov;
	size_t len;           /* on the network; the pieces may have less */
	bool rx;
	uint64_t dropped;     /* frames that were lost between the one before and this one */
	const struct vs_pcapng_comments *comments; /* NULL: none */
};

struct vs_pcapng_counts {
	int64_t start_ns, end_ns; /* since 1970 */
	uint64_t received;    /* frames that were there to be captured */
	uint64_t dropped;     /* by the capture */
	uint64_t os_dropped;  /* by the kernel */
};

/* Texts may be NULL. */
bool vs_pcapng_section(struct vs_pcapng *out, const char *hardware, const char *os, const char *program,
		       const char *comment);
bool vs_pcapng_interface(struct vs_pcapng *out, const char *name, const char *description, uint32_t snaplen);
bool vs_pcapng_frame(struct vs_pcapng *out, const struct vs_pcapng_frame *frame);
bool vs_pcapng_statistics(struct vs_pcapng *out, const struct vs_pcapng_counts *counts,
			  const struct vs_pcapng_comments *comments);

/* Bytes of the whole blocks in the first `len` bytes: to cut a file behind its last whole block. */
size_t vs_pcapng_whole(const unsigned char *bytes, size_t len);

#endif
