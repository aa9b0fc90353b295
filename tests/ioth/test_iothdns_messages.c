/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages: those of libiothdns are read again as they were written, and malformed ones are refused. */

#include <iothdns.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"

static struct iothdns_header question = { .id = 0x1234,
					  .flags = IOTHDNS_RD,
					  .qname = "www.example.org",
					  .qtype = IOTHDNS_TYPE_A,
					  .qclass = IOTHDNS_CLASS_IN };

static struct iothdns_rr rr_of(const char *name, uint16_t type)
{
	return (struct iothdns_rr){ .name = name, .type = type, .class = IOTHDNS_CLASS_IN, .ttl = 60 };
}

/* ------------------------------------------------------------------ malformed messages */

#define HEAD(qd, an) "\x12\x34\x01\x00\0" qd "\0" an "\0\0\0\0"
#define ONE HEAD("\1", "\0")
#define TAIL "\0\1\0\1"
#define REST "\0\1\0\1\0\0\0\x3c"

static const struct {
	const char *what;
	const char *bytes;
	size_t n;
	int err;     /* of get_header; 0: it is read */
	int records; /* how many records are read then */
	int end;     /* errno at the end of them */
} corpus[] = {
#define M(what, bytes, err, records, end)                                                                    \
	{                                                                                                    \
		what, bytes, sizeof(bytes) - 1, err, records, end                                            \
	}
	M("eleven bytes", "\x12\x34\1\0\0\1\0\0\0\0\0", EBADMSG, 0, 0),
	M("nothing behind the head", ONE, EBADMSG, 0, 0),
	M("no question", HEAD("\0", "\0"), EBADMSG, 0, 0),
	M("two questions", HEAD("\2", "\0") "\1a\0" TAIL "\1b\0" TAIL, EBADMSG, 0, 0),
	M("a pointer to itself", ONE "\xc0\x0c" TAIL, EBADMSG, 0, 0),
	M("two pointers in a round", ONE "\xc0\x0e\xc0\x0c" TAIL, EBADMSG, 0, 0),
	M("a pointer forward", ONE "\xc0\x20" TAIL, EBADMSG, 0, 0),
	M("a pointer beyond the end", ONE "\xff\xff" TAIL, EBADMSG, 0, 0),
	M("half a pointer", ONE "\xc0", EBADMSG, 0, 0),
	M("label type 0x40",
	  ONE "\x41"
	      "a\0" TAIL,
	  EBADMSG, 0, 0),
	M("label type 0x80",
	  ONE "\x81"
	      "a\0" TAIL,
	  EBADMSG, 0, 0),
	M("a label that is cut", ONE "\5ab", EBADMSG, 0, 0),
	M("a name without an end", ONE "\1a", EBADMSG, 0, 0),
	M("a question without a class", ONE "\1a\0\0\1", EBADMSG, 0, 0),
	M("the root", ONE "\0" TAIL, 0, 0, 0),
	M("a record that is missing", HEAD("\1", "\1") "\1a\0" TAIL, 0, 0, EBADMSG),
	M("a head that is cut", HEAD("\1", "\1") "\1a\0" TAIL "\xc0\x0c" REST, 0, 0, EBADMSG),
	M("data that is cut", HEAD("\1", "\1") "\1a\0" TAIL "\xc0\x0c" REST "\0\4\1\2\3", 0, 0, EBADMSG),
	M("the second record is cut",
	  HEAD("\1", "\2") "\1a\0" TAIL "\xc0\x0c" REST "\0\4\1\2\3\4"
			   "\xc0",
	  0, 1, EBADMSG),
	M("a record whose owner points to itself", HEAD("\1", "\1") "\1a\0" TAIL "\xc0\x13" REST "\0\0", 0, 0,
	  EBADMSG),
	M("a record without data", HEAD("\1", "\1") "\1a\0" TAIL "\xc0\x0c" REST "\0\0", 0, 1, 0),
};

CASE(malformed_messages_are_refused)
{
	for (size_t i = 0; i < sizeof(corpus) / sizeof(corpus[0]); i++) {
		char qname[IOTHDNS_MAXNAME], name[IOTHDNS_MAXNAME];
		struct iothdns_header h;
		struct iothdns_rr rr;
		int records = 0;
		uint8_t *exact = malloc(corpus[i].n); /* so that a sanitizer sees reads beyond the end */
		CHECK(exact != NULL);
		memcpy(exact, corpus[i].bytes, corpus[i].n);
		errno = 0;
		struct iothdns_pkt *p = iothdns_get_header(&h, exact, corpus[i].n, qname);
		if ((p == NULL) != (corpus[i].err != 0) || errno != corpus[i].err)
			FAIL("%s: %s", corpus[i].what, strerror(errno));
		while (p != NULL && iothdns_get_rr(p, &rr, name) != 0)
			records++;
		if (records != corpus[i].records || (p != NULL && errno != corpus[i].end))
			FAIL("%s: %d records, then %s", corpus[i].what, records, strerror(errno));
		iothdns_free(p);
		free(exact);
	}
}

