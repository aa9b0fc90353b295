/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_MESSAGE_H
#define NM_MESSAGE_H

/* Requests of clients and answers to them, as bytes. Nothing here knows sockets. */

#include "name.h"

#define NM_UDP_MIN 512  /* what a client without EDNS takes, RFC 1035 section 4.2.1 */
#define NM_UDP_MAX 1232 /* what passes usual networks without fragments */
#define NM_TCP_MAX 65535
#define NM_HEADER 12
#define NM_COOKIE_MAX 40

struct nm_request {
	uint16_t id, type, class;
	uint8_t opcode;
	bool rd, cd, edns, dnssec_ok, has_question;
	bool tcp;                      /* how it came; false at first */
	uint16_t udp_size;             /* what the client takes by UDP */
	uint8_t cookie[NM_COOKIE_MAX]; /* the option COOKIE, with cookie_n bytes; 0: there is none */
	uint8_t cookie_n;
	struct nm_name name; /* as the client wrote it */
};

enum nm_heard {
	NM_HEARD_QUESTION,
	NM_HEARD_NOTHING, /* no request: it is dropped */
	NM_HEARD_FORMERR, /* these are answered with the error of the name */
	NM_HEARD_NOTIMP,
	NM_HEARD_BADVERS
};

/* Reads a request. The header is valid for all but NM_HEARD_NOTHING. */
enum nm_heard nm_request_read(struct nm_request *r, const uint8_t *bytes, size_t n);

/* What is answered. Lists may be NULL, which is empty. */
struct nm_answer {
	int rcode; /* above 15: an extended one */
	bool aa, ra;
	ldns_rr_list *answer, *authority;
};

/* Adds a record, which is freed if there is no memory, and may be NULL for that. 0 or -ENOMEM. */
int nm_answer_add(struct nm_answer *a, ldns_rr *rr);
int nm_answer_add_authority(struct nm_answer *a, ldns_rr *rr);
void nm_answer_clear(struct nm_answer *a);

/*
 * The bytes of the answer to a request: with an OPT record if the request has one; with the bit TC and
 * without records if it is longer than by UDP the client, or by TCP a message, can take. The caller frees
 * *bytes. 0 or -ENOMEM.
 */
int nm_answer_write(const struct nm_answer *a, const struct nm_request *r, bool tcp, uint8_t **bytes,
		    size_t *n);

#endif
