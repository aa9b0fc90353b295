/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_TRANSFER_H
#define NM_TRANSFER_H

/* The records of a zone in as many messages as they need, RFC 5936 section 2.2. */

#include "message.h"

/* The longest record that a message can have, with room for all else that is in it. */
#define NM_RECORD_MAX 65000

/*
 * The bytes of a message with records of the answer from *at on, which is moved behind them. The caller
 * frees *bytes. 0 or -ENOMEM.
 */
int nm_transfer_write(const struct nm_answer *a, const struct nm_request *r, size_t *at, uint8_t **bytes,
		      size_t *n);

#endif