CASE(names_that_are_too_long_are_refused)
{
	uint8_t bytes[12 + 64 * 5 + 5] = { 0, 1, 0, 0, 0, 1 };
	char qname[IOTHDNS_MAXNAME], text[512] = "";
	struct iothdns_header h;

	for (int i = 0; i < 5; i++) /* 321 bytes */
		memset(bytes + 12 + 64 * i, 63, 64);
	CHECK_ERRNO(iothdns_get_header(&h, bytes, sizeof(bytes), qname), EBADMSG);
	h = question;
	memset(text, 'a', 64);
	h.qname = text;
	CHECK_ERRNO(iothdns_put_header(&h), EINVAL);
	for (int i = 0; i < 300; i++)
		text[i] = i % 2 ? '.' : 'a';
	CHECK_ERRNO(iothdns_put_header(&h), EINVAL);
	h.qname = "a..b";
	CHECK_ERRNO(iothdns_put_header(&h), EINVAL);
	/* 200 bytes that are not printable are 800 characters of text. */
	memset(bytes + 12, 1, 63);
	bytes[12] = 63;
	memcpy(bytes + 76, bytes + 12, 64);
	bytes[140] = 0;
	CHECK_ERRNO(iothdns_get_header(&h, bytes, 145, qname), ERANGE);
}

CASE(reads_end_at_the_end_of_a_record)
{
	static uint8_t bytes[] = HEAD("\1", "\2") "\1a\0" TAIL "\xc0\x0c" REST "\0\3\1\2\3"
						  "\xc0\x0c" REST "\0\2\5x";
	char qname[IOTHDNS_MAXNAME], name[IOTHDNS_MAXNAME], string[IOTHDNS_MAXSTRING];
	struct iothdns_header h;
	struct iothdns_rr rr;
	uint8_t addr[4] = { 9, 9, 9, 9 };
	struct iothdns_pkt *p = iothdns_get_header(&h, bytes, sizeof(bytes) - 1, qname);

	CHECK(p != NULL);
	errno = 0;
	CHECK_EQ(iothdns_get_int8(p), 0); /* no record is read yet */
	CHECK_EQ(errno, EBADMSG);
	CHECK_EQ(iothdns_get_rr(p, &rr, name), IOTHDNS_SEC_ANSWER);
	CHECK_STR(rr.name, "a");
	CHECK_EQ(iothdns_get_int16(p), 0x0102);
	CHECK_ERRNO(iothdns_get_a(p, addr), EBADMSG);
	CHECK_EQ(addr[0], 9); /* nothing was written */
	CHECK_EQ(iothdns_get_rr(p, &rr, name), IOTHDNS_SEC_ANSWER);
	CHECK_EQ(rr.rdlength, 2);
	CHECK_ERRNO(iothdns_get_string(p, string), EBADMSG);
	CHECK_STR(string, "");
	CHECK_EQ(iothdns_get_rr(p, &rr, name), 0);
	iothdns_free(p);
}

/* ------------------------------------------------------------------ written and read */

CASE(what_is_written_is_read_again)
{
	char qname[IOTHDNS_MAXNAME], name[IOTHDNS_MAXNAME], string[IOTHDNS_MAXSTRING];
	uint8_t v4[4] = { 10, 0, 0, 1 }, got[4];
	struct iothdns_header h;
	struct iothdns_rr a = rr_of("www.example.org", IOTHDNS_TYPE_A), rr;
	struct iothdns_rr mx = rr_of("example.org", IOTHDNS_TYPE_MX), txt = rr_of("", IOTHDNS_TYPE_TXT);
	struct iothdns_pkt *p = iothdns_put_header(&question);

	CHECK(p != NULL);
	iothdns_put_rr(IOTHDNS_SEC_ANSWER, p, &a);
	iothdns_put_a(p, v4);
	iothdns_put_rr(IOTHDNS_SEC_AUTH, p, &mx);
	iothdns_put_int16(p, 10);
	iothdns_put_name(p, "mail.example.org");
	iothdns_put_rr(IOTHDNS_SEC_ADDITIONAL, p, &txt);
	iothdns_put_string(p, (char *)"hello");
	iothdns_put_int32(p, 0xdeadbeef);
	iothdns_rewrite_header(p, 7, IOTHDNS_RESPONSE);
	struct iovec whole = iothdns_getbuf(p);
	CHECK(whole.iov_base == iothdns_buf(p));
	CHECK_EQ(iothdns_buflen(p), 12 + 21 + (2 + 10 + 4) + (2 + 10 + 2 + 7) + (1 + 10 + 6 + 4));

	struct iothdns_pkt *q = iothdns_get_header(&h, whole.iov_base, whole.iov_len, qname);
	CHECK(q != NULL);
	CHECK_EQ(h.id, 7);
	CHECK_EQ(h.flags, IOTHDNS_RESPONSE);
	CHECK_STR(h.qname, "www.example.org");
	CHECK_EQ(iothdns_get_rr(q, &rr, name), IOTHDNS_SEC_ANSWER);
	CHECK(iothdns_get_a(q, got) != NULL && memcmp(got, v4, 4) == 0);
	CHECK_EQ(iothdns_get_rr(q, &rr, name), IOTHDNS_SEC_AUTH);
	CHECK_EQ(iothdns_get_int16(q), 10);
	CHECK_STR(iothdns_get_name(q, name), "mail.example.org");
	CHECK_EQ(iothdns_get_rr(q, &rr, name), IOTHDNS_SEC_ADDITIONAL);
	CHECK_EQ(rr.ttl, 60);
	CHECK_STR(iothdns_get_string(q, string), "hello");
	CHECK_EQ(iothdns_get_int32(q), 0xdeadbeef);
	errno = 0;
	CHECK_EQ(iothdns_get_rr(q, &rr, name), 0);
	CHECK_EQ(errno, 0);
	iothdns_free(q);
	iothdns_free(p);
}

