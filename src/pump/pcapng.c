/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcapng.h"

#include <string.h>

enum {
	SECTION = 0x0a0d0d0a,
	INTERFACE = 1,
	STATISTICS = 5,
	PACKET = 6,
};

#define MAGIC 0x1a2b3c4du
#define LINKTYPE_ETHERNET 1

enum { /* options */
	END = 0,
	COMMENT = 1,
	SHB_HARDWARE = 2,
	SHB_OS = 3,
	SHB_PROGRAM = 4,
	IF_NAME = 2,
	IF_DESCRIPTION = 3,
	IF_TSRESOL = 9,
	EPB_FLAGS = 2,
	EPB_DROPCOUNT = 4,
	ISB_START = 2,
	ISB_END = 3,
	ISB_IFRECV = 4,
	ISB_IFDROP = 5,
	ISB_OSDROP = 7,
};

#define EPB_INBOUND 1u
#define EPB_OUTBOUND 2u
#define NANOSECONDS 9 /* if_tsresol: 10^-9 s */

/* A block that is being put. What does not fit is left out, and the block is taken back at its end. */
struct block {
	struct vs_pcapng *out;
	size_t start;
	bool full;
	bool has_options;
};

static void put(struct block *b, const void *bytes, size_t n)
{
	struct vs_pcapng *out = b->out;

	if (b->full || n > out->size - out->len) {
		b->full = true;
		return;
	}
	memcpy(out->bytes + out->len, bytes, n);
	out->len += n;
}

static void put32(struct block *b, uint32_t value)
{
	put(b, &value, sizeof(value));
}

static void pad(struct block *b, size_t n)
{
	put(b, "\0\0\0", (4 - n % 4) % 4);
}

static struct block begin(struct vs_pcapng *out, uint32_t type)
{
	struct block b = { .out = out, .start = out->len };

	put32(&b, type);
	put32(&b, 0); /* its length, set at the end */
	return b;
}

static void option(struct block *b, uint16_t code, const void *value, size_t n)
{
	uint16_t head[2] = { code, (uint16_t)n };

	put(b, head, sizeof(head));
	put(b, value, n);
	pad(b, n);
	b->has_options = true;
}

static void text_option(struct block *b, uint16_t code, const char *text)
{
	if (text != NULL && text[0] != '\0')
		option(b, code, text, strnlen(text, VS_PCAPNG_TEXT_MAX));
}

static void comment_options(struct block *b, const struct vs_pcapng_comments *comments)
{
	for (size_t i = 0; comments != NULL && i < comments->n; i++)
		text_option(b, COMMENT, comments->text[i]);
}

static bool end(struct block *b)
{
	if (b->has_options)
		put32(b, END);
	uint32_t len = (uint32_t)(b->out->len - b->start) + 4;
	put32(b, len);
	if (b->full)
		b->out->len = b->start;
	else
		memcpy(b->out->bytes + b->start + 4, &len, sizeof(len));
	return !b->full;
}

bool vs_pcapng_section(struct vs_pcapng *out, const char *hardware, const char *os, const char *program,
		       const char *comment)
{
	static const uint16_t version[2] = { 1, 0 };
	static const uint64_t unknown_length = UINT64_MAX;
	struct block b = begin(out, SECTION);

	put32(&b, MAGIC);
	put(&b, version, sizeof(version));
	put(&b, &unknown_length, sizeof(unknown_length));
	text_option(&b, COMMENT, comment);
	text_option(&b, SHB_HARDWARE, hardware);
	text_option(&b, SHB_OS, os);
	text_option(&b, SHB_PROGRAM, program);
	return end(&b);
}

bool vs_pcapng_interface(struct vs_pcapng *out, const char *name, const char *description, uint32_t snaplen)
{
	static const uint16_t type[2] = { LINKTYPE_ETHERNET, 0 };
	static const uint8_t resolution = NANOSECONDS;
	struct block b = begin(out, INTERFACE);

	put(&b, type, sizeof(type));
	put32(&b, snaplen);
	text_option(&b, IF_NAME, name);
	text_option(&b, IF_DESCRIPTION, description);
	option(&b, IF_TSRESOL, &resolution, sizeof(resolution));
	return end(&b);
}

/* Times are two halves, the upper one first, in each byte order. */
static void put_time(struct block *b, int64_t time_ns)
{
	put32(b, (uint32_t)((uint64_t)time_ns >> 32));
	put32(b, (uint32_t)time_ns);
}

bool vs_pcapng_frame(struct vs_pcapng *out, const struct vs_pcapng_frame *frame)
{
	struct block b = begin(out, PACKET);
	uint32_t flags = frame->rx ? EPB_INBOUND : EPB_OUTBOUND;
	size_t held = 0;

	for (int i = 0; i < frame->n_iov; i++)
		held += frame->iov[i].iov_len;
	put32(&b, 0); /* the only interface */
	put_time(&b, frame->time_ns);
	put32(&b, (uint32_t)held);
	put32(&b, (uint32_t)frame->len);
	for (int i = 0; i < frame->n_iov; i++)
		put(&b, frame->iov[i].iov_base, frame->iov[i].iov_len);
	pad(&b, held);
	option(&b, EPB_FLAGS, &flags, sizeof(flags));
	if (frame->dropped > 0)
		option(&b, EPB_DROPCOUNT, &frame->dropped, sizeof(frame->dropped));
	comment_options(&b, frame->comments);
	return end(&b);
}

static void time_option(struct block *b, uint16_t code, int64_t time_ns)
{
	uint32_t halves[2] = { (uint32_t)((uint64_t)time_ns >> 32), (uint32_t)time_ns };

	option(b, code, halves, sizeof(halves));
}

bool vs_pcapng_statistics(struct vs_pcapng *out, const struct vs_pcapng_counts *counts,
			  const struct vs_pcapng_comments *comments)
{
	struct block b = begin(out, STATISTICS);

	put32(&b, 0);
	put_time(&b, counts->end_ns);
	comment_options(&b, comments);
	time_option(&b, ISB_START, counts->start_ns);
	time_option(&b, ISB_END, counts->end_ns);
	option(&b, ISB_IFRECV, &counts->received, sizeof(uint64_t));
	option(&b, ISB_IFDROP, &counts->dropped, sizeof(uint64_t));
	option(&b, ISB_OSDROP, &counts->os_dropped, sizeof(uint64_t));
	return end(&b);
}

size_t vs_pcapng_whole(const unsigned char *bytes, size_t len)
{
	size_t at = 0;
	uint32_t block;

	while (len - at >= 8) {
		memcpy(&block, bytes + at + 4, sizeof(block));
		if (block < 12 || block > len - at)
			break;
		at += block;
	}
	return at;
}
