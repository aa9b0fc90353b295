/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DH_LOOKUP_H
#define DH_LOOKUP_H

/* One question to a name server, and its answer. */

#include <iothdns.h>
#include <stdint.h>

#define DH_ADDRS_MAX 16  /* of one name; more are left out */
#define DH_TEXT_MAX 4096 /* bytes of the strings of TXT records; more are left out */

enum dh_kind { DH_A, DH_AAAA, DH_TXT };

enum dh_outcome {
	DH_FOUND,
	DH_NONE,  /* there is no such name, or it has none of this kind */
	DH_FAILED /* no name server has answered usefully */
};

struct dh_answer {
	enum dh_outcome outcome;
	unsigned n;                      /* addresses */
	uint8_t addrs[DH_ADDRS_MAX][16]; /* DH_A: the first 4 bytes */
	char *text; /* DH_TXT: the strings, a ',' between them unless one has 255 bytes. Or NULL */
	uint32_t ttl_s; /* the least */
};

/* Waits for the servers as the resolver does. The caller frees answer->text. */
void dh_lookup(struct iothdns *dns, const char *name, enum dh_kind kind, struct dh_answer *answer);

#endif
