/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_WIRE_H
#define NM_WIRE_H

/* What is looked at in the bytes of a message before ldns reads it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Whether a message has all records that its header counts, and at most one OPT and one TSIG record: RFC 6891
 * section 6.1.1 and RFC 8945 section 5.1. ldns takes several of them, and frees only the last one.
 */
bool nm_wire_check(const uint8_t *bytes, size_t n);

#endif
