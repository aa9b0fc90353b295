/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTHDNS_PACKET_H
#define VS_IOTHDNS_PACKET_H

/* A message that is read or written. Positions are offsets from its beginning. */

#include <iothdns.h>
#include <ldns/ldns.h>
#include <stdbool.h>

#define VS_IOTHDNS_HEADER 12

struct iothdns_pkt {
	int error;           /* errno of the first failure; 0: none */
	size_t question_end; /* behind the question */
	int section;         /* of the last record */

	/* Reading: out is NULL, the bytes are the caller's. */
	uint8_t *bytes;
	size_t size, at, data_end;       /* data_end: of the record that is read */
	unsigned left[IOTHDNS_SECTIONS]; /* records that follow */

	/* Writing. */
	ldns_buffer *out;
	ldns_rbtree_t *names; /* names that stand in the message already, and where */
	size_t length_at;     /* of the last record's length; 0: no record */
	bool left_out;        /* the last record: its data is dropped */
	bool has_opt;
};

uint16_t vs_iothdns_get16(const uint8_t *at);
void vs_iothdns_set16(uint8_t *at, unsigned value);

#endif
