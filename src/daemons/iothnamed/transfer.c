/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "transfer.h"

#include <errno.h>

#define PART_BYTES 16384 /* of records, before names are compressed: pointers reach no further */

int nm_transfer_write(const struct nm_answer *a, const struct nm_request *r, size_t *at, uint8_t **bytes,
		      size_t *n)
{
	struct nm_answer part = { a->rcode, a->aa, a->ra, ldns_rr_list_new(), NULL };
	size_t i = *at, all = ldns_rr_list_rr_count(a->answer), size = 0;
	int e = part.answer == NULL ? -ENOMEM : 0;

	for (; e == 0 && i < all; i++) {
		ldns_rr *rr = ldns_rr_list_rr(a->answer, i);
		size += ldns_rr_uncompressed_size(rr);
		if (size > PART_BYTES && i > *at)
			break;
		if (!ldns_rr_list_push_rr(part.answer, rr))
			e = -ENOMEM;
	}
	if (e == 0)
		e = nm_answer_write(&part, r, true, bytes, n);
	ldns_rr_list_free(part.answer); /* the records are those of a */
	if (e == 0)
		*at = i;
	return e;
}
