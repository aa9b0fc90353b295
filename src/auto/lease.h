/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_AUTO_LEASE_H
#define VS_AUTO_LEASE_H

/*
 * Leases and identities as text, for files. Lines of words, the last one is a checksum of what stands
 * before. The text of a lease:
 *
 *     vdestack lease 1
 *     source dhcp4
 *     obtained 1764446400123                  ms of CLOCK_REALTIME
 *     address 10.0.0.5/24 3600 3600           valid and preferred lifetime, in s; then "nodad", "noroute"
 *     server 0a000001
 *     prefix 2001:db8::/56
 *     sum 90b1a3e7c8d1f04e
 *
 * Whatever is not exactly so is damaged: it is refused as a whole.
 */

#include <stdbool.h>
#include <stddef.h>

#include "auto.h"

#define VS_LEASE_TEXT_MAX 2048

/*
 * Writes the lease of the source called `name`. obtained_ms: the lease's `obtained` on CLOCK_REALTIME.
 * Returns the length.
 */
size_t vs_lease_write(const struct vs_auto_lease *lease, const char *name, int64_t obtained_ms,
		      char text[VS_LEASE_TEXT_MAX]);
/* Reads it. lease->obtained is not set. False: it is damaged, or of another source. */
bool vs_lease_read(const char *text, size_t len, const char *name, struct vs_auto_lease *lease,
		   int64_t *obtained_ms);

/*
 * How long ago a lease was obtained, in ms, by a clock that may have been set. A clock that shows a time
 * before that tells nothing, so the lease counts as old: INT64_MAX.
 */
int64_t vs_lease_age_ms(int64_t obtained_ms, int64_t now_ms);

/* The same for n bytes of an identity: a DUID or a secret; name is its kind. */
size_t vs_lease_write_bytes(const uint8_t *bytes, size_t n, const char *name, char text[VS_LEASE_TEXT_MAX]);
/* Returns how many bytes there are, at most max; 0: it is damaged. */
size_t vs_lease_read_bytes(const char *text, size_t len, const char *name, uint8_t *bytes, size_t max);

#endif
