/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes are read as a message: reading ends, never passes a record's end, and what was read can be
 * written and is read again as the same. Then the input is a list of calls that write a message.
 */

#include <fuzz.h>
#include <iothdns.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Reads the data of a record as everything that it might be. */
static void read_data(struct iothdns_pkt *p, uint8_t how)
{
	char name[IOTHDNS_MAXNAME], string[IOTHDNS_MAXSTRING];
	uint8_t addr[16];

	for (int i = 0; i < 8; i++, how = (uint8_t)(how >> 1 | how << 7)) {
		if (how & 1)
			CHECK(iothdns_get_name(p, name) == NULL || strlen(name) < sizeof(name));
		else if (how & 2)
			CHECK(iothdns_get_string(p, string) == NULL || strlen(string) < sizeof(string));
		else if (how & 4)
			(void)iothdns_get_aaaa(p, addr);
		else
			(void)iothdns_get_int32(p);
	}
}

static void read_all(uint8_t *bytes, size_t size)
{
	char qname[IOTHDNS_MAXNAME], name[IOTHDNS_MAXNAME], again[IOTHDNS_MAXNAME];
	struct iothdns_header h, h2;
	struct iothdns_rr rr;
	int section, last = IOTHDNS_SEC_ANSWER;
	size_t records = 0;
	struct iothdns_pkt *p = iothdns_get_header(&h, bytes, size, qname);

	if (p == NULL)
		return;
	CHECK(h.qname == qname && strlen(qname) < sizeof(qname));
	struct iothdns_pkt *out = iothdns_put_header(&h);
	CHECK(out != NULL); /* a name that was read can be written */
	while ((section = iothdns_get_rr(p, &rr, name)) != 0) {
		CHECK(section >= last && section < IOTHDNS_SECTIONS && ++records <= size / 11);
		last = section;
		CHECK(strlen(name) < sizeof(name));
		iothdns_put_rr(section, out, &rr);
		read_data(p, bytes[rr.rdlength % size]);
	}
	struct iovec whole = iothdns_getbuf(out);
	if (whole.iov_base != NULL) { /* else compressed names have become more than fits */
		struct iothdns_pkt *q = iothdns_get_header(&h2, whole.iov_base, whole.iov_len, again);
		CHECK(q != NULL && strcmp(again, qname) == 0 && h2.qtype == h.qtype);
		for (size_t i = 0; i < records; i++)
			CHECK(iothdns_get_rr(q, &rr, again) != 0 && rr.rdlength == 0);
		CHECK(iothdns_get_rr(q, &rr, again) == 0);
		iothdns_free(q);
	}
	iothdns_free(out);
	iothdns_free(p);
}

static void write_one(struct iothdns_pkt *p, uint8_t call, const char *text, struct iothdns_rr *rr)
{
	switch (call % 6) {
	case 0:
		iothdns_put_rr(call >> 5, p, rr);
		break;
	case 1:
		iothdns_put_name(p, text);
		break;
	case 2:
		iothdns_put_name_uncompressed(p, text);
		break;
	case 3:
		iothdns_put_string(p, (char *)(uintptr_t)text);
		break;
	case 4:
		iothdns_put_int32(p, call);
		break;
	default:
		iothdns_put_data(p, (void *)(uintptr_t)text, (uint16_t)strlen(text));
	}
}

/* Each zero-terminated part of the input is a call: its first byte, and the text behind it. */
static void write_all(const char *text, size_t size)
{
	struct iothdns_header h = { .qname = text, .qtype = 1, .qclass = 1 };
	struct iothdns_pkt *p = iothdns_put_header(&h);
	char name[IOTHDNS_MAXNAME];

	for (size_t at = strlen(text) + 1; p != NULL && at < size; at += strlen(text + at) + 1) {
		struct iothdns_rr rr = { .name = text + at + (text[at] != '\0'), .type = 1, .class = 1 };
		write_one(p, (uint8_t)text[at], rr.name, &rr);
	}
	struct iovec whole = iothdns_getbuf(p);
	if (whole.iov_base != NULL) {
		CHECK(whole.iov_len >= 17 && whole.iov_len <= 65535);
		struct iothdns_rr rr;
		struct iothdns_pkt *q = iothdns_get_header(&h, whole.iov_base, whole.iov_len, name);
		size_t records = 0, end = whole.iov_len / 11;
		while (q != NULL && iothdns_get_rr(q, &rr, name) != 0)
			CHECK(++records <= end);
		iothdns_free(q);
	}
	iothdns_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of exactly this size, so that a sanitizer sees reads beyond the end. */
	uint8_t *bytes = malloc(size > 0 ? size : 1);
	char *text = calloc(1, size + 1);

	CHECK(bytes != NULL && text != NULL);
	if (size > 0) {
		memcpy(bytes, data, size);
		memcpy(text, data, size);
		read_all(bytes, size);
	}
	write_all(text, size + 1);
	free(bytes);
	free(text);
	return 0;
}