CASE(names_far_behind_are_not_pointed_to)
{
	char qname[IOTHDNS_MAXNAME], name[IOTHDNS_MAXNAME], owner[64];
	struct iothdns_header h;
	struct iothdns_rr rr;
	int n = 0;
	struct iothdns_pkt *p = iothdns_put_header(&question);

	for (int i = 0; i < 1500; i++) { /* each name twice, 0x3fff is passed on the way */
		snprintf(owner, sizeof(owner), "n%d.in%d.example", i / 2, i / 2);
		rr = rr_of(owner, IOTHDNS_TYPE_NS);
		iothdns_put_rr(IOTHDNS_SEC_ANSWER, p, &rr);
		iothdns_put_name(p, owner);
	}
	CHECK(iothdns_buflen(p) > 0x4000);
	struct iothdns_pkt *q = iothdns_get_header(&h, iothdns_buf(p), iothdns_buflen(p), qname);
	CHECK(q != NULL);
	for (; iothdns_get_rr(q, &rr, name) != 0; n++) {
		snprintf(owner, sizeof(owner), "n%d.in%d.example", n / 2, n / 2);
		CHECK_STR(name, owner);
		CHECK_STR(iothdns_get_name(q, name), owner);
	}
	CHECK_EQ(n, 1500);
	iothdns_free(q);
	iothdns_free(p);
}

CASE(a_message_has_at_most_65535_bytes)
{
	uint8_t data[1000] = { 0 };
	struct iothdns_rr rr = rr_of("x", IOTHDNS_TYPE_NULL);
	struct iothdns_pkt *p = iothdns_put_header(&question);

	for (int i = 0; i < 64; i++) {
		iothdns_put_rr(IOTHDNS_SEC_ANSWER, p, &rr);
		iothdns_put_data(p, data, sizeof(data));
	}
	CHECK(iothdns_buflen(p) > 64000);
	iothdns_put_data(p, data, sizeof(data));
	iothdns_put_data(p, data, sizeof(data));
	CHECK_ERRNO(iothdns_buf(p), EMSGSIZE);
	CHECK_EQ(iothdns_buflen(p), 0);
	iothdns_put_int8(p, 1);
	CHECK_ERRNO(iothdns_buf(p), EMSGSIZE);
	iothdns_free(p);
}

CASE(records_of_an_earlier_section_are_left_out)
{
	struct iothdns_rr rr = rr_of("x", IOTHDNS_TYPE_NULL);
	struct iothdns_pkt *p = iothdns_put_header(&question);

	iothdns_put_rr(IOTHDNS_SEC_AUTH, p, &rr);
	size_t n = iothdns_buflen(p);
	errno = 0;
	iothdns_put_rr(IOTHDNS_SEC_ANSWER, p, &rr);
	CHECK_EQ(errno, EINVAL);
	iothdns_put_int32(p, 1); /* data of that record */
	iothdns_put_rr(IOTHDNS_SECTIONS, p, &rr);
	iothdns_put_name(p, "x");
	CHECK_EQ(iothdns_buflen(p), n);
	iothdns_put_rr(IOTHDNS_SEC_ADDITIONAL, p, &rr);
	iothdns_put_int8(p, 1);
	CHECK_EQ(iothdns_buflen(p), n + 2 + 10 + 1);
	iothdns_free(p);
}

CASE(strings_of_more_than_255_bytes_and_wrong_names_spoil_the_message)
{
	char long_string[300];
	struct iothdns_rr rr = rr_of("x", IOTHDNS_TYPE_TXT);
	struct iothdns_pkt *p = iothdns_put_header(&question);

	memset(long_string, 'x', sizeof(long_string));
	long_string[256] = '\0';
	iothdns_put_rr(IOTHDNS_SEC_ANSWER, p, &rr);
	iothdns_put_string(p, long_string + 1);
	CHECK(iothdns_buf(p) != NULL);
	iothdns_put_string(p, long_string);
	CHECK_ERRNO(iothdns_buf(p), EINVAL);
	iothdns_free(p);
	p = iothdns_put_header(&question);
	iothdns_put_int8(p, 1); /* of no record */
	CHECK_ERRNO(iothdns_buf(p), EINVAL);
	iothdns_free(p);
	iothdns_free(NULL);
}
