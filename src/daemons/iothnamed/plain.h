/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_PLAIN_H
#define NM_PLAIN_H

/*
 * Messages in the form that nearly all have, without memory for each record: see plain.c. All others are
 * read and written by message.h.
 */

#include "message.h"

/* The OPT record of a request. */
struct nm_opt {
	bool there;
	uint16_t udp_size;
	uint8_t version;
	const uint8_t *options; /* with options_n bytes */
	size_t options_n;
	bool dnssec_ok;
};

/*
 * Reads name, type and class of the question, and the OPT record. False: the form is another one, and
 * nothing has been written. The counts of the header have been checked: one question, no other records than
 * additional ones.
 */
bool nm_plain_read(struct nm_request *r, struct nm_opt *opt, const uint8_t *bytes, size_t n);

/*
 * The bytes of the answer to a request, of which there are not more than size, and by UDP not more than the
 * client takes. Returns how many; 0: it takes nm_answer_write().
 */
size_t nm_plain_write(const struct nm_answer *a, const struct nm_request *r, uint8_t *to, size_t size);

#endif
